/**
 * Times of PostgreSQL as the rest of the program knows them. Reads nothing but what time it is there.
 *
 * @module
 */

import type { AnySql } from "./sql.ts";

/** A column of times, or an expression, as RFC 3339 UTC with milliseconds. */
export function rfc3339(sql: AnySql, column: string): ReturnType<AnySql["unsafe"]> {
  return sql.unsafe(`to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`);
}

/** The same as whole milliseconds since the Unix epoch, as a number and no text. */
export function millis(sql: AnySql, column: string): ReturnType<AnySql["unsafe"]> {
  return sql.unsafe(`floor(extract(epoch FROM ${column}) * 1000)::float8`);
}

/** What time it is there, milliseconds since the Unix epoch; within a transaction, too, now. */
export async function databaseNow(sql: AnySql): Promise<number> {
  const [{ now }] = await sql<[{ now: number }]>`SELECT ${millis(sql, "clock_timestamp()")} AS now`;
  return now;
}
