/**
 * The lock when the system refuses: each refusal is told as what it is, never as "held", and
 * nothing of ours is left.
 *
 * @module
 */
import { hintFor } from "../../src/cli/words.ts";
import { Failure, isFailure } from "../../src/failure.ts";
import { failsWith } from "../harness/failures.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { acquireLock, lossOf, readOwner } from "../../src/lock/lock.ts";
import type { Step } from "../../src/lock/attempt.ts";
import { acquireAtOnce, Contender, deadPid, TestDirectory } from "./contenders.ts";
import { command, testAsRoot } from "./privileged.ts";

const NOBODY = 65_534;

Deno.test("acquireLock() tells what stands in the way of its files, and leaves it alone", async (t) => {
  type Make = (path: string, directory: string) => Promise<Disposable | void>;
  const obstacles: Record<string, Make> = {
    "a directory": (path) => Deno.mkdir(path),
    "a symlink to nothing": (path) => Deno.symlink("nothing", path),
    "a symlink to a file": async (path, directory) => {
      await Deno.writeTextFile(`${directory}/precious`, "precious");
      await Deno.symlink("precious", path);
    },
    "a symlink to a directory": (path, directory) => Deno.symlink(directory, path),
    "a fifo": (path) => command("mkfifo", path),
    "a socket": (path) => Promise.resolve(Deno.listen({ transport: "unix", path })),
  };
  for (const [what, make] of Object.entries(obstacles)) {
    for (const file of ["lock", "guard", "reclaim"] as const) {
      await t.step(`${what} as the ${file}`, async () => {
        await using directory = new TestDirectory();
        using _kept = await make(directory[file], directory.path) ?? { [Symbol.dispose]() {} };
        const before = directory.list();
        const error = await failsWith("lock-path", () => acquireLock(directory.path));
        const kind = what.split(" ")[1];
        const path = `${await Deno.realPath(directory.path)}${
          directory[file].slice(directory.path.length)
        }`;
        assertEquals(
          error.message,
          `Cannot lock "${directory.path}": "${path}" is a ${kind}, not a regular file`,
        );
        assertEquals(error.data.path, path);
        assertEquals(directory.list(), before);
        if (before.includes("precious")) {
          assertEquals(await Deno.readTextFile(`${directory.path}/precious`), "precious");
        }
        if (file === "lock") assertEquals(readOwner(directory.path), { pid: null, live: null });
      });
    }
  }
});

Deno.test("acquireLock() that is refused any one step says so and leaves nothing", async () => {
  let refused = 0;
  for (let at = 0;; at++) {
    await using directory = new TestDirectory();
    const taken: Step[] = [];
    const onStep = (step: Step): void => {
      taken.push(step);
      if (taken.length - 1 === at) throw new RefusedByTest();
    };
    const result = await acquireLock(directory.path, { onStep }).catch((error) => error);
    const step = taken[at];
    if (step === undefined) {
      result.release();
      break;
    }
    refused++;
    if (step.op === "lstat" && step.file === "reclaim" || step.op === "remove") {
      // It owns the lock by then, and only tidies up.
      assertEquals(result.check(), { held: true });
      result.release();
      continue;
    }
    assert(isFailure(result, "lock-refused"), `step ${at}: ${JSON.stringify(step)}`);
    assertInstanceOf(result.cause, RefusedByTest);
    assertStringIncludes(result.message, "input/output error");
    assertMatch(hintFor(result), /^[^A-Z].*[^.]$/, "one line, lower case, no period");
    // The guard stays if it can't be told whether somebody has used it meanwhile.
    assertEquals(directory.list().filter((name) => name !== "tinyforge.lock.guard"), []);
    (await acquireLock(directory.path)).release();
  }
  assertGreater(refused, 12);
});

Deno.test("acquireLock() says that a file system has no flock, and leaves nothing", async () => {
  for (const code of ["ENOLCK", "EOPNOTSUPP", "ENOSYS"]) {
    await using directory = new TestDirectory();
    const onStep = ({ op }: Step): void => {
      if (op === "flock") throw new RefusedByTest(code);
    };
    const error = await failsWith(
      "lock-unsupported",
      () => acquireLock(directory.path, { onStep }),
    );
    assertEquals(
      error.message,
      `Cannot lock "${directory.path}": its file system does not support flock (${code})`,
    );
    assertEquals(directory.list(), []);
  }
});

