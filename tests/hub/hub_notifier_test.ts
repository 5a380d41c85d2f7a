/** People are told by hubs of what is wrong on all hosts, on a real PostgreSQL. @module */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { startHub as startHubProgram } from "../harness/hub.ts";
import { openTestDatabase, sharedCluster, startCluster } from "../harness/postgres.ts";
import { TestHost } from "../harness/program.ts";
import { until } from "../harness/until.ts";
import { Receiver } from "../receivers/receiver.ts";
import { SYSTEM_CLOCK } from "../../src/clock.ts";
import {
  type HubChannel,
  listChannels,
  removeChannel,
  updateChannel,
} from "../../src/hub/hub_channels.ts";
import { HEALTHY } from "../../src/store/channels.ts";
import { claimDelivery, listDeliveries, recordAttempt } from "../../src/hub/hub_notices.ts";
import { watchSilence } from "../../src/hub/silence.ts";
import { askerOf, startHub } from "./hubs.ts";
import {
  channelTo,
  delivered,
  fresh,
  Inbox,
  looked,
  notifierOf,
  over,
  quietHost,
} from "./telling.ts";

const cluster = sharedCluster();

Deno.test("hubs tell of many hosts once, however many they are, and go on when one ends", async () => {
  await using database = await openTestDatabase(cluster);
  const { sql } = database;
  await using inbox = new Inbox();
  await channelTo(sql, inbox);
  const [alpha, beta] = [await quietHost(sql, "alpha"), await quietHost(sql, "beta")];
  const one = notifierOf(sql, { baseUrl: "https://hub.example/tf" });
  await looked(sql);
  await using _two = notifierOf(sql, { baseUrl: "https://hub.example/tf" });
  const [first, second] = [fresh(), fresh()];
  await alpha.batch([], { problems: [first] });
  await until("it is told", () => inbox.told.length === 1);
  assertEquals(inbox.told, ["opened missing shop/web on alpha"]);
  // By ids that the hub's dashboard knows.
  const page = "https://hub.example/tf/workloads/alpha%3Aw?row=alpha%3Aa";
  assertStringIncludes(inbox.requests[0]!.body, page);
  // The same ids elsewhere are another problem.
  await beta.batch([], { problems: [second] });
  await until("that too", () => inbox.told.length === 2);
  assertEquals(inbox.told[1], "opened missing shop/web on beta");

  // Whoever decided ends; another one does, and knows who was told. What it had not kept yet of an
  // answer would be sent again.
  await delivered(sql);
  await one[Symbol.asyncDispose]();
  await alpha.batch([], { problems: [over(first)] });
  await until("it is over", () => inbox.told.length === 3, { withinMs: 30_000 });
  assertEquals(inbox.told[2], "recovered missing shop/web on alpha");

  // A host falls silent: that is told, not what it has.
  await watchSilence(sql);
  await sql`UPDATE tinyforge.listening SET since = since - interval '1 hour'`;
  await beta.fallSilent();
  await watchSilence(sql);
  await until("the silence is told", () => inbox.told.length === 4);
  assertEquals(inbox.told[3], "opened host-unknown null/null on beta");
  await beta.beat();
  await watchSilence(sql);
  await until("it is heard of", () => inbox.told.length === 5);
  assertEquals(inbox.told[4], "recovered host-unknown null/null on beta");
  assertEquals(new Set(inbox.requests.map(({ headers }) => headers.get("webhook-id"))).size, 5);
  await delivered(sql);
});

Deno.test("a hub tells of many problems of several hosts as one, and says which hosts", async () => {
  await using database = await openTestDatabase(cluster);
  const { sql } = database;
  await using inbox = new Inbox();
  await channelTo(sql, inbox);
  const hosts = [await quietHost(sql, "alpha"), await quietHost(sql, "beta")];
  await using _hub = notifierOf(sql);
  await looked(sql);
  const keys = ["a", "b", "c", "d"];
  for (const host of hosts) {
    const problems = keys.map((id) => fresh({ key: `missing:${id}`, rowId: id }));
    await host.batch([], { problems });
  }
  await until("all are told", () => inbox.told.length > 0, { withinMs: 40_000 });
  assertEquals(inbox.told, ["digest burst 8 on null"]);
  const { data: { title, text } } = JSON.parse(inbox.requests[0]!.body);
  assertEquals(title, "8 problems at once on several hosts");
  for (const name of ["alpha", "beta"]) assert(text.includes(`${name} / shop`), text);
});

