/**
 * The `transitions` table: what happened to each row, bounded by age and count.
 *
 * @module
 */

import type { Cause, Origin } from "../model/pass.ts";
import type { Transition } from "../model/views.ts";
import { REMOVED } from "../model/container.ts";
import type { Connection, Transaction } from "./connection.ts";

/** A transition before it has its number. */
export type NewTransition = Omit<Transition, "seq">;

/** What became of a row that was just written: the row itself says where and how it ended. */
export type ToldOfRow = Omit<NewTransition, "at" | "containerId" | "exitCode">;

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

  /** Appends, in the transaction that makes the change. */
  record(tx: Transaction, t: NewTransition): void {
    this.#c.sql(
      `INSERT INTO transitions
         (row_id, at, from_state, to_state, cause, container_id, exit_code, origin)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      t.rowId,
      t.at,
      t.from,
      t.to,
      t.cause,
      t.containerId,
      t.exitCode,
      JSON.stringify(t.origin),
    );
    tx.wrote({ id: t.rowId, from: t.from, to: t.to, seq: this.#lastSeq() });
  }

  /**
   * Appends what rows became that this transaction has written. Thousands come at a first pass: what
   * a row says already crosses into SQLite only once.
   */
  recordWritten(tx: Transaction, written: readonly ToldOfRow[], told: { at: string }): void {
    for (const group of alike(written)) {
      const { from, cause, origin } = group[0]!;
      const ids = JSON.stringify(group.map(({ rowId }) => rowId));
      const count = this.#c.sql(RECORD_WRITTEN)
        .run(ids, told.at, from, cause, JSON.stringify(origin));
      // One statement numbers without a gap, in the order of its rows.
      const before = count === group.length ? this.#lastSeq() - count : null;
      for (const [i, { rowId, from, to }] of group.entries()) {
        tx.wrote({ id: rowId, from, to, seq: before === null ? null : before + 1 + i });
      }
    }
  }

  /** Ends the stories of a workload's rows and removes them. */
  removeRows(tx: Transaction, workloadId: string, told: { at: string; origin: Origin }): void {
    const rows = this.#c.sql(
      "SELECT id, state, container_id FROM containers WHERE workload_id = ? ORDER BY id",
    ).values<[string, string, string | null]>(workloadId);
    for (const [rowId, from, containerId] of rows) {
      this.record(tx, {
        rowId,
        ...told,
        from,
        to: REMOVED,
        cause: "deployer",
        containerId,
        exitCode: null,
      });
    }
    this.#c.sql("DELETE FROM containers WHERE workload_id = ?").run(workloadId);
  }

  /** The newest `limit` transitions of a row, oldest first. */
  ofRow(rowId: string, options: { limit?: number } = {}): Transition[] {
    return this.#c.sql(
      `SELECT * FROM (${SELECT} WHERE row_id = ? ORDER BY seq DESC LIMIT ?) ORDER BY seq`,
    ).values<Columns>(rowId, options.limit ?? 1000).map(transition);
  }

  /**
   * The transitions of all rows after number `seq`, oldest first; the last one's number is where the
   * next page begins. Numbers have no gaps: where the first is not the one after `seq`, those between
   * are forgotten already.
   */
  since(seq: number, options: { limit?: number } = {}): Transition[] {
    return this.#c.sql(`${SELECT} WHERE seq > ? ORDER BY seq LIMIT ?`)
      .values<Columns>(seq, options.limit ?? 1000).map(transition);
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

  #lastSeq(): number {
    return this.#c.sql("SELECT last_insert_rowid()").value<[number]>()![0];
  }
}

const SELECT = `
  SELECT seq, row_id, at, from_state, to_state, cause, container_id, exit_code, detail, origin
  FROM transitions`;

const RECORD_WRITTEN = `
  INSERT INTO transitions
    (row_id, at, from_state, to_state, cause, container_id, exit_code, origin)
  SELECT c.id, ?2, ?3, c.state, ?4, c.container_id, iif(?4 = 'sweep', NULL, c.exit_code), ?5
  FROM json_each(?1) AS written CROSS JOIN containers AS c ON c.id = written.value`;

/** Those of one origin together, in their order otherwise. */
function alike(written: readonly ToldOfRow[]): Iterable<readonly ToldOfRow[]> {
  // Thousands of rows of one listing share one object.
  const texts = new Map<Origin, string>();
  const textOf = (origin: Origin) => {
    let text = texts.get(origin);
    if (text === undefined) texts.set(origin, text = JSON.stringify(origin));
    return text;
  };
  // No state is empty, and none has a control character.
  return Map.groupBy(
    written,
    ({ from, cause, origin }) => `${cause}\n${from ?? ""}\n${textOf(origin)}`,
  ).values();
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
  string | null,
];

function transition(c: Columns): Transition {
  const [seq, rowId, at, from, to, cause, containerId, exitCode, detail, kept] = c;
  const origin: Origin = kept === null ? { by: "prose", text: detail } : JSON.parse(kept);
  return { seq, rowId, at, from, to, cause, containerId, exitCode, origin };
}
