/**
 * The `transitions` table: what happened to each row, bounded by age and count.
 *
 * @module
 */

import type { Cause } from "../model/pass.ts";
import type { Transition } from "../model/views.ts";
import type { Connection } from "./store.ts";

/** A transition before it has its number. */
export type NewTransition = Omit<Transition, "seq">;

/** A row that was just written, and what the row itself doesn't say of that. */
export interface WrittenRow extends Pick<Transition, "rowId" | "from" | "cause" | "detail"> {}

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

  /**
   * Appends what rows have become that were just written; belongs into the same transaction, after
   * them. Thousands come at a first pass: what a row says already crosses into SQLite only once.
   */
  recordWritten(written: readonly WrittenRow[], told: { at: string }): void {
    for (const group of alike(written)) {
      const { from, cause, detail } = group[0]!;
      this.#c.sql(RECORD_WRITTEN)
        .run(JSON.stringify(group.map(({ rowId }) => rowId)), told.at, from, cause, detail);
    }
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

const RECORD_WRITTEN = `
  INSERT INTO transitions
    (row_id, at, from_state, to_state, cause, container_id, exit_code, detail)
  SELECT c.id, ?2, ?3, c.state, ?4, c.container_id, iif(?4 = 'sweep', NULL, c.exit_code), ?5
  FROM json_each(?1) AS written CROSS JOIN containers AS c ON c.id = written.value`;

/** Those of one origin together, in their order otherwise. */
function alike(written: readonly WrittenRow[]): Iterable<readonly WrittenRow[]> {
  // No state is empty, and none has a control character.
  const origin = ({ from, cause, detail }: WrittenRow) => `${cause}\n${from ?? ""}\n${detail}`;
  return Map.groupBy(written, origin).values();
}

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
