/**
 * The past of a host as its own commands tell it and as those beside its hub do: daemons beside an
 * Engine, a hub and commands as programs of their own, PostgreSQL between.
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { openDatabase } from "../../src/hub/database.ts";
import type { HistoryEntry, PastRow } from "../../src/model/past.ts";
import { FakeEngine } from "../engines/scripted.ts";
import { enrolled, startHub } from "../harness/hub.ts";
import { LivingDaemon } from "../harness/living_daemon.ts";
import { startCluster } from "../harness/postgres.ts";
import { TestHost } from "../harness/program.ts";
import { until } from "../harness/until.ts";

/** What a hub is told of. */
const TOLD = new Set([
  "transition",
  "problem-opened",
  "problem-closed",
  "watch-began",
  "watch-ended",
]);

/** What a hub says of a host, without what it says besides. */
function asOwn<T>(told: T): T {
  return JSON.parse(JSON.stringify(told), (key, value) => {
    if (key === "host" || key === "hosts") return undefined;
    return typeof value === "string" && value.startsWith("one:") ? value.slice(4) : value;
  });
}

/** What happened, without what goes on at its end and each side's own numbers. */
function happened(items: readonly HistoryEntry[]): unknown[] {
  return asOwn(items.filter(({ what }) => TOLD.has(what)).map(({ key: _, ...entry }) => entry));
}

Deno.test("history, diff, availability and ps --at beside a hub say of a host what it says itself", async () => {
  await using cluster = await startCluster();
  await using engine = await FakeEngine.start();
  await using host = await TestHost.make();
  await using hubHost = await TestHost.make();
  host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
  host.env["TINYFORGE_INTERVAL"] = "200ms";
  const database = await cluster.newDatabase();
  const hub = await startHub(hubHost, { database });
  let [blog, shop] = ["", ""];
  await host.seed((store) => {
    [blog, shop] = ["blog", "shop"].map((name) =>
      store.registry.create("site", { name }).entry.workloadId
    ) as [string, string];
  });
  const ofBlog = engine.add({ labels: { "tinyforge.workload.id": blog } });
  const ofShop = engine.add({ labels: { "tinyforge.workload.id": shop } });
  const own = async () => happened((await host.json("history", "--since", "1h")).items);
  const told = async () =>
    happened((await hubHost.json("history", "--since", "1h", "--host", "one")).items);
  /** Until the hub has all that the host has, which goes on meanwhile. */
  const same = async (what: string) => {
    let both: [unknown[], unknown[]] = [[], []];
    await until(what, async () => {
      both = [await own(), await told()];
      return both[0].length > 0 && JSON.stringify(both[0]) === JSON.stringify(both[1]);
    }, { withinMs: 60_000 }).catch(() => assertEquals(both[1], both[0], what));
  };
  const states = async () =>
    ((await host.json("history", "blog")).items as HistoryEntry[])
      .filter(({ what }) => what === "transition").map(({ to }) => to);
  let moment = "";
  {
    await using daemon = new LivingDaemon(host);
    await daemon.ready();
    // It joins with a past that it has already.
    await until("it runs", async () => (await states()).at(-1) === "running");
    engine.setState(ofBlog, "exited", 3);
    await until("it is down", async () => (await states()).at(-1) === "stopped");
    assertEquals((await host.run(...await enrolled(hubHost, hub, "one"))).code, 0);
    await same("all of before it joined is told");
    moment = new Date().toISOString();
    engine.setState(ofBlog, "running");
    await until("it is up", async () => (await states()).at(-1) === "running");
    engine.remove(ofShop);
    await same("what happened then is told");
    daemon.kill();
    await daemon.ended();
  }
  const dead = new Date().toISOString();
  // As if the time were over in which the hub waits for it, and in which the next one would.
  const sql = await openDatabase(database, { connections: 1 });
  await until("its last sign of life is old", async () => {
    await sql`UPDATE tinyforge.hosts SET heard_at = heard_at - interval '2 min',
      lease_until = lease_until - interval '2 min'`;
    await sql`UPDATE tinyforge.host_runs SET heard_at = heard_at - interval '2 min'`;
    // The hub writes them down once a second.
    await new Promise((resolve) => setTimeout(resolve, 1200));
    const [{ known }] = await sql<[{ known: boolean }]>`
      SELECT lease_until >= now() AS known FROM tinyforge.hosts`;
    return !known;
  });
  await sql.end();
  const then = async (of: TestHost, at: string, ...words: string[]) =>
    asOwn(await of.json("ps", "--at", at, ...words));
  assertEquals(await then(hubHost, moment, "--host", "one"), await then(host, moment));
  const blind = await then(hubHost, dead, "--host", "one");
  assertEquals([blind.watched, blind.items], [false, (await then(host, dead)).items]);
  assert(blind.asOf < dead, blind.asOf);
  {
    await using daemon = new LivingDaemon(host);
    await daemon.ready();
    await same("what is told after a gap has all of it");
    for (const at of [moment, dead]) {
      assertEquals(await then(hubHost, at, "--host", "one"), await then(host, at), at);
    }
    const differences = async (of: TestHost, ...words: string[]) => {
      const { items } = await of.json("diff", "--since", moment, ...words);
      // Since when each is so is the same too.
      return asOwn(items as { id: string; then: PastRow | null; now: PastRow | null }[]);
    };
    const ofHost = await differences(host);
    assertEquals(ofHost.length, 2);
    assertEquals(await differences(hubHost, "--host", "one"), ofHost);
    const times = async (of: TestHost, ...words: string[]) => {
      const { workloads } = await of.json("availability", ...words);
      return asOwn(workloads as Record<string, unknown>[]).map((each) => [
        ...[
          each.id,
          each.kind,
          each.name,
          each.removed,
          each.downMs,
          each.unknownMs,
          each.partlyMs,
        ],
      ]);
    };
    assertEquals(await times(hubHost, "blog", "--host", "one"), await times(host, "blog"));
    assertEquals((await hubHost.json("availability")).hosts.length, 1);
  }
  await hub.running.stop();
});
