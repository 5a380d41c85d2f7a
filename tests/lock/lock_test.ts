/**
 * What acquireLock() promises to whoever calls it, on real files.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { hintFor } from "../../src/cli/words.ts";
import { isFailure } from "../../src/failure.ts";
import { acquireLock, readOwner } from "../../src/lock/lock.ts";
import { failsWith } from "../harness/failures.ts";
import type { Step } from "../../src/lock/attempt.ts";
import { acquireAtOnce, Contender, deadPid, TestDirectory } from "./contenders.ts";
import { command } from "./privileged.ts";

/** So many looks make up a grace time. */
const POLLS = 20;

Deno.test("acquireLock() makes a lock file with the PID and one newline, for its owner only", async () => {
  await using directory = new TestDirectory();
  using lock = await acquireLock(directory.path);
  assertEquals(await Deno.readTextFile(directory.lock), `${Deno.pid}\n`);
  assertEquals(directory.list(), ["tinyforge.lock", "tinyforge.lock.guard"]);
  for (const path of [directory.lock, directory.guard]) {
    assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
  }
  assertEquals(lock.pid, Deno.pid);
  assertEquals(lock.path, await Deno.realPath(directory.lock));
  assertEquals(lock.check(), { held: true });
});

Deno.test("acquireLock() is refused while another process holds the lock, and tells its PID", async () => {
  await using directory = new TestDirectory();
  await using owner = new Contender({ directory: directory.path });
  assertEquals((await owner.outcome())?.is, "acquired");
  const error = await failsWith("lock-held", () => acquireLock(directory.path));
  assertEquals(error.data.pid, owner.pid);
  assertEquals(error.data.path, await Deno.realPath(directory.lock));
  assertEquals(error.message, `Cannot lock "${directory.path}": process ${owner.pid} holds it`);
  assertStringIncludes(hintFor(error), `stop process ${owner.pid}`);
  assertEquals(readOwner(directory.path), { pid: owner.pid, live: true });
  assertEquals((await owner.release())?.is, "released");
  assertEquals(readOwner(directory.path), null);
  (await acquireLock(directory.path)).release();
});

Deno.test("acquireLock() is refused to the process that holds the lock already", async () => {
  await using directory = new TestDirectory();
  using lock = await acquireLock(directory.path);
  const error = await failsWith("lock-held", () => acquireLock(directory.path));
  assertEquals(error.data.pid, Deno.pid);
  assertEquals(lock.check(), { held: true });
});

Deno.test("acquireLock() by several at once goes to exactly one", async () => {
  await using directory = new TestDirectory();
  const attempts = Array.from({ length: 8 }, () => acquireLock(directory.path));
  const results = await Promise.allSettled(attempts);
  const locks = results.flatMap((r) => r.status === "fulfilled" ? [r.value] : []);
  assertEquals(locks.length, 1);
  for (const result of results) {
    if (result.status === "rejected") assert(isFailure(result.reason, "lock-held"));
  }
  locks[0]?.release();
});

Deno.test("acquireLock() takes over from a process that was killed, without waiting", async () => {
  await using directory = new TestDirectory();
  await using owner = new Contender({ directory: directory.path });
  await owner.outcome();
  owner.signal("SIGKILL");
  await owner.ended();
  assertEquals(await Deno.readTextFile(directory.lock), `${owner.pid}\n`);
  assertEquals(readOwner(directory.path), { pid: owner.pid, live: false });
  using lock = await acquireAtOnce(directory.path);
  assertEquals(lock.check(), { held: true });
  assertEquals(await Deno.readTextFile(directory.lock), `${Deno.pid}\n`);
});

Deno.test("acquireLock() knows its own crashed file whoever has its PID now", async () => {
  await using directory = new TestDirectory();
  await using other = new Contender({ directory: directory.path });
  await other.outcome();
  // As if the owner had crashed and its PID were another's: the file, the guard, no flock.
  await using copy = new TestDirectory();
  const { mtime } = await Deno.stat(directory.lock);
  await Deno.copyFile(directory.guard, copy.guard);
  await Deno.copyFile(directory.lock, copy.lock);
  await Deno.utime(copy.lock, mtime ?? 0, mtime ?? 0);
  using lock = await acquireAtOnce(copy.path);
  assertEquals(lock.check(), { held: true });
  // And without that record it is a live process's.
  lock.release();
  await Deno.remove(copy.guard);
  await Deno.writeTextFile(copy.lock, `${other.pid}\n`);
  const error = await failsWith("lock-held", () => acquireLock(copy.path));
  assertEquals(error.data.pid, other.pid);
  assertStringIncludes(hintFor(error), "remove");
});