Deno.test("a delivery is won by one hub, and by another when that one is gone", async () => {
  await using database = await openTestDatabase(cluster, { connections: 12 });
  const { sql } = database;
  await using inbox = new Inbox();
  for (const name of ["a", "b", "c"]) await channelTo(sql, inbox, name);
  const channels = await listChannels(sql);
  await sql`INSERT INTO tinyforge.notices (id, kind, content, created_at) VALUES ('n', 'test', '{}', 0)`;
  let seq = 0;
  const queue = (channelId: string, subject: string | null) =>
    sql`INSERT INTO tinyforge.deliveries (seq, notice_id, channel_id, subject, queued_at, next_at)
      VALUES (${++seq}, 'n', ${channelId}, ${subject}, 0, 0)`;
  for (const { id } of channels) await queue(id, "p");
  await queue(channels[0]!.id, "p");
  const win = (hub: string, busy: string[] = []) => claimDelivery(sql, { hub, busy });
  // Ten at once: each has one or none, and nobody has the same; the second of a problem waits.
  const won = await Promise.all(Array.from({ length: 10 }, (_, i) => win(`hub ${i}`)));
  const first = won.filter((each) => each !== null).map((each) => each.seq).sort();
  while ((await win("late")) !== null) first.push(0);
  assertEquals(new Set(first).size, first.length, "one was won twice");
  const claims = await sql<{ seq: number; hub: string }[]>`
    SELECT seq::integer, claimed_by AS hub FROM tinyforge.deliveries
    WHERE claimed_by IS NOT NULL ORDER BY seq`;
  assertEquals(claims.map(({ seq }) => seq), [1, 2, 3]);
  const over = {
    ...{ seq: 1, channelId: channels[0]!.id, nextAt: 0, endedAt: 1, status: 204, answer: "" },
    state: "delivered" as const,
  };
  const plain = { health: null, givesUp: false, revision: 0 };
  assertEquals(await recordAttempt(sql, over, { hub: "another", ...plain }), false);
  // Its hub is gone, and another tries it again.
  await sql`UPDATE tinyforge.deliveries SET claimed_until = now() - interval '1 s' WHERE seq = 1`;
  assertEquals((await win("next"))?.seq, 1);
  assertEquals(await recordAttempt(sql, over, { hub: "next", ...plain }), true);
  assertEquals((await win("next"))?.seq, 4);
});

Deno.test("what a hub's channel refused before it was changed is sent again, and says nothing of it", async () => {
  await using database = await openTestDatabase(cluster);
  const { sql } = database;
  await using inbox = new Inbox();
  await channelTo(sql, inbox);
  const [{ id, revision }] = await listChannels(sql) as [HubChannel];
  await sql`INSERT INTO tinyforge.notices (id, kind, content, created_at) VALUES ('n', 'test', '{}', 0)`;
  await sql`INSERT INTO tinyforge.deliveries (seq, notice_id, channel_id, queued_at, next_at)
    VALUES (1, 'n', ${id}, 0, 0)`;
  const win = () => claimDelivery(sql, { hub: "a", busy: [] });
  assertEquals((await win())?.seq, 1);
  await updateChannel(sql, id, { settings: (before) => Promise.resolve(before) });
  const gone = {
    ...{ seq: 1, channelId: id, nextAt: 0, endedAt: null, status: 410, answer: "gone" },
    state: "queued" as const,
  };
  const health = { ...HEALTHY, state: "disabled" as const };
  const refused = { hub: "a", health, givesUp: true };
  assertEquals(await recordAttempt(sql, gone, { ...refused, revision }), true);
  assertEquals((await listChannels(sql))[0]!.state, "ok");
  assertEquals((await win())?.seq, 1, "it waits, and no longer than it must");
  assertEquals(await recordAttempt(sql, gone, { ...refused, revision: revision + 1 }), true);
  assertEquals((await listChannels(sql))[0]!.state, "disabled");
  assertEquals(await win(), null);
});

