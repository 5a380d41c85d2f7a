import { assertEquals } from "@std/assert";
import type { EngineEvent } from "../../src/docker/events.ts";
import { backoff } from "../../src/reconcile/backoff.ts";
import { DirtySet } from "../../src/reconcile/dirty.ts";
import { DriftWatch } from "../../src/reconcile/drift.ts";

const event = (containerId: string, action = "start"): EngineEvent => ({
  action,
  containerId,
  name: "",
  health: null,
  exitCode: null,
  timeMs: null,
});

Deno.test("DirtySet gathers the events of a few milliseconds", () => {
  const dirty = new DirtySet({ windowMs: 3 });
  dirty.mark(event("a"), 0);
  dirty.mark(event("b"), 2);
  dirty.mark(event("a", "die"), 2);
  assertEquals(dirty.nextDueAt, 3);
  assertEquals(dirty.takeDue(2.9).size, 0);
  assertEquals([...dirty.takeDue(5)].map(([id, e]) => `${id} ${e.action}`), ["a die", "b start"]);
  assertEquals([dirty.size, dirty.nextDueAt], [0, null]);
});

Deno.test("DirtySet.mark() says when the container is due, which no later event puts off", () => {
  const dirty = new DirtySet({ windowMs: 3 });
  assertEquals(dirty.mark(event("a"), 0), 3);
  assertEquals(dirty.mark(event("a", "die"), 2), 3);
  assertEquals(dirty.mark(event("b"), 2), 5);
  assertEquals(dirty.nextDueAt, 3);
});

Deno.test("DirtySet lets a crash loop cause few reads and delays nobody else", () => {
  const dirty = new DirtySet({ windowMs: 3 });
  let reads = 0;
  let worstWait = 0;
  for (let now = 0; now < 10_000; now++) {
    if (now % 50 === 0) dirty.mark(event("looping", now % 100 === 0 ? "die" : "start"), now);
    if (now % 1000 === 7) dirty.mark(event(`quiet${now}`), now);
    for (const id of dirty.takeDue(now).keys()) {
      if (id === "looping") reads++;
      else worstWait = Math.max(worstWait, now % 1000 - 7);
    }
  }
  assertEquals(reads > 20 && reads <= 38, true, `${reads} reads`);
  assertEquals(worstWait, 3);
});

Deno.test("DirtySet reads a loop hardly more often where the Engine lists it late", () => {
  for (const [lateMs, leftMs] of [[0], [30], [120], [0, 25], [30, 25], [120, 25]]) {
    const dirty = new DirtySet({ windowMs: 3 });
    let reads = 0;
    for (let now = 0; now < 11_000; now++) {
      const ends = (at: number) => Math.floor(at / 50) % 2 === 0;
      if (now < 10_000 && now % 50 === 0) {
        dirty.mark(event("looping", ends(now) ? "die" : "start"), now);
      }
      if (now < 10_000 && now % 100 === leftMs) dirty.mark(event("looping", "disconnect"), now);
      const due = dirty.takeDue(now);
      reads += due.size;
      const listed = ends(Math.min(now, 9_999) - lateMs!) ? "stopped" : "running";
      dirty.verify(due, { now, stateOf: () => listed });
    }
    assertEquals(reads > 20 && reads <= 38, true, `${reads} reads, ${lateMs} ms late`);
  }
});

Deno.test("DirtySet reads the last event of a loop though its reads are used up", () => {
  const dirty = new DirtySet({ windowMs: 3, burst: 1, refillMs: 400 });
  dirty.mark(event("a"), 0);
  dirty.takeDue(10);
  dirty.mark(event("a", "die"), 20);
  assertEquals(dirty.takeDue(399).size, 0);
  assertEquals(dirty.takeDue(420).get("a")?.action, "die");
});

Deno.test("DirtySet has a container read once more after a read, and no more than once", () => {
  const dirty = new DirtySet({ windowMs: 3, verifyMs: 200 });
  dirty.mark(event("a", "unpause"), 0);
  const first = dirty.takeDue(3);
  assertEquals(dirty.verify(first, { now: 4 }).map((e) => e.containerId), ["a"]);
  assertEquals(dirty.nextDueAt, 204);
  const again = dirty.takeDue(204);
  assertEquals([...again.keys()], ["a"]);
  assertEquals([dirty.verify(again, { now: 205 }), dirty.size], [[], 0]);
});