Deno.test("acquireLock() gets a copy of a directory whose owner lives", async (t) => {
  await using directory = new TestDirectory();
  await using owner = new Contender({ directory: directory.path });
  await owner.outcome();
  for (const how of [["cp", "-r"], ["cp", "-a"], ["sh", "-c", 'tar -cC "$0" . | tar -xC "$1"']]) {
    await t.step(how.join(" "), async () => {
      await using copy = new TestDirectory();
      const from = how[0] === "sh" ? directory.path : `${directory.path}/.`;
      await command(how[0]!, ...how.slice(1), from, copy.path);
      assertEquals(await Deno.readTextFile(copy.lock), `${owner.pid}\n`);
      using lock = await acquireAtOnce(copy.path);
      assertEquals(lock.check(), { held: true });
    });
  }
  const error = await failsWith("lock-held", () => acquireLock(directory.path));
  assertEquals(error.data.pid, owner.pid);
});

Deno.test("acquireLock() beside an owner whose guard was replaced by a copy is refused", async () => {
  await using directory = new TestDirectory();
  await using owner = new Contender({ directory: directory.path });
  await owner.outcome();
  await Deno.copyFile(directory.guard, `${directory.guard}.new`);
  await Deno.rename(`${directory.guard}.new`, directory.guard);
  const error = await failsWith("lock-held", () => acquireLock(directory.path));
  assertEquals(error.data.pid, owner.pid);
  assertEquals(await Deno.readTextFile(directory.lock), `${owner.pid}\n`);
});

Deno.test("acquireLock() that loses its lock file in the last moment doesn't own it", async () => {
  await using directory = new TestDirectory();
  /** Does this before the look that comes after everything is written. */
  const atLast = (change: () => void): (step: Step) => void => {
    let written = false;
    let done = false;
    return (step) => {
      written ||= step.op === "write" && step.file === "guard" && step.text.includes("mtime=");
      if (done || !written || step.op !== "lstat" || step.file !== "lock") return;
      done = true;
      change();
    };
  };
  const replaced = atLast(() => {
    Deno.removeSync(directory.lock);
    Deno.writeTextFileSync(directory.lock, `${Deno.ppid}\n`);
  });
  const error = await failsWith(
    "lock-held",
    () => acquireLock(directory.path, { onStep: replaced }),
  );
  assertEquals(error.data.pid, Deno.ppid);
  assertEquals(await Deno.readTextFile(directory.lock), `${Deno.ppid}\n`);
  await Deno.remove(directory.lock);
  const removed = atLast(() => Deno.removeSync(directory.lock));
  using lock = await acquireLock(directory.path, { onStep: removed });
  assertEquals(lock.check(), { held: true });
  assertEquals(await Deno.readTextFile(directory.lock), `${Deno.pid}\n`);
});

Deno.test("acquireLock() judges a stale lock anew that another has replaced meanwhile", async () => {
  await using directory = new TestDirectory();
  await Deno.writeTextFile(directory.lock, `${await deadPid()}\n`);
  const onStep = (step: Step): void => {
    if (step.op === "write" && step.file === "reclaim") {
      Deno.writeTextFileSync(directory.lock, `${Deno.ppid}\n`);
    }
  };
  const error = await failsWith("lock-held", () => acquireLock(directory.path, { onStep }));
  assertEquals(error.data.pid, Deno.ppid);
  assertEquals(await Deno.readTextFile(directory.lock), `${Deno.ppid}\n`);
});

