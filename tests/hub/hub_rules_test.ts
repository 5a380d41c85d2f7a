/** Who is told of what by hubs: channels that change, rules, stand-ins; on a real PostgreSQL. @module */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { sharedCluster } from "../harness/postgres.ts";
import { until } from "../harness/until.ts";
import { listDeliveries } from "../../src/hub/hub_notices.ts";
import { askerOf, startHub } from "./hubs.ts";
import { delivered, fresh, Inbox, looked, over, quietHost } from "./telling.ts";

const cluster = sharedCluster();

Deno.test("a hub's channel is changed as a host's is: name, address, secret, stand-in", async () => {
  await using here = new Inbox();
  await using there = new Inbox();
  await using hub = await startHub(await cluster.newDatabase());
  const ask = askerOf(hub);
  const fields = { url: `${here.origin}/s3cr3t`, allowLoopback: true };
  const { json: { id } } = await ask("POST", "/api/channels", { name: "ops", ...fields });
  await ask("POST", "/api/channels", { name: "other", ...fields });

  const named = await ask("PATCH", "/api/channels/ops", { name: "oncall" });
  assertEquals([named.status, named.json.id, named.json.name], [200, id, "oncall"]);
  assertEquals((await ask("PATCH", "/api/channels/oncall", { name: "other" })).status, 409);
  assertEquals((await ask("PATCH", "/api/channels/ops", { name: "x" })).status, 404);
  assertEquals((await ask("PATCH", "/api/channels/oncall", { url: "nonsense" })).status, 422);

  // It was refused; moved, it is tried anew, and goes where it was moved to.
  await hub.sql`UPDATE tinyforge.channels SET state = 'broken', reason = '401', since = 1
    WHERE id = ${id}`;
  const moved = await ask("PATCH", "/api/channels/oncall", { url: `${there.origin}/0ther` });
  assertEquals([moved.json.state, moved.json.origin], ["ok", there.origin]);
  assertEquals(moved.json.allowLoopback, true, "what was not named stays");
  assertEquals((await ask("POST", "/api/channels/oncall/test")).json.delivered, true);
  assertEquals([here.requests.length, there.requests.length], [0, 1]);

  // A webhook's new key is used beside the one before it.
  const keys = ["whsec_" + btoa("a".repeat(24)), "whsec_" + btoa("b".repeat(24))];
  for (const secret of keys) {
    assertEquals((await ask("PATCH", "/api/channels/oncall", { secret })).status, 200);
  }
  await ask("POST", "/api/channels/oncall/test");
  const signatures = there.requests.at(-1)!.headers.get("webhook-signature")!;
  assertEquals(signatures.split(" ").length, 2, signatures);

  // None stands in for itself, by whatever way.
  assertEquals((await ask("PATCH", "/api/channels/oncall", { fallback: "other" })).status, 200);
  const circle = await ask("PATCH", "/api/channels/other", { fallback: "oncall" });
  assertEquals(circle.status, 422);
  assertMatch(circle.json.detail, /stand in for itself/);
  assertEquals((await ask("PATCH", "/api/channels/other", { fallback: "nobody" })).status, 404);
  assertEquals((await ask("DELETE", "/api/channels/other")).status, 200);
  const [left] = (await hub.ask("/api/channels")).json.items;
  assertEquals([left.name, left.fallback], ["oncall", null]);
  const all = JSON.stringify([named, moved, left, await hub.ask("/api/channels")]);
  for (const secret of ["s3cr3t", "0ther", ...keys]) assert(!all.includes(secret), secret);
});

