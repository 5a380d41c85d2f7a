/**
 * The hub's database: opens PostgreSQL and brings it to this program's schema. Knows no table but
 * the one of migrations.
 *
 * @module
 */

import postgres from "postgres";
import { carried } from "../carried.ts";
import { Failure } from "../failure.ts";
import { keepPartitions } from "./partitions.ts";
import type { Fragment, Sql, TransactionSql } from "./sql.ts";

export type { Fragment, Sql, TransactionSql };

/** Oldest server that is used: its major version. */
const OLDEST = 15;

/** The files, in order. */
const FILES: readonly string[] = ["0001_hub", "0002_access", "0003_reading", "0004_notify"];

/** Any number, the same for every hub: they migrate one after the other. */
const MIGRATION_LOCK = 7_475_015;

/** How a database is opened. */
export interface DatabaseOptions {
  /** Connections at once. */
  readonly connections?: number;
}

/**
 * Connects to the database at `postgres://…` and migrates it. TLS as the URL says: `sslmode=require`
 * and the stricter ones verify the server's certificate.
 *
 * @throws {Failure} `newer`, or `hub-database` when it can't be reached or used.
 */
export async function openDatabase(
  url: string,
  { connections = 10 }: DatabaseOptions = {},
): Promise<Sql> {
  const sql = postgres(url, {
    max: connections,
    onnotice: () => {},
    connect_timeout: 10,
    connection: { application_name: "tinyforge hub" },
    // A driver that takes `require` for "encrypt, and believe anyone" is of no use against who listens in.
    ...(encrypts(url) && { ssl: { rejectUnauthorized: true } }),
  });
  try {
    const [found] = await sql<[{ version: string }]>`
      SELECT current_setting('server_version_num') AS version`;
    const major = Math.trunc(Number(found.version) / 10_000);
    if (major < OLDEST) {
      throw new Failure(
        "hub-database",
        `Cannot use the database: it is PostgreSQL ${major}, ${OLDEST} or newer is needed`,
        { data: {} },
      );
    }
    await migrate(sql);
    await keepPartitions(sql);
    return sql;
  } catch (error) {
    await sql.end({ timeout: 1 });
    if (error instanceof Failure) throw error;
    throw new Failure("hub-database", `Cannot use the database: ${(error as Error).message}`, {
      data: {},
      cause: error,
    });
  }
}

function encrypts(url: string): boolean {
  let mode: string | null;
  try {
    mode = new URL(url).searchParams.get("sslmode");
  } catch {
    throw new Failure("hub-database", "Cannot use the database: its URL is none", { data: {} });
  }
  return mode !== null && /^(?:require|verify-ca|verify-full)$/.test(mode);
}

async function migrate(sql: Sql): Promise<void> {
  await sql.begin(async (tx) => {
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
    const folder = carried("src/hub/migrations/");
    for (const [i, name] of FILES.entries()) {
      if (i < newest) continue;
      await tx.unsafe(await Deno.readTextFile(new URL(`${name}.sql`, folder)));
      await tx`INSERT INTO tinyforge.schema_migrations (version, name) VALUES (${i + 1}, ${name})`;
    }
  });
}
