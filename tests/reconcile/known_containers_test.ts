import { assertEquals, assertRejects } from "@std/assert";
import { Failure } from "../../src/failure.ts";
import type { DonePass } from "../../src/reconcile/reconciler.ts";
import { FakeEngine } from "../engines/scripted.ts";
import { type Rig, rig, sample } from "../harness/rig.ts";
import { until } from "../harness/until.ts";
import { event } from "../core/twin.ts";

const never = () => new AbortController().signal;

/** A pass for what events told of these containers. */
function partial(r: Rig, ...ids: string[]): Promise<DonePass> {
  const dirty = new Map(ids.map((id) => [id, event(id, "x")]));
  return r.reconciler.partialPass(dirty, { signal: never() });
}

/** What readers are told of what the last full pass found. */
function kept(r: Rig): unknown {
  return r.store.hosts.lastPass();
}

const sorted = (value: unknown) => {
  const { refused, unclaimed, ...rest } = value as {
    refused: { containerId: string }[];
    unclaimed: { rowId: string }[];
  };
  return {
    ...rest,
    refused: refused.toSorted((a, b) => a.containerId < b.containerId ? -1 : 1),
    unclaimed: unclaimed.toSorted((a, b) => a.rowId < b.rowId ? -1 : 1),
  };
};

Deno.test("partialPass() keeps refused, unclaimed and unmanaged as a full pass would find them", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  // Follows the same Engine by full passes alone.
  await using full = await rig(engine.host);
  for (const { store } of [r, full]) store.registry.create("site", { name: "blog", id: "w-blog" });
  const ours = () => ({ "tinyforge.workload.id": "w-blog" });
  const web = engine.add({ name: "web", labels: ours() });
  const other = engine.add({ labels: { "com.docker.compose.project": "shop" } });
  await r.pass();
  const { lastPassAt } = r.store.hosts.local();
  const steps: (() => string[])[] = [
    // It comes, unmanaged, refused, with our row's labels.
    () => [engine.add({ labels: { "com.docker.compose.project": "shop" } }).id],
    () => [engine.add({ name: "bare" }).id],
    () => [engine.add({ name: "forged", labels: { "tinyforge.workload.id": "w-forged" } }).id],
    () => [engine.add({ name: "second", labels: ours() }).id],
    // It goes.
    () => (engine.remove(other), [other.id]),
    // The row's container is refused by now, and its row follows it.
    () => ((web.labels["tinyforge.workload.kind"] = "stack"), [web.id]),
    () => (delete web.labels["tinyforge.workload.kind"], [web.id]),
    () => (engine.setState(web, "exited"), [web.id]),
    () => [...engine.containers.values()].map((one) => (engine.remove(one), one.id)),
  ];
  for (const [i, step] of steps.entries()) {
    const before = JSON.stringify(kept(r));
    const { found } = await partial(r, ...step());
    const now = kept(r);
    assertEquals(found !== null, JSON.stringify(now) !== before, `step ${i}`);
    assertEquals(r.store.hosts.local().lastPassAt, lastPassAt, `step ${i}`);
    await full.pass();
    assertEquals(sorted(now), sorted(kept(full)), `step ${i}`);
  }
});

Deno.test("partialPass() writes nothing of containers that are what they were", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const bare = engine.add();
  const forged = engine.add({ labels: { "tinyforge.workload.id": "w-forged" } });
  await r.pass();
  const before = r.store.totalChanges();
  engine.setState(bare, "exited");
  engine.setState(forged, "exited");
  assertEquals((await partial(r, bare.id, forged.id)).found, null);
  assertEquals(r.store.totalChanges(), before);
});

Deno.test("Loop counts what is refused and unmanaged as events tell of it", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  r.loop.start();
  await until("events flow", () => engine.followers > 0);
  await until("the first passes are done", () => engine.count("list") >= 2);
  engine.clearRequests();
  const refused = (reason: string) => sample(r.metrics, `tinyforge_refused{reason="${reason}"}`);
  const forged = engine.add({ labels: { "tinyforge.workload.id": "w-forged" } });
  engine.add({ labels: { "com.docker.compose.project": "shop" } });
  await until("both are counted", () => refused("unknown-workload") + refused("unmanaged") === 2);
  const { lastPass } = r.loop.outcomes;
  assertEquals(
    [lastPass?.scope, lastPass?.listed, lastPass?.unmanaged.composeProjects],
    ["full", 2, { shop: 1 }],
  );
  assertEquals(lastPass?.refused.map(({ containerId }) => containerId), [forged.id]);
  engine.remove(forged);
  await until("it is counted no longer", () => refused("unknown-workload") === 0);
  assertEquals(engine.count("list"), 0);
});

