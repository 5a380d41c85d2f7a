/**
 * Brings a hub's database to the schema of this program, one file after the other, while hubs of before
 * may go on with it. Must not touch what a file does not.
 *
 * @module
 */

import { carried } from "../carried.ts";
import { SYSTEM_CLOCK } from "../clock.ts";
import { Failure } from "../failure.ts";
import type { Sql, TransactionSql } from "./sql.ts";

/** The files, in order. */
const FILES: readonly string[] = [
  "0001_hub",
  "0002_access",
  "0003_reading",
  "0004_notify",
  "0005_row_count",
  "0006_by_host",
  "0007_telling",
  "0008_past",
];

/** Any number, the same for every hub: they migrate one after the other. */
const MIGRATION_LOCK = 7_475_015;

/** How long who reads and writes is waited for at a time; meanwhile everyone waits for that. */
const LOCK_WAIT = "3s";
/** How long they are let go on in between, milliseconds. */
const PAUSE_MS = 1000;
/** So often; a backup that reads all of it is over by then, or a person has to look. */
const TRIES = 150;

/** PostgreSQL's: others had what is to be changed for too long, or each waited for the other. */
const IN_THE_WAY: ReadonlySet<string> = new Set(["55P03", "40P01"]);

/**
 * Applies each file that was not, in a transaction of its own: what is done stays done.
 *
 * @throws {Failure} `newer`; `hub-database` when others leave no room for it.
 */
export async function migrate(sql: Sql): Promise<void> {
  const { signal } = new AbortController();
  for (let tries = 0;;) {
    try {
      if (await sql.begin(takeStep)) return;
      tries = 0;
    } catch (error) {
      if (!IN_THE_WAY.has((error as { code?: string }).code ?? "")) throw error;
      if (++tries === TRIES) throw noRoom(error);
      await SYSTEM_CLOCK.sleep(PAUSE_MS, signal);
    }
  }
}

/** Applies the next file; whether there was none left. */
async function takeStep(tx: TransactionSql): Promise<boolean> {
  await tx`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`;
  await tx`CREATE SCHEMA IF NOT EXISTS tinyforge`;
  await tx`CREATE TABLE IF NOT EXISTS tinyforge.schema_migrations (
    version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`;
  const [{ newest }] = await tx<[{ newest: number }]>`
    SELECT coalesce(max(version), 0) AS newest FROM tinyforge.schema_migrations`;
  if (newest > FILES.length) {
    throw new Failure(
      "newer",
      `Cannot use the database: it is at schema ${newest}, this program knows ${FILES.length}`,
      { data: {} },
    );
  }
  const name = FILES[newest];
  if (name === undefined) return true;
  await takeAll(tx);
  const file = new URL(`${name}.sql`, carried("src/hub/migrations/"));
  await tx.unsafe(await Deno.readTextFile(file));
  await tx`INSERT INTO tinyforge.schema_migrations (version, name) VALUES (${newest + 1}, ${name})`;
  return false;
}

/**
 * Before anything is changed, and hosts first as whoever takes in what they tell: who waits for a
 * table here then holds none that is waited for.
 */
async function takeAll(tx: TransactionSql): Promise<void> {
  await tx.unsafe(`SET LOCAL lock_timeout = '${LOCK_WAIT}'`);
  const tables = await tx<{ name: string }[]>`
    SELECT format('tinyforge.%I', relname) AS name FROM pg_class
    WHERE relnamespace = 'tinyforge'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
    ORDER BY relname <> 'hosts', relname`;
  await tx.unsafe(
    `LOCK TABLE ${tables.map(({ name }) => name).join(", ")} IN ACCESS EXCLUSIVE MODE`,
  );
}

function noRoom(cause: unknown): Failure<"hub-database"> {
  return new Failure(
    "hub-database",
    "Cannot bring the database to the schema of this version: others use it without a pause " +
      "(pg_stat_activity shows who)",
    { data: {}, cause },
  );
}
