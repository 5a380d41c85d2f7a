/**
 * The index as it is replicated: which state of it this is, what changed since another, and how it
 * is now. Costs nothing before somebody follows. Knows neither who follows nor how.
 *
 * @module
 */

import { LOCAL_HOST } from "../model/container.ts";
import type { Problem } from "../model/problem.ts";
import type { Workload } from "../model/workload.ts";
import type { Changes, Connection } from "./connection.ts";
import type { KeptExpectation } from "./expectations.ts";
import type { ProblemTable } from "./problems.ts";
import { naming, VIEW_FIELDS } from "./row_pages.ts";
import type { Watched, WatchedTable } from "./watched.ts";
import type { WorkloadTable } from "./workloads.ts";

/** Which state of which index. */
export interface Position {
  /** Life of the data directory: another one after a restore. */
  readonly epoch: string;
  /** Commits that readers may have noticed, in this epoch. */
  readonly seq: number;
}

/** What is on its way to whoever follows. */
export interface ReplicaChanges {
  /** The state that it is of. */
  readonly position: Position;
  /** Null: anything may have changed. */
  readonly changed: ReplicaChange | null;
}

/** What was written or removed. */
export interface ReplicaChange {
  /** Ids of rows. */
  readonly rows: ReadonlySet<string>;
  /** Keys of problems. */
  readonly problems: ReadonlySet<string>;
  /** What should run of some workload. */
  readonly expectations: boolean;
}

/** A workload as it is told: nothing secret of it. */
export interface ReplicaWorkload extends Workload {
  /** What should run of it, by role. */
  readonly expectations: readonly KeptExpectation[];
}

/** How far it is known what was here. Times are RFC 3339 UTC. */
export interface ReplicaPast {
  /** The stretch under way that is watched, up to the last moment that is known; null: there is none. */
  readonly watching: Watched | null;
  /** Number of the stretch before the first of these; 0: there was none. */
  readonly after: number;
  /** Those that are over, by number. */
  readonly watched: readonly (Watched & { readonly seq: number })[];
  /** What happened up to here may be forgotten; null: nothing is. */
  readonly forgottenUntil: string | null;
}

/** Whose rows are read besides. */
interface Tables {
  readonly watched: WatchedTable;
  readonly transitions: { forgottenUntil(): string | null };
  readonly problems: ProblemTable;
  readonly workloads: WorkloadTable;
  readonly expectations: { of(workloadId: string): KeptExpectation[] };
}

/** The `replica` table, and what changed in memory. One may follow. */
export class ReplicaTable {
  readonly #c: Connection;
  readonly #tables: Tables;
  #changed: Changed | null = null;
  #wake: (() => void) | null = null;

