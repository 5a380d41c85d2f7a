/**
 * The `row_changes` table: what happened to rows beside their states, bounded by age and count.
 *
 * @module
 */

import type { RowChange } from "../model/details.ts";
import { RETENTION, type Retention } from "../model/past.ts";
import type { Connection, Transaction } from "./connection.ts";

/** The `row_changes` table. */
export class RowChangeTable {
  readonly #c: Connection;
  #retention = RETENTION;

  /** On this connection. */
  constructor(connection: Connection) {
    this.#c = connection;
  }

  /** How much is kept from now on; what is more goes with the next one that is written. */
  keep(retention: Retention): void {
    this.#retention = retention;
  }

  /** Appends, in the transaction that makes the change. */
  record(_tx: Transaction, change: Omit<RowChange, "seq">): void {
    const { rowId, at, field, from, to, containerId } = change;
    this.#c.sql(
      `INSERT INTO row_changes (row_id, at, field, from_value, to_value, container_id)
       VALUES (?, ?, ?, ?, ?, ?)`,
    ).run(rowId, at, field, from, to, containerId);
    this.#keepNewest();
  }

  /** The newest `limit` changes of a row, oldest first. */
  ofRow(rowId: string, options: { limit?: number } = {}): RowChange[] {
    return this.#c.sql(
      `SELECT * FROM (
         SELECT seq, row_id, at, field, from_value, to_value, container_id FROM row_changes
         WHERE row_id = ? ORDER BY seq DESC LIMIT ?) ORDER BY seq`,
    ).values<
      [number, string, string, RowChange["field"], string | null, string | null, string | null]
    >(rowId, options.limit ?? 100)
      .map(([seq, rowId, at, field, from, to, containerId]) => ({
        ...{ seq, rowId, at, field, from, to, containerId },
      }));
  }

  /** Forgets what is old, or more than is kept; returns how many. `now` is RFC 3339 UTC. */
  prune(now: string): number {
    const oldest = new Date(Date.parse(now) - this.#retention.maxAgeSeconds * 1000).toISOString();
    return this.#c.write(
      "Cannot prune changes of rows",
      () => this.#c.sql("DELETE FROM row_changes WHERE at < ?").run(oldest) + this.#keepNewest(),
    );
  }

  #keepNewest(): number {
    return this.#c.sql(
      "DELETE FROM row_changes WHERE seq <= (SELECT max(seq) FROM row_changes) - ?",
    )
      .run(this.#retention.maxCount);
  }
}
