/**
 * Whether the daemon says that it is ready, as time goes by.
 */

import { assertEquals } from "@std/assert";
import { readiness } from "../../src/reconcile/readiness.ts";
import { FakeEngine } from "../engines/scripted.ts";
import { rig } from "../harness/rig.ts";
import { TurnedClock } from "../harness/turned_clock.ts";

const INTERVAL_MS = 30_000;

Deno.test("readiness() is not for ever after one good pass: it lasts two intervals", async () => {
  await using engine = await FakeEngine.start();
  const clock = new TurnedClock();
  await using parts = await rig({ kind: "unix", path: engine.path }, {
    clock,
    intervalMs: INTERVAL_MS,
  });
  const { loop } = parts;
  const ready = () => readiness(parts, { intervalMs: INTERVAL_MS }).ready;
  assertEquals(ready(), false, "no pass was done");
  loop.start();
  await loop.outcomes.firstPass;
  await loop.stop();
  assertEquals(ready(), true);
  await clock.turn(2 * INTERVAL_MS);
  assertEquals(ready(), true, "the next pass is late, and may be under way");
  await clock.turn(1);
  assertEquals(ready(), false, "nobody knows what runs");
});