/** When a container in this state is read after an event, milliseconds; at most so many times. */
function readsOf(action: string, { stateOf, stale = false, loops = 1 }: {
  stateOf: (now: number) => string | null;
  stale?: boolean;
  loops?: number;
}): number[] {
  const dirty = new DirtySet({ windowMs: 3 });
  let now = 0;
  for (let i = 0; i < loops; i++) {
    now = i * 50;
    dirty.mark(event("a", action), now);
    if (i === loops - 1) break;
    dirty.verify(dirty.takeDue(now + 3), { now: now + 3 });
  }
  const begin = now;
  const reads: number[] = [];
  for (let at = dirty.nextDueAt; at !== null; at = dirty.nextDueAt) {
    now = at;
    reads.push(now - begin);
    const read = dirty.takeDue(now);
    const state = stateOf(now - begin);
    dirty.verify(read, { now, stateOf: () => state, isStale: () => stale });
  }
  return reads;
}

Deno.test("DirtySet reads ever later until the row shows what was announced, and once to be sure", () => {
  const until = (ms: number, before: string, after: string | null) => (now: number) =>
    now < ms ? before : after;
  assertEquals(readsOf("die", { stateOf: until(0, "", "stopped") }), [3, 203]);
  assertEquals(readsOf("die", { stateOf: until(10, "running", "stopped") }), [3, 18, 218]);
  assertEquals(readsOf("die", { stateOf: until(70, "running", "completed") }), [3, 18, 78, 278]);
  assertEquals(
    readsOf("die", { stateOf: until(4000, "running", "stopped") }),
    [3, 18, 78, 278, 1278, 6278, 6478],
  );
  assertEquals(readsOf("start", { stateOf: until(10, "created", "running") }), [3, 18, 218]);
  assertEquals(readsOf("pause", { stateOf: until(10, "running", "paused") }), [3, 18, 218]);
  assertEquals(readsOf("destroy", { stateOf: until(10, "removing", null) }), [3, 18, 218]);
  // That a container restarts is what its end can lead to, and no row has nothing to show.
  assertEquals(readsOf("die", { stateOf: () => "restarting" }), [3, 203]);
  assertEquals(readsOf("die", { stateOf: () => null }), [3, 203]);
});

Deno.test("DirtySet gives up a container whose row never shows it, and is slow at first in a loop", () => {
  const never = { stateOf: () => "running" };
  assertEquals(readsOf("die", never), [3, 18, 78, 278, 1278, 6278, 21_278]);
  assertEquals(readsOf("die", { ...never, loops: 4 }), [3, 203, 1203, 6203, 21_203]);
});

Deno.test("DirtySet reads again in a moment what an event without a state should have changed", () => {
  const shown = { stateOf: () => "running", stale: true };
  assertEquals(readsOf("rename", shown), [3, 18, 218]);
  assertEquals(readsOf("rename", { ...shown, stale: false }), [3, 203]);
  assertEquals(readsOf("rename", { ...shown, loops: 2 }), [3, 203]);
  // It may say the same for ever.
  assertEquals(readsOf("health_status", shown), [3, 203]);
});

Deno.test("DirtySet holds on to what was announced through events that say nothing of it", () => {
  const dirty = new DirtySet({ windowMs: 3 });
  const stateOf = () => "running";
  dirty.mark(event("a", "die"), 0);
  dirty.mark(event("a", "rename"), 1);
  assertEquals(dirty.verify(dirty.takeDue(3), { now: 3, stateOf }), []);
  dirty.mark(event("a", "update"), 10);
  assertEquals(dirty.verify(dirty.takeDue(13), { now: 13, stateOf }), []);
  // The second read made it a busy one.
  assertEquals(dirty.nextDueAt, 213);
  dirty.mark(event("a", "start"), 20);
  const done = dirty.verify(dirty.takeDue(23), { now: 23, stateOf });
  assertEquals(done.map(({ action }) => action), ["start"]);
});

