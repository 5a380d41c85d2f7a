/**
 * A real store, a real client and a reconciler on an Engine, real or fake, as the daemon puts them
 * together.
 *
 * @module
 */

import { type Clock, SYSTEM_CLOCK } from "../../src/clock.ts";
import { assemble, type AssembleOptions } from "../../src/daemon.ts";
import type { DockerClient } from "../../src/docker/client.ts";
import type { DockerHost } from "../../src/docker_host.ts";
import { Log } from "../../src/telemetry/log.ts";
import type { Metrics } from "../../src/telemetry/metrics.ts";
import type { PassReport } from "../../src/model/pass.ts";
import type { Loop, LoopOptions } from "../../src/reconcile/loop.ts";
import type { Reconciler } from "../../src/reconcile/reconciler.ts";
import { Feed } from "../../src/feed.ts";
import type { Written } from "../../src/model/written.ts";
import type { ProblemWatch } from "../../src/problems/problem_watch.ts";
import type { Store } from "../../src/store/store.ts";
import { testConfig } from "./config.ts";
import { tempStore } from "./temp_store.ts";

/** How a rig is made. */
export interface RigOptions extends Pick<LoopOptions, "events" | "idleMs" | "random"> {
  clock?: Clock;
  /** Deadline of a request to the Engine. */
  timeoutMs?: number;
  composePrefix?: string;
  /** Of what is wrong; then the index goes by the clock too, and its time does not stand still. */
  problems?: AssembleOptions["problems"];
  /** Milliseconds between full passes of the loop. Default 5 min. */
  intervalMs?: number;
}

/** Everything between an Engine and a database. */
export interface Rig extends AsyncDisposable {
  /** Is told of each commit. */
  readonly feed: Feed<Written>;
  readonly store: Store;
  /** Path of the database file. */
  readonly path: string;
  readonly docker: DockerClient;
  readonly reconciler: Reconciler;
  readonly metrics: Metrics;
  /** Log lines so far, decoded. */
  readonly lines: { level: string; message: string; [key: string]: unknown }[];
  /** One full pass. */
  pass(options?: { sameEngine?: boolean }): Promise<PassReport>;
  /** The loop, not started; stopped with this. */
  readonly loop: Loop;
  /** Watches for what is wrong; not started. */
  readonly problems: ProblemWatch;
}

/** Puts a rig together. */
export async function rig(host: DockerHost, options: RigOptions = {}): Promise<Rig> {
  const { clock = SYSTEM_CLOCK, timeoutMs, composePrefix = "tinyforge-" } = options;
  const { intervalMs = 300_000, events, idleMs, random } = options;
  const feed = new Feed<Written>();
  const temp = await tempStore({ feed });
  if (options.problems !== undefined) {
    Object.defineProperty(temp, "now", { get: () => clock.now() });
  }
  const lines: Rig["lines"] = [];
  const log = new Log({
    level: "debug",
    format: "json",
    write: (line) => void lines.push(JSON.parse(new TextDecoder().decode(line))),
  });
  const data = { store: temp.store, feed, close: () => temp.store.close() };
  const { close, ...parts } = assemble(testConfig({ host, composePrefix, intervalMs }), data, {
    log,
    version: "test",
    clock,
    engineTimeoutMs: timeoutMs,
    ...(options.problems !== undefined && { problems: options.problems }),
    loop: {
      ...(events !== undefined && { events }),
      ...(idleMs !== undefined && { idleMs }),
      ...(random !== undefined && { random }),
    },
  });
  return {
    ...parts,
    path: temp.path,
    lines,
    pass: async (more = {}) => {
      const { signal } = new AbortController();
      return (await parts.reconciler.fullPass({ signal, ...more })).report;
    },
    async [Symbol.asyncDispose]() {
      await close();
      await temp[Symbol.asyncDispose]();
    },
  };
}

/** A clock that runs `factor` times as fast as the system's. */
export function fastClock(factor: number): Clock {
  const start = performance.now();
  const startedAt = Date.now();
  const elapsed = () => (performance.now() - start) * factor;
  return {
    // Whole milliseconds, as the system's.
    now: () => Math.floor(startedAt + elapsed()),
    monotonic: elapsed,
    sleep: (ms, signal) => SYSTEM_CLOCK.sleep(ms / factor, signal),
  };
}

/** One sample of the text exposition, such as `tinyforge_drift_total`; 0 when it is not there. */
export function sample(metrics: Metrics, series: string): number {
  for (const line of metrics.render().split("\n")) {
    if (line.startsWith(`${series} `)) return Number(line.slice(series.length + 1));
  }
  return 0;
}
