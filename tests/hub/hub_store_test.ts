/** What a hub keeps of what hosts tell it, on a real PostgreSQL. @module */

import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { openTestDatabase, sharedCluster } from "../harness/postgres.ts";
import { admit, enroll, expel, HostSecrets } from "../../src/hub/enrolment.ts";
import type { Sql } from "../../src/hub/sql.ts";
import { beat, greet, type HostBeat } from "../../src/hub/hub_store.ts";
import { Heartbeats } from "../../src/hub/heartbeats.ts";
import { ingest } from "../../src/hub/ingest.ts";
import { CHANNEL } from "../../src/hub/hub_writes.ts";
import { listContainers, listHosts } from "../../src/hub/hub_views.ts";
import { type Hello, readIngest, type Told } from "../../src/hub/protocol.ts";
import { MAX_ROWS } from "../../src/hub/told_values.ts";
import { hubRow } from "../../src/hub/row.ts";
import { VIEW_COLUMNS } from "../../src/model/columns.ts";
import { sha256Text } from "../../src/secret.ts";
import { digestOf } from "../../src/hub/told_fields.ts";
import { Failure } from "../../src/failure.ts";
import { until } from "../harness/until.ts";
import { shownRow } from "./rows.ts";

/** A joined host that says what a test has it say. */
async function hostOf(sql: Sql, name: string) {
  const { token } = await enroll(sql, name);
  const { host: id } = (await admit(sql, token))!;
  let attempt = 0;
  const hello = (changes: Partial<Hello> = {}) =>
    greet(sql, id, {
      ...{ protocol: 1, epoch: "e1", seq: 99, run: "r1", version: "1", machine: name },
      ...{ transitionSeq: 0, attempt: ++attempt, ...changes },
    });
  const begun = await hello();
  if (begun.result !== "accepted") throw new Error(begun.result);
  const said = { session: begun.session, epoch: "e1" };
  const beatOf = (told: Partial<HostBeat> = {}): HostBeat => ({
    ...{ hostId: id, ...said, seq: 0, digest: null, besideDigest: null, past: null },
    ...{ lastPassAt: null, fresh: true, ending: false, ...told },
  });
  return {
    id,
    said,
    hello,
    beatOf,
    snapshot: (to: number, rows: unknown[], part: object = {}) =>
      ingest(sql, id, readIngest({ ...said, to, rows, ...part })).then(aboutRows),
    batch: (from: number, to: number, rows: unknown[], gone: string[] = []) =>
      ingest(sql, id, readIngest({ ...said, from, to, rows, gone })).then(aboutRows),
    beat: async (told: Partial<HostBeat> = {}) => aboutRows((await beat(sql, [beatOf(told)]))[0]!),
  };
}

/** An answer without what it says of anything but rows. */
function aboutRows(told: Told) {
  const { transitions: _, tells: __, watched: ___, ...rest } = {
    ...{ transitions: 0, tells: false, watched: 0 },
    ...told,
  };
  return rest;
}

const all = (sql: Sql) => listContainers(sql, { limit: 100 });
const states = async (sql: Sql) =>
  (await all(sql)).map(({ host, id, state }) => `${host}/${id} ${state}`);

const cluster = sharedCluster();

/** A test with a database of its own. */
function withDatabase(name: string, test: (sql: Sql) => Promise<void>): void {
  Deno.test(name, async () => {
    await using database = await openTestDatabase(cluster);
    await test(database.sql);
  });
}

withDatabase("ingest() keeps what a host tells, and says it again as it was told", async (sql) => {
  const host = await hostOf(sql, "alpha");
  const rows = [shownRow("a"), shownRow("b", { state: "stopped", exitCode: 3 })];
  assertEquals(await host.snapshot(4, rows), { result: "ok", seq: 4 });
  const [a, b] = await all(sql);
  assertEquals([a!.id, a!.host, a!.state, a!.imageRef], ["a", "alpha", "running", "nginx:1"]);
  assertEquals([b!.id, b!.state, b!.exitCode], ["b", "stopped", 3]);
  assertEquals(await host.batch(4, 6, [shownRow("c")], ["a"]), { result: "ok", seq: 6 });
  assertEquals(await states(sql), ["alpha/b stopped", "alpha/c running"]);
});

withDatabase("ingest() acknowledges what it has, and takes nothing of it twice", async (sql) => {
  const host = await hostOf(sql, "alpha");
  await host.snapshot(1, [shownRow("a")]);
  await host.batch(1, 2, [shownRow("a", { state: "stopped" })]);
  await host.batch(2, 3, [shownRow("a", { state: "paused" })]);
  assertEquals(await host.batch(1, 2, [shownRow("a", { state: "stopped" })]), {
    result: "ok",
    seq: 3,
  });
  assertEquals(await host.snapshot(1, []), { result: "ok", seq: 3 });
  assertEquals(await states(sql), ["alpha/a paused"]);
});

