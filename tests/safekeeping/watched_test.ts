/**
 * When the index is known to be what runs: what that costs, what ends it, and what of the past stays
 * within its bounds.
 */

import { assert, assertEquals } from "@std/assert";
import { SYSTEM_CLOCK } from "../../src/clock.ts";
import type { Running } from "../../src/model/past.ts";
import { type Ran, ranRow, ranTogether, runningTime } from "../../src/core/availability.ts";
import { Past } from "../../src/safekeeping/past.ts";
import fc from "fast-check";
import { FakeEngine } from "../engines/scripted.ts";
import { pass, siteRow } from "../harness/program.ts";
import { rig } from "../harness/rig.ts";
import { tempStore } from "../harness/temp_store.ts";
import { until } from "../harness/until.ts";

const { Database } = await import("@db/sqlite");

Deno.test("a steady pass writes its host's row and nothing for what was watched", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const { workloadId } = r.store.registry.create("site", { name: "blog" }).entry;
  engine.add({ labels: { "tinyforge.workload.id": workloadId } });
  await r.pass();
  const before = r.store.totalChanges();
  for (let i = 0; i < 5; i++) await r.pass();
  assertEquals(r.store.totalChanges() - before, 5);
  const [span, ...others] = r.store.hosts.watched.list();
  assertEquals(others, []);
  assertEquals(span!.to, r.store.hosts.lastPassAt());
});

Deno.test("an Engine that does not answer ends what is watched, and a good pass begins it anew", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host, { intervalMs: 100 });
  const { workloadId } = r.store.registry.create("site", { name: "blog" }).entry;
  engine.add({ labels: { "tinyforge.workload.id": workloadId } });
  r.loop.start();
  const { watched } = r.store.hosts;
  await until("the first pass", () => watched.isOpen());
  await engine.down();
  await until("it is lost", () => !watched.isOpen());
  const lost = watched.list();
  assertEquals(lost.length, 1);
  engine.up();
  await until("it is back", () => watched.isOpen());
  const [first, second] = watched.list();
  assertEquals(first, lost[0]);
  assert(second!.from > first!.to);
});

Deno.test("WatchedTable looks for the last event among the newest that happened, and no further back", async () => {
  await using temp = await tempStore();
  const { store, path } = temp;
  const { workloadId } = store.registry.create("site", { name: "blog" }).entry;
  const passed = new Date(temp.now).toISOString();
  pass(store, [siteRow(workloadId)], { at: passed });
  const seen = new Date(temp.now + 60_000).toISOString();
  const happened = (count: number, cause: string, at: string) => {
    const db = new Database(path, { int64: true });
    db.exec(
      `INSERT INTO transitions (row_id, at, to_state, cause)
       WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
       SELECT 'row', ?, 'running', ? FROM n`,
      at,
      cause,
    );
    db.close();
  };
  happened(1, "event", seen);
  happened(9_999, "pass", passed);
  assertEquals(store.hosts.watched.underWay(), { from: passed, to: seen });
  happened(1, "pass", passed);
  assertEquals(store.hosts.watched.underWay(), { from: passed, to: passed });
});

Deno.test("another Engine's listings are not watched until it is accepted", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  await r.pass();
  assert(r.store.hosts.watched.isOpen());
  engine.restart({ id: "ANOTHER" });
  for (let i = 0; i < 3; i++) await r.pass();
  assert(!r.store.hosts.watched.isOpen());
  assertEquals(r.store.hosts.watched.list().length, 1);
  r.store.hosts.acceptEngine();
  await r.pass();
  assert(r.store.hosts.watched.isOpen());
  assertEquals(r.store.hosts.watched.list().length, 2);
});

