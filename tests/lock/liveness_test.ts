/**
 * Whether a process exists.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { isProcessAlive } from "../../src/lock/liveness.ts";
import { deadPid } from "./contenders.ts";

Deno.test("isProcessAlive() knows the living, whoever they belong to", () => {
  assert(isProcessAlive(Deno.pid));
  assert(isProcessAlive(Deno.ppid));
  assert(isProcessAlive(1));
});

Deno.test("isProcessAlive() knows the dead", async () => {
  assertEquals(isProcessAlive(await deadPid()), false);
  assertEquals(isProcessAlive(2 ** 31 - 1), false);
});
