/**
 * The `workloads` table: lookups for dispatch, and webhook secrets. Rows are made by the
 * registry, together with the project, stack or site that they stand for.
 *
 * @module
 */

import type { Origin } from "../model/pass.ts";
import type { Workload, WorkloadDirectory, WorkloadKind } from "../model/workload.ts";
import { Failure } from "../failure.ts";
import { hashSecret, isSameSecret, makeSecret } from "../secret.ts";
import { quote } from "../text.ts";
import type { Connection, Transaction } from "./connection.ts";
import type { TransitionTable } from "./transitions.ts";

/** The `workloads` table. */
export class WorkloadTable {
  readonly #c: Connection;
  readonly #transitions: TransitionTable;
  #directory: { view: WorkloadDirectory; version: number } | null = null;

  /** On this connection. */
  constructor(connection: Connection, tables: { transitions: TransitionTable }) {
    this.#c = connection;
    this.#transitions = tables.transitions;
    connection.onCommit(({ names }) => {
      if (names) this.#directory = null;
    });
  }

  /** Every workload, by kind and name. */
  list(): Workload[] {
    return this.#c.sql("SELECT id, kind, ref_id, name FROM workloads ORDER BY kind, name")
      .values<Columns>().map(workload);
  }

  /** The workload with this id. */
  get(id: string): Workload | undefined {
    const row = this.#c.sql("SELECT id, kind, ref_id, name FROM workloads WHERE id = ?")
      .value<Columns>(id);
    return row && workload(row);
  }

  /**
   * The same where there must be one.
   *
   * @throws {Failure} `not-found`.
   */
  known(id: string): Workload {
    const found = this.get(id);
    if (found === undefined) throw unknownWorkload(id);
    return found;
  }

  /** Workloads with this name: at most one of each kind. */
  named(name: string): Workload[] {
    return this.#c.sql(
      "SELECT id, kind, ref_id, name FROM workloads WHERE name = ? ORDER BY kind",
    ).values<Columns>(name).map(workload);
  }

  /**
   * All workloads in memory for a pass's lookups; read again only after a change. A pass asks
   * for thousands of containers, so it must not ask SQLite for each.
   */
  directory(): WorkloadDirectory {
    const version = this.#c.dataVersion();
    if (this.#directory?.version !== version) {
      this.#directory = { view: this.#loadDirectory(), version };
    }
    return this.#directory!.view;
  }

  /** Creates the workload of a project, stack or site; returns its new secret. */
  create(tx: Transaction, workload: Workload): string {
    const secret = makeSecret();
    const now = this.#c.now();
    this.#c.sql(
      `INSERT INTO workloads
         (id, kind, ref_id, name, webhook_secret, webhook_secret_hash, created_at, updated_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      workload.id,
      workload.kind,
      workload.refId,
      workload.name,
      secret,
      hashSecret(secret),
      now,
      now,
    );
    tx.renamed();
    return secret;
  }

  /** Gives the workload of a project, stack or site its new name. */
  rename(tx: Transaction, { kind, refId, name }: Omit<Workload, "id">): void {
    this.#c.sql("UPDATE workloads SET name = ?, updated_at = ? WHERE kind = ? AND ref_id = ?")
      .run(name, this.#c.now(), kind, refId);
    tx.renamed();
  }

  /**
   * Removes the workload of a project, stack or site, and its container rows with it, whose stories
   * end with `origin`.
   */
  remove(tx: Transaction, id: string, origin: Origin): void {
    this.#transitions.removeRows(tx, id, { at: this.#c.now(), origin });
    this.#c.sql("DELETE FROM workloads WHERE id = ?").run(id);
    tx.renamed();
  }

  /**
   * The workload's webhook secret.
   *
   * @throws {Failure} `not-found`.
   */
  secret(id: string): string {
    const row = this.#c.sql("SELECT webhook_secret FROM workloads WHERE id = ?")
      .value<[string]>(id);
    if (row === undefined) throw unknownWorkload(id);
    return row[0];
  }

  /**
   * Replaces the workload's webhook secret and returns the new one: durable, or not replaced.
   *
   * @throws {Failure} `not-found`.
   */
  rotateSecret(id: string): string {
    const secret = makeSecret();
    this.#c.write(`Cannot rotate the secret of workload ${quote(id)}`, () => {
      const changed = this.#c.sql(
        `UPDATE workloads SET webhook_secret = ?, webhook_secret_hash = ?, updated_at = ?
         WHERE id = ?`,
      ).run(secret, hashSecret(secret), this.#c.now(), id);
      if (changed === 0) throw unknownWorkload(id);
    });
    return secret;
  }

  /**
   * The workload that this webhook secret belongs to. Found by the secret's hash, of which a guess
   * controls no part, then compared in full: the time it takes says nothing about any secret.
   */
  byWebhookSecret(secret: string): Workload | undefined {
    const row = this.#c.sql(
      "SELECT id, kind, ref_id, name, webhook_secret FROM workloads WHERE webhook_secret_hash = ?",
    ).value<[...Columns, string]>(hashSecret(secret));
    if (row === undefined) return undefined;
    const [id, kind, refId, name, kept] = row;
    return isSameSecret(secret, kept) ? { id, kind, refId, name } : undefined;
  }

  #loadDirectory(): WorkloadDirectory {
    const byId = new Map<string, Workload>();
    const bySite = new Map<string, Workload>();
    const siteNamed = new Map<string, Workload>();
    const byStack = new Map<string, Workload>();
    for (const w of this.list()) {
      byId.set(w.id, w);
      if (w.kind === "site") {
        bySite.set(w.refId, w);
        siteNamed.set(w.name, w);
      }
      if (w.kind === "stack") byStack.set(w.refId, w);
    }
    const byComposeProject = new Map<string, Workload>();
    for (
      const [id, project] of this.#c.sql("SELECT id, compose_project_name FROM stacks")
        .values<[string, string]>()
    ) {
      const w = byStack.get(id);
      if (w !== undefined) byComposeProject.set(project, w);
    }
    const byContainer = new Map<string, Workload>();
    const containerNames = new Map<string, string>();
    for (
      const [id, name] of this.#c.sql(
        "SELECT id, container_name FROM static_sites WHERE container_name IS NOT NULL",
      ).values<[string, string]>()
    ) {
      const w = bySite.get(id);
      if (w === undefined) continue;
      byContainer.set(name, w);
      containerNames.set(w.id, name);
    }
    return {
      all: () => byId.values(),
      byContainerName: (name) => byContainer.get(name),
      containerNameOf: (id) => containerNames.get(id) ?? null,
      byId: (id) => byId.get(id),
      bySite: (idOrName) => bySite.get(idOrName) ?? siteNamed.get(idOrName.normalize("NFC")),
      byComposeProject: (project) => byComposeProject.get(project),
    };
  }
}

type Columns = [string, WorkloadKind, string, string];

function workload([id, kind, refId, name]: Columns): Workload {
  return { id, kind, refId, name };
}

function unknownWorkload(id: string): Failure {
  return new Failure("not-found", `Cannot find workload ${quote(id)}: no such workload`, {
    data: { thing: "workload", id },
  });
}
