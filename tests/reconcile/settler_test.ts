import { assertEquals } from "@std/assert";
import type { IndexRow } from "../../src/model/container.ts";
import { Settler } from "../../src/reconcile/settler.ts";
import { tempStore } from "../harness/temp_store.ts";
import { row } from "../harness/world.ts";

const AT = "2026-01-01T00:00:10.000Z";

Deno.test("Settler looks at everything again once anything that it goes by is another", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const settler = new Settler(store);
  /** A pass that found nothing, and what settling made of that. */
  const pass = () => {
    const changes = settler.settle([]);
    store.containers.reconcileContainers(changes, { at: AT, cause: "pass", found: null });
    settler.written({ settled: true });
    return changes.map(({ op, row }) => `${op} ${row.id}`);
  };

  const site = store.registry.create("site", { name: "blog" }).entry.workloadId;
  assertEquals(pass(), [`absent ${site}:site`]);
  assertEquals(pass(), []);
  const other = store.registry.create("site", { name: "shop" }).entry.workloadId;
  assertEquals(pass(), [`absent ${other}:site`], "another workload");

  const { workloadId } = store.registry.create("stack", {
    name: "mail",
    composeProjectName: "mail",
  }).entry;
  /** A pass finds it so. */
  const find = (found: Partial<IndexRow> & { id: string }) => {
    const change = { op: "insert" as const, row: row({ workloadId, role: "web", ...found }) };
    store.containers.index();
    store.containers.reconcileContainers([{ ...change, from: null }], {
      at: AT,
      cause: "pass",
      found: null,
    });
  };
  find({ id: `${workloadId}:web` });
  const web = { role: "web", mode: "running" as const, image: null, source: "manual" as const };
  store.expectations.replace(workloadId, [{ ...web, replicas: 1 }]);
  assertEquals(pass(), []);
  store.expectations.replace(workloadId, [{ ...web, replicas: 2 }]);
  assertEquals(pass(), [`absent ${workloadId}:web:2`], "something else is expected");
  store.expectations.replace(workloadId, [{ ...web, replicas: 1 }]);
  assertEquals(pass(), [`retire ${workloadId}:web:2`]);

  find({ id: "old", replica: 2, containerId: "c2", state: "missing" });
  store.deployed.updateDeployedContainer("old", { subdomain: "old" });
  assertEquals(pass(), [], "a deployer's row is his to remove");
  store.deployed.updateDeployedContainer("old", { subdomain: null });
  assertEquals(pass(), ["retire old"], "it is his no more");

  store.expectations.replace(workloadId, [{ ...web, replicas: 2 }]);
  settler.written({ settled: false });
  assertEquals(pass(), [`absent ${workloadId}:web:2`], "what was not settled is settled later");
});
