/**
 * Whatever the network does between a host and its hub, and whatever becomes of either: once they
 * can speak again the hub has the host's rows, and until then says that it does not know. A real
 * index on one side, a real PostgreSQL on the other, a network that drops, doubles, delays and cuts.
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { asTold, rowsOf } from "../harness/hub.ts";
import { sharedCluster, startCluster } from "../harness/postgres.ts";
import { problem, writeProblems } from "../harness/problems.ts";
import { type TempStore, tempStore } from "../harness/temp_store.ts";
import { openDatabase } from "../../src/hub/database.ts";
import type { Sql } from "../../src/hub/sql.ts";
import { type AskHub, Dialer } from "../../src/hub/dialer.ts";
import { admit, enroll } from "../../src/hub/enrolment.ts";
import { listContainers, listHosts } from "../../src/hub/hub_views.ts";
import { listProblems } from "../../src/hub/problem_views.ts";
import { listTransitions } from "../../src/hub/transition_views.ts";
import { listWorkloads } from "../../src/hub/workload_views.ts";
import type { Expectation, Problem } from "../../src/model/problem.ts";
import type { Transition } from "../../src/model/views.ts";
import type { Workload } from "../../src/model/workload.ts";
import { openStore } from "../../src/store/store.ts";
import { Log } from "../../src/telemetry/log.ts";
import { type Fate, FATES, hubAt, Network } from "./network.ts";

const cluster = sharedCluster();

const { Database } = await import("@db/sqlite");

const quiet = () => new Log({ level: "error", format: "json", write: () => {} });

/** A host with an index, a hub's membership and a way there. */
async function hostOn(sql: Sql, name: string, temp: TempStore) {
  const { token } = await enroll(sql, name);
  const { host: id } = (await admit(sql, token))!;
  return { id, name, ...linkOf(temp, hubAt(sql, id)), workloadId: project(temp) };
}

function project({ store }: TempStore): string {
  return store.registry.create("project", { name: "shop" }).entry.workloadId;
}

/** A link of whatever index is in `temp` when it is started. */
function linkOf(temp: TempStore, hub: AskHub) {
  const { signal } = new AbortController();
  const network = new Network(hub);
  const time = { ms: 0 };
  const clock = {
    now: () => time.ms,
    monotonic: () => time.ms,
    sleep: () => Promise.resolve(),
  };
  const dial = () => {
    const { store: { replica } } = temp;
    replica.begin(() => {});
    return new Dialer({
      ...{ replica, ask: network.ask, log: quiet(), version: "1", machine: "m" },
      ...{ isFresh: () => true, clock, random: () => 0.5 },
    });
  };
  let dialer = dial();
  let running = true;
  return {
    network,
    time,
    step: async () => void (running && await dialer.step(signal)),
    state() {
      return dialer.state;
    },
    stop: () => {
      running = false;
      temp.store.replica.end();
    },
    start: () => {
      running = true;
      dialer = dial();
    },
    /** Until nothing is left to tell but that it lives. */
    async settle() {
      for (let i = 0; i < 20; i++) {
        const waitMs = await dialer.step(signal);
        if (dialer.state.up && waitMs > 5000) return;
      }
      throw new Error(`not settled: ${JSON.stringify(dialer.state)}`);
    },
  };
}

async function rowsAt(sql: Sql, host: string): Promise<Record<string, unknown>[]> {
  return asTold(await listContainers(sql, { host, limit: 1000 }));
}

/** What a hub and a host are compared by besides rows: each as texts, in order. */
interface Told {
  readonly workloads: string[];
  readonly open: string[];
  readonly closed: string[];
  readonly happened: string[];
}

function toldBy({ store: { replica } }: TempStore): Told {
  const problems = replica.problems(null).map((each) => ({ ...each, host: "" }));
  const textsOf = (status: string) =>
    problems.filter((each) => each.status === status).map(problemText).sort();
  return {
    workloads: replica.workloads().map(workloadText).sort(),
    ...{ open: textsOf("open"), closed: textsOf("closed") },
    happened: (replica.transitions(0, 100_000) as Transition[]).map(happeningText).sort(),
  };
}

async function toldAt(sql: Sql, host: string): Promise<Told> {
  const found = await listProblems(sql, { host, closed: 1000 });
  const problems = found.map(({ problem }) => ({ ...problem, host: "" }))
    .filter(({ kind }) => kind !== "host-unknown");
  const textsOf = (status: string) =>
    problems.filter((each) => each.status === status).map(problemText).sort();
  const happened = await listTransitions(sql, { host, limit: 100_000 });
  return {
    workloads: (await listWorkloads(sql, { host })).map(workloadText).sort(),
    ...{ open: textsOf("open"), closed: textsOf("closed") },
    happened: happened.map(happeningText).sort(),
  };
}