withDatabase("ingest() asks for all rows where some are missing", async (sql) => {
  const host = await hostOf(sql, "alpha");
  assertEquals(await host.batch(0, 1, [shownRow("a")]), { result: "snapshot" });
  await host.snapshot(1, [shownRow("a")]);
  assertEquals(await host.batch(2, 3, [shownRow("b")]), { result: "snapshot" });
  assertEquals(await states(sql), ["alpha/a running"]);
});

withDatabase("ingest() takes a snapshot in parts, each in place of what was there", async (sql) => {
  const host = await hostOf(sql, "alpha");
  await host.snapshot(1, ["a", "b", "c", "d"].map((id) => shownRow(id)));
  const stopped = (id: string) => shownRow(id, { state: "stopped" });
  assertEquals((await host.hello({ epoch: "e2" })).result, "accepted");
  const said = { session: host.said.session + 1, epoch: "e2" };
  const part = (told: object) =>
    ingest(sql, host.id, readIngest({ ...said, ...told })).then(aboutRows);
  assertEquals(await part({ to: 9, after: "b", rows: [stopped("d")] }), { result: "snapshot" });
  await part({ to: 9, upTo: "b", rows: [stopped("b")] });
  // Between two parts the rows are of no state, so that nothing can follow.
  assertEquals(await part({ from: 9, to: 10, rows: [] }), { result: "snapshot" });
  assertEquals(await part({ to: 8, after: "b", rows: [] }), { result: "snapshot" });
  assertEquals(await part({ to: 9, after: "b", rows: [stopped("d")] }), { result: "ok", seq: 9 });
  assertEquals(await states(sql), ["alpha/b stopped", "alpha/d stopped"]);
});

withDatabase("ingest() lets a host write nothing but its own rows", async (sql) => {
  const [alpha, beta] = [await hostOf(sql, "alpha"), await hostOf(sql, "beta")];
  await alpha.snapshot(1, [shownRow("same")]);
  const claimed = shownRow("same", { state: "stopped", host: "alpha" });
  await beta.snapshot(1, [claimed]);
  await beta.batch(1, 2, [], ["same"]);
  assertEquals(await states(sql), ["alpha/same running"]);
  // With the number of another host's session, which is no secret.
  const foreign = readIngest({ session: 77, epoch: "e1", to: 5, rows: [] });
  assertEquals(await ingest(sql, beta.id, foreign), { result: "superseded" });
});

withDatabase("ingest() writes no row that is as it was, and tells who listens", async (sql) => {
  const host = await hostOf(sql, "alpha");
  const heard: string[] = [];
  const { unlisten } = await sql.listen(CHANNEL, (id) => void heard.push(id));
  await host.snapshot(1, [shownRow("a"), shownRow("b")]);
  const versions = () =>
    sql<
      { id: string; xmin: string }[]
    >`SELECT id, xmin::text FROM tinyforge.containers ORDER BY id`;
  const [a, b] = await versions();
  await host.batch(1, 2, [shownRow("a"), shownRow("b", { state: "stopped" })]);
  const [a2, b2] = await versions();
  assertEquals(a2!.xmin, a!.xmin);
  assertNotEquals(b2!.xmin, b!.xmin);
  await until("both are told", () => heard.length >= 2);
  await unlisten();
  assertEquals(heard.map((text) => JSON.parse(text)), [
    [host.id, "e1", null, 1, null, null],
    [host.id, "e1", 1, 2, ["a", "b"], []],
  ]);
});

withDatabase("a silent host is unknown with the rows it last had, never missing", async (sql) => {
  const host = await hostOf(sql, "alpha");
  await host.snapshot(1, [shownRow("a")]);
  assertEquals((await listHosts(sql))[0]!.state, "known");
  const before = await sql`SELECT xmin::text FROM tinyforge.containers`;
  // As if 46 s had gone by, by the database's clock.
  await sql`UPDATE tinyforge.hosts SET heard_at = heard_at - interval '46 s',
    lease_until = lease_until - interval '46 s'`;
  const [view] = await listHosts(sql);
  assertEquals([view!.state, view!.fresh, view!.rows], ["unknown", null, 1]);
  assert(view!.ageSeconds! >= 46);
  const [row] = await all(sql);
  assertEquals([row!.state, row!.lastState], ["unknown", "running"]);
  assertEquals(await listContainers(sql, { state: "running", limit: 9 }), []);
  assertEquals((await listContainers(sql, { state: "unknown", limit: 9 })).length, 1);
  assertEquals(await sql`SELECT xmin::text FROM tinyforge.containers`, before);
  assertEquals(await host.beat({ seq: 1 }), { result: "ok", seq: 1 });
  assertEquals(await states(sql), ["alpha/a running"]);
});