Deno.test("Reconciler says once for each container why it is refused, whichever pass finds it", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const { entry } = r.store.registry.create("project", { name: "api" });
  const site = r.store.registry.create("site", { name: "blog" }).entry;
  r.store.registry.create("stack", { name: "shop", composeProjectName: "shop" });
  const compose = { "com.docker.compose.project": "shop", "com.docker.compose.version": "2" };
  const refused: Record<string, Record<string, string>> = {
    "unknown-workload": { "tinyforge.workload.id": "w-forged" },
    "kind-mismatch": {
      "tinyforge.workload.id": site.workloadId,
      "tinyforge.workload.kind": "stack",
    },
    "awaiting-deployer": { "tinyforge.workload.id": entry.workloadId },
    "unknown-site": { "tinyforge.static-site": "none" },
    "unknown-stack": { "com.docker.compose.project": "tinyforge-none" },
    "one-off": { ...compose, "com.docker.compose.oneoff": "True" },
    "inherited": compose,
  };
  const bound = engine.add({ name: "bound", labels: { "tinyforge.workload.id": site.workloadId } });
  r.store.deployed.saveDeployedContainer({
    id: "api-1",
    workloadId: entry.workloadId,
    containerId: bound.id,
  });
  for (const [name, labels] of Object.entries(refused)) engine.add({ name, labels });
  const second = () => engine.add({ name: "second", labels: { ...refused["unknown-site"] } });
  for (let i = 0; i < 3; i++) await r.pass();
  const told = () =>
    r.lines.filter(({ message }) => message === "container refused")
      .map(({ name, reason, value }) => `${name} ${reason} ${value}`).sort();
  assertEquals(told(), [
    `awaiting-deployer awaiting-deployer ${entry.workloadId}`,
    `bound workload-mismatch ${site.workloadId}`,
    "inherited inherited shop",
    "kind-mismatch kind-mismatch stack",
    "one-off one-off shop",
    "unknown-site unknown-site none",
    "unknown-stack unknown-stack tinyforge-none",
    "unknown-workload unknown-workload w-forged",
  ]);
  // One more, and the events of all of them.
  second();
  const ids = [...engine.containers.keys()];
  for (let i = 0; i < 2; i++) await partial(r, ...ids);
  await r.pass();
  assertEquals(told().length, 9);
});

Deno.test("Reconciler.dispatched() tells of any container what decided, and its row", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const { workloadId } = r.store.registry.create("site", { name: "blog" }).entry;
  const rowId = `${workloadId}:site`;
  const ours = { "tinyforge.workload.id": workloadId };
  const web = engine.add({ name: "web", labels: ours });
  const second = engine.add({ name: "second", labels: ours, state: "exited" });
  engine.add({ name: "forged", labels: { "tinyforge.workload.id": "w-forged" } });
  engine.add({
    name: "kind",
    labels: { ...ours, "tinyforge.workload.kind": "stack", "tinyforge.static-site": "x" },
  });
  engine.add({ name: "shop", labels: { "com.docker.compose.project": "shop" } });
  engine.add({ name: "bare" });
  const what = async (reference: string) =>
    (await r.reconciler.dispatched(reference, { signal: never() }))
      .map(({ containerName: name, rowId, reason, label, value }) => ({
        ...{ name, rowId, reason, label, value },
      }));
  const expected = async () => {
    const label = "tinyforge.workload.id";
    assertEquals(await what("second"), [
      { name: "second", rowId, reason: "contended", label, value: workloadId },
    ]);
    assertEquals(await what("forged"), [
      { name: "forged", rowId: null, reason: "unknown-workload", label, value: "w-forged" },
    ]);
    assertEquals(await what("kind"), [{
      name: "kind",
      rowId: null,
      reason: "kind-mismatch",
      label: "tinyforge.workload.kind",
      value: "stack",
    }]);
    for (const name of ["shop", "bare"]) {
      assertEquals(await what(name), [
        { name, rowId: null, reason: "unmanaged", label: null, value: "" },
      ]);
    }
    assertEquals(await what("nobody"), []);
    // A name that looks like the beginning of an id is not taken for less.
    assertEquals((await what(second.id.slice(0, 12))).map(({ name }) => name), ["second"]);
    assertEquals((await what(second.id)).map(({ name }) => name), ["second"]);
    assertEquals(await what(second.id.slice(0, 3)), []);
  };
  // Before any pass the Engine is asked, and nothing is written.
  await expected();
  assertEquals((await what("web"))[0]?.rowId, null);
  assertEquals(r.store.views.list(), []);
  await r.pass();
  engine.clearRequests();
  await expected();
  assertEquals(await what("web"), [
    { name: "web", rowId, reason: null, label: "tinyforge.workload.id", value: workloadId },
  ]);
  assertEquals(engine.count(), 0);
  // What events told is known at once.
  engine.setState(second, "running");
  engine.remove(web);
  const late = engine.add({ name: "late" });
  await partial(r, web.id, second.id, late.id);
  assertEquals(await what("web"), []);
  assertEquals((await what("second"))[0]?.reason, null);
  assertEquals((await what("late"))[0]?.reason, "unmanaged");
});

Deno.test("Reconciler.dispatched() fails with what the Engine failed with, before any pass", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  engine.fail("list", { kind: "status", status: 500, message: "boom" });
  await assertRejects(
    () => r.reconciler.dispatched("web", { signal: never() }),
    Failure,
    "boom",
  );
});
