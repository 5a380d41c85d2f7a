/**
 * What stands in a database and what is wrong with it by itself, for a ledger to be held against.
 * Reads the tables with SQL of its own; must not use the program's queries.
 *
 * @module
 */

import "../harness/program.ts"; // names the SQLite library
import { DEPLOYED, type ThingKind, type ThingState } from "./thing.ts";
const { Database } = await import("@db/sqlite");

/** Something that a database holds. */
export interface FoundThing {
  readonly kind: ThingKind;
  readonly id: string;
  readonly workloadId: string | null;
  readonly state: ThingState;
}

/** What a database holds, and what is wrong with it by itself. */
export interface Found {
  /** Whether the tables are there: all of them or, after a migration that never ended, none. */
  readonly migrated: boolean;
  readonly things: readonly FoundThing[];
  /** Image of the containers that are all replaced at once; null without any. */
  readonly generation: string | null;
  readonly violations: readonly string[];
}

/**
 * Reads a database and looks for damage: pages, references, entries without their workload or with
 * another name than it, rows that tell another state than their story, deployer's columns that
 * nobody wrote, passes that were written in part.
 *
 * @param path a copy: opening one for the first time after a crash changes it.
 */
export function readDatabase(path: string, options: { readonly?: boolean } = {}): Found {
  const db = new Database(path, { create: false, int64: true, ...options });
  try {
    db.exec("PRAGMA busy_timeout = 5000");
    const present = new Set(db.prepare(TABLE_NAMES).values<[string]>().flat());
    if (present.size === 0) {
      return { migrated: false, things: [], generation: null, violations: [] };
    }
    const missing = TABLES.filter((table) => !present.has(table));
    if (missing.length > 0) throw new Error(`no table ${missing.join(", ")}`);
    const violations = DAMAGE.flatMap(([what, sql]) =>
      db.prepare(sql).values<string[]>().map((row) => `${what}: ${row.join(" ")}`)
    );
    const things = THINGS.flatMap(([kind, sql]) =>
      db.prepare(sql).all<Record<string, string>>().map(({ id, workloadId, ...state }) => ({
        kind,
        id: id!,
        workloadId: workloadId ?? null,
        state,
      }))
    );
    const generation = db.prepare(`SELECT max(image_ref) ${GENERATION}`).value<[string]>()![0];
    return { migrated: true, things, generation, violations };
  } catch (error) {
    const violations = [`the database can't be read: ${(error as Error).message}`];
    return { migrated: true, things: [], generation: null, violations };
  } finally {
    db.close();
  }
}

const TABLE_NAMES = "SELECT name FROM sqlite_schema WHERE type = 'table'";
const TABLES = ["schema_migrations", "hosts", "workloads", "containers", "transitions"];
const GENERATION = "FROM containers WHERE image_ref LIKE 'generation:%'";

/** Every row of an answer is damage. */
const DAMAGE: readonly (readonly [string, string])[] = [
  ["integrity", "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'"],
  ["dangling reference", `SELECT "table", "parent" FROM pragma_foreign_key_check`],
  [
    "workload without its entry",
    `SELECT kind, id, name FROM workloads AS w WHERE NOT EXISTS (
       SELECT 1 FROM projects AS e WHERE w.kind = 'project' AND e.id = w.ref_id UNION ALL
       SELECT 1 FROM stacks AS e WHERE w.kind = 'stack' AND e.id = w.ref_id UNION ALL
       SELECT 1 FROM static_sites AS e WHERE w.kind = 'site' AND e.id = w.ref_id)`,
  ],
  [
    "row with another state than its story",
    `SELECT c.id, c.state, coalesce(t.to_state, 'no story') FROM containers AS c
     LEFT JOIN transitions AS t
       ON t.seq = (SELECT max(seq) FROM transitions WHERE row_id = c.id)
     WHERE t.to_state IS NOT c.state`,
  ],
  [
    "row of a pass with a deployer's column",
    `SELECT id FROM containers WHERE id NOT LIKE '${DEPLOYED}%'
     AND coalesce(stage_id, image_tag, subdomain, proxy_route_id, npm_proxy_id) IS NOT NULL`,
  ],
  // The Engine never lists two generations at once.
  [
    "pass written in part",
    `SELECT group_concat(DISTINCT image_ref) ${GENERATION} HAVING count(DISTINCT image_ref) > 1`,
  ],
];

const entries = (kind: ThingKind, table: string, detail: string) =>
  [
    kind,
    `SELECT e.id AS id, w.id AS workloadId, e.name AS name, coalesce(w.name, '') AS workload,
       coalesce(${detail}, '') AS detail, coalesce(w.webhook_secret, '') AS secret
     FROM ${table} AS e LEFT JOIN workloads AS w ON w.kind = '${kind}' AND w.ref_id = e.id`,
  ] as const;

const THINGS: readonly (readonly [ThingKind, string])[] = [
  entries("project", "projects", "NULL"),
  entries("stack", "stacks", "e.compose_project_name"),
  entries("site", "static_sites", "e.domain"),
  ["stage", "SELECT id, name, CAST(max_instances AS TEXT) AS max FROM stages"],
  [
    "row",
    `SELECT id, coalesce(container_id, '') AS container, coalesce(subdomain, '') AS subdomain,
       coalesce(image_tag, '') AS tag, coalesce(stage_id, '') AS stage
     FROM containers WHERE id LIKE '${DEPLOYED}%'`,
  ],
];
