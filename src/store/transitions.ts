/**
 * The `transitions` table: what happened to each row, bounded by age and count.
 *
 * @module
 */

import { allOf } from "../bytes.ts";
import type { Cause, Origin } from "../model/pass.ts";
import { endsRow, LOCAL_HOST, REMOVED } from "../model/container.ts";
import { RETENTION, type Retention } from "../model/past.ts";
import type { Transition } from "../model/views.ts";
import type { Connection, Transaction } from "./connection.ts";
import { keptJson } from "./kept_json.ts";
import type { WatchedTable } from "./watched.ts";

/** So many are forgotten at once at most: a million take seconds. */
export const FORGOTTEN_AT_ONCE = 2000;

/** A transition before it has its number. */
export type NewTransition = Omit<Transition, "seq" | "containerName" | "imageRef">;

/** What became of a row that was just written: the row itself says where and how it ended. */
export type ToldOfRow = Omit<NewTransition, "at" | "containerId" | "exitCode">;

/** The `transitions` table. */
export class TransitionTable {
  readonly #c: Connection;
  readonly #watched: WatchedTable;
  #retention = RETENTION;

  /** On this connection. */
  constructor(connection: Connection, tables: { watched: WatchedTable }) {
    this.#c = connection;
    this.#watched = tables.watched;
  }

  /**
   * How much is kept from now on; what is more goes with the next that are written, or with the next
   * pruning where it is more than {@linkcode FORGOTTEN_AT_ONCE}.
   */
  keep(retention: Retention): void {
    this.#retention = retention;
  }

  /**
   * Appends, in the transaction that makes the change. What happens to a row that is removed is told
   * while it is still there.
   */
  record(tx: Transaction, t: NewTransition): void {
    if (endsRow(t.to)) this.#c.sql(REMEMBER_ROW).run(t.rowId);
    this.#c.sql(RECORD).run(
      t.rowId,
      t.at,
      t.from,
      t.to,
      t.cause,
      t.containerId,
      t.exitCode,
      JSON.stringify(t.origin),
    );
    const seq = this.#lastSeq();
    tx.wrote({ id: t.rowId, from: t.from, to: t.to, seq });
    this.#forgetUpTo(seq - this.#retention.maxCount);
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
      this.#forgetUpTo(this.#lastSeq() - this.#retention.maxCount);
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
    ).values<TransitionColumns>(rowId, options.limit ?? 1000).map(transition);
  }

  /** Those of these rows whose last transition is of another container than the one before it. */
  replaced(rowIds: readonly string[]): string[] {
    return this.#c.sql(REPLACED).values<[string]>(JSON.stringify(rowIds)).map(([id]) => id);
  }

  /**
   * The transitions of all rows after number `seq`, oldest first; the last one's number is where the
   * next page begins. Numbers have no gaps: where the first is not the one after `seq`, those between
   * are forgotten already, or not at or after `from` and before `until`, RFC 3339 UTC.
   */
  since(
    seq: number,
    { limit = 1000, from = "", until = "~" }: { limit?: number; from?: string; until?: string } =
      {},
  ): Transition[] {
    return this.#c.sql(`${SELECT} WHERE seq > ? AND at >= ? AND at < ? ORDER BY seq LIMIT ?`)
      .values<TransitionColumns>(seq, from, until, limit).map(transition);
  }

  /**
   * Up to when what happened may be forgotten, RFC 3339 UTC; null: nothing is. What is kept from after
   * it is all that happened.
   */
  forgottenUntil(): string | null {
    return this.#c.sql("SELECT forgotten_until FROM hosts WHERE name = ?")
      .value<[string | null]>(LOCAL_HOST)![0];
  }

  /** Forgets what is older or more than is kept, and who nobody tells of any more; returns how many. */
  prune(now: string, retention: Retention = this.#retention): number {
    return allOf(this.pruning(now, retention)).end;
  }

  /**
   * The same piece by piece, each in a transaction of its own, between which others may be let go
   * first; what is left of one that is not gone on with is the next one's.
   */
  *pruning(
    now: string,
    retention: Retention = this.#retention,
  ): Generator<undefined, number, undefined> {
    const oldest = new Date(Date.parse(now) - retention.maxAgeSeconds * 1000).toISOString();
    for (let count = 0;;) {
      const { forgotten, more } = this.#c.write("Cannot prune transitions", (tx) => {
        const piece = this.#prunePiece(oldest, retention);
        if (piece.more) return piece;
        this.#c.sql(
          "DELETE FROM removed_rows WHERE row_id NOT IN (SELECT row_id FROM transitions)",
        ).run();
        const unwatched = this.#watched.prune(tx, oldest);
        if (unwatched !== null) this.#forgot(unwatched);
        return piece;
      });
      count += forgotten;
      if (!more) return count;
      yield;
    }
  }

  #prunePiece(
    oldest: string,
    { maxCount }: Pick<Retention, "maxCount">,
  ): { forgotten: number; more: boolean } {
    const [first, last] = boundsOf(this.#c);
    if (first === null || last === null) return { forgotten: 0, more: false };
    const end = Math.min(last, first + FORGOTTEN_AT_ONCE - 1);
    // `at` follows `seq` but for clock steps, so the scan stops at the first one kept.
    const [kept] = this.#c.sql(
      `SELECT coalesce(
         (SELECT seq FROM transitions WHERE at >= ?1 AND seq <= ?2 ORDER BY seq LIMIT 1), ?2 + 1)`,
    ).value<[number]>(oldest, end)!;
    const upTo = Math.min(end, Math.max(last - maxCount, kept - 1));
    return { forgotten: this.#forgetUpTo(upTo), more: upTo === end && end < last };
  }

  /** Of those up to there the oldest {@linkcode FORGOTTEN_AT_ONCE}. */
  #forgetUpTo(seq: number): number {
    const [first] = boundsOf(this.#c);
    if (first === null || first > seq) return 0;
    const upTo = Math.min(seq, first + FORGOTTEN_AT_ONCE - 1);
    const [at] = this.#c.sql("SELECT max(at) FROM transitions WHERE seq <= ?")
      .value<[string | null]>(upTo)!;
    if (at === null) return 0;
    this.#forgot(at);
    return this.#c.sql("DELETE FROM transitions WHERE seq <= ?").run(upTo);
  }

  #forgot(until: string): void {
    this.#c.sql(
      "UPDATE hosts SET forgotten_until = max(coalesce(forgotten_until, ''), ?) WHERE name = ?",
    ).run(until, LOCAL_HOST);
  }

  #lastSeq(): number {
    return this.#c.sql("SELECT last_insert_rowid()").value<[number]>()![0];
  }
}

