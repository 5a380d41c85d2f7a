/**
 * The tables `projects`, `stacks` and `static_sites`: what should exist on this host. Each entry
 * and its workload are written in one transaction.
 *
 * @module
 */

import type { WorkloadKind } from "../model/workload.ts";
import { Failure } from "../failure.ts";
import {
  newId,
  validComposeProject,
  validContainerName,
  validDomain,
  validName,
} from "../core/names.ts";
import type { Connection } from "./connection.ts";
import { freeValue, type OwnValue, takenName } from "./taken_names.ts";
import type { WorkloadTable } from "./workloads.ts";
import { quote } from "../text.ts";

/** A project, stack or site. */
export interface Entry {
  /** Unique id of the project, stack or site; not its workload's. */
  readonly id: string;
  /** Which table it lives in. */
  readonly kind: WorkloadKind;
  /** Unique within its kind, in whatever case. */
  readonly name: string;
  /** Id of its workload. */
  readonly workloadId: string;
  /** Stacks only: the Compose project whose containers belong to it. */
  readonly composeProjectName: string | null;
  /** Sites only: unique in whatever case. */
  readonly domain: string | null;
  /** Sites only: the name of the container that serves it without a label. */
  readonly containerName: string | null;
  /** RFC 3339 UTC. */
  readonly createdAt: string;
  /** RFC 3339 UTC. */
  readonly updatedAt: string;
}

/** What a new entry is made of. */
export interface NewEntry extends EntryFields {
  /**
   * Id of the entry and of its workload; made when absent. So that containers which carry the id of
   * one that was removed belong to this one.
   */
  readonly id?: string;
}

/** What an entry is made of. */
export interface EntryFields {
  /** Unique within its kind in whatever case, 1–128 characters. */
  readonly name: string;
  /** Required for stacks, refused elsewhere. */
  readonly composeProjectName?: string;
  /** Sites only. */
  readonly domain?: string | null;
  /** Sites only: claims the container of this name. */
  readonly containerName?: string | null;
}

/** What can change on an entry. */
export type EntryPatch = Partial<EntryFields>;

const TABLES: Readonly<
  Record<
    WorkloadKind,
    { table: "projects" | "stacks" | "static_sites"; extra: string }
  >
> = {
  project: { table: "projects", extra: "NULL, NULL, NULL" },
  stack: { table: "stacks", extra: "e.compose_project_name, NULL, NULL" },
  site: { table: "static_sites", extra: "NULL, e.domain, e.container_name" },
};

/** Projects, stacks and sites. */
export class Registry {
  readonly #c: Connection;
  readonly #workloads: WorkloadTable;

  /** On this connection. */
  constructor(connection: Connection, tables: { workloads: WorkloadTable }) {
    this.#c = connection;
    this.#workloads = tables.workloads;
  }

  /** Entries of a kind by name. */
  list(kind: WorkloadKind): Entry[] {
    return this.#c.sql(`${select(kind)} ORDER BY e.name`).values<Columns>()
      .map((columns) => entry(kind, columns));
  }

  /**
   * The entry with this id.
   *
   * @throws {Failure} `not-found`.
   */
  get(kind: WorkloadKind, id: string): Entry {
    const columns = this.#c.sql(`${select(kind)} WHERE e.id = ?`).value<Columns>(id);
    if (columns === undefined) throw notFound(kind, id);
    return entry(kind, columns);
  }

  /** The entry with this name. */
  named(kind: WorkloadKind, name: string): Entry | undefined {
    const columns = this.#c.sql(`${select(kind)} WHERE e.name = ?`)
      .value<Columns>(name.normalize("NFC"));
    return columns && entry(kind, columns);
  }