Deno.test("acquireLock() starts over when the guard is replaced before the flock", async () => {
  await using directory = new TestDirectory();
  await Deno.writeTextFile(directory.guard, "");
  let replaced = 0;
  const onStep = ({ op }: Step): void => {
    if (op !== "flock" || ++replaced > 2) return;
    Deno.renameSync(directory.guard, `${directory.path}/old`);
    Deno.writeTextFileSync(directory.guard, "");
  };
  using lock = await acquireLock(directory.path, { onStep });
  assertEquals(replaced, 3);
  assertEquals(lock.check(), { held: true });
  await failsWith("lock-held", () => acquireLock(directory.path));
});

Deno.test("acquireLock() gives up on a guard that never stays", async () => {
  await using directory = new TestDirectory();
  const onStep = ({ op }: Step): void => {
    if (op === "flock") Deno.removeSync(directory.guard);
  };
  const error = await failsWith("lock-held", () => acquireLock(directory.path, { onStep }));
  assertEquals(error.data.pid, null);
  assertStringIncludes(error.message, "keep replacing");
});

Deno.test("acquireLock() beside one stopped between creating and writing is refused", async () => {
  for (const file of ["reclaim", "lock", "guard"]) {
    await using directory = new TestDirectory();
    await using slow = new Contender({
      directory: directory.path,
      signal: "SIGSTOP",
      before: { op: "write", file },
    });
    assertEquals((await slow.outcome())?.is, "stopping");
    for (const graceMs of [1, 60]) {
      await failsWith("lock-held", () => acquireLock(directory.path, { graceMs }));
    }
    slow.signal("SIGCONT");
    assertEquals((await slow.outcome())?.is, "acquired");
    assertEquals(await Deno.readTextFile(directory.lock), `${slow.pid}\n`);
    const error = await failsWith("lock-held", () => acquireLock(directory.path));
    assertEquals(error.data.pid, slow.pid);
    assertEquals((await slow.release())?.is, "released");
  }
});

Deno.test("acquireLock() beside an owner that is stopped is refused", async () => {
  await using directory = new TestDirectory();
  await using owner = new Contender({ directory: directory.path });
  await owner.outcome();
  owner.signal("SIGSTOP");
  const error = await failsWith("lock-held", () => acquireLock(directory.path, { graceMs: 1 }));
  assertEquals(error.data.pid, owner.pid);
  owner.signal("SIGCONT");
  assertEquals((await owner.release())?.is, "released");
});

Deno.test("Lock.release() that is refused doesn't throw, and the next start recovers", async () => {
  for (const op of ["lstat", "read", "remove", "write"]) {
    await using directory = new TestDirectory();
    let refuses = false;
    const onStep = (step: Step): void => {
      if (refuses && step.op === op) throw new RefusedByTest("EROFS");
    };
    const lock = await acquireLock(directory.path, { onStep });
    refuses = true;
    lock.release();
    assertEquals(directory.list().includes("tinyforge.lock"), op !== "write");
    let waits = 0;
    using next = await acquireLock(directory.path, {
      onStep: (step) => {
        if (step.op === "sleep") waits++;
      },
    });
    assertEquals([next.check(), waits], [{ held: true }, 0]);
  }
});

Deno.test({
  name: "acquireLock() without FFI says which permission it needs, never that a live owner is dead",
  permissions: { read: true, write: true, ffi: false },
  fn: async () => {
    await using directory = new TestDirectory();
    await Deno.writeTextFile(directory.lock, `${Deno.pid - 1}\n`);
    const error = await failsWith("lock-refused", () => acquireLock(directory.path));
    assertStringIncludes(hintFor(error), "--allow-ffi");
    assertEquals(directory.list(), ["tinyforge.lock"]);
  },
});

