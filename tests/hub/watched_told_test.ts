/**
 * What a host watched, as it is told to a hub: all of it and no more than once, also where there is
 * much, where numbers begin anew, and where the index is set back to a backup.
 * @module
 */

import { assertEquals } from "@std/assert";
import { openDatabase } from "../../src/hub/database.ts";
import { Dialer } from "../../src/hub/dialer.ts";
import { admit, enroll } from "../../src/hub/enrolment.ts";
import { HubPast } from "../../src/hub/hub_past.ts";
import { readHeartbeat } from "../../src/hub/protocol.ts";
import type { Sql } from "../../src/hub/sql.ts";
import { openStore } from "../../src/store/store.ts";
import { Log } from "../../src/telemetry/log.ts";
import { failsWith } from "../harness/failures.ts";
import { sharedCluster } from "../harness/postgres.ts";
import { pass, siteRow } from "../harness/program.ts";
import { type TempStore, tempStore } from "../harness/temp_store.ts";
import { hubAt } from "./network.ts";

const cluster = sharedCluster();

const { Database } = await import("@db/sqlite");
const MINUTE = 60_000;

/** A hub, and an index that tells it when that is asked for. */
async function atHub(
  test: (scene: {
    readonly sql: Sql;
    readonly temp: TempStore;
    /** What of the messages was told of what was watched; a new process says hello first. */
    tell(options?: { anew?: boolean }): Promise<number>;
  }) => Promise<void>,
): Promise<void> {
  await using temp = await tempStore();
  const sql = await openDatabase(await cluster.newDatabase());
  try {
    const { token } = await enroll(sql, "one");
    const hub = hubAt(sql, (await admit(sql, token))!.host);
    let told = 0;
    let dialer: Dialer | null = null;
    const dial = () => {
      temp.store.replica.begin(() => {});
      return new Dialer({
        ...{ replica: temp.store.replica, version: "1", machine: "m", isFresh: () => true },
        log: new Log({ level: "error", write: () => {} }),
        clock: { now: () => temp.now, monotonic: () => temp.now, sleep: () => Promise.resolve() },
        ask: async (path, body, signal) => {
          if (path === "/api/heartbeat") {
            told += readHeartbeat(JSON.parse(JSON.stringify(body))).past?.watched.length ?? 0;
          }
          return await hub(path, body, signal);
        },
      });
    };
    await test({
      sql,
      temp,
      tell: async ({ anew = false } = {}) => {
        if (anew) await sql`UPDATE tinyforge.host_runs SET heard_at = now() - interval '1 hour'`;
        if (dialer === null || anew) dialer = dial();
        told = 0;
        for (let i = 0; i < 50; i++) {
          const waitMs = await dialer.step(new AbortController().signal);
          if (dialer.state.error !== null) throw new Error(dialer.state.error);
          if (waitMs > 0) return told;
        }
        throw new Error("it has always more to tell");
      },
    });
  } finally {
    await sql.end();
  }
}

async function kept(sql: Sql): Promise<number> {
  const [{ count }] = await sql<[{ count: number }]>`
    SELECT count(*)::integer AS count FROM tinyforge.watched`;
  return count;
}

Deno.test("Dialer tells what was watched once, in parts where it is much", () =>
  atHub(async ({ sql, temp, tell }) => {
    const db = new Database(temp.path);
    const add = (from: number, count: number) => {
      for (let i = from; i < from + count; i++) {
        const at = (minutes: number) => new Date(temp.now + minutes * MINUTE).toISOString();
        db.exec("INSERT INTO watched (began_at, ended_at) VALUES (?, ?)", at(2 * i), at(2 * i + 1));
      }
    };
    add(0, 2500);
    assertEquals([await tell(), await kept(sql)], [2500, 2500]);
    assertEquals([await tell(), await kept(sql)], [0, 2500]);
    add(2500, 2);
    assertEquals([await tell(), await kept(sql)], [2, 2502]);
    // A process that begins tells all, and nothing of it is kept twice.
    assertEquals([await tell({ anew: true }), await kept(sql)], [2502, 2502]);
    // Where all of it was forgotten, the numbers begin anew.
    db.exec("DELETE FROM watched");
    add(2502, 1);
    assertEquals([await tell(), await kept(sql)], [1, 2503]);
    db.close();
  }));

