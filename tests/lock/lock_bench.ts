/**
 * What a lock costs a start: at most 5 ms. A stale one of our own costs no grace time.
 *
 * @module
 */
import { acquireLock } from "../../src/lock/lock.ts";
import { Contender, deadPid, TestDirectory } from "./contenders.ts";

const group = "acquireLock() and release(), target 5 ms";

const free = new TestDirectory();
(await acquireLock(free.path)).release();
Deno.bench({
  name: "a free lock",
  group,
  baseline: true,
  fn: async () => (await acquireLock(free.path)).release(),
});

/** What an owner left that was killed: its lock file with its time, and the guard with its record. */
const crashed = new TestDirectory();
{
  await using owner = new Contender({ directory: crashed.path });
  await owner.outcome();
}
const pid = await Deno.readTextFile(crashed.lock);
const record = await Deno.readTextFile(crashed.guard);
const mtime = new Date(Number(record.match(/mtime=(\d+)/)?.[1]));
Deno.bench({
  name: "a stale lock of our own",
  group,
  fn: async (b) => {
    await Deno.writeTextFile(crashed.lock, pid);
    await Deno.utime(crashed.lock, mtime, mtime);
    await Deno.writeTextFile(crashed.guard, record);
    b.start();
    (await acquireLock(crashed.path)).release();
    b.end();
  },
});

const foreign = new TestDirectory();
const dead = `${await deadPid()}\n`;
Deno.bench({
  name: "a stale lock of another implementation",
  group,
  fn: async (b) => {
    await Deno.writeTextFile(foreign.lock, dead);
    b.start();
    (await acquireLock(foreign.path)).release();
    b.end();
  },
});

globalThis.addEventListener("unload", () => {
  for (const { path } of [free, crashed, foreign]) Deno.removeSync(path, { recursive: true });
});
