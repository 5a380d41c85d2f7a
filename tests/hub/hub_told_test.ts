/**
 * What a hub keeps of a host beside its rows, and that a host is silent, on a real PostgreSQL.
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { openTestDatabase, sharedCluster } from "../harness/postgres.ts";
import type { Sql } from "../../src/hub/sql.ts";
import { admit, enroll, expel } from "../../src/hub/enrolment.ts";
import { beat, greet } from "../../src/hub/hub_store.ts";
import { ingest } from "../../src/hub/ingest.ts";
import { keepPartitions, KEPT_DAYS } from "../../src/hub/partitions.ts";
import { countProblems, listProblems } from "../../src/hub/problem_views.ts";
import { readHello, readIngest } from "../../src/hub/protocol.ts";
import { MAX_ROWS } from "../../src/hub/told_values.ts";
import { watchSilence } from "../../src/hub/silence.ts";
import { listTransitions, storyOf } from "../../src/hub/transition_views.ts";
import { RowCounts, stateShown } from "../../src/hub/row_counts.ts";
import { listWorkloads } from "../../src/hub/workload_views.ts";
import type { Problem } from "../../src/model/problem.ts";
import { Failure } from "../../src/failure.ts";
import { shownRow } from "./rows.ts";
import { happening, toldProblem, workload } from "./things.ts";

const cluster = sharedCluster();

/** A test with a database of its own. */
function withDatabase(name: string, test: (sql: Sql) => Promise<void>): void {
  Deno.test(name, async () => {
    await using database = await openTestDatabase(cluster);
    await test(database.sql);
  });
}

const closed = { status: "closed", closedAt: 90_000, outcome: "recovered" };

async function hostOf(sql: Sql, name: string) {
  const { host: id } = (await admit(sql, (await enroll(sql, name)).token))!;
  let attempt = 0;
  const hello = async (changes: Record<string, unknown> = {}) => {
    const answer = await greet(
      sql,
      id,
      readHello({
        ...{ protocol: 1, epoch: "e1", seq: 0, transitionSeq: 0, run: "r", version: "1" },
        ...{ machine: name, attempt: ++attempt, ...changes },
      }),
    );
    if (answer.result === "accepted") session = answer.session;
    return answer;
  };
  let session = 0;
  await hello();
  return {
    id,
    hello,
    tell: (told: object) =>
      ingest(sql, id, readIngest({ session, epoch: "e1", rows: [], ...told })),
    beat: (told: object = {}) =>
      beat(sql, [{
        ...{
          hostId: id,
          session,
          epoch: "e1",
          seq: 0,
          digest: null,
          besideDigest: null,
          past: null,
        },
        ...{ lastPassAt: null, fresh: true, ending: false, ...told },
      }]),
  };
}

/** As if nobody had heard of any host for a while, though hubs listened. */
async function pass(sql: Sql, seconds: number): Promise<void> {
  await sql`UPDATE tinyforge.hosts SET heard_at = heard_at - ${seconds} * interval '1 second',
    lease_until = lease_until - ${seconds} * interval '1 second'`;
}

/** Number of the last transition; 0 before the first. */
async function lastTransition(sql: Sql): Promise<number> {
  const [{ last }] = await sql<[{ last: string }]>`
    SELECT coalesce(max(id), 0) AS last FROM tinyforge.transitions`;
  return Number(last);
}

/** Rows as they are counted for readers. */
const countRows = async (sql: Sql) =>
  (await new RowCounts(sql).hosts()).flatMap((host) =>
    host.counts.map(({ kind, state, health, count }) => ({
      ...{ host: host.name, kind, state: stateShown(host, state) },
      ...{ health: host.unknown ? null : health, count },
    }))
  );

const keys = async (sql: Sql) =>
  (await listProblems(sql, { closed: 10 })).map(({ problem: { key, status, host } }) =>
    `${host} ${key.split(":")[0]} ${status}`
  );

