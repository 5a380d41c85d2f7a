/** Databases that hubs made before, brought to what stands now. @module */

import { assert, assertEquals } from "@std/assert";
import postgres from "postgres";
import { openDatabase } from "../../src/hub/database.ts";
import { expel } from "../../src/hub/enrolment.ts";
import { ingest } from "../../src/hub/ingest.ts";
import { listContainers } from "../../src/hub/hub_views.ts";
import { readIngest } from "../../src/hub/protocol.ts";
import { hubRow } from "../../src/hub/row.ts";
import type { Sql } from "../../src/hub/sql.ts";
import { startCluster } from "../harness/postgres.ts";
import { shownRow } from "./rows.ts";

const FOLDER = new URL("../../src/hub/migrations/", import.meta.url);

/** Makes of a database what the first `count` migrations make. */
async function madeBefore(sql: Sql, count: number): Promise<void> {
  const files = await Array.fromAsync(Deno.readDir(FOLDER));
  const names = files.map(({ name }) => name).sort().slice(0, count);
  await sql`CREATE SCHEMA tinyforge`;
  await sql`CREATE TABLE tinyforge.schema_migrations (
    version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`;
  for (const [i, name] of names.entries()) {
    await sql.unsafe(await Deno.readTextFile(new URL(name, FOLDER)));
    await sql`INSERT INTO tinyforge.schema_migrations (version, name)
      VALUES (${i + 1}, ${name.replace(".sql", "")})`;
  }
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
  await using cluster = await startCluster();
  const url = await cluster.newDatabase();
  const made = await openDatabase(await cluster.newDatabase());
  const indexes = (sql: Sql) =>
    sql<{ name: string; definition: string }[]>`
      SELECT indexname AS name, indexdef AS definition FROM pg_indexes
      WHERE schemaname = 'tinyforge' AND tablename = 'containers' ORDER BY indexname`
      .then((rows) => rows.map(({ name, definition }) => `${name}: ${definition}`));
  const older = postgres(url, { max: 1, onnotice: () => {} });
  await madeBefore(older, 5);
  for (const name of ["alpha", "beta"]) await keptBefore(older, name);
  await older.end();

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