withDatabase(
  "Heartbeats take in twice what a process says twice, its last word after all and at once",
  async (sql) => {
    const [alpha, beta] = [await hostOf(sql, "alpha"), await hostOf(sql, "beta")];
    const run = async () =>
      (await sql<{ run: string | null }[]>`SELECT run FROM tinyforge.hosts WHERE id = ${alpha.id}`)[
        0
      ]
        ?.run;
    for (const host of [alpha, beta]) await host.snapshot(0, []);
    // It would be awaited for longer than this test.
    const beats = new Heartbeats(sql, { everyMs: 600_000 });
    const first = beats.take(alpha.beatOf());
    const other = beats.take(beta.beatOf());
    assertEquals(await run(), "r1");
    const last = await beats.take(alpha.beatOf({ ending: true }));
    assertEquals([last, await first, await other].map(({ result }) => result), ["ok", "ok", "ok"]);
    assertEquals(await run(), null);
  },
);

withDatabase("beat() finds by the digest what no number told of", async (sql) => {
  const host = await hostOf(sql, "alpha");
  const rows = [shownRow("a"), shownRow("b")];
  const digest = digestOf(rows.map((row) => hubRow(row).hash));
  await host.snapshot(3, rows);
  assertEquals(await host.beat({ seq: 3, digest }), { result: "ok", seq: 3 });
  // As a standby that was promoted without the last commit has it, or somebody's hand.
  await sql`DELETE FROM tinyforge.containers WHERE id = 'b'`;
  assertEquals(await host.beat({ seq: 2, digest }), { result: "ok", seq: 3 });
  assertEquals(await host.beat({ seq: 3, digest }), { result: "snapshot" });
  assertEquals(await host.snapshot(3, rows), { result: "ok", seq: 3 });
  assertEquals(await host.beat({ seq: 3, digest }), { result: "ok", seq: 3 });
});

withDatabase(
  "greet() listens to neither of two that live, and to the one that stays",
  async (sql) => {
    const host = await hostOf(sql, "alpha");
    await host.snapshot(1, [shownRow("a")]);
    const clone = (attempt: number) => host.hello({ run: "clone", attempt, machine: "copy" });
    const later = (seconds: number) =>
      sql`UPDATE tinyforge.host_runs SET heard_at = heard_at - ${seconds} * interval '1 second',
        first_at = first_at - ${seconds} * interval '1 second'`;
    // The copy says hello while the other lives: nothing of it is taken.
    assertEquals(await clone(1), { result: "waits", seconds: 20 });
    assertEquals(await host.batch(1, 2, []), { result: "ok", seq: 2 });
    await later(7);
    assertEquals(await clone(2), { result: "waits", seconds: 13 });
    await host.beat();
    assertEquals(await states(sql), ["alpha/a running"]);
    assertEquals(await clone(3), { result: "contested" });
    assertEquals(await host.batch(2, 3, []), { result: "superseded" });
    assertEquals(await host.hello(), { result: "contested" });
    assertEquals(await clone(4), { result: "contested" });
    const [view] = await listHosts(sql);
    assertEquals([view!.state, view!.machines], ["contested", ["alpha", "copy"]]);
    assertEquals(await states(sql), ["alpha/a unknown"]);
    await sql`UPDATE tinyforge.host_runs SET heard_at = heard_at - interval '91 s' WHERE run = 'r1'`;
    assertEquals((await clone(5)).result, "accepted");
    assertEquals((await listHosts(sql))[0]!.state, "unknown");
    // The other was not heard of for long, came back, and is alive after all.
    assertEquals(await host.hello(), { result: "contested" });
  },
);

withDatabase(
  "greet() keeps the state over a restart, and forgets it over a restore",
  async (sql) => {
    const host = await hostOf(sql, "alpha");
    await host.snapshot(7, [shownRow("a")]);
    // A process that said its end is followed at once, one that died when it would have spoken.
    await host.beat({ seq: 7, ending: true });
    const again = await host.hello({ run: "r2", attempt: 1 });
    assertEquals(again.result === "accepted" && again.seq, 7);
    const setBack = await host.hello({ run: "r2", attempt: 2, seq: 6 });
    assertEquals(setBack.result === "accepted" && setBack.seq, null);
    await sql`UPDATE tinyforge.host_runs SET heard_at = heard_at - interval '21 s'`;
    const restored = await host.hello({ run: "r3", attempt: 1, epoch: "e2" });
    assertEquals(restored.result === "accepted" && restored.seq, null);
    assertEquals(await host.hello({ run: "r3", attempt: 1 }), { result: "stale" });
  },
);