withDatabase("ingest() keeps what is wrong as its host judged it, beside the rows", async (sql) => {
  const host = await hostOf(sql, "alpha");
  await host.tell({ to: 1, of: "workloads", workloads: [workload("w", { name: "shop" })] });
  await host.tell({ to: 1, of: "problems", problems: [toldProblem()] });
  assertEquals(await host.tell({ to: 1, of: "rows", rows: [shownRow("a")] }), {
    ...{ result: "ok", seq: 1, transitions: 0 },
  });
  const [found] = await listProblems(sql);
  assertEquals(found!.problem, { ...toldProblem(), host: "alpha" } as unknown as Problem);
  assertEquals(found!.workload, { id: "w", name: "shop", kind: "project" });
  assertEquals(await countProblems(sql), [{ kind: "missing", severity: "high", count: 1 }]);

  await host.tell({ from: 1, to: 2, problems: [toldProblem({ evidence: { count: 3 } })] });
  assertEquals((await listProblems(sql))[0]!.problem.evidence, { count: 3 });
  await host.tell({ from: 2, to: 3, problems: [toldProblem(closed)] });
  assertEquals(await keys(sql), ["alpha missing closed"]);
  // It comes again, closes and comes once more within one batch.
  const again = { since: 100_000, openedAt: 160_000 };
  const third = { since: 200_000, openedAt: 260_000 };
  const over = { ...again, ...closed, closedAt: 170_000 };
  await host.tell({ from: 3, to: 4, problems: [toldProblem(again)] });
  await host.tell({ from: 4, to: 5, problems: [toldProblem(third), toldProblem(over)] });
  assertEquals(await keys(sql), [
    ...["alpha missing open", "alpha missing closed", "alpha missing closed"],
  ]);
  await host.tell({ from: 5, to: 6, problemsGone: ["missing:a"] });
  assertEquals(await countProblems(sql), []);
});

withDatabase(
  "ingest() takes a snapshot as whole only when each of its kinds has come",
  async (sql) => {
    const host = await hostOf(sql, "alpha");
    const needed = { result: "snapshot", transitions: 0 } as const;
    assertEquals(await host.tell({ to: 1, of: "rows", rows: [] }), needed);
    await host.tell({ to: 1, of: "workloads", workloads: [workload("w")] });
    assertEquals(await host.tell({ to: 1, of: "rows", rows: [] }), needed);
    assertEquals(await host.tell({ to: 2, of: "problems", problems: [] }), needed);
    await host.tell({ to: 1, of: "problems", problems: [toldProblem()], upTo: "n" });
    assertEquals(await host.tell({ to: 1, of: "rows", rows: [] }), needed);
    assertEquals(await host.tell({ from: 1, to: 2 }), needed);
    await host.tell({ to: 1, of: "problems", problems: [], after: "n" });
    assertEquals((await host.tell({ to: 1, of: "rows" })).result, "ok");
    // The next one begins anew, in place of what was there but for what is over.
    await host.tell({ from: 1, to: 2, problems: [toldProblem(closed)] });
    await host.tell({ from: 2, to: 3, problems: [toldProblem({ key: "oom:a", kind: "oom" })] });
    await host.hello({ epoch: "e1", seq: 9 });
    await host.tell({ to: 9, of: "workloads", workloads: [workload("v")] });
    await host.tell({ to: 9, of: "problems", problems: [] });
    await host.tell({ to: 9, of: "rows" });
    assertEquals(await keys(sql), ["alpha missing closed"]);
    assertEquals((await listWorkloads(sql)).map(({ id }) => id), ["v"]);
  },
);