Deno.test("acquireLock() gives a file that changes the whole grace time anew", async (t) => {
  for (const file of ["lock", "reclaim"] as const) {
    await t.step(file, async () => {
      await using directory = new TestDirectory();
      await Deno.writeTextFile(directory[file], "");
      let looks = 0;
      const attempt = acquireLock(directory.path, {
        graceMs: 100,
        onStep: ({ op }) => {
          if (op !== "sleep") return;
          looks++;
          if (looks === POLLS - 5) Deno.writeTextFileSync(directory[file], "?");
          // In the last moment, and only its time.
          if (looks === 2 * POLLS - 5) Deno.utimeSync(directory[file], 1, 1);
          if (looks === 2 * POLLS + 5 && file === "lock") {
            Deno.writeTextFileSync(directory.lock, `${Deno.ppid}\n`);
          }
        },
      });
      if (file === "lock") {
        assertEquals((await failsWith("lock-held", () => attempt)).data.pid, Deno.ppid);
      } else (await attempt).release();
      assert(looks >= (file === "lock" ? 2 * POLLS + 5 : 3 * POLLS - 5), `after ${looks} looks`);
    });
  }
});

Deno.test("acquireLock() has its record on the disk before the PID, and that before it owns it", async () => {
  await using directory = new TestDirectory();
  const synced: [guard: string, lock: string][] = [];
  const { syncDataSync } = Deno.FsFile.prototype;
  Deno.FsFile.prototype.syncDataSync = function (): void {
    syncDataSync.call(this);
    const read = (path: string) => Deno.readTextFileSync(path).trim();
    synced.push([read(directory.guard), read(directory.lock)]);
  };
  try {
    (await acquireLock(directory.path)).release();
  } finally {
    Deno.FsFile.prototype.syncDataSync = syncDataSync;
  }
  assertEquals(synced.length, 2);
  assertMatch(synced[0]![0], new RegExp(`^pid=${Deno.pid} inode=\\d+ guard=\\d+$`));
  assertEquals(synced.map(([, lock]) => lock), ["", `${Deno.pid}`]);
});

Deno.test("acquireLock() reclaims the lock of a dead process of another implementation", async () => {
  await using directory = new TestDirectory();
  await Deno.writeTextFile(directory.lock, `${await deadPid()}\n`);
  using lock = await acquireAtOnce(directory.path);
  assertEquals(lock.check(), { held: true });
});

Deno.test("acquireLock() takes a lock with its own PID from before it started for stale", async () => {
  await using directory = new TestDirectory();
  await Deno.writeTextFile(directory.lock, `${Deno.pid}\n`);
  const before = new Date(performance.timeOrigin - 1_000);
  await Deno.utime(directory.lock, before, before);
  (await acquireLock(directory.path)).release();
  await Deno.writeTextFile(directory.lock, `${Deno.pid}\n`);
  const error = await failsWith("lock-held", () => acquireLock(directory.path));
  assertEquals(error.data.pid, Deno.pid);
  const future = new Date(Date.now() + 3_600_000);
  await Deno.utime(directory.lock, future, future);
  (await acquireLock(directory.path)).release();
});

Deno.test("acquireLock() believes a malformed lock only after it has stood still", async (t) => {
  const contents: Record<string, Uint8Array<ArrayBuffer> | string> = {
    "an empty one": "",
    "a newline": "\n",
    "zero": "0",
    "a negative one": "-1",
    "a fraction": "1.5",
    "more than 32 bits": "4294967297",
    "2^31": "2147483648",
    "digits and letters": "12x",
    "two numbers": "12 13\n",
    "a sign": "+1\n",
    "a NUL": "\0",
    "a NUL after digits": "12\0",
    "no ASCII": new Uint8Array([0xff, 0xfe, 0x31]),
    "1 MiB": "1".repeat(1024 * 1024),
  };
  for (const [name, content] of Object.entries(contents)) {
    await t.step(name, async () => {
      await using directory = new TestDirectory();
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      await Deno.writeFile(directory.lock, bytes);
      assertEquals(readOwner(directory.path), { pid: null, live: null });
      const began = performance.now();
      using lock = await acquireLock(directory.path, { graceMs: 60 });
      assert(performance.now() - began >= 60, "it did not wait");
      assertEquals(lock.check(), { held: true });
      assertEquals(await Deno.readTextFile(directory.lock), `${Deno.pid}\n`);
    });
  }
});

