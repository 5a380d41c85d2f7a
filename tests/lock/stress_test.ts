/**
 * The lock among real processes that are killed and stopped: a short run of `stress.ts`, and
 * proof that its referee would see what must not happen.
 *
 * @module
 */
import { assertEquals, assertGreater, assertGreaterOrEqual } from "@std/assert";
import { judge } from "./referee.ts";
import { stress, summary } from "./stress.ts";

Deno.test("judge() counts entries and finds none amiss in an orderly log", () => {
  const log = "enter a\nin a\nleave a\nenter b\nkill c\nin b\nleave b\nenter a\n";
  assertEquals(judge(log), { entries: 3, killedInside: 0, overlaps: [] });
  assertEquals(judge(""), { entries: 0, killedInside: 0, overlaps: [] });
});

Deno.test("judge() sees two inside", () => {
  assertEquals(judge("enter a\nenter b\n").overlaps, ["line 2: b enters while a is in"]);
  assertEquals(judge("enter a\nenter b\nin a\n").overlaps.length, 2);
  assertEquals(judge("enter a\nleave a\nin a\n").overlaps, ["line 3: a is in, and so is nobody"]);
});

Deno.test("judge() lets somebody in after a kill, but not the dead", () => {
  const log = "enter a\nkill a\nenter b\nin b\nleave b\n";
  assertEquals(judge(log), { entries: 2, killedInside: 1, overlaps: [] });
  assertEquals(judge("enter a\nkill a\nenter b\nin a\n").overlaps.length, 1);
  assertEquals(judge("enter a\nenter b\nkill a\n").overlaps.length, 1);
});

Deno.test("the referee sees that the plain protocol lets two in", async (t) => {
  const report = await stress({
    protocol: "plain",
    processes: 8,
    acquisitions: Infinity,
    deadlineMs: 150_000,
    suicideOdds: 0.001,
    killEveryMs: 1_000,
    stopEveryMs: 1_000,
    untilOverlap: true,
  });
  await t.step(summary(report), () => {
    assertEquals(report.failures, []);
    assertGreater(report.overlaps.length, 0);
  });
});

Deno.test("acquireLock() has one owner at a time among processes killed and stopped", async (t) => {
  const report = await stress({
    protocol: "ours",
    processes: 8,
    acquisitions: 500,
    deadlineMs: 300_000,
    suicideOdds: 0.001,
    killEveryMs: 500,
    stopEveryMs: 300,
  });
  await t.step(summary(report), () => {
    assertEquals(report.overlaps, []);
    assertEquals(report.failures, []);
    assertGreaterOrEqual(report.entries, 500);
    assertGreater(report.kills, 0);
  });
});
