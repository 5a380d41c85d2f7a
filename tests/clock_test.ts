import { assertEquals } from "@std/assert";
import { Alarm } from "../src/clock.ts";

Deno.test("Alarm.ring() ends the sleep that follows the look, and none of those after it", () => {
  const alarm = new Alarm();
  const first = alarm.set();
  assertEquals(first.aborted, false);
  alarm.ring();
  alarm.ring();
  assertEquals(first.aborted, true);
  assertEquals(alarm.set().aborted, false);
});
