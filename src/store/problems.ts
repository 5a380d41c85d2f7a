/**
 * The `problems` table, and what the judge remembers beside it: of the host, of deploys, of how
 * containers ended. Written in one transaction for each judgement; decides nothing.
 *
 * @module
 */

import { LOCAL_HOST } from "../model/container.ts";
import type { ProblemCount } from "../model/index_reader.ts";
import type { Deaths, Hold, Problem, ProblemKind, Severity } from "../model/problem.ts";
import { RETENTION, type Retention } from "../model/past.ts";
import type { Connection } from "./connection.ts";
import { type Reading, unlessDamaged } from "./damage.ts";
import {
  type Columns,
  INSERT,
  judgement,
  type KeptJudgement,
  problem,
  ringOf,
  SELECT,
  values,
} from "./problem_rows.ts";

/** What one judgement writes. */
export interface JudgementWrite {
  /** Each takes the place of the one with its key that is not closed, in this order. */
  readonly put: readonly Problem[];
  /** No longer known. */
  readonly dropped: readonly Problem[];
  /** Null: as it was. */
  readonly kept: KeptJudgement | null;
  /** Row id → how its containers ended; null: forgotten. */
  readonly deaths: ReadonlyMap<string, Deaths | null>;
  /** Workload id → its deploy. */
  readonly holds: ReadonlyMap<string, Hold>;
}

/** Which problems to read. */
export interface ProblemFilter {
  /** Only of this row. */
  readonly rowId?: string;
  /** Also those that are not open: holding, and the newest that closed. */
  readonly all?: boolean;
}

/** Closed problems that are read at most. */
const MAX_CLOSED = 500;

/** What closed within this time may still matter to the judge, milliseconds. */
export const JUDGED_MS = 86_400_000;

/** How many closed problems are kept, however young. */
const KEPT_COUNT = 20_000;

/** The `problems` table. */
export class ProblemTable {
  readonly #c: Connection;
  #keptMs = RETENTION.maxAgeSeconds * 1000;

  /** On this connection. */
  constructor(connection: Connection) {
    this.#c = connection;
  }

  /** How long closed ones are kept from now on, seconds. */
  keep({ maxAgeSeconds }: Pick<Retention, "maxAgeSeconds">): void {
    this.#keptMs = Math.max(JUDGED_MS, maxAgeSeconds * 1000);
  }

  /**
   * Those that the judge must know: not closed, or closed at or after `since`. One whose evidence is
   * left out has none until it is judged again.
   */
  remembered(since: number, reading: Reading = {}): Problem[] {
    return this.#c.sql(`${SELECT} WHERE status <> 'closed' OR closed_at >= ? ORDER BY id`)
      .values<Columns>(since).map((row) => problem(row, reading));
  }

