/**
 * A real store, a real client and a reconciler on an Engine, real or fake, as the daemon puts them
 * together.
 *
 * @module
 */

import { type Clock, SYSTEM_CLOCK } from "../../src/clock.ts";
import { DockerClient } from "../../src/docker/client.ts";
import type { DockerHost } from "../../src/docker_host.ts";
import { Log } from "../../src/telemetry/log.ts";
import { createMetrics, type Metrics } from "../../src/telemetry/metrics.ts";
import type { PassReport } from "../../src/model/pass.ts";
import { Loop } from "../../src/reconcile/loop.ts";
import { Reconciler } from "../../src/reconcile/reconciler.ts";
import type { Feed } from "../../src/feed.ts";
import type { Written } from "../../src/model/written.ts";
import type { Store } from "../../src/store/store.ts";
import { tempStore } from "./temp_store.ts";

/** How a rig is made. */
export interface RigOptions {
  clock?: Clock;
  /** Deadline of a request to the Engine. */
  timeoutMs?: number;
  composePrefix?: string;
  /** Is told of what is written. */
  feed?: Feed<Written>;
}

/** Everything between an Engine and a database. */
export interface Rig extends AsyncDisposable {
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
  /** A loop on this rig; stopped with it. */
  loop(options?: Partial<ConstructorParameters<typeof Loop>[0]>): Loop;
}

/** Puts a rig together. */
export async function rig(host: DockerHost, options: RigOptions = {}): Promise<Rig> {
  const { clock = SYSTEM_CLOCK, timeoutMs, composePrefix = "tinyforge-", feed } = options;
  const temp = await tempStore(feed === undefined ? {} : { feed });
  const lines: Rig["lines"] = [];
  const log = new Log({
    level: "debug",
    format: "json",
    write: (line) => void lines.push(JSON.parse(new TextDecoder().decode(line))),
  });
  const metrics = createMetrics({ version: "test" });
  const docker = new DockerClient({
    host,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    observe: (endpoint, outcome) => metrics.engineRequests.inc({ endpoint, outcome }),
  });
  const { store } = temp;
  const reconciler = new Reconciler({ docker, store, composePrefix, clock, log, metrics });
  const loops: Loop[] = [];
  return {
    store,
    path: temp.path,
    docker,
    reconciler,
    metrics,
    lines,
    pass: async (more = {}) => {
      const { signal } = new AbortController();
      return (await reconciler.fullPass({ signal, ...more })).report;
    },
    loop: (more = {}) => {
      const loop = new Loop({
        reconciler,
        docker,
        intervalMs: 300_000,
        clock,
        log,
        metrics,
        ...more,
      });
      loops.push(loop);
      return loop;
    },
    async [Symbol.asyncDispose]() {
      for (const loop of loops) await loop.stop();
      docker.close();
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
    now: () => startedAt + elapsed(),
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