Deno.test("acquireLock() gives another implementation time to write its PID", async () => {
  await using directory = new TestDirectory();
  using file = await Deno.create(directory.lock);
  let looks = 0;
  const attempt = acquireLock(directory.path, {
    graceMs: 400,
    onStep: ({ op }) => {
      if (op === "sleep" && ++looks === 3) {
        file.writeSync(new TextEncoder().encode(`${Deno.ppid}\n`));
      }
    },
  });
  const error = await failsWith("lock-held", () => attempt);
  assertEquals(error.data.pid, Deno.ppid);
  assertEquals(directory.list(), ["tinyforge.lock", "tinyforge.lock.guard"]);
});

Deno.test("acquireLock() takes a PID without a newline for one, if it stands still", async () => {
  await using directory = new TestDirectory();
  await Deno.writeTextFile(directory.lock, `${Deno.ppid}`);
  const began = performance.now();
  const held = () => acquireLock(directory.path, { graceMs: 60 });
  assertEquals((await failsWith("lock-held", held)).data.pid, Deno.ppid);
  assert(performance.now() - began >= 60);
});

Deno.test("acquireLock() isn't stopped by whatever reclaim file was left", async (t) => {
  const pids = { "a dead one": await deadPid(), "its own": Deno.pid, "a live one": Deno.ppid };
  for (const [name, pid] of Object.entries(pids)) {
    await t.step(name, async () => {
      await using directory = new TestDirectory();
      await Deno.writeTextFile(directory.reclaim, `${pid}\n`);
      using lock = await acquireLock(directory.path, { graceMs: 60 });
      assertEquals(lock.check(), { held: true });
      assertEquals(directory.list(), ["tinyforge.lock", "tinyforge.lock.guard"]);
    });
  }
  await t.step("a malformed one, beside a malformed lock and guard", async () => {
    await using directory = new TestDirectory();
    for (const path of [directory.reclaim, directory.lock, directory.guard]) {
      await Deno.writeTextFile(path, "?");
    }
    using lock = await acquireLock(directory.path, { graceMs: 60 });
    assertEquals(lock.check(), { held: true });
    assertMatch(
      await Deno.readTextFile(directory.guard),
      /^pid=\d+ mtime=\d+ inode=\d+ guard=\d+ *\n$/,
    );
  });
});

Deno.test("acquireLock() ends with the signal's reason and leaves nothing", async () => {
  await using directory = new TestDirectory();
  const reason = new Error("enough");
  await assertRejects(
    () => acquireLock(directory.path, { signal: AbortSignal.abort(reason) }),
    Error,
    "enough",
  );
  assertEquals(directory.list(), []);
  await Deno.writeTextFile(directory.lock, "?");
  const controller = new AbortController();
  const onStep = ({ op }: { op: string }): void => {
    if (op === "sleep") controller.abort(reason);
  };
  const { signal } = controller;
  await assertRejects(() => acquireLock(directory.path, { signal, onStep }), Error, "enough");
  assertEquals(directory.list(), ["tinyforge.lock"]);
});

Deno.test("acquireLock() says when there is no such directory", async () => {
  await using directory = new TestDirectory();
  const missing = `${directory.path}/missing`;
  const error = await failsWith("lock-path", () => acquireLock(missing));
  assertEquals(error.message, `Cannot lock "${missing}": there is no such directory`);
  assertStringIncludes(hintFor(error), "mkdir");
  const file = `${directory.path}/file`;
  await Deno.writeTextFile(file, "");
  for (const path of [file, `${file}/below`]) {
    const error = await failsWith("lock-path", () => acquireLock(path));
    assertEquals(error.message, `Cannot lock "${path}": it is not a directory`);
  }
});

Deno.test("Lock.release() gives the lock up at once, and is harmless the second time", async () => {
  await using directory = new TestDirectory();
  const lock = await acquireLock(directory.path);
  lock.release();
  assertEquals(directory.list(), ["tinyforge.lock.guard"]);
  assertEquals(lock.check(), { held: false, reason: "it was released", owner: null });
  using next = await acquireLock(directory.path);
  lock.release();
  assertEquals(next.check(), { held: true });
});

Deno.test("Lock.release() leaves a lock file that isn't its own", async () => {
  await using directory = new TestDirectory();
  const lock = await acquireLock(directory.path);
  await Deno.remove(directory.lock);
  await Deno.writeTextFile(directory.lock, `${Deno.ppid}\n`);
  lock.release();
  assertEquals(await Deno.readTextFile(directory.lock), `${Deno.ppid}\n`);
  await Deno.remove(directory.lock);
  const overwritten = await acquireLock(directory.path);
  await Deno.writeTextFile(directory.lock, `${Deno.ppid}\n`);
  overwritten.release();
  assertEquals(await Deno.readTextFile(directory.lock), `${Deno.ppid}\n`);
});