testAsRoot("acquireLock() on a full disk says so and leaves nothing", async () => {
  await using directory = new TestDirectory();
  await using _mounted = await mounted(directory.path, "size=1m");
  await fill(`${directory.path}/filler`);
  const full = await failsWith("lock-refused", () => acquireLock(directory.path));
  assertStringIncludes(full.message, "no space left on the disk");
  assertStringIncludes(hintFor(full), "free some space");
  assertEquals(directory.list(), ["filler"]);

  await Deno.remove(`${directory.path}/filler`);
  (await acquireLock(directory.path)).release();
  await fill(`${directory.path}/filler`);
  await assertRejects(() => acquireLock(directory.path), Failure, "no space left on the disk");
  assertEquals(directory.list(), ["filler", "tinyforge.lock.guard"]);
  assertStringIncludes(await Deno.readTextFile(directory.guard), "free");
});

testAsRoot(
  "acquireLock() reclaims a stale lock on a full disk as far as there is room",
  async () => {
    await using directory = new TestDirectory();
    await using _mounted = await mounted(directory.path, "size=1m");
    await using owner = new Contender({ directory: directory.path });
    await owner.outcome();
    owner.signal("SIGKILL");
    await owner.ended();
    await fill(`${directory.path}/filler`);
    const stale = await Deno.readTextFile(directory.lock);
    await assertRejects(() => acquireLock(directory.path), Failure, "no space left on the disk");
    assertEquals(await Deno.readTextFile(directory.lock), stale);
    await Deno.remove(`${directory.path}/filler`);
    using lock = await acquireAtOnce(directory.path);
    assertEquals(lock.check(), { held: true });
  },
);

testAsRoot("acquireLock() on a file system without inodes says so and leaves nothing", async () => {
  await using directory = new TestDirectory();
  await using _mounted = await mounted(directory.path, "size=1m,nr_inodes=3");
  for (let left = 0; left < 3; left++) {
    const before = directory.list();
    const error = await acquireLock(directory.path).catch((error) => error);
    if (!isFailure(error)) error.release();
    else {
      assertStringIncludes(error.message, "no space left on the disk");
      assertEquals(directory.list(), before);
    }
    await Deno.remove(directory.guard).catch(() => {});
    await Deno.writeTextFile(`${directory.path}/${left}`, "").catch(() => {});
  }
  await assertRejects(() => acquireLock(directory.path), Failure, "no space left on the disk");
});

testAsRoot("acquireLock() on a read-only file system says so", async () => {
  await using directory = new TestDirectory();
  await using _mounted = await mounted(directory.path, "size=1m");
  for (const prepare of [false, true]) {
    await command("mount", "-o", "remount,rw", directory.path);
    if (prepare) (await acquireLock(directory.path)).release();
    const before = directory.list();
    await command("mount", "-o", "remount,ro", directory.path);
    const error = await failsWith("lock-refused", () => acquireLock(directory.path));
    assertStringIncludes(error.message, "the file system is read-only");
    assertEquals(directory.list(), before);
  }
});

testAsRoot(
  "acquireLock() in a directory that isn't its own is refused the permission",
  async () => {
    for (const mode of [0o700, 0o500, 0o755]) {
      await using directory = new TestDirectory();
      await Deno.chmod(directory.path, mode);
      if (mode === 0o500) await Deno.chown(directory.path, NOBODY, NOBODY);
      await using stranger = new Contender({ directory: directory.path, uid: NOBODY });
      const outcome = await stranger.outcome();
      assert(outcome?.is === "failed");
      assertEquals(outcome.code, "lock-refused");
      assertStringIncludes(outcome.message, "permission denied");
      // Its owner's, who keeps it from others, or its own, which is closed to itself.
      const help = mode === 0o500
        ? "user who owns the directory"
        : `run as root (sudo), or as root give this one all that is there: chown -R ${NOBODY}`;
      assertStringIncludes(outcome.hint ?? "", help);
      assertEquals(directory.list(), []);
    }
  },
);

testAsRoot(
  "acquireLock() beside another user's owner is refused the permission, not held",
  async () => {
    await using directory = new TestDirectory();
    await Deno.chmod(directory.path, 0o777);
    using _lock = await acquireLock(directory.path);
    await using stranger = new Contender({ directory: directory.path, uid: NOBODY });
    const outcome = await stranger.outcome();
    assert(outcome?.is === "failed");
    assertEquals(outcome.code, "lock-refused");
    assertStringIncludes(outcome.message, "permission denied");
  },
);

