/**
 * `@db/sqlite` for tests, on the system's library unless `DENO_SQLITE_PATH` names another. Must be
 * the way tests get at it: a static import would come before the variable is set.
 *
 * @module
 */

/** Imports `@db/sqlite`; rejects when SQLite is not installed. */
export function loadSqlite(): Promise<typeof import("@db/sqlite")> {
  if (!Deno.env.get("DENO_SQLITE_PATH")) Deno.env.set("DENO_SQLITE_PATH", "libsqlite3.so.0");
  return import("@db/sqlite");
}