function problemText(problem: Problem): string {
  return JSON.stringify(Object.entries(problem).sort());
}

function workloadText(
  { id, kind, refId, name, expectations }: Workload & {
    expectations: readonly Omit<Expectation, "workloadId">[];
  },
): string {
  const wanted = expectations.map(({ role, mode, replicas, image, source, setAt }) => [
    ...[role, mode, replicas, image, source, setAt],
  ]);
  return JSON.stringify([id, kind, refId, name, wanted]);
}

/** Without its number, which is the hub's own there. */
function happeningText({ at, rowId, from, to, containerName, origin }: Transition): string {
  return JSON.stringify([at, rowId, from, to, containerName, origin]);
}

type Act =
  | { act: "write"; row: number; tag: number }
  | { act: "remove"; row: number }
  | { act: "rename"; tag: number }
  | { act: "expect"; replicas: number }
  | { act: "wrong"; row: number; how: "opens" | "changes" | "closes" | "passes" }
  | { act: "step"; fate: Fate }
  | { act: "arrive"; which: number }
  | {
    act:
      | "stop"
      | "start"
      | "wait"
      | "backup"
      | "copy"
      | "restore"
      | "setBack"
      | "lose"
      | "forget"
      | "digest";
  };

const row = fc.nat(5);
const tag = fc.nat(9);
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ act: fc.constant("write" as const), row, tag }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant("remove" as const), row }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant("rename" as const), tag }) },
  {
    weight: 1,
    arbitrary: fc.record({ act: fc.constant("expect" as const), replicas: fc.nat(3) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      act: fc.constant("wrong" as const),
      row: fc.nat(2),
      how: fc.constantFrom("opens", "changes", "closes", "passes"),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({ act: fc.constant("step" as const), fate: fc.constantFrom(...FATES) }),
  },
  { weight: 4, arbitrary: fc.record({ act: fc.constant("arrive" as const), which: fc.nat(9) }) },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Act>(
      ...([
        "stop",
        "start",
        "wait",
        "backup",
        "copy",
        "restore",
        "setBack",
        "lose",
        "forget",
        "digest",
      ] as const)
        .map((act) => ({ act })),
    ),
  },
);

