/**
 * Passes against a simulated Engine, beside the bare read and the bare cost of a
 * listing, and the plain reconciler.
 *
 * @module
 */

import { join } from "@std/path";
import { WANTED_BY_DEFAULT, type World as JudgedWorld } from "../../src/core/judged_world.ts";
import { Judging } from "../../src/core/judging.ts";
import { LOCAL_HOST } from "../../src/model/container.ts";
import { NO_MEMORY } from "../../src/model/problem.ts";
import { PROBLEM_DEFAULTS } from "../../src/model/problem_settings.ts";
import { rowTimes } from "../../src/problems/row_times.ts";
import type { Reconciler } from "../../src/reconcile/reconciler.ts";
import { Oracle } from "../core/oracle.ts";
import { simWorkloads } from "../engines/crowd.ts";
import { type Bench, type Figure, median } from "./figure.ts";
import { bare, bareClient, bareRead, type World, world } from "./world.ts";

/** The benches of this file. */
export const BENCHES: readonly Bench[] = [
  { name: "steady-pass", run: steadyPass },
  { name: "boot-pass", run: bootPass },
  { name: "growth", run: growth },
  { name: "judging", run: judging },
];

const SIZE = 10_000;

async function time(operation: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await operation();
  return performance.now() - begin;
}

const fullPass = (reconciler: Reconciler) =>
  reconciler.fullPass({ signal: new AbortController().signal });

/** A pass on the tick, as all are while events flow: nobody asks who the Engine is. */
const tickPass = (reconciler: Reconciler) =>
  reconciler.fullPass({ signal: new AbortController().signal, sameEngine: true });

/**
 * Bare read and steady pass in turn, so that noise hits both. What makes much garbage comes after
 * them, or they would be measured collecting it.
 */
async function steadyPass(): Promise<Figure[]> {
  await using w = await world(SIZE);
  using client = bareClient(w.engine);
  using plain = plainReconciler(w);
  await fullPass(w.reconciler);
  await plainPass(w, plain);
  const ms = {
    ...{ read: [] as number[], pass: [] as number[], bare: [] as number[], plain: [] as number[] },
    ...{ readLater: [] as number[], passLater: [] as number[] },
  };
  let written = 0;
  const readAndPass = async (): Promise<[readMs: number, passMs: number]> => {
    const readMs = await time(() => bareRead(client));
    const before = w.store.totalChanges();
    const passMs = await time(() => tickPass(w.reconciler));
    // One is the time of the pass.
    written += w.store.totalChanges() - before - 1;
    return [readMs, passMs];
  };
  for (let round = 0; round < 65; round++) {
    const [readMs, passMs] = await readAndPass();
    if (round < 5) continue;
    ms.read.push(readMs);
    ms.pass.push(passMs);
  }
  // Not all at once: how long a container has been up is told in hours after the first.
  for (let round = 0; round < 25; round++) {
    const indexes = Array.from({ length: SIZE / 100 }, (_, i) => 100 * i + round);
    await w.engine.change({ indexes, state: "running", minutes: 2, events: false });
    // The Engine makes its answer anew.
    await bareRead(client);
    const [readMs, passMs] = await readAndPass();
    if (round < 5) continue;
    ms.readLater.push(readMs);
    ms.passLater.push(passMs);
  }
  for (let round = 0; round < 20; round++) {
    const bareMs = await time(() => bare(client));
    if (round >= 5) ms.bare.push(bareMs);
  }
  for (let round = 0; round < 4; round++) ms.plain.push(await time(() => plainPass(w, plain)));
  const [readMs, bareMs] = [median(ms.read), median(ms.bare)];
  const [passMs, plainMs] = [median(ms.pass), median(ms.plain)];
  const note = `read ${readMs.toFixed(0)} ms, fetched and parsed ${bareMs.toFixed(0)} ms, ` +
    `pass ${passMs.toFixed(0)} ms, plain ${plainMs.toFixed(0)} ms; ` +
    `medians of ${ms.pass.length} (plain ${ms.plain.length})`;
  const row = "steady pass, 10,000 containers";
  return [
    {
      row: `${row} / bare read`,
      measured: passMs / readMs,
      unit: "×",
      target: 1.3,
      bound: "most",
      note,
    },
    {
      row: `${row} / fetched and parsed`,
      measured: passMs / bareMs,
      unit: "×",
      target: null,
      bound: "most",
    },
    {
      row: `${row}, a hundredth of which has been up for longer / bare read`,
      measured: median(ms.passLater) / median(ms.readLater),
      unit: "×",
      target: null,
      bound: "most",
      note: `${median(ms.readLater).toFixed(0)} ms and ${median(ms.passLater).toFixed(0)} ms`,
    },
    {
      row: `plain reconciler / ${row}`,
      measured: plainMs / passMs,
      unit: "×",
      target: 12,
      bound: "least",
    },
    {
      row: `${row}: container rows written in 90 passes`,
      measured: written,
      unit: "rows",
      target: 0,
      bound: "most",
    },
  ];
}

