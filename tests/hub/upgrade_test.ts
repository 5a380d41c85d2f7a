/** A database that hubs of before made is brought to what stands now, with what is in it. @module */

import { assert, assertEquals } from "@std/assert";
import postgres from "postgres";
import { openDatabase } from "../../src/hub/database.ts";
import { expel } from "../../src/hub/enrolment.ts";
import { listChannels } from "../../src/hub/hub_channels.ts";
import { HubPast } from "../../src/hub/hub_past.ts";
import { listRules } from "../../src/hub/hub_rules.ts";
import { listContainers } from "../../src/hub/hub_views.ts";
import { ingest } from "../../src/hub/ingest.ts";
import { readIngest } from "../../src/hub/protocol.ts";
import { hubRow } from "../../src/hub/row.ts";
import type { Sql } from "../../src/hub/sql.ts";
import { sharedCluster } from "../harness/postgres.ts";
import { until } from "../harness/until.ts";
import { minutesBefore, shownRow, toldChange } from "./rows.ts";

const cluster = sharedCluster();

const MIGRATIONS = new URL("../../src/hub/migrations/", import.meta.url);

/** Brings it to what stood before this migration. */
async function before(url: string, name: string, fill: (sql: Sql) => Promise<unknown>) {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  const files: string[] = [];
  for await (const file of Deno.readDir(MIGRATIONS)) files.push(file.name.replace(".sql", ""));
  await sql.unsafe(`CREATE SCHEMA tinyforge; CREATE TABLE tinyforge.schema_migrations (
    version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`);
  for (const [i, file] of files.sort().filter((file) => file < name).entries()) {
    await sql.unsafe(await Deno.readTextFile(new URL(`${file}.sql`, MIGRATIONS)));
    await sql`INSERT INTO tinyforge.schema_migrations (version, name) VALUES (${i + 1}, ${file})`;
  }
  await fill(sql);
  await sql.end();
}

/** A host with a row `a`, as it stood in a database of before. */
async function keptBefore(sql: Sql, name: string): Promise<void> {
  await sql`INSERT INTO tinyforge.hosts (id, name, secret_hash, session, epoch, seq, row_count)
    VALUES (${name}, ${name}, ${name}, 1, 'e', 1, 1)`;
  const { body, hash } = hubRow(shownRow("a"));
  await sql`INSERT INTO tinyforge.containers
    (host_id, id, workload_id, workload_kind, workload_name, state, container_id, body, hash)
    VALUES (${name}, 'a', 'w', 'project', 'shop', 'running', 'c-a', ${body}, ${hash})`;
}

Deno.test("openDatabase() brings a database of before the hosts' own indexes on, with its rows", async () => {
  const url = await cluster.newDatabase();
  const made = await openDatabase(await cluster.newDatabase());
  const indexes = (sql: Sql) =>
    sql<{ name: string; definition: string }[]>`
      SELECT indexname AS name, indexdef AS definition FROM pg_indexes
      WHERE schemaname = 'tinyforge' AND tablename = 'containers' ORDER BY indexname`
      .then((rows) => rows.map(({ name, definition }) => `${name}: ${definition}`));
  await before(url, "0006", async (older) => {
    for (const name of ["alpha", "beta"]) await keptBefore(older, name);
  });

  const sql = await openDatabase(url);
  try {
    assertEquals(await indexes(sql), await indexes(made));
    for (const index of await indexes(sql)) assert(index.includes("(host_id, "), index);
    const shown = async () =>
      (await listContainers(sql, { limit: 9 })).map(({ host, id, lastState }) =>
        `${host}/${id} ${lastState}`
      );
    assertEquals(await shown(), ["alpha/a running", "beta/a running"]);
    const change = {
      session: 1,
      epoch: "e",
      from: 1,
      to: 2,
      rows: [shownRow("a", { state: "x" })],
    };
    assertEquals((await ingest(sql, "alpha", readIngest(change))).result, "ok");
    assertEquals(await shown(), ["alpha/a x", "beta/a running"]);
    // Rows go with their host, whoever removes it.
    await expel(sql, "alpha");
    await sql`DELETE FROM tinyforge.hosts WHERE name = 'beta'`;
    assertEquals(await sql`SELECT FROM tinyforge.containers`.then(({ length }) => length), 0);
  } finally {
    await sql.end({ timeout: 1 });
    await made.end({ timeout: 1 });
  }
});

