/**
 * What outlives the end of a part while hosts speak: of PostgreSQL, of a hub in the middle of a batch.
 * Real programs and a real standby; hosts are indexes that tell a hub over HTTP.
 * @module
 */

import {
  assert,
  assertEquals,
  assertGreater,
  assertNotEquals,
  assertObjectMatch,
} from "@std/assert";
import {
  admitted,
  hubItems,
  hubRows,
  rowsOf,
  startHub,
  tell,
  type Telling,
} from "../harness/hub.ts";
import { type Cluster, type Standby, startCluster } from "../harness/postgres.ts";
import { TestHost } from "../harness/program.ts";
import { type TempStore, tempStore } from "../harness/temp_store.ts";
import { until } from "../harness/until.ts";
import { openDatabase } from "../../src/hub/database.ts";
import type { Sql } from "../../src/hub/sql.ts";
import { HubClient } from "../../src/hub/hub_client.ts";
import { shownRow } from "./rows.ts";

const HOSTS = ["a", "b", "c", "d"];

/** Where the database is before and after a standby took over. */
function eitherOf(database: string, cluster: Cluster, standby: Standby): string {
  const both = database.replace(cluster.address, `${cluster.address},${standby.address}`);
  return `${both}?target_session_attrs=primary`;
}

interface Writer extends AsyncDisposable {
  readonly name: string;
  readonly temp: TempStore;
  readonly telling: Telling;
  /** Changes a row. */
  write(): void;
}

async function writer(
  hubHost: TestHost,
  { url, name }: { url: string; name: string },
): Promise<Writer> {
  const secret = await admitted(hubHost, { url } as Parameters<typeof admitted>[1], name);
  const temp = await tempStore();
  const { registry, deployed } = temp.store;
  const { workloadId } = registry.create("project", { name: "shop" }).entry;
  let count = 0;
  const telling = tell(temp, { urls: [url], secret });
  return {
    ...{ name, temp, telling },
    write: () => {
      count++;
      deployed.putDeployedContainer({
        ...{ id: `row-${count % 7}`, workloadId, imageTag: String(count) },
      });
    },
    async [Symbol.asyncDispose]() {
      await telling[Symbol.asyncDispose]();
      await temp[Symbol.asyncDispose]();
    },
  };
}

