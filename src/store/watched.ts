/**
 * When the index was known to be what ran: stretches from a listing to the last moment that is known.
 * A steady pass writes nothing for it, since the host's own time of its last pass is the end of the
 * stretch under way. Does not decide when sight is lost.
 *
 * @module
 */

import { isFailure } from "../failure.ts";
import { LOCAL_HOST } from "../model/container.ts";
import type { Connection, Transaction } from "./connection.ts";

/** A stretch of time in which the index was known to be what ran. RFC 3339 UTC. */
export interface Watched {
  /** The listing that began it. */
  readonly from: string;
  /** The last moment that is known. */
  readonly to: string;
}

/** No two passes that follow each other are further apart: twice the longest interval. */
const MOST_BETWEEN_PASSES_MS = 600_000;

/**
 * Further back no event is looked for that came after the last pass: where none flow, all that
 * happened would be looked through for one.
 */
const LOOKED_BACK = 10_000;

/** How many stretches are kept: an Engine that comes and goes makes no more of them. */
const MAX_COUNT = 10_000;

/** The `watched` table, and its columns of `hosts`. */
export class WatchedTable {
  readonly #c: Connection;
  /** The stretch that this process began; one that is in the database besides is a dead one's. */
  #own: { readonly from: string; lostAt: string | null } | null = null;

  /** On this connection. */
  constructor(connection: Connection) {
    this.#c = connection;
  }

  /**
   * A full pass listed everything at `at`; in the transaction that writes it, and before its time
   * takes the place of that of the one before.
   */
  passed(_tx: Transaction, at: string): void {
    const { since, lastPassAt, strange } = this.#state();
    const own = this.#own !== null && this.#own.from === since ? this.#own : null;
    const goesOn = own !== null && own.lostAt === null && !strange && follows(lastPassAt!, at);
    if (goesOn || strange && since === null) return;
    if (since !== null) this.#insert(since, own?.lostAt ?? this.#lastKnown(lastPassAt!));
    // What another Engine lists is not what is to be known.
    this.#setSince(strange ? null : at);
    this.#own = strange ? null : { from: at, lostAt: null };
  }

  /**
   * Since `at` it is not known any more what runs; only the first of several counts. Where it can't be
   * written now, the next pass does.
   */
  lost(at: string): void {
    const own = this.#own;
    if (own === null || own.lostAt !== null) return;
    const { since, lastPassAt } = this.#state();
    if (since !== own.from) return;
    const known = this.#lastKnown(lastPassAt!);
    // A machine that slept says so late.
    const lostAt = own.lostAt = at > known && follows(lastPassAt!, at) ? at : known;
    try {
      this.#c.write("Cannot record what was watched", () => {
        this.#insert(own.from, lostAt);
        this.#setSince(null);
      });
    } catch (error) {
      if (!isFailure(error)) throw error;
    }
  }

  /** Stretches that end at or after `since`, oldest first; the one under way as far as it is known. */
  list(since: string = ""): Watched[] {
    const over = this.#c.sql(
      "SELECT began_at, ended_at FROM watched WHERE ended_at >= ? ORDER BY began_at, id",
    ).values<[string, string]>(since).map(([from, to]) => ({ from, to }));
    const now = this.underWay();
    return now === null ? over : [...over, now];
  }

  /** Stretches that are over, by their numbers: at most `limit` after one. */
  over(after: number, limit: number): (Watched & { readonly seq: number })[] {
    return this.#c.sql(
      "SELECT id, began_at, ended_at FROM watched WHERE id > ? ORDER BY id LIMIT ?",
    ).values<[number, string, string]>(after, limit).map(([seq, from, to]) => ({ seq, from, to }));
  }

  /** Number of the last of those; 0: there is none. */
  lastOver(): number {
    return this.#c.sql("SELECT coalesce(max(id), 0) FROM watched").value<[number]>()![0];
  }

  /** The stretch under way, as far as it is known; null: there is none. */
  underWay(): Watched | null {
    const { since: from, lastPassAt } = this.#state();
    return from === null ? null : { from, to: this.#lastKnown(lastPassAt!) };
  }

  /** Whether a stretch is under way, as far as the database tells. */
  isOpen(): boolean {
    return this.#state().since !== null;
  }

  /** The last moment at or before `at` that was watched, RFC 3339 UTC; null: none that is remembered. */
  lastBefore(at: string): string | null {
    const { since, lastPassAt } = this.#state();
    if (since !== null && since <= at) {
      const known = this.#lastKnown(lastPassAt!);
      return known < at ? known : at;
    }
    const [to] = this.#c.sql("SELECT max(ended_at) FROM watched WHERE began_at <= ?")
      .value<[string | null]>(at)!;
    return to !== null && to > at ? at : to;
  }

  /**
   * Forgets stretches that ended before `oldest`, or are too many; returns when the last of them ended,
   * null when there were none.
   */
  prune(_tx: Transaction, oldest: string): string | null {
    const [id, at] = this.#c.sql(
      `SELECT max(id), max(ended_at) FROM watched WHERE ended_at < ?1 OR id <= (
         SELECT id FROM watched ORDER BY id DESC LIMIT 1 OFFSET ${MAX_COUNT})`,
    ).value<[number | null, string | null]>(oldest)!;
    if (id !== null) this.#c.sql("DELETE FROM watched WHERE id <= ?").run(id);
    return at;
  }

  #state(): { since: string | null; lastPassAt: string | null; strange: boolean } {
    const [since, lastPassAt, strange] = this.#c.sql(
      `SELECT watching_since, last_pass_at, found_engine_id IS NOT NULL FROM hosts
       WHERE name = ?`,
    ).value<[string | null, string | null, number]>(LOCAL_HOST)!;
    return { since, lastPassAt, strange: strange === 1 };
  }

  /** The end of the stretch under way: the last pass, or an event that was seen after it. */
  #lastKnown(lastPassAt: string): string {
    const [at] = this.#c.sql(
      `SELECT at FROM transitions
       WHERE cause = 'event' AND seq > (SELECT max(seq) FROM transitions) - ${LOOKED_BACK}
       ORDER BY seq DESC LIMIT 1`,
    ).value<[string]>() ?? [lastPassAt];
    return at > lastPassAt && follows(lastPassAt, at) ? at : lastPassAt;
  }

  #setSince(since: string | null): void {
    this.#c.sql("UPDATE hosts SET watching_since = ? WHERE name = ?").run(since, LOCAL_HOST);
  }

  #insert(from: string, to: string): void {
    // A clock that was set back makes it end before it began.
    this.#c.sql("INSERT INTO watched (began_at, ended_at) VALUES (?, ?)")
      .run(from, to < from ? from : to);
  }
}

/** Whether two moments are so near that what was known at the first held up to the second. */
function follows(lastPassAt: string, at: string): boolean {
  return Date.parse(at) - Date.parse(lastPassAt) <= MOST_BETWEEN_PASSES_MS;
}