withDatabase("admit() takes a token once, within its hour, and keeps no secret", async (sql) => {
  const { token } = await enroll(sql, "alpha");
  const made = (await admit(sql, token))!;
  assertEquals(await new HostSecrets(sql).hostWith(made.secret), made.host);
  assertEquals(await admit(sql, token), null);
  assertEquals(await new HostSecrets(sql).hostWith(token), null);
  await assertRejects(() => enroll(sql, "alpha"), Failure, "such a host already");
  await assertRejects(() => enroll(sql, "a b"), Failure, "a name has");

  const late = await enroll(sql, "beta");
  await sql`UPDATE tinyforge.enrolments SET expires_at = now() - interval '1 second'`;
  assertEquals(await admit(sql, late.token), null);
  const first = await enroll(sql, "gamma");
  const second = await enroll(sql, "gamma");
  assertEquals(await admit(sql, first.token), null);
  assertNotEquals(await admit(sql, second.token), null);

  const kept = JSON.stringify([
    await sql`SELECT * FROM tinyforge.hosts`,
    await sql`
    SELECT * FROM tinyforge.enrolments`,
  ]);
  for (const secret of [token, made.secret]) assert(!kept.includes(secret));
});

withDatabase("expel() forgets a host with its rows, and its secret opens nothing", async (sql) => {
  const { token } = await enroll(sql, "alpha");
  const { host, secret } = (await admit(sql, token))!;
  const other = await hostOf(sql, "beta");
  await other.snapshot(1, [shownRow("b")]);
  await expel(sql, "alpha");
  assertEquals(await new HostSecrets(sql).hostWith(secret), null);
  assertEquals(await ingest(sql, host, readIngest({ session: 0, epoch: "e", to: 1, rows: [] })), {
    result: "superseded",
  });
  assertEquals(await states(sql), ["beta/b running"]);
  await assertRejects(() => expel(sql, "alpha"), Failure, "no such host");
});

withDatabase(
  "a host that knows fewer fields is compared by those, and shown with the others",
  async (sql) => {
    const host = await hostOf(sql, "alpha");
    const { restartPolicy: _, ownSeenAt: __, ...older } = shownRow("a");
    // As that host's program reckons it, which keeps of a row what it knows.
    const digest = digestOf([sha256Text(JSON.stringify(older))]);
    await host.snapshot(1, [older]);
    assertEquals((await host.beat({ seq: 1, digest })).result, "ok");
    const [row] = await all(sql);
    assertEquals([row!.restartPolicy, row!.lastSeenAt, row!.state], [null, null, older.state]);
    assertEquals(Object.keys(row!).sort(), [
      ...[...Object.keys(VIEW_COLUMNS), "lastState", "heardAt"].sort(),
    ]);
  },
);

Deno.test("readIngest() takes nothing that is out of bounds", () => {
  const said = { session: 1, epoch: "e", to: 1 };
  const wrong: unknown[] = [
    null,
    { ...said, rows: Array.from({ length: MAX_ROWS + 1 }, (_, i) => shownRow(String(i))) },
    { ...said, rows: [shownRow("a"), shownRow("a")] },
    { ...said, from: 0, rows: [shownRow("a")], gone: ["a"] },
    { ...said, from: 2, rows: [] },
    { ...said, rows: [shownRow("x".repeat(2000))] },
    { ...said, rows: [shownRow("a", { containerName: "n".repeat(10 << 20) })] },
    { ...said, rows: [shownRow("a\0b")] },
    { ...said, rows: [shownRow("a", { exitCode: "three" })] },
    { ...said, rows: [{ ...shownRow("a"), state: "" }] },
    { ...said, to: -1, rows: [] },
    { ...said, to: 1.5, rows: [] },
    { ...said, epoch: "e".repeat(201), rows: [] },
  ];
  for (const value of wrong) {
    try {
      readIngest(value);
    } catch (error) {
      assert(error instanceof Failure && error.code === "invalid", String(error));
      continue;
    }
    throw new Error(`taken: ${JSON.stringify(value)?.slice(0, 80)}`);
  }
});

Deno.test("hubRow() leaves out what it does not know, and does without what it was not told", () => {
  const plain = hubRow(shownRow("a"));
  assertEquals(hubRow({ ...shownRow("a"), ofTheFuture: 1, host: "x", lastSeenAt: "y" }), plain);
  const { restartPolicy: _, ...older } = shownRow("a");
  assertEquals(JSON.parse(hubRow(older).body), older);
  assertNotEquals(hubRow(shownRow("a", { state: "stopped" })).hash, plain.hash);
});
