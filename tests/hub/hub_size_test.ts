/**
 * Statements that a hub reads a great many rows by: that each filtered page looks into an index, which
 * a plan tells and a clock on a busy machine does not.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { HubReader } from "../../src/hub/hub_reader.ts";
import { openTestDatabase, startCluster } from "../harness/postgres.ts";

const HOSTS = 40;
const ROWS = 500;
/** Id of that of row 5 of host 5: `md5('5c5')`. */
const CONTAINER = "843f21f8dd0826c1c6df673cf8ab8842";

Deno.test("a filtered page of a hub reads no more rows than it shows, but a few", async () => {
  await using cluster = await startCluster();
  await using database = await openTestDatabase(cluster, { connections: 1 });
  const { sql } = database;
  await sql`
    INSERT INTO tinyforge.hosts (id, name, secret_hash, epoch, seq, heard_at, lease_until, fresh)
    SELECT 'h' || n, 'host-' || lpad(n::text, 4, '0'), 's' || n, 'e', 1, now(),
      now() + interval '1 hour', true FROM generate_series(1, ${HOSTS}) AS n`;
  await sql`
    INSERT INTO tinyforge.containers (host_id, id, workload_id, workload_kind, workload_name, state,
      container_id, container_name, stage_name, body, hash)
    SELECT 'h' || h, md5(h || '-' || r), 'w' || r % 50,
      CASE WHEN r % 10 = 0 THEN 'stack' ELSE 'project' END, 'workload-' || r % 50,
      CASE WHEN r = 250 THEN 'stopped' ELSE 'running' END, md5(h || 'c' || r), 'c-' || h || '-' || r,
      CASE WHEN r = 77 THEN 'preview' END,
      '{"id":"x","workloadId":"w","pad":"' || repeat('x', 800) || '"}', md5(h || 'x' || r)
    FROM generate_series(1, ${HOSTS}) AS h, generate_series(1, ${ROWS}) AS r`;
  await sql`ANALYZE`;
  const reader = new HubReader(sql);
  /** Rows of the table that were read, by an index or without, and what was seen. */
  const counted = async (look: () => Promise<unknown>) => {
    const tuples = async () => {
      await sql`SELECT pg_stat_force_next_flush()`;
      const [found] = await sql<[{ read: string }]>`
        SELECT seq_tup_read + idx_tup_fetch AS read FROM pg_stat_user_tables
        WHERE schemaname = 'tinyforge' AND relname = 'containers'`;
      return Number(found.read);
    };
    const before = await tuples();
    const seen = await look();
    return { read: await tuples() - before, seen };
  };
  const all = HOSTS * ROWS;
  for (
    const [filter, shown] of [
      [{}, 20],
      [{ after: "host-0030:8" }, 20],
      [{ host: "host-0007" }, 20],
      [{ state: "stopped" }, 20],
      [{ state: "stopped", after: "host-0035:0" }, 6],
      [{ state: "missing" }, 0],
      [{ kind: "site" }, 0],
      [{ kind: "stack", state: "stopped" }, 20],
      [{ workload: "workload-7" }, 20],
      [{ workload: "workload-7", state: "stopped" }, 0],
      [{ workload: "host-0003:w7" }, 10],
      [{ container: "c-5-5" }, 1],
      [{ container: CONTAINER }, 1],
      [{ container: CONTAINER.slice(0, 12) }, 0],
      [{ stage: "preview" }, 20],
      [{ state: "unknown" }, 0],
    ] as const
  ) {
    const { read, seen } = await counted(async () =>
      rowsOf((await reader.page({ ...filter, limit: 20 })).json).length
    );
    assertEquals(seen, shown, JSON.stringify(filter));
    assert(read < all / 10, `${JSON.stringify(filter)} reads ${read} rows of ${all}`);
  }
  const names = { state: "odd", workload: "odd", stage: "odd" };
  const { read, seen } = await counted(() => reader.unknown(names));
  assertEquals(seen, ["state", "workload", "stage"]);
  assert(read < all / 10, `names that nothing has: ${read} rows of ${all} are read`);
});

function rowsOf(json: Uint8Array): unknown[] {
  return JSON.parse(new TextDecoder().decode(json));
}
