/** What another hand wrote over what hubs keep: everything else is told all the same. @module */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { openTestDatabase, sharedCluster } from "../harness/postgres.ts";
import { until } from "../harness/until.ts";
import { channelTo, fresh, Inbox, looked, notifierOf, over, quietHost } from "./telling.ts";
import { Failure } from "../../src/failure.ts";
import { listChannels, updateChannel } from "../../src/hub/hub_channels.ts";
import { listDeliveries } from "../../src/hub/hub_notices.ts";
import { addRule, listRules, updateRule } from "../../src/hub/hub_rules.ts";
import { HubSilences } from "../../src/hub/hub_silences.ts";
import { LEFT_OUT } from "../../src/store/damage.ts";

const cluster = sharedCluster();

Deno.test("a hub tells of all other problems where something that it keeps can't be read", async () => {
  await using database = await openTestDatabase(cluster, { connections: 6 });
  const { sql } = database;
  await using inbox = new Inbox();
  await channelTo(sql, inbox);
  await channelTo(sql, inbox, "lost");
  await sql`UPDATE tinyforge.channels SET config = '{s3cret' WHERE name = 'lost'`;
  const lost = await addRule(sql, {
    ...{ workloads: null, kinds: ["none"], minSeverity: "low", channels: null },
    remindAfterMs: null,
  });
  await sql`UPDATE tinyforge.rules SET kinds = '{}' WHERE id = ${lost.id}`;
  const silences = new HubSilences(sql);
  const now = Date.now();
  const { id: silence } = await silences.add({
    ...{ scope: "all", targetId: "", kinds: ["crashed"], reason: "", startsAt: now - 1000 },
    ...{ endsAt: now + 3.6e6, cron: null, timeZone: null, lastsMs: 3.6e6 },
  }, now);
  await sql`UPDATE tinyforge.silences SET kinds = '5' WHERE id = ${silence}`;
  const alpha = await quietHost(sql, "alpha");
  const lines: string[] = [];
  await using _hub = notifierOf(sql, { lines });
  await looked(sql);
  // The channel that can't be read is a problem itself.
  await until("the channel is told", () => inbox.told.length === 1, { withinMs: 60_000 });
  assertEquals(inbox.told, ["digest baseline 1 on null"]);

  const [a, b] = ["a", "b"].map((id) => fresh({ key: `missing:${id}`, rowId: id }));
  await alpha.batch([], { problems: [a!, b!] });
  await until("both are told", () => inbox.told.length === 3, { withinMs: 60_000 });
  await sql`UPDATE tinyforge.notified SET problem = '{"told":"s3cret"}' WHERE key LIKE '%missing:a'`;
  await sql`UPDATE tinyforge.problems SET body = '{s3cret' WHERE key = 'missing:b'`;
  const c = fresh({ key: "missing:c", rowId: "c" });
  await alpha.batch([], { problems: [c, over(a!)] });
  await until("the end and the beginning are told", () => inbox.told.length === 5, {
    withinMs: 60_000,
  });
  assertEquals(inbox.told.slice(3).map((told) => told.split(" ")[0]).sort(), [
    "opened",
    "recovered",
  ]);
  // What it was about nobody reads in what can't be read; that it is there is shown.
  await sql`UPDATE tinyforge.notices SET content = '{s3cret' WHERE kind = 'recovered'`;
  const shown = await listDeliveries(sql, { limit: 99 });
  assertEquals(shown.filter(({ about }) => about === null).map(({ kind }) => kind), ["recovered"]);
  assert(!lines.some((line) => line.includes("s3cret")), lines.join(""));
  for (
    const what of ["channels.config of", "rules.kinds of", "silences.kinds of", "problems.body of"]
  ) assertEquals(lines.filter((line) => line.includes(what)).length, 1, what);
  assertEquals(lines.filter((line) => line.includes("cannot see what is")), []);

  // What is asked for is written over what can't be read.
  await assertRejects(() => listChannels(sql), Failure, 'channels.config of "lost"');
  await assertRejects(() => listRules(sql), Failure, `rules.kinds of "${lost.id}"`);
  assertEquals((await updateRule(sql, lost.id, { kinds: null })).kinds, null);
  assertEquals((await listRules(sql)).length, 3);
  const settings = () =>
    Promise.resolve({ type: "webhook", config: { origin: inbox.origin }, secrets: {} });
  await assertRejects(() => updateChannel(sql, "lost", { settings }), Failure, "channels.config");
  await updateChannel(sql, "lost", { settings, moves: true });
  assertEquals((await listChannels(sql)).map(({ state }) => state), ["ok", "ok"]);
  await silences.remove(silence);
  assertEquals((await listChannels(sql, LEFT_OUT)).length, 2);
});
