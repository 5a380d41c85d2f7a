/**
 * How long rows ran, where what was expected of them was something else.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { ranRow } from "../../src/core/availability.ts";
import type { Stretch } from "../../src/core/story.ts";

Deno.test("ranRow() counts nothing while a job is over that ended as it should", () => {
  const stretch = (from: number, to: number, state: string) =>
    ({ from, to, state: { to: state } }) as unknown as Stretch;
  const story = [
    stretch(0, 10, "running"),
    stretch(10, 70, "completed"),
    stretch(70, 80, "running"),
    stretch(80, 100, "stopped"),
  ];
  const window = { from: 0, to: 100, watched: [{ from: 0, to: 40 }, { from: 50, to: 100 }] };
  assertEquals(ranRow(story, window), [
    { from: 0, to: 10, state: "running" },
    { from: 70, to: 80, state: "running" },
    { from: 80, to: 100, state: "down" },
  ]);
});