/** Writes at each host, for ever. */
async function keepWriting(writers: readonly Writer[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const each of writers) each.write();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** The states that the hub acknowledged, by host. */
function acknowledged(writers: readonly Writer[]): Map<string, number> {
  return new Map(writers.map(({ name, telling }) => [name, telling.state.seq ?? -1]));
}

/** The states that the database has, by host; null: none. */
async function kept(sql: Sql): Promise<Map<string, number | null>> {
  const hosts = await sql<{ name: string; seq: string | null }[]>`
    SELECT name, seq FROM tinyforge.hosts`;
  return new Map(hosts.map(({ name, seq }) => [name, seq === null ? null : Number(seq)]));
}

/** Loses the first server under load and lets the standby take over; what either had by then. */
async function failOver(
  { synchronous }: { synchronous: boolean },
): Promise<{ acknowledged: Map<string, number>; found: Map<string, number | null> }> {
  await using cluster = await startCluster({ durable: true });
  const database = await cluster.newDatabase();
  await using standby = await cluster.standby({ synchronous });
  await using hubHost = await TestHost.make();
  const url = eitherOf(database, cluster, standby);
  const hub = await startHub(hubHost, { database: url });
  await using open = new AsyncDisposableStack();
  const writers: Writer[] = [];
  for (const name of HOSTS) {
    writers.push(open.use(await writer(hubHost, { url: hub.url, name })));
  }
  const writing = new AbortController();
  const load = keepWriting(writers, writing.signal);
  const told = () => [...acknowledged(writers).values()];
  await until("every host was heard", () => told().every((seq) => seq > 20));
  if (!synchronous) {
    const lsn = await cluster.ask("SELECT pg_current_wal_lsn()");
    await until(
      "the standby has that there are hosts",
      async () =>
        await cluster.ask(`SELECT replay_lsn >= '${lsn}' FROM pg_stat_replication`) === "t",
    );
    await standby.cutOff();
    const before = Math.max(...told());
    await until("more is acknowledged", () => told().every((seq) => seq > before + 20));
  }
  await cluster.lose();
  // An answer that is on its way yet was given before.
  await until(
    "nobody is answered any more",
    () => writers.every(({ telling }) => !telling.state.up),
  );
  const atTheEnd = acknowledged(writers);
  // So that nobody speaks before it is seen what the standby has.
  hub.running.process.kill("SIGSTOP");
  await standby.promote();
  const sql = await openDatabase(database.replace(cluster.address, standby.address), {
    connections: 1,
  });
  try {
    const found = await kept(sql);
    hub.running.process.kill("SIGCONT");
    await until(
      "every host is heard again",
      () => writers.every(({ telling }) => telling.state.up),
      {
        withinMs: 60_000,
      },
    );
    writing.abort();
    await load;
    for (const { name, temp, telling } of writers) {
      await telling.settled();
      assertEquals(await hubRows(hub, hubHost, name), rowsOf(temp), name);
    }
    return { acknowledged: atTheEnd, found };
  } catch (cause) {
    throw new Error(`${(cause as Error).message}; the hub said: ${hub.running.stderr}`, { cause });
  } finally {
    writing.abort();
    await load;
    await sql.end({ timeout: 1 });
  }
}

Deno.test("a synchronous standby that takes over under load has all that was acknowledged", async () => {
  const { acknowledged, found } = await failOver({ synchronous: true });
  for (const [name, seq] of acknowledged) {
    assertGreater(seq, 20);
    assert(
      found.get(name)! >= seq,
      `${name}: ${seq} was acknowledged, ${found.get(name)} is there`,
    );
  }
});

Deno.test("what a standby did not get is told again by the hosts that had told it", async () => {
  const { acknowledged, found } = await failOver({ synchronous: false });
  for (const [name, seq] of acknowledged) {
    // Else nothing was lost, and nothing is shown by this test.
    assert((found.get(name) ?? -1) < seq, `${name}: ${found.get(name)} of ${seq}`);
  }
});

Deno.test("PostgreSQL that starts anew under a hub and its hosts is used again by both", async () => {
  await using cluster = await startCluster({ durable: true });
  await using hubHost = await TestHost.make();
  const hub = await startHub(hubHost, { database: await cluster.newDatabase() });
  await using one = await writer(hubHost, { url: hub.url, name: "one" });
  const writing = new AbortController();
  const load = keepWriting([one], writing.signal);
  for (let i = 0; i < 3; i++) {
    const before = one.telling.state.seq ?? 0;
    await until("it is heard", () => (one.telling.state.seq ?? 0) > before + 5, {
      withinMs: 60_000,
    });
    await cluster.restart();
  }
  writing.abort();
  await load;
  await one.telling.settled();
  assertEquals(await hubRows(hub, hubHost, "one"), rowsOf(one.temp));
});

Deno.test("a hub whose database is away says so and when to ask again, and goes on once it is there", async () => {
  await using cluster = await startCluster({ durable: true });
  await using hubHost = await TestHost.make();
  const hub = await startHub(hubHost, { database: await cluster.newDatabase() });
  await until("it tells people", () => hub.running.stderr.includes("this hub notifies"));
  await using one = await writer(hubHost, { url: hub.url, name: "one" });
  await one.telling.settled();
  const secret = await admitted(hubHost, hub, "two");
  const token = (await Deno.readTextFile(`${hubHost.dataDir}/token`)).trim();
  await cluster.lose();
  // Whoever asks, and whatever the hub was about to do by itself.
  await until(
    "each part of it noticed",
    () =>
      ["database not reached", "the database does not answer", "cannot see what is to be told"]
        .every((text) => hub.running.stderr.includes(text)),
  );
  for (
    const [path, method, bearer] of [
      ["/api/containers", "GET", token],
      ["/api/hosts", "GET", token],
      ["/api/heartbeat", "POST", secret],
    ] as const
  ) {
    const response = await fetch(`${hub.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${bearer}` },
      ...method === "POST" && { body: "{}" },
    });
    const { code } = await response.json();
    assertEquals(
      [response.status, code, response.headers.get("retry-after")],
      [503, "not-ready", "1"],
      path,
    );
  }
  assert(!hub.running.stderr.includes("request failed"), hub.running.stderr);
  one.write();
  await cluster.restart();
  await one.telling.settled();
  assertEquals(await hubRows(hub, hubHost, "one"), rowsOf(one.temp));
  const notifies = () => hub.running.stderr.split("this hub notifies").length - 1;
  await until("it tells people again", () => notifies() === 2);
  const { code, stderr } = await hub.running.stop();
  assertEquals(code, 0, stderr);
});

