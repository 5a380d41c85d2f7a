/**
 * The power fails at any step of a start: what was written and not synced is on the disk, or not.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { type AnyActor, OURS } from "./model/actors.ts";
import { startAlone } from "./model/checker.ts";
import { LEFTOVERS } from "./model/leftovers.ts";
import { firstPid, newWorld, perform, type World } from "./model/world.ts";

/** PIDs: that of who lost the power, which another process has after it; and the next start's. */
const [LOST, NEXT] = [firstPid(0), 3000];

Deno.test("acquireLock() after a power failure gets the lock, whoever has the lost PID then", () => {
  let outages = 0;
  for (const { name, files } of LEFTOVERS) {
    for (const { world, acquired } of outagesOf(files)) {
      outages++;
      const start = { pid: NEXT, strangers: [LOST] };
      const { verdict, sleeps } = startAlone(OURS as AnyActor, world, start);
      const found = JSON.stringify(Object.values(world.inodes).map(([text]) => text.trim()));
      assertEquals(verdict, "acquired", `${name}, then ${found}`);
      if (acquired) assertEquals(sleeps, 0, `it waited: ${name}, then ${found}`);
    }
  }
  assert(outages > 300, `there were only ${outages}`);
});

interface Outage {
  /** What the next start finds. */
  readonly world: World;
  /** The power failed when the lock was owned. */
  readonly acquired: boolean;
}

/** Every directory that can be found after the power failed during a start on these files. */
function outagesOf(files: Readonly<Record<string, string>>): Outage[] {
  let world = newWorld([{ pid: LOST, namespace: 0, live: true }], { files });
  let mind = OURS.begin(LOST, world.clock);
  /** Inode → the texts before the last that may be what is on the disk. */
  let unsynced: ReadonlyMap<number, readonly string[]> = new Map();
  const outages: Outage[] = [];
  for (let taken = 0; taken < 100; taken++) {
    const step = OURS.step(mind);
    const acquired = step === null;
    outages.push(...found(world, unsynced).map((world) => ({ world, acquired })));
    if (step === null) return outages;
    if (step.op === "write") {
      const inode = world.open[0]?.[step.file] ?? 0;
      const before = [...unsynced.get(inode) ?? [], world.inodes[inode]?.[0] ?? ""];
      const now = new Map(unsynced);
      if ("sync" in step && step.sync) now.delete(inode);
      else now.set(inode, before);
      unsynced = now;
    }
    const [next, result] = perform(world, 0, step);
    world = next;
    mind = OURS.advance(mind, result);
  }
  throw new Error("The start goes round in circles");
}

/** The world with each text that is not synced as it is, and as each that it may still be. */
function found(world: World, unsynced: ReadonlyMap<number, readonly string[]>): World[] {
  let worlds = [world];
  for (const [inode, texts] of unsynced) {
    const mtime = world.inodes[inode]?.[1];
    if (mtime === undefined) continue;
    worlds = worlds.flatMap((each) => [
      each,
      ...texts.map((text) => ({
        ...each,
        inodes: { ...each.inodes, [inode]: [text, mtime] as const },
      })),
    ]);
  }
  return worlds;
}
