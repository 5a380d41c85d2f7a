/**
 * What can go wrong in the store, as callers tell it apart. Knows SQLite's result codes; does not
 * know HTTP or exit codes.
 *
 * @module
 */

/** Why a store operation failed. */
export type StoreErrorCode =
  | "not-found"
  | "conflict"
  | "in-use"
  | "invalid"
  | "full"
  | "busy"
  | "readonly"
  | "corrupt"
  | "newer"
  | "io";

/** A store operation that failed; nothing was written. */
export class StoreError extends Error {
  /** What kind of failure. */
  readonly code: StoreErrorCode;
  /** What a person can do about it; may be empty. */
  readonly hint: string;

  /** An error with its code and an optional hint. */
  constructor(
    code: StoreErrorCode,
    message: string,
    options: { hint?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "StoreError";
    this.code = code;
    this.hint = options.hint ?? "";
  }
}

/** SQLite's primary result codes that have a meaning of their own here. */
const SQLITE: Readonly<Record<number, { code: StoreErrorCode; says: string; hint: string }>> = {
  5: {
    code: "busy",
    says: "another process holds the database's write lock",
    hint: "find the other process (`fuser` names it) or try again",
  },
  6: { code: "busy", says: "a table is locked", hint: "try again" },
  8: {
    code: "readonly",
    says: "the database can't be written",
    hint: "check the owner and mode of the data directory and its files",
  },
  10: { code: "io", says: "reading or writing the disk failed", hint: "look at the kernel's log" },
  11: {
    code: "corrupt",
    says: "the database is corrupted",
    hint: "stop Tinyforge, keep a copy of the file, and restore a backup of it",
  },
  13: {
    code: "full",
    says: "the disk is full",
    hint: "free space on the data directory's file system; nothing was lost",
  },
  14: {
    code: "io",
    says: "the database can't be opened",
    hint: "check that the data directory exists and that this user may write there",
  },
  26: {
    code: "corrupt",
    says: "the file is not a SQLite database",
    hint: "move the file away to start anew, or restore a backup of it",
  },
};

/**
 * Turns what SQLite throws into a {@link StoreError} that names the action; anything else,
 * a StoreError among it, is returned as it is.
 */
export function storeError(action: string, cause: unknown): unknown {
  const code = resultCode(cause);
  if (code === null) return cause;
  const known = SQLITE[code & 0xff];
  if (known === undefined) {
    return new StoreError("io", `${action}: ${(cause as Error).message}`, { cause });
  }
  return new StoreError(known.code, `${action}: ${known.says}`, { hint: known.hint, cause });
}

/** Runs `operation`; what SQLite throws becomes a {@link StoreError} that names the action. */
export function guarded<T>(action: string, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    throw storeError(action, error);
  }
}

/**
 * SQLite's result code of an error. @db/sqlite throws some failures of `step` as plain errors
 * whose only trace of the code is SQLite's message.
 */
function resultCode(error: unknown): number | null {
  if (!(error instanceof Error) || error instanceof StoreError) return null;
  if ("code" in error && typeof error.code === "number") return error.code;
  for (const [text, code] of MESSAGES) if (error.message.includes(text)) return code;
  return null;
}

const MESSAGES: readonly (readonly [string, number])[] = [
  ["database is locked", 5],
  ["database table is locked", 6],
  ["attempt to write a readonly database", 8],
  ["disk I/O error", 10],
  ["database disk image is malformed", 11],
  ["database or disk is full", 13],
  ["unable to open database file", 14],
  ["file is not a database", 26],
];
