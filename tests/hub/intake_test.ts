/** What many hosts tell at once, taken in together as if each had been alone. @module */

import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { Failure } from "../../src/failure.ts";
import { Announcements } from "../../src/hub/announcements.ts";
import { admit, enroll, expel } from "../../src/hub/enrolment.ts";
import { greet } from "../../src/hub/hub_store.ts";
import { ingest, type Message } from "../../src/hub/ingest.ts";
import { Intake } from "../../src/hub/intake.ts";
import { MAX_HOST_ROWS, readHello, readIngest, type Told } from "../../src/hub/protocol.ts";
import type { Sql } from "../../src/hub/sql.ts";
import { openTestDatabase, sharedCluster, startCluster } from "../harness/postgres.ts";
import { shownRow } from "./rows.ts";
import { happening, toldProblem, workload } from "./things.ts";

const cluster = sharedCluster();

/** Ids of hosts that were let in, greeted and told row `a` in state 1. */
async function hostsOf(sql: Sql, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const { host: id } = (await admit(sql, (await enroll(sql, `host-${i}`)).token))!;
    const hello = { protocol: 1, epoch: "e", seq: 0, run: "r", attempt: 1, version: "1" };
    await greet(sql, id, readHello({ ...hello, machine: "m", transitionSeq: 0 }));
    await ingest(sql, id, told({ to: 1, rows: [shownRow("a")] }));
    ids.push(id);
  }
  return ids;
}

const told = (message: object) => readIngest({ session: 1, epoch: "e", rows: [], ...message });

const batch = (rows: unknown[], more: object = {}) => told({ from: 1, to: 2, rows, ...more });