Deno.test("a hub's rules go by host, workload, kind and severity", async () => {
  await using every = new Inbox();
  await using ofBeta = new Inbox();
  await using ofShop = new Inbox();
  await using low = new Inbox();
  await using hub = await startHub(await cluster.newDatabase());
  const ask = askerOf(hub);
  const [alpha, beta] = [await quietHost(hub.sql, "alpha"), await quietHost(hub.sql, "beta")];
  const add = async (name: string, inbox: Inbox, rule: object = {}) => {
    const fields = { name, url: `${inbox.origin}/hook`, allowLoopback: true, ...rule };
    const made = await ask("POST", "/api/channels", fields);
    assertEquals(made.status, 201, JSON.stringify(made.json));
  };
  await add("every", every);
  await add("beta", ofBeta, { hosts: ["beta"] });
  await add("shop", ofShop, { workloads: ["alpha:w"] });
  await add("low", low, { minSeverity: "low", hosts: ["beta"] });
  const rules = (await hub.ask("/api/rules")).json.items;
  assertEquals(
    rules.map(({ hosts, workloads, minSeverity }: Record<string, unknown>) => [
      ...[hosts, workloads, minSeverity],
    ]),
    [[null, null, "high"], [["beta"], null, "high"], [null, ["alpha:w"], "high"], [
      ...[["beta"], null, "low"],
    ]],
  );
  // What nobody knows is refused.
  const wrong = { name: "x", url: `${every.origin}/hook`, allowLoopback: true };
  for (const rule of [{ hosts: ["gamma"] }, { workloads: ["beta:none"] }, { workloads: ["w"] }]) {
    assertEquals((await ask("POST", "/api/channels", { ...wrong, ...rule })).status, 404);
    assertEquals((await ask("POST", "/api/rules", rule)).status, 404);
  }
  assertEquals((await ask("POST", "/api/rules", { channels: ["nobody"] })).status, 404);

  await looked(hub.sql);
  const [one, two] = [fresh(), fresh()];
  await alpha.batch([], { problems: [one] });
  await until("it is told of alpha", () => every.told.length === 1 && ofShop.told.length === 1);
  await beta.batch([], {
    problems: [two, fresh({ key: "stuck:b", kind: "stuck", severity: "low", rowId: "b" })],
  });
  await until("all is told", () => ofBeta.told.length === 1 && low.told.length === 2);
  assertEquals(every.told.sort(), [
    ...["opened missing shop/web on alpha", "opened missing shop/web on beta"],
  ]);
  assertEquals(ofShop.told, ["opened missing shop/web on alpha"]);
  assertEquals(ofBeta.told, ["opened missing shop/web on beta"]);
  assertEquals(low.told.sort(), [
    ...["opened missing shop/web on beta", "opened stuck shop/null on beta"],
  ]);
  await delivered(hub.sql);

  // Another rule in its place, by kind: whoever was told is still told that it is over.
  const [first] = rules;
  const changed = await ask("PATCH", `/api/rules/${first.id}`, { kinds: ["host-unknown"] });
  assertEquals([changed.json.kinds, changed.json.hosts], [["host-unknown"], null]);
  await alpha.batch([], { problems: [over(one)] });
  await until("it is over", () => every.told.length === 3 && ofShop.told.length === 2);
  await delivered(hub.sql);
  await alpha.batch([], { problems: [fresh()] });
  await until("it is told anew", () => ofShop.told.length === 3);
  await delivered(hub.sql);
  assertEquals(every.told.length, 3);
  assertEquals((await ask("PATCH", `/api/rules/${first.id}`, { hosts: ["gamma"] })).status, 404);
  assertEquals((await ask("DELETE", `/api/rules/${first.id}`)).status, 204);
  assertEquals((await ask("DELETE", `/api/rules/${first.id}`)).status, 404);
  assertEquals((await ask("PATCH", `/api/rules/${first.id}`, {})).status, 404);
  // A channel goes with the rule that is about it alone.
  await ask("DELETE", "/api/channels/beta");
  assertEquals((await hub.ask("/api/rules")).json.items.length, 2);
  // A reader sees them and changes none.
  const { json: { token } } = await ask("POST", "/api/tokens", { name: "r", role: "read" });
  const refused = await hub.ask("/api/rules", { method: "POST", body: "{}", token });
  assertEquals([refused.status, (await hub.ask("/api/rules", { token })).status], [403, 200]);
});

