/**
 * Which backups stay, on every history that can be.
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Kept, toRemove } from "../../src/safekeeping/retention.ts";

const DAY = 86_400_000;
const START = Date.parse("2026-01-05T02:00:00Z"); // a Monday

/** Backups in the order in which they were made; clocks jump, files are damaged. */
const histories = fc.array(
  fc.record({ hours: fc.integer({ min: -50, max: 24 * 400 }), verified: fc.boolean() }),
  { maxLength: 60 },
).chain((drawn) =>
  // Mostly in order, as a clock that goes forward makes them.
  fc.boolean().map((sorted) =>
    (sorted ? drawn.toSorted((a, b) => a.hours - b.hours) : drawn).map((
      { hours, verified },
      i,
    ): Kept => ({ name: `b${i}`, at: START + hours * 3_600_000, verified }))
  )
);

function after(backups: readonly Kept[]): Kept[] {
  const removed = new Set(toRemove(backups));
  return backups.filter(({ name }) => !removed.has(name));
}

Deno.test("toRemove() never names the last verified backup", () => {
  fc.assert(
    fc.property(histories, (backups) => {
      const last = backups.findLast(({ verified }) => verified);
      const left = after(backups);
      assert(last === undefined ? left.length === backups.length : left.includes(last));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("toRemove() keeps the last verified one of each of seven days and four weeks", () => {
  fc.assert(
    fc.property(histories, (backups) => {
      const good = backups.filter(({ verified }) => verified);
      const left = new Set(after(backups));
      for (
        const [count, period] of [
          [7, (at: number) => new Date(at).toISOString().slice(0, 10)],
          [4, mondayOf],
        ] as const
      ) {
        const periods = [...new Set(good.map(({ at }) => period(at)))].sort().reverse();
        for (const wanted of periods.slice(0, count)) {
          const of = good.filter(({ at }) => period(at) === wanted);
          const newest = Math.max(...of.map(({ at }) => at));
          assert(of.some((each) => each.at === newest && left.has(each)), wanted);
        }
      }
      // No more than that.
      assert(good.filter((each) => left.has(each)).length <= 12);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("toRemove() says the same again of what it left: nothing", () => {
  fc.assert(
    fc.property(histories, (backups) => {
      assertEquals(toRemove(after(backups)), []);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("toRemove() leaves after a year of days seven days and four weeks", () => {
  let backups: Kept[] = [];
  for (let day = 0; day < 365; day++) {
    backups.push({ name: `day ${day}`, at: START + day * DAY, verified: true });
    backups = after(backups);
  }
  // Day 364 is a Monday: its week is new, and the three before end on Sundays.
  assertEquals(backups.map(({ name }) => name), [
    "day 349",
    "day 356",
    ...[358, 359, 360, 361, 362, 363, 364].map((day) => `day ${day}`),
  ]);
});

Deno.test("toRemove() lets no damaged backup take the place of a good one", () => {
  const backups = Array.from({ length: 10 }, (_, day): Kept => ({
    name: `day ${day}`,
    at: START + day * DAY,
    verified: day < 2,
  }), { numRuns: 1000 });
  assertEquals(toRemove(backups), []);
  const more = [...backups, { name: "day 10", at: START + 10 * DAY, verified: true }];
  assertEquals(toRemove(more), []);
});

/** The Monday of a moment's week (UTC), as a date. */
function mondayOf(at: number): string {
  const date = new Date(at);
  const sinceMonday = (date.getUTCDay() + 6) % 7;
  return new Date(at - sinceMonday * DAY).toISOString().slice(0, 10);
}