withDatabase(
  "ingest() keeps what happened once, in its order, whoever tells it again",
  async (sql) => {
    const host = await hostOf(sql, "alpha");
    const news = (after: number, ...seqs: number[]) => ({
      ...{
        from: 0,
        to: 0,
        transitionsAfter: after,
        transitions: seqs.map((seq) => happening(seq)),
      },
    });
    const cursor = async (told: object) => {
      const answer = await host.tell(told);
      return answer.result === "superseded" ? null : answer.transitions;
    };
    assertEquals(await cursor(news(0, 1, 2)), 2);
    assertEquals(await cursor(news(0, 1, 2)), 2);
    assertEquals(await cursor(news(1, 2, 3)), 3);
    // Something between is missing: what follows it waits.
    assertEquals(await cursor(news(4, 5)), 3);
    assertEquals((await listTransitions(sql, { limit: 9 })).length, 3);

    // A backup of after the second: those two are not told twice, the third was of another future.
    const restored = await host.hello({ epoch: "e2", transitionSeq: 4 });
    assertEquals(restored.result === "accepted" && restored.transitions, 0);
    const later = happening(3, { at: "2026-02-01T00:00:00.000Z", to: "stopped" });
    await host.tell({
      ...{ epoch: "e2", from: 0, to: 0, transitionsAfter: 0 },
      transitions: [happening(1), happening(2), later, happening(4)],
    });
    const found = await listTransitions(sql, { limit: 9 });
    assertEquals(found.map(({ at, to }) => `${at.slice(5, 10)} ${to}`), [
      ...["01-01 running", "01-01 running", "01-01 running", "02-01 stopped", "01-01 running"],
    ]);
    assertEquals(found[0]!.workload, { id: "w", name: "shop", kind: "project" });
    assertEquals(found.at(-1)!.seq, await lastTransition(sql));
    assertEquals(await listTransitions(sql, { since: found[2]!.seq, limit: 1 }), [found[3]!]);
    assertEquals(await storyOf(sql, { host: "alpha", rowId: "a", limit: 2 }), found.slice(3));
    assertEquals(await storyOf(sql, { host: "beta", rowId: "a" }), []);
  },
);

withDatabase(
  "ingest() numbers what happened as it is committed, whichever hub is first",
  async (sql) => {
    const hosts = await Promise.all(["a", "b", "c", "d"].map((name) => hostOf(sql, name)));
    const seen: number[] = [];
    let done = false;
    const follow = (async () => {
      for (let last = 0; !done || await lastTransition(sql) > last;) {
        for (const { seq } of await listTransitions(sql, { since: last, limit: 1000 })) {
          seen.push(last = seq);
        }
      }
    })();
    await Promise.all(hosts.map(async (host) => {
      for (let seq = 1; seq <= 40; seq++) {
        const transitions = [happening(seq)];
        await host.tell({ from: 0, to: 0, transitionsAfter: seq - 1, transitions });
      }
    }));
    done = true;
    await follow;
    assertEquals(seen.length, 160);
  },
);

withDatabase(
  "a host that tells of rows alone is taken as before, and shown with them alone",
  async (sql) => {
    const host = await hostOf(sql, "alpha");
    await host.tell({ to: 1, of: "workloads", workloads: [workload("w")] });
    await host.tell({ to: 1, of: "problems", problems: [toldProblem()] });
    await host.tell({ to: 1, of: "rows" });
    // The version before was put back there.
    await host.hello({ transitionSeq: undefined, seq: 1 });
    assertEquals([await keys(sql), await listWorkloads(sql)], [[], []]);
    const told = await host.tell({ to: 2, rows: [shownRow("a"), shownRow("b")], upTo: "b" });
    assertEquals(told.result, "ok");
    assertEquals((await host.tell({ to: 2, rows: [shownRow("c")], after: "b" })).result, "ok");
    assertEquals((await host.tell({ from: 2, to: 3, gone: ["c"] })).result, "ok");
    assertEquals(await countRows(sql), [
      { host: "alpha", kind: "project", state: "running", health: null, count: 2 },
    ]);
  },
);

