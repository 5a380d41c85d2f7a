/**
 * From an event to the row that it changes.
 *
 * @module
 */

import { SYSTEM_CLOCK } from "../../src/clock.ts";
import type { Feed, FeedSubscription } from "../../src/feed.ts";
import type { Written } from "../../src/model/written.ts";
import type { Loop } from "../../src/reconcile/loop.ts";
import type { Store } from "../../src/store/store.ts";
import { ENGINE } from "../engines/docker.ts";
import { rig } from "../harness/rig.ts";
import { simId } from "../engines/crowd.ts";
import { until } from "../harness/until.ts";
import { type Bench, type Figure, median, percentile } from "./figure.ts";
import { type World, world } from "./world.ts";

/** The benches of this file. */
export const BENCHES: readonly Bench[] = [
  { name: "event-latency", run: eventLatency },
  { name: "event-growth", run: eventGrowth },
  { name: "crash-loop", run: crashLoop },
  {
    name: "real-engine",
    missing: () => Promise.resolve(typeof ENGINE === "string" ? ENGINE : null),
    run: realEngine,
  },
];

/** Lags of commits behind the events that caused them, as they come. */
class Lags {
  /** Milliseconds, with the container that the row is bound to. */
  readonly samples: { containerId: string; ms: number }[] = [];

  constructor({ store, feed }: { store: Store; feed: Feed<Written> }) {
    this.#follow(store, feed.subscribe());
  }

  async #follow(store: Store, commits: FeedSubscription<Written>): Promise<void> {
    for await (const { data: { rows } } of commits) {
      const now = performance.timeOrigin + performance.now();
      for (const { id, seq } of rows) {
        if (seq === null) continue;
        const last = store.transitions.ofRow(id, { limit: 1 })[0];
        if (last?.cause !== "event" || last.origin.by !== "event" || !last.origin.at) continue;
        const ms = now - Date.parse(last.origin.at);
        this.samples.push({ containerId: last.containerId!, ms });
      }
    }
  }

  /** Only the lags. */
  get ms(): number[] {
    return this.samples.map((sample) => sample.ms);
  }
}

/** A loop whose boot pass and first full pass after it are through. */
async function follow({ loop }: Pick<World, "loop">): Promise<Loop> {
  loop.start();
  await loop.outcomes.firstPass;
  await until("events flow", () => loop.events.up);
  await loop.reconcileNow();
  return loop;
}

/** Indexes of simulated containers that have a row after a boot pass. */
function managed(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i).filter((i) => i % 10 !== 9);
}

const pause = (ms: number) => SYSTEM_CLOCK.sleep(ms, new AbortController().signal);

/** Changes containers one after the other and waits for each row; returns the lags. */
async function changeOneByOne(w: World, lags: Lags, indexes: readonly number[]): Promise<number[]> {
  const begin = lags.samples.length;
  for (const [n, index] of indexes.entries()) {
    await w.engine.change({ indexes: [index], state: "exited", exitCode: 1 });
    await until("the row is written", () => lags.samples.length > begin + n);
    await pause(15);
  }
  return lags.ms.slice(begin);
}

async function eventLatency(): Promise<Figure[]> {
  await using w = await world(1000);
  const lags = new Lags(w);
  const loop = await follow(w);
  const indexes = managed(1000);
  await changeOneByOne(w, lags, indexes.slice(0, 50));
  const ms = await changeOneByOne(w, lags, indexes.slice(50, 450));
  await loop.stop();
  const row = "event → row committed, quiet, simulated Engine";
  const note = `${ms.length} events`;
  return [
    {
      row: `${row}, p50`,
      measured: percentile(ms, 50),
      unit: "ms",
      target: 6,
      bound: "most",
      note,
    },
    {
      row: `${row}, p99`,
      measured: percentile(ms, 99),
      unit: "ms",
      target: 10,
      bound: "most",
      note,
    },
  ];
}

