/**
 * The list of the backups that were made by themselves, with the sum that each had when it was
 * checked: a file that `sha256sum -c` reads. What is not on it is not ours to judge or to remove.
 *
 * @module
 */

import { join } from "@std/path";
import { syncDirectory } from "../system/disk.ts";
import { backupTime } from "./names.ts";
import { Partial } from "./partial.ts";

/** Name of the list in the directory of the backups. */
export const SUMS = "SHA256SUMS";

/** A line of the list. */
export interface Sum {
  /** Name of a backup's file. */
  readonly name: string;
  /** SHA-256 that it had, lower-case hexadecimal. */
  readonly sha256: string;
}

/** A backup on the list, as a person would ask for it. */
export interface LastBackup {
  /** Name of its file. */
  readonly name: string;
  /** When it was made and checked, milliseconds since the Unix epoch. */
  readonly at: number;
  /** Size that its file has now. */
  readonly bytes: number;
}

/** The last one that was made and checked, if its file is there; null where there is none. */
export async function lastBackup(folder: string): Promise<LastBackup | null> {
  const last = (await readSums(folder)).at(-1);
  if (last === undefined) return null;
  try {
    const { size } = await Deno.lstat(join(folder, last.name));
    return { name: last.name, at: backupTime(last.name)!, bytes: size };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** The list, in the order in which they were made; empty where there is none. */
export async function readSums(folder: string): Promise<Sum[]> {
  let text: string;
  try {
    text = await Deno.readTextFile(join(folder, SUMS));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  // Somebody may have written on it; a line that could lead elsewhere is none of ours.
  return text.split("\n").flatMap((line) => {
    const match = /^([0-9a-f]{64}) [ *](\S+)$/.exec(line);
    return match !== null && backupTime(match[2]!) !== null
      ? [{ sha256: match[1]!, name: match[2]! }]
      : [];
  });
}

/** Replaces the list, as a whole. */
export async function writeSums(folder: string, sums: readonly Sum[]): Promise<void> {
  await using partial = await Partial.create(folder);
  const text = sums.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join("");
  await partial.write(new TextEncoder().encode(text));
  await partial.file.sync();
  await Deno.rename(partial.path, join(folder, SUMS));
  await syncDirectory(folder);
}
