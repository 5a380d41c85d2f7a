import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { IndexRow } from "../../src/model/container.ts";
import type { Death, DeathHow, Deaths, Expectation } from "../../src/model/problem.ts";
import {
  accept,
  endingOf,
  replicaOf,
  type SettleOptions,
  settleRole,
  slotId,
  wantedOf,
} from "../../src/core/expect.ts";
import { row, workload } from "../harness/world.ts";

const shop = workload("stack", "shop");

function web(replica: number, fields: Partial<IndexRow> = {}): IndexRow {
  const id = slotId(shop, "web", replica);
  return row({
    id,
    workloadId: shop.id,
    role: "web",
    replica,
    containerId: `c${replica}`,
    ...fields,
  });
}

function expectation(fields: Partial<Expectation> = {}): Expectation {
  return {
    workloadId: shop.id,
    role: "web",
    mode: "running",
    replicas: 1,
    image: null,
    source: "accepted",
    setAt: 7,
    ...fields,
  };
}

function options(fields: Partial<SettleOptions> = {}): SettleOptions {
  return {
    workload: shop,
    role: "web",
    expectation: expectation(),
    isDeployed: () => false,
    ...fields,
  };
}

/** A settlement in short. */
function settled(rows: IndexRow[], fields: Partial<SettleOptions> = {}): string[] {
  const { rebound, retired, absent } = settleRole(rows, options(fields));
  return [
    ...rebound.map(({ id, containerId }) => `${id} → ${containerId}`),
    ...retired.map(({ id }) => `${id} retired`),
    ...absent.map(({ id }) => `${id} absent`),
  ];
}

Deno.test("settleRole() makes the rows that are expected and were never seen", () => {
  const three = { expectation: expectation({ replicas: 3 }) };
  assertEquals(settled([], three), [
    "w-shop:web absent",
    "w-shop:web:2 absent",
    "w-shop:web:3 absent",
  ]);
  assertEquals(settled([web(2)], three), ["w-shop:web absent", "w-shop:web:3 absent"]);
  assertEquals(settleRole([], options()).absent[0], {
    ...web(1),
    containerId: null,
    containerName: "",
    imageRef: "",
    state: "absent",
    createdAtEngine: null,
    confirmed: false,
  });
});

Deno.test("settleRole() makes a site's row without being told, and none of a project", () => {
  const site = { workload: workload("site", "blog"), role: "", expectation: undefined };
  assertEquals(settled([], site), ["w-blog:site absent"]);
  assertEquals(settled([], { ...site, expectation: expectation({ replicas: 0, role: "" }) }), []);
  assertEquals(settled([], { workload: workload("project", "app") }), []);
  assertEquals(settled([], { expectation: undefined }), []);
});

Deno.test("settleRole() retires what vanished beyond what is expected, and nothing else", () => {
  const gone = { state: "missing" };
  assertEquals(settled([web(1), web(2, gone), web(3, gone)]), [
    "w-shop:web:2 retired",
    "w-shop:web:3 retired",
  ]);
  assertEquals(settled([web(1, gone)]), []);
  assertEquals(settled([web(1), web(2, gone)], { expectation: undefined }), []);
  assertEquals(settled([web(1), web(2, { state: "stopped" })]), []);
  assertEquals(settled([web(1), web(2, gone)], { isDeployed: (id) => id.endsWith(":2") }), []);
  const none = { expectation: expectation({ replicas: 0 }) };
  assertEquals(settled([web(1, gone), web(2)], none), ["w-shop:web retired"]);
});

Deno.test("settleRole() lets an expected row go on with a container beyond, whatever its number", () => {
  const rows = [web(1, { state: "missing" }), web(2)];
  assertEquals(settled(rows), ["w-shop:web → c2", "w-shop:web:2 retired"]);
  const { rebound } = settleRole(rows, options());
  assertEquals(rebound, [web(1, { containerId: "c2" })]);
  assertEquals(settled([web(1, { state: "absent", containerId: null }), web(2)]), [
    "w-shop:web → c2",
    "w-shop:web:2 retired",
  ]);
  assertEquals(settled([web(1, { state: "missing" }), web(2, { state: "stopped" })]), []);
  assertEquals(settled([web(1, { state: "stopped" }), web(2)]), []);
});

Deno.test("replicaOf() keeps what is bound, and exchanges numbers where a row went to another", () => {
  const slots = (rows: Record<number, string>, numbers: Record<string, number>) => ({
    boundTo: (id: string) => {
      const found = Object.entries(rows).find(([, holder]) => holder === id);
      return found === undefined ? null : Number(found[0]);
    },
    holderOf: (replica: number) => rows[replica] ?? null,
    numberOf: (id: string) => numbers[id] ?? null,
  });
  // Row 1 went on with the container of number 3.
  const moved = slots({ 1: "three" }, { three: 3, one: 1 });
  assertEquals(replicaOf("three", 3, moved), 1);
  assertEquals(replicaOf("one", 1, moved), 3);
  assertEquals(replicaOf("two", 2, moved), 2);
  // A container that is being replaced has the same number as the one that replaces it.
  assertEquals(replicaOf("new", 1, slots({ 1: "old" }, { old: 1, new: 1 })), 1);
  assertEquals(replicaOf("new", 3, slots({ 1: "old" }, { old: 3, new: 3 })), 3);
  const chain = slots({ 1: "b", 2: "c" }, { b: 2, c: 3, a: 1 });
  assertEquals(replicaOf("a", 1, chain), 3);
});

