/**
 * Copies of the database in one piece: made beside whoever writes, looked into, and made the begin
 * of another life of the index. Knows files and SQL; must not know what a backup looks like.
 *
 * @module
 */

import type { Database } from "@db/sqlite";
import { RESTORED } from "../model/access.ts";
import { guarded } from "./error.ts";
import { appliedMigrations, loadMigrations, refuseNewer } from "./migrate.ts";
import { Failure, isFailure } from "../failure.ts";
import { quotePath } from "../text.ts";
import { openingError } from "./opening_error.ts";
import { FROZEN, immutableUri, isFrozen, openStore, requireSafe } from "./store.ts";

/** What is in a copy. */
export interface SnapshotFacts {
  /** The last migration that was applied; 0 for a database that is not this program's. */
  readonly schema: number;
  /** Of the index; null where it is older than epochs. */
  readonly epoch: string | null;
  /** Rows by table. */
  readonly counts: Readonly<Record<string, number>>;
}

/** Size of the database in bytes, what its write-ahead log holds included. */
export async function databaseBytes(path: string): Promise<number> {
  return await reading(path, (db) =>
    Number(
      db.prepare("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        .value<[number]>()![0],
    ));
}

/**
 * Writes what the database holds at this moment to `target`, which must be an empty file or none.
 * Blocks until it is done and on the disk; writers go on meanwhile.
 *
 * @throws {Failure} `full`, `io`, `corrupt`, `busy`.
 */
export async function takeSnapshot(source: string, target: string): Promise<void> {
  await reading(source, (db) => {
    db.exec("VACUUM INTO ?", target);
  });
}

/**
 * Looks into a copy, all of it.
 *
 * @throws {Failure} `corrupt` when it is not sound, `newer` when a newer version wrote it.
 */
export async function inspectSnapshot(path: string): Promise<SnapshotFacts> {
  return await reading(path, (db) => {
    const applied = appliedMigrations(db);
    refuseNewer(applied, loadMigrations(), path);
    const problems = [
      ...db.prepare("PRAGMA integrity_check(3)").values<[string]>().map(([text]) => text)
        .filter((text) => text !== "ok"),
      ...db.prepare("PRAGMA foreign_key_check").values<[string]>().slice(0, 3)
        .map(([table]) => `a row of ${table} refers to nothing`),
    ];
    if (problems.length > 0) {
      const reason = `the database is corrupted (${problems.join("; ")})`;
      throw new Failure("corrupt", `Cannot use ${quotePath(path)}: ${reason}`, {
        data: { found: "damage" },
      });
    }
    const schema = applied.size;
    const counts: Record<string, number> = {};
    for (const name of tables(db)) {
      const quoted = `"${name.replaceAll('"', '""')}"`;
      counts[name] = Number(db.prepare(`SELECT count(*) FROM ${quoted}`).value<[number]>()![0]);
    }
    return { schema, epoch: "epoch" in counts ? epochOf(db) : null, counts };
  });
}

/**
 * Makes a copy the begin of another life of the index: brought to this program's schema, with an
 * epoch of its own, no browser logged in, an audit entry of who did that, and all in one file.
 * Returns the new epoch.
 *
 * @param options `now`, and `madeAt` of the copy: RFC 3339 UTC; `who`, as audit entries have it.
 * @throws {Failure}
 */
export async function beginAnew(
  path: string,
  options: { now: string; madeAt: string; who: string },
): Promise<string> {
  (await openStore(path, { now: () => options.now })).close();
  const { Database } = await import("@db/sqlite");
  return guarded(`Cannot restore ${quotePath(path)}`, () => {
    const db = new Database(path, { create: false, int64: true });
    try {
      db.exec("PRAGMA synchronous = FULL");
      db.exec("PRAGMA trusted_schema = OFF");
      const now = Date.parse(options.now);
      for (const statement of END_THE_PRESENT) db.exec(statement, { now });
      db.exec(FORGET_THE_PRESENT);
      db.exec(
        "UPDATE epoch SET restored_from = id, id = lower(hex(randomblob(16))), began_at = ?",
        options.now,
      );
      db.exec(
        `INSERT INTO audit (at, who, via, action, path, details)
         VALUES (?, ?, 'command', ?, '', ?)`,
        options.now,
        options.who,
        RESTORED,
        JSON.stringify({ backup: options.madeAt }),
      );
      // Who logged out since then is not to be in again.
      db.exec("DELETE FROM sessions");
      // The write-ahead log goes away with it; whoever opens the index next begins one.
      db.exec("PRAGMA journal_mode = DELETE");
      return epochOf(db)!;
    } finally {
      db.close();
    }
  });
}

/**
 * What was wrong when the backup was made, and who was still to be told of it: all that is judged anew,
 * and nobody is told of the past. What was over by then stays known.
 */
const END_THE_PRESENT: readonly string[] = [
  `UPDATE problems SET status = 'closed', closed_at = max(opened_at, :now), outcome = 'gone'
   WHERE status = 'open'`,
  "UPDATE deliveries SET state = 'superseded', ended_at = :now WHERE state = 'queued'",
];
const FORGET_THE_PRESENT = `
  DELETE FROM problems WHERE status = 'holding';
  UPDATE hosts SET judged = NULL;
  DELETE FROM told;
  DELETE FROM notified;
  DELETE FROM notify_cursor;
  UPDATE channels SET state = 'ok', reason = '', since = NULL WHERE state = 'broken';
  UPDATE channels SET failing_since = NULL, failures = 0, not_before = 0;
`;

async function reading<T>(path: string, use: (db: Database) => T): Promise<T> {
  await requireSafe(path, { readonly: true });
  const { Database } = await import("@db/sqlite");
  const read = (db: Database) => {
    try {
      db.exec("PRAGMA busy_timeout = 5000");
      // What is in a backup must not have its views and triggers call what SQLite can do.
      db.exec("PRAGMA trusted_schema = OFF");
      return use(db);
    } finally {
      db.close();
    }
  };
  const action = `Cannot read ${quotePath(path)}`;
  try {
    return guarded(action, () => read(new Database(path, { readonly: true, int64: true })));
  } catch (error) {
    // Asked only when it can't be opened, since then nobody in this process has it open.
    if (!isFailure(error, "io") || !await isFrozen(path)) throw openingError(path, error);
    return guarded(action, () => read(new Database(immutableUri(path), FROZEN)));
  }
}

/** Of virtual tables only what they are kept in: they may need modules that are not here. */
function tables(db: Database): string[] {
  return db.prepare(
    `SELECT name FROM sqlite_schema
     WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
       AND sql NOT LIKE 'CREATE VIRTUAL%'
     ORDER BY name`,
  ).values<[string]>().map(([name]) => name);
}

function epochOf(db: Database): string | null {
  return db.prepare("SELECT id FROM epoch").value<[string]>()?.[0] ?? null;
}
