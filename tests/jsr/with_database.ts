/**
 * A database in memory for the length of a test. Must not outlive it.
 *
 * @module
 */

import type { Database as OpenDatabase, DatabaseOpenOptions } from "@db/sqlite";
import { loadSqlite } from "./sqlite_library.ts";

const { Database } = await loadSqlite();

/** Runs `body` on a database in memory, which is closed whatever happens. */
export function withDatabase(
  body: (db: OpenDatabase) => void,
  options: DatabaseOpenOptions = {},
): void {
  const db = new Database(":memory:", options);
  try {
    body(db);
  } finally {
    db.close();
  }
}
