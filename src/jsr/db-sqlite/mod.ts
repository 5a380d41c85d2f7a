/**
 * SQLite over FFI, under the names and with the behaviour of `@db/sqlite` 0.12.0: the part of it
 * that is used here. Must not export what that package does not, nor accept what it refuses.
 *
 * Differences, all on paths where that package is undefined, silent or slow: it downloads a
 * library when `DENO_SQLITE_PATH` is unset; freed statements and closed connections are used
 * nevertheless; a commit that fails after a returned row is lost; SQL that is not ASCII is cut.
 * Here each of these throws.
 *
 * @module
 */

export { Database, type DatabaseOpenOptions, isComplete } from "./database.ts";
export { SqliteError } from "./error.ts";
export { SQLITE_SOURCEID, SQLITE_VERSION } from "./library.ts";
export { Statement } from "./statement.ts";
export type { Transaction } from "./transaction.ts";
export type { BindParameters, BindValue, RestBindParameters } from "./value.ts";
