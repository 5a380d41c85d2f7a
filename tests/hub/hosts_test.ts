/**
 * What becomes of a host whose life is not straight: restored from a backup, copied, cut off for
 * minutes, with a clock that is a year off. A hub as a program of its own; hosts are daemons, or
 * indexes that tell it over HTTP.
 * @module
 */

import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { SYSTEM_CLOCK } from "../../src/clock.ts";
import { openDatabase } from "../../src/hub/database.ts";
import { admitted, enrolled, hubItems, hubRows, rowsOf, startHub, tell } from "../harness/hub.ts";
import { sharedCluster } from "../harness/postgres.ts";
import { TestHost } from "../harness/program.ts";
import { tempStore } from "../harness/temp_store.ts";
import { until } from "../harness/until.ts";

const cluster = sharedCluster();

/** Ids and tags of what a hub shows of a host. */
async function tags(...asked: Parameters<typeof hubRows>): Promise<string> {
  const rows = await hubRows(...asked);
  return rows.map(({ id, imageTag, state }) => `${id} ${imageTag} ${state}`).join(", ");
}

/** A daemon's host with a row `a` of tag 1, which joined as `one`. */
async function joinedHost(hubHost: TestHost, hub: Parameters<typeof enrolled>[1]) {
  const host = await TestHost.seeded((store) => {
    const { workloadId } = store.registry.create("project", { name: "shop" }).entry;
    store.deployed.putDeployedContainer({ id: "a", workloadId, imageTag: "1" });
  });
  const { code, stderr } = await host.run(...await enrolled(hubHost, hub, "one"));
  assertEquals(code, 0, stderr);
  return host;
}

Deno.test("a host that is restored from a backup is shown as it is since then", async () => {
  await using hubHost = await TestHost.make();
  const hub = await startHub(hubHost, { database: await cluster.newDatabase() });
  await using host = await joinedHost(hubHost, hub);
  let daemon = host.start("reconcile");
  await until("it is told", async () => await tags(hub, hubHost, "one") === "a 1 pending");
  const file = `${host.dir}/backup`;
  assertEquals((await host.run("backup", file)).code, 0);
  assertEquals((await host.run("container", "set", "a", "--image-tag", "2")).code, 0);
  assertEquals(
    (await host.run("container", "add", "shop", "--id", "b", "--image-tag", "2")).code,
    0,
  );
  await until(
    "the changes are told",
    async () => await tags(hub, hubHost, "one") === "a 2 pending, b 2 pending",
  );
  assertEquals((await daemon.stop()).code, 0);
  const restored = await host.run("restore", file);
  assertEquals(restored.code, 0, restored.stderr);
  daemon = host.start("reconcile");
  await until(
    "what was restored is told",
    async () => await tags(hub, hubHost, "one") === "a 1 pending",
    { withinMs: 60_000 },
  );
  // And goes on from there, in its new life.
  assertEquals((await host.run("container", "set", "a", "--image-tag", "3")).code, 0);
  await until("a change is told", async () => await tags(hub, hubHost, "one") === "a 3 pending");
  assertEquals((await daemon.stop()).code, 0);
});

Deno.test("of a data directory that was copied both are refused, both say so, and one may leave", async () => {
  await using hubHost = await TestHost.make();
  const database = await cluster.newDatabase();
  const hub = await startHub(hubHost, { database });
  await using host = await joinedHost(hubHost, hub);
  const daemon = host.start("reconcile");
  await until("it is told", async () => await tags(hub, hubHost, "one") === "a 1 pending");
  assertEquals((await daemon.stop()).code, 0);
  await using copy = await TestHost.make();
  await Deno.mkdir(copy.dataDir, { mode: 0o700 });
  for await (const { name, isFile } of Deno.readDir(host.dataDir)) {
    if (isFile) await Deno.copyFile(`${host.dataDir}/${name}`, `${copy.dataDir}/${name}`);
  }
  host.start("reconcile");
  copy.start("reconcile");
  const trouble = async (of: TestHost) => (await of.json("status")).daemon?.hub?.trouble ?? null;
  await until(
    "both are refused",
    async () => await trouble(host) === "contested" && await trouble(copy) === "contested",
    {
      withinMs: 90_000,
    },
  );
  const [view] = await hubItems(hub, hubHost, "/api/hosts");
  assertEquals(view!.state, "contested");
  assertEquals(await tags(hub, hubHost, "one"), "a 1 unknown");
  const { findings } = JSON.parse((await copy.run("doctor", "--json")).stdout);
  const found = findings.find(({ code }: { code: string }) => code === "hub-contested");
  assert(found.do.startsWith("`tinyforge leave` on the copy"), found.do);
  assertEquals((await copy.run("leave")).code, 0);
  await until("the copy is silent", async () => await trouble(copy) === null);
  // As if the time were over in which it would have spoken.
  const sql = await openDatabase(database, { connections: 1 });
  await sql`UPDATE tinyforge.host_runs SET heard_at = heard_at - interval '91 s'`;
  await sql.end();
  await until(
    "the other is heard again",
    async () => await tags(hub, hubHost, "one") === "a 1 pending",
    { withinMs: 90_000 },
  );
});

