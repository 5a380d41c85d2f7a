/**
 * The `containers` table as the deployer writes it. Never touches a Docker-derived column of a
 * bound row, except which container it is bound to and that container's image.
 *
 * @module
 */

import { type Column, DEPLOYER_COLUMNS, type RowOf } from "../model/columns.ts";
import { LOCAL_HOST, PENDING, REMOVED } from "../model/container.ts";
import type { Origin } from "../model/pass.ts";
import type { ContainerView } from "../model/views.ts";
import type { WorkloadKind } from "../model/workload.ts";
import { END_CONFIRMATION } from "./container_rows.ts";
import type { ContainerViews } from "./container_views.ts";
import { Failure } from "../failure.ts";
import { newId, validDomain, validRowId, validText } from "../core/names.ts";
import { quote } from "../text.ts";
import type { Connection, Transaction } from "./connection.ts";
import type { HostTable } from "./hosts.ts";
import type { NewTransition, TransitionTable } from "./transitions.ts";

/** The columns that belong to the deployer. Null clears one. */
export type DeployerColumns = {
  -readonly [Field in keyof typeof DEPLOYER_COLUMNS]?: RowOf<typeof DEPLOYER_COLUMNS>[Field];
};

const DEPLOYER_FIELDS = Object.entries<Column>(DEPLOYER_COLUMNS) as [
  keyof DeployerColumns,
  Column,
][];

/** Which container a row is bound to. The image may only be said together with the container. */
export interface Binding {
  /** Full container id; null unbinds. */
  containerId?: string | null;
  /** Image reference of that container. */
  imageRef?: string;
}

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

/** The deployer's side of the `containers` table. */
export class DeployedContainers {
  readonly #c: Connection;
  readonly #hosts: HostTable;
  readonly #transitions: TransitionTable;
  readonly #views: ContainerViews;

  /** On this connection. */
  constructor(
    connection: Connection,
    tables: { hosts: HostTable; transitions: TransitionTable; views: ContainerViews },
  ) {
    this.#c = connection;
    this.#hosts = tables.hosts;
    this.#transitions = tables.transitions;
    this.#views = tables.views;
  }

