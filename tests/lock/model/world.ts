/**
 * A world small enough to be explored whole: files with inodes that are given out again at once,
 * flocks, a process table with PIDs that are given out again, a clock that only ticks when a
 * process starts (so whatever happens between two starts has one and the same time: the least
 * helpful clock there is). Performs one step of a protocol; every function returns a new world.
 *
 * @module
 */
import type { Result, Step } from "../../../src/lock/attempt.ts";

/**
 * The steps of the protocol under test, and what more its rivals use: renaming, linking, a file that
 * appears with its content.
 */
export type WorldStep =
  | Step
  | { readonly op: "rename" | "link"; readonly file: string; readonly to: string }
  | { readonly op: "create"; readonly file: string; readonly text?: string }
  | { readonly op: "open" | "lstat" | "remove"; readonly file: string }
  | { readonly op: "read"; readonly file: string; readonly through: "own" | "peek" }
  | { readonly op: "write"; readonly file: string; readonly text: string; readonly sync: boolean };

/** A line of the process table. */
export interface Process {
  readonly pid: number;
  /** Its PID namespace; processes of different ones don't see each other. */
  readonly namespace: number;
  readonly live: boolean;
}

/** Everything that more than one process can see. */
export interface World {
  readonly clock: number;
  /** How many crashes may still happen. */
  readonly crashes: number;
  /** How many steps may still be refused. */
  readonly faults: number;
  /** Whether a crash or a refusal has happened. */
  readonly disturbed: boolean;
  /** Whether anybody has ever got the lock. */
  readonly acquired: boolean;
  readonly processes: readonly Process[];
  /** PIDs that live processes without any interest in the lock have. */
  readonly strangers: readonly number[];
  /** Foreign processes amid a change of the files, as a bit for each. */
  readonly amid: number;
  /** Path → inode. */
  readonly paths: Readonly<Record<string, number>>;
  /** Inode → content and modification time. */
  readonly inodes: Readonly<Record<number, readonly [text: string, mtime: number]>>;
  /** For each process: descriptor → inode. */
  readonly open: readonly Readonly<Record<string, number>>[];
  /** Inode → process that holds its flock. */
  readonly flocks: Readonly<Record<number, number>>;
}

/** The PID with which the process of this index starts first. */
export function firstPid(i: number): number {
  return 1010 + i;
}

/** The PID that a process gets when it is started again and not given its former one. */
export function otherPid(pid: number): number {
  return pid < 2010 ? pid + 1000 : pid - 1000;
}

/** Finds those PIDs in a text: nothing else in the model looks like them. */
export const PIDS = /\b([12]01)([0-4])\b/g;

/** A world of processes that have just started, with files from before. */
export function newWorld(
  processes: readonly Process[],
  { files = {}, strangers = [], crashes = 0, faults = 0 }: {
    /** Path → content. */
    readonly files?: Readonly<Record<string, string>>;
    readonly strangers?: readonly number[];
    readonly crashes?: number;
    readonly faults?: number;
  } = {},
): World {
  const names = Object.keys(files);
  return {
    clock: 1,
    crashes,
    faults,
    disturbed: false,
    acquired: false,
    processes,
    strangers,
    amid: 0,
    paths: sorted(Object.fromEntries(names.map((name) => [name, firstInode(name)]))),
    inodes: Object.fromEntries(names.map((name) => [firstInode(name), [files[name] ?? "", 0]])),
    open: processes.map(() => ({})),
    flocks: {},
  };
}

/** A world as a text: what JSON would do, in a third of the time. */
export function keyOf(world: World): string {
  let key = `${world.clock} ${world.crashes} ${world.faults} ${world.amid} ` +
    `${world.disturbed} ${world.acquired} ${world.strangers.join()}`;
  for (const { pid, namespace, live } of world.processes) key += ` ${pid}.${namespace}.${live}`;
  for (const path in world.paths) key += ` ${path}=${world.paths[path]}`;
  for (const inode in world.inodes) {
    const [text, mtime] = world.inodes[inode] ?? ["", 0];
    key += ` ${inode}:${text}:${mtime}`;
  }
  for (const slots of world.open) {
    key += " /";
    for (const slot in slots) key += ` ${slot}>${slots[slot]}`;
  }
  for (const inode in world.flocks) key += ` !${inode}-${world.flocks[inode]}`;
  return key;
}