Deno.test("DirtySet counts no listing of everything that came early as one of the reads", () => {
  const dirty = new DirtySet({ windowMs: 3 });
  const stateOf = () => "running";
  dirty.mark(event("a", "die"), 0);
  dirty.verify(dirty.takeDue(3), { now: 3, stateOf });
  for (let now = 4; now < 10; now++) dirty.verify(dirty.takeAll(now), { now, stateOf });
  assertEquals(dirty.nextDueAt, 18);
});

Deno.test("DirtySet reads soon again what left a network while its end was being read", () => {
  const dirty = new DirtySet({ windowMs: 3 });
  dirty.mark(event("a", "die"), 0);
  const read = dirty.takeDue(3);
  dirty.mark(event("a", "disconnect"), 4);
  assertEquals(dirty.verify(read, { now: 5, stateOf: () => "running" }), []);
  const again = dirty.takeDue(dirty.nextDueAt!);
  const done = dirty.verify(again, { now: 19, stateOf: () => "stopped" });
  assertEquals(done.map(({ action }) => action), ["die"]);
  assertEquals(dirty.nextDueAt, 219);

  // Also where that was not the first read, after which the next would come late.
  const stateOf = () => "running";
  dirty.mark(event("b", "die"), 1000);
  dirty.verify(dirty.takeDue(1003), { now: 1003, stateOf });
  dirty.verify(dirty.takeDue(1018), { now: 1018, stateOf });
  const third = dirty.takeDue(1078);
  dirty.mark(event("b", "disconnect"), 1079);
  dirty.verify(third, { now: 1080, stateOf });
  assertEquals(dirty.nextDueAt, 1094);
});

Deno.test("DirtySet reads a quiet container that left a network ever later until its end is listed", () => {
  const dirty = new DirtySet({ windowMs: 3 });
  dirty.mark(event("a", "die"), 0);
  const reads: number[] = [];
  const readUntil = (end: number, state: string) => {
    for (let at = dirty.nextDueAt; at !== null && at < end; at = dirty.nextDueAt) {
      reads.push(at);
      dirty.verify(dirty.takeDue(at), { now: at, stateOf: () => state });
    }
  };
  readUntil(100, "running");
  dirty.mark(event("a", "disconnect"), 100);
  readUntil(200, "running");
  readUntil(Infinity, "stopped");
  assertEquals(reads, [3, 18, 78, 115, 145, 205, 405]);

  // An Engine that never lists it is not asked for ever.
  reads.length = 0;
  dirty.mark(event("a", "die"), 100_000);
  dirty.mark(event("a", "disconnect"), 100_001);
  readUntil(100_010, "running");
  dirty.mark(event("a", "disconnect"), 100_010);
  readUntil(Infinity, "running");
  assertEquals(
    reads.map((at) => at - 100_000),
    [3, 18, 25, 55, 78, 115, 235, 278, 1278, 6278, 21_278],
  );

  // One that was busy of late is read once, as late as a loop's.
  reads.length = 0;
  dirty.mark(event("a", "start"), 200_000);
  readUntil(200_050, "running");
  dirty.mark(event("a", "die"), 200_050);
  readUntil(200_060, "running");
  dirty.mark(event("a", "disconnect"), 200_060);
  readUntil(200_900, "running");
  assertEquals(reads.map((at) => at - 200_000), [3, 53, 90, 253]);
});

Deno.test("DirtySet reads a container at once that an event names before it is read once more", () => {
  const dirty = new DirtySet({ windowMs: 3, verifyMs: 200 });
  dirty.mark(event("a", "die"), 0);
  dirty.verify(dirty.takeDue(3), { now: 4 });
  dirty.mark(event("a", "start"), 10);
  assertEquals(dirty.nextDueAt, 13);
  assertEquals(dirty.verify(dirty.takeDue(13), { now: 14 }).map((e) => e.action), ["start"]);
  assertEquals(dirty.nextDueAt, 214);
});

Deno.test("DirtySet gives everything, due or not, to a full listing", () => {
  const dirty = new DirtySet({ windowMs: 3 });
  dirty.mark(event("a"), 0);
  assertEquals([...dirty.takeAll(0).keys()], ["a"]);
  assertEquals(dirty.size, 0);
});

Deno.test("backoff() doubles to its maximum and takes off up to half", () => {
  const waits = (random: number) =>
    [1, 2, 3, 6, 60, 1e6].map((n) =>
      backoff(n, { baseMs: 1000, maxMs: 30_000, random: () => random })
    );
  assertEquals(waits(0), [1000, 2000, 4000, 30_000, 30_000, 30_000]);
  assertEquals(waits(1), [500, 1000, 2000, 15_000, 15_000, 15_000]);
});

