/**
 * Statements that a hub reads a great many rows by: that each filtered page looks into an index, which
 * a plan tells and a clock on a busy machine does not.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { collected } from "../../src/bytes.ts";
import { HubPast } from "../../src/hub/hub_past.ts";
import { HubReader } from "../../src/hub/hub_reader.ts";
import type { Sql } from "../../src/hub/sql.ts";
import { openTestDatabase, sharedCluster } from "../harness/postgres.ts";
import { minutesBefore, toldChange } from "./rows.ts";

const cluster = sharedCluster();

const HOSTS = 40;
const ROWS = 500;
/** Id of that of row 5 of host 5: `md5('5c5')`. */
const CONTAINER = "843f21f8dd0826c1c6df673cf8ab8842";

/** What happened on one host, and a little more: of all there is less than a thirtieth. */
const MOST_READ = 650;

Deno.test("a filtered page of a hub reads no more rows than it shows, but a few", async () => {
  await using database = await openTestDatabase(cluster, { connections: 1 });
  const { sql } = database;
  await addHosts(sql);
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
    const before = await tuplesRead(sql, "containers");
    const seen = await look();
    return { read: await tuplesRead(sql, "containers") - before, seen };
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
      rowsOf(collected((await reader.page({ ...filter, limit: 20 })).rows).bytes).length
    );
    assertEquals(seen, shown, JSON.stringify(filter));
    assert(read < all / 10, `${JSON.stringify(filter)} reads ${read} rows of ${all}`);
  }
  const names = { state: "odd", workload: "odd", stage: "odd" };
  const { read, seen } = await counted(() => reader.unknown(names));
  assertEquals(seen, ["state", "workload", "stage"]);
  assert(read < all / 10, `names that nothing has: ${read} rows of ${all} are read`);
});

Deno.test("a page of a hub's past reads no more of what happened than it tells, but a few", async () => {
  await using database = await openTestDatabase(cluster, { connections: 1 });
  const { sql } = database;
  await addHosts(sql);
  const ago = minutesBefore(Date.now());
  const told = JSON.stringify(toldChange(ago, 1, 60, { rowId: "ROW", workloadId: "w1" }));
  await sql`
    INSERT INTO tinyforge.transitions (host_id, epoch, seq, row_id, workload_id, at, body)
    SELECT 'h' || h, 'e', n, 'r' || n % 50, 'w' || n % 10, at,
      replace(replace(${told}, 'ROW', 'r' || n % 50), ${ago(60)}, at)
    FROM generate_series(1, ${ROWS}) AS n, generate_series(1, ${HOSTS}) AS h,
      LATERAL (SELECT to_char(now() AT TIME ZONE 'UTC' - (${ROWS} - n) * interval '1 minute'
        - h * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at) AS moments
    ORDER BY n, h`;
  await sql`ANALYZE`;
  const past = new HubPast({ sql, now: () => Date.now() });
  const history = (query: object) => async () =>
    (await past.history({ audit: false, limit: 20, ...query })).items.length;
  const host = "host-0007";
  for (
    const [what, shown, look] of [
      ["all", 20, history({})],
      ["further back", 20, history({ before: `${ago(ROWS / 2)}.3.0` })],
      ["a window", 20, history({ from: ago(200), until: ago(190) })],
      ["a host", 20, history({ host })],
      ["a workload", 20, history({ workloadIds: [`${host}:w3`] })],
      ["a workload on many hosts", 20, history({ workloadIds: namesakes(60) })],
      ["a row", 10, history({ rowId: `${host}:r3` })],
      [
        "a host's index",
        50,
        async () => (await past.at(Date.now() - 10_800_000, { host })).items.length,
      ],
      ["a workload's availability", 1, async () => {
        const window = { from: Date.now() - 10_800_000, until: Date.now(), maxSpans: 9 };
        const workloadIds = [`${host}:w3`];
        return (await past.availability({ ...window, workloadIds })).workloads.length;
      }],
    ] as const
  ) {
    const before = await tuplesRead(sql, "transitions\\_%");
    assertEquals(await look(), shown, what);
    const read = await tuplesRead(sql, "transitions\\_%") - before;
    assert(read <= MOST_READ, `${what} reads ${read} of ${HOSTS * ROWS}`);
  }
});

/** A workload of one name on each of so many hosts, some of which there are. */
function namesakes(count: number): string[] {
  return Array.from(
    { length: count },
    (_, i) => `host-${String(i + 1).padStart(4, "0")}:w3`,
  );
}

/** Rows of tables that were read so far, by an index or without. */
async function tuplesRead(sql: Sql, tables: string): Promise<number> {
  await sql`SELECT pg_stat_force_next_flush()`;
  const [found] = await sql<[{ read: string }]>`
    SELECT coalesce(sum(seq_tup_read + idx_tup_fetch), 0) AS read FROM pg_stat_user_tables
    WHERE schemaname = 'tinyforge' AND relname LIKE ${tables}`;
  return Number(found.read);
}

function rowsOf(json: Uint8Array): unknown[] {
  return JSON.parse(`[${new TextDecoder().decode(json)}]`);
}

async function addHosts(sql: Sql): Promise<void> {
  await sql`
    INSERT INTO tinyforge.hosts (id, name, secret_hash, epoch, seq, heard_at, lease_until, fresh)
    SELECT 'h' || n, 'host-' || lpad(n::text, 4, '0'), 's' || n, 'e', 1, now(),
      now() + interval '1 hour', true FROM generate_series(1, ${HOSTS}) AS n`;
}
