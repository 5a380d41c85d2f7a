/**
 * Brings a database to this program's schema: numbered SQL files, each in one transaction,
 * recorded in `schema_migrations`. Never goes back, never touches tables it doesn't know.
 *
 * @module
 */

import type { Database } from "@db/sqlite";
import { carried } from "../carried.ts";
import { Failure, isFailure } from "../failure.ts";
import { guarded } from "./error.ts";
import { fillSecretHashes } from "./secret_hashes.ts";
import { quotePath } from "../text.ts";

/** One numbered SQL file. */
export interface Migration {
  /** Counts from 1 without gaps. */
  readonly version: number;
  /** The file's name without its ending, `0001_initial`. */
  readonly name: string;
  /** Its statements. */
  readonly sql: string;
  /** What SQL can't do, after the statements and in the same transaction. */
  readonly fill?: (db: Database) => void;
}

/**
 * The files, in order. Listed by name because a compiled program has no directory to list with
 * the permissions it has.
 */
const FILES: readonly string[] = [
  "0001_initial",
  "0002_webhook_secret_hash",
  "0003_transition_origins",
  "0004_unclaimed_rows",
  "0005_epoch",
  "0006_upstreams",
  "0007_problems",
  "0008_notify",
  "0009_expectations",
  "0010_previews",
  "0011_details",
  "0012_access",
  "0013_past",
  "0014_names",
  "0015_hub",
  "0016_silence_kinds",
];

const FILLS: Readonly<Record<string, (db: Database) => void>> = {
  "0002_webhook_secret_hash": fillSecretHashes,
};

/** Reads the migrations that this program carries. */
export function loadMigrations(): Migration[] {
  const folder = carried("src/store/migrations/");
  return FILES.map((name, i) => ({
    version: i + 1,
    name,
    sql: Deno.readTextFileSync(new URL(`${name}.sql`, folder)),
    ...(FILLS[name] && { fill: FILLS[name] }),
  }));
}

/**
 * Applies what is not applied yet and returns the number of migrations applied.
 *
 * @throws {Failure} `newer` when the database knows a migration that this program doesn't;
 *   any failure leaves the database as it was.
 */
export function migrate(
  db: Database,
  migrations: readonly Migration[],
  options: { path: string; now: string },
): number {
  const applied = appliedMigrations(db);
  refuseNewer(applied, migrations, options.path);
  const pending = migrations.filter((m) => !applied.has(m.version));
  for (const migration of pending) {
    const action = `Cannot migrate ${quotePath(options.path)} to ${migration.name}`;
    try {
      guarded(action, () => apply(db, migration, options.now));
    } catch (error) {
      if (isFailure(error)) throw error;
      // A mistake in the SQL, or tables of the same names that are not ours.
      const reason = error instanceof Error ? error.message : String(error);
      throw new Failure("io", `${action}: ${reason}`, {
        data: { at: "migration" },
        cause: error,
      });
    }
  }
  return pending.length;
}

function apply(db: Database, migration: Migration, now: string): void {
  db.transaction(() => {
    db.exec(`CREATE TABLE IF NOT EXISTS schema_migrations (
      version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL) STRICT`);
    db.exec(migration.sql);
    migration.fill?.(db);
    db.prepare("INSERT INTO schema_migrations (version, name, applied_at) VALUES (?, ?, ?)")
      .run(migration.version, migration.name, now);
  }).immediate();
}

/**
 * Checks, without writing, that the database is at exactly this program's schema.
 *
 * @throws {Failure} `newer`, or `not-found` when it is older (`schema`) or nothing is in it yet,
 *   since whoever makes it has just begun (`index`).
 */
export function requireCurrent(
  db: Database,
  migrations: readonly Migration[],
  options: { path: string },
): void {
  const applied = appliedMigrations(db);
  refuseNewer(applied, migrations, options.path);
  if (applied.size === 0) {
    throw new Failure(
      "not-found",
      `Cannot read ${quotePath(options.path)}: it holds no index yet`,
      {
        data: { thing: "index", id: options.path },
      },
    );
  }
  if (applied.size < migrations.length) {
    throw new Failure(
      "not-found",
      `Cannot read ${
        quotePath(options.path)
      }: it is at schema ${applied.size}, this program reads ${migrations.length}`,
      { data: { thing: "schema", id: options.path } },
    );
  }
}

/** Version → name of the migrations that a database had. */
export function appliedMigrations(db: Database): Map<number, string> {
  const exists = db.prepare(
    "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'",
  ).value();
  if (exists === undefined) return new Map();
  return new Map(
    db.prepare("SELECT version, name FROM schema_migrations").values<[number, string]>(),
  );
}

/**
 * Refuses a database that knows a migration that this program does not.
 *
 * @throws {Failure} `newer`
 */
export function refuseNewer(
  applied: ReadonlyMap<number, string>,
  migrations: readonly Migration[],
  path: string,
): void {
  const known = migrations.length;
  const newest = Math.max(0, ...applied.keys());
  if (newest <= known) return;
  throw new Failure(
    "newer",
    `Cannot open ${quotePath(path)}: it is at schema ${newest} ("${applied.get(newest)}"), ` +
      `this program knows schema ${known}`,
    { data: {} },
  );
}
