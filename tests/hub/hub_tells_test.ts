/** Whether a host hears that its hub tells people what is wrong there. @module */

import { assertEquals } from "@std/assert";
import { openTestDatabase, sharedCluster } from "../harness/postgres.ts";
import { tempStore } from "../harness/temp_store.ts";
import { until } from "../harness/until.ts";
import { SYSTEM_CLOCK } from "../../src/clock.ts";
import { type AskHub, Dialer } from "../../src/hub/dialer.ts";
import { admit, enroll } from "../../src/hub/enrolment.ts";
import { addChannel, removeChannel } from "../../src/hub/hub_channels.ts";
import { listRules, updateRule } from "../../src/hub/hub_rules.ts";
import { HubLink } from "../../src/hub/link.ts";
import { keepMembership } from "../../src/hub/membership.ts";
import { beat, greet } from "../../src/hub/hub_store.ts";
import { ingest } from "../../src/hub/ingest.ts";
import { readHeartbeat, readHello, readIngest } from "../../src/hub/protocol.ts";
import { startHub } from "./hubs.ts";
import { Log } from "../../src/telemetry/log.ts";

const cluster = sharedCluster();

Deno.test("Dialer says that the hub tells people while it has a channel and is reached", async () => {
  await using database = await openTestDatabase(cluster);
  const { sql } = database;
  await using temp = await tempStore();
  const { host } = (await admit(sql, (await enroll(sql, "alpha")).token))!;
  const heard: boolean[] = [];
  let away = false;
  const time = { ms: 0 };
  const ask: AskHub = async (path, body) => {
    if (away) throw new TypeError("away");
    const answer = path === "/api/hello"
      ? await greet(sql, host, readHello(body))
      : path === "/api/ingest"
      ? await ingest(sql, host, readIngest(body))
      : (await beat(sql, [{ hostId: host, ...readHeartbeat(body) }]))[0];
    return { status: 200, body: answer, retryAfter: null };
  };
  const { replica } = temp.store;
  replica.begin(() => {});
  const dialer = new Dialer({
    ...{ replica, ask, version: "1", machine: "m", isFresh: () => true },
    log: new Log({ write() {} }),
    onTells: (tells) => void heard.push(tells),
    clock: { now: () => time.ms, monotonic: () => time.ms, sleep: () => Promise.resolve() },
  });
  const { signal } = new AbortController();
  const last = async () => {
    for (let waitMs = 0; waitMs === 0 || !away && waitMs < 5000;) {
      waitMs = await dialer.step(signal);
    }
    return heard.at(-1);
  };
  assertEquals(await last(), false);
  await addChannel(sql, {
    ...{ name: "ops", type: "webhook", config: {}, secrets: {} },
  }, { rule: { workloads: null, kinds: null, minSeverity: "high", remindAfterMs: null } });
  assertEquals(await last(), true);
  // Of a host that no rule is about nobody would hear.
  const [rule] = await listRules(sql);
  await updateRule(sql, rule!.id, { hosts: ["beta"] });
  assertEquals(await last(), false);
  await updateRule(sql, rule!.id, { hosts: ["beta", "alpha"] });
  assertEquals(await last(), true);
  await updateRule(sql, rule!.id, { channels: ["another's"] });
  assertEquals(await last(), false);
  await updateRule(sql, rule!.id, { channels: null, hosts: null });
  assertEquals(await last(), true);
  // Away for a while it is still the one that tells; for longer it is not.
  away = true;
  time.ms += 599_000;
  assertEquals(await last(), true);
  time.ms += 2000;
  assertEquals(await last(), false);
  away = false;
  assertEquals(await last(), true);
  await removeChannel(sql, "ops");
  assertEquals(await last(), false);
});

Deno.test("HubLink says who tells people for as long as the host is a member, unless it joined to notify", async () => {
  await using hub = await startHub(await cluster.newDatabase());
  const { sql } = hub;
  await addChannel(sql, {
    ...{ name: "ops", type: "webhook", config: {}, secrets: {} },
  }, { rule: { workloads: null, kinds: null, minSeverity: "high", remindAfterMs: null } });
  const url = `http://127.0.0.1:${hub.port}`;
  for (const notifies of [false, true]) {
    await using temp = await tempStore();
    const admitted = (await admit(sql, (await enroll(sql, `n-${notifies}`)).token))!;
    await keepMembership(temp.dir, { url, ...admitted, notifies, ca: null, joinedAt: null });
    const heard: boolean[] = [];
    const ending = new AbortController();
    const running = new HubLink({
      ...{ dataDir: temp.dir, replica: temp.store.replica, version: "1", isFresh: () => true },
      ...{ clock: SYSTEM_CLOCK, log: new Log({ write() {} }) },
      onTells: (tells) => void heard.push(tells),
    }).run(ending.signal);
    await until(
      "the hub has heard of it",
      async () =>
        (await sql`SELECT FROM tinyforge.hosts WHERE id = ${admitted.host} AND heard_at IS NOT NULL`)
          .length === 1,
    );
    assertEquals(heard.includes(true), !notifies);
    await keepMembership(temp.dir, null);
    await until("it has left", () => heard.at(-1) === false);
    ending.abort();
    await running;
  }
});
