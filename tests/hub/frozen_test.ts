/** A hub that stands still keeps nothing from the others, on a real PostgreSQL. @module */

import { assertEquals } from "@std/assert";
import { openDatabase } from "../../src/hub/database.ts";
import { admitted, hubRows, startHub, tell } from "../harness/hub.ts";
import { sharedCluster } from "../harness/postgres.ts";
import { TestHost } from "../harness/program.ts";
import { tempStore } from "../harness/temp_store.ts";
import { until } from "../harness/until.ts";
import { channelTo, fresh, Inbox, looked, quietHost } from "./telling.ts";

const cluster = sharedCluster();

Deno.test("a hub that stands still in mid-transaction lets go of its host, and another goes on", async () => {
  await using dir = await TestHost.make();
  await using otherDir = await TestHost.make();
  const url = await cluster.newDatabase();
  const database = `${url}?idle_in_transaction_session_timeout=1500`;
  const hub = await startHub(dir, { database });
  const other = await startHub(otherDir, { database });
  const secret = await admitted(dir, hub, "one");
  const sql = await openDatabase(url, { connections: 3 });
  // As it is by default; here for less long.
  const [{ idle }] = await sql<[{ idle: string }]>`
    SELECT current_setting('idle_in_transaction_session_timeout') AS idle`;
  assertEquals(idle, "10s");
  await using temp = await tempStore();
  const { registry, deployed } = temp.store;
  const { workloadId } = registry.create("project", { name: "shop" }).entry;
  deployed.putDeployedContainer({ id: "web", workloadId, imageTag: "1" });
  await using told = tell(temp, { urls: [hub.url, other.url], secret, patienceMs: 3000 });
  await told.settled();

  // The first has the host's row, waits for this one, gets it while it stands still, and never goes on.
  const held = await sql.reserve();
  await held`BEGIN`;
  await held`SELECT FROM tinyforge.containers WHERE id = 'web' FOR UPDATE`;
  deployed.putDeployedContainer({ id: "web", workloadId, imageTag: "2" });
  const waiting = () =>
    sql<{ pid: number }[]>`SELECT pid FROM pg_locks
      WHERE locktype = 'transactionid' AND NOT granted`;
  await until("it is in mid-transaction", async () => (await waiting()).length === 1);
  const [{ pid }] = await waiting() as unknown as [{ pid: number }];
  hub.running.process.kill("SIGSTOP");
  try {
    await held`ROLLBACK`;
    held.release();
    await until("its transaction waits for it", async () => {
      const [found] = await sql<{ state: string }[]>`
        SELECT state FROM pg_stat_activity WHERE pid = ${pid}`;
      return found?.state === "idle in transaction";
    });
    const [{ free }] = await sql<[{ free: boolean }]>`
      SELECT EXISTS (SELECT FROM tinyforge.hosts FOR UPDATE SKIP LOCKED) AS free`;
    assertEquals(free, false);
    await until("the other has the host's rows", async () => {
      const [row] = await hubRows(other, otherDir, "one");
      return row?.imageTag === "2";
    }, { withinMs: 60_000 });
  } finally {
    hub.running.process.kill("SIGCONT");
  }
  // What it began is nothing that it could end now; it goes on as any other.
  await until("it answers again", async () => (await hubRows(hub, dir, "one")).length === 1);
  deployed.putDeployedContainer({ id: "web", workloadId, imageTag: "3" });
  await told.settled();
  assertEquals((await hubRows(hub, dir, "one"))[0]?.imageTag, "3");
  await sql.end({ timeout: 1 });
});

Deno.test("a hub that stands still lets another decide whom to tell", async () => {
  await using inbox = new Inbox();
  await using dir = await TestHost.make();
  await using otherDir = await TestHost.make();
  const database = await cluster.newDatabase();
  const hub = await startHub(dir, { database });
  await until("it tells", () => hub.running.stderr.includes("this hub notifies"));
  const sql = await openDatabase(database, { connections: 3 });
  await channelTo(sql, inbox);
  const alpha = await quietHost(sql, "alpha");
  await looked(sql);
  hub.running.process.kill("SIGSTOP");
  try {
    const other = await startHub(otherDir, { database });
    await alpha.batch([], { problems: [fresh()] });
    await until("the other tells", () => inbox.told.length === 1, { withinMs: 60_000 });
    assertEquals(inbox.told, ["opened missing shop/web on alpha"]);
    assertEquals(other.running.stderr.includes("this hub notifies"), true);
  } finally {
    hub.running.process.kill("SIGCONT");
  }
  await sql.end({ timeout: 1 });
});
