/**
 * The days of which transitions are kept: a table for each, made before it begins and dropped when it
 * is old. Any hub does it, one at a time.
 *
 * @module
 */

import type { Sql } from "./sql.ts";

/** How long what happened is kept after it was told, days. */
export const KEPT_DAYS = 30;

/** So many days ahead there is a table: no hub needs to run on any of them. */
const AHEAD_DAYS = 7;

/** Any number: who holds its lock makes and drops. */
const PARTITION_LOCK = 7_475_017;

/**
 * Makes what is missing and drops what is old, by the database's clock. Another hub that does it at
 * this moment is waited for.
 */
export async function keepPartitions(sql: Sql): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`SELECT pg_advisory_xact_lock(${PARTITION_LOCK})`;
    // Both wait for whoever reads or writes, and everyone for them.
    await tx`SET LOCAL lock_timeout = '10s'`;
    const days = await tx<{ name: string; from: string; to: string; there: boolean }[]>`
      SELECT name, from_day AS from, to_day AS to, to_regclass('tinyforge.' || name) IS NOT NULL AS there
      FROM (SELECT 'transitions_' || to_char(day, 'YYYYMMDD') AS name,
          to_char(day, 'YYYY-MM-DD') AS from_day, to_char(day + 1, 'YYYY-MM-DD') AS to_day
        FROM generate_series(0, ${AHEAD_DAYS}) AS ahead,
          LATERAL (SELECT (now() AT TIME ZONE 'UTC')::date + ahead::integer AS day) AS days) AS named`;
    for (const { name, from, to, there } of days) {
      if (there) continue;
      // Names and dates are the database's own: nothing of them comes from outside.
      await tx.unsafe(`CREATE TABLE tinyforge.${name} PARTITION OF tinyforge.transitions
        FOR VALUES FROM ('${from} 00:00:00+00') TO ('${to} 00:00:00+00')`);
    }
    const old = await tx<{ name: string }[]>`
      SELECT c.relname AS name FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
      WHERE i.inhparent = 'tinyforge.transitions'::regclass AND c.relname ~ '^transitions_[0-9]{8}$'
        AND to_date(right(c.relname, 8), 'YYYYMMDD')
          < (now() AT TIME ZONE 'UTC')::date - ${KEPT_DAYS}::integer`;
    for (const { name } of old) await tx.unsafe(`DROP TABLE tinyforge.${name}`);
    await tx`DELETE FROM tinyforge.problems WHERE status = 'closed'
      AND told_at < now() - ${KEPT_DAYS} * interval '1 day'`;
    await tx`DELETE FROM tinyforge.watched
      WHERE told_at < now() - ${KEPT_DAYS} * interval '1 day'`;
  });
}