withDatabase("watchSilence() opens one problem for a silent host, and closes it", async (sql) => {
  const host = await hostOf(sql, "alpha");
  await host.tell({ to: 1, of: "workloads", workloads: [workload("w")] });
  await host.tell({ to: 1, of: "problems", problems: [toldProblem()] });
  await host.tell({ to: 1, of: "rows", rows: [shownRow("a"), shownRow("b")] });
  await watchSilence(sql);
  await pass(sql, 46);
  await watchSilence(sql);
  // Hubs that have just begun to listen don't know whose silence it was.
  assertEquals(await keys(sql), ["alpha missing open"]);
  await sql`UPDATE tinyforge.listening SET since = since - interval '46 s'`;
  await Promise.all([watchSilence(sql), watchSilence(sql)]);
  assertEquals(await keys(sql), ["alpha host-unknown open", "alpha missing open"]);
  const [silent, missing] = await listProblems(sql);
  const { since, openedAt, evidence, do: remedy, severity } = silent!.problem;
  assertEquals([severity, remedy], ["high", { code: "reach-host", host: "alpha" }]);
  assert(openedAt! - since >= 46_000 && evidence.heardAt === since, JSON.stringify(silent));
  // What the host judged stays as of then.
  assertEquals([missing!.unknown, missing!.heardAt], [true, new Date(since).toISOString()]);
  assertEquals(await countProblems(sql, { host: "alpha" }), [
    { kind: "host-unknown", severity: "high", count: 1 },
    { kind: "missing", severity: "high", count: 1 },
  ]);
  assertEquals((await listWorkloads(sql))[0]!.states, { unknown: 2 });
  assertEquals((await countRows(sql)).map(({ state, count }) => `${state} ${count}`), [
    "unknown 2",
  ]);

  await host.beat({ seq: 1 });
  // It is heard of: nobody needs to have looked.
  assertEquals(await keys(sql), ["alpha missing open"]);
  await Promise.all([watchSilence(sql), watchSilence(sql)]);
  assertEquals(await keys(sql), ["alpha missing open", "alpha host-unknown closed"]);
  const [, over] = await listProblems(sql, { closed: 9 });
  assertEquals([over!.problem.since, over!.problem.openedAt], [since, openedAt]);
  assert(over!.problem.closedAt! >= openedAt!);
});

withDatabase("watchSilence() blames no host for a time in which no hub listened", async (sql) => {
  const host = await hostOf(sql, "alpha");
  await host.beat();
  await watchSilence(sql);
  await sql`UPDATE tinyforge.listening SET since = since - interval '1 hour'`;
  // All hubs end, for a minute.
  await sql`UPDATE tinyforge.listening SET until = until - interval '60 s'`;
  await pass(sql, 60);
  await watchSilence(sql);
  await watchSilence(sql);
  assertEquals(await keys(sql), []);
  await sql`UPDATE tinyforge.listening SET since = since - interval '44 s'`;
  await watchSilence(sql);
  assertEquals(await keys(sql), []);
  await sql`UPDATE tinyforge.listening SET since = since - interval '2 s'`;
  await watchSilence(sql);
  assertEquals(await keys(sql), ["alpha host-unknown open"]);
  // One that never came is not missed; one that is forgotten has no problem any more.
  await enroll(sql, "beta");
  await admit(sql, (await enroll(sql, "gamma")).token);
  await watchSilence(sql);
  assertEquals(await keys(sql), ["alpha host-unknown open"]);
  await expel(sql, "alpha");
  assertEquals(await keys(sql), []);
});

withDatabase("expel() forgets all that a host told, and nothing of another", async (sql) => {
  for (const name of ["alpha", "beta"]) {
    const host = await hostOf(sql, name);
    await host.tell({ to: 1, of: "workloads", workloads: [workload("w")] });
    await host.tell({ to: 1, of: "problems", problems: [toldProblem()] });
    await host.tell({ to: 1, of: "rows", rows: [shownRow("a")] });
    const transitions = [happening(1)];
    await host.tell({ from: 1, to: 1, transitionsAfter: 0, transitions });
  }
  await expel(sql, "alpha");
  assertEquals(await keys(sql), ["beta missing open"]);
  assertEquals((await listWorkloads(sql)).map(({ host }) => host), ["beta"]);
  assertEquals((await listTransitions(sql, { limit: 9 })).map(({ host }) => host), ["beta"]);
});

