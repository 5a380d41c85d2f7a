/**
 * A host beside an Engine that does what it is told, with the daemon as a process or without, for
 * tests of commands.
 *
 * @module
 */

import { FakeEngine } from "../engines/scripted.ts";
import { type Running, TestHost } from "./program.ts";
import { until } from "./until.ts";

/** A host and the Engine that it asks; they go away together. */
export interface EngineHost extends AsyncDisposable {
  readonly host: TestHost;
  readonly engine: FakeEngine;
}

/** A host whose Engine nobody follows yet. */
export async function engineHost(): Promise<EngineHost> {
  const engine = await FakeEngine.start();
  const host = await TestHost.make();
  host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
  return {
    host,
    engine,
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    },
  };
}

/**
 * The same with a daemon that is ready within `withinMs`, and follows the Engine's events if `events`
 * says so. Throws what it logged where it is not.
 */
export async function daemonHost(
  { withinMs = 20_000, events = false } = {},
): Promise<EngineHost & { readonly daemon: Running }> {
  const made = await engineHost();
  const { host, engine } = made;
  const daemon = host.start("reconcile", "--interval", "5m");
  try {
    const isReady = async () => (await host.run("healthcheck")).code === 0;
    await until("the daemon is ready", isReady, { withinMs });
    if (events) await until("events flow", () => engine.followers > 0);
  } catch (cause) {
    await made[Symbol.asyncDispose]();
    throw new Error(daemon.stderr, { cause });
  }
  return { ...made, daemon };
}