Deno.test("after any history a hub has of a host what the host has", async () => {
  const url = await cluster.newDatabase();
  const sql = await openDatabase(url, { connections: 3 });
  let count = 0;
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 80 }), async (acts) => {
        await using temp = await tempStore();
        const host = await hostOn(sql, `h${++count}`, temp);
        /** Whatever any life of the index has told or could have. */
        const ever = { closed: new Set<string>(), happened: new Set<string>() };
        const remember = (of: TempStore = temp) => {
          const { closed, happened } = toldBy(of);
          for (const each of closed) ever.closed.add(each);
          for (const each of happened) ever.happened.add(each);
        };
        for (const each of acts) {
          if (each.act === "copy") await copySpeaks(host, { temp, remember });
          else await doAct(each, host, temp);
          remember();
        }
        host.network.fate = "arrives";
        host.stop();
        host.start();
        await later(21);
        await host.settle().catch(async (error) => {
          // A hello of a process that is gone came late, and looked like a copy's: nobody is listened
          // to, and the host is unknown, until the time is over in which a copy would have spoken.
          const view = (await listHosts(sql)).find(({ name }) => name === host.name)!;
          if (view.state !== "contested") throw error;
          assert((await rowsAt(sql, host.name)).every(({ state }) => state === "unknown"));
          await later(91);
          await host.settle();
        });
        await agree(host.name, temp, ever);
        // What was under way all the time comes last, and changes nothing.
        for (let i = 0; i < 60; i++) await host.network.arrive(0);
        await later(91);
        await host.settle();
        await agree(host.name, temp, ever);
      }),
      { numRuns: Number(Deno.env.get("HUB_HISTORIES") ?? 60) },
    );
  } finally {
    await sql.end({ timeout: 1 });
  }

  /** Somebody starts a copy of the data directory, which has a life of its own for a moment. */
  async function copySpeaks(
    host: Awaited<ReturnType<typeof hostOn>>,
    { temp, remember }: { temp: TempStore; remember: (of: TempStore) => void },
  ): Promise<void> {
    const path = `${temp.path}.other`;
    const db = new Database(temp.path);
    db.exec(`VACUUM INTO '${path}'`);
    db.close();
    const now = () => new Date(temp.now).toISOString();
    const copy = { ...temp, path, store: await openStore(path, { now }) };
    const link = linkOf(copy, hubAt(sql, host.id));
    temp.now += 1000;
    copy.store.deployed.putDeployedContainer({ id: "copied", workloadId: host.workloadId });
    for (let i = 0; i < 6; i++) await link.step();
    remember(copy);
    copy.store.close();
    for (const end of ["", "-wal", "-shm"]) await Deno.remove(path + end).catch(() => {});
  }

  /** As if so much time had passed in which no process of any host spoke. */
  async function later(seconds: number): Promise<void> {
    await sql`UPDATE tinyforge.host_runs SET heard_at = heard_at - ${seconds} * interval '1 second',
      first_at = first_at - ${seconds} * interval '1 second'`;
  }

  async function agree(
    name: string,
    temp: TempStore,
    ever: { readonly closed: Set<string>; readonly happened: Set<string> },
  ): Promise<void> {
    assertEquals(await rowsAt(sql, name), rowsOf(temp));
    const [hub, host] = [await toldAt(sql, name), toldBy(temp)];
    assertEquals([hub.workloads, hub.open], [host.workloads, host.open]);
    // What another life of the index told stays; nothing of either is lost, made up or kept twice.
    for (const what of ["closed", "happened"] as const) {
      assertEquals(new Set(hub[what]).size, hub[what].length, `${what}: doubled`);
      assertEquals([...new Set(host[what]).difference(new Set(hub[what]))], [], `${what}: lost`);
      assertEquals([...new Set(hub[what]).difference(ever[what])], [], `${what}: made up`);
    }
  }

  async function doAct(
    each: Act,
    host: Awaited<ReturnType<typeof hostOn>>,
    temp: TempStore,
  ): Promise<void> {
    const { deployed, expectations, problems, registry, workloads } = temp.store;
    temp.now += 1000;
    switch (each.act) {
      case "write":
        return void deployed.putDeployedContainer({
          id: `row-${each.row}`,
          workloadId: host.workloadId,
          imageTag: String(each.tag),
        });
      case "remove":
        if (rowsOf(temp).some(({ id }) => id === `row-${each.row}`)) {
          deployed.deleteDeployedContainer(`row-${each.row}`);
        }
        return;
      case "rename": {
        const { refId } = workloads.list().find(({ id }) => id === host.workloadId)!;
        return void registry.update("project", refId, { name: `shop${each.tag}` });
      }
      case "expect": {
        const { replicas } = each;
        const wanted = { role: "web", mode: "running", image: null, source: "compose" } as const;
        return void expectations.replace(host.workloadId, [{ ...wanted, replicas }]);
      }
      case "wrong": {
        const rowId = `row-${each.row}`;
        const open = problems.list({ rowId })[0];
        if (each.how === "opens") {
          if (open !== undefined) return;
          const { workloadId } = host;
          const about = { kind: "missing", workloadId, rowId, since: temp.now } as const;
          const remedy = { code: "bring-back", workloadId, rowId } as const;
          return writeProblems(temp.store, problem({ ...about, do: remedy }));
        }
        if (open === undefined) return;
        if (each.how === "passes") {
          const nothing = { kept: null, deaths: new Map(), holds: new Map() };
          return problems.write({ put: [], dropped: [open], ...nothing });
        }
        const change = each.how === "closes"
          ? { status: "closed", closedAt: temp.now, outcome: "recovered" } as const
          : { evidence: { count: temp.now } };
        return writeProblems(temp.store, { ...open, ...change });
      }
      case "step":
        host.network.fate = each.fate;
        return void await host.step();
      case "arrive":
        return await host.network.arrive(each.which);
      case "stop":
        return host.stop();
      case "start":
        return host.start();
      case "wait":
        return await later(21);
      case "backup":
        return backUp(temp);
      case "restore":
      case "setBack":
        // Either can be found by a start alone. A backup brings another life of the directory; a disk
        // that is set back does not know that it is.
        host.stop();
        await bringBack(temp, { newEpoch: each.act === "restore" });
        await later(21);
        return host.start();
      case "lose":
        // A standby without the last commits took over.
        await sql`UPDATE tinyforge.hosts SET seq = greatest(0, seq - 1) WHERE id = ${host.id}`;
        await sql`DELETE FROM tinyforge.problems WHERE host_id = ${host.id} AND key LIKE '%row-1'
          AND status = 'open'`;
        await sql`WITH lost AS (DELETE FROM tinyforge.transitions AS t USING tinyforge.hosts AS h
            WHERE h.id = ${host.id} AND t.host_id = h.id AND t.epoch = h.epoch
              AND t.seq = h.transition_seq RETURNING t.seq)
          UPDATE tinyforge.hosts SET transition_seq = transition_seq - 1
          WHERE id = ${host.id} AND EXISTS (SELECT FROM lost)`;
        return void await sql`DELETE FROM tinyforge.containers
          WHERE host_id = ${host.id} AND id = 'row-1'`;
      case "forget":
        return void await sql`UPDATE tinyforge.hosts SET lease_until = now() - interval '1 s'
          WHERE id = ${host.id}`;
      case "digest":
        host.time.ms += 600_001;
    }
  }
});