Deno.test("DriftWatch counts what changed without an event near it", () => {
  const drift = new DriftWatch();
  drift.event("announced", 9_000);
  drift.event("long-ago", 1_000);
  drift.suspect(["announced", "late", "long-ago", "silent"], { since: 10_000, now: 10_000 });
  assertEquals(drift.nextDueAt, 11_000);
  assertEquals(drift.settle(10_500), 0);
  drift.event("late", 10_600);
  assertEquals(drift.settle(11_000), 2);
  assertEquals(drift.nextDueAt, null);
});

Deno.test("DriftWatch forgives what changed while events did not flow", () => {
  const drift = new DriftWatch();
  drift.suspect(["silent"], { since: 0, now: 0 });
  drift.forgive();
  assertEquals(drift.settle(5_000), 0);
});

Deno.test("DriftWatch knows an event for as long as the pass takes that uses it", () => {
  const drift = new DriftWatch();
  drift.event("a", 0);
  // Another pass ends meanwhile.
  drift.prune(4000);
  drift.suspect(["a", "silent"], { since: 5000, now: 60_000 });
  drift.prune(60_000);
  assertEquals(drift.settle(61_000), 1);
});

Deno.test("DirtySet reads for a network's event once, unless the container has one of its own", () => {
  const dirty = new DirtySet({ windowMs: 3, verifyMs: 200 });
  dirty.mark(event("a", "connect"), 0);
  assertEquals(dirty.nextDueAt, 200);
  dirty.mark(event("a", "start"), 100);
  assertEquals(dirty.nextDueAt, 103);
  dirty.mark(event("a", "disconnect"), 102);
  const due = dirty.takeDue(103);
  assertEquals(due.get("a")?.action, "start");
  dirty.verify(due, { now: 104 });
  dirty.mark(event("b", "disconnect"), 1000);
  assertEquals([...dirty.takeDue(1200).keys()].sort(), ["a", "b"]);
  assertEquals(dirty.size, 0);
});

Deno.test("DirtySet reads a container that ended again once it has left its networks", () => {
  const dirty = new DirtySet({ windowMs: 3, verifyMs: 200, soonMs: 15 });
  dirty.mark(event("a", "die"), 0);
  // It is still listed as running.
  dirty.verify(dirty.takeDue(3), { now: 4 });
  dirty.mark(event("a", "disconnect"), 100);
  dirty.mark(event("a", "disconnect"), 110);
  assertEquals(dirty.nextDueAt, 125);
  const left = dirty.takeDue(125);
  assertEquals(left.get("a")?.action, "die");
  // That was nobody's first read, and whatever it showed, the last one follows.
  assertEquals([dirty.verify(left, { now: 141 }), dirty.nextDueAt], [[], 204]);
  assertEquals(dirty.verify(dirty.takeDue(204), { now: 205 }), []);
  assertEquals([dirty.size, dirty.nextDueAt], [0, null]);

  // What it does next says more.
  dirty.mark(event("a", "die"), 1000);
  dirty.verify(dirty.takeDue(1003), { now: 1004 });
  dirty.mark(event("a", "disconnect"), 1100);
  dirty.mark(event("a", "start"), 1110);
  assertEquals(dirty.takeDue(1113).get("a")?.action, "start");
  assertEquals(dirty.nextDueAt, null);
  dirty.mark(event("b", "die"), 2000);
  dirty.verify(dirty.takeDue(2003), { now: 2004 });
  dirty.mark(event("b", "disconnect"), 2010);
  dirty.takeAll(2011);
  assertEquals(dirty.nextDueAt, null);
});

Deno.test("DirtySet lets a network's events use up nothing of what a container may cause", () => {
  const dirty = new DirtySet({ windowMs: 3, burst: 1, verifyMs: 50 });
  for (let now = 0; now < 1000; now += 100) {
    dirty.mark(event("a", "connect"), now);
    assertEquals(dirty.takeDue(now + 50).size, 1);
  }
  dirty.mark(event("a", "die"), 1000);
  assertEquals(dirty.nextDueAt, 1003);
});
