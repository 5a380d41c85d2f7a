/**
 * What SQLite's result codes mean here. Does not know HTTP, exit codes or what a person can do.
 *
 * @module
 */

import { Failure, isFailure } from "../failure.ts";
import { quote } from "../text.ts";

/** How a result code becomes a failure. */
type Meaning = (action: string, cause: unknown) => Failure;

/** SQLite's primary result codes that have a meaning of their own here. */
const SQLITE: Readonly<Record<number, Meaning>> = {
  5: (action, cause) =>
    new Failure("busy", `${action}: another process holds the database's write lock`, {
      data: { by: "writer" },
      cause,
    }),
  6: (action, cause) =>
    new Failure("busy", `${action}: a table is locked`, { data: { by: "table" }, cause }),
  8: (action, cause) =>
    new Failure("readonly", `${action}: the database can't be written`, {
      data: { denied: false },
      cause,
    }),
  10: (action, cause) =>
    new Failure("io", `${action}: reading or writing the disk failed`, {
      data: { at: "disk" },
      cause,
    }),
  11: (action, cause) =>
    new Failure("corrupt", `${action}: the database is corrupted`, {
      data: { found: "malformed" },
      cause,
    }),
  13: (action, cause) => new Failure("full", `${action}: the disk is full`, { data: {}, cause }),
  14: (action, cause) =>
    new Failure("io", `${action}: the database can't be opened`, {
      data: { at: "database" },
      cause,
    }),
  26: (action, cause) =>
    new Failure("corrupt", `${action}: the file is not a SQLite database`, {
      data: { found: "no-database" },
      cause,
    }),
};

/**
 * Turns what SQLite throws into a {@link Failure} that names the action; anything else, a Failure
 * among it, is returned as it is.
 */
export function storeError(action: string, cause: unknown): unknown {
  // Said by functions of SQL, PostgreSQL's too, and without a code of its own.
  if (cause instanceof Error && !isFailure(cause) && NOT_JSON.test(cause.message)) {
    return notJson("a value", { cause });
  }
  const code = resultCode(cause);
  if (code === null) return cause;
  const meaning = SQLITE[code & 0xff];
  if (meaning !== undefined) return meaning(action, cause);
  return new Failure("io", `${action}: ${(cause as Error).message}`, {
    data: { at: "sqlite" },
    cause,
  });
}

/** What a value is that is not the JSON which was kept; `of`: whose it is, where that is known. */
export function notJson(
  column: string,
  { of, cause }: { of?: string | number; cause?: unknown } = {},
): Failure<"corrupt"> {
  const whose = of === undefined ? "" : ` of ${typeof of === "string" ? quote(of) : of}`;
  return new Failure("corrupt", `Cannot read the index: ${column}${whose} is not the JSON it was`, {
    data: { found: "value" },
    cause,
  });
}

/** Runs `operation`; what SQLite throws becomes a {@link Failure} that names the action. */
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
  if (!(error instanceof Error) || isFailure(error)) return null;
  if ("code" in error && typeof error.code === "number") return error.code;
  for (const [text, code] of MESSAGES) if (error.message.includes(text)) return code;
  return null;
}

const NOT_JSON = /malformed JSON|invalid input syntax for type json/;

const MESSAGES: readonly (readonly [string, number])[] = [
  ["database is locked", 5],
  ["database table is locked", 6],
  ["attempt to write a readonly database", 8],
  ["disk I/O error", 10],
  ["database disk image is malformed", 11],
  ["malformed database schema", 11],
  ["database or disk is full", 13],
  ["unable to open database file", 14],
  ["file is not a database", 26],
];
