/**
 * The `containers` table as the reconciler reads and writes it. The only code that writes
 * Docker-derived columns of bound rows; it can't reach a deployer's column.
 *
 * @module
 */

import { LOCAL_HOST, MISSING } from "../model/container.ts";
import type { ContainerIndex, IndexRow } from "../model/container.ts";
import type { Change } from "../model/pass.ts";
import { MemoryIndex } from "../core/memory_index.ts";
import { Failure } from "../failure.ts";
import {
  bindings,
  END_CONFIRMATION,
  INSERT,
  SELECT_ROW,
  SELECT_ROWS,
  UPDATE,
} from "./container_rows.ts";
import type { HostTable, PassSummary } from "./hosts.ts";
import type { Connection } from "./store.ts";
import type { TransitionTable, WrittenRow } from "./transitions.ts";

/** What belongs to the changes of one pass. */
export interface ReconcileOptions {
  /** When the listing was asked for, RFC 3339 UTC. */
  at: string;
  /** What set the states; a sweep is recorded as `sweep` whatever stands here. */
  cause: "pass" | "event";
  /** Says for a row which listing or event set its state. */
  detail?: (row: IndexRow) => string;
  /** Of a full pass: recorded with its time in the same transaction. */
  summary?: PassSummary;
}

/** The reconciler's side of the `containers` table. */
export class ContainerTable {
  readonly #c: Connection;
  readonly #hosts: HostTable;
  readonly #transitions: TransitionTable;
  #cache: { index: MemoryIndex; version: number } | null = null;

  /** On this connection. */
  constructor(connection: Connection, tables: { hosts: HostTable; transitions: TransitionTable }) {
    this.#c = connection;
    this.#hosts = tables.hosts;
    this.#transitions = tables.transitions;
  }

  /** The index in memory; read from the table only after someone else wrote to it. */
  index(): ContainerIndex {
    return this.#loaded().index;
  }

  /**
   * Rows that a sweep may mark: bound to a container and not already missing, as row id →
   * container id. With `containerIds`, only rows bound to one of these. To be taken before the
   * listing is asked for.
   */
  listMissingCandidates(containerIds?: Iterable<string>): Map<string, string> {
    const index = this.index();
    const candidates = new Map<string, string>();
    const add = (row: IndexRow) => {
      if (row.containerId !== null && row.state !== MISSING) {
        candidates.set(row.id, row.containerId);
      }
    };
    if (containerIds === undefined) { for (const row of index.rows()) add(row); }
    else for (const id of containerIds) index.boundTo(id).forEach(add);
    return candidates;
  }

  /**
   * Writes what a pass found, in one transaction: changes, transitions and, for a full pass, the
   * time of the pass.
   *
   * @throws {Failure} `busy` when another connection wrote since the index was read; `full`,
   *   `readonly`, `io`. Nothing is written then.
   */
  reconcileContainers(changes: readonly Change[], options: ReconcileOptions): void {
    if (changes.length === 0 && options.summary === undefined) return;
    // The copy that the changes were planned on, not a fresh one.
    const { index, version } = this.#cache ?? this.#loaded();
    this.#c.write("Cannot write the index", () => {
      if (this.#c.dataVersion() !== version) {
        throw new Failure("busy", "Cannot write the index: another process changed it", {
          data: { by: "pass" },
        });
      }
      const writing = { ...options, now: this.#c.now() };
      const told = inOrderOfIds(changes).map((change) => this.#apply(change, writing));
      this.#transitions.recordWritten(told.filter((written) => written !== null), options);
      // After the rows: those that end their confirmation take over the previous pass's time.
      if (options.summary !== undefined) this.#hosts.recordPass(options.at, options.summary);
    });
    for (const { row } of changes) index.set(row);
    if (changes.length > 0) this.#c.written({ rows: changes.map((change) => change.row.id) });
  }

  /** Forgets the copy in memory: rows changed in a way that was not passed through it. */
  invalidate(): void {
    this.#cache = null;
  }

  /** Reads one row again after the deployer's path wrote or removed it. */
  refresh(rowId: string): void {
    if (this.#cache === null) return;
    const { index } = this.#cache;
    const json = this.#c.sql(SELECT_ROW).value<[string]>(rowId);
    if (json === undefined) index.delete(rowId);
    else index.set(JSON.parse(json[0]));
  }

  #loaded(): { index: MemoryIndex; version: number } {
    const version = this.#c.dataVersion();
    if (this.#cache?.version !== version) {
      const [json] = this.#c.sql(SELECT_ROWS).value<[string]>()!;
      const rows: IndexRow[] = JSON.parse(json);
      this.#cache = { index: new MemoryIndex(rows), version };
    }
    return this.#cache!;
  }

  /** Writes one row; returns what has to be told of it. */
  #apply(
    { op, row, from }: Change,
    options: ReconcileOptions & { now: string },
  ): WrittenRow | null {
    switch (op) {
      case "insert":
      case "update":
        this.#write(row, {
          ...options,
          statements: op === "insert" ? [INSERT, UPDATE] : [UPDATE, INSERT],
        });
        break;
      case "sweep":
        this.#endConfirmation(row.id);
        this.#c.sql("UPDATE containers SET state = ?, updated_at = ? WHERE id = ?")
          .run(MISSING, options.now, row.id);
        break;
      case "unconfirm":
        this.#endConfirmation(row.id);
        return null;
    }
    const before = this.#cache?.index.row(row.id);
    if (from === row.state && before?.containerId === row.containerId) return null;
    return {
      rowId: row.id,
      from,
      cause: op === "sweep" ? "sweep" : options.cause,
      detail: options.detail?.(row) ?? "",
    };
  }

  /** Writes the observed columns with the first statement that finds its case. */
  #write(
    row: IndexRow,
    options: { at: string; now: string; statements: readonly string[] },
  ): void {
    const values = bindings(row, options);
    for (const statement of options.statements) {
      const written = this.#c.sql(statement).run(...values);
      if (written > 0) return;
    }
  }

  /** From here on the row carries its own time; readers see no difference at this moment. */
  #endConfirmation(rowId: string): void {
    this.#c.sql(END_CONFIRMATION).run(LOCAL_HOST, rowId);
  }
}

/** In the order of the table's key, which is faster to write; thousands come at a first pass. */
function inOrderOfIds(changes: readonly Change[]): readonly Change[] {
  return changes.toSorted((a, b) => a.row.id < b.row.id ? -1 : 1);
}