Deno.test("a hub's stand-in is told what waits for a channel that has failed for ten minutes", async () => {
  await using away = new Inbox(() => new Response("away", { status: 503 }));
  await using standIn = new Inbox();
  await using hub = await startHub(await cluster.newDatabase());
  const ask = askerOf(hub);
  const to = (inbox: Inbox) => ({ url: `${inbox.origin}/hook`, allowLoopback: true });
  await ask("POST", "/api/channels", { name: "second", ...to(standIn), hosts: [] });
  const { json } = await ask("POST", "/api/channels", {
    ...{ name: "first", ...to(away), fallback: "second" },
  });
  const alpha = await quietHost(hub.sql, "alpha");
  await looked(hub.sql);
  const problem = fresh();
  await alpha.batch([], { problems: [problem] });
  const states = async () =>
    (await listDeliveries(hub.sql, { limit: 9 })).map(({ kind, state }) => `${kind} ${state}`);
  await until("it failed", async () => {
    const [first] = await listDeliveries(hub.sql, { channelId: json.id, limit: 9 });
    return first?.attempts === 1;
  });
  assertEquals(standIn.requests.length, 0);
  const { json: metrics } = await hub.ask("/metrics");
  for (
    const line of [
      "tinyforge_notify_queue_length 1",
      'tinyforge_notify_channels{state="ok"} 2',
      'tinyforge_notify_attempts_total{outcome="retried"} 1',
    ]
  ) assertStringIncludes(metrics, line);
  assertMatch(metrics, /^tinyforge_notify_oldest_queued_seconds \d+\.\d+$/m);
  await hub.sql`UPDATE tinyforge.channels SET failing_since = failing_since - 600000
    WHERE id = ${json.id}`;
  await until("it stands in", () => standIn.requests.length === 1, { withinMs: 30_000 });
  assertEquals(standIn.told, ["opened missing shop/web on alpha"]);
  await until("that is kept", async () => (await states()).includes("opened delivered"));
  assertEquals(await states(), ["opened delivered", "opened superseded"]);
  const { json: log } = await ask("GET", "/api/deliveries");
  assertEquals(
    log.items.map(({ about }: { about: unknown }) => about),
    Array(2).fill({ total: 1, kind: "missing", workload: "shop", row: "web" }),
  );
  // It is told the end, too.
  await alpha.batch([], { problems: [over(problem)] });
  await until("it is over", () => standIn.requests.length === 2, { withinMs: 30_000 });
  assertEquals(standIn.told[1], "recovered missing shop/web on alpha");
  await until("that too is kept", async () => (await states()).includes("recovered delivered"));
});

Deno.test("a crash that nobody could be told of and is over is told as one by a hub, whatever became of it", async () => {
  let status = 503;
  await using inbox = new Inbox(() => new Response(null, { status }));
  await using hub = await startHub(await cluster.newDatabase());
  await askerOf(hub)("POST", "/api/channels", {
    ...{ name: "ops", url: `${inbox.origin}/hook`, allowLoopback: true },
  });
  const alpha = await quietHost(hub.sql, "alpha");
  await looked(hub.sql);
  const crash = fresh({ key: "crashed:a", kind: "crashed" });
  await alpha.batch([], { problems: [crash] });
  await until("it was tried", () => inbox.requests.length === 1);
  await until(
    "that is kept",
    async () => (await listDeliveries(hub.sql, { limit: 9 }))[0]?.attempts === 1,
  );
  await alpha.batch([], { problems: [over(crash)] });
  status = 204;
  await until(
    "both are one",
    async () =>
      (await listDeliveries(hub.sql, { limit: 9 })).some(({ kind }) => kind === "combined"),
    {
      withinMs: 30_000,
    },
  );
  await hub.sql`UPDATE tinyforge.channels SET not_before = 0`;
  await hub.sql`UPDATE tinyforge.deliveries SET next_at = 0`;
  await until("it is told", () => inbox.requests.length === 2);
  assertEquals(inbox.told[1], "combined crashed shop/web on alpha");
  await until(
    "that is kept",
    async () =>
      (await listDeliveries(hub.sql, { limit: 9 })).some(({ kind, state }) =>
        kind === "combined" && state === "delivered"
      ),
  );
});
