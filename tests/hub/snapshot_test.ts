/** Snapshots as messages, whatever a hub has already: afterwards it has what was told. @module */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { admit, enroll } from "../../src/hub/enrolment.ts";
import { greet } from "../../src/hub/hub_store.ts";
import { ingest } from "../../src/hub/ingest.ts";
import { readIngestText } from "../../src/hub/ingest_text.ts";
import { readHello, readIngest } from "../../src/hub/protocol.ts";
import { hubRow } from "../../src/hub/row.ts";
import type { Sql } from "../../src/hub/sql.ts";
import { openTestDatabase, sharedCluster } from "../harness/postgres.ts";
import { shownRow } from "./rows.ts";

const cluster = sharedCluster();

/** A host that was let in and greeted. */
async function hostOf(sql: Sql): Promise<string> {
  const { host } = (await admit(sql, (await enroll(sql, "alpha")).token))!;
  const hello = { protocol: 1, epoch: "e", seq: 0, run: "r", attempt: 1, version: "1" };
  await greet(sql, host, readHello({ ...hello, machine: "m", transitionSeq: 0 }));
  return host;
}

/** As hosts send it: long enough that its rows are told apart as texts. */
function sent(message: object, rows: readonly unknown[]) {
  return readIngestText(
    JSON.stringify({ session: 1, epoch: "e", pad: " ".repeat(5000), ...message, rows }),
  );
}

/** What is kept: id and hash of each row, what is beside its body, and how many there are said to be. */
async function kept(sql: Sql) {
  const rows = await sql<Record<string, string | null>[]>`
    SELECT id, hash, body, container_name AS name, health, stage_name AS stage FROM tinyforge.containers ORDER BY id`;
  const [{ count }] = await sql<[{ count: number }]>`
    SELECT row_count::integer AS count FROM tinyforge.hosts`;
  return { rows: rows.map((row) => ({ ...row })), count };
}

function asKept(rows: readonly Record<string, unknown>[]) {
  const all = rows.map((row) => hubRow(row))
    .map(({ id, hash, body, containerName: name, health, stageName: stage }) => (
      { id, hash, body, name, health, stage }
    ));
  return { rows: all.sort((a, b) => compareBytes(a.id, b.id)), count: all.length };
}

/** As PostgreSQL orders texts of bytes. */
function compareBytes(a: string, b: string): number {
  const [x, y] = [a, b].map((text) => new TextEncoder().encode(text).toHex()) as [string, string];
  return x < y ? -1 : x > y ? 1 : 0;
}

const anyRow = fc.record({
  id: fc.constantFrom("a", "b", "c", "d", "größe", "\ue000", "🦊", '},{"id":'),
  state: fc.constantFrom("running", "stopped"),
  health: fc.constantFrom(null, null, "healthy"),
  stageName: fc.constantFrom(null, null, null, "preview"),
  containerName: fc.constantFrom(null, "web", "größe", "\u001f", "\u001e", 'a"b', "a\\b"),
  ofTheFuture: fc.option(fc.constant([{ id: 1 }, { id: 2 }]), { nil: undefined }),
}).map(({ id, ...changes }) => JSON.parse(JSON.stringify(shownRow(id, changes))));

const anyRows = fc.uniqueArray(anyRow, { selector: ({ id }) => id, maxLength: 8 })
  .map((rows) => rows.sort((a, b) => compareBytes(a.id, b.id)));

Deno.test("a hub has after a snapshot the rows that were told, whatever it had before", async () => {
  await using database = await openTestDatabase(cluster, { connections: 1 });
  const { sql } = database;
  const host = await hostOf(sql);
  let seq = 0;
  let [first, changed] = [0, 0];
  await fc.assert(
    fc.asyncProperty(
      anyRows,
      fc.option(fc.nat({ max: 7 })),
      fc.boolean(),
      async (rows, cut, forget) => {
        if (forget) {
          // As it is before the first one.
          await sql`DELETE FROM tinyforge.containers`;
          await sql`UPDATE tinyforge.hosts SET row_count = 0`;
          if (rows.length > 0) first++;
        } else if (rows.length > 0) changed++;
        const end = cut === null ? rows.length : Math.min(cut, rows.length);
        const upTo = cut === null || end === 0 ? null : rows[end - 1].id as string;
        const to = ++seq;
        if (upTo !== null) {
          const part = sent({ to, upTo }, rows.slice(0, end));
          assertEquals((await ingest(sql, host, part)).result, "ok");
        }
        const last = sent({ to, after: upTo }, upTo === null ? rows : rows.slice(end));
        assertEquals((await ingest(sql, host, last)).result, "ok");
        assertEquals(await kept(sql), asKept(rows));
      },
    ),
    { numRuns: 120 },
  );
  assert(first > 20 && changed > 20);
});

Deno.test("a hub takes rows that are not within the part of a snapshot that they are told in", async () => {
  await using database = await openTestDatabase(cluster, { connections: 1 });
  const { sql } = database;
  const host = await hostOf(sql);
  const rows = ["a", "m", "z"].map((id) => shownRow(id));
  await ingest(sql, host, readIngest({ session: 1, epoch: "e", to: 1, rows }));
  const stopped = ["a", "z"].map((id) => shownRow(id, { state: "stopped" }));
  const part = sent({ to: 2, upTo: "b" }, stopped);
  assertEquals((await ingest(sql, host, part)).result, "ok");
  assertEquals(await kept(sql), asKept([stopped[0]!, rows[1]!, stopped[1]!]));
  const last = sent({ to: 2, after: "b" }, [shownRow("a"), rows[1]!]);
  assertEquals((await ingest(sql, host, last)).result, "ok");
  assertEquals(await kept(sql), asKept([rows[0]!, rows[1]!]));
});
