/**
 * Tests that need a real Engine: registered where there is one, else ignored with the reason, or
 * failing where `CI=true`.
 *
 * @module
 */

import { resolveDockerHost } from "../../src/config.ts";
import { DockerClient } from "../../src/docker/client.ts";
import { busybox } from "./busybox.ts";
import { type EngineScope, RealEngine } from "./real.ts";
import { run } from "./run.ts";

/** Whether a missing prerequisite is a failure rather than a reason to skip. */
export const STRICT: boolean = Deno.env.get("CI") === "true";

/**
 * Registers a test against the host's Engine, in a scope of its own. Without an Engine it is
 * ignored with the reason in its name, or fails where `CI=true`.
 */
export function engineTest(name: string, run: (scope: EngineScope) => Promise<void>): void {
  const engine = ENGINE;
  if (typeof engine === "string") return missing(name, engine);
  Deno.test(name, async () => {
    await using scope = await engine.scope();
    await run(scope);
  });
}

/**
 * Registers a test that may start a `PrivateEngine`: as root, with dockerd and
 * containerd installed; else as {@linkcode engineTest} without an Engine.
 */
export function privateEngineTest(name: string, run: () => Promise<void>): void {
  const reason = PRIVATE_ENGINE_MISSING;
  if (reason !== null) return missing(name, reason);
  Deno.test(name, run);
}

/** Registers a test that can't run here: ignored and why, or failing where `CI=true`. */
export function missing(name: string, reason: string): void {
  Deno.test({
    name: `${name} (${reason})`,
    ignore: !STRICT,
    fn: () => {
      throw new Error(`Cannot run this test: ${reason}`);
    },
  });
}

async function findEngine(): Promise<RealEngine | string> {
  const host = resolveDockerHost({ flags: {}, env: (name) => Deno.env.get(name) });
  const address = Deno.env.get("DOCKER_HOST") ||
    (host.kind === "unix" ? `unix://${host.path}` : host.url.replace(/^https?/, "tcp"));
  using client = new DockerClient({ host, timeoutMs: 5000 });
  try {
    const { kind } = await client.version();
    if (kind !== "docker") return `the Engine at ${address} is ${kind}, not Docker`;
    await run("docker", ["--version"]);
    await busybox();
    return new RealEngine(address);
  } catch (error) {
    return `no Docker Engine to test with: ${(error as Error).message}`;
  }
}

async function privateEngineMissing(): Promise<string | null> {
  if (Deno.uid() !== 0) return "a private Engine needs root";
  for (const program of ["dockerd", "containerd", "docker", "unshare"]) {
    try {
      await run(program, ["--version"]);
    } catch {
      return `a private Engine needs ${program}`;
    }
  }
  return null;
}

/** The host's Engine, or why there is none to test with. */
export const ENGINE: RealEngine | string = await findEngine();

/** Why no Engine of a test's own can be started here; null: one can. */
export const PRIVATE_ENGINE_MISSING: string | null = await privateEngineMissing();
