/**
 * The texts in the lock's files: the PID in the lock and the reclaim file, the owner's record in
 * the guard. Pure; does not touch the files.
 *
 * @module
 */
import type { GuardRecord, Sighting } from "./attempt.ts";

const LARGEST_PID = 2 ** 31 - 1;

/**
 * The length that every record is padded to, so that each write replaces the whole of the one
 * before and a full disk can't refuse it: the block is already there.
 */
const RECORD_LENGTH = 96;

/** The content of a lock or reclaim file: the PID in decimal and one newline. */
export function pidText(pid: number): string {
  return `${pid}\n`;
}

/**
 * The PID that a file's text names, or null when it is malformed. Surrounding blanks are
 * forgiven; signs, fractions, leading zeros and anything above 2^31-1 are not.
 */
export function parsePid(text: string): number | null {
  const digits = /^[ \t\r\n]*([1-9][0-9]{0,9})[ \t\r\n]*$/.exec(text)?.[1];
  const pid = Number(digits);
  return digits !== undefined && pid <= LARGEST_PID ? pid : null;
}

/** Whether a text ends as a complete one does; if not, its writer may still be at it. */
export function isComplete(text: string): boolean {
  return text.endsWith("\n");
}

/** The guard's text for a record; null for "nobody". Always equally long. */
export function recordText(record: GuardRecord | null): string {
  const fields = record === null ? ["free"] : [
    `pid=${record.pid}`,
    ...(["mtime", "inode", "guard"] as const)
      .flatMap((name) => record[name] === null ? [] : [`${name}=${record[name]}`]),
  ];
  return fields.join(" ").padEnd(RECORD_LENGTH - 1) + "\n";
}

/** The record in the guard's text, or null when there is none. */
export function parseRecord(text: string): GuardRecord | null {
  const match = /^pid=(\d+)(?: mtime=(-?\d+))?(?: inode=(\d+))?(?: guard=(\d+))? *\n/.exec(text);
  const pid = parsePid(match?.[1] ?? "");
  if (match === null || pid === null) return null;
  const [, , mtime, inode = null, guard = null] = match;
  if (mtime === undefined && inode === null) return null;
  return { pid, mtime: mtime === undefined ? null : Number(mtime), inode, guard };
}

/**
 * Whether a lock file is the one that a record tells of: its owner followed this protocol, held
 * the guard, and is gone, whoever has its PID now.
 */
export function isRecorded(record: GuardRecord | null, seen: Sighting): boolean {
  if (record === null) return false;
  const text = pidText(record.pid);
  return record.mtime === null
    ? text.startsWith(seen.text) && inodeOf(seen.id) === record.inode
    : seen.text === text && seen.mtime === record.mtime;
}

/**
 * Whether the guard with this id is not the one in which its record was written, but a copy.
 */
export function isCopied(record: GuardRecord | null, guard: string | null): boolean {
  return record !== null && record.guard !== null && record.guard !== inodeOf(guard ?? "");
}

/**
 * Whether a lock file was copied together with a guard that {@link isCopied}: it names the owner,
 * who lives perhaps, and is not its file. If it is, then only the guard was replaced, and the owner
 * may well be one.
 */
export function isCopiedAlong(record: GuardRecord | null, seen: Sighting): boolean {
  return record !== null && record.inode !== inodeOf(seen.id) && seen.text === pidText(record.pid);
}

/** The inode's part of a file's id: device numbers may change with a reboot. */
export function inodeOf(id: string): string {
  return id.slice(id.indexOf(":") + 1);
}

/** Whether two sightings are of the same file, unchanged. */
export function isUnchanged(before: Sighting | null, after: Sighting): boolean {
  return before !== null && before.id === after.id && before.text === after.text &&
    before.mtime === after.mtime;
}
