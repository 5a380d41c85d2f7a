/**
 * What a host and a hub of one release say to each other, written down: for what comes after it to be
 * held against. `deno task record:hub` writes the present release's.
 *
 * @module
 */

import deno from "../../deno.json" with { type: "json" };
import { openDatabase } from "../../src/hub/database.ts";
import { Dialer, type HubAnswer } from "../../src/hub/dialer.ts";
import { HubClient } from "../../src/hub/hub_client.ts";
import { Log } from "../../src/telemetry/log.ts";
import { admitted, startHub } from "../harness/hub.ts";
import { startCluster } from "../harness/postgres.ts";
import { problem, writeProblems } from "../harness/problems.ts";
import { TestHost } from "../harness/program.ts";
import { type TempStore, tempStore } from "../harness/temp_store.ts";

const { Database } = await import("@db/sqlite");

/** A message and what was answered to it. */
export interface Exchange {
  readonly path: "/api/hello" | "/api/ingest" | "/api/heartbeat";
  readonly body: Record<string, unknown>;
  readonly status: number;
  readonly answer: Record<string, unknown>;
}

/** All that was said, in order, between a new host and its hub. */
export interface Conversation {
  /** The program's version. */
  readonly version: string;
  readonly exchanges: readonly Exchange[];
}

/** Where they are kept. */
export const FIXTURES: URL = new URL("fixtures/", import.meta.url);

/** Every one that is kept, by version. */
export async function conversations(): Promise<Conversation[]> {
  const found: Conversation[] = [];
  for await (const { name } of Deno.readDir(FIXTURES)) {
    if (!/^conversation-.*\.json$/.test(name)) continue;
    found.push(JSON.parse(await Deno.readTextFile(new URL(name, FIXTURES))));
  }
  return found.sort((a, b) => a.version < b.version ? -1 : 1);
}

/** Sends one message. */
export type Say = (path: Exchange["path"], body: unknown) => Promise<HubAnswer>;

/**
 * What a host does that has much to say: it joins with rows, changes and removes some, is named anew,
 * something is expected of it, is wrong and is over, it starts again, and is restored from a backup.
 */
export async function speak(temp: TempStore, say: Say): Promise<void> {
  const { signal } = new AbortController();
  const { registry, deployed } = temp.store;
  const shop = registry.create("project", { name: "shop" }).entry;
  const put = (id: string, imageTag: string) =>
    deployed.putDeployedContainer({
      ...{ id, workloadId: shop.workloadId, imageTag, containerId: `c-${id}` },
    });
  for (const id of ["api", "db", "cache", "web-1", "web-2"]) put(id, "1");
  const clock = {
    now: () => temp.now,
    monotonic: () => temp.now,
    sleep: () => Promise.resolve(),
  };
  const begin = () => {
    temp.store.replica.begin(() => {});
    return new Dialer({
      ...{ replica: temp.store.replica, ask: say, version: "1", machine: "m", clock },
      ...{ log: new Log({ level: "error", write: () => {} }), isFresh: () => true },
      random: () => 0.5,
    });
  };
  const settle = async (dialer: Dialer) => {
    for (let i = 0; i < 20; i++) {
      if (await dialer.step(signal) > 0 && dialer.state.up) return;
      if (dialer.state.error !== null) throw new Error(dialer.state.error);
    }
    throw new Error("the host has always more to say");
  };
  let dialer = begin();
  await settle(dialer);
  put("web-1", "2");
  deployed.deleteDeployedContainer("web-2");
  await settle(dialer);
  registry.update("project", shop.id, { name: "store" });
  await settle(dialer);
  temp.store.expectations.set(shop.workloadId, [
    { role: "web", mode: "running", replicas: 2, image: null, source: "manual" },
  ]);
  const wrong = problem({
    ...{ kind: "crashed", workloadId: shop.workloadId, rowId: "web-1", openedAt: temp.now },
    ...{ containerId: "c-web-1", containerName: "web-1", evidence: { exitCode: 1 } },
    do: { code: "read-log", container: "web-1" },
  });
  writeProblems(temp.store, wrong);
  await settle(dialer);
  writeProblems(temp.store, {
    ...wrong,
    ...{ status: "closed", closedAt: temp.now, outcome: "recovered" },
  });
  await settle(dialer);
  temp.now += 600_001;
  await settle(dialer);
  temp.store.replica.end();
  dialer = begin();
  await settle(dialer);
  temp.store.replica.end();
  const db = new Database(temp.path);
  db.exec("UPDATE epoch SET id = lower(hex(randomblob(16)))");
  db.close();
  dialer = begin();
  await settle(dialer);
  temp.store.replica.end();
}

/** Makes hosts' processes of before have been gone for long enough that nobody waits for them. */
export async function openPast(
  database: string,
): Promise<{ forget(): Promise<void> } & AsyncDisposable> {
  const sql = await openDatabase(database, { connections: 1 });
  return {
    forget: async () =>
      void await sql`UPDATE tinyforge.host_runs SET heard_at = heard_at - interval '1 minute'`,
    [Symbol.asyncDispose]: () => sql.end(),
  };
}

async function record(): Promise<Conversation> {
  await using cluster = await startCluster();
  await using hubHost = await TestHost.make();
  const database = await cluster.newDatabase();
  const hub = await startHub(hubHost, { database });
  await using past = await openPast(database);
  using client = new HubClient(hub.url, {
    ...{ secret: await admitted(hubHost, hub, "one"), ca: null },
  });
  await using temp = await tempStore();
  const exchanges: Exchange[] = [];
  await speak(temp, async (path, body) => {
    if (path === "/api/hello") await past.forget();
    const answer = await client.ask(path, body, new AbortController().signal);
    exchanges.push({
      ...{ path, body: structuredClone(body) as Exchange["body"], status: answer.status },
      answer: answer.body as Exchange["answer"],
    });
    return answer;
  });
  return { version: deno.version, exchanges };
}

if (import.meta.main) {
  const conversation = await record();
  const file = new URL(`conversation-${conversation.version}.json`, FIXTURES);
  await Deno.writeTextFile(file, `${JSON.stringify(conversation, null, 2)}\n`);
  Deno.exit();
}
