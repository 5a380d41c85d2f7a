import { assertEquals } from "@std/assert";
import { freshnessOf, isLate, type Keeping, unkept } from "../../src/core/freshness.ts";

const AT = "2026-01-01T00:00:00.000Z";
const WELL: Keeping = {
  asOf: AT,
  ageMs: 1000,
  intervalMs: 30_000,
  failing: null,
  engineChanged: false,
  anonymous: false,
  eventsDown: false,
};

Deno.test("freshnessOf() is fresh while passes are good, recent, and events flow", () => {
  assertEquals(freshnessOf(WELL), { fresh: true, asOf: AT, reason: null });
});

Deno.test("freshnessOf() names what is wrong, and as of when the index is true", () => {
  for (
    const [wrong, reason] of [
      [{ failing: "engine" }, "engine-down"],
      [{ failing: "index" }, "writes-fail"],
      [{ engineChanged: true }, "engine-changed"],
      [{ ageMs: 60_001 }, "late"],
      [{ anonymous: true }, "engine-unknown"],
      [{ eventsDown: true }, "events-down"],
      [{ failing: "engine", eventsDown: true, ageMs: 1e9 }, "engine-down"],
    ] as const
  ) assertEquals(freshnessOf({ ...WELL, ...wrong }), { fresh: false, asOf: AT, reason });
  assertEquals(freshnessOf({ ...WELL, asOf: null, ageMs: Infinity }).reason, "no-pass");
  assertEquals(unkept(null), { fresh: false, asOf: null, reason: "no-daemon" });
});

Deno.test("isLate() is true after two intervals", () => {
  assertEquals([60_000, 60_001].map((ageMs) => isLate({ ageMs, intervalMs: 30_000 })), [
    false,
    true,
  ]);
});
