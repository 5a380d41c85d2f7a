/**
 * The `containers` table as the deployer writes it. Never touches a Docker-derived column of a
 * bound row, except which container it is bound to and that container's image.
 *
 * @module
 */

import { type Column, DEPLOYER_COLUMNS } from "../model/columns.ts";
import { LOCAL_HOST, PENDING, REMOVED } from "../model/container.ts";
import type { Origin } from "../model/pass.ts";
import type { ContainerView } from "../model/views.ts";
import { END_CONFIRMATION, FORGET_DETAILS } from "./container_rows.ts";
import type { ContainerViews } from "./container_views.ts";
import { Failure, isFailure } from "../failure.ts";
import { newId, validRowId, validText } from "../core/names.ts";
import { quote } from "../text.ts";
import type { Connection, Transaction } from "./connection.ts";
import {
  type Binding,
  DeployedChecks,
  type DeployerColumns,
  type WrittenPlace,
} from "./deployed_checks.ts";
import type { HostTable } from "./hosts.ts";
import type { NewTransition, TransitionTable } from "./transitions.ts";

const DEPLOYER_FIELDS = Object.entries<Column>(DEPLOYER_COLUMNS) as [
  keyof DeployerColumns,
  Column,
][];

/** A row that a deployer creates. */
export interface NewDeployedContainer extends DeployerColumns, Binding {
  /** Made when not given. */
  id?: string;
  /** The workload it serves. */
  workloadId: string;
  /** Role within the workload; empty when not given. */
  role?: string;
  /** From 1; 1 when not given. */
  replica?: number;
}

/** What a deployer changes on a row. */
export type DeployedContainerPatch = DeployerColumns & Binding;

/** One operation of a batch. */
export type DeployedOperation =
  | { readonly op: "create"; readonly row: NewDeployedContainer }
  | { readonly op: "update"; readonly id: string; readonly patch: DeployedContainerPatch }
  | { readonly op: "delete"; readonly id: string };

/** What may be said about a write. */
export interface WriteOptions {
  /**
   * Is shown the row before it is written, null where there is none, within the transaction; what it
   * throws ends it.
   */
  readonly check?: (before: ContainerView | null) => void;
}

/** The deployer's side of the `containers` table. */
export class DeployedContainers {
  readonly #c: Connection;
  readonly #hosts: HostTable;
  readonly #transitions: TransitionTable;
  readonly #views: ContainerViews;
  readonly #checks: DeployedChecks;

  /** On this connection. */
  constructor(
    connection: Connection,
    tables: { hosts: HostTable; transitions: TransitionTable; views: ContainerViews },
  ) {
    this.#c = connection;
    this.#hosts = tables.hosts;
    this.#transitions = tables.transitions;
    this.#views = tables.views;
    this.#checks = new DeployedChecks(connection);
  }