withDatabase(
  "keepPartitions() makes days ahead and drops old ones, whoever else does",
  async (sql) => {
    const days = async () =>
      (await sql<{ name: string }[]>`SELECT relname AS name FROM pg_class JOIN pg_inherits
      ON inhrelid = oid WHERE relkind = 'r' ORDER BY relname`).map(({ name }) => name);
    const before = await days();
    assertEquals(before.length, 8);
    const old = (ago: number) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
    for (const ago of [KEPT_DAYS + 1, KEPT_DAYS]) {
      await sql.unsafe(`CREATE TABLE tinyforge.transitions_${old(ago).replaceAll("-", "")}
      PARTITION OF tinyforge.transitions FOR VALUES FROM ('${old(ago)} 00:00+00')
      TO ('${old(ago - 1)} 00:00+00')`);
    }
    await sql.unsafe(`DROP TABLE tinyforge.${before.at(-1)}`);
    await Promise.all([keepPartitions(sql), keepPartitions(sql), keepPartitions(sql)]);
    assertEquals(await days(), [
      `transitions_${old(KEPT_DAYS).replaceAll("-", "")}`,
      ...before,
    ]);
    const host = await hostOf(sql, "alpha");
    await host.tell({ to: 1, rows: [], problems: [] });
    await host.tell({ from: 1, to: 2, problems: [toldProblem(closed), toldProblem({ key: "k" })] });
    await sql`UPDATE tinyforge.problems SET told_at = now() - interval '31 days'`;
    await keepPartitions(sql);
    assertEquals(await keys(sql), ["alpha k open"]);
  },
);

Deno.test("readIngest() takes nothing besides rows that is out of bounds", () => {
  const said = { session: 1, epoch: "e", from: 0, to: 1, rows: [] };
  const many = <T>(make: (i: number) => T) =>
    Array.from({ length: MAX_ROWS + 1 }, (_, i) => make(i));
  const wrong: object[] = [
    { problems: many((i) => toldProblem({ key: `k${i}` })) },
    { problems: [toldProblem(), toldProblem({ openedAt: 5 })] },
    { problems: [toldProblem()], problemsGone: ["missing:a"] },
    { problems: [toldProblem({ status: "holding" })] },
    { problems: [toldProblem({ status: "closed" })] },
    { problems: [toldProblem({ severity: "grave" })] },
    { problems: [toldProblem({ openedAt: 1e17 })] },
    { problems: [toldProblem({ key: "k".repeat(1025) })] },
    { problems: [toldProblem({ evidence: { error: "e".repeat(10 << 20) } })] },
    { problemsGone: many((i) => `k${i}`) },
    { transitionsAfter: 0, transitions: many((i) => happening(i + 1)) },
    { transitionsAfter: 0, transitions: [happening(2), happening(1)] },
    { transitionsAfter: 3, transitions: [happening(3)] },
    { transitions: [happening(1)] },
    { transitionsAfter: 0, transitions: [happening(1, { at: "yesterday" })] },
    { transitionsAfter: 0, transitions: [happening(1, { rowId: "a\0" })] },
    { workloads: many((i) => workload(String(i))) },
    { workloads: [workload("a"), workload("a")] },
    { workloads: [workload("a", { name: "n".repeat(10 << 20) })] },
    { workloads: [workload("a", { expectations: [{ role: 1 }] })] },
    { from: null, of: "secrets" },
  ];
  for (const told of wrong) {
    const error = assertThrows(() => readIngest({ ...said, ...told }), Failure);
    assertEquals(error.code, "invalid");
  }
});