Deno.test("openDatabase() waits for a hub of before that is in the middle of something, and is not in its way", async () => {
  const url = await cluster.newDatabase();
  await before(url, "0006", (older) => keptBefore(older, "alpha"));
  const hub = postgres(url, { max: 2, onnotice: () => {} });
  let opening: Promise<Sql> | undefined;
  await hub.begin(async (tx) => {
    // As it takes in a batch: the host first, then its rows.
    await tx`SELECT FROM tinyforge.hosts WHERE id = 'alpha' FOR UPDATE`;
    opening = openDatabase(url);
    await until("it waits for this", async () => {
      const [{ waiting }] = await hub<[{ waiting: number }]>`
        SELECT count(*)::integer AS waiting FROM pg_locks WHERE NOT granted`;
      return waiting > 0;
    });
    await tx`UPDATE tinyforge.containers SET state = 'x' WHERE host_id = 'alpha'`;
  });
  const sql = await opening!;
  const [{ state }] = await sql<[{ state: string }]>`SELECT state FROM tinyforge.containers`;
  assertEquals(state, "x");
  await sql.end({ timeout: 1 });
  await hub.end({ timeout: 1 });
});

Deno.test("openDatabase() lets others go on while one of them leaves no room, and keeps what is done", async () => {
  const url = await cluster.newDatabase();
  await before(url, "0006", (older) => keptBefore(older, "alpha"));
  const reader = postgres(url, { max: 2, onnotice: () => {} });
  let opening: Promise<Sql> | undefined;
  let read = 0;
  await reader.begin(async (tx) => {
    await tx`SELECT FROM tinyforge.containers`;
    opening = openDatabase(url);
    // Longer than it waits at a time: whoever comes meanwhile is not kept until this one ends.
    const end = performance.now() + 4500;
    await until("others read", async () => {
      await reader`SELECT FROM tinyforge.hosts`;
      read++;
      return performance.now() > end;
    });
  });
  assert(read > 10, `${read} reads in 4.5 s`);
  const sql = await opening!;
  const names = await sql<{ name: string }[]>`
    SELECT name FROM tinyforge.schema_migrations ORDER BY version`;
  const files = await Array.fromAsync(Deno.readDir(MIGRATIONS));
  assertEquals(names.map(({ name }) => `${name}.sql`), files.map(({ name }) => name).sort());
  await sql.end({ timeout: 1 });
  await reader.end({ timeout: 1 });
});

