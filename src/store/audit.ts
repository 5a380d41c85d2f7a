/**
 * The `audit` table: who changed what. An entry is part of the transaction that it tells of, so that
 * neither is there without the other; who is behind one is not this file's to know.
 *
 * @module
 */

import { type AuditEntry, type NewAuditEntry, RESTORED, type WayIn } from "../model/access.ts";
import type { Connection, Transaction } from "./connection.ts";
import { keptJson } from "./kept_json.ts";

/** Entries that are kept. */
const MAX_ENTRIES = 10_000;

/** What somebody's change is written down with, once. */
export interface Attribution {
  /** What is written. */
  readonly entry: NewAuditEntry;
  /** Called after it was committed. */
  done(): void;
}

/** Which entries to read. */
export interface AuditFilter {
  /** At or after, RFC 3339 UTC. */
  readonly from?: string | undefined;
  /** Before, RFC 3339 UTC. */
  readonly until?: string | undefined;
  /** Only those that come before one of this time and number. */
  readonly before?: { readonly at: string; readonly seq: number } | undefined;
  /** Only what put the index in the place of another one. */
  readonly restores: boolean;
  /** At most so many; all when absent. */
  readonly limit?: number | undefined;
}

/** The `audit` table. */
export class AuditTable {
  readonly #c: Connection;
  readonly #max: number;

  /** On this connection. */
  constructor(connection: Connection, { max = MAX_ENTRIES }: { max?: number } = {}) {
    this.#c = connection;
    this.#max = max;
  }

  /** The newest ones before `before` (all when null), the newest first. */
  newest({ before, limit }: { before: number | null; limit: number }): AuditEntry[] {
    return this.#c.sql(`${SELECT} WHERE seq < ? ORDER BY seq DESC LIMIT ?`)
      .values<Columns>(before ?? Number.MAX_SAFE_INTEGER, limit).map(entry);
  }

  /** Those after `after`, the oldest first. */
  since(after: number, { limit }: { limit: number }): AuditEntry[] {
    return this.#c.sql(`${SELECT} WHERE seq > ? ORDER BY seq LIMIT ?`)
      .values<Columns>(after, limit).map(entry);
  }

  /** Entries that match, the newest `limit` of them by their time, newest first. */
  within(
    { from = "", until = "~", before, restores, limit = MAX_ENTRIES }: AuditFilter,
  ): AuditEntry[] {
    return this.#c.sql(
      `${SELECT} WHERE at >= ?1 AND at < ?2 AND (?3 IS NULL OR at < ?3 OR (at = ?3 AND seq < ?4))
       AND (?5 IS NULL OR action = ?5) ORDER BY at DESC, seq DESC LIMIT ?6`,
    ).values<Columns>(
      from,
      until,
      before?.at ?? null,
      before?.seq ?? null,
      restores ? RESTORED : null,
      limit,
    ).map(entry);
  }

  /** Writes one that tells of no transaction. */
  add(entry: NewAuditEntry): void {
    this.#c.write("Cannot keep an audit entry", (tx) => this.#insert(tx, entry));
  }

  /**
   * From now on every transaction that changes something asks whose it is, and has an entry if it is
   * somebody's. `whose` must not throw.
   */
  attribute(whose: () => Attribution | null): void {
    this.#c.onChange(() => {
      const attribution = whose();
      return attribution && {
        before: (tx) => this.#insert(tx, attribution.entry),
        after: () => attribution.done(),
      };
    });
  }

  #insert(_: Transaction, { who, via, remote, action, path, details }: NewAuditEntry): void {
    this.#c.sql(
      `INSERT INTO audit (at, who, via, remote, action, path, details)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ).run(this.#c.now(), who, via, remote, action, path, JSON.stringify(details));
    this.#c.sql("DELETE FROM audit WHERE seq <= (SELECT max(seq) FROM audit) - ?").run(this.#max);
  }
}

const SELECT = "SELECT seq, at, who, via, remote, action, path, details FROM audit";

type Columns = [number, string, string, WayIn, string | null, string, string, string];

function entry([seq, at, who, via, remote, action, path, details]: Columns): AuditEntry {
  return {
    seq,
    at,
    who,
    via,
    remote,
    action,
    path,
    details: keptJson(details, "audit.details", { of: seq }),
  };
}