/** Performs a step for the process with this index; only `sleep` is the caller's. */
export function perform(world: World, self: number, step: WorldStep): [World, Result] {
  const { paths, inodes, open, flocks } = world;
  const mine = open[self] ?? {};
  switch (step.op) {
    case "create": {
      if (step.file in paths) return [world, { is: "exists" }];
      const inode = freeInode(world, step.file);
      return [
        hold(
          {
            ...world,
            paths: sorted({ ...paths, [step.file]: inode }),
            inodes: {
              ...inodes,
              [inode]: [
                "text" in step ? step.text ?? "" : "",
                step.file === "guard" ? 0 : world.clock,
              ],
            },
          },
          self,
          { [step.file]: inode },
        ),
        { is: "created", id: idOf(inode) },
      ];
    }
    case "open": {
      const inode = paths[step.file];
      if (inode === undefined) return [world, { is: "missing" }];
      const as = step.file === "guard" ? "guard" : "peek";
      return [hold(world, self, { [as]: inode }), { is: "opened", id: idOf(inode) }];
    }
    case "flock": {
      const inode = mine["guard"] ?? 0;
      if (inode in flocks) return [world, { is: "busy" }];
      return [{ ...world, flocks: { ...flocks, [inode]: self } }, { is: "locked" }];
    }
    case "lstat": {
      const inode = paths[step.file];
      if (inode === undefined) return [world, { is: "missing" }];
      return [world, { is: "found", kind: "file", id: idOf(inode) }];
    }
    case "read": {
      const slot = step.through === "peek" ? "peek" : step.file;
      const inode = mine[slot] ?? 0;
      const [text, mtime] = inodes[inode] ?? ["", 0];
      const answer: Result = {
        is: "read",
        sighting: { id: idOf(inode), text, mtime },
        now: world.clock,
      };
      return [slot === "peek" ? letGo(world, self, ["peek"]) : world, answer];
    }
    case "write": {
      const inode = mine[step.file] ?? 0;
      // Nobody asks how old the guard is.
      const mtime = step.file === "guard" ? 0 : world.clock;
      return [{ ...world, inodes: { ...inodes, [inode]: [step.text, mtime] } }, { is: "done" }];
    }
    case "remove":
      return [letGo(unlink(world, step.file), self, [step.file]), { is: "done" }];
    case "alive":
      return [world, { is: isAlive(world, self, step.pid) ? "alive" : "dead" }];
    case "close":
      return [letGo(world, self, Object.keys(mine)), { is: "done" }];
    case "rename": {
      const inode = paths[step.file];
      if (inode === undefined) return [world, { is: "missing" }];
      const moved = unlink(unlink(world, step.to, true), step.file, true);
      const there = sorted({ ...moved.paths, [step.to]: inode });
      return [sweep({ ...moved, paths: there }), { is: "done" }];
    }
    case "link": {
      const inode = paths[step.file];
      if (inode === undefined) return [world, { is: "missing" }];
      if (step.to in paths) return [world, { is: "exists" }];
      return [{ ...world, paths: sorted({ ...paths, [step.to]: inode }) }, { is: "done" }];
    }
    case "sleep":
      return [world, { is: "slept" }];
  }
}

/** The world after a process ended, in whatever way: its descriptors are closed, its PID is free. */
export function end(world: World, self: number): World {
  const closed = letGo(world, self, Object.keys(world.open[self] ?? {}));
  const processes = closed.processes.map((p, i) => i === self ? { ...p, live: false } : p);
  return { ...closed, amid: closed.amid & ~(1 << self), processes };
}

/** The world after a process started in the place of one that ended. */
export function start(world: World, self: number, pid: number): World {
  const processes = world.processes.map((p, i) => i === self ? { ...p, pid, live: true } : p);
  // Nobody asks how old a process is unless its PID stands in a file.
  return { ...world, clock: world.clock + (isNamed(world, pid) ? 1 : 0), processes };
}

/** Whether a file names this PID. */
export function isNamed(world: World, pid: number): boolean {
  const text = `${pid}\n`;
  for (const inode in world.inodes) if (world.inodes[inode]?.[0] === text) return true;
  return false;
}

/** Whether a PID exists as the process with this index sees it. */
export function isAlive(world: World, self: number, pid: number): boolean {
  const namespace = world.processes[self]?.namespace;
  return world.strangers.includes(pid) ||
    world.processes.some((p) => p.live && p.pid === pid && p.namespace === namespace);
}

function idOf(inode: number): string {
  return `1:${inode}`;
}

/** The lowest number that no file of this name has: like ext4, which makes equal ones likely. */
function freeInode(world: World, path: string): number {
  let inode = firstInode(path);
  while (inode in world.inodes) inode++;
  return inode;
}

/** Files of different names get different numbers, or there would be more states for nothing. */
function firstInode(path: string): number {
  return 10 * (2 + ["guard", "lock", "reclaim"].indexOf(path));
}

function hold(world: World, self: number, descriptors: Record<string, number>): World {
  const replaced = letGo(world, self, Object.keys(descriptors));
  return {
    ...replaced,
    open: replaced.open.map((slots, i) =>
      i === self ? sorted({ ...slots, ...descriptors }) : slots
    ),
  };
}

function letGo(world: World, self: number, slots: readonly string[]): World {
  const mine = { ...world.open[self] };
  if (!slots.some((slot) => slot in mine)) return world;
  const flocks = { ...world.flocks };
  for (const slot of slots) {
    const inode = mine[slot];
    if (slot === "guard" && inode !== undefined && flocks[inode] === self) delete flocks[inode];
    delete mine[slot];
  }
  return sweep({ ...world, flocks, open: world.open.map((o, i) => i === self ? mine : o) });
}

function unlink(world: World, path: string, keep = false): World {
  const paths = { ...world.paths };
  delete paths[path];
  return keep ? { ...world, paths } : sweep({ ...world, paths });
}

/** Frees the inodes that nothing refers to any more. */
function sweep(world: World): World {
  const inodes: Record<number, readonly [string, number]> = {};
  const keep = (records: Readonly<Record<string, number>>): void => {
    for (const name in records) {
      const inode = records[name] ?? 0;
      const content = world.inodes[inode];
      if (content !== undefined) inodes[inode] = content;
    }
  };
  keep(world.paths);
  for (const slots of world.open) keep(slots);
  const swept = { ...world, inodes };
  if (world.strangers.length === 0) return swept;
  // A stranger whose PID no file names any more might as well have ended.
  return { ...swept, strangers: world.strangers.filter((pid) => isNamed(swept, pid)) };
}

/** The same record, written as every equal one is. */
export function sorted(record: Readonly<Record<string, number>>): Record<string, number> {
  const ordered: Record<string, number> = {};
  for (const key of Object.keys(record).sort()) ordered[key] = record[key] ?? 0;
  return ordered;
}
