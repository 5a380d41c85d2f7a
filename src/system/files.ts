/**
 * Files that more than one part of the program opens: their names in a data directory, and what
 * is at a path. Must not write.
 *
 * @module
 */

import { MAX_SOCKET_PATH, mayWrite } from "./libc.ts";

/** The database. */
export const DATABASE = "tinyforge.db";

/** The daemon's unix socket. */
export const SOCKET = "tinyforge.sock";

/** A hub's unix socket. */
export const HUB_SOCKET = "hub.sock";

/** The token of TCP clients. */
export const TOKEN = "token";

/** Channel secrets; need not be there. */
export const SECRETS = "secrets.json";

/** A restore that is being made ready: nothing was replaced yet. */
export const RESTORE_NEW = "restore.new";

/** A restore that was decided: what is in it takes the place of what is there. */
export const RESTORE_READY = "restore.ready";

/** What a name ends with while the file is being written; no finished one does. */
export const PARTIAL = ".partial";

/** Whether a file of this name shows that a backup or a restore was cut short, or is under way. */
export function isUnfinished(name: string): boolean {
  return name === RESTORE_NEW || name === RESTORE_READY || name.includes(PARTIAL);
}

/** The data directory of the service that root installs. */
export const SERVICE_DATA = "/var/lib/tinyforge";

/**
 * Where a daemon's socket can be: in its data directory or, since systemd keeps the data of a
 * service where nobody else gets to, in the folder below /run that goes with it.
 */
export function socketPlaces(dataDir: string): readonly string[] {
  const [, name] = /^\/var\/lib\/(.+)$/.exec(dataDir) ?? [];
  return [dataDir, ...name === undefined ? [] : [`/run/${name}`]]
    .map((folder) => `${folder === "/" ? "" : folder}/${SOCKET}`);
}

/** Whether a socket can be at this path. */
export function fitsSocket(path: string): boolean {
  return new TextEncoder().encode(path).length <= MAX_SOCKET_PATH;
}

/** What stands where a socket is looked for, as far as this user can tell. */
export type SocketLook = "usable" | "nothing" | "forbidden" | "no-socket";

/** Looks whether a socket is at this path and may be connected to; links are followed. */
export function lookAtSocket(path: string): SocketLook {
  try {
    if (!Deno.statSync(path).isSocket) return "no-socket";
    return mayWrite(path) ? "usable" : "forbidden";
  } catch (error) {
    return error instanceof Deno.errors.PermissionDenied ? "forbidden" : "nothing";
  }
}

/** The text of a file of at most 1 MiB; null when there is none that can be read. */
export function readSmallFile(path: string): string | null {
  try {
    const { isFile, size } = Deno.statSync(path);
    return isFile && size <= 1 << 20 ? Deno.readTextFileSync(path) : null;
  } catch {
    return null;
  }
}

/** Names of the folders in a folder, in order; none when it can't be read. */
export function subfolders(path: string): string[] {
  try {
    return [...Deno.readDirSync(path)].filter(({ isDirectory }) => isDirectory)
      .map(({ name }) => name).sort();
  } catch {
    return [];
  }
}

/** Why a file that somebody named can't be read, in words, by what was thrown. */
export function unreadableReason(cause: unknown): string {
  if (cause instanceof Deno.errors.NotFound) return "it is not there";
  if (cause instanceof Deno.errors.PermissionDenied) return "permission denied";
  return (cause as Error).message;
}
