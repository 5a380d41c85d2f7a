/**
 * The lock among containers that share a data directory: each has PIDs of its own, and usually we
 * are PID 1 in all of them.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Contender, TestDirectory } from "./contenders.ts";
import { testAsRoot } from "./privileged.ts";

/** A PID namespace with its own /proc, that ends with the command that made it. */
const IN_NAMESPACE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];

testAsRoot(
  "acquireLock() as PID 1 takes over from a PID 1 that crashed, without waiting",
  async () => {
    await using directory = new TestDirectory();
    for (let start = 0; start < 3; start++) {
      await using first = new Contender({ directory: directory.path }, IN_NAMESPACE);
      const outcome = await first.outcome();
      assert(outcome?.is === "acquired");
      assertEquals([outcome.pid, outcome.sleeps], [1, 0]);
      assertEquals(await Deno.readTextFile(directory.lock), "1\n");
      first.signal("SIGKILL");
      assertEquals(await first.outcome(), null);
    }
  },
);

testAsRoot("acquireLock() as PID 1 takes a lock of another implementation's PID 1", async () => {
  await using directory = new TestDirectory();
  await Deno.writeTextFile(directory.lock, "1\n");
  const before = new Date(Date.now() - 60_000);
  await Deno.utime(directory.lock, before, before);
  await using next = new Contender({ directory: directory.path }, IN_NAMESPACE);
  assertEquals((await next.outcome())?.is, "acquired");
});

testAsRoot("acquireLock() as PID 1 beside a live owner that is PID 1 too is refused", async () => {
  await using directory = new TestDirectory();
  await using owner = new Contender({ directory: directory.path }, IN_NAMESPACE);
  assertEquals((await owner.outcome())?.is, "acquired");
  await using second = new Contender({ directory: directory.path }, IN_NAMESPACE);
  const refused = await second.outcome();
  assert(refused?.is === "failed");
  assertEquals([refused.code, refused.pid], ["lock-held", 1]);
  // It knows by the guard's record that the lock is no stranger's, so it needn't try again.
  assertEquals(refused.sleeps, 0);
  await using outside = new Contender({ directory: directory.path });
  const alsoRefused = await outside.outcome();
  assert(alsoRefused?.is === "failed");
  assertEquals(alsoRefused.code, "lock-held");
  assertEquals((await owner.release())?.is, "released");
});

testAsRoot("acquireLock() by several PIDs 1 at once goes to exactly one", async () => {
  await using directory = new TestDirectory();
  const start = () => new Contender({ directory: directory.path }, IN_NAMESPACE);
  await using stack = new AsyncDisposableStack();
  const contenders = Array.from({ length: 5 }, () => stack.use(start()));
  const outcomes = await Promise.all(contenders.map((contender) => contender.outcome()));
  const words = outcomes.map((o) => o?.is === "failed" ? o.code : o?.is).sort();
  assertEquals(words, ["acquired", ...Array(4).fill("lock-held")]);
});
