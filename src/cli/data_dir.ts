/**
 * The data directory as a command finds it: whether it is one, and the index in it. Must not
 * create anything there.
 *
 * @module
 */

import { join } from "@std/path";
import { DATABASE } from "../system/files.ts";
import type { Store } from "../store/store.ts";
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
 * The index, opened for reading; null when there is none yet. To be closed by the caller.
 *
 * @throws {CommandError | Failure}
 */
export async function openIndex(dataDir: string): Promise<Store | null> {
  const path = join(dataDir, DATABASE);
  if (!await indexExists(dataDir)) return null;
  const { sqliteLibrary } = await import("../store/library.ts");
  await sqliteLibrary({ dataDir });
  const { openStore } = await import("../store/store.ts");
  return await openStore(path, { readonly: true });
}

/**
 * The index, opened for reading.
 *
 * @throws {CommandError | Failure} Also when there is none yet.
 */
export async function requireIndex(dataDir: string): Promise<Store> {
  const store = await openIndex(dataDir);
  if (store !== null) return store;
  throw noIndex(dataDir);
}

/**
 * Whether there is an index.
 *
 * @throws {CommandError} When the data directory can't be one.
 */
export async function indexExists(dataDir: string): Promise<boolean> {
  if (!await dataDirExists(dataDir)) return false;
  try {
    await Deno.lstat(join(dataDir, DATABASE));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw unusable(dataDir, reason(error), error);
  }
}

/** The error for a command that can do nothing without an index. */
export function noIndex(dataDir: string): CommandError {
  return new CommandError(`Cannot read ${quote(join(dataDir, DATABASE))}: there is no index yet`, {
    hint: "`tinyforge add` or `tinyforge reconcile` makes one; --data-dir names another place",
  });
}

function unusable(dataDir: string, why: string, cause?: unknown): CommandError {
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
