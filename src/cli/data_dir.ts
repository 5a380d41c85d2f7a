/**
 * The data directory as a command finds it: whether it is one, and whether an index is in it. Must
 * not create or open anything there.
 *
 * @module
 */

import { join } from "@std/path";
import { Failure } from "../failure.ts";
import { DATABASE, RESTORE_READY } from "../system/files.ts";
import { closedBy } from "../system/private.ts";
import { CommandError, EXIT } from "./command.ts";
import { quote } from "../text.ts";

/**
 * Whether the data directory is there.
 *
 * @throws {CommandError} When it can't be one.
 */
export async function dataDirExists(dataDir: string): Promise<boolean> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(dataDir);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw unusable(dataDir, reason(error), error);
  }
  if (info.isDirectory) return true;
  throw unusable(dataDir, info.isFile ? "it is a file" : "it is not a directory");
}

/**
 * Whether there is an index.
 *
 * @throws {CommandError} When the data directory can't be one.
 */
export async function indexExists(dataDir: string): Promise<boolean> {
  if (!await dataDirExists(dataDir)) return false;
  // For a moment in the middle of a restore the index is there under this other name alone.
  for (const name of [DATABASE, RESTORE_READY]) {
    try {
      await Deno.lstat(join(dataDir, name));
      return true;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw unusable(dataDir, reason(error), error);
    }
  }
  return false;
}

/** The error for a command that can do nothing without an index. */
export function noIndex(dataDir: string): CommandError {
  return new CommandError(`Cannot read ${quote(join(dataDir, DATABASE))}: there is no index yet`, {
    code: "not-found",
    hint: "`tinyforge add` or `tinyforge reconcile` makes one; --data-dir names another place",
  });
}

function unusable(dataDir: string, why: string, cause?: unknown): Error {
  const closed = why === PERMISSION ? closedBy(join(dataDir, DATABASE)) : null;
  if (closed !== null) {
    const message = `Cannot use data directory ${quote(dataDir)}: ${why}, ${closed.reason}`;
    return new Failure("untrusted", message, { data: closed, cause });
  }
  return new CommandError(`Cannot use data directory ${quote(dataDir)}: ${why}`, {
    exitCode: why === PERMISSION ? EXIT.failed : EXIT.usage,
    hint: why === PERMISSION
      ? "run as the user that owns it, or choose another with --data-dir"
      : "choose another with --data-dir or TINYFORGE_DATA_DIR",
    cause,
  });
}

const PERMISSION = "permission denied";

function reason(error: unknown): string {
  if (error instanceof Deno.errors.PermissionDenied) return PERMISSION;
  // What the runtime says there is for whoever starts it: /proc, /sys and the like need all rights.
  if (error instanceof Deno.errors.NotCapable) return "this program may not use that path";
  if (error instanceof Deno.errors.NotADirectory) return "a part of its path is a file";
  return error instanceof Error ? error.message : String(error);
}
