/**
 * What the past is read by, where much of it is kept.
 */

import { assert, assertEquals } from "@std/assert";
import type { PastFilter } from "../../src/store/past.ts";
import type { Store } from "../../src/store/store.ts";
import { FORGOTTEN_AT_ONCE } from "../../src/store/transitions.ts";
import { FakeEngine } from "../engines/scripted.ts";
import { pass, siteRow } from "../harness/program.ts";
import { rig } from "../harness/rig.ts";
import { tempStore } from "../harness/temp_store.ts";
import { processorMs } from "../harness/processor_time.ts";

const { Database } = await import("@db/sqlite");

/** So many transitions of a hundred rows, the clock a minute back at every ten thousandth. */
function happened(path: string, count: number): void {
  const db = new Database(path, { int64: true });
  try {
    db.exec(
      `INSERT INTO transitions (row_id, at, to_state, cause)
       WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
       SELECT 'row-' || (i % 100),
         strftime('%Y-%m-%dT%H:%M:%fZ', 1767225600 + i - 60 * (i / 10000), 'unixepoch'),
         'running', 'pass' FROM n`,
    );
  } finally {
    db.close();
  }
}

/** What is found, and in how many pieces. */
function read(store: Store, filter: Partial<PastFilter> & { limit: number }) {
  const reading = store.past.transitions(filter);
  for (let pieces = 1;; pieces++) {
    const { done, value } = reading.next();
    if (done) return { pieces, found: value };
  }
}

Deno.test("PastTables.transitions() finds the newest though clocks were set back, piece by piece", async () => {
  await using temp = await tempStore();
  const { store, path } = temp;
  happened(path, 25_000);
  const { found: all, pieces } = read(store, { limit: 100_000 });
  assertEquals(pieces, 3);
  assertEquals(all.length, 25_000);
  const sorted = all.toSorted((a, b) => a.at === b.at ? b.seq - a.seq : a.at < b.at ? 1 : -1);
  assertEquals(all, sorted);
  // Where it was set back what comes later in the order has the higher number.
  assert(all.some(({ seq }, i) => i > 0 && seq > all[i - 1]!.seq));
  for (const limit of [1, 100, 5_030, 15_010]) {
    assertEquals(read(store, { limit }).found, all.slice(0, limit), `${limit}`);
  }
  const { at, seq } = all[5_000]!;
  assertEquals(read(store, { limit: 10, before: { at, seq } }).found, all.slice(5_001, 5_011));
  assertEquals(
    read(store, { limit: 10, rowId: "row-7", until: at }).found,
    all.filter((each) => each.rowId === "row-7" && each.at < at).slice(0, 10),
  );
});

Deno.test("PastTables.transitions() tells of a row what was when it began to read", async () => {
  await using temp = await tempStore();
  const { store, path } = temp;
  happened(path, 15_000);
  const reading = store.past.transitions({ limit: 20_000 });
  assertEquals(reading.next().done, false);
  happened(path, 1);
  const { value } = reading.next();
  assertEquals(value?.length, 15_000);
});

Deno.test("PastTables.subjects() finds one row without looking through all that happened", async () => {
  await using temp = await tempStore();
  const { store, path } = temp;
  const { entry } = store.registry.create("site", { name: "blog" });
  pass(store, [siteRow(entry.workloadId)]);
  happened(path, 100_000);
  const id = `${entry.workloadId}:site`;
  const timed = (count: number, read: () => unknown) => {
    const began = processorMs();
    for (let i = 0; i < count; i++) read();
    return processorMs() - began;
  };
  assertEquals(store.past.subjects().length, 101);
  assertEquals(store.past.subjects({ rowId: id })[0]?.workloadName, "blog");
  assertEquals(store.past.subjects({ rowId: "row-7" }).map(({ removed }) => removed), [true]);
  assertEquals(store.past.subjects({ rowId: "row-x" }), []);
  const rows = timed(50, () => store.past.subjects({ rowId: id }));
  const all = timed(50, () => store.past.subjects());
  assert(rows < all / 2, `${rows} ms for one row, ${all} ms for all of them, fifty times each`);
});

Deno.test("TransitionTable forgets many piece by piece, each in a transaction of its own", async () => {
  await using temp = await tempStore();
  const { store, path } = temp;
  const { workloadId } = store.registry.create("site", { name: "blog" }).entry;
  happened(path, 2 * FORGOTTEN_AT_ONCE + 500);
  const kept = () => store.transitions.since(0, { limit: 100_000 });
  const all = kept();
  store.keepPast({ maxAgeSeconds: 1e9, maxCount: 100 });
  const now = new Date(Date.parse(all.at(-1)!.at) + 1000).toISOString();
  const pruning = store.transitions.pruning(now);
  assertEquals(pruning.next(), { done: false, value: undefined });
  assertEquals(kept(), all.slice(FORGOTTEN_AT_ONCE));
  assertEquals(store.transitions.forgottenUntil(), all[FORGOTTEN_AT_ONCE - 1]!.at);
  // What is written meanwhile is not kept from forgetting, nor does it forget all of the rest.
  pass(store, [siteRow(workloadId)], { at: now });
  assertEquals(kept().length, 501);
  assertEquals(pruning.next(), { done: true, value: FORGOTTEN_AT_ONCE + 401 });
  assertEquals(kept().length, 100);
});

Deno.test("Reconciler.fullPass() lets others go between the pieces that it forgets", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const { transitions } = r.store;
  happened(r.path, 4 * FORGOTTEN_AT_ONCE);
  r.store.keepPast({ maxAgeSeconds: 1, maxCount: 100_000 });
  let turns = 0;
  let others = setTimeout(function turn() {
    turns++;
    others = setTimeout(turn, 0);
  }, 0);
  const at: number[] = [];
  const { pruning } = transitions;
  transitions.pruning = function* (...told) {
    const pieces = pruning.call(transitions, ...told);
    for (;;) {
      at.push(turns);
      const { done, value } = pieces.next();
      if (done) return value;
      yield;
    }
  };
  await r.pass();
  clearTimeout(others);
  assertEquals(at.length, 4);
  assertEquals(new Set(at).size, 4, `${at}`);
  assertEquals(transitions.since(0), []);
});
