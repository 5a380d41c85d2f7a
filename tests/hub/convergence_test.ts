/**
 * Whatever the network does between a host and its hub, and whatever becomes of either: once they
 * can speak again the hub has the host's rows, and until then says that it does not know. A real
 * index on one side, a real PostgreSQL on the other, a network that drops, doubles, delays and cuts.
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { startCluster } from "../harness/postgres.ts";
import { type TempStore, tempStore } from "../harness/temp_store.ts";
import { openDatabase, type Sql } from "../../src/hub/database.ts";
import { type AskHub, Dialer, type HubAnswer } from "../../src/hub/dialer.ts";
import { admit, enroll } from "../../src/hub/enrolment.ts";
import { beat, greet, ingest } from "../../src/hub/hub_store.ts";
import { listContainers, listHosts } from "../../src/hub/hub_views.ts";
import { readHeartbeat, readHello, readIngest } from "../../src/hub/protocol.ts";
import { ROW_FIELDS } from "../../src/hub/row.ts";
import { Log } from "../../src/telemetry/log.ts";

const { Database } = await import("@db/sqlite");

const FATES = ["arrives", "dropped", "cut", "doubled", "delayed"] as const;
type Fate = (typeof FATES)[number];

/** What a hub does with a message, without the HTTP around it. */
function hubAt(sql: Sql, hostId: string): AskHub {
  return async (path, body): Promise<HubAnswer> => {
    const value = JSON.parse(JSON.stringify(body));
    const answer = path === "/api/hello"
      ? await greet(sql, hostId, readHello(value))
      : path === "/api/ingest"
      ? await ingest(sql, hostId, readIngest(value))
      : (await beat(sql, [{ hostId, ...readHeartbeat(value) }]))[0]!;
    return { status: 200, body: JSON.parse(JSON.stringify(answer)), retryAfter: null };
  };
}

/** A way to the hub on which messages fare as is said. */
class Network {
  fate: Fate = "arrives";
  readonly #hub: AskHub;
  readonly #late: (() => Promise<unknown>)[] = [];

  constructor(hub: AskHub) {
    this.#hub = hub;
  }

  readonly ask: AskHub = async (...message) => {
    const copy = structuredClone(message.slice(0, 2)) as [Parameters<AskHub>[0], unknown];
    const send = () => this.#hub(...copy, message[2]);
    switch (this.fate) {
      case "dropped":
        throw new TypeError("dropped");
      case "delayed":
        this.#late.push(send);
        throw new TypeError("timed out");
      case "cut":
        await send();
        throw new TypeError("answer cut");
      case "doubled":
        this.#late.push(send);
        return await send();
      case "arrives":
        return await send();
    }
  };

  /** One of those that are still on their way arrives, and nobody hears the answer. */
  async arrive(which: number): Promise<void> {
    const [send] = this.#late.splice(which % Math.max(1, this.#late.length), 1);
    await send?.();
  }
}

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

function linkOf({ store }: TempStore, hub: AskHub) {
  const { signal } = new AbortController();
  const network = new Network(hub);
  const time = { ms: 0 };
  const clock = {
    now: () => time.ms,
    monotonic: () => time.ms,
    sleep: () => Promise.resolve(),
  };
  const dial = () => {
    store.replica.begin(() => {});
    return new Dialer({
      ...{ replica: store.replica, ask: network.ask, log: quiet(), version: "1", machine: "m" },
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
      store.replica.end();
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

/** Rows as readers of the host are shown them; without what the hub says otherwise. */
function rowsOf({ store }: TempStore): Record<string, unknown>[] {
  return store.replica.rows("all").map((row) => {
    const told = row as Record<string, unknown>;
    return Object.fromEntries(
      ROW_FIELDS.filter((field) => field !== "ownSeenAt" && field !== "confirmed")
        .map((field) => [field, told[field] ?? null]),
    );
  });
}

async function rowsAt(sql: Sql, host: string): Promise<Record<string, unknown>[]> {
  const rows = await listContainers(sql, { host, limit: 1000 });
  return rows.map(({ host: _, lastState: __, heardAt: ___, lastSeenAt: ____, ...row }) => row);
}

type Act =
  | { act: "write"; row: number; tag: number }
  | { act: "remove"; row: number }
  | { act: "rename"; tag: number }
  | { act: "step"; fate: Fate }
  | { act: "arrive"; which: number }
  | { act: "stop" | "start" | "restore" | "lose" | "forget" | "digest" };

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ act: fc.constant("write" as const), row: fc.nat(5), tag: fc.nat(9) }),
  },
  { weight: 2, arbitrary: fc.record({ act: fc.constant("remove" as const), row: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant("rename" as const), tag: fc.nat(9) }) },
  {
    weight: 10,
    arbitrary: fc.record({ act: fc.constant("step" as const), fate: fc.constantFrom(...FATES) }),
  },
  { weight: 4, arbitrary: fc.record({ act: fc.constant("arrive" as const), which: fc.nat(9) }) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Act>(
      ...(["stop", "start", "restore", "lose", "forget", "digest"] as const).map((act) => ({
        act,
      })),
    ),
  },
);

