/** How readers of any hub are told of what any hub took in, whatever is lost between them. @module */

import { assertEquals } from "@std/assert";
import { Announcements, readAnnouncement } from "../../src/hub/announcements.ts";
import { HubFeed } from "../../src/hub/hub_feed.ts";
import { HubSilences } from "../../src/hub/hub_silences.ts";
import { CHANNEL } from "../../src/hub/hub_writes.ts";
import type { Written } from "../../src/model/written.ts";
import { Log } from "../../src/telemetry/log.ts";
import { CountedFeed } from "../harness/counted_feed.ts";
import { openTestDatabase, sharedCluster } from "../harness/postgres.ts";
import { until } from "../harness/until.ts";
import { sayingHost } from "./hubs.ts";
import { shownRow } from "./rows.ts";

const cluster = sharedCluster();

const log = new Log({ write() {} });

/** What a feed tells from now on. */
function heard(feed: CountedFeed<Written>) {
  const all: Written[] = [];
  const subscription = feed.subscribe();
  const reading = (async () => {
    for await (const { data } of subscription) all.push(data);
  })();
  return {
    all,
    ids: () => all.flatMap(({ rows }) => rows.map(({ id }) => id)),
    hosts: () => all.flatMap(({ hosts = [] }) => hosts),
    async [Symbol.asyncDispose]() {
      subscription.cancel();
      await reading;
    },
  };
}

/** A database with a host of one row, and what a feed tells of it from now on. */
async function scene() {
  await using made = new AsyncDisposableStack();
  const { sql } = made.use(await openTestDatabase(cluster));
  const alpha = await sayingHost(sql, "alpha");
  await alpha.snapshot([shownRow("a")]);
  const feed = new CountedFeed<Written>();
  const told = made.use(heard(feed));
  const kept = made.move();
  return { sql, alpha, feed, told, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

Deno.test("HubFeed finds by itself what nobody told it", async () => {
  await using made = await scene();
  const { sql, alpha, feed, told } = made;
  const follower = new HubFeed({ sql, feed, log });
  await follower.look();
  // It does not listen: the words of this batch are lost on it.
  await alpha.batch([shownRow("a", { state: "paused" })]);
  await follower.look();
  assertEquals(told.hosts(), []);
  // It was not on its way either.
  await follower.look();
  await until("all of the host is told", () => told.hosts().length === 1);
  assertEquals(told.hosts(), [{ name: "alpha", rows: true }]);
  await follower.look();
  await follower.look();
  assertEquals(told.hosts().length, 1);
  await sql`DELETE FROM tinyforge.hosts WHERE name = 'alpha'`;
  await follower.look();
  await until("that it is gone is told", () => told.hosts().length === 2);
});

Deno.test("HubFeed tells that problems look otherwise when a silence begins or ends by itself", async () => {
  await using made = await scene();
  const { sql, feed, told } = made;
  const follower = new HubFeed({ sql, feed, log });
  const silences = new HubSilences(sql);
  const now = await silences.now();
  const { id } = await silences.add({
    ...{ scope: "all", targetId: "", kinds: null, reason: "", startsAt: now + 3_600_000 },
    ...{ endsAt: now + 7_200_000, cron: null, timeZone: null, lastsMs: 3_600_000 },
  }, now);
  await follower.look();
  const problems = () => told.all.filter(({ problems }) => problems !== undefined).length;
  const moved = async (ms: number) => {
    await sql`UPDATE tinyforge.silences SET starts_at = starts_at - ${ms}, ends_at = ends_at - ${ms}
      WHERE id = ${id}`;
    await follower.look();
    await follower.look();
  };
  await moved(1);
  assertEquals(problems(), 0);
  await moved(5_400_000);
  await until("its begin is told", () => problems() === 1);
  await moved(3_600_000);
  await until("its end is told", () => problems() === 2);
});

Deno.test("HubFeed finds what a hub took in that died before it told of it", async () => {
  await using made = await scene();
  const { sql, alpha, feed, told } = made;
  const texts: string[] = [];
  const { unlisten } = await sql.listen(CHANNEL, (text) => void texts.push(text));
  const follower = new HubFeed({ sql, feed, log });
  await follower.look();
  // It has told a thousand this second, so that this is to be told later; and then it is no more.
  const dying = new (class extends Announcements {
    override later(): void {}
  })(sql, { now: () => 0 });
  const other = { hostId: "h", epoch: "e", from: null, to: 1, ids: [], problems: [] };
  await sql.begin((tx) => dying.within(tx, Array.from({ length: 1000 }, () => other)));
  await alpha.batch([shownRow("a", { state: "stopped" })], {}, dying);
  await sql`SELECT pg_notify(${CHANNEL}, 'all was told')`;
  await until("all that is told is heard", () => texts.includes("all was told"));
  assertEquals(texts.filter((text) => text.includes(alpha.id)), []);
  await follower.look();
  await follower.look();
  await until("all of the host is told", () => told.hosts().length === 1);
  assertEquals(told.hosts(), [{ name: "alpha", rows: true }]);
  await unlisten();
});

Deno.test("HubFeed listens again after its connection was cut, and misses nothing of meanwhile", async () => {
  await using made = await scene();
  const { sql, alpha, feed, told } = made;
  const ending = new AbortController();
  const running = new HubFeed({ sql, feed, log }).run(ending.signal);
  let state = 0;
  const change = () => alpha.batch([shownRow("a", { state: `state-${state++}` })]);
  await until("it listens", async () => {
    await change();
    return told.ids().includes("alpha:a");
  });
  await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND query ILIKE 'listen%'`;
  const before = told.all.length;
  await change();
  await until("it is told all the same", () => told.all.length > before, { withinMs: 20_000 });
  const rows = told.ids().length;
  await until("row by row again", async () => {
    await change();
    return told.ids().length > rows;
  }, { withinMs: 20_000 });
  ending.abort();
  await running;
});

Deno.test("Announcements are told together from a thousand a second on, and none is left out", async () => {
  await using database = await openTestDatabase(cluster);
  const { sql } = database;
  const texts: string[] = [];
  const { unlisten } = await sql.listen(CHANNEL, (text) => void texts.push(text));
  let now = 0;
  const announcements = new Announcements(sql, { now: () => now });
  const told = (from: number) => ({
    ...{ hostId: "h", epoch: "e", from, to: from + 1, ids: [`row-${from}`], problems: [] },
  });
  await sql.begin(async (tx) => {
    for (let i = 0; i < 999; i++) assertEquals(await announcements.within(tx, [told(i)]), []);
    const later = await announcements.within(tx, [999, 1000, 1001, 1002].map(told));
    assertEquals(later, [1000, 1001, 1002].map(told));
    for (const each of later) announcements.later(each);
  });
  await announcements.flush();
  await until("all are heard", () => texts.length === 1001);
  assertEquals(readAnnouncement(texts.at(-1)!), {
    ...{ hostId: "h", epoch: "e", from: 1000, to: 1003 },
    ...{ ids: ["row-1000", "row-1001", "row-1002"], problems: [] },
  });
  // In a quiet second after a quiet one each is told with its commit again.
  now = 5000;
  assertEquals(await sql.begin((tx) => announcements.within(tx, [told(2000)])), []);
  // What does not fit is told to be anything.
  await sql.begin((tx) =>
    announcements.within(tx, [{ ...told(2001), ids: ["x".repeat(9000)], problems: [] }])
  );
  await until("it is heard", () => texts.length === 1003);
  assertEquals(readAnnouncement(texts.at(-1)!)!.ids, null);
  await unlisten();
});
