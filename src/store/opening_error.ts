/**
 * What is behind it that SQLite can't open a database, which its own error does not say. Opens nothing.
 *
 * @module
 */

import { Failure, isFailure } from "../failure.ts";
import { freeBytes } from "../system/disk.ts";
import { closedBy } from "../system/private.ts";
import { quotePath } from "../text.ts";

/** What SQLite opens: the database, its write-ahead log and that one's index, an old journal. */
export const SUFFIXES: readonly string[] = ["", "-wal", "-shm", "-journal"];

/** What even a reader makes, bytes, beside a database whose write-ahead log nobody has open. */
const SHARED_MEMORY_BYTES = 32_768;

/**
 * The error of an opening, or what is behind it: that another user keeps one of the database's files from
 * this one, or that there is no room for what SQLite makes beside it. SQLite names no file, and doesn't
 * say why it may not use one.
 */
export function openingError(path: string, error: unknown): unknown {
  const failedAt = isFailure(error, "io") ? error.data.at : null;
  if (failedAt === "disk" && (freeBytes(path) ?? Infinity) < SHARED_MEMORY_BYTES) {
    return new Failure("full", `Cannot open ${quotePath(path)}: the disk is full`, {
      data: {},
      cause: error,
    });
  }
  const refused = isFailure(error, "readonly") || failedAt === "database";
  return (refused ? closedError(path, error) : null) ?? error;
}

/** That another user keeps one of the database's files from this one; null when it isn't that. */
export function closedError(path: string, cause: unknown): Failure | null {
  for (const suffix of SUFFIXES) {
    const data = closedBy(path + suffix);
    if (data === null) continue;
    const message = `Cannot open ${quotePath(path)}: permission denied, ${data.reason}`;
    return new Failure("untrusted", message, { data, cause });
  }
  return null;
}
