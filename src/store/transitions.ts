/**
 * The `transitions` table: what happened to each row, bounded by age and count.
 *
 * @module
 */

import type { Cause, Transition } from "../model.ts";
import type { Connection } from "./store.ts";

/** A transition before it has its number. */
export type NewTransition = Omit<Transition, "seq">;

/** How much of the past is kept. */
export interface Retention {
  /** Seconds. */
  readonly maxAgeSeconds: number;
  /** Number of transitions, of all rows together. */
  readonly maxCount: number;
}

/** Thirty days, and never more than a hundred thousand. */
export const RETENTION: Retention = { maxAgeSeconds: 30 * 86_400, maxCount: 100_000 };

/** The `transitions` table. */
export class TransitionTable {
  readonly #c: Connection;

  /** On this connection. */
  constructor(connection: Connection) {
    this.#c = connection;
  }

  /** Appends; belongs into the transaction that makes the change. */
  record(t: NewTransition): void {
    this.#c.sql(
      `INSERT INTO transitions
         (row_id, at, from_state, to_state, cause, container_id, exit_code, detail)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(t.rowId, t.at, t.from, t.to, t.cause, t.containerId, t.exitCode, t.detail);
  }

  /** The same for many, in their order. */
  recordAll(transitions: readonly NewTransition[]): void {
    const columns = transitions.map((t) => [
      t.rowId,
      t.at,
      t.from,
      t.to,
      t.cause,
      t.containerId,
      t.exitCode,
      t.detail,
    ]);
    // One text for all: crossing into SQLite for each column of each takes twice as long.
    this.#c.sql(RECORD_ALL).run(JSON.stringify(columns));
  }

  /**
   * Ends the stories of a workload's rows, which its removal takes with it; belongs into the same
   * transaction, before it.
   */
  recordRemoved(workloadId: string, told: { at: string; detail: string }): void {
    this.#c.sql(
      `INSERT INTO transitions
         (row_id, at, from_state, to_state, cause, container_id, exit_code, detail)
       SELECT id, ?, state, 'removed', 'deployer', container_id, NULL, ?
       FROM containers WHERE workload_id = ? ORDER BY id`,
    ).run(told.at, told.detail, workloadId);
  }

  /** The newest `limit` transitions of a row, oldest first. */
  ofRow(rowId: string, options: { limit?: number } = {}): Transition[] {
    return this.#c.sql(
      `SELECT * FROM (
         SELECT seq, row_id, at, from_state, to_state, cause, container_id, exit_code, detail
         FROM transitions WHERE row_id = ? ORDER BY seq DESC LIMIT ?
       ) ORDER BY seq`,
    ).values<Columns>(rowId, options.limit ?? 1000).map(transition);
  }

  /** Number of transitions kept. */
  count(): number {
    return this.#c.sql("SELECT count(*) FROM transitions").value<[number]>()![0];
  }

  /** Forgets what is older or more than `retention` allows; returns how many. */
  prune(now: string, retention: Retention = RETENTION): number {
    const oldest = new Date(Date.parse(now) - retention.maxAgeSeconds * 1000).toISOString();
    return this.#c.write("Cannot prune transitions", () => {
      const [last] = this.#c.sql("SELECT coalesce(max(seq), 0) FROM transitions")
        .value<[number]>()!;
      return this.#c.sql("DELETE FROM transitions WHERE seq <= ?").run(last - retention.maxCount) +
        this.#c.sql(
          // `at` follows `seq` but for clock steps, so the scan stops at the first one kept.
          `DELETE FROM transitions WHERE seq < coalesce(
             (SELECT seq FROM transitions WHERE at >= ? ORDER BY seq LIMIT 1), ?)`,
        ).run(oldest, last + 1);
    });
  }
}

const RECORD_ALL = `
  INSERT INTO transitions
    (row_id, at, from_state, to_state, cause, container_id, exit_code, detail)
  SELECT
    json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
    json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]'),
    json_extract(value, '$[6]'), json_extract(value, '$[7]')
  FROM json_each(?)`;

type Columns = [
  number,
  string,
  string,
  string | null,
  string,
  Cause,
  string | null,
  number | null,
  string,
];

function transition(c: Columns): Transition {
  const [seq, rowId, at, from, to, cause, containerId, exitCode, detail] = c;
  return { seq, rowId, at, from, to, cause, containerId, exitCode, detail };
}
