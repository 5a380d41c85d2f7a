/**
 * Tests that need the machine's own Engine: registered where there is one, else ignored with the
 * reason, or failing where `CI=true`. Whoever imports this runs in turn with all others who do.
 *
 * @module
 */

import { resolveDockerHost } from "../../src/config.ts";
import { DockerClient } from "../../src/docker/client.ts";
import { missing } from "../harness/missing.ts";
import { busybox } from "./busybox.ts";
import { type EngineScope, RealEngine } from "./real.ts";
import { run } from "./run.ts";

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

/** The host's Engine, or why there is none to test with. */
export const ENGINE: RealEngine | string = await findEngine();