Deno.test("Lock.check() says how the lock was lost, and who has it", async (t) => {
  const losses: [string, (directory: TestDirectory) => Promise<void>, string, number | null][] = [
    ["removed", async ({ lock }) => await Deno.remove(lock), "the lock file is gone", null],
    [
      "replaced",
      async ({ lock }) => {
        await Deno.remove(lock);
        await Deno.writeTextFile(lock, "4242\n");
      },
      "the lock file was replaced",
      4242,
    ],
    [
      "overwritten",
      async ({ lock }) => await Deno.writeTextFile(lock, "4242\n"),
      "the lock file was overwritten",
      4242,
    ],
    [
      "a directory in its place",
      async ({ lock }) => {
        await Deno.remove(lock);
        await Deno.mkdir(lock);
      },
      "a directory has taken the lock file's place",
      null,
    ],
    [
      "the guard removed",
      async ({ guard }) => await Deno.remove(guard),
      "the guard file was removed or replaced",
      null,
    ],
    [
      "the guard replaced",
      async ({ guard }) => {
        await Deno.rename(guard, `${guard}.old`);
        await Deno.copyFile(`${guard}.old`, guard);
      },
      "the guard file was removed or replaced",
      null,
    ],
  ];
  for (const [name, lose, reason, owner] of losses) {
    await t.step(name, async () => {
      await using directory = new TestDirectory();
      using lock = await acquireLock(directory.path);
      assertEquals(lock.check(), { held: true });
      await lose(directory);
      assertEquals(lock.check(), { held: false, reason, owner });
    });
  }
});

Deno.test("acquireLock() beside an owner whose guard was removed is refused all the same", async () => {
  await using directory = new TestDirectory();
  await using owner = new Contender({ directory: directory.path });
  await owner.outcome();
  await Deno.remove(directory.guard);
  const error = await failsWith("lock-held", () => acquireLock(directory.path));
  assertEquals(error.data.pid, owner.pid);
  assertEquals(await Deno.readTextFile(directory.lock), `${owner.pid}\n`);
});

Deno.test("acquireLock() finds the directory again when the working directory changes", async () => {
  await using directory = new TestDirectory();
  const before = Deno.cwd();
  try {
    Deno.chdir(directory.path);
    const lock = await acquireLock(".");
    Deno.chdir("/");
    assertEquals(lock.check(), { held: true });
    lock.release();
    assertEquals(directory.list(), ["tinyforge.lock.guard"]);
  } finally {
    Deno.chdir(before);
  }
});

Deno.test("acquireLock() after a crash at any step gets the lock", async (t) => {
  const graceMs = 60;
  for (const [name, leftover] of [["free", null], ["stale", `${await deadPid()}\n`]] as const) {
    let waits = 0;
    let crashes = 0;
    await t.step(name, async () => {
      for (let atStep = 0;; atStep++) {
        await using directory = new TestDirectory();
        if (leftover !== null) await Deno.writeTextFile(directory.lock, leftover);
        await using crasher = new Contender({
          directory: directory.path,
          atStep,
          signal: "SIGKILL",
        });
        let outcome = await crasher.outcome();
        if (outcome?.is === "acquired") outcome = await crasher.release();
        if (outcome?.is === "released") break;
        assertEquals(outcome, null);
        // What it says ends a little before all that it holds is free.
        await crasher.ended();
        crashes++;
        using lock = await acquireLock(directory.path, {
          graceMs,
          onStep: ({ op }) => {
            if (op === "sleep") waits++;
          },
        });
        assertEquals(lock.check(), { held: true });
        lock.release();
        assertEquals(directory.list(), ["tinyforge.lock.guard"]);
      }
    });
    assert(crashes > 20, `it crashed only ${crashes} times`);
    // Only a file that has no PID yet has to be watched: the lock, or the reclaim file.
    assertGreater(waits, 0);
    assertLess(waits, 3 * POLLS);
  }
});