/** A database with hosts, and what takes in what they tell. */
async function scene(count: number) {
  await using made = new AsyncDisposableStack();
  const { sql } = made.use(await openTestDatabase(cluster));
  const hosts = await hostsOf(sql, count);
  const kept = made.move();
  const intake = new Intake(sql, new Announcements(sql));
  return { sql, hosts, intake, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** State of each row by host, in the order of these. */
async function statesOf(sql: Sql, hosts: readonly string[]): Promise<string[]> {
  const rows = await sql<{ host_id: string; id: string; state: string }[]>`
    SELECT host_id, id, state FROM tinyforge.containers ORDER BY id`;
  return hosts.map((host) =>
    rows.filter(({ host_id }) => host_id === host).map(({ id, state }) => `${id} ${state}`).join()
  );
}

Deno.test("Intake takes in with one commit what many hosts tell at once", async () => {
  await using made = await scene(40);
  const { sql, hosts, intake } = made;
  const answers = await Promise.all(
    hosts.map((hostId) =>
      intake.take({ hostId, told: batch([shownRow("a", { state: "paused" }), shownRow("b")]) })
    ),
  );
  assertEquals(answers, hosts.map(() => ({ result: "ok", seq: 2, transitions: 0 }) as Told));
  assertEquals(await statesOf(sql, hosts), hosts.map(() => "a paused,b running"));
  const [{ commits }] = await sql<[{ commits: number }]>`
    SELECT count(DISTINCT xmin::text)::integer AS commits FROM tinyforge.hosts`;
  assert(commits <= 2, `${commits} commits`);
});

Deno.test("Intake takes in by itself what is long", async () => {
  await using made = await scene(3);
  const { sql, hosts, intake } = made;
  const long = Array.from(
    { length: 5 },
    (_, i) => shownRow(`b${i}`, { imageRef: "x".repeat(30_000) }),
  );
  const many = Array.from({ length: 101 }, (_, i) => shownRow(`c${i}`));
  await Promise.all(
    [long, many, [shownRow("d")]].map((rows, i) =>
      intake.take({ hostId: hosts[i]!, told: batch(rows) })
    ),
  );
  const counts = await sql<{ commit: string; rows: string }[]>`
    SELECT xmin::text AS commit, row_count AS rows FROM tinyforge.hosts`;
  assertEquals(counts.map(({ rows }) => Number(rows)).sort((a, b) => a - b), [2, 6, 102]);
  assertEquals(new Set(counts.map(({ commit }) => commit)).size, 3);
});

Deno.test("Intake refuses what can't be taken of one host, and takes in what others tell with it", async () => {
  await using made = await scene(5);
  const { sql, hosts, intake } = made;
  await sql`UPDATE tinyforge.hosts SET row_count = ${MAX_HOST_ROWS} WHERE id = ${hosts[1]!}`;
  // Longer than PostgreSQL takes in an index, whatever it is packed to.
  const word = Array.from({ length: 1000 }, (_, i) => String.fromCharCode(0x4e00 + i * 20)).join(
    "",
  );
  const rows = hosts.map((_, i) => [shownRow("b", i === 3 ? { containerName: word } : {})]);
  const answers = await Promise.allSettled(
    hosts.map((hostId, i) => intake.take({ hostId, told: batch(rows[i]!) })),
  );
  assertEquals(answers.map(({ status }) => status), [
    ...["fulfilled", "rejected", "fulfilled", "rejected", "fulfilled"],
  ]);
  const [, full, , long] = answers as PromiseRejectedResult[];
  assert(full!.reason instanceof Failure && full!.reason.code === "invalid", full!.reason);
  assertEquals(long!.reason.name, "PostgresError");
  assertEquals(await statesOf(sql, hosts), [
    ...["a running,b running", "a running", "a running,b running", "a running"],
    "a running,b running",
  ]);
});

Deno.test("Intake has nobody wait for a host that somebody else is at", async () => {
  await using made = await scene(3);
  const { sql, hosts, intake } = made;
  const held = Promise.withResolvers<void>();
  const locked = Promise.withResolvers<void>();
  const other = sql.begin(async (tx) => {
    await tx`SELECT FROM tinyforge.hosts WHERE id = ${hosts[0]!} FOR UPDATE`;
    locked.resolve();
    await held.promise;
  });
  await locked.promise;
  let isAnswered = false;
  const change = batch([shownRow("a", { state: "paused" })]);
  const [waiting, ...others] = hosts.map((hostId) => intake.take({ hostId, told: change }));
  void waiting!.then(() => isAnswered = true);
  await Promise.all(others);
  // Not even when it comes again and again.
  const again = hosts.slice(1).map((hostId) =>
    intake.take({ hostId, told: told({ from: 2, to: 3, rows: [shownRow("b")] }) })
  );
  await Promise.all(again);
  assert(!isAnswered);
  assertEquals(await statesOf(sql, hosts), [
    ...["a running", "a paused,b running", "a paused,b running"],
  ]);
  held.resolve();
  await other;
  assertEquals((await waiting!).result, "ok");
  assertEquals((await statesOf(sql, hosts))[0], "a paused");
});

Deno.test("Intake answers a host that was removed as one that is not listened to", async () => {
  await using made = await scene(3);
  const { sql, hosts, intake } = made;
  await expel(sql, "host-1");
  const answers = await Promise.all(
    hosts.map((hostId) => intake.take({ hostId, told: batch([shownRow("b")]) })),
  );
  assertEquals(answers.map(({ result }) => result), ["ok", "superseded", "ok"]);
  assertEquals((await statesOf(sql, hosts))[1], "");
});

Deno.test("Intake that can't reach the database says so to each, once", async () => {
  await using lost = await startCluster();
  await using database = await openTestDatabase(lost);
  const { sql } = database;
  const hosts = await hostsOf(sql, 3);
  const intake = new Intake(sql, new Announcements(sql));
  await lost.lose();
  await Promise.all(
    hosts.map((hostId) => assertRejects(() => intake.take({ hostId, told: batch([]) }))),
  );
});

/** All that hosts told, by host, without what tells when and in which transaction. */
async function dump(sql: Sql): Promise<unknown> {
  const tables = await Promise.all([
    sql`SELECT h.name, epoch, seq, snapshot_to, snapshot_of, snapshot_up_to, transition_seq,
        row_count, contested FROM tinyforge.hosts AS h ORDER BY h.name`,
    ...["containers", "workloads", "problems", "transitions"].map((table) =>
      sql`SELECT h.name, to_jsonb(t) - ARRAY['host_id', 'told_at'] ||
          CASE WHEN t.tableoid::regclass::text LIKE '%transitions%' THEN '{"id": 0}'::jsonb
            ELSE '{}'::jsonb END AS kept
        FROM tinyforge.hosts AS h JOIN tinyforge.${sql(table)} AS t ON t.host_id = h.id
        ORDER BY h.name, to_jsonb(t) ->> 'seq', to_jsonb(t) ->> 'id', to_jsonb(t) ->> 'key',
          to_jsonb(t) ->> 'opened_at'`
    ),
  ]);
  return tables.map((rows) => rows.map((row) => ({ ...row })));
}

const HOSTS = 4;

const anyRow = fc.record({
  id: fc.constantFrom("a", "b", "c", "d"),
  state: fc.constantFrom("running", "stopped", "paused"),
  workloadName: fc.constantFrom("shop", "größe\u001f", "\u001e"),
}).map(({ id, ...changes }) => shownRow(id, changes));

const once = <T>(of: (each: T) => string) => ({ selector: of, maxLength: 4 });
const idOf = (row: Record<string, unknown>) => String(row.id);

const anyMessage = fc.record({
  host: fc.nat({ max: HOSTS - 1 }),
  // Mostly what follows; now and then what came before, what misses something, or a stranger.
  from: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.constantFrom(-1, 1)),
  session: fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, fc.constant(2)),
  epoch: fc.oneof({ weight: 9, arbitrary: fc.constant("e") }, fc.constant("f")),
  rows: fc.uniqueArray(anyRow, once(idOf)),
  gone: fc.uniqueArray(fc.constantFrom("e", "f", "a2"), { maxLength: 2 }),
  problems: fc.uniqueArray(
    fc.record({ key: fc.constantFrom("p", "q"), openedAt: fc.constantFrom(1, 2) })
      .map((changes) => toldProblem(changes)),
    once(({ key }) => String(key)),
  ),
  problemsGone: fc.constantFrom<string[]>([], ["r"]),
  workloads: fc.option(fc.constantFrom([workload("w1")], [workload("w2"), workload("w3")], [])),
  happened: fc.nat({ max: 2 }),
});

