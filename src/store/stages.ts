/**
 * The `stages` table: the stages of projects, such as production and preview.
 *
 * @module
 */

import { Failure } from "../failure.ts";
import { newId, validName, validText } from "../core/names.ts";
import { quote } from "../text.ts";
import type { Connection } from "./connection.ts";
import { takenName } from "./taken_names.ts";

/** A stage of a project. */
export interface Stage {
  /** Unique id; what rows refer to. */
  readonly id: string;
  /** Id of the project it belongs to. */
  readonly projectId: string;
  /** Unique within its project. */
  readonly name: string;
  /** How many instances a deployer may run at once, at least 1. */
  readonly maxInstances: number;
  /** The branch that it shows; null where none was told. */
  readonly branch: string | null;
  /** Whether it was made to look at a branch for a while. */
  readonly preview: boolean;
  /** RFC 3339 UTC. */
  readonly createdAt: string;
}

/** What a stage is made of. */
export interface StageFields {
  /** Unique within its project, 1–128 characters. */
  readonly name: string;
  /** 1 to 10,000; 1 when not told. */
  readonly maxInstances?: number;
  /** Null for none. */
  readonly branch?: string | null;
  /** False when not told. */
  readonly preview?: boolean;
}

/** The `stages` table. */
export class StageTable {
  readonly #c: Connection;

  /** On this connection. */
  constructor(connection: Connection) {
    this.#c = connection;
  }

  /** Stages of a project by name. */
  list(projectId: string): Stage[] {
    return this.#c.sql(`${SELECT} WHERE project_id = ? ORDER BY name`).values<Columns>(projectId)
      .map(stage);
  }

  /**
   * The stage with this id.
   *
   * @throws {Failure} `not-found`.
   */
  get(id: string): Stage {
    const columns = this.#c.sql(`${SELECT} WHERE id = ?`).value<Columns>(id);
    if (columns === undefined) throw notFound(id);
    return stage(columns);
  }

  /** Previews of every project, or of one, by project and name. */
  previews(projectId: string | null = null): Stage[] {
    return this.#c.sql(
      `${SELECT} WHERE preview = 1 AND (?1 IS NULL OR project_id = ?1) ORDER BY project_id, name`,
    ).values<Columns>(projectId).map(stage);
  }

  /** Whether a project has a stage with this id or name. */
  has(idOrName: string): boolean {
    return this.#c.sql("SELECT 1 FROM stages WHERE id = ?1 OR name = ?2")
      .value(idOrName, idOrName.normalize("NFC")) !== undefined;
  }

  /** The project's stage with this name. */
  named(projectId: string, name: string): Stage | undefined {
    const columns = this.#c.sql(`${SELECT} WHERE project_id = ? AND name = ?`)
      .value<Columns>(projectId, name.normalize("NFC"));
    return columns && stage(columns);
  }

  /**
   * Adds a stage to a project.
   *
   * @throws {Failure} `invalid`, `conflict`, or `not-found` for the project.
   */
  create(projectId: string, fields: StageFields): Stage {
    return this.#c.write(`Cannot add stage ${quote(fields.name)}`, (tx) => {
      const id = newId();
      if (this.#c.sql("SELECT 1 FROM projects WHERE id = ?").value(projectId) === undefined) {
        throw new Failure(
          "not-found",
          `Cannot add stage ${quote(fields.name)}: no project ${quote(projectId)}`,
          { data: { thing: "project", id: projectId } },
        );
      }
      const name = this.#freeName(projectId, fields.name, null);
      const now = this.#c.now();
      this.#c.sql(
        `INSERT INTO stages
           (id, project_id, name, max_instances, branch, preview, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      ).run(
        id,
        projectId,
        name,
        validCount(fields.maxInstances ?? 1),
        validBranch(fields.branch ?? null),
        Number(fields.preview ?? false),
        now,
        now,
      );
      // Rows from before stages had ids may have its name as their role.
      tx.renamed();
      return this.get(id);
    });
  }

  /**
   * Changes a stage. Rows follow a rename because they refer to its id.
   *
   * @throws {Failure} `not-found`, `invalid`, `conflict`.
   */
  update(id: string, patch: Partial<StageFields>): Stage {
    return this.#c.write(`Cannot change stage ${quote(id)}`, (tx) => {
      const before = this.get(id);
      const name = patch.name === undefined
        ? before.name
        : patch.name === before.name
        ? before.name
        : this.#freeName(before.projectId, patch.name, id);
      this.#c.sql(
        `UPDATE stages SET name = ?, max_instances = ?, branch = ?, preview = ?, updated_at = ?
         WHERE id = ?`,
      ).run(
        name,
        validCount(patch.maxInstances ?? before.maxInstances),
        patch.branch === undefined ? before.branch : validBranch(patch.branch),
        Number(patch.preview ?? before.preview),
        this.#c.now(),
        id,
      );
      tx.renamed();
      return this.get(id);
    });
  }

  /**
   * Removes a stage; with `force` also when rows refer to it, which then have none.
   *
   * @throws {Failure} `not-found`, `in-use`.
   */
  remove(id: string, options: { force?: boolean } = {}): Stage {
    return this.#c.write(`Cannot remove stage ${quote(id)}`, (tx) => {
      const before = this.get(id);
      const [rows] = this.#c.sql("SELECT count(*) FROM containers WHERE stage_id = ?")
        .value<[number]>(id)!;
      if (rows > 0 && !options.force) {
        throw new Failure(
          "in-use",
          `Cannot remove stage ${quote(before.name)}: ` +
            (rows === 1 ? "1 container row refers to it" : `${rows} container rows refer to it`),
          { data: { thing: "stage", rows, stages: 0 } },
        );
      }
      this.#c.sql("DELETE FROM stages WHERE id = ?").run(id);
      tx.renamed();
      return before;
    });
  }

  #freeName(projectId: string, name: string, self: string | null): string {
    const valid = validName(name, "stage name");
    const taken = takenName(this.#c, valid, { table: "stages", except: self, projectId });
    if (taken === undefined) return valid;
    throw new Failure(
      "conflict",
      `Cannot name a stage ${quote(name)}: the project has ` +
        (taken.name === valid ? "one already" : `${quote(taken.name)} already`),
      { data: { over: "stage-name" } },
    );
  }
}

const SELECT =
  "SELECT id, project_id, name, max_instances, branch, preview, created_at FROM stages";

type Columns = [string, string, string, number, string | null, number, string];

function stage([id, projectId, name, maxInstances, branch, preview, createdAt]: Columns): Stage {
  return { id, projectId, name, maxInstances, branch, preview: preview === 1, createdAt };
}

function validBranch(branch: string | null): string | null {
  if (branch !== "") return branch === null ? null : validText(branch, "branch", 255);
  throw new Failure("invalid", "Cannot use an empty text as branch: null is for none", {
    data: {},
  });
}

function validCount(value: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= 10_000) return value;
  throw new Failure(
    "invalid",
    `Cannot use "${value}" as max instances: a whole number from 1 to 10000 is needed`,
    { data: {} },
  );
}

function notFound(id: string): Failure {
  return new Failure("not-found", `Cannot find stage ${quote(id)}: no such stage`, {
    data: { thing: "stage", id },
  });
}
