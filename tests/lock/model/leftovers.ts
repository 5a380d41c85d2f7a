/**
 * What a start may find in the directory.
 *
 * @module
 */
import { recordText } from "../../../src/lock/record.ts";
import { firstPid, newWorld, type World } from "./world.ts";

/** A directory as somebody left it. */
export interface Leftover {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  /** PIDs that strangers have. */
  readonly strangers?: readonly number[];
}

/** A PID that nobody has. */
const DEAD = 98;

/** A PID that somebody has who has nothing to do with the lock. */
const STRANGER = 99;

/** The inodes that {@link newWorld} gives to the lock and the guard. */
const INODES = { inode: "30", guard: "20" };

/** The PID of one of those who start. */
const OWN = firstPid(0);

const free = recordText(null);
const complete = (pid: number): string => recordText({ pid, mtime: 0, ...INODES });
const begun = (pid: number): string => recordText({ pid, mtime: null, ...INODES });

/** Every left-over from which exactly one starter must get the lock. */
export const LEFTOVERS: readonly Leftover[] = [
  { name: "nothing", files: {} },
  { name: "a guard", files: { guard: free } },
  { name: "a stale lock", files: { lock: `${DEAD}\n` } },
  { name: "our stale lock", files: { guard: complete(DEAD), lock: `${DEAD}\n` } },
  {
    name: "our stale lock, its PID reused",
    files: { guard: complete(STRANGER), lock: `${STRANGER}\n` },
    strangers: [STRANGER],
  },
  {
    name: "a copy of a live owner's directory",
    files: {
      guard: recordText({ pid: STRANGER, mtime: 7, inode: "130", guard: "120" }),
      lock: `${STRANGER}\n`,
    },
    strangers: [STRANGER],
  },
  {
    name: "our stale lock with a starter's PID",
    files: { guard: complete(OWN), lock: `${OWN}\n` },
  },
  {
    name: "our lock, crashed before the PID was written",
    files: { guard: begun(STRANGER), lock: "", reclaim: `${STRANGER}\n` },
    strangers: [STRANGER],
  },
  {
    name: "our lock, crashed before it was recorded whole",
    files: { guard: begun(STRANGER), lock: `${STRANGER}\n`, reclaim: `${STRANGER}\n` },
    strangers: [STRANGER],
  },
  { name: "a malformed lock", files: { lock: "12x" } },
  { name: "an empty lock", files: { lock: "" } },
  { name: "a lock cut short", files: { lock: `${DEAD}` } },
  { name: "a stale reclaim file", files: { reclaim: `${DEAD}\n` } },
  { name: "an empty reclaim file", files: { reclaim: "" } },
  { name: "a reclaim file with a starter's PID", files: { reclaim: `${OWN}\n` } },
  {
    name: "a stale reclaim file, its PID reused",
    files: { lock: `${DEAD}\n`, reclaim: `${STRANGER}\n` },
    strangers: [STRANGER],
  },
  { name: "a stale lock and a stale reclaim file", files: { lock: "97\n", reclaim: `${DEAD}\n` } },
  { name: "a malformed lock and reclaim file", files: { lock: "x", reclaim: "\n" } },
  { name: "a malformed guard", files: { guard: "?", lock: `${DEAD}\n` } },
];

/** A few that differ the most, for what would take too long from all. */
export const SOME_LEFTOVERS: readonly Leftover[] = LEFTOVERS.filter(({ name }) =>
  [
    "nothing",
    "our stale lock, its PID reused",
    "our stale lock with a starter's PID",
    "a malformed lock",
    "a stale lock and a stale reclaim file",
  ].includes(name)
);

/**
 * A lock of another implementation with the PID of one of the starters: the others can't know that
 * it isn't the owner, so it must find out itself.
 */
export const NAMES_A_STARTER: Leftover = {
  name: "another's stale lock with a starter's PID",
  files: { lock: `${OWN}\n` },
};

/** The world in which so many processes start on a left-over. */
export function worldOf(
  { files, strangers = [] }: Leftover,
  processes: number,
  { crashes = 0, faults = 0 } = {},
): World {
  const started = Array.from({ length: processes }, (_, i) => ({
    pid: firstPid(i),
    namespace: 0,
    live: true,
  }));
  return newWorld(started, { files, strangers, crashes, faults });
}
