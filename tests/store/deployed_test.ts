/**
 * What the deployer's path holds beside the columns themselves.
 *
 * @module
 */

import { assertEquals, assertThrows } from "@std/assert";
import { Failure } from "../../src/failure.ts";
import type { NewDeployedContainer } from "../../src/store/deployed_containers.ts";
import type { Store } from "../../src/store/store.ts";
import { row } from "../harness/world.ts";
import { tempStore } from "../harness/temp_store.ts";

const { Database } = await import("@db/sqlite");

const codeOf = (act: () => unknown) => assertThrows(act, Failure).code;

function projectWithStage({ registry, stages }: Store, maxInstances: number) {
  const { entry } = registry.create("project", { name: "api" });
  const stage = stages.create(entry.id, { name: "live", maxInstances });
  return { workloadId: entry.workloadId, stage, projectId: entry.id };
}

Deno.test("the deployer's path keeps to a stage's max instances, whichever way a row comes in", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const { deployed, stages } = store;
  const { workloadId, stage, projectId } = projectWithStage(store, 1);
  const save = (id: string, more: Partial<NewDeployedContainer> = {}) =>
    deployed.saveDeployedContainer({ id, workloadId, stageId: stage.id, ...more });
  save("one", { containerId: "c1" });
  assertEquals(codeOf(() => save("two")), "conflict");
  save("two", { stageId: null });
  const move = () => deployed.updateDeployedContainer("two", { stageId: stage.id });
  assertEquals(codeOf(move), "conflict");
  // What is there may be written; only coming in is counted.
  deployed.updateDeployedContainer("one", { stageId: stage.id, imageTag: "2" });
  // One for the other, in one transaction.
  deployed.batch([
    { op: "update", id: "two", patch: { stageId: stage.id } },
    { op: "delete", id: "one" },
  ]);
  assertEquals(codeOf(() => save("three")), "conflict");
  stages.update(stage.id, { maxInstances: 2 });
  save("three", { containerId: "c3" });
  // A container that is gone is no instance.
  store.containers.reconcileContainers([{
    op: "sweep",
    row: row({
      id: "three",
      workloadId,
      workloadKind: "project",
      containerId: "c3",
      state: "missing",
    }),
    from: "pending",
  }], { at: "2026-01-01T00:00:00.000Z", cause: "pass", found: null });
  save("four");
  // Another stage has room of its own.
  save("five", { stageId: stages.create(projectId, { name: "preview" }).id });
});

Deno.test("DeployedContainers keeps a container's binding one row's, at the end of a batch", async () => {
  await using temp = await tempStore();
  const { deployed, registry, views } = temp.store;
  const { workloadId } = registry.create("project", { name: "api" }).entry;
  deployed.saveDeployedContainer({ id: "a", workloadId, containerId: "c1" });
  deployed.saveDeployedContainer({ id: "b", workloadId, containerId: "c2" });
  deployed.batch([
    { op: "update", id: "a", patch: { containerId: "c2" } },
    { op: "update", id: "b", patch: { containerId: "c1" } },
  ]);
  assertEquals(views.list().map(({ id, containerId }) => [id, containerId]), [
    ["a", "c2"],
    ["b", "c1"],
  ]);
  assertEquals(
    codeOf(() => deployed.batch([{ op: "update", id: "a", patch: { containerId: "c1" } }])),
    "conflict",
  );
});

Deno.test("an index in which two rows have one subdomain opens, and lets each be changed", async () => {
  await using temp = await tempStore();
  const { deployed, registry, views } = temp.store;
  const { workloadId } = registry.create("project", { name: "api" }).entry;
  for (const id of ["a", "b"]) deployed.saveDeployedContainer({ id, workloadId, subdomain: id });
  const db = new Database(temp.path);
  db.exec("UPDATE containers SET subdomain = 'www'");
  db.close();
  await using reopened = await tempStoreAt(temp.path);
  const { store } = reopened;
  assertEquals(store.views.list().map(({ subdomain }) => subdomain), ["www", "www"]);
  // What a row has already is not looked at; what it is given is.
  store.deployed.updateDeployedContainer("a", { subdomain: "www", imageTag: "2" });
  assertEquals(
    codeOf(() => store.deployed.saveDeployedContainer({ id: "c", workloadId, subdomain: "WWW" })),
    "conflict",
  );
  store.deployed.updateDeployedContainer("b", { subdomain: "b" });
  assertEquals(views.get("a").subdomain, "www");
});

Deno.test("meta is a JSON object of at most 4096 bytes and 32 levels, kept as it is", async () => {
  await using temp = await tempStore();
  const { deployed, registry } = temp.store;
  const { workloadId } = registry.create("project", { name: "api" }).entry;
  deployed.saveDeployedContainer({ id: "a", workloadId });
  const set = (meta: Record<string, unknown> | null) =>
    deployed.updateDeployedContainer("a", { meta }).meta;
  const odd = { "é\u0000'\"": ["\ud800", 1e21, null, { b: true }], id: "x" };
  assertEquals(set(odd), odd);
  assertEquals(set({ a: "x".repeat(4088) }), { a: "x".repeat(4088) });
  assertEquals(codeOf(() => set({ a: "x".repeat(4089) })), "invalid");
  assertEquals(codeOf(() => set({ a: "é".repeat(2045) })), "invalid");
  let deep: Record<string, unknown> = {};
  for (let i = 0; i < 31; i++) deep = { d: deep };
  assertEquals(set(deep), deep);
  assertEquals(codeOf(() => set({ d: deep })), "invalid");
  assertEquals(set(null), null);
});

async function tempStoreAt(path: string): Promise<{ store: Store } & AsyncDisposable> {
  const { openStore } = await import("../../src/store/store.ts");
  const store = await openStore(path);
  return { store, [Symbol.asyncDispose]: () => Promise.resolve(store.close()) };
}
