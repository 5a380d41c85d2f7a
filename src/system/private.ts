/**
 * Whose what stands at a path is: whether it can be trusted, since only this user and root can have
 * made it or can write to it; and who keeps it closed. Looks, and changes nothing.
 *
 * @module
 */

import { quotePath } from "../text.ts";
import { effectiveUid } from "./libc.ts";

const OTHERS_MAY_WRITE = 0o022;

/** Why a path can't be trusted. */
export interface Distrust {
  /** In words, as `"/srv/x" belongs to another user (1000)`. */
  readonly reason: string;
  /** The path; of what is closed, its directory. */
  readonly path: string;
  /** Who owns it, who may write to it, what it is, or that its owner keeps it from this user. */
  readonly wrong: "owner" | "writers" | "kind" | "second-name" | "closed";
  /** Its owner's user id; null where there are none. */
  readonly owner: number | null;
  /** This process's user id. */
  readonly self: number;
}

/**
 * Why what was found at `path` can't be trusted; null when it can. For what was found by `lstat`:
 * a link says nothing of what it leads to.
 */
export function distrust(path: string, info: Deno.FileInfo): Distrust | null {
  const { uid: owner, mode } = info;
  const self = effectiveUid();
  const about = { path, owner, self };
  if (owner !== null && owner !== 0 && owner !== self) {
    const reason = `${quotePath(path)} belongs to another user (${owner})`;
    return { ...about, reason, wrong: "owner" };
  }
  if (((mode ?? 0) & OTHERS_MAY_WRITE) === 0) return null;
  return { ...about, reason: `others may write to ${quotePath(path)}`, wrong: "writers" };
}

/** Why a directory that is there, or a link to one, can't be trusted; null when it can. */
export async function distrustDirectory(path: string): Promise<Distrust | null> {
  return distrust(path, await Deno.lstat(await Deno.realPath(path)));
}

/**
 * Who keeps this user from a file that the system has just refused: who made it or, where it can't be
 * seen or isn't there, its directory. Null when neither is another user's.
 */
export function closedBy(path: string): Distrust | null {
  const directory = path.slice(0, path.lastIndexOf("/")) || "/";
  const self = effectiveUid();
  for (const at of [path, directory]) {
    const owner = ownerOf(at);
    if (owner === null || owner === self) continue;
    const reason = `${quotePath(at)} belongs to another user (${owner})`;
    return { path: directory, reason, wrong: "closed", owner, self };
  }
  return null;
}

function ownerOf(path: string): number | null {
  try {
    return Deno.lstatSync(path).uid;
  } catch {
    return null;
  }
}

/**
 * Why it is not a file of its own: a link, or a second name, would lead two owners to the same one.
 * Null when it is.
 */
export function distrustShape(path: string, info: Deno.FileInfo): Distrust | null {
  const about = { path, owner: info.uid, self: effectiveUid() };
  if (!info.isFile) {
    const kind = info.isSymlink
      ? "a symbolic link"
      : info.isDirectory
      ? "a directory"
      : "not a regular file";
    return { ...about, reason: `${quotePath(path)} is ${kind}`, wrong: "kind" };
  }
  if ((info.nlink ?? 1) < 2) return null;
  const reason = `${quotePath(path)} has a second name (a hard link)`;
  return { ...about, reason, wrong: "second-name" };
}
