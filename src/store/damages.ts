/**
 * What is damaged of a database: by SQLite's own look, and of what is kept in it as JSON the values
 * that are none any more. Must not quote what stands there.
 *
 * @module
 */

import type { Database } from "@db/sqlite";
import { Failure } from "../failure.ts";
import { quotePath } from "../text.ts";
import { readBeside } from "./beside.ts";
import type { Connection } from "./connection.ts";

/** What is damaged. */
export interface Damages {
  /** What SQLite finds of the whole; null: nothing. */
  readonly database: string | null;
  /** Which values are not what was kept: `channels.config of "ops"`; the first of them. */
  readonly values: readonly string[];
}

/** So many values are named. */
const MAX_VALUES = 20;

/** A column of JSON: what it holds, what a row is known by, and which rows matter. */
interface JsonColumn {
  readonly column: string;
  readonly holds: "object" | "array";
  /** Empty: there is one row. */
  readonly of: string;
  /** What must be in it: a path, and its type. */
  readonly has?: readonly [path: string, type: string];
  readonly where?: string;
}

const JSON_COLUMNS: readonly JsonColumn[] = [
  { column: "hosts.last_pass", holds: "object", of: "" },
  { column: "hosts.judged", holds: "object", of: "" },
  { column: "containers.addresses", holds: "object", of: "id" },
  { column: "containers.meta", holds: "object", of: "id" },
  { column: "containers.inspected", holds: "object", of: "id" },
  { column: "problems.evidence", holds: "object", of: "key" },
  { column: "problems.remedy", holds: "object", of: "key" },
  { column: "deaths.ring", holds: "array", of: "row_id" },
  { column: "silences.kinds", holds: "array", of: "id" },
  { column: "channels.config", holds: "object", of: "name" },
  { column: "rules.workloads", holds: "array", of: "id" },
  { column: "rules.kinds", holds: "array", of: "id" },
  { column: "rules.channels", holds: "array", of: "id" },
  { column: "notified.problem", holds: "object", of: "key", has: ["$.told.key", "text"] },
  {
    column: "notices.content",
    holds: "object",
    of: "id",
    has: ["$.problems", "array"],
    // Of one that was sent, or given up, nothing is needed any more.
    where: "id IN (SELECT notice_id FROM deliveries WHERE state = 'queued')",
  },
  { column: "audit.details", holds: "object", of: "seq" },
  { column: "transitions.origin", holds: "object", of: "seq" },
];

const QUICK_CHECK = "PRAGMA quick_check(1)";

const VALUES = `SELECT named FROM (${JSON_COLUMNS.map(selectOf).join(" UNION ALL ")})
  LIMIT ${MAX_VALUES}`;

/** Reads all of it; beside other work where this connection is one of a process that goes on. */
export async function damagesOf(connection: Connection, path: string): Promise<Damages> {
  const read = connection.readonly
    ? (sql: string) => connection.sql(sql).values<[string]>().map(([text]) => text)
    : (sql: string) => readBeside(path, sql);
  const [found = "nothing was answered"] = await read(QUICK_CHECK);
  // Of what is damaged as a whole nothing can be said of values.
  return found === "ok"
    ? { database: null, values: await read(VALUES) }
    : { database: found, values: [] };
}

/**
 * Refuses a database that SQLite finds damaged.
 *
 * @throws {Failure} `corrupt`
 */
export function refuseCorrupted(db: Database, path: string): void {
  const problem = db.prepare(QUICK_CHECK).value<[string]>()?.[0];
  if (problem === "ok") return;
  throw new Failure(
    "corrupt",
    `Cannot open ${quotePath(path)}: the database is corrupted (${problem})`,
    { data: { found: "damage" } },
  );
}

function selectOf({ column, holds, of, has, where = "TRUE" }: JsonColumn): string {
  const [table, name] = column.split(".");
  const whose = of === "" ? "''" : `' of "' || ${of} || '"'`;
  const lacks = has === undefined ? "" : ` OR json_type(${name}, '${has[0]}') IS NOT '${has[1]}'`;
  return `SELECT '${column}' || ${whose} AS named FROM ${table} WHERE ${where} AND ${name} IS NOT NULL
    AND iif(json_valid(${name}), json_type(${name}) <> '${holds}'${lacks}, TRUE)`;
}
