/**
 * Another hand that writes into a database which a daemon has open.
 *
 * @module
 */

import type { BindValue } from "@db/sqlite";

const { Database } = await import("@db/sqlite");

/** Writes into the database at this path until it is disposed. */
export function damagedBy(path: string): Disposable & {
  /** Runs one statement. */
  write(sql: string, ...values: BindValue[]): void;
} {
  const db = new Database(path, { create: false });
  db.exec("PRAGMA busy_timeout = 5000");
  return {
    write: (sql, ...values) => void db.prepare(sql).run(...values),
    [Symbol.dispose]: () => db.close(),
  };
}
