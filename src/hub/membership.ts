/**
 * What makes a host a hub's: where that is, and the secret that is shown there, in a file of the data
 * directory for its owner alone. Asks no hub.
 *
 * @module
 */

import { join } from "@std/path";
import { Failure } from "../failure.ts";
import { closedBy, distrust, distrustShape } from "../system/private.ts";
import { quotePath } from "../text.ts";

/** The file's name. */
const MEMBERSHIP = "hub.json";

const VERSION = 1;

/** A host's place at a hub. */
export interface KeptMembership {
  /** `https://host:port`, without a trailing slash. */
  readonly url: string;
  /** Id of this host there. */
  readonly host: string;
  /** What it is called there. */
  readonly name: string;
  /** Shown with each message; for nobody's eyes. */
  readonly secret: string;
  /** Whether this host tells people by its own channels though the hub does. */
  readonly notifies: boolean;
  /** PEM text of the authority of the hub's certificate; null: one that the system trusts. */
  readonly ca: string | null;
  /** When it joined, RFC 3339 UTC by this host's clock; null: an older program joined it. */
  readonly joinedAt: string | null;
}

/**
 * The membership of a data directory; null without.
 *
 * @throws {Failure} `untrusted`, or `io` when the file can't be read or is none of ours.
 */
export async function readMembership(dataDir: string): Promise<KeptMembership | null> {
  const path = join(dataDir, MEMBERSHIP);
  const info = await look(path);
  if (info === null) return null;
  const wrong = distrustShape(path, info) ?? distrust(path, info);
  if (wrong !== null) {
    throw new Failure("untrusted", `Cannot use ${quotePath(path)}: ${wrong.reason}`, {
      data: wrong,
    });
  }
  try {
    const { version, ...kept } = JSON.parse(await Deno.readTextFile(path));
    const { url, host, name, secret, notifies, ca = null, joinedAt = null } = kept;
    const told = [url, host, name, secret].every((text) => typeof text === "string");
    const others = [ca, joinedAt].every((text) => text === null || typeof text === "string");
    if (version === VERSION && told && others) {
      return { url, host, name, secret, notifies: notifies === true, ca, joinedAt };
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw failure("read", path, error);
  }
  throw failure("read", path, new Error("it is not what this program wrote"));
}

/** Tells this file from the one before; null: there is none. Costs one look. */
export async function membershipMark(dataDir: string): Promise<string | null> {
  const info = await look(join(dataDir, MEMBERSHIP)).catch(() => null);
  return info && `${info.ino} ${info.mtime?.getTime()} ${info.size}`;
}

/**
 * Keeps it; null forgets it. The file belongs to whoever owns the directory, so that the daemon can
 * read what root wrote for it.
 *
 * @throws {Failure} `io`
 */
export async function keepMembership(
  dataDir: string,
  membership: KeptMembership | null,
): Promise<void> {
  const path = join(dataDir, MEMBERSHIP);
  const next = `${path}.new`;
  try {
    if (membership === null) return await Deno.remove(path);
    await Deno.remove(next).catch(() => {});
    const file = await Deno.open(next, { write: true, createNew: true, mode: 0o600 });
    try {
      const bytes = new TextEncoder().encode(JSON.stringify({ version: VERSION, ...membership }));
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      await file.sync();
    } finally {
      file.close();
    }
    const [{ uid }, folder] = await Promise.all([Deno.lstat(next), Deno.stat(dataDir)]);
    if (folder.uid !== null && folder.uid !== uid) await Deno.chown(next, folder.uid, folder.gid);
    await Deno.rename(next, path);
  } catch (error) {
    throw failure(membership === null ? "remove" : "write", path, error);
  }
}

async function look(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw failure("read", path, error);
  }
}

function failure(action: string, path: string, cause: unknown): Failure {
  const closed = cause instanceof Deno.errors.PermissionDenied ? closedBy(path) : null;
  if (closed !== null) {
    const message = `Cannot ${action} ${quotePath(path)}: permission denied, ${closed.reason}`;
    return new Failure("untrusted", message, { data: closed, cause });
  }
  const reason = cause instanceof Deno.errors.PermissionDenied
    ? "permission denied"
    : (cause as Error).message;
  return new Failure("io", `Cannot ${action} ${quotePath(path)}: ${reason}`, {
    data: { at: "data-dir" },
    cause,
  });
}