/** Partial passes of one container each, in turn at both sizes so that noise hits both. */
async function eventGrowth(): Promise<Figure[]> {
  await using small = await world(100);
  await using large = await world(20_000);
  const sizes = [{ w: small, count: 100 }, { w: large, count: 20_000 }];
  const signal = new AbortController().signal;
  for (const { w } of sizes) await w.reconciler.fullPass({ signal });
  const samples: number[][] = [[], []];
  for (let round = 0; round < 330; round++) {
    for (const [which, { w, count }] of sizes.entries()) {
      const index = managed(count)[round % 90]!;
      const state = Math.floor(round / 90) % 2 === 0 ? "exited" : "running";
      await w.engine.change({ indexes: [index], state, events: false });
      const id = simId(index);
      const event = { action: "die", containerId: id, name: "", health: null, exitCode: null };
      const begin = performance.now();
      const { report } = await w.reconciler.partialPass(
        new Map([[id, { ...event, timeMs: null }]]),
        {
          signal,
        },
      );
      if (report.updated !== 1) throw new Error(`the event changed ${report.updated} rows`);
      if (round >= 30) samples[which]!.push(performance.now() - begin);
    }
  }
  const [at100, at20k] = samples.map(median) as [number, number];
  return [{
    row: "an event at 20,000 containers / at 100",
    measured: at20k / at100,
    unit: "×",
    target: 1.3,
    bound: "most",
    note: `${at100.toFixed(2)} ms and ${at20k.toFixed(2)} ms, median of 300`,
  }];
}

async function crashLoop(): Promise<Figure[]> {
  await using w = await world(1000);
  const lags = new Lags(w);
  const loop = await follow(w);
  const indexes = managed(1000);
  const before = await changeOneByOne(w, lags, indexes.slice(100, 150));
  await w.engine.resetStats();
  const looping = simId(indexes[0]!);
  const begin = performance.now();
  const others: number[] = [];
  for (let n = 0; n < 200; n++) {
    await w.engine.change({
      indexes: [indexes[0]!],
      state: n % 2 === 0 ? "exited" : "running",
      exitCode: 1,
    });
    if (n % 4 === 0) {
      const other = indexes[200 + n / 4]!;
      const known = lags.samples.length;
      await w.engine.change({ indexes: [other], state: "exited" });
      await until(
        "the other's row is written",
        () => lags.samples.slice(known).some((sample) => sample.containerId === simId(other)),
      );
      const sample = lags.samples.slice(known).find((s) => s.containerId === simId(other))!;
      others.push(sample.ms);
    }
    await pause(Math.max(0, begin + (n + 1) * 50 - performance.now()));
  }
  const { requests, idsAsked } = await w.engine.stats();
  await loop.stop();
  // Each other container is read twice, the second time to be sure. Not requests less those: two
  // that fall due in the same moment share one, as chance has it.
  const reads = idsAsked - 2 * others.length + (requests["list"] ?? 0);
  const asked = (requests["list"] ?? 0) + (requests["list_ids"] ?? 0);
  const seen = lags.samples.filter((sample) => sample.containerId === looping).length;
  return [
    {
      row: "crash loop, 20 events a second for 10 s: requests that read its container",
      measured: reads,
      unit: "requests",
      target: 40,
      bound: "most",
      note: `${asked} in all, with those for 50 other containers; ${seen} rows written`,
    },
    {
      row: "crash loop: other containers' lag / their lag without it",
      measured: median(others) / median(before),
      unit: "×",
      target: 1.5,
      bound: "most",
      note: `${median(before).toFixed(1)} ms and ${median(others).toFixed(1)} ms, medians of 50`,
    },
  ];
}

async function realEngine(): Promise<Figure[]> {
  if (typeof ENGINE === "string") throw new Error(ENGINE);
  await using scope = await ENGINE.scope();
  await using r = await rig(scope.host);
  const { workloadId } = r.store.registry.create("stack", {
    name: "bench",
    composeProjectName: scope.name,
  }).entry;
  const names: string[] = [];
  for (let i = 0; i < 10; i++) {
    const labels = { "tinyforge.workload.id": workloadId, "tinyforge.workload.role": `r${i}` };
    await scope.run(`r${i}`, { labels });
    names.push(scope.containerName(`r${i}`));
  }
  const lags = new Lags(r);
  const loop = await follow(r);
  for (let round = 0; round < 10; round++) {
    for (const command of ["stop", "start"]) {
      for (const name of names) await scope.docker(command, name);
    }
  }
  await loop.reconcileNow();
  await loop.stop();
  return [{
    row: "docker stop/start on a real Engine → row committed, p99",
    measured: percentile(lags.ms, 99),
    unit: "ms",
    target: 20,
    bound: "most",
    note: `p50 ${percentile(lags.ms, 50).toFixed(1)} ms, ${lags.ms.length} events of 10 containers`,
  }];
}
