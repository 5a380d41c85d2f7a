/**
 * The index as it is replicated: which state of it this is, which rows changed since another, and
 * how they are now. Costs nothing before somebody follows. Knows neither who follows nor how.
 *
 * @module
 */

import type { Changes, Connection } from "./connection.ts";
import { VIEW_FIELDS } from "./container_views.ts";
import { LOCAL_HOST } from "../model/container.ts";

/** Which state of which index. */
export interface Position {
  /** Life of the data directory: another one after a restore. */
  readonly epoch: string;
  /** Commits that readers may have noticed, in this epoch. */
  readonly seq: number;
}

/** What is on its way to whoever follows. */
export interface ReplicaChanges {
  /** The state that the rows are of. */
  readonly position: Position;
  /** Ids of rows that were written or removed, or `all` where any may have changed. */
  readonly ids: ReadonlySet<string> | "all";
}

/** The `replica` table, and what changed in memory. One may follow. */
export class ReplicaTable {
  readonly #c: Connection;
  #changed: Set<string> | "all" = "all";
  #wake: (() => void) | null = null;

  /** On this connection. */
  constructor(connection: Connection) {
    this.#c = connection;
    connection.beforeCommit(() => this.#c.sql("UPDATE replica SET seq = seq + 1").run());
    connection.onCommit((changes) => this.#follow(changes));
  }

  /** Counts commits from now on, and calls `wake` after each. Must not throw. */
  begin(wake: () => void): void {
    this.#wake = wake;
    this.#changed = "all";
    this.#c.write(
      "Cannot begin to replicate the index",
      () => this.#c.sql("INSERT OR IGNORE INTO replica (only_row, seq) VALUES (1, 0)").run(),
    );
  }

  /** Remembers nothing more; commits go on being counted. */
  end(): void {
    this.#wake = null;
    this.#changed = "all";
  }

  /** Where the index is now. Only after {@link begin}. */
  position(): Position {
    const [epoch, seq] = this.#c.sql("SELECT e.id, r.seq FROM epoch AS e, replica AS r")
      .value<[string, number]>()!;
    return { epoch, seq };
  }

  /** What changed since the last call, or since {@link begin}; it is remembered no more. */
  take(): ReplicaChanges {
    const ids = this.#changed;
    this.#changed = new Set();
    return { position: this.position(), ids };
  }

  /** Whether anything changed since {@link take}. */
  get hasChanged(): boolean {
    return this.#changed === "all" || this.#changed.size > 0;
  }

  /** What {@link take} gave is not delivered: it is remembered again. */
  putBack(ids: ReadonlySet<string> | "all"): void {
    if (ids === "all" || this.#changed === "all") this.#changed = "all";
    else for (const id of ids) this.#changed.add(id);
  }

  /**
   * The rows as JSON values, in the order of their ids: what readers are shown and, beside it, when a
   * listing confirmed the row by itself (`ownSeenAt`) and whether each full pass does (`confirmed`).
   * All of them, or those with these ids.
   */
  rows(ids: ReadonlySet<string> | "all"): unknown[] {
    const where = ids === "all" ? "" : "WHERE id IN (SELECT value FROM json_each(?))";
    const [json] = this.#c.sql(
      `SELECT '[' || coalesce(group_concat(row), '') || ']' FROM (
         SELECT json_object(${VIEW_FIELDS}, 'ownSeenAt', last_seen_at,
             'confirmed', json(iif(confirmed, 'true', 'false'))) AS row
         FROM container_views ${where} ORDER BY id)`,
    ).value<[string]>(...ids === "all" ? [] : [JSON.stringify([...ids])])!;
    return JSON.parse(json);
  }

  /** When the last full pass asked for its listing, RFC 3339 UTC; null before the first. */
  lastPassAt(): string | null {
    return this.#c.sql("SELECT last_pass_at FROM hosts WHERE name = ?")
      .value<[string | null]>(LOCAL_HOST)![0];
  }

  #follow({ rows, names }: Changes): void {
    if (this.#wake === null) return;
    if (names) this.#changed = "all";
    else if (this.#changed !== "all") { for (const { id } of rows) this.#changed.add(id); }
    this.#wake();
  }
}