const SELECT = `
  SELECT seq, row_id, at, from_state, to_state, cause, container_id, exit_code, detail, origin,
    container_name, image_ref
  FROM transitions`;

// A deployer names a container; what that is called only a listing tells.
const RECORD = `
  INSERT INTO transitions
    (row_id, at, from_state, to_state, cause, container_id, exit_code, origin, container_name,
     image_ref)
  SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, iif(?5 = 'deployer', NULL, nullif(c.container_name, '')),
    nullif(c.image_ref, '')
  FROM (SELECT 1) LEFT JOIN containers AS c ON c.id = ?1`;

const REMEMBER_ROW = `
  INSERT OR REPLACE INTO removed_rows
    (row_id, workload_id, workload_kind, workload_name, role, replica, stage_name, created_at)
  SELECT id, workload_id, workload_kind, workload_name, role, replica, stage_name, created_at
  FROM container_views WHERE id = ?`;

/** Container of the last transition of a row but `before` it. */
const containerOf = (before: number) =>
  `(SELECT container_id FROM transitions WHERE row_id = written.value
    ORDER BY seq DESC LIMIT 1 OFFSET ${before})`;

// Thousands of rows may be written at once: their transitions are looked at where they are.
const REPLACED = `
  SELECT written.value FROM json_each(?1) AS written
  WHERE ${containerOf(0)} <> ${containerOf(1)}`;

const RECORD_WRITTEN = `
  INSERT INTO transitions
    (row_id, at, from_state, to_state, cause, container_id, exit_code, origin, container_name,
     image_ref)
  SELECT c.id, ?2, ?3, c.state, ?4, c.container_id, iif(?4 = 'sweep', NULL, c.exit_code), ?5,
    nullif(c.container_name, ''), nullif(c.image_ref, '')
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

/** A transition as it is read, in the order of its columns. */
export type TransitionColumns = [
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
  string | null,
  string | null,
];

/** Numbers of the oldest transition that is kept and of the newest; null where there is none. */
export function boundsOf(connection: Connection): [first: number | null, last: number | null] {
  // In one SELECT both would be looked for among all.
  return connection.sql(
    "SELECT (SELECT min(seq) FROM transitions), (SELECT max(seq) FROM transitions)",
  ).value<[number | null, number | null]>()!;
}

/** What was read, as it is told. */
export function transition(c: TransitionColumns): Transition {
  const [seq, rowId, at, from, to, cause, containerId, exitCode, detail, kept, name, imageRef] = c;
  const origin: Origin = kept === null
    ? { by: "prose", text: detail }
    : keptJson(kept, "transitions.origin", { of: seq });
  const container = { containerId, containerName: name, imageRef };
  return { seq, rowId, at, from, to, cause, ...container, exitCode, origin };
}