  /**
   * Creates a row, bound to a container or not. Its state is `pending` until a listing confirms it.
   *
   * @throws {Failure} `invalid`, `not-found` (workload), `conflict` (row id, container, subdomain,
   *   instances of the stage).
   */
  saveDeployedContainer(row: NewDeployedContainer): ContainerView {
    return this.#c.write(creating(row.id), (tx) => {
      const place = this.#create(tx, row);
      this.#checks.place(place);
      return this.#views.get(place.id);
    });
  }

  /**
   * Changes a row's deployer columns or binding. The observed state of the row stays what it was
   * until a listing confirms the new container.
   *
   * @throws {Failure} `not-found`, `invalid`, `conflict`.
   */
  updateDeployedContainer(
    id: string,
    patch: DeployedContainerPatch,
    options: WriteOptions = {},
  ): ContainerView {
    return this.#c.write(changing(id), (tx) => {
      this.#checks.place(this.#update(tx, { id, patch, ...options }));
      return this.#views.get(id);
    });
  }

  /**
   * Makes the row what it is said to be, whether it is there or not: columns of the deployer that are
   * not told are empty afterwards, a binding, role or replica that is not told stays.
   *
   * @throws {Failure} `not-found` (workload), `invalid`, `conflict`; also for a row of another
   *   workload.
   */
  putDeployedContainer(
    row: NewDeployedContainer & { id: string },
    { check }: WriteOptions = {},
  ): { view: ContainerView; created: boolean } {
    const { id } = row;
    const action = `Cannot put container row ${quote(id)}`;
    return this.#c.write(action, (tx) => {
      const [before] = this.#views.list({ ids: [id] });
      check?.(before ?? null);
      if (before === undefined) {
        this.#checks.place(this.#create(tx, row));
        return { view: this.#views.get(id), created: true };
      }
      if (before.workloadId !== row.workloadId) {
        throw new Failure(
          "conflict",
          `${action}: it belongs to workload ${quote(before.workloadId)}`,
          { data: { over: "row" } },
        );
      }
      const { workloadId: _, id: __, role, replica, ...told } = row;
      const patch = { ...NO_COLUMNS, ...told };
      const place = this.#update(tx, { id, patch });
      this.#c.sql("UPDATE containers SET role = ?, replica = ? WHERE id = ?").run(
        validText(role ?? before.role ?? "", "role", 128),
        validReplica(replica ?? before.replica),
        id,
      );
      this.#checks.place(place);
      return { view: this.#views.get(id), created: false };
    });
  }

  /**
   * Removes a row; its story stays. The container itself is left alone, and a later pass makes a
   * row for it again unless its workload is a project.
   *
   * @throws {Failure} `not-found`.
   */
  deleteDeployedContainer(id: string, options: WriteOptions = {}): void {
    this.#c.write(removing(id), (tx) => this.#remove(tx, { id, ...options }));
  }

  /**
   * Does all of it or nothing, in this order and in one transaction; rows may change places in it.
   * Returns the rows as they are afterwards, null for those that are removed. `check` is asked before
   * each operation.
   *
   * @throws {Failure} what the operation threw that can't be done, its place in the list in `data`.
   */
  batch(
    operations: readonly DeployedOperation[],
    { check }: { check?: (index: number, before: ContainerView | null) => void } = {},
  ): (ContainerView | null)[] {
    return this.#c.write("Cannot do the batch", (tx) => {
      const at = <T>(index: number, act: () => T): T => {
        try {
          return act();
        } catch (error) {
          throw isFailure(error) ? ofOperation(error, index) : error;
        }
      };
      const places = operations.map((operation, index) =>
        at(index, (): WrittenPlace | null => {
          const options = { check: (before: ContainerView | null) => check?.(index, before) };
          if (operation.op === "create") return this.#create(tx, operation.row);
          if (operation.op === "update") return this.#update(tx, { ...operation, ...options });
          this.#remove(tx, { id: operation.id, ...options });
          return null;
        })
      );
      places.forEach((place, index) =>
        at(index, () => place === null || this.#checks.place(place))
      );
      return places.map((place) =>
        place === null ? null : this.#views.list({ ids: [place.id] })[0] ?? null
      );
    });
  }

  #create(tx: Transaction, row: NewDeployedContainer): WrittenPlace {
    const id = validRowId(row.id ?? newId());
    const action = creating(row.id);
    const kind = this.#checks.workloadKind(row.workloadId, action);
    if (this.#c.sql("SELECT 1 FROM containers WHERE id = ?").value(id) !== undefined) {
      throw new Failure("conflict", `${action}: it exists already`, { data: { over: "row" } });
    }
    const containerId = row.containerId ?? null;
    this.#checks.binding(row, action);
    this.#checks.columns(row, { workloadId: row.workloadId, action });
    const now = this.#c.now();
    this.#insert({
      id,
      workload_id: row.workloadId,
      workload_kind: kind,
      role: validText(row.role ?? "", "role", 128),
      replica: validReplica(row.replica ?? 1),
      container_id: containerId,
      image_ref: row.imageRef ?? "",
      host: LOCAL_HOST,
      state: PENDING,
      ...Object.fromEntries(
        DEPLOYER_FIELDS.map(([field, { column }]) => [column, encoded(row[field] ?? null)]),
      ),
      created_at: now,
      updated_at: now,
      state_since: now,
      health_since: now,
    });
    this.#tell(tx, "created", { rowId: id, from: null, to: PENDING, containerId });
    return { id, action, changed: new Set(["container", "subdomain", "stage"]) };
  }

  #update(
    tx: Transaction,
    { id, patch, check }: { id: string; patch: DeployedContainerPatch } & WriteOptions,
  ): WrittenPlace {
    const action = changing(id);
    const before = this.#views.get(id);
    check?.(before);
    const { state } = before;
    const changed = new Set<"container" | "subdomain" | "stage">();
    this.#checks.binding(patch, action);
    this.#checks.columns(patch, { workloadId: before.workloadId, action });
    for (const [field, { column }] of DEPLOYER_FIELDS) {
      const value = patch[field];
      if (value === undefined) continue;
      this.#c.sql(`UPDATE containers SET ${column} = ? WHERE id = ?`).run(encoded(value), id);
      if (field === "subdomain" && value !== before.subdomain) changed.add("subdomain");
      if (field === "stageId" && value !== before.stageId) changed.add("stage");
    }
    if (patch.imageRef !== undefined) {
      this.#c.sql("UPDATE containers SET image_ref = ? WHERE id = ?").run(patch.imageRef, id);
    }
    const { containerId } = patch;
    if (containerId !== undefined && containerId !== before.containerId) {
      changed.add("container");
      this.#c.sql(END_CONFIRMATION).run(this.#hosts.lastPassAt(), id);
      this.#c.sql("UPDATE containers SET container_id = ? WHERE id = ?").run(containerId, id);
      this.#c.sql(FORGET_DETAILS).run(id);
      const action = containerId === null ? "unbound" : "bound";
      this.#tell(tx, action, { rowId: id, from: state, to: state, containerId });
    } else tx.wrote({ id, from: state, to: state, seq: null });
    this.#c.sql("UPDATE containers SET updated_at = ? WHERE id = ?").run(this.#c.now(), id);
    return { id, action, changed };
  }

  #remove(tx: Transaction, { id, check }: { id: string } & WriteOptions): void {
    const before = this.#views.get(id);
    check?.(before);
    const { state, containerId } = before;
    this.#tell(tx, "removed", { rowId: id, from: state, to: REMOVED, containerId });
    this.#c.sql("DELETE FROM containers WHERE id = ?").run(id);
  }

  /** Makes a row; what is not told has its default. */
  #insert(columns: Readonly<Record<string, string | number | null>>): void {
    const names = Object.keys(columns);
    this.#c.sql(
      `INSERT INTO containers (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`,
    ).run(...Object.values(columns));
  }

  #tell(
    tx: Transaction,
    action: Extract<Origin, { by: "deployer" }>["action"],
    told: Pick<NewTransition, "rowId" | "from" | "to" | "containerId">,
  ): void {
    this.#transitions.record(tx, {
      ...told,
      at: this.#c.now(),
      cause: "deployer",
      exitCode: null,
      origin: { by: "deployer", who: null, action, entry: null },
    });
  }
}

const NO_COLUMNS: DeployerColumns = Object.fromEntries(
  DEPLOYER_FIELDS.map(([field]) => [field, null]),
);

function creating(id: string | undefined): string {
  // An id that was just made up means nothing to anyone.
  return id === undefined
    ? "Cannot create a container row"
    : `Cannot create container row ${quote(id)}`;
}

function changing(id: string): string {
  return `Cannot change container row ${quote(id)}`;
}

function removing(id: string): string {
  return `Cannot remove container row ${quote(id)}`;
}

/** A value as its column keeps it. */
function encoded(value: DeployerColumns[keyof DeployerColumns]): string | number | null {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : value ?? null;
}

/** The failure of one operation as that of its batch. */
function ofOperation(error: Failure, index: number): Failure {
  return new Failure(error.code, `Cannot do operation ${index} of the batch: ${error.message}`, {
    data: Object.assign({}, error.data, { operation: index }),
    cause: error,
  });
}

function validReplica(value: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= 1_000_000) return value;
  throw new Failure(
    "invalid",
    `Cannot use "${value}" as replica: a whole number from 1 is needed`,
    { data: {} },
  );
}
