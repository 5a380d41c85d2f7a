/**
 * The `containers` table as the reconciler reads and writes it. The only code that writes
 * Docker-derived columns of bound rows; it can't reach a deployer's column.
 *
 * @module
 */

import { MISSING, RETIRED } from "../model/container.ts";
import type { ContainerIndex, IndexRow, Listing } from "../model/container.ts";
import type { Change, Findings, Origin } from "../model/pass.ts";
import { DEPLOYER_COLUMNS } from "../model/columns.ts";
import type { WrittenRow } from "../model/written.ts";
import { MemoryIndex } from "../core/memory_index.ts";
import { Failure } from "../failure.ts";
import {
  bindings,
  END_CONFIRMATION,
  indexRow,
  INSERT,
  SELECT_ROW,
  SELECT_ROWS,
  SWEEP,
  UPDATE,
} from "./container_rows.ts";
import type { HostTable } from "./hosts.ts";
import type { Changes, Connection, Transaction } from "./connection.ts";
import type { RowChangeTable } from "./row_changes.ts";
import type { ToldOfRow, TransitionTable } from "./transitions.ts";

/** What belongs to the changes of one pass. */
export interface ReconcileOptions {
  /** When the listing was asked for, RFC 3339 UTC. */
  at: string;
  /** What set the states; a sweep is recorded as `sweep` whatever stands here. */
  cause: "pass" | "event";
  /** Which event set the state of a row; else the listing did. */
  origin?: (row: IndexRow) => Origin;
  /**
   * What is known of the Engine's containers, null when that is what it was; kept in the same
   * transaction, and with it the time when it is a full pass's. Held against the rows as they were
   * before, so that it has to be there when they are written.
   */
  found: Findings & { listed: number } | null;
}

/** A listing, and the rows that it may prove missing. */
export interface ListingWithCandidates {
  /** What the Engine answered. */
  readonly listing: Listing;
  /** Rows as they were before it was asked: row id → container id. */
  readonly candidates: ReadonlyMap<string, string>;
}

