/** That a hub reads the past of few among very many through indexes, on a real PostgreSQL. @module */

import { assert, assertEquals } from "@std/assert";
import { openDatabase } from "../../src/hub/database.ts";
import { HubPast } from "../../src/hub/hub_past.ts";
import { sharedCluster } from "../harness/postgres.ts";
import { until } from "../harness/until.ts";
import { sayingHost } from "./hubs.ts";
import { minutesBefore, toldChange } from "./rows.ts";

const cluster = sharedCluster();

const MANY = 30_000;

Deno.test("HubPast reads what happened to a workload, and what happened last, by indexes", async () => {
  const database = await cluster.newDatabase();
  {
    await using open = new AsyncDisposableStack();
    const sql = await openDatabase(database);
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
  }
  const read = async (what: (past: HubPast) => Promise<void>): Promise<Map<string, number>> => {
    const before = await scans(database);
    {
      await using open = new AsyncDisposableStack();
      const sql = await openDatabase(database);
      open.defer(() => sql.end());
      await what(new HubPast({ sql, now: () => Date.now() }));
    }
    // A connection tells what it read when it ends at the latest.
    return await until("it is counted", async () => {
      const after = await scans(database);
      const read = new Map([...after].map(([name, n]) => [name, n - (before.get(name) ?? 0)]));
      return [...read.values()].some((n) => n > 0) ? read : null;
    });
  };
  const few = await read(async (past) => {
    const workloadIds = ["alpha:rare"];
    assertEquals((await past.history({ audit: false, limit: 10, workloadIds })).items.length, 1);
    assertEquals((await past.at(0, { workloadIds })).items.length, 0);
  });
  const last = await read(async (past) => {
    assertEquals((await past.history({ audit: false, limit: 10 })).items.length, 10);
  });
  for (const read of [few, last]) assert(sum(read) < 100, JSON.stringify([...read]));
});

/** Rows that were read from each table or through each index. */
async function scans(database: string): Promise<Map<string, number>> {
  const sql = await openDatabase(database, { connections: 1 });
  try {
    const found = await sql<{ name: string; read: number }[]>`
      SELECT relname AS name, seq_tup_read::float8 AS read FROM pg_stat_user_tables
        WHERE relname ~ '^(transitions|problems)'
      UNION ALL SELECT indexrelname, idx_tup_read::float8 FROM pg_stat_user_indexes
        WHERE relname ~ '^(transitions|problems)'`;
    return new Map(found.map(({ name, read }) => [name, read]));
  } finally {
    await sql.end();
  }
}

function sum(read: ReadonlyMap<string, number>): number {
  return [...read.values()].reduce((sum, n) => sum + n, 0);
}