Deno.test("TransitionTable keeps as many as it is told, at every moment", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  store.keepPast({ maxAgeSeconds: 1e6, maxCount: 10 });
  const { workloadId } = store.registry.create("site", { name: "blog" }).entry;
  const count = () => store.transitions.since(0, { limit: 1000 }).length;
  for (let i = 0; i < 30; i++) {
    temp.now += 1000;
    const at = new Date(temp.now).toISOString();
    pass(store, [siteRow(workloadId, { state: i % 2 === 0 ? "running" : "stopped" })], { at });
    assertEquals(count(), Math.min(10, i + 1));
  }
  const [oldest] = store.transitions.since(0);
  // What is kept is all that happened after what is forgotten.
  assertEquals(Date.parse(store.transitions.forgottenUntil()!), Date.parse(oldest!.at) - 1000);
  for (let i = 0; i < 12; i++) store.deployed.saveDeployedContainer({ workloadId });
  assertEquals(count(), 10);
});

Deno.test("RowChangeTable keeps as many and for as long as it is told, at every moment", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  store.keepPast({ maxAgeSeconds: 60, maxCount: 10 });
  const { workloadId } = store.registry.create("site", { name: "blog" }).entry;
  const row = siteRow(workloadId);
  const kept = () => store.changes.ofRow(row.id, { limit: 1000 });
  for (let i = 0; i < 30; i++) {
    temp.now += 1000;
    const at = new Date(temp.now).toISOString();
    pass(store, [{ ...row, health: i % 2 === 0 ? "healthy" : "unhealthy" }], { at });
    // The first pass makes the row and changes nothing of it.
    assertEquals(kept().length, Math.min(10, i));
  }
  assertEquals(kept().at(-1)!.to, "unhealthy");
  temp.now += 55_500;
  assertEquals(store.changes.prune(new Date(temp.now).toISOString()), 5);
  assertEquals(kept().map(({ at }) => temp.now - Date.parse(at) <= 60_000), Array(5).fill(true));
});

Deno.test("prune() forgets who a removed row was with the last that is told of it", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const { entry } = store.registry.create("site", { name: "blog" });
  const { id } = store.deployed.saveDeployedContainer({ workloadId: entry.workloadId });
  store.registry.remove("site", entry.id, { force: true });
  const past = new Past({ store, now: () => temp.now, isFresh: () => false });
  assertEquals(past.workloadIds("blog"), [entry.workloadId]);
  assert(past.knowsRow(id));
  temp.now += 100_000;
  store.transitions.prune(new Date(temp.now).toISOString(), { maxAgeSeconds: 99, maxCount: 1000 });
  assertEquals(past.workloadIds("blog"), []);
  assert(!past.knowsRow(id));
  assertEquals(store.past.subjects(), []);
});

const states = fc.constantFrom<Running>("running", "down", "unknown", "partly");
/** What ran, second by second within a hundred; null: it was not there. */
const seconds = fc.array(fc.option(states), { minLength: 1, maxLength: 100 });

function ranOf(each: readonly (Running | null)[]): Ran[] {
  const found: Ran[] = [];
  each.forEach((state, i) => {
    const last = found.at(-1);
    if (state === null) return;
    if (last?.to === i && last.state === state) found[found.length - 1] = { ...last, to: i + 1 };
    else found.push({ from: i, to: i + 1, state });
  });
  return found;
}

Deno.test("runningTime() tells at most so many spans, and hides no moment that was down", () => {
  fc.assert(
    fc.property(seconds, fc.integer({ min: 1, max: 20 }), (each, maxSpans) => {
      const window = { from: 0, to: each.length };
      const { spans, ...times } = runningTime(ranOf(each), { window, maxSpans });
      assert(spans.length <= maxSpans, `${spans.length}`);
      const count = (state: Running) => each.filter((one) => one === state).length;
      assertEquals(times.downMs, count("down"));
      assertEquals(times.unknownMs, count("unknown"));
      let end = 0;
      for (const { from, to } of spans) {
        assert(Date.parse(from) >= end && Date.parse(to) > Date.parse(from));
        end = Date.parse(to);
      }
      assert(end <= each.length);
      each.forEach((state, i) => {
        const told = spans.find(({ from, to }) => Date.parse(from) <= i && i < Date.parse(to));
        if (state !== null) assert(told !== undefined, `${i} is not told`);
        if (state === "down") assertEquals(told!.state, "down");
        if (state === "partly") assert(told!.state === "down" || told!.state === "partly");
      });
    }),
  );
});

