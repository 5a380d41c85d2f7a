/**
 * SQLite over FFI, under the names and with the behaviour of `@db/sqlite` 0.13.0: the part of it
 * that is used here. Must not export what that package does not, nor accept what it refuses.
 *
 * It throws where that package goes on with undefined, silent or wrong results: without
 * `DENO_SQLITE_PATH` (that one downloads a library), after `finalize()` and `close()`, on integers
 * beyond 64 bits, and when a commit fails after a row was returned. `bind()` forgets what an earlier
 * use bound, which may be freed memory there.
 *
 * @module
 */

export { Database, type DatabaseOpenOptions, isComplete } from "./database.ts";
export { SqliteError } from "./error.ts";
export { SQLITE_SOURCEID, SQLITE_VERSION } from "./library.ts";
export { Statement } from "./statement.ts";
export type { Transaction } from "./transaction.ts";
export type { BindParameters, BindValue, RestBindParameters } from "./value.ts";
