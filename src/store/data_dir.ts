/**
 * The data directory before anybody owns it: there, nobody else's to write to, and not in the middle
 * of a restore. Must not touch what is in it.
 *
 * @module
 */

import { join } from "@std/path";
import { Failure } from "../failure.ts";
import { RESTORE_READY } from "../system/files.ts";
import { distrustDirectory } from "../system/private.ts";
import { quotePath } from "../text.ts";

/**
 * Makes the directory for this user alone, unless it is there. What others could have put into one
 * that is there would be taken for our own: the database, the token, the lock.
 *
 * @throws {Failure} `io` when it can't be made, `untrusted` when it belongs to another user or others
 *   may write to it.
 */
export async function prepareDataDir(dataDir: string): Promise<void> {
  await Deno.mkdir(dataDir, { recursive: true, mode: 0o700 }).catch((cause) => {
    const denied = cause instanceof Deno.errors.PermissionDenied;
    const reason = denied ? "permission denied" : cause.message;
    throw new Failure("io", `Cannot create data directory ${quotePath(dataDir)}: ${reason}`, {
      data: { at: "data-dir" },
      cause,
    });
  });
  const found = await distrustDirectory(dataDir);
  if (found === null) return;
  const message = `Cannot use data directory ${quotePath(dataDir)}: ${found.reason}`;
  throw new Failure("untrusted", message, { data: found });
}

/**
 * Refuses a data directory in which a restore was begun and is to be ended first.
 *
 * @throws {Failure} `backup-restoring`
 */
export async function refuseWhileRestoring(dataDir: string): Promise<void> {
  const restoring = await Deno.lstat(join(dataDir, RESTORE_READY)).then(() => true, () => false);
  if (!restoring) return;
  throw new Failure("backup-restoring", `Cannot read ${quotePath(dataDir)}: it is being restored`, {
    data: {},
  });
}