Deno.test("a receiver that is away is told later, and a channel that is removed nothing more", async () => {
  await using database = await openTestDatabase(cluster);
  const { sql } = database;
  let status = 503;
  await using inbox = new Inbox(() => new Response("away\0", { status }));
  await channelTo(sql, inbox);
  const alpha = await quietHost(sql, "alpha");
  await using hub = notifierOf(sql);
  await looked(sql);
  const problem = fresh();
  await alpha.batch([], { problems: [problem] });
  await until(
    "it was tried",
    async () => (await listDeliveries(sql, { limit: 9 }))[0]?.attempts === 1,
  );
  const [channel] = await listChannels(sql);
  assertEquals([channel!.state, channel!.failures], ["ok", 1]);
  // It is over before anybody could be told: both as one.
  status = 200;
  await alpha.batch([], { problems: [over(problem)] });
  await until(
    "both are one",
    async () =>
      (await listDeliveries(sql, { limit: 9 })).map(({ kind, state }) => `${kind} ${state}`)
        .includes(
          "opened superseded",
        ),
  );
  await sql`UPDATE tinyforge.channels SET not_before = 0`;
  await sql`UPDATE tinyforge.deliveries SET next_at = 0`;
  await until("it is told", () => inbox.requests.length === 2);
  assertEquals(inbox.told[1], "combined missing shop/web on alpha");
  const { signal } = new AbortController();
  assertEquals((await hub.notifier.test("ops", { signal })).result, "delivered");
  await removeChannel(sql, "ops");
  await alpha.batch([], { problems: [fresh()] });
  assertEquals(await listDeliveries(sql, { limit: 9 }), []);
});

Deno.test("a hub's channels are made, tried and removed over its API, and keep what is secret", async () => {
  await using inbox = new Inbox();
  const database = await cluster.newDatabase();
  await using hub = await startHub(database);
  await using other = await startHub(database);
  const ask = askerOf(hub);
  const fields = { name: "ops", url: `${inbox.origin}/s3cr3t-path`, allowLoopback: true };
  const made = await ask("POST", "/api/channels", fields);
  assertEquals([made.status, made.json.type, made.json.origin], [201, "webhook", inbox.origin]);
  assertEquals((await ask("POST", "/api/channels", fields)).status, 409);
  assertEquals(
    (await ask("POST", "/api/channels", { ...fields, name: "x", url: "x" })).status,
    422,
  );
  const tried = await other.askSocket("/api/channels/ops/test", { method: "POST" });
  assertEquals([tried.status, tried.json.delivered, inbox.told.length], [200, true, 1]);

  const alpha = await quietHost(hub.sql, "alpha");
  await looked(hub.sql);
  await alpha.batch([], { problems: [fresh()] });
  await until("it is told", () => inbox.requests.length === 2);
  const listed = await other.ask("/api/deliveries?channel=ops");
  assertEquals(listed.json.items.map(({ kind }: { kind: string }) => kind), ["opened"]);
  for (const { json } of [made, await hub.ask("/api/channels"), listed]) {
    assert(!JSON.stringify(json).includes("s3cr3t"), JSON.stringify(json));
  }
  assertEquals((await ask("POST", "/api/channels/ops/retry")).json.queued, 0);
  assertEquals((await ask("DELETE", "/api/channels/ops")).status, 200);
  assertEquals((await ask("DELETE", "/api/channels/ops")).status, 404);
});

Deno.test("HubNotifier stands still where its database does, and a hub's heartbeat says so", async () => {
  await using cluster = await startCluster();
  await using database = await openTestDatabase(cluster);
  let ahead = 0;
  const monotonic = () => SYSTEM_CLOCK.monotonic() + ahead;
  await using deciding = notifierOf(database.sql, { clock: { ...SYSTEM_CLOCK, monotonic } });
  await using waiting = notifierOf(database.sql, { clock: { ...SYSTEM_CLOCK, monotonic } });
  const move = () => [deciding, waiting].map(({ notifier }) => notifier.moves());
  assertEquals(move(), [false, false]);
  await until("both do something", () => move().every((moves) => moves));
  await cluster.lose();
  ahead = 91_000;
  assertEquals(move(), [false, false]);
});

Deno.test("a hub asks its heartbeat's URL while people would be told", async () => {
  await using receiver = new Receiver(() => new Response());
  await using host = await TestHost.make();
  const hub = await startHubProgram(host, {
    database: await cluster.newDatabase(),
    args: ["--heartbeat-url", `${receiver.origin}/s3cret`],
  });
  await until("it is asked", () => receiver.requests.length === 1);
  assertEquals(receiver.requests[0]!.target, "/s3cret");
  assert(!hub.running.stderr.includes("s3cret"), hub.running.stderr);
});