/** A service as Compose runs it, and its rows as passes leave them. */
class Service {
  rows: IndexRow[] = [];
  readonly containers = new Map<string, number>();
  #next = 0;

  start(number = this.#freeNumber()): void {
    this.containers.set(`c-${this.#next++}`, number);
  }

  stop(at: number): void {
    const ids = [...this.containers.keys()];
    if (ids.length > 0) this.containers.delete(ids[at % ids.length]!);
  }

  #freeNumber(): number {
    return Math.max(0, ...this.containers.values()) + 1;
  }

  /** A full pass: claims, rows, sweep, and what is settled. */
  pass(expectation: Expectation | undefined): void {
    const { containers } = this;
    const slots = {
      boundTo: (id: string) => this.rows.find((row) => row.containerId === id)?.replica ?? null,
      holderOf: (replica: number) => {
        const holder = this.rows.find((row) => row.replica === replica)?.containerId ?? null;
        return holder !== null && containers.has(holder) ? holder : null;
      },
      numberOf: (id: string) => containers.get(id) ?? null,
    };
    const claims = [...containers].map(([id, number]) => ({
      id,
      replica: replicaOf(id, number, slots),
    }));
    const next = new Map(this.rows.map((row) => [row.id, row]));
    for (const { id, replica } of claims) {
      const claimed = web(replica, { containerId: id });
      next.set(claimed.id, claimed);
    }
    for (const row of next.values()) {
      if (row.containerId !== null && !containers.has(row.containerId)) {
        next.set(row.id, { ...row, state: "missing" });
      }
    }
    const { rebound, retired, absent } = settleRole([...next.values()], options({ expectation }));
    for (const { id } of retired) next.delete(id);
    for (const row of [...rebound, ...absent]) next.set(row.id, row);
    this.rows = [...next.values()];
  }
}

Deno.test("settleRole() tells one row's story through ten rolling scales", () => {
  const service = new Service();
  service.start();
  service.pass(expectation());
  for (let i = 0; i < 10; i++) {
    service.start();
    service.pass(expectation());
    service.stop(0);
    service.pass(expectation());
    assertEquals(service.rows.map(({ id, state }) => [id, state]), [["w-shop:web", "running"]]);
  }
});

Deno.test("settleRole() leaves a row for each container and for each expected slot, and no more", () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("start" as const), at: fc.nat({ max: 3 }) }),
    fc.record({ do: fc.constant("stop" as const), at: fc.nat({ max: 5 }) }),
    fc.record({ do: fc.constant("expect" as const), at: fc.nat({ max: 4 }) }),
    fc.record({ do: fc.constant("pass" as const), at: fc.constant(0) }),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const service = new Service();
    let wanted = expectation();
    const look = () => {
      service.pass(wanted);
      const bound = service.rows.filter(({ state }) => state === "running");
      assertEquals(
        new Set(bound.map(({ containerId }) => containerId)),
        new Set(service.containers.keys()),
        "each container has its row",
      );
      assertEquals(bound.length, service.containers.size, "and one only");
      assertEquals(service.rows.length, Math.max(wanted.replicas, service.containers.size));
      const before = service.rows;
      service.pass(wanted);
      assertEquals(service.rows, before, "a second pass changes nothing");
      const modes = wantedOf(service.rows, { expectation: wanted, isDeployed: () => false });
      const expected = service.rows.filter(({ id }) => modes.get(id)!.mode !== null);
      assertEquals(expected.length, wanted.replicas);
      assert(service.rows.every(({ id, state }) => state === "running" || modes.get(id)!.mode));
    };
    for (const { do: what, at } of steps) {
      if (what === "start") service.start();
      else if (what === "stop") service.stop(at);
      else if (what === "expect") wanted = expectation({ replicas: at });
      else look();
    }
    look();
  }));
});

Deno.test("wantedOf() expects as many rows as are wanted, a deployer's first", () => {
  const rows = [web(1), web(2), web(3)];
  const wanted = (fields: Partial<Expectation>, deployed = "none") =>
    [
      ...wantedOf(rows, {
        expectation: expectation(fields),
        isDeployed: (id) => id.endsWith(deployed),
      }),
    ].filter(([, { mode }]) => mode !== null).map(([id]) => id);
  assertEquals(wanted({ replicas: 2 }), ["w-shop:web", "w-shop:web:2"]);
  assertEquals(wanted({ replicas: 2 }, ":3"), ["w-shop:web:3", "w-shop:web"]);
  assertEquals(wanted({ replicas: 0 }, ":3"), ["w-shop:web:3"]);
  const all = wantedOf(rows, { expectation: undefined, isDeployed: () => false });
  assertEquals(all.get("w-shop:web"), { mode: "running", source: null, since: null });
});