testAsRoot("acquireLock() names the file that root left to the directory's user", async () => {
  await using directory = new TestDirectory();
  await Deno.chown(directory.path, NOBODY, NOBODY);
  (await acquireLock(directory.path)).release();
  await using user = new Contender({ directory: directory.path, uid: NOBODY });
  const outcome = await user.outcome();
  assert(outcome?.is === "failed");
  assertStringIncludes(
    outcome.message,
    `tinyforge.lock.guard": it belongs to user 0, the directory to user ${NOBODY}`,
  );
  assertStringIncludes(outcome.hint ?? "", `chown -R ${NOBODY} "${directory.path}"`);
});

Deno.test("lossOf() tells others what check() finds within", async (t) => {
  const faults: Record<string, (directory: TestDirectory) => Promise<void>> = {
    "the lock file is gone": ({ lock }) => Deno.remove(lock),
    "the lock file was replaced or overwritten": ({ lock }) => Deno.writeTextFile(lock, "1\n"),
    "the guard file was removed or replaced": ({ guard }) => Deno.remove(guard),
  };
  for (const [reason, happen] of Object.entries(faults)) {
    await t.step(reason, async () => {
      await using directory = new TestDirectory();
      using lock = await acquireLock(directory.path);
      assertEquals([lossOf(directory.path, lock.pid), lock.check().held], [null, true]);
      await happen(directory);
      assertEquals([lossOf(directory.path, lock.pid), lock.check().held], [reason, false]);
    });
  }
  await t.step("nothing, of a process whose PID is one of another namespace", async () => {
    await using directory = new TestDirectory();
    (await acquireLock(directory.path)).release();
    using other = await Deno.open(directory.guard, { read: true, write: true });
    assert(other.tryLockSync(true));
    const pid = await deadPid();
    await Deno.writeTextFile(directory.lock, `${pid}\n`);
    assertEquals([lossOf(directory.path, pid), readOwner(directory.path)?.pid], [null, null]);
  });
});

Deno.test("readOwner() sees that a program holds the guard, whatever the lock file says", async () => {
  await using directory = new TestDirectory();
  (await acquireLock(directory.path)).release();
  assertEquals(readOwner(directory.path), null);
  const other = await Deno.open(directory.guard, { read: true, write: true });
  assert(other.tryLockSync(true));
  assertEquals(readOwner(directory.path), { pid: null, live: true });
  const pid = await deadPid();
  await Deno.writeTextFile(directory.lock, `${pid}\n`);
  assertEquals(readOwner(directory.path), { pid: null, live: true });
  await Deno.writeTextFile(directory.lock, "?");
  assertEquals(readOwner(directory.path), { pid: null, live: true });
  await Deno.writeTextFile(directory.lock, `${pid}\n`);
  other.close();
  assertEquals(readOwner(directory.path), { pid, live: false });
  // To look takes nothing from anybody.
  using lock = await acquireLock(directory.path);
  assertEquals(readOwner(directory.path), { pid: Deno.pid, live: true });
  assertEquals(lock.check(), { held: true });
});

testAsRoot("acquireLock() knows that another user's process lives", async () => {
  await using directory = new TestDirectory();
  await Deno.chown(directory.path, NOBODY, NOBODY);
  await Deno.writeTextFile(directory.lock, `${Deno.pid}\n`, { mode: 0o644 });
  await using stranger = new Contender({ directory: directory.path, uid: NOBODY });
  const outcome = await stranger.outcome();
  assert(outcome?.is === "failed");
  assertEquals([outcome.code, outcome.pid], ["lock-held", Deno.pid]);
});

class RefusedByTest extends Error {
  readonly code: string;

  constructor(code = "EIO") {
    super(code);
    this.code = code;
  }
}

async function mounted(path: string, options: string): Promise<AsyncDisposable> {
  await command("mount", "-t", "tmpfs", "-o", options, "tinyforge-lock-test", path);
  return { [Symbol.asyncDispose]: () => command("umount", "--lazy", path) };
}

async function fill(path: string): Promise<void> {
  using file = await Deno.create(path);
  const block = new Uint8Array(4096);
  try {
    for (;;) await file.write(block);
  } catch (error) {
    assertEquals((error as { code?: string }).code, "ENOSPC");
  }
}