/** Copies the index as it is. */
function backUp({ path }: TempStore): void {
  const db = new Database(path);
  try {
    Deno.removeSync(`${path}.copy`);
  } catch {
    // It is the first.
  }
  db.exec(`VACUUM INTO '${path}.copy'`);
  db.close();
}

/** Has the copy be the index, if there is one; `newEpoch`: as a backup does. */
async function bringBack(temp: TempStore, { newEpoch }: { newEpoch: boolean }): Promise<void> {
  const { path } = temp;
  const there = await Deno.stat(`${path}.copy`).then(() => true, () => false);
  if (there) {
    temp.store.close();
    for (const end of ["-wal", "-shm"]) await Deno.remove(path + end).catch(() => {});
    await Deno.copyFile(`${path}.copy`, path);
    const now = () => new Date(temp.now).toISOString();
    Object.assign(temp, { store: await openStore(path, { now }) });
  }
  if (!newEpoch) return;
  const db = new Database(path);
  db.exec("UPDATE epoch SET id = lower(hex(randomblob(16)))");
  db.close();
}

Deno.test("a copied data directory is never believed while the other lives: both are refused and shown", async () => {
  const sql = await openDatabase(await cluster.newDatabase(), { connections: 3 });
  /** As if the time between two signs of life had passed. */
  const later = () =>
    sql`UPDATE tinyforge.host_runs SET heard_at = heard_at - interval '15 s',
      first_at = first_at - interval '15 s'`;
  try {
    await using temp = await tempStore();
    const host = await hostOn(sql, "alpha", temp);
    temp.store.deployed.putDeployedContainer({ id: "a", workloadId: host.workloadId });
    await host.settle();
    await using copied = await tempStore();
    const copy = linkOf(copied, hubAt(sql, host.id));
    for (let i = 0; i < 5; i++) {
      await copy.step();
      // Not for a moment.
      assertEquals(copy.state().seq, null);
      assertEquals((await listContainers(sql, { limit: 9 })).map(({ id }) => id), ["a"]);
      await host.step();
      await later();
    }
    for (const state of [host.state(), copy.state()]) {
      assert(
        !state.up && state.error?.includes("another process speaks for this host"),
        state.error!,
      );
    }
    assertEquals((await listHosts(sql))[0]!.state, "contested");
    assert((await rowsAt(sql, "alpha")).every(({ state }) => state === "unknown"));
    await sql`UPDATE tinyforge.host_runs SET heard_at = heard_at - interval '91 s'`;
    await host.settle();
    assertEquals((await listHosts(sql))[0]!.state, "known");
    assertEquals(await rowsAt(sql, "alpha"), rowsOf(temp));
  } finally {
    await sql.end({ timeout: 1 });
  }
});

Deno.test("an index of more rows than a message holds is told in parts, and changed beside them", async () => {
  const sql = await openDatabase(await cluster.newDatabase(), { connections: 3 });
  try {
    await using temp = await tempStore();
    const host = await hostOn(sql, "alpha", temp);
    const { deployed } = temp.store;
    temp.store.atOnce("Cannot fill", () => {
      for (let i = 0; i < 12_001; i++) {
        deployed.putDeployedContainer({ id: `row-${i}`, workloadId: host.workloadId });
      }
    });
    await host.settle();
    assertEquals((await listHosts(sql))[0]!.rows, 12_001);
    deployed.deleteDeployedContainer("row-7");
    await host.settle();
    assertEquals((await listHosts(sql))[0]!.rows, 12_000);
    // A digest of the whole agrees.
    host.time.ms += 600_001;
    await host.settle();
    assertEquals(host.state().seq, temp.store.replica.position().seq);
  } finally {
    await sql.end({ timeout: 1 });
  }
});

Deno.test("PostgreSQL that dies under a host and comes back has what it acknowledged", async () => {
  await using cluster = await startCluster({ durable: true });
  const sql = await openDatabase(await cluster.newDatabase(), { connections: 3 });
  try {
    await using temp = await tempStore();
    const host = await hostOn(sql, "alpha", temp);
    const put = (id: string) =>
      temp.store.deployed.putDeployedContainer({ id, workloadId: host.workloadId });
    put("a");
    await host.settle();
    await cluster.restart();
    const acknowledged = host.state().seq;
    const kept = await sql`SELECT seq FROM tinyforge.hosts`.catch(() =>
      sql`SELECT seq FROM tinyforge.hosts`
    );
    assertEquals(Number(kept[0]!.seq), acknowledged);
    put("b");
    await host.settle();
    assertEquals(await rowsAt(sql, "alpha"), rowsOf(temp));
  } finally {
    await sql.end({ timeout: 1 });
  }
});
