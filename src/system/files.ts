/**
 * Names of the files in a data directory that more than one part of the program opens, and what
 * they may be.
 *
 * @module
 */

/** The database. */
export const DATABASE = "tinyforge.db";

/** The daemon's unix socket. */
export const SOCKET = "tinyforge.sock";

/** The longest path of a socket in bytes: what `sockaddr_un` has room for, less the final zero. */
export const MAX_SOCKET_PATH = 107;

/** Whether a socket can be at this path. */
export function fitsSocket(path: string): boolean {
  return new TextEncoder().encode(path).length <= MAX_SOCKET_PATH;
}
