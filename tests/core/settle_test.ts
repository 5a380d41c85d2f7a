import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ExpectedRoles } from "../../src/core/expected_roles.ts";
import { MemoryIndex } from "../../src/core/memory_index.ts";
import { plan } from "../../src/core/plan.ts";
import { settle } from "../../src/core/settle.ts";
import type { ListedContainer } from "../../src/model/container.ts";
import type { Change } from "../../src/model/pass.ts";
import type { Expectation } from "../../src/model/problem.ts";
import { container, directoryOf, everything, namedSite, workload } from "../harness/world.ts";

const shop = workload("stack", "shop");

function expectation(fields: Partial<Expectation> = {}): Expectation {
  return {
    workloadId: shop.id,
    role: "web",
    mode: "running",
    replicas: 1,
    image: null,
    source: "accepted",
    setAt: 0,
    ...fields,
  };
}

function web(number: number, fields: Partial<ListedContainer> & { id: string }): ListedContainer {
  return container({
    ...fields,
    labels: {
      "com.docker.compose.project": "shop",
      "com.docker.compose.service": "web",
      "com.docker.compose.container-number": `${number}`,
    },
  });
}

/** An index that passes are done on. */
class World {
  readonly index = new MemoryIndex([]);
  expected: ExpectedRoles;
  readonly #directory;

  constructor(expectations: Expectation[], workloads = [shop]) {
    this.expected = new ExpectedRoles(expectations);
    this.#directory = directoryOf(...workloads);
  }

  pass(...containers: ListedContainer[]): readonly Change[] {
    const candidates = new Map<string, string>();
    for (const { id, containerId, state } of this.index.rows()) {
      if (containerId !== null && state !== "missing") candidates.set(id, containerId);
    }
    const { index, expected } = this;
    const directory = this.#directory;
    const planned = plan(everything(...containers), {
      index,
      directory,
      expected,
      composePrefix: "",
      candidates,
      sweep: true,
    });
    const changes = settle(planned.changes, {
      index,
      directory,
      expected,
      onlyTouched: false,
      isDeployed: () => false,
    });
    for (const { op, row } of changes) {
      if (op === "retire") index.delete(row.id);
      else index.set(row);
    }
    return changes;
  }

  rows(): string[] {
    return [...this.index.rows()].map(({ id, state, containerId }) =>
      `${id} ${state} ${containerId ?? "-"}`
    ).sort();
  }
}

Deno.test("settle() makes a row that is expected and was never seen, and a site's without being told", () => {
  const site = workload("site", "blog");
  const world = new World([expectation({ replicas: 2 })], [shop, site]);
  world.pass(web(1, { id: "c1" }));
  assertEquals(world.rows(), [
    "w-blog:site absent -",
    "w-shop:web running c1",
    "w-shop:web:2 absent -",
  ]);
  world.pass(web(1, { id: "c1" }), web(2, { id: "c2" }));
  assertEquals(world.rows()[2], "w-shop:web:2 running c2");
});

Deno.test("settle() retires what vanished beyond what is expected, and marks the rest missing", () => {
  const world = new World([expectation()]);
  const three = [1, 2, 3].map((n) => web(n, { id: `c${n}` }));
  world.pass(...three);
  assertEquals(world.pass(three[0]!).map(({ op, row }) => `${op} ${row.id}`).sort(), [
    "retire w-shop:web:2",
    "retire w-shop:web:3",
  ]);
  world.pass();
  assertEquals(world.rows(), ["w-shop:web missing c1"]);
  const unsaid = new World([]);
  unsaid.pass(...three);
  unsaid.pass();
  assertEquals(unsaid.rows().length, 3);
});

Deno.test("settle() keeps one row over ten rolling scales, and its story goes on", () => {
  const world = new World([expectation()]);
  world.pass(web(1, { id: "c1" }));
  for (let n = 2; n <= 11; n++) {
    world.pass(web(n - 1, { id: `c${n - 1}` }), web(n, { id: `c${n}` }));
    const changes = world.pass(web(n, { id: `c${n}` }));
    assertEquals(world.rows(), [`w-shop:web running c${n}`]);
    assertEquals(changes.find(({ row }) => row.id === "w-shop:web")?.from, "running");
    assertEquals(world.pass(web(n, { id: `c${n}` })), []);
  }
});

Deno.test("plan() shows a container as completed that ended with 0 and should", () => {
  const world = new World([expectation({ mode: "completed" })]);
  world.pass(web(1, { id: "c1", state: "exited", exitCode: 0 }));
  assertEquals(world.rows(), ["w-shop:web completed c1"]);
  world.pass(web(1, { id: "c1", state: "exited", exitCode: 3 }));
  assertEquals(world.rows(), ["w-shop:web stopped c1"]);
});

Deno.test("plan() gives a named site the container of its name, through recreation and renaming", () => {
  const blog = namedSite("blog");
  const world = new World([], [blog, shop]);
  world.pass(container({ id: "a", name: "blog" }));
  assertEquals(world.rows(), ["w-blog:site running a"]);
  // As Watchtower does it: the old one is renamed, then there is another of the name.
  world.pass(container({ id: "a", name: "old" }));
  assertEquals(world.rows(), ["w-blog:site running a"]);
  world.pass(container({ id: "a", name: "old" }), container({ id: "b", name: "blog" }));
  assertEquals(world.rows(), ["w-blog:site running b"]);
  world.pass(container({ id: "b", name: "blog" }));
  assertEquals(world.pass(container({ id: "b", name: "blog" })), []);
  // A label that matches wins.
  world.pass(web(1, { id: "c", name: "blog" }));
  assertEquals(world.rows(), ["w-blog:site missing b", "w-shop:web running c"]);
});

Deno.test("plan() gives Swarm's tasks the row of their slot", () => {
  const world = new World([]);
  const task = (slot: number, id: string) =>
    container({
      id,
      labels: {
        "com.docker.stack.namespace": "shop",
        "com.docker.swarm.service.name": "shop_web",
        "com.docker.swarm.task.name": `shop_web.${slot}.${id}`,
      },
    });
  world.pass(task(1, "a"), task(2, "b"));
  world.pass(task(1, "a"), task(2, "c"));
  assertEquals(world.rows(), ["w-shop:web running a", "w-shop:web:2 running c"]);
});

Deno.test("settle() after any history leaves nothing to settle, no container two rows, and none without one", () => {
  const listing = fc.uniqueArray(
    fc.record({
      id: fc.integer({ min: 1, max: 6 }),
      state: fc.constantFrom("running", "exited", "created"),
    }),
    { selector: ({ id }) => id, maxLength: 5 },
  );
  fc.assert(fc.property(
    fc.integer({ min: 0, max: 3 }),
    fc.array(listing, { maxLength: 8 }),
    (replicas, history) => {
      const world = new World([expectation({ replicas })]);
      for (const step of history) {
        const containers = step.map(({ id, state }) => web(id, { id: `c${id}`, state }));
        world.pass(...containers);
        assertEquals(world.pass(...containers), []);
        const rows = [...world.index.rows()];
        for (const { id } of containers) assertEquals(world.index.boundTo(id).length, 1);
        const there = rows.filter(({ state }) => state !== "missing" && state !== "absent");
        assertEquals(there.length, containers.length);
        // What does not run takes nobody's place.
        const running = there.filter(({ state }) => state === "running").length;
        assert(rows.length >= Math.max(replicas, there.length));
        assert(rows.length <= Math.max(replicas, running) + there.length - running);
      }
    },
  ));
});