  /**
   * Creates a row, bound to a container or not. Its state is `pending` until a listing confirms it.
   *
   * @throws {Failure} `invalid`, `not-found` (workload), `conflict` (row id, container).
   */
  saveDeployedContainer(row: NewDeployedContainer): ContainerView {
    const id = validRowId(row.id ?? newId());
    // An id that was just made up means nothing to anyone.
    const action = `Cannot create ${
      row.id === undefined ? "a container row" : `container row "${id}"`
    }`;
    return this.#c.write(action, (tx) => {
      const kind = this.#workloadKind(row.workloadId, action);
      if (this.#c.sql("SELECT 1 FROM containers WHERE id = ?").value(id) !== undefined) {
        throw new Failure("conflict", `${action}: it exists already`, {
          data: { over: "row" },
        });
      }
      const containerId = row.containerId ?? null;
      this.#checkBinding(row, { id, action });
      this.#checkColumns(row, { workloadId: row.workloadId, action });
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
          DEPLOYER_FIELDS.map(([field, { column }]) => [column, row[field] ?? null]),
        ),
        created_at: now,
        updated_at: now,
      });
      this.#tell(tx, "created", { rowId: id, from: null, to: PENDING, containerId });
      return this.#views.get(id);
    });
  }

  /**
   * Changes a row's deployer columns or binding. The observed state of the row stays what it was
   * until a listing confirms the new container.
   *
   * @throws {Failure} `not-found`, `invalid`, `conflict`.
   */
  updateDeployedContainer(id: string, patch: DeployedContainerPatch): ContainerView {
    const action = `Cannot change container row ${quote(id)}`;
    return this.#c.write(action, (tx) => {
      const before = this.#views.get(id);
      const { state } = before;
      this.#checkBinding(patch, { id, action });
      this.#checkColumns(patch, { workloadId: before.workloadId, action });
      for (const [field, { column }] of DEPLOYER_FIELDS) {
        const value = patch[field];
        if (value === undefined) continue;
        this.#c.sql(`UPDATE containers SET ${column} = ? WHERE id = ?`).run(value, id);
      }
      const { containerId } = patch;
      if (containerId !== undefined && containerId !== before.containerId) {
        this.#c.sql(END_CONFIRMATION).run(this.#hosts.lastPassAt(), id);
        this.#c.sql("UPDATE containers SET container_id = ? WHERE id = ?").run(containerId, id);
        const action = containerId === null ? "unbound" : "bound";
        this.#tell(tx, action, { rowId: id, from: state, to: state, containerId });
      } else tx.wrote({ id, from: state, to: state, seq: null });
      if (patch.imageRef !== undefined) {
        this.#c.sql("UPDATE containers SET image_ref = ? WHERE id = ?").run(patch.imageRef, id);
      }
      this.#c.sql("UPDATE containers SET updated_at = ? WHERE id = ?").run(this.#c.now(), id);
      return this.#views.get(id);
    });
  }

  /**
   * Removes a row; its story stays. The container itself is left alone, and a later pass makes a
   * row for it again unless its workload is a project.
   *
   * @throws {Failure} `not-found`.
   */
  deleteDeployedContainer(id: string): void {
    this.#c.write(`Cannot remove container row ${quote(id)}`, (tx) => {
      const { state, containerId } = this.#views.get(id);
      this.#c.sql("DELETE FROM containers WHERE id = ?").run(id);
      this.#tell(tx, "removed", { rowId: id, from: state, to: REMOVED, containerId });
    });
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

  #workloadKind(workloadId: string, action: string): WorkloadKind {
    const found = this.#c.sql("SELECT kind FROM workloads WHERE id = ?")
      .value<[WorkloadKind]>(workloadId);
    if (found !== undefined) return found[0];
    throw new Failure("not-found", `${action}: no workload ${quote(workloadId)}`, {
      data: { thing: "workload", id: workloadId },
    });
  }

  #checkBinding(binding: Binding, options: { id: string; action: string }): void {
    const { id, action } = options;
    const { containerId, imageRef } = binding;
    if (imageRef !== undefined) {
      if (containerId === undefined || containerId === null) {
        throw new Failure(
          "invalid",
          `${action}: an image is set only together with the container it belongs to`,
          { data: { need: "container" } },
        );
      }
      validText(imageRef, "image");
    }
    if (containerId === undefined || containerId === null) return;
    const wrong = !/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(containerId)
      ? "is not a container id"
      // What `docker ps` shows; no listing would ever name it, so the row would go missing at once.
      : /^[0-9a-f]{12,63}$/.test(containerId)
      ? "is the beginning of a container id"
      : null;
    if (wrong !== null) {
      throw new Failure(
        "invalid",
        `${action}: ${quote(containerId)} ${wrong}`,
        { data: { need: "full-container-id" } },
      );
    }
    const other = this.#c.sql("SELECT id FROM containers WHERE container_id = ? AND id <> ?")
      .value<[string]>(containerId, id);
    if (other === undefined) return;
    throw new Failure(
      "conflict",
      `${action}: container ${quote(containerId)} is bound to row ${quote(other[0])} already`,
      { data: { over: "container" } },
    );
  }

  #checkColumns(columns: DeployerColumns, options: { workloadId: string; action: string }): void {
    const { stageId, imageTag, subdomain, proxyRouteId, npmProxyId } = columns;
    if (typeof stageId === "string") {
      const stage = this.#c.sql(
        `SELECT 1 FROM stages AS s JOIN workloads AS w ON w.kind = 'project' AND w.ref_id = s.project_id
         WHERE s.id = ? AND w.id = ?`,
      ).value(stageId, options.workloadId);
      if (stage === undefined) {
        throw new Failure(
          "invalid",
          `${options.action}: the row's project has no stage ${quote(stageId)}`,
          { data: {} },
        );
      }
    }
    if (typeof imageTag === "string") validText(imageTag, "image tag", 256);
    if (typeof subdomain === "string") validDomain(subdomain, "subdomain");
    if (typeof proxyRouteId === "string") validText(proxyRouteId, "proxy route id", 256);
    const proxyId = npmProxyId ?? 0;
    if (!Number.isSafeInteger(proxyId) || proxyId < 0) {
      throw new Failure("invalid", `${options.action}: "${npmProxyId}" is not a proxy host id`, {
        data: {},
      });
    }
  }
}

function validReplica(value: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= 1_000_000) return value;
  throw new Failure(
    "invalid",
    `Cannot use "${value}" as replica: a whole number from 1 is needed`,
    { data: {} },
  );
}
