/**
 * What the C library is asked.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  environmentVariable,
  isProcessAlive,
  type LivenessLibrary,
} from "../../src/system/libc.ts";
import { deadPid } from "../lock/contenders.ts";

Deno.test("isProcessAlive() knows the living, whoever they belong to", () => {
  assert(isProcessAlive(Deno.pid));
  assert(isProcessAlive(Deno.ppid));
  assert(isProcessAlive(1));
});

Deno.test("environmentVariable() reads what Deno reads", () => {
  const name = "TINYFORGE_TEST_ENVIRONMENT";
  assertEquals(environmentVariable(name), undefined);
  try {
    for (const value of ["", "a b", "é→"]) {
      Deno.env.set(name, value);
      assertEquals(environmentVariable(name), value);
    }
  } finally {
    Deno.env.delete(name);
  }
  assertEquals([environmentVariable(name), environmentVariable("")], [undefined, undefined]);
});

Deno.test("isProcessAlive() knows the dead", async () => {
  assertEquals(isProcessAlive(await deadPid()), false);
  assertEquals(isProcessAlive(2 ** 31 - 1), false);
});

Deno.test('isProcessAlive() takes only "no such process" for death, no other failure', () => {
  const [EPERM, ESRCH, EINVAL, ENOSYS] = [1, 3, 22, 38];
  const fails = (errno: number | null) => (): LivenessLibrary => {
    const memory = new Int32Array([errno ?? 0]);
    const place = errno === null ? null : Deno.UnsafePointer.of(memory);
    return {
      symbols: { getpgid: () => -1, __errno_location: () => place },
      // Kept until then.
      close: () => void memory.fill(0),
    };
  };
  assertEquals(isProcessAlive(4242, fails(ESRCH)), false);
  for (const errno of [EPERM, EINVAL, ENOSYS, 0, null]) {
    assertEquals(isProcessAlive(4242, fails(errno)), true, `errno ${errno}`);
  }
});
