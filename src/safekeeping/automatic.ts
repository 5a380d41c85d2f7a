/**
 * One backup of those that are made each day: made, listed, and then the ones that it makes
 * superfluous removed. Must not remove anything before it is on the disk and on the list.
 *
 * @module
 */

import { basename, join } from "@std/path";
import { makeBackup, sumOf } from "./backup.ts";
import { backupTime } from "./names.ts";
import { toRemove } from "./retention.ts";
import { readSums, type Sum, writeSums } from "./sums.ts";

/** What {@link automaticBackup} is told; can be sent to a worker. */
export interface AutomaticOptions {
  /** The data directory. */
  readonly dataDir: string;
  /** Where the backups are; made when it is not there. */
  readonly folder: string;
  /** Public keys to encrypt to. */
  readonly recipients: readonly string[];
  /** The program's version. */
  readonly version: string;
  /** The present time, milliseconds since the Unix epoch. */
  readonly now: number;
}

/** What became of it; can be sent from a worker. */
export interface AutomaticReport {
  /** Name of its file. */
  readonly name: string;
  /** Its size. */
  readonly bytes: number;
  /** Names of the files that were removed. */
  readonly removed: readonly string[];
  /** Names of the files that are not what they were. */
  readonly damaged: readonly string[];
}

/**
 * Makes a backup and removes what nobody needs beside it.
 *
 * @throws {Failure} As `makeBackup` does; then the ones that are there stay.
 */
export async function automaticBackup(options: AutomaticOptions): Promise<AutomaticReport> {
  const { folder, now } = options;
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const { path, bytes, sha256 } = await makeBackup({
    ...options,
    to: { kind: "directory", path: folder },
    now: new Date(now),
  });
  const made: Sum = { name: basename(path!), sha256 };
  const before = await readSums(folder);
  // On the list first: what is not there stays for ever.
  await writeSums(folder, [...before, made]);
  const checked = await check(folder, before);
  const there = [...checked, { ...made, at: backupTime(made.name)!, verified: true }];
  const removed = toRemove(there);
  for (const name of removed) await Deno.remove(join(folder, name)).catch(ifThere);
  const left = there.filter(({ name }) => !removed.includes(name));
  await writeSums(folder, left);
  const damaged = left.filter(({ verified }) => !verified).map(({ name }) => name);
  return { name: made.name, bytes, removed, damaged };
}

/** Those of the list that are still there, and whether they are what they were. */
async function check(folder: string, sums: readonly Sum[]) {
  const found = [];
  for (const sum of sums) {
    const path = join(folder, sum.name);
    const isThere = await Deno.lstat(path).then(({ isFile }) => isFile, () => false);
    if (!isThere) continue;
    const verified = await sumOf(path).then(({ sha256 }) => sha256 === sum.sha256, () => false);
    found.push({ ...sum, at: backupTime(sum.name)!, verified });
  }
  return found;
}

function ifThere(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