Deno.test("openDatabase() makes rules of what channels of before were told, and keeps what waits for them", async () => {
  const url = await cluster.newDatabase();
  const old = (name: string, more: string) =>
    `INSERT INTO tinyforge.channels (id, name, type, config, secrets, kinds, min_severity,
      remind_after_ms, created_at) VALUES ('id of ${name}', '${name}', 'webhook', '{}',
      '{"url":"x"}', ${more})`;
  await before(url, "0007", async (sql) => {
    await sql.unsafe(old("ops", `NULL, 'high', 3600000, '2026-01-01Z'`));
    await sql.unsafe(old("kin", `'["oom","stuck"]', 'low', NULL, '2026-01-02Z'`));
    await sql.unsafe(`INSERT INTO tinyforge.notices (id, kind, content, created_at)
      VALUES ('n', 'opened', '{}', 1)`);
    await sql.unsafe(
      `INSERT INTO tinyforge.deliveries (seq, notice_id, channel_id, queued_at, next_at)
      VALUES (1, 'n', 'id of ops', 1, 1)`,
    );
  });
  const sql = await openDatabase(url);
  try {
    assertEquals(
      (await listRules(sql)).map(({ id: _, ...rule }) => rule),
      [
        {
          ...{ workloads: null, hosts: null, kinds: null, minSeverity: "high" },
          ...{ channels: ["id of ops"], remindAfterMs: 3_600_000 },
        },
        {
          ...{ workloads: null, hosts: null, kinds: ["oom", "stuck"], minSeverity: "low" },
          ...{ channels: ["id of kin"], remindAfterMs: null },
        },
      ],
    );
    const channels = await listChannels(sql);
    assertEquals(channels.map(({ name, fallbackId }) => [name, fallbackId]), [
      ...[["ops", null], ["kin", null]],
    ]);
    const [{ waiting }] = await sql<[{ waiting: number }]>`
      SELECT count(*)::integer AS waiting FROM tinyforge.deliveries WHERE state = 'queued'`;
    assertEquals(waiting, 1);
    // A hub of the version before, which still runs, adds a channel as it knows them.
    await sql.unsafe(old("late", `NULL, 'high', NULL, '2026-01-03Z'`));
    assertEquals((await listChannels(sql)).length, 3);
    const rules = async () =>
      (await listRules(sql)).map(({ channels, minSeverity }) => `${channels} ${minSeverity}`);
    assertEquals(await rules(), ["id of ops high", "id of kin low", "id of late high"]);
    // It removes one as well.
    await sql`DELETE FROM tinyforge.channels WHERE name = 'ops'`;
    assertEquals(await rules(), ["id of kin low", "id of late high"]);
  } finally {
    await sql.end({ timeout: 1 });
  }
  // Once is enough.
  await (await openDatabase(url)).end({ timeout: 1 });
});

Deno.test("openDatabase() brings a database of before the past was told on, and knows of it what it may", async () => {
  const url = await cluster.newDatabase();
  const now = Date.now();
  const ago = minutesBefore(now);
  await before(url, "0008", async (older) => {
    await keptBefore(older, "alpha");
    const day = (at: number) => new Date(at).toISOString().slice(0, 10);
    const [today, tomorrow] = [day(now), day(now + 86_400_000)];
    await older.unsafe(`CREATE TABLE tinyforge.transitions_${today.replaceAll("-", "")}
      PARTITION OF tinyforge.transitions
      FOR VALUES FROM ('${today} 00:00:00+00') TO ('${tomorrow} 00:00:00+00')`);
    const body = JSON.stringify(toldChange(ago, 1, 30, { workloadId: "w" }));
    await older`INSERT INTO tinyforge.transitions (host_id, epoch, seq, row_id, workload_id, at, body)
      VALUES ('alpha', 'e', 1, 'a', 'w', ${ago(30)}, ${body})`;
  });
  const sql = await openDatabase(url);
  try {
    const past = new HubPast({ sql, now: () => now });
    const { items, watched, forgottenUntil } = await past.at(now - 60_000);
    assertEquals(items.map(({ id, state }) => `${id} ${state}`), ["alpha:a running"]);
    // The host has not said yet what it watched, nor what it had forgotten when it joined.
    assertEquals([watched, forgottenUntil !== null], [false, true]);
    const { items: happened } = await past.history({ audit: false, limit: 10, host: "alpha" });
    assertEquals(happened.map(({ what, row }) => `${what} ${row}`), ["transition alpha:a"]);
    const [{ count }] = await sql<[{ count: number }]>`
      SELECT count(*)::integer AS count FROM pg_indexes WHERE schemaname = 'tinyforge'
        AND indexname = 'transitions_of_host'`;
    assertEquals(count, 1);
  } finally {
    await sql.end({ timeout: 1 });
  }
});
