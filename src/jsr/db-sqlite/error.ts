/**
 * SQLite's result codes as exceptions. Must not retry or interpret any.
 *
 * @module
 */

import { readText, sqlite } from "./library.ts";

/** The result codes this package looks at. */
export const Result = { ok: 0, misuse: 21, row: 100, done: 101 } as const;

/**
 * What opening, binding, copying and misuse throw: `code` is SQLite's result code, the message is
 * the code and SQLite's words for it. Failing SQL is a plain `Error` with SQLite's message.
 */
export class SqliteError extends Error {
  /** Always `SqliteError`. */
  override name = "SqliteError";

  /** SQLite's result code. */
  code: number;

  /** The message becomes `<code>: <message>`. */
  constructor(code: number = 1, message: string = "Unknown Error") {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

/** Throws the SqliteError of a result code, unless it stands for success. */
export function check(code: number): void {
  if (code === Result.ok || code === Result.done) return;
  if (code === Result.misuse) throw misuse();
  throw new SqliteError(code, readText(sqlite.sqlite3_errstr(code)));
}

/** Like {@link check}, but throws a plain Error with what the connection has to say. */
export function checkOn(db: Deno.PointerValue, code: number): void {
  if (code === Result.ok || code === Result.done) return;
  if (code === Result.misuse) throw misuse();
  const message = sqlite.sqlite3_errmsg(db);
  if (message === null) throw new SqliteError(code);
  throw new Error(readText(message));
}

/** The error of a closed connection, a finalized statement or an empty one. */
export function misuse(): SqliteError {
  return new SqliteError(Result.misuse, "SQLite3 API misuse");
}
