/**
 * What helps where a file or a directory is refused, not trusted, or another user's.
 *
 * @module
 */

import type { FailureData } from "../failure.ts";
import { quotePath } from "../text.ts";

/** What makes it one that can be trusted. */
export function distrustHint({ path, wrong, owner, self }: FailureData["untrusted"]): string {
  const file = quotePath(path);
  switch (wrong) {
    case "owner":
      return self === 0
        ? "if a service keeps it, start that and try again; else run as its user " +
          `(sudo -u '#${owner}'), or make it root's (chown -R root ${file})`
        : `make it this user's: chown -R ${self} ${file}`;
    case "writers":
      return `take that from them: chmod go-w ${file}`;
    case "kind":
      return "put the file itself there, or link the whole directory";
    case "closed":
      return closedHint({ owner, self, directory: path });
    case "second-name":
      return `find the other (find / -samefile ${file}) and remove it, or put a copy in its place`;
  }
}

/** Whose a directory is, and who is kept from it. */
export interface Closed {
  /** Its user id; null where that is not known. */
  readonly owner: number | null;
  /** The user id of who is kept from it. */
  readonly self: number;
  /** Its path. */
  readonly directory: string;
}

/** What helps where a daemon would keep a directory that its owner has closed. */
export function giveHint({ owner, self, directory }: Closed): string {
  return `run as ${ownerToBe(owner)}, or as root give this one all that is there: ` +
    `chown -R ${self} ${quotePath(directory)}`;
}

/** The same where it may be in a daemon's keeping, which needs what would be given away. */
function closedHint({ owner, self, directory }: Closed): string {
  return `run as ${ownerToBe(owner)}, or have the daemon there started with --socket-group and a ` +
    "group of yours; where none is to keep it any more, as root give this user all that is there: " +
    `chown -R ${self} ${quotePath(directory)}`;
}

function ownerToBe(owner: number | null): string {
  return owner === 0 ? "root (sudo)" : `that user (sudo -u '#${owner}')`;
}

/** What helps where the system refuses, by its name for why. */
export function refusalHint(errno: string, elsewhere = "choose another data directory"): string {
  switch (errno) {
    case "EPIPE":
      return "see what whoever reads it says";
    case "ENOSPC":
    case "EDQUOT":
      return `free some space, or ${elsewhere}`;
    case "EROFS":
      return `mount it writable, or ${elsewhere}`;
    case "EACCES":
    case "EPERM":
      return `run as the user who owns the directory, or ${elsewhere}`;
    case "EMFILE":
    case "ENFILE":
      return 'raise the limit ("ulimit -n")';
    case "EIO":
      return 'look at the kernel\'s log ("dmesg")';
    case "NotCapable":
      return "run it with --allow-read, --allow-write and --allow-ffi";
    case "":
      return `look at the directory and its permissions, or ${elsewhere}`;
    default:
      return `look at the directory, or ${elsewhere}`;
  }
}