function accepted(rows: IndexRow[], fields: Partial<Parameters<typeof accept>[1]> = {}) {
  return accept(rows, {
    workload: shop,
    before: [],
    now: 99,
    endingOf: () => null,
    restartPolicyOf: () => null,
    isDeployed: () => false,
    ...fields,
  });
}

const ending = (how: DeathHow): Death => ({
  at: 1,
  exitCode: 0,
  ranSeconds: null,
  how,
  containerId: "c1",
});

Deno.test("accept() expects what is there, and retires what is not", () => {
  const db = row({ id: "w-shop:db", workloadId: shop.id, role: "db", state: "absent" });
  const { expectations, retired } = accepted([web(1), web(2), web(3, { state: "missing" }), db]);
  assertEquals(expectations, [expectation({ replicas: 2, setAt: 99 })]);
  assertEquals(retired.map(({ id }) => id), ["w-shop:web:3", "w-shop:db"]);
  assertEquals(accepted([web(1, { state: "missing" })], { isDeployed: () => true }).retired, []);
});

Deno.test("accept() takes for completed what stopped with 0 by itself, and nothing else", () => {
  const done = web(1, { state: "stopped", exitCode: 0 });
  const modeOf = (rows: IndexRow[], how?: DeathHow) =>
    accepted(rows, { endingOf: () => how === undefined ? null : ending(how) })
      .expectations[0]!.mode;
  assertEquals(modeOf([done]), "completed");
  assertEquals(modeOf([done], "exit"), "completed");
  assertEquals(modeOf([done], "stop"), "running");
  assertEquals(modeOf([done], "kill"), "running");
  assertEquals(modeOf([web(1, { state: "stopped", exitCode: 1 })]), "running");
  assertEquals(modeOf([done, web(2)]), "running");
});

Deno.test("accept() takes for a service what is started again whatever it ends with, though it ended with 0", () => {
  for (const done of [web(1, { state: "stopped", exitCode: 0 }), web(1, { state: "completed" })]) {
    const modeOf = (restartPolicy: string | null) =>
      accepted([done], { restartPolicyOf: () => restartPolicy }).expectations[0]!.mode;
    assertEquals(["always", "unless-stopped"].map(modeOf), ["running", "running"]);
    assertEquals(["no", "on-failure", "on-failure:3", null].map(modeOf), [
      "completed",
      "completed",
      "completed",
      "completed",
    ]);
  }
});

Deno.test("accept() keeps the word of a person or a file that it does not matter or is a job", () => {
  for (const [mode, source] of [["any", "manual"], ["completed", "compose"]] as const) {
    let before: readonly Expectation[] = [expectation({ mode, source })];
    // Once accepted it is no less their word.
    for (const row of [web(1), web(1, { state: "stopped", exitCode: 1 })]) {
      before = accepted([row], { before }).expectations;
      assertEquals(before, [expectation({ mode, source, setAt: 99 })]);
    }
  }
  const seen = [expectation({ mode: "completed", source: "accepted" })];
  assertEquals(accepted([web(1)], { before: seen }).expectations[0]!.mode, "running");
});

Deno.test("endingOf() is the last known death, unless there may have been another since", () => {
  const done = web(1, { state: "stopped", exitCode: 0 });
  const deaths = (fields: Partial<Deaths> = {}): Deaths => ({
    count: 2,
    atLeast: false,
    gapAt: null,
    ring: [{ ...ending("crash"), at: 0 }, ending("stop")],
    ...fields,
  });
  const how = (row: IndexRow, fields: Partial<Deaths> = {}) =>
    endingOf(row, { deaths: deaths(fields), stateSince: 10 })?.how ?? null;
  assertEquals(how(done), "stop");
  assertEquals(endingOf(done, { deaths: undefined, stateSince: 10 }), null);
  assertEquals(how({ ...done, containerId: "another" }), null);
  assertEquals(how({ ...done, exitCode: 1 }), null);
  assertEquals(how(done, { gapAt: 5 }), null);
  assertEquals(how(done, { gapAt: 11 }), "stop");
});

Deno.test("accept() expects nothing of a site whose container is gone", () => {
  const blog = workload("site", "blog");
  const gone = row({ id: "w-blog:site", workloadId: blog.id, role: "", state: "missing" });
  const { expectations, retired } = accepted([gone], { workload: blog });
  assertEquals(expectations.map(({ replicas }) => replicas), [0]);
  assertEquals(retired, [gone]);
  const left = settleRole([], options({ workload: blog, role: "", expectation: expectations[0] }));
  assertEquals(left, { rebound: [], retired: [], absent: [] });
});