Deno.test("a host that is cut off for minutes is unknown with the rows that it last had, then as it is", async () => {
  await using hubHost = await TestHost.make();
  const database = await cluster.newDatabase();
  let hub = await startHub(hubHost, { database });
  await using away = await tempStore();
  await using near = await tempStore();
  const put = (temp: typeof away, id: string, imageTag: string) => {
    const workloadId = temp.store.workloads.list()[0]!.id;
    temp.store.deployed.putDeployedContainer({ id, workloadId, imageTag });
  };
  for (const temp of [away, near]) {
    temp.store.registry.create("project", { name: "shop" });
    for (const id of ["a", "b", "c"]) put(temp, id, "1");
  }
  let cut = false;
  await using telling = tell(away, {
    ...{ urls: [hub.url], secret: await admitted(hubHost, hub, "away"), isCut: () => cut },
  });
  const other = tell(near, { urls: [hub.url], secret: await admitted(hubHost, hub, "near") });
  await telling.settled();
  await other.settled();
  const sql = await openDatabase(database, { connections: 1 });
  try {
    const stored = () =>
      sql`SELECT c.id, c.xmin::text, c.body FROM tinyforge.containers AS c
        JOIN tinyforge.hosts AS h ON h.id = c.host_id WHERE h.name = 'away' ORDER BY c.id`;
    const before = await stored();
    cut = true;
    // Five minutes by the database's clock, which is the one that counts.
    await until("nothing comes any more", () => {
      put(away, "a", "2");
      return !telling.state.up;
    });
    await sql`UPDATE tinyforge.hosts SET heard_at = heard_at - interval '5 min',
      lease_until = lease_until - interval '5 min' WHERE name = 'away'`;
    // Both sides go on: rows change, come and go, and the hub is another one meanwhile.
    put(away, "d", "2");
    away.store.deployed.deleteDeployedContainer("b");
    put(near, "a", "2");
    await other.settled();
    await other[Symbol.asyncDispose]();
    assertEquals((await hub.running.stop()).code, 0);
    hub = await startHub(hubHost, { database, port: Number(new URL(hub.url).port) });
    const shown = await hubItems(hub, hubHost, "/api/containers?host=away");
    assertEquals(shown.map(({ state, lastState, imageTag }) => [state, lastState, imageTag]), [
      ["unknown", "pending", "1"],
      ["unknown", "pending", "1"],
      ["unknown", "pending", "1"],
    ]);
    assert((await tags(hub, hubHost, "near")).startsWith("a 2 pending, b 1 pending"));
    const [view] = await hubItems(hub, hubHost, "/api/hosts");
    assertEquals([view!.name, view!.state, view!.rows], ["away", "unknown", 3]);
    assertGreater(view!.ageSeconds as number, 290);
    assertEquals(await stored(), before, "a silence writes nothing");

    cut = false;
    await telling.settled();
    assertEquals(await hubRows(hub, hubHost, "away"), rowsOf(away));
    assertEquals(await tags(hub, hubHost, "away"), "a 2 pending, c 1 pending, d 2 pending");
  } finally {
    await sql.end();
  }
});

const YEAR_MS = 365 * 86_400_000;

for (const [direction, offset] of [["ahead", YEAR_MS], ["behind", -YEAR_MS]] as const) {
  Deno.test(`a host whose clock is a year ${direction} is known, and unknown, as any other`, async () => {
    await using hubHost = await TestHost.make();
    const database = await cluster.newDatabase();
    const hub = await startHub(hubHost, { database });
    await using temp = await tempStore();
    temp.now = Date.now() + offset;
    const { workloadId } = temp.store.registry.create("project", { name: "shop" }).entry;
    const put = (imageTag: string) =>
      temp.store.deployed.putDeployedContainer({ id: "a", workloadId, imageTag });
    put("1");
    let jump = 0;
    await using telling = tell(temp, {
      ...{ urls: [hub.url], secret: await admitted(hubHost, hub, "one") },
      clock: { ...SYSTEM_CLOCK, now: () => Date.now() + offset + jump },
    });
    await telling.settled();
    const view = async () => (await hubItems(hub, hubHost, "/api/hosts"))[0]!;
    const { state, heardAt, ageSeconds } = await view();
    assertEquals(state, "known");
    assertLess(ageSeconds as number, 30);
    assertLess(Math.abs(Date.now() - Date.parse(heardAt as string)), 60_000);
    // It is set right while it runs, which is a jump of a year the other way.
    jump = -offset;
    temp.now -= offset;
    put("2");
    await telling.settled();
    assertEquals(await hubRows(hub, hubHost, "one"), rowsOf(temp));
    // What a host says of its time makes its lease no longer.
    const sql = await openDatabase(database, { connections: 1 });
    const [{ seconds }] = await sql<[{ seconds: number }]>`
      SELECT extract(epoch FROM lease_until - now())::integer AS seconds FROM tinyforge.hosts`;
    await sql.end();
    assert(seconds > 0 && seconds <= 45, `${seconds} s`);
  });
}
