/** That a hub reads the past of few among very many through indexes, on a real PostgreSQL. @module */

import { assert, assertEquals } from "@std/assert";
import { openDatabase } from "../../src/hub/database.ts";
import { HubPast } from "../../src/hub/hub_past.ts";
import type { Sql } from "../../src/hub/sql.ts";
import { sharedCluster } from "../harness/postgres.ts";
import { sayingHost } from "./hubs.ts";
import { minutesBefore, toldChange } from "./rows.ts";

const cluster = sharedCluster();

const MANY = 30_000;

Deno.test("HubPast reads what happened to a workload, and what happened last, by indexes", async () => {
  await using open = new AsyncDisposableStack();
  const sql = await openDatabase(await cluster.newDatabase(), { connections: 1 });
  open.defer(() => sql.end());
  const { id } = await sayingHost(sql, "alpha");
  await sql`
    INSERT INTO tinyforge.transitions (host_id, epoch, seq, row_id, workload_id, at, body)
    SELECT ${id}, 'e', n, 'row-' || n, CASE n WHEN 7 THEN 'rare' ELSE 'common' END,
      to_char(timestamp '2026-01-01' + n * interval '1 minute', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      ${JSON.stringify(toldChange(minutesBefore(0), 7, 0))}
    FROM generate_series(1, ${MANY}::integer) AS n`;
  await sql`
    INSERT INTO tinyforge.problems (host_id, key, opened_at, kind, severity, status, closed_at,
      workload_id, body, hash)
    SELECT ${id}, 'k-' || n, n, 'crashed', 'high', CASE n % 2 WHEN 0 THEN 'open' ELSE 'closed' END,
      CASE n % 2 WHEN 0 THEN NULL ELSE n END, 'w-' || n % 500, '{"key":"k","openedAt":1,"closedAt":null}', ''
    FROM generate_series(1, ${MANY}::integer) AS n`;
  await sql`ANALYZE tinyforge.transitions, tinyforge.problems, tinyforge.hosts`;
  const past = new HubPast({ sql, now: () => Date.now() });
  const read = async (what: () => Promise<void>): Promise<number> => {
    const before = await readSoFar(sql);
    await what();
    return await readSoFar(sql) - before;
  };
  const few = await read(async () => {
    const workloadIds = ["alpha:rare"];
    assertEquals((await past.history({ audit: false, limit: 10, workloadIds })).items.length, 1);
    assertEquals((await past.at(0, { workloadIds })).items.length, 0);
  });
  const last = await read(async () => {
    assertEquals((await past.history({ audit: false, limit: 10 })).items.length, 10);
  });
  for (const count of [few, last]) assert(count > 0 && count < 100, `${few}, ${last}`);
});

/** How many rows this connection, the only one, has read from tables and through their indexes. */
async function readSoFar(sql: Sql): Promise<number> {
  // It tells what it read when it is asked to, and else now and then.
  await sql`SELECT pg_stat_force_next_flush()`;
  const [{ count }] = await sql<[{ count: number }]>`
    SELECT sum(read)::float8 AS count FROM (
      SELECT seq_tup_read AS read FROM pg_stat_user_tables
        WHERE relname ~ '^(transitions|problems)'
      UNION ALL SELECT idx_tup_read FROM pg_stat_user_indexes
        WHERE relname ~ '^(transitions|problems)') AS each`;
  return count;
}