  /** On this connection. */
  constructor(connection: Connection, tables: Tables) {
    this.#c = connection;
    this.#tables = tables;
    connection.beforeCommit(() => this.#c.sql("UPDATE replica SET seq = seq + 1").run());
    connection.onCommit((changes) => this.#follow(changes));
  }

  /** Counts commits from now on, and calls `wake` after each. Must not throw. */
  begin(wake: () => void): void {
    this.#wake = wake;
    this.#changed = null;
    this.#c.write(
      "Cannot begin to replicate the index",
      () => this.#c.sql("INSERT OR IGNORE INTO replica (only_row, seq) VALUES (1, 0)").run(),
    );
  }

  /** Remembers nothing more; commits go on being counted. */
  end(): void {
    this.#wake = null;
    this.#changed = null;
  }

  /** Where the index is now. Only after {@link begin}. */
  position(): Position {
    const [epoch, seq] = this.#c.sql("SELECT e.id, r.seq FROM epoch AS e, replica AS r")
      .value<[string, number]>()!;
    return { epoch, seq };
  }

  /** What changed since the last call, or since {@link begin}; it is remembered no more. */
  take(): ReplicaChanges {
    const changed = this.#changed;
    this.#changed = nothing();
    return { position: this.position(), changed };
  }

  /** Whether anything changed since {@link take}. */
  get hasChanged(): boolean {
    const changed = this.#changed;
    return changed === null || changed.expectations ||
      changed.rows.size + changed.problems.size > 0;
  }

  /** What {@link take} gave is not delivered: it is remembered again. */
  putBack(changed: ReplicaChange | null): void {
    if (changed === null || this.#changed === null) this.#changed = null;
    else add(this.#changed, changed);
  }

  /**
   * The rows as JSON values, in the order of their ids: what readers are shown and, beside it, when a
   * listing confirmed the row by itself (`ownSeenAt`) and whether each full pass does (`confirmed`).
   * All of them, or those with these ids.
   */
  rows(ids: ReadonlySet<string> | "all"): unknown[] {
    const where = ids === "all" ? "" : "WHERE id IN (SELECT value FROM json_each(?))";
    const statement = this.#c.sql(
      `SELECT '[' || coalesce(group_concat(row), '') || ']' FROM (
         SELECT json_object(${VIEW_FIELDS}, 'ownSeenAt', last_seen_at,
             'confirmed', json(iif(confirmed, 'true', 'false'))) AS row
         FROM container_views ${where} ORDER BY id)`,
    );
    const values = ids === "all" ? [] : [JSON.stringify([...ids])];
    const [json] = naming(this.#c, () => statement.value<[string]>(...values)!);
    return JSON.parse(json);
  }

  /**
   * Problems that opened, closed or not, by key, of each the open one first: all, or those that were
   * written after a state of this epoch.
   */
  problems(after: number | null): Problem[] {
    return this.#tables.problems.told(after);
  }

  /** Every workload, by id. */
  workloads(): ReplicaWorkload[] {
    const { workloads, expectations } = this.#tables;
    // As SQLite and the others order them: not by UTF-16 units.
    const ids = this.#c.sql("SELECT id FROM workloads ORDER BY id").values<[string]>();
    const byId = new Map(workloads.list().map((each) => [each.id, each]));
    return ids.map(([id]) => ({ ...byId.get(id)!, expectations: expectations.of(id) }));
  }

  /** Number of the last transition; 0 before the first. */
  lastTransition(): number {
    return this.#c.sql("SELECT coalesce(max(seq), 0) FROM transitions").value<[number]>()![0];
  }

  /**
   * Transitions after number `seq` as JSON values, by number, with whose row each is of as far as it
   * is remembered; those between that are forgotten already are not among them.
   */
  transitions(seq: number, limit: number): unknown[] {
    const [json] = this.#c.sql(TRANSITIONS).value<[string]>(seq, limit)!;
    return JSON.parse(json);
  }

  /** How far it is known what was here: of stretches that are over at most `limit` after a number. */
  past(last: number, limit: number): ReplicaPast {
    const { watched, transitions } = this.#tables;
    // Where all were forgotten, numbers begin anew.
    const after = watched.lastOver() < last ? 0 : last;
    return {
      watching: watched.underWay(),
      after,
      watched: watched.over(after, limit),
      forgottenUntil: transitions.forgottenUntil(),
    };
  }

  /** When the last full pass asked for its listing, RFC 3339 UTC; null before the first. */
  lastPassAt(): string | null {
    return this.#c.sql("SELECT last_pass_at FROM hosts WHERE name = ?")
      .value<[string | null]>(LOCAL_HOST)![0];
  }

  #follow({ rows, names, problems, expectations }: Changes): void {
    if (this.#wake === null) return;
    if (names) this.#changed = null;
    else if (this.#changed !== null) {
      add(this.#changed, { rows: rows.map(({ id }) => id), problems, expectations });
    }
    this.#wake();
  }
}

interface Changed extends ReplicaChange {
  readonly rows: Set<string>;
  readonly problems: Set<string>;
  expectations: boolean;
}

function nothing(): Changed {
  return { rows: new Set(), problems: new Set(), expectations: false };
}

function add(
  to: Changed,
  { rows, problems, expectations }: {
    readonly rows: Iterable<string>;
    readonly problems: Iterable<string>;
    readonly expectations: boolean;
  },
): void {
  for (const id of rows) to.rows.add(id);
  for (const key of problems) to.problems.add(key);
  to.expectations ||= expectations;
}

// What was told in prose before causes were data is told as such.
const TRANSITIONS = `
  SELECT '[' || coalesce(group_concat(told), '') || ']' FROM (
    SELECT json_object('seq', t.seq, 'rowId', t.row_id, 'at', t.at, 'from', t.from_state,
        'to', t.to_state, 'cause', t.cause, 'containerId', t.container_id,
        'containerName', t.container_name, 'imageRef', t.image_ref, 'exitCode', t.exit_code,
        'origin', json(coalesce(t.origin, json_object('by', 'prose', 'text', t.detail))),
        'workloadId', coalesce(c.workload_id, r.workload_id),
        'workloadKind', coalesce(c.workload_kind, r.workload_kind),
        'workloadName', coalesce(c.workload_name, r.workload_name),
        'role', coalesce(c.role, r.role), 'replica', coalesce(c.replica, r.replica),
        'stageName', coalesce(c.stage_name, r.stage_name),
        'createdAt', coalesce(c.created_at, r.created_at)) AS told
    FROM (SELECT * FROM transitions WHERE seq > ?1 ORDER BY seq LIMIT ?2) AS t
      LEFT JOIN container_views AS c ON c.id = t.row_id
      LEFT JOIN removed_rows AS r ON r.row_id = t.row_id
    ORDER BY t.seq)`;