Deno.test("Intake keeps of messages that come together what it keeps of each by itself", async () => {
  const [together, apart] = [await openTestDatabase(cluster), await openTestDatabase(cluster)];
  await using _both = {
    async [Symbol.asyncDispose]() {
      await together[Symbol.asyncDispose]();
      await apart[Symbol.asyncDispose]();
    },
  };
  const ids = [await hostsOf(together.sql, HOSTS), await hostsOf(apart.sql, HOSTS)];
  const intake = new Intake(together.sql, new Announcements(together.sql));
  const seqs = Array.from({ length: HOSTS }, () => 1);
  const last = Array.from({ length: HOSTS }, () => 0);
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(anyMessage, { selector: ({ host }) => host, minLength: 1, maxLength: HOSTS }),
      async (messages) => {
        const read = messages.map(({ host, from, happened, ...rest }) => {
          const before = seqs[host]! + from;
          const transitions = Array.from(
            { length: happened },
            (_, i) => happening(last[host]! + 1 + i),
          );
          return told({
            ...rest,
            ...{ from: before, to: before + 1 },
            ...happened > 0 && { transitionsAfter: last[host]!, transitions },
          });
        });
        const message = (of: number, i: number): Message => ({
          hostId: ids[of]![messages[i]!.host]!,
          told: read[i]!,
        });
        const answers = await Promise.all(read.map((_, i) => intake.take(message(0, i))));
        for (const [i, answer] of answers.entries()) {
          const { hostId, told } = message(1, i);
          assertEquals(answer, await ingest(apart.sql, hostId, told));
          const { host } = messages[i]!;
          if (answer.result === "ok") seqs[host] = answer.seq;
          if (answer.result !== "superseded") last[host] = answer.transitions ?? last[host]!;
        }
        assertEquals(await dump(together.sql), await dump(apart.sql));
      },
    ),
    { numRuns: 60, endOnFailure: true },
  );
  assert(seqs.some((seq) => seq > 5) && last.some((seq) => seq > 5), `${seqs} ${last}`);
});
