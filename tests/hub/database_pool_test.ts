/** Connections to a real PostgreSQL that are lost at any moment, and what is asked over them. @module */

import { assert, assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import postgres from "postgres";
import { openDatabase } from "../../src/hub/database.ts";
import { openAlone, openPool } from "../../src/hub/database_pool.ts";
import { AwaitedAnswers } from "../../src/hub/database_answers.ts";
import { DatabaseSocket } from "../../src/hub/database_socket.ts";
import type { Sql } from "../../src/hub/sql.ts";
import { isDatabaseAway } from "../../src/server/database_away.ts";
import { type Cluster, openTestDatabase, startCluster } from "../harness/postgres.ts";
import { until } from "../harness/until.ts";

/** Ends each connection to the clusters' databases but that of who asks. */
const cut = (cluster: Cluster) =>
  cluster.ask(
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname LIKE 'test%'",
  );

const answers = async (sql: Sql) => {
  await Promise.all(Array.from({ length: 30 }, () => sql`SELECT pg_sleep(0.01)`));
  return true;
};

Deno.test("openPool() answers each statement though connections are lost at any moment, and goes on", async () => {
  await using cluster = await startCluster();
  await using database = await openTestDatabase(cluster);
  const { sql } = database;
  const counts = { asked: 0, answered: 0, failed: 0 };
  const strange: unknown[] = [];
  const asking = new AbortController();
  const one = async (ask: () => Promise<unknown>) => {
    counts.asked++;
    try {
      await ask();
      counts.answered++;
    } catch (error) {
      counts.failed++;
      if (!isDatabaseAway(error)) strange.push(error);
    }
  };
  // Whoever asks because of a timer may do so between any two things that the driver does.
  const asker = async (i: number) => {
    while (!asking.signal.aborted) {
      await one(() => sql`SELECT ${i}::integer`);
      await new Promise((resolve) => setTimeout(resolve, i % 4));
      await one(() =>
        sql.begin(async (tx) => {
          await tx`SELECT ${i}::integer`;
          await new Promise((resolve) => setTimeout(resolve, i % 3));
          await tx`SELECT pg_sleep(0.001)`;
        })
      );
    }
  };
  const askers = Array.from({ length: 24 }, (_, i) => asker(i));
  for (let i = 0; i < 25; i++) {
    const { answered } = counts;
    await until("it goes on", () => counts.answered > answered + 30);
    if (i % 8 === 7) await cluster.restart();
    else await cut(cluster);
  }
  asking.abort();
  await Promise.all(askers);
  assertEquals(counts.answered + counts.failed, counts.asked);
  assertEquals(strange, []);
  // No connection is left that waits for what never comes.
  const began = performance.now();
  assertEquals(await answers(sql), true);
  assertLess(performance.now() - began, 5000);
});

Deno.test("openPool() fails a transaction that goes on after its connection was lost", async () => {
  await using cluster = await startCluster();
  await using database = await openTestDatabase(cluster);
  const { sql } = database;
  for (const restMs of [0, 20, 200, 1500]) {
    const error = await assertRejects(() =>
      sql.begin(async (tx) => {
        await tx`SELECT 1`;
        await cut(cluster);
        await new Promise((resolve) => setTimeout(resolve, restMs));
        await tx`SELECT 2`;
      })
    );
    assertEquals(isDatabaseAway(error), true, String(error));
    assertEquals(await answers(sql), true);
  }
});

/** Connections that are given up after 0.3 s without an answer. */
async function impatient(cluster: Cluster): Promise<Sql> {
  const [, port] = cluster.address.split(":");
  return openPool(await cluster.newDatabase(), {
    connections: 1,
    socket: (onLost) =>
      new DatabaseSocket({
        ...{ onLost, tls: null, answerMs: () => 300 },
        host: () => Promise.resolve({ host: "127.0.0.1", port: Number(port) }),
      }),
  });
}

Deno.test("openPool() gives up a server that is silent, and asks over another connection", async () => {
  await using cluster = await startCluster();
  const sql = await impatient(cluster);
  const [{ pid }] = await sql<[{ pid: number }]>`SELECT pg_backend_pid() AS pid`;
  // While nothing is asked, nothing need be said.
  await new Promise((resolve) => setTimeout(resolve, 600));
  const [again] = await sql<[{ pid: number }]>`SELECT pg_backend_pid() AS pid`;
  assertEquals(again.pid, pid);
  Deno.kill(pid, "SIGSTOP");
  try {
    // Also what follows another over the same connection.
    for (const asked of await Promise.allSettled([sql`SELECT 1`, sql`SELECT 2`])) {
      assert(asked.status === "rejected");
      assertStringIncludes(String(asked.reason), "the database is silent for 0.3 s");
      assertEquals(isDatabaseAway(asked.reason), true);
    }
    assertEquals((await sql`SELECT 1 AS one`)[0]!.one, 1);
  } finally {
    Deno.kill(pid, "SIGCONT");
    await sql.end({ timeout: 1 });
  }
});

Deno.test("openAlone() says when its connection is lost, and is told until then", async () => {
  await using cluster = await startCluster();
  await using database = await openTestDatabase(cluster);
  const told: string[] = [];
  await using alone = openAlone(database.sql, (text) => void told.push(text));
  await alone.sql`LISTEN something`;
  await database.sql`SELECT pg_notify('something', 'hello')`;
  await until("it is told", () => told.length === 1);
  assertEquals(alone.lost.aborted, false);
  await cut(cluster);
  await until("it is lost", () => alone.lost.aborted);
  assertEquals(told, ["hello"]);
});

Deno.test("openAlone() keeps a connection over which nothing is told for longer than an answer takes", async () => {
  await using cluster = await startCluster();
  const sql = await impatient(cluster);
  const told: string[] = [];
  {
    await using alone = openAlone(sql, (text) => void told.push(text));
    await alone.sql`LISTEN something`;
    for (const text of ["one", "two"]) {
      await sql`SELECT pg_notify('something', ${text})`;
      await until("it is told", () => told.at(-1) === text);
      await new Promise((resolve) => setTimeout(resolve, 600));
    }
    assertEquals(alone.lost.aborted, false);
  }
  await sql.end({ timeout: 1 });
});

Deno.test("AwaitedAnswers counts what is asked and answered, however it is cut", () => {
  const message = (type: string, length: number) =>
    [type.charCodeAt(0), 0, 0, 0, 4 + length].concat(
      Array(length).fill("Z".charCodeAt(0)),
    );
  const answers = new AwaitedAnswers();
  assertEquals(answers.isOwed, false);
  answers.asked(new Uint8Array([0, 0, 0, 4]));
  for (const byte of [...message("R", 4), ...message("S", 30)]) {
    answers.told(new Uint8Array([byte]));
    assertEquals([answers.isOwed, answers.isReady], [true, false]);
  }
  answers.told(new Uint8Array(message("Z", 1)));
  assertEquals([answers.isOwed, answers.isReady], [false, true]);
  // Two at once; and of one it is asked first what it would be.
  answers.asked(new Uint8Array([...message("Q", 9), ...message("P", 9), ...message("H", 0)]));
  answers.told(new Uint8Array([...message("D", 90), ...message("Z", 1)]));
  answers.asked(new Uint8Array([...message("B", 9), ...message("S", 0)]));
  assertEquals(answers.isOwed, true);
  answers.told(new Uint8Array([...message("Z", 1), ...message("A", 40)]));
  assertEquals(answers.isOwed, false);
});

Deno.test("isDatabaseAway() takes for away a server that takes too long, or lets nobody in", async () => {
  await using cluster = await startCluster();
  const url = await cluster.newDatabase();
  const failing = async (act: () => PromiseLike<unknown>) => {
    try {
      await act();
    } catch (error) {
      return isDatabaseAway(error);
    }
    return null;
  };
  const sql = await openDatabase(url, { connections: 1 });
  assertEquals(
    await failing(() =>
      sql.begin(async (tx) => {
        await tx`SET LOCAL statement_timeout = '10ms'`;
        await tx`SELECT pg_sleep(10)`;
      })
    ),
    true,
  );
  assertEquals(await failing(() => sql`SELECT no_such_column`), false);
  await sql.end();
  const name = new URL(url).pathname.slice(1);
  await cluster.ask(`ALTER DATABASE "${name}" ALLOW_CONNECTIONS false`);
  const shut = postgres(url, { max: 1, ssl: false, onnotice: () => {} });
  assertEquals(await failing(() => shut`SELECT 1`), true);
  await shut.end();
});