Deno.test("a hub knows what is being watched, and that it is no more", () =>
  atHub(async ({ sql, temp, tell }) => {
    const { workloadId } = temp.store.registry.create("site", { name: "blog" }).entry;
    const at = () => new Date(temp.now).toISOString();
    pass(temp.store, [siteRow(workloadId)], { at: at() });
    await tell();
    const watching =
      async () => [...await sql`SELECT watching_from, watching_to, past_told FROM tinyforge.hosts`];
    assertEquals(await watching(), [
      { watching_from: at(), watching_to: at(), past_told: true },
    ]);
    temp.store.hosts.watched.lost(at());
    await tell();
    assertEquals(await watching(), [{ watching_from: null, watching_to: null, past_told: true }]);
    assertEquals(await kept(sql), 1);
  }));

Deno.test("a hub remembers what an index was that is set back to a backup, and no row of it for longer", () =>
  atHub(async ({ sql, temp, tell }) => {
    const begin = temp.now;
    const { registry } = temp.store;
    const blog = registry.create("site", { name: "blog" }).entry.workloadId;
    const at = (minute: number) => {
      temp.now = begin + minute * MINUTE;
      return { at: new Date(temp.now).toISOString() };
    };
    pass(temp.store, [siteRow(blog)], at(0));
    await tell();
    const db = new Database(temp.path);
    db.exec("VACUUM INTO ?", `${temp.dir}/backup`);
    db.close();
    // What the backup does not know.
    const shop = registry.create("site", { name: "shop" }).entry.workloadId;
    pass(temp.store, [siteRow(shop)], at(5));
    pass(temp.store, [], at(10));
    await tell();
    temp.store.close();
    await Deno.copyFile(`${temp.dir}/backup`, temp.path);
    const restored = new Database(temp.path);
    restored.exec("UPDATE epoch SET id = lower(hex(randomblob(16)))");
    restored.close();
    const now = () => new Date(temp.now).toISOString();
    Object.assign(temp, { store: await openStore(temp.path, { now }) });
    pass(temp.store, [], at(20));
    await tell({ anew: true });

    const hub = new HubPast({ sql, now: () => temp.now });
    const then = async (minute: number) => {
      const { items, watched, asOf } = await hub.at(begin + minute * MINUTE);
      const minuteOf = (time: string | null) =>
        time === null ? null : (Date.parse(time) - begin) / MINUTE;
      return [
        items.map(({ workloadName, state }) => `${workloadName} ${state}`).toSorted(),
        watched,
        minuteOf(asOf),
      ];
    };
    assertEquals(await then(7), [["blog running", "shop running"], true, 7]);
    assertEquals(await then(15), [["blog running", "shop running"], false, 10]);
    assertEquals(await then(20), [["blog running"], true, 20]);
    const { workloads } = await hub.availability({ from: begin, until: temp.now, maxSpans: 0 });
    assertEquals(
      workloads.map(({ name, removed, runningMs, unknownMs }) => [
        ...[name, removed, runningMs / MINUTE, unknownMs / MINUTE],
      ]),
      [["blog", false, 10, 10], ["shop", true, 5, 10]],
    );
  }));

Deno.test("readHeartbeat() takes nothing of what was watched that is out of bounds", async () => {
  const time = "2026-01-01T00:00:00.000Z";
  const of = (past: unknown) => () =>
    readHeartbeat({ session: 1, epoch: "e", seq: 1, lastPassAt: null, past });
  const good = { after: 0, watched: [], watching: null, forgottenUntil: null };
  assertEquals(of(null)().past, null);
  assertEquals(of(undefined)().past, null);
  assertEquals(of({ ...good, more: 1 })().past, good);
  const span = (seq: number, more = {}) => ({ seq, from: time, to: time, ...more });
  for (
    const wrong of [
      { ...good, watched: null },
      { ...good, watched: [span(2), span(1)] },
      { ...good, after: 3, watched: [span(3)] },
      { ...good, watched: [span(1, { to: "soon" })] },
      { ...good, watched: Array.from({ length: 5001 }, (_, i) => span(i + 1)) },
      { ...good, watched: [span(1, { to: "2026-99-99T00:00:00Z" })] },
      { ...good, watching: { from: time } },
      { ...good, forgottenUntil: "2026-01-01T25:00:00Z" },
      { ...good, forgottenUntil: 1 },
      { ...good, after: -1 },
    ]
  ) await failsWith("invalid", of(wrong));
  // Its clock was set back meanwhile.
  const back = { from: time, to: "2025-12-31T00:00:00.000Z" };
  assertEquals(of({ ...good, watching: back })().past?.watching, { from: time, to: time });
});