Deno.test("a hub that is killed in the middle of a batch leaves none of it, and another takes it", async () => {
  await using cluster = await startCluster({ durable: true });
  const database = await cluster.newDatabase();
  await using hubHost = await TestHost.make();
  await using otherHost = await TestHost.make();
  const hub = await startHub(hubHost, { database });
  const other = await startHub(otherHost, { database });
  const secret = await admitted(hubHost, hub, "one");
  await using temp = await tempStore();
  const { workloadId } = temp.store.registry.create("project", { name: "shop" }).entry;
  const put = (id: string, imageTag: string) =>
    temp.store.deployed.putDeployedContainer({ id, workloadId, imageTag });
  for (let i = 0; i < 50; i++) put(`row-${i}`, "1");
  await using telling = tell(temp, { urls: [hub.url, other.url], secret });
  await telling.settled();
  const before = await hubRows(other, otherHost, "one");

  const sql = await openDatabase(database, { connections: 3 });
  try {
    // The batch is written up to its last row, which somebody holds on to; so it is not committed.
    const holding = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const holder = sql.begin(async (tx) => {
      await tx`SELECT FROM tinyforge.containers WHERE id = 'row-9' FOR UPDATE`;
      held.resolve();
      await holding.promise;
    });
    await held.promise;
    temp.store.atOnce("Cannot fill", () => {
      for (let i = 0; i < 50; i++) put(`row-${i}`, "2");
    });
    await until("the hub is in the middle", async () => {
      const [{ waiting }] = await sql<[{ waiting: number }]>`
        SELECT count(*)::integer AS waiting FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND query ILIKE '%INSERT INTO tinyforge.containers%'`;
      return waiting > 0;
    });
    await hub.running.stop("SIGKILL");
    holding.resolve();
    await holder;
    // The killed hub's connection is gone, and with it what it had begun.
    await until("the database noticed", async () => {
      const [{ open }] = await sql<[{ open: number }]>`
        SELECT count(*)::integer AS open FROM pg_stat_activity
        WHERE query ILIKE '%INSERT INTO tinyforge.containers%' AND state <> 'idle'
          AND pid <> pg_backend_pid()`;
      return open === 0;
    });
    await telling.settled();
    const after = await hubRows(other, otherHost, "one");
    assertEquals(after, rowsOf(temp));
    assertNotEquals(after, before);
  } finally {
    await sql.end({ timeout: 1 });
  }
});

Deno.test("two hubs over one database take one host's messages in turn, each once", async () => {
  await using cluster = await startCluster();
  const database = await cluster.newDatabase();
  await using hubHost = await TestHost.make();
  await using otherHost = await TestHost.make();
  const [hub, other] = await Promise.all([
    startHub(hubHost, { database }),
    startHub(otherHost, { database }),
  ]);
  const secret = await admitted(hubHost, hub, "one");
  using client = new HubClient(hub.url, { secret, ca: null });
  using otherClient = new HubClient(other.url, { secret, ca: null });
  const { signal } = new AbortController();
  const hello = await client.ask("/api/hello", {
    ...{ protocol: 1, epoch: "e", seq: 1, run: "r", attempt: 1, version: "1", machine: "m" },
  }, signal);
  const { session } = hello.body as { session: number };
  const said = { session, epoch: "e" };
  const first = { ...said, to: 1, from: null, rows: [shownRow("a", { imageTag: "0" })] };
  await client.ask("/api/ingest", first, signal);
  for (let seq = 1; seq < 40; seq++) {
    const batch = {
      ...{ ...said, from: seq, to: seq + 1, gone: [] },
      rows: [shownRow("a", { imageTag: String(seq) })],
    };
    // As a host that was not answered, and asks the next hub while the first still works on it.
    const answers = await Promise.all(
      [client, otherClient].map((each) => each.ask("/api/ingest", batch, signal)),
    );
    for (const { body } of answers) {
      assertObjectMatch(body as Record<string, unknown>, { result: "ok", seq: seq + 1 });
    }
    const [row] = await hubItems(
      seq % 2 === 0 ? hub : other,
      seq % 2 === 0 ? hubHost : otherHost,
      "/api/containers",
    );
    assertEquals(row!.imageTag, String(seq));
  }
  // What a hub heard, the other shows as alive.
  for (const [each, host] of [[hub, hubHost], [other, otherHost]] as const) {
    const [view] = await hubItems(each, host, "/api/hosts");
    assertEquals([view!.name, view!.state, view!.rows], ["one", "known", 1]);
  }
});
