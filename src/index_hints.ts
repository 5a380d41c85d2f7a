/**
 * What helps where the index itself is at fault, for whoever reads it: at a terminal of the host or
 * in an answer of its API. Names no command and no route; what only one of them can do stands there.
 *
 * @module
 */

/** One line each, lower case, without a period. */
export const INDEX_HINTS = {
  /** The disk is full. */
  full: "free space on the data directory's file system; nothing was lost",
  /** The database can't be written. */
  readonly: "check the owner and mode of the data directory and its files",
  /** A value in it is not what was kept there. */
  value: "undo what another program or hand wrote into the database, or restore a backup of it",
} as const;