  /**
   * Creates an entry and its workload.
   *
   * @throws {Failure} `invalid`, or `conflict` when the name or Compose project is taken.
   */
  create(kind: WorkloadKind, fields: NewEntry): { entry: Entry; secret: string } {
    const action = `Cannot add ${kind} ${quote(fields.name)}`;
    return this.#c.write(action, (tx) => {
      const checked = this.#checked(kind, fields, { action, before: null });
      const now = this.#c.now();
      const id = fields.id === undefined ? newId() : this.#freeId(kind, fields.id, action);
      const workloadId = fields.id ?? newId();
      if (kind === "project") {
        this.#c.sql("INSERT INTO projects (id, name, created_at, updated_at) VALUES (?, ?, ?, ?)")
          .run(id, checked.name, now, now);
      } else if (kind === "stack") {
        this.#c.sql(
          `INSERT INTO stacks (id, name, compose_project_name, created_at, updated_at)
           VALUES (?, ?, ?, ?, ?)`,
        ).run(id, checked.name, checked.composeProjectName, now, now);
      } else {
        this.#c.sql(
          `INSERT INTO static_sites (id, name, domain, container_name, created_at, updated_at)
           VALUES (?, ?, ?, ?, ?, ?)`,
        ).run(id, checked.name, checked.domain, checked.containerName, now, now);
      }
      const secret = this.#workloads.create(tx, {
        id: workloadId,
        kind,
        refId: id,
        name: checked.name,
      });
      return { entry: this.get(kind, id), secret };
    });
  }

  /**
   * Changes an entry; its workload follows in the same transaction.
   *
   * @throws {Failure} `not-found`, `invalid`, `conflict`.
   */
  update(kind: WorkloadKind, id: string, patch: EntryPatch): Entry {
    return this.#c.write(`Cannot change ${kind} ${quote(id)}`, (tx) => {
      const before = this.get(kind, id);
      const action = `Cannot change ${kind} ${quote(before.name)}`;
      const fields = {
        name: patch.name ?? before.name,
        ...(kind === "stack"
          ? { composeProjectName: patch.composeProjectName ?? before.composeProjectName! }
          : patch.composeProjectName !== undefined && { composeProjectName: "" }),
        ...(kind === "site"
          ? { domain: patch.domain === undefined ? before.domain : patch.domain }
          : patch.domain !== undefined && { domain: patch.domain }),
        ...(kind === "site"
          ? {
            containerName: patch.containerName === undefined
              ? before.containerName
              : patch.containerName,
          }
          : patch.containerName !== undefined && { containerName: patch.containerName }),
      };
      const checked = this.#checked(kind, fields, { action, before });
      const now = this.#c.now();
      if (kind === "project") {
        this.#c.sql("UPDATE projects SET name = ?, updated_at = ? WHERE id = ?")
          .run(checked.name, now, id);
      } else if (kind === "stack") {
        this.#c.sql(
          "UPDATE stacks SET name = ?, compose_project_name = ?, updated_at = ? WHERE id = ?",
        ).run(checked.name, checked.composeProjectName, now, id);
      } else {
        this.#c.sql(
          `UPDATE static_sites SET name = ?, domain = ?, container_name = ?, updated_at = ?
           WHERE id = ?`,
        ).run(checked.name, checked.domain, checked.containerName, now, id);
      }
      this.#workloads.rename(tx, { kind, refId: id, name: checked.name });
      return this.get(kind, id);
    });
  }

  /**
   * Removes an entry, its workload and, with `force`, the container rows that refer to it, whose
   * stories end with it. Containers in the Engine are left alone.
   *
   * @throws {Failure} `not-found`, or `in-use` when rows or stages refer to it.
   */
  remove(kind: WorkloadKind, id: string, options: { force?: boolean } = {}): Entry {
    return this.#c.write(`Cannot remove ${kind} ${quote(id)}`, (tx) => {
      const entry = this.get(kind, id);
      if (!options.force) this.#refuseInUse(entry);
      this.#workloads.remove(tx, entry.workloadId, {
        by: "deployer",
        who: null,
        action: "removed",
        entry: { kind, name: entry.name },
      });
      this.#c.sql(`DELETE FROM ${TABLES[kind].table} WHERE id = ?`).run(id);
      return entry;
    });
  }

  #refuseInUse(entry: Entry): void {
    const count = (sql: string, id: string) => this.#c.sql(sql).value<[number]>(id)![0];
    // A row that says no more than that nothing was seen is no loss.
    const rows = count(
      "SELECT count(*) FROM containers WHERE workload_id = ? AND state <> 'absent'",
      entry.workloadId,
    );
    const stages = count("SELECT count(*) FROM stages WHERE project_id = ?", entry.id);
    const users = [
      ...(rows > 0 ? [`${rows} container ${rows === 1 ? "row" : "rows"}`] : []),
      ...(stages > 0 ? [`${stages} ${stages === 1 ? "stage" : "stages"}`] : []),
    ];
    if (users.length === 0) return;
    throw new Failure(
      "in-use",
      `Cannot remove ${entry.kind} ${quote(entry.name)}: ${users.join(" and ")} ` +
        `${rows + stages === 1 ? "refers" : "refer"} to it`,
      { data: { thing: entry.kind, rows, stages } },
    );
  }

  /** Validates and checks what the schema holds unique, so that the error can name the value. */
  #checked(
    kind: WorkloadKind,
    fields: EntryFields,
    options: { action: string; before: Entry | null },
  ): Checked {
    const { action, before } = options;
    const self = before?.id ?? null;
    const name = validName(fields.name, `${kind} name`);
    const taken = name === before?.name
      ? undefined
      : takenName(this.#c, name, { table: TABLES[kind].table, except: self });
    if (taken !== undefined) {
      const both = taken.name === name ? "" : `, which differs from ${quote(name)} by case alone`;
      throw new Failure(
        "conflict",
        `${action}: a ${kind} named ${quote(taken.name)} exists already${both}`,
        { data: { over: "name" } },
      );
    }
    if (kind !== "stack" && fields.composeProjectName !== undefined) {
      throw new Failure("invalid", `${action}: only a stack has a Compose project`, { data: {} });
    }
    if (kind !== "site" && fields.domain !== undefined && fields.domain !== null) {
      throw new Failure("invalid", `${action}: only a site has a domain`, { data: {} });
    }
    if (kind !== "site" && fields.containerName !== undefined && fields.containerName !== null) {
      throw new Failure("invalid", `${action}: only a site is served by a named container`, {
        data: {},
      });
    }
    const free = (over: OwnValue, value: string): string =>
      freeValue(this.#c, value, { over, action, except: self });
    const composeProjectName = kind === "stack"
      ? free("compose-project", validComposeProject(fields.composeProjectName ?? ""))
      : null;
    // One that is kept may be older than these rules.
    const domain = typeof fields.domain !== "string"
      ? null
      : fields.domain === before?.domain
      ? before.domain
      : free("domain", validDomain(fields.domain));
    const containerName = typeof fields.containerName === "string"
      ? free("container-name", validContainerName(fields.containerName))
      : null;
    return { name, composeProjectName, domain, containerName };
  }

  #freeId(kind: WorkloadKind, id: string, action: string): string {
    if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(id)) {
      throw new Failure(
        "invalid",
        `${action}: ${quote(id)} is not an id: 1–128 letters, digits, dots, dashes or underscores`,
        { data: {} },
      );
    }
    const taken = this.#c.sql(
      `SELECT 1 FROM workloads WHERE id = ?1 UNION ALL SELECT 1 FROM ${
        TABLES[kind].table
      } WHERE id = ?1`,
    ).value(id);
    if (taken === undefined) return id;
    throw new Failure("conflict", `${action}: id ${quote(id)} is taken already`, {
      data: { over: "id" },
    });
  }
}

/** Fields as they are written. */
interface Checked {
  readonly name: string;
  readonly composeProjectName: string | null;
  readonly domain: string | null;
  readonly containerName: string | null;
}

type Columns = [
  string,
  string,
  string,
  string,
  string,
  string | null,
  string | null,
  string | null,
];

function select(kind: WorkloadKind): string {
  const { table, extra } = TABLES[kind];
  return `SELECT e.id, e.name, w.id, e.created_at, e.updated_at, ${extra}
    FROM ${table} AS e JOIN workloads AS w ON w.kind = '${kind}' AND w.ref_id = e.id`;
}

function entry(kind: WorkloadKind, c: Columns): Entry {
  const [id, name, workloadId, createdAt, updatedAt, composeProjectName, domain, containerName] = c;
  return {
    id,
    kind,
    name,
    workloadId,
    composeProjectName,
    domain,
    containerName,
    createdAt,
    updatedAt,
  };
}

function notFound(kind: WorkloadKind, id: string): Failure {
  return new Failure("not-found", `Cannot find ${kind} ${quote(id)}: no such ${kind}`, {
    data: { thing: kind, id },
  });
}