/** The reconciler's side of the `containers` table. */
export class ContainerTable {
  readonly #c: Connection;
  readonly #hosts: HostTable;
  readonly #transitions: TransitionTable;
  readonly #changes: RowChangeTable;
  /** Those of the whole index, for as long as that stays as it is. */
  #candidates: {
    all: ReadonlyMap<string, string>;
    index: ContainerIndex;
    revision: number;
  } | null = null;
  #cache: { index: MemoryIndex; version: number } | null = null;
  /** What is being written here, so that the copy need not be read again. */
  #writing: readonly Change[] | null = null;

  /** On this connection. */
  constructor(
    connection: Connection,
    tables: { hosts: HostTable; transitions: TransitionTable; changes: RowChangeTable },
  ) {
    this.#c = connection;
    this.#hosts = tables.hosts;
    this.#transitions = tables.transitions;
    this.#changes = tables.changes;
    connection.onCommit((changes) => this.#follow(changes));
  }

  /** The index in memory; read from the table only after someone else wrote to it. */
  index(): ContainerIndex {
    return this.#loaded().index;
  }

  /**
   * What `list` answers, and the rows that a sweep by it may mark: those that were bound to a
   * container and not already missing before it was asked, as row id → container id. With
   * `containerIds`, only rows bound to one of these. A row bound later can't be known to a listing,
   * so there are no candidates but those of the listing that they come with.
   */
  async listWithCandidates(
    list: () => Promise<Listing>,
    containerIds?: Iterable<string>,
  ): Promise<ListingWithCandidates> {
    const candidates = this.#candidatesNow(containerIds);
    return { listing: await list(), candidates };
  }

  /** Ids of rows of which a deployer wrote a column. */
  deployedRows(): ReadonlySet<string> {
    return new Set(this.#c.sql(DEPLOYED_ROWS).values<[string]>().map(([id]) => id));
  }

  /**
   * Writes what a pass found, in one transaction: changes, transitions and, for a full pass, the
   * time of the pass. Returns the rows that it wrote. That nothing changed is written without waiting
   * for the disk: after a power failure the index is known up to an earlier pass.
   *
   * @throws {Failure} `busy` when another connection wrote since the index was read; `full`,
   *   `readonly`, `io`. Nothing is written then.
   */
  reconcileContainers(
    changes: readonly Change[],
    options: ReconcileOptions,
  ): readonly WrittenRow[] {
    if (changes.length === 0 && options.found === null) return [];
    // The copy that the changes were planned on, not a fresh one.
    const { version } = this.#cache ?? this.#loaded();
    this.#writing = changes;
    try {
      return this.#c.write("Cannot write the index", (tx) => {
        if (this.#c.dataVersion() !== version) {
          throw new Failure("busy", "Cannot write the index: another process changed it", {
            data: { by: "pass" },
          });
        }
        const lastPassAt = this.#hosts.lastPassAt();
        const writing: Writing = {
          ...options,
          now: this.#c.now(),
          lastPassAt,
          listing: { by: "listing", at: options.at },
          told: [],
        };
        for (const change of inOrderOfIds(changes)) this.#apply(tx, change, writing);
        this.#transitions.recordWritten(tx, writing.told, options);
        const { found } = options;
        if (found !== null) {
          this.#hosts.recordFound(tx, {
            ...found,
            at: options.cause === "pass" ? options.at : null,
          });
        }
        return tx.changes.rows;
      }, { synced: changes.length > 0 });
    } finally {
      this.#writing = null;
    }
  }

  #candidatesNow(containerIds?: Iterable<string>): ReadonlyMap<string, string> {
    const index = this.index();
    if (containerIds !== undefined) return candidatesOf(index, containerIds);
    const { revision } = index;
    if (this.#candidates?.index !== index || this.#candidates.revision !== revision) {
      this.#candidates = { all: candidatesOf(index), index, revision };
    }
    return this.#candidates.all;
  }

  /** Brings the copy in memory up to a commit. */
  #follow({ rows, names }: Changes): void {
    if (this.#cache === null) return;
    const { index } = this.#cache;
    if (this.#writing !== null) {
      for (const { op, row } of this.#writing) {
        if (op === "retire") index.delete(row.id);
        else index.set(row);
      }
    } else if (names) this.#cache = null;
    else {
      try {
        for (const { id, observed } of rows) if (observed !== false) this.#readAgain(index, id);
      } catch {
        // Whoever asks next reads all of it, or is told why that can't be done.
        this.#cache = null;
      }
    }
  }

  #readAgain(index: MemoryIndex, rowId: string): void {
    const json = this.#c.sql(SELECT_ROW).value<[string]>(rowId);
    if (json === undefined) index.delete(rowId);
    else index.set(indexRow(JSON.parse(json[0])));
  }

  #loaded(): { index: MemoryIndex; version: number } {
    const version = this.#c.dataVersion();
    if (this.#cache?.version !== version) {
      const [json] = this.#c.sql(SELECT_ROWS).value<[string]>()!;
      const rows: unknown[][] = JSON.parse(json);
      this.#cache = { index: new MemoryIndex(rows.map(indexRow)), version };
    }
    return this.#cache!;
  }

  /** Writes one row, and says what became of it. */
  #apply(tx: Transaction, { op, row, from }: Change, writing: Writing): void {
    switch (op) {
      case "insert":
        this.#write(row, writing, [INSERT, UPDATE]);
        break;
      case "update":
        this.#write(row, writing, [UPDATE, INSERT]);
        break;
      case "sweep":
        this.#c.sql(END_CONFIRMATION).run(writing.lastPassAt, row.id);
        this.#c.sql(SWEEP).run(MISSING, writing.now, row.id);
        break;
      case "absent":
        this.#write(row, writing, [INSERT]);
        this.#c.sql("UPDATE containers SET confirmed = 0, last_seen_at = NULL WHERE id = ?")
          .run(row.id);
        break;
      case "retire":
        return this.#retire(tx, { row, from }, writing);
      case "unconfirm":
        this.#c.sql(END_CONFIRMATION).run(writing.lastPassAt, row.id);
        break;
    }
    const { id, state: to } = row;
    const before = this.#cache?.index.row(id);
    if (before !== undefined && op === "update") {
      this.#tellChanges(tx, before, { row, at: writing.now });
    }
    const same = from === to && before?.containerId === row.containerId;
    if (same || op === "unconfirm") return tx.wrote({ id, from, to, seq: null });
    writing.told.push({
      rowId: id,
      from,
      to,
      cause: op === "sweep" ? "sweep" : writing.cause,
      origin: writing.origin?.(row) ?? writing.listing,
    });
  }

  /** Ends a row's story and removes it. */
  #retire(tx: Transaction, { row, from }: Omit<Change, "op">, writing: Writing): void {
    this.#transitions.record(tx, {
      rowId: row.id,
      at: writing.at,
      from,
      to: RETIRED,
      cause: writing.cause,
      containerId: row.containerId,
      exitCode: null,
      origin: writing.origin?.(row) ?? writing.listing,
    });
    this.#c.sql("DELETE FROM containers WHERE id = ?").run(row.id);
  }

  /** What changed beside the state; a row that is new has nothing to change from. */
  #tellChanges(
    tx: Transaction,
    before: IndexRow,
    { row, at }: { row: IndexRow; at: string },
  ): void {
    const { id: rowId, containerId } = row;
    const about = { rowId, at, containerId };
    // That the health of what ended is none, its state says.
    if (before.health !== row.health && row.health !== null) {
      this.#changes.record(tx, { ...about, field: "health", from: before.health, to: row.health });
    }
    if (before.imageRef !== row.imageRef && before.imageRef !== "") {
      const [from, to] = [before.imageRef, row.imageRef];
      this.#changes.record(tx, { ...about, field: "image", from, to });
    }
  }

  /** Writes the observed columns with the first statement that finds its case. */
  #write(row: IndexRow, writing: Writing, statements: readonly string[]): void {
    const values = bindings(row, writing);
    for (const statement of statements) if (this.#c.sql(statement).run(...values) > 0) return;
  }
}

const DEPLOYED_ROWS = `SELECT id FROM containers WHERE ${
  Object.values(DEPLOYER_COLUMNS).map(({ column }) => `${column} IS NOT NULL`).join(" OR ")
}`;

/** A pass that is being written. */
interface Writing extends ReconcileOptions {
  readonly now: string;
  /** Time of the full pass before this one. */
  readonly lastPassAt: string | null;
  /** One for all rows that go back to it. */
  readonly listing: Origin;
  /** What has to be told of the rows. */
  readonly told: ToldOfRow[];
}

/** See {@link ContainerTable.listWithCandidates}. */
function candidatesOf(
  index: ContainerIndex,
  containerIds?: Iterable<string>,
): ReadonlyMap<string, string> {
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

/** In the order of the table's key, which is faster to write; thousands come at a first pass. */
function inOrderOfIds(changes: readonly Change[]): readonly Change[] {
  return changes.toSorted((a, b) => a.row.id < b.row.id ? -1 : 1);
}