/** The plain reconciler with the same workloads, on a file of its own. */
function plainReconciler(w: World): Oracle {
  const oracle = new Oracle(join(w.dir, "plain.db"));
  for (const { kind, key } of simWorkloads(SIZE)) {
    const refId = kind === "site" ? key : `${key}-ref`;
    oracle.addWorkload({ id: key, kind, refId, ...(kind === "stack" && { composeProject: key }) });
  }
  return oracle;
}

async function plainPass(w: World, oracle: Oracle): Promise<void> {
  const candidates = oracle.candidates();
  const at = new Date().toISOString();
  oracle.pass(await w.docker.list(), { at, candidates, composePrefix: "tinyforge-" });
}

async function bootPass(): Promise<Figure[]> {
  const [bareMs, passMs]: [number[], number[]] = [[], []];
  for (let round = 0; round < 6; round++) {
    await using w = await world(SIZE);
    using client = bareClient(w.engine);
    // The Engine makes its answer once.
    await bareRead(client);
    const ms = await time(() => fullPass(w.reconciler));
    // After it, or the pass would be measured collecting their garbage.
    const cost = [];
    for (let i = 0; i < 5; i++) cost.push(await time(() => bare(client)));
    // The first of all also compiles the code that it runs.
    if (round === 0) continue;
    bareMs.push(median(cost));
    passMs.push(ms);
  }
  return [{
    row: "boot pass, 10,000 new containers / fetched and parsed",
    measured: median(passMs) / median(bareMs),
    unit: "×",
    target: 3,
    bound: "most",
    note: `bare ${median(bareMs).toFixed(0)} ms, pass ${median(passMs).toFixed(0)} ms; ` +
      `medians of ${passMs.length}`,
  }];
}

async function growth(): Promise<Figure[]> {
  await using small = await world(SIZE);
  await using large = await world(2 * SIZE);
  const samples: [number[], number[]] = [[], []];
  for (let round = 0; round < 25; round++) {
    for (const [which, w] of [small, large].entries()) {
      const ms = await time(() => tickPass(w.reconciler));
      if (round >= 5) samples[which]!.push(ms);
    }
  }
  const [at10k, at20k] = samples.map(median) as [number, number];
  return [{
    row: "steady pass at 20,000 / at 10,000",
    measured: at20k / at10k,
    unit: "×",
    target: 2.2,
    bound: "most",
    note: `${at10k.toFixed(0)} ms and ${at20k.toFixed(0)} ms, medians of 20`,
  }];
}

/** What a steady pass has judged beside that pass; and every row, as at a start. */
async function judging(): Promise<Figure[]> {
  await using w = await world(SIZE);
  await fullPass(w.reconciler);
  const { store } = w;
  const nothing = new Map<string, never>();
  const now = Date.now();
  const facts: JudgedWorld["engine"] = {
    ...{ startedAt: now, known: true, downSince: null, error: "", lastPassAt: now },
    ...{ staleAfter: 60_000, changed: null, restart: null },
  };
  const judged = (at: number): JudgedWorld => ({
    host: LOCAL_HOST,
    index: store.containers.index(),
    wanted: () => WANTED_BY_DEFAULT,
    times: rowTimes(store.problems, at),
    deaths: () => undefined,
    engine: { ...facts, lastPassAt: at },
    ...{ contended: nothing, refused: nothing, holds: nothing, silences: [] },
  });
  const judge = new Judging({ problems: [], memory: NO_MEMORY });
  const ms: Record<"pass" | "steady" | "all", number[]> = { pass: [], steady: [], all: [] };
  for (let round = 0; round < 25; round++) {
    const pass = await time(() => tickPass(w.reconciler));
    const at = now + round * 30_000;
    const judging = (changed: "all" | ReadonlySet<string>) => {
      const begin = performance.now();
      const verdict = judge.judge(judged(at), { now: at, settings: PROBLEM_DEFAULTS, changed });
      if (verdict.opened.length > 0) throw new Error("something is wrong on a host that is well");
      return performance.now() - begin;
    };
    const [all, steady] = [judging("all"), judging(new Set())];
    if (round < 5) continue;
    ms.pass.push(pass);
    ms.all.push(all);
    ms.steady.push(steady);
  }
  const of = (what: "steady" | "all", row: string, target: number | null): Figure => ({
    ...{ row, target, unit: "%", bound: "most" },
    measured: 100 * median(ms[what]) / median(ms.pass),
    note: `${median(ms[what]).toFixed(2)} ms and ${median(ms.pass).toFixed(0)} ms, medians of 20`,
  });
  return [
    of("steady", "judging after a steady pass at 10,000 / that pass", 10),
    of("all", "judging every row, as at a start / the same", null),
  ];
}