Deno.test("ranTogether() says of each moment how many of its rows ran", () => {
  fc.assert(
    fc.property(fc.array(seconds, { maxLength: 4 }), (rows) => {
      // A row itself never runs partly.
      const own = rows.map((row) => row.map((state) => state === "partly" ? "down" : state));
      const together = ranTogether(own.map(ranOf));
      for (let i = 0; i < 100; i++) {
        const here = own.flatMap((row) => row[i] ?? []);
        const told = together.find(({ from, to }) => from <= i && i < to)?.state;
        const expected = here.length === 0
          ? undefined
          : here.includes("running")
          ? here.includes("down") ? "partly" : "running"
          : here.includes("unknown")
          ? "unknown"
          : "down";
        assertEquals(told, expected, `${i}: ${here}`);
      }
    }),
  );
});

Deno.test("ranRow() tells nothing of a time in which nobody watched", () => {
  const running = { to: "running", containerId: null, containerName: null };
  const story = [{
    from: -Infinity,
    to: Infinity,
    state: { ...running, imageRef: null, exitCode: null },
  }];
  const watched = [{ from: 10, to: 20 }, { from: 25, to: 40 }];
  assertEquals(ranRow(story, { from: 0, to: 30, watched }), [
    { from: 0, to: 10, state: "unknown" },
    { from: 10, to: 20, state: "running" },
    { from: 20, to: 25, state: "unknown" },
    { from: 25, to: 30, state: "running" },
  ]);
});

Deno.test("Past lets others have their turn while it reads thousands of rows", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const { workloadId } =
    store.registry.create("stack", { name: "shop", composeProjectName: "shop" })
      .entry;
  const at = new Date(temp.now).toISOString();
  const rows = Array.from({ length: 3000 }, (_, i) => {
    const id = `${workloadId}:r${i}`;
    return { ...siteRow(workloadId, { id, containerId: `c${i}`, role: `r${i}` }) };
  }).map((row) => ({ ...row, workloadKind: "stack" as const }));
  pass(store, rows, { at });
  temp.now += 60_000;
  const past = new Past({ store, now: () => temp.now, isFresh: () => true });
  const others = othersCounted();
  const found = await past.availability({
    from: temp.now - 60_000,
    until: temp.now,
    maxSpans: 500,
  });
  const turns = await others.over();
  assertEquals(found.workloads[0]!.rows.length, 3000);
  assertEquals(found.workloads[0]!.runningMs, 60_000);
  assert(turns >= 5, `${turns} turns`);
  // 200,000 spans in all at most, half of what there may be for each.
  assert(found.workloads[0]!.rows.every(({ spans }) => spans.length <= 33));
});

Deno.test("Past lets others have their turn while it reads the long stories of few rows", async () => {
  await using temp = await tempStore();
  const { store, path } = temp;
  const { workloadId } = store.registry.create("site", { name: "blog" }).entry;
  pass(store, [siteRow(workloadId)], { at: new Date(temp.now).toISOString() });
  const db = new Database(path, { int64: true });
  // As 200 rows of which nobody remembers whose they were.
  db.exec(
    `INSERT INTO transitions (row_id, at, to_state, cause)
     WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99000)
     SELECT 'row-' || (i % 200), ?, 'running', 'pass' FROM n`,
    new Date(temp.now).toISOString(),
  );
  db.close();
  temp.now += 60_000;
  const past = new Past({ store, now: () => temp.now, isFresh: () => true });
  const others = othersCounted();
  const found = await past.availability({ from: temp.now - 60_000, until: temp.now, maxSpans: 0 });
  const turns = await others.over();
  assertEquals(found.workloads.flatMap(({ rows }) => rows).length, 201);
  assert(turns >= 5, `${turns} turns`);
});

/** Others, who want a turn again and again: how many they had. */
function othersCounted(): { over: () => Promise<number> } {
  let turns = 0;
  const turning = new AbortController();
  const others = (async () => {
    while (!turning.signal.aborted) {
      await SYSTEM_CLOCK.sleep(0, turning.signal);
      turns++;
    }
  })();
  return {
    over: async () => {
      turning.abort();
      await others;
      return turns;
    },
  };
}