Deno.test("after any history the hub's rows of a host are the host's", async () => {
  await using cluster = await startCluster();
  const url = await cluster.newDatabase();
  const sql = await openDatabase(url, { connections: 3 });
  let count = 0;
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 60 }), async (acts) => {
        await using temp = await tempStore();
        const host = await hostOn(sql, `h${++count}`, temp);
        for (const each of acts) await doAct(each, host, temp);
        host.network.fate = "arrives";
        host.stop();
        host.start();
        await host.settle().catch(async (error) => {
          // A hello of a process that is gone came late, and looked like a copy's: nobody is listened
          // to, and the host is unknown, until the time is over in which a copy would have spoken.
          const view = (await listHosts(sql)).find(({ name }) => name === host.name)!;
          if (view.state !== "contested") throw error;
          assert((await rowsAt(sql, host.name)).every(({ state }) => state === "unknown"));
          await sql`UPDATE tinyforge.host_runs SET heard_at = heard_at - interval '91 s'`;
          await host.settle();
        });
        assertEquals(await rowsAt(sql, host.name), rowsOf(temp));
        // What was under way all the time comes last, and changes nothing.
        for (let i = 0; i < 60; i++) await host.network.arrive(0);
        await sql`UPDATE tinyforge.host_runs SET heard_at = heard_at - interval '91 s'`;
        await host.settle();
        assertEquals(await rowsAt(sql, host.name), rowsOf(temp));
      }),
      { numRuns: Number(Deno.env.get("HUB_HISTORIES") ?? 60) },
    );
  } finally {
    await sql.end({ timeout: 1 });
  }

  async function doAct(
    each: Act,
    host: Awaited<ReturnType<typeof hostOn>>,
    temp: TempStore,
  ): Promise<void> {
    const { deployed, registry, workloads } = temp.store;
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
      case "step":
        host.network.fate = each.fate;
        return void await host.step();
      case "arrive":
        return await host.network.arrive(each.which);
      case "stop":
        return host.stop();
      case "start":
        return host.start();
      case "restore": {
        // Another life of the directory, which only a start can find.
        host.stop();
        const db = new Database(temp.path);
        db.exec("UPDATE epoch SET id = lower(hex(randomblob(16)))");
        db.close();
        return host.start();
      }
      case "lose":
        // A standby without the last commits took over.
        await sql`UPDATE tinyforge.hosts SET seq = greatest(0, seq - 1) WHERE id = ${host.id}`;
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

Deno.test("a copied data directory: both are refused and shown, and who stays is heard again", async () => {
  await using cluster = await startCluster();
  const sql = await openDatabase(await cluster.newDatabase(), { connections: 3 });
  try {
    await using temp = await tempStore();
    const host = await hostOn(sql, "alpha", temp);
    temp.store.deployed.putDeployedContainer({ id: "a", workloadId: host.workloadId });
    await host.settle();
    await using copied = await tempStore();
    const copy = linkOf(copied, hubAt(sql, host.id));
    for (let i = 0; i < 5; i++) {
      await copy.step();
      await host.step();
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
  await using cluster = await startCluster();
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
