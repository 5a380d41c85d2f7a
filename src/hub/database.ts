/**
 * The hub's database: opens PostgreSQL and brings it to this program's schema. Knows no table but
 * the one of migrations.
 *
 * @module
 */

import { Failure } from "../failure.ts";
import { migrate } from "./migrate.ts";
import { keepPartitions } from "./partitions.ts";
import type { Sql } from "./sql.ts";
import { quotePath } from "../text.ts";
import { keepTypes, openPool } from "./database_pool.ts";
import { PrimaryFinder } from "./database_hosts.ts";
import { type DatabaseHost, DatabaseSocket, type SocketOptions } from "./database_socket.ts";
import { databaseAddress, type DatabaseTls } from "./database_url.ts";

/** Oldest server that is used: its major version. */
const OLDEST = 15;

/** How long a statement may be without an answer, milliseconds. */
const ANSWER_MS = 30_000;

/** How long a server has to say whether it is a standby, milliseconds. */
const ASK_MS = 5000;

/** How a database is opened. */
export interface DatabaseOptions {
  /** Connections at once. */
  readonly connections?: number;
}

/**
 * Connects to the database at `postgres://…` and migrates it. TLS as {@link databaseAddress} has it.
 *
 * @throws {Failure} `newer`, or `hub-database` when it can't be reached or used.
 */
export async function openDatabase(
  url: string,
  { connections = 10 }: DatabaseOptions = {},
): Promise<Sql> {
  const address = databaseAddress(url);
  const tls = address.tls === null ? null : { ca: await authorityOf(address.tls) };
  const hosts = new PrimaryFinder(address.hosts, (host) => isStandby(address.url, { host, tls }));
  // What is to be changed when a version is new takes what it takes.
  let answerMs: number | null = null;
  const sql = openPool(address.url, {
    connections,
    socket: (onLost) =>
      new DatabaseSocket({
        ...{ tls, onLost, host: () => hosts.find(), answerMs: () => answerMs },
        onEnd: () => hosts.forget(),
      }),
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
    keepTypes(sql);
    answerMs = ANSWER_MS;
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

/** Whether it takes nothing new: it is a standby, or made so by its settings. Rejects without it. */
export async function isReadOnly(sql: Sql): Promise<boolean> {
  const [{ readOnly }] = await sql<[{ readOnly: string }]>`
    SELECT current_setting('transaction_read_only') AS "readOnly"`;
  return readOnly === "on";
}

async function isStandby(
  url: string,
  { host, tls }: { host: DatabaseHost; tls: SocketOptions["tls"] },
): Promise<boolean> {
  const sql = openPool(url, {
    connections: 1,
    socket: () =>
      new DatabaseSocket({ tls, host: () => Promise.resolve(host), answerMs: () => ASK_MS }),
  });
  keepTypes(sql);
  try {
    const [{ standby }] = await sql<[{ standby: boolean }]>`
      SELECT pg_is_in_recovery() AS standby`;
    return standby;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

async function authorityOf({ authority }: DatabaseTls): Promise<string> {
  if (authority === null) return "";
  try {
    return await Deno.readTextFile(authority);
  } catch (cause) {
    throw new Failure(
      "hub-database",
      `Cannot use the database: sslrootcert ${quotePath(authority)}: ${(cause as Error).message}`,
      { data: {}, cause },
    );
  }
}