  /** Problems for readers: the open ones, newest first; with `all` the others after them. */
  list({ rowId, all = false }: ProblemFilter = {}, reading: Reading = {}): Problem[] {
    const ofRow = rowId === undefined ? "?1 IS NULL" : "row_id = ?1";
    const active = this.#c.sql(
      `${SELECT} WHERE status ${all ? "<> 'closed'" : "= 'open'"} AND ${ofRow}
       ORDER BY status = 'open' DESC, coalesce(opened_at, since) DESC, key`,
    ).values<Columns>(rowId ?? null);
    const closed = all
      ? this.#c.sql(
        `${SELECT} WHERE status = 'closed' AND ${ofRow} ORDER BY closed_at DESC, id DESC LIMIT ?2`,
      ).values<Columns>(rowId ?? null, MAX_CLOSED)
      : [];
    return [...active, ...closed].map((row) => problem(row, reading));
  }

  /**
   * Those that opened, closed or not, by key, of each the open one first: all of them, or those that
   * were written after a state of the index.
   */
  told(since: number | null): Problem[] {
    return this.#c.sql(
      `${SELECT} WHERE status <> 'holding' AND ${since === null ? "?1 IS NULL" : "changed > ?1"}
       ORDER BY key, status = 'open' DESC, opened_at`,
    ).values<Columns>(since).map((row) => problem(row));
  }

  /** Those that opened, closed or not, that were open at some time within a window, by id. */
  opened(within: {
    /** RFC 3339 UTC. */
    readonly from?: string | undefined;
    /** RFC 3339 UTC. */
    readonly until?: string | undefined;
    readonly workloadIds?: readonly string[] | undefined;
    readonly rowId?: string | undefined;
  }): Problem[] {
    const { from, until, workloadIds, rowId } = within;
    return this.#c.sql(
      `${SELECT} WHERE opened_at IS NOT NULL AND coalesce(closed_at, opened_at) >= ?1
         AND opened_at < ?2 AND (?4 IS NULL OR row_id = ?4)
         AND (?3 IS NULL OR workload_id IN (SELECT value FROM json_each(?3)))
       ORDER BY id`,
    ).values<Columns>(
      from === undefined ? 0 : Date.parse(from),
      until === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(until),
      workloadIds === undefined ? null : JSON.stringify(workloadIds),
      rowId ?? null,
    ).map((row) => problem(row));
  }

  /** Open problems by kind and severity, those of which there are none left out. */
  counts(): ProblemCount[] {
    return this.#c.sql(
      `SELECT kind, severity, count(*) FROM problems WHERE status = 'open'
       GROUP BY kind, severity ORDER BY kind, severity`,
    ).values<[ProblemKind, Severity, number]>()
      .map(([kind, severity, count]) => ({ kind, severity, count }));
  }

  /** What is remembered of the host; null before its first judgement, and where it is left out. */
  kept(reading: Reading = {}): KeptJudgement | null {
    const [text] = this.#c.sql("SELECT judged FROM hosts WHERE name = ?")
      .value<[string | null]>(LOCAL_HOST)!;
    return text === null ? null : unlessDamaged(() => judgement(text), null, reading);
  }

  /** How the containers of each row ended; of those whose ends are left out, how many did. */
  deaths(reading: Reading = {}): Map<string, Deaths> {
    const rows = this.#c.sql("SELECT row_id, count, at_least, gap_at, ring FROM deaths")
      .values<[string, number, number, number | null, string]>();
    return new Map(rows.map(([rowId, count, atLeast, gapAt, ring]) => [
      rowId,
      {
        ...{ count, atLeast: atLeast === 1, gapAt },
        ring: unlessDamaged(() => ringOf(ring, rowId), [], reading),
      },
    ]));
  }

  /** How the containers of one row ended; undefined when no end is known. */
  deathsOf(rowId: string): Deaths | undefined {
    const row = this.#c.sql("SELECT count, at_least, gap_at, ring FROM deaths WHERE row_id = ?")
      .value<[number, number, number | null, string]>(rowId);
    if (row === undefined) return undefined;
    const [count, atLeast, gapAt, ring] = row;
    return {
      count,
      atLeast: atLeast === 1,
      gapAt,
      ring: ringOf(ring, rowId),
    };
  }

  /** Deploys by workload id. */
  holds(): Map<string, Hold> {
    return new Map(
      this.#c.sql("SELECT id, hold_from, hold_last FROM workloads WHERE hold_from IS NOT NULL")
        .values<[string, number, number]>().map(([id, from, last]) => [id, { from, last }]),
    );
  }

  /**
   * Since when rows are in their state and have their health, milliseconds, by row id; of one row, or
   * of all.
   */
  times(rowId?: string): Map<string, { stateSince: number; healthSince: number }> {
    const where = rowId === undefined ? "" : "WHERE id = ?";
    const rows = this.#c.sql(
      `SELECT id, coalesce(state_since, created_at), coalesce(health_since, created_at)
       FROM containers ${where}`,
    ).values<[string, string, string]>(...rowId === undefined ? [] : [rowId]);
    return new Map(rows.map(([id, state, health]) => [
      id,
      { stateSince: Date.parse(state), healthSince: Date.parse(health) },
    ]));
  }

  /** Writes a judgement, in one transaction; says which problems changed. */
  write({ put, dropped, kept, deaths, holds }: JudgementWrite): void {
    this.#c.write("Cannot write what is wrong", (tx) => {
      for (const { key } of dropped) this.#remove(key);
      for (const problem of put) {
        this.#remove(problem.key);
        this.#c.sql(INSERT).run(...values(problem));
      }
      for (const [rowId, its] of deaths) {
        if (its === null) this.#c.sql("DELETE FROM deaths WHERE row_id = ?").run(rowId);
        else {
          this.#c.sql(
            `INSERT INTO deaths (row_id, count, at_least, gap_at, ring) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (row_id) DO UPDATE SET count = excluded.count,
               at_least = excluded.at_least, gap_at = excluded.gap_at, ring = excluded.ring`,
          ).run(rowId, its.count, its.atLeast ? 1 : 0, its.gapAt, JSON.stringify(its.ring));
        }
      }
      for (const [id, { from, last }] of holds) {
        this.#c.sql("UPDATE workloads SET hold_from = ?, hold_last = ? WHERE id = ?")
          .run(from, last, id);
      }
      if (kept !== null) {
        this.#c.sql("UPDATE hosts SET judged = ? WHERE name = ?")
          .run(JSON.stringify(kept), LOCAL_HOST);
      }
      // What only holds may pass by itself: nobody is told of it.
      const told = [...put, ...dropped].filter(({ status }) => status !== "holding");
      tx.judged(told.map(({ key }) => key));
    });
  }

  /** Forgets closed problems that are old, or more than are kept; returns how many. */
  prune(now: number): number {
    return this.#c.write(
      "Cannot prune problems",
      () =>
        this.#c.sql("DELETE FROM problems WHERE status = 'closed' AND closed_at < ?")
          .run(now - this.#keptMs) +
        this.#c.sql(
          `DELETE FROM problems WHERE id IN (
             SELECT id FROM problems WHERE status = 'closed' ORDER BY id DESC LIMIT -1 OFFSET ?)`,
        ).run(KEPT_COUNT),
    );
  }

  #remove(key: string): void {
    this.#c.sql("DELETE FROM problems WHERE key = ? AND status <> 'closed'").run(key);
  }
}
