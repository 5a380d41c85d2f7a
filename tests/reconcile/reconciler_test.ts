import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { SYSTEM_CLOCK } from "../../src/clock.ts";
import { Failure } from "../../src/failure.ts";
import { Reconciler } from "../../src/reconcile/reconciler.ts";
import { Log } from "../../src/telemetry/log.ts";
import { RETENTION } from "../../src/model/past.ts";
import { FakeEngine } from "../engines/scripted.ts";
import type { Fault } from "../engines/scripted_fault.ts";
import { damagedBy } from "../harness/damaged.ts";
import { until } from "../harness/until.ts";
import { rig } from "../harness/rig.ts";
import { event } from "../core/twin.ts";

const never = () => new AbortController().signal;

/** The database's files as they are on the disk. */
async function bytes(path: string): Promise<string[]> {
  const digests = [];
  for (const file of [path, `${path}-wal`]) {
    const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(file));
    digests.push(new Uint8Array(digest).toHex());
  }
  return digests;
}

const FAILURES: Record<string, Fault> = {
  "status 500": { kind: "status", status: 500, message: "daemon on fire" },
  "truncated JSON": { kind: "body", body: '[{"Id":"abc","Names":["/x"' },
  "an object instead of a list": { kind: "body", body: '{"message":"hm"}' },
  "wrong types": {
    kind: "edit",
    edit: (a) => (a as unknown[]).map((c) => ({ ...c as object, Labels: 7 })),
  },
  "a container without id": {
    kind: "edit",
    edit: (a) => (a as Record<string, unknown>[]).map(({ Id: _, ...rest }) => rest),
  },
  "an empty body": { kind: "body", body: "" },
  "a hang before the answer": { kind: "hang", at: "head" },
  "a hang within the answer": { kind: "hang", at: "body" },
  "a connection cut before the answer": { kind: "cut", at: "head" },
  "a connection cut within the answer": { kind: "cut", at: "body" },
  "something else than HTTP": { kind: "raw", bytes: "SSH-2.0-OpenSSH_9.2\r\n" },
};

for (const [name, fault] of Object.entries(FAILURES)) {
  Deno.test(`fullPass() leaves the database byte for byte as it was on ${name}`, async () => {
    await using engine = await FakeEngine.start();
    await using r = await rig(engine.host, { timeoutMs: 300 });
    const { workloadId } = r.store.registry.create("site", { name: "blog" }).entry;
    const container = engine.add({ labels: { "tinyforge.workload.id": workloadId } });
    await r.pass();
    const before = await bytes(r.path);
    engine.remove(container);
    engine.add({ labels: { "tinyforge.workload.id": workloadId } });
    engine.fail("list", fault);
    const error = await assertRejects(() => r.pass(), Failure);
    assertMatch(error.message, /^Cannot list containers: ./);
    assertEquals(await bytes(r.path), before);
    engine.heal();
    assertEquals((await r.pass()).updated, 1);
  });
}

Deno.test("fullPass() writes nothing when the Engine goes away, nor when its id can't be had", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host, { timeoutMs: 300 });
  const { workloadId } = r.store.registry.create("site", { name: "blog" }).entry;
  engine.add({ labels: { "tinyforge.workload.id": workloadId } });
  await r.pass();
  const before = await bytes(r.path);
  engine.fail("info", { kind: "status", status: 500 });
  await assertRejects(() => r.pass(), Failure, "500");
  engine.heal();
  engine.down();
  await assertRejects(() => r.pass(), Failure, "no socket");
  assertEquals(await bytes(r.path), before);
});

Deno.test("fullPass() writes no container row when nothing changed", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const { workloadId } = r.store.registry.create("stack", {
    name: "shop",
    composeProjectName: "shop",
  }).entry;
  for (let i = 0; i < 50; i++) {
    engine.add({
      labels: { "tinyforge.workload.id": workloadId, "tinyforge.workload.role": `r${i}` },
    });
  }
  assertEquals((await r.pass()).inserted, 50);
  const before = r.store.totalChanges();
  await r.pass();
  await r.pass();
  // One each for the time of the pass, in `hosts`.
  assertEquals(r.store.totalChanges() - before, 2);
});

Deno.test("Reconciler keeps transitions in bounds within the hour, however many rows change", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const { workloadId } = r.store.registry.create("stack", {
    name: "shop",
    composeProjectName: "shop",
  }).entry;
  // The first pass prunes; the next would do so in an hour.
  await r.pass();
  const { Database } = await import("@db/sqlite");
  const other = new Database(r.path);
  other.exec(`
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${RETENTION.maxCount})
    INSERT INTO transitions (row_id, at, to_state, cause)
    SELECT 'old', '${new Date().toISOString()}', 'running', 'event' FROM n`);
  other.close();
  for (let i = 0; i < 5000; i++) {
    engine.add({
      labels: { "tinyforge.workload.id": workloadId, "tinyforge.workload.role": `r${i}` },
    });
  }
  assertEquals((await r.pass()).inserted, 5000);
  assertEquals(
    r.store.transitions.since(0, { limit: 2 * RETENTION.maxCount }).length,
    RETENTION.maxCount,
  );
  assertEquals(r.store.transitions.ofRow(`${workloadId}:r4999`).length, 1);
});

Deno.test("fullPass() does not sweep a row bound between listing and sweep", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const { workloadId } = r.store.registry.create("project", { name: "api" }).entry;
  r.store.deployed.saveDeployedContainer({ id: "row", workloadId, containerId: "c".repeat(64) });
  engine.fail("list", { kind: "hang", at: "body" });
  const passing = r.pass();
  await until("the listing was asked for", () => engine.count("list") === 1);
  // Started after the Engine looked, and bound at once.
  const fresh = engine.add({ labels: { "tinyforge.workload.id": workloadId } });
  r.store.deployed.updateDeployedContainer("row", { containerId: fresh.id });
  engine.containers.delete(fresh.id);
  engine.heal();
  assertEquals((await passing).swept, 0);
  assertEquals(r.store.views.get("row").state, "pending");
});

Deno.test("fullPass() sweeps nothing for another Engine until it is accepted", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const { workloadId } = r.store.registry.create("site", { name: "blog" }).entry;
  const container = engine.add({ labels: { "tinyforge.workload.id": workloadId } });
  await r.pass();
  engine.containers.clear();
  engine.id = "ANOTHER";
  for (let i = 0; i < 3; i++) {
    const report = await r.pass();
    assertEquals(report.swept, 0);
    assertEquals(report.engineChanged, {
      accepted: "FAKE:ENGINE:ID at /var/lib/fake on fake-host",
      found: "ANOTHER at /var/lib/fake on fake-host",
    });
  }
  assertEquals(r.store.views.list()[0]?.state, "running");
  assertEquals(r.lines.filter((l) => l.message.startsWith("another engine")).length, 1);
  assertEquals(r.store.hosts.local().foundEngineId, "ANOTHER at /var/lib/fake on fake-host");

  // A partial pass neither.
  const gone = new Map([[container.id, event(container.id, "destroy")]]);
  await r.reconciler.partialPass(gone, { signal: never() });
  assertEquals(r.store.views.list()[0]?.state, "running");

  assertEquals(r.store.hosts.acceptEngine(), "ANOTHER at /var/lib/fake on fake-host");
  assertEquals((await r.pass()).swept, 1);
  assertEquals(r.reconciler.engineChanged, null);
});

Deno.test("fullPass() completes an Engine's id from before data root and name were part of it", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const { workloadId } = r.store.registry.create("site", { name: "blog" }).entry;
  r.store.hosts.recordEngine({ accepted: engine.id, found: null });
  engine.add({ labels: { "tinyforge.workload.id": workloadId } });
  await r.pass();
  const whole = `${engine.id} at /var/lib/fake on fake-host`;
  assertEquals(r.store.hosts.local().engineId, whole);
  assertEquals([r.reconciler.engineChanged, r.store.hosts.local().foundEngineId], [null, null]);
  engine.containers.clear();
  assertEquals((await r.pass()).swept, 1);
  // Only by the whole id, not by how one begins.
  engine.id = `${engine.id}2`;
  assertEquals((await r.pass()).engineChanged?.accepted, whole);
});

Deno.test("a container that only another Engine had is missing once it is gone there, or that is", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const { workloadId } = r.store.registry.create("stack", {
    name: "shop",
    composeProjectName: "shop",
  }).entry;
  const runs = (role: string) =>
    engine.add({
      labels: { "tinyforge.workload.id": workloadId, "tinyforge.workload.role": role },
    });
  const states = () => r.store.views.list().map(({ role, state }) => `${role} ${state}`);
  const ours = runs("ours");
  await r.pass();
  engine.containers.clear();
  engine.id = "ANOTHER";
  runs("theirs");
  const late = runs("late");
  await r.pass();
  assertEquals(states(), ["late running", "ours running", "theirs running"]);
  // Known by an event, and by a listing.
  engine.remove(late);
  const gone = new Map([[late.id, event(late.id, "destroy")]]);
  await r.reconciler.partialPass(gone, { signal: never() });
  assertEquals(states(), ["late missing", "ours running", "theirs running"]);
  const last = runs("last");
  await r.pass();
  engine.remove(last);
  assertEquals((await r.pass()).swept, 1);
  // A third one has neither, and is not asked about them.
  engine.id = "THIRD";
  engine.containers.clear();
  for (let i = 0; i < 2; i++) assertEquals((await r.pass()).swept, 0);
  assertEquals(states(), ["last missing", "late missing", "ours running", "theirs running"]);
  // The accepted one is back, and never had it.
  engine.id = "FAKE:ENGINE:ID";
  engine.containers.set(ours.id, ours);
  assertEquals((await r.pass()).swept, 1);
  assertEquals(states(), ["last missing", "late missing", "ours running", "theirs missing"]);
});

Deno.test("a daemon that starts while another Engine waits knows which rows were that Engine's", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const { workloadId } = r.store.registry.create("site", { name: "blog" }).entry;
  engine.add({ labels: { "tinyforge.workload.id": workloadId } });
  await r.pass();
  const again = () =>
    new Reconciler({ ...r, composePrefix: "", clock: SYSTEM_CLOCK, log: new Log({ write() {} }) });
  // Another answers for the first time, and none of what the first had is taken for its own.
  engine.containers.clear();
  engine.id = "ANOTHER";
  engine.fail("info", { kind: "status", status: 500 });
  await assertRejects(() => again().fullPass({ signal: never() }), Failure);
  engine.heal();
  assertEquals((await again().fullPass({ signal: never() })).report.swept, 0);
  const theirs = engine.add({ labels: { "tinyforge.workload.id": workloadId } });
  await again().fullPass({ signal: never() });
  assertEquals(r.store.views.list().map((row) => row.containerId), [theirs.id]);
  engine.remove(theirs);
  assertEquals((await again().fullPass({ signal: never() })).report.swept, 1);
});

Deno.test("fullPass() leaves what was bound meanwhile also while another Engine waits", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const { workloadId } = r.store.registry.create("stack", {
    name: "shop",
    composeProjectName: "shop",
  }).entry;
  const labels = { "tinyforge.workload.id": workloadId };
  engine.add({ labels: { ...labels, "tinyforge.workload.role": "web" } });
  await r.pass();
  engine.id = "ANOTHER";
  assert((await r.pass()).engineChanged !== null);
  const rowId = `${workloadId}:web`;
  let fresh = "";
  engine.fail("list", {
    kind: "edit",
    edit: (answer) => {
      fresh = engine.add({ labels }).id;
      r.store.deployed.updateDeployedContainer(rowId, { containerId: fresh });
      return answer;
    },
  }, 1);
  assertEquals((await r.pass()).updated, 0);
  assertEquals(r.store.views.get(rowId).containerId, fresh);
  await r.pass();
  assertEquals(r.store.views.list().map(({ id, containerId }) => [id, containerId]), [
    [rowId, fresh],
  ]);
});

Deno.test("partialPass() lists the whole Engine when very many contend for a row", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const { id } = r.store.registry.create("site", { name: "blog" }).entry;
  const labels = { "tinyforge.static-site": id };
  const containers = Array.from({ length: 120 }, () => engine.add({ labels }));
  await r.pass();
  engine.clearRequests();
  const started = event(containers[3]!.id, "start");
  const dirty = new Map([[started.containerId, started]]);
  const { report } = await r.reconciler.partialPass(dirty, { signal: never() });
  assertEquals(report.scope, "full");
  assertEquals(engine.requests.map(({ ids }) => ids.length).filter((n) => n > 100), []);
});

Deno.test("fullPass() asks for the Engine's id when it may be another, or to mark a row missing", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const { workloadId } = r.store.registry.create("site", { name: "blog" }).entry;
  const container = engine.add({ labels: { "tinyforge.workload.id": workloadId } });
  const asked = async (options?: { sameEngine: boolean }) => {
    engine.clearRequests();
    await r.pass(options);
    return engine.count("info");
  };
  const sameEngine = true;
  assertEquals(await asked({ sameEngine }), 1, "of the first pass nobody knows the Engine");
  assertEquals(await asked({ sameEngine }), 0);
  assertEquals(await asked(), 1);
  engine.fail("info", { kind: "status", status: 500 });
  await assertRejects(() => r.pass(), Failure, "500");
  engine.heal();
  assertEquals(await asked({ sameEngine }), 1, "it was asked and did not say");
  engine.setState(container, "exited");
  assertEquals(await asked({ sameEngine }), 0);
  assertEquals(r.store.views.list()[0]?.state, "stopped");

  // Another one after all.
  engine.containers.clear();
  engine.id = "ANOTHER";
  for (let i = 0; i < 2; i++) assertEquals(await asked({ sameEngine }), 1);
  assertEquals(r.store.views.list()[0]?.state, "stopped");
  assertEquals(r.reconciler.engineChanged?.found, "ANOTHER at /var/lib/fake on fake-host");
  engine.id = "FAKE:ENGINE:ID";
  assertEquals(await asked({ sameEngine }), 1, "it may be the first again");
  assertEquals(r.store.views.list()[0]?.state, "missing");
  assertEquals(await asked({ sameEngine }), 0);
});

Deno.test("fullPass() warns once for each container that is refused by mistake", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const { workloadId } = r.store.registry.create("site", { name: "blog" }).entry;
  engine.add({
    labels: { "tinyforge.workload.id": workloadId, "tinyforge.workload.kind": "stack" },
  });
  engine.add({ labels: { "tinyforge.workload.id": "forged" } });
  for (let i = 0; i < 3; i++) await r.pass();
  const warnings = r.lines.filter((line) => line.level === "warn");
  assertEquals(warnings.map((w) => w.reason), ["kind-mismatch"]);
});

Deno.test("partialPass() hands a row over and back while two containers contend", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const { workloadId } = r.store.registry.create("stack", {
    name: "shop",
    composeProjectName: "shop",
  }).entry;
  const labels = { "tinyforge.workload.id": workloadId, "tinyforge.workload.role": "web" };
  const [first, second] = [
    engine.add({ labels, created: 1000 }),
    engine.add({ labels, created: 2000 }),
  ];
  await r.pass();
  const bound = () => r.store.views.list().map((row) => row.containerId);
  const dirty = async (id: string) => {
    const named = new Map([[id, event(id, "x")]]);
    return (await r.reconciler.partialPass(named, { signal: never() })).report;
  };
  // Neither was bound: the newest.
  assertEquals(bound(), [second.id]);
  engine.setState(second, "exited", 1);
  assertEquals((await dirty(second.id)).scope, "partial");
  assertEquals(bound(), [first.id]);
  engine.remove(first);
  await dirty(first.id);
  assertEquals(bound(), [second.id]);
  assertEquals(r.store.views.list()[0]?.state, "stopped");
  engine.remove(second);
  await dirty(second.id);
  assertEquals([r.store.views.list().length, r.store.views.list()[0]?.state], [1, "missing"]);
});

Deno.test("fullPass() stops when it is told to, with the signal's reason", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  engine.fail("list", { kind: "hang" });
  const abort = new AbortController();
  const passing = r.reconciler.fullPass({ signal: abort.signal });
  await until("the listing was asked for", () => engine.count("list") === 1);
  abort.abort(new DOMException("enough", "AbortError"));
  await assertRejects(() => passing, DOMException, "enough");
});

Deno.test("fullPass() sweeps nothing for an Engine that took another's place while it answered", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const { workloadId } = r.store.registry.create("site", { name: "blog" }).entry;
  engine.add({ labels: { "tinyforge.workload.id": workloadId } });
  await r.pass();
  engine.fail("list", {
    kind: "edit",
    edit: () => {
      engine.id = "ANOTHER";
      return [];
    },
  }, 1);
  const report = await r.pass();
  assertEquals([report.swept, report.engineChanged?.found], [
    0,
    "ANOTHER at /var/lib/fake on fake-host",
  ]);
  assertEquals(r.store.views.list().map(({ state }) => state), ["running"]);
});

Deno.test("partialPass() sweeps nothing for an Engine that took another's place while it answered", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const { workloadId } = r.store.registry.create("site", { name: "blog" }).entry;
  const { id } = engine.add({ labels: { "tinyforge.workload.id": workloadId } });
  await r.pass();
  engine.fail("list_ids", {
    kind: "edit",
    edit: () => {
      engine.id = "ANOTHER";
      return [];
    },
  }, 1);
  const dirty = new Map([[id, event(id, "destroy")]]);
  const { report } = await r.reconciler.partialPass(dirty, { signal: never() });
  assertEquals([report.swept, report.engineChanged?.found], [
    0,
    "ANOTHER at /var/lib/fake on fake-host",
  ]);
  assertEquals(r.store.views.list().map(({ state }) => state), ["running"]);
});

Deno.test("partialPass() leaves what was bound while it read", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const { workloadId } = r.store.registry.create("stack", {
    name: "shop",
    composeProjectName: "shop",
  }).entry;
  const labels = { "tinyforge.workload.id": workloadId };
  engine.add({ labels: { ...labels, "tinyforge.workload.role": "web" } });
  await r.pass();
  const rowId = `${workloadId}:web`;
  // A new container, which its events announce before the listing shows it.
  const fresh = "f".repeat(64);
  engine.fail("list_ids", {
    kind: "edit",
    edit: () => {
      r.store.deployed.updateDeployedContainer(rowId, { containerId: fresh });
      return [];
    },
  }, 1);
  const dirty = new Map([[fresh, event(fresh, "create")]]);
  const { report } = await r.reconciler.partialPass(dirty, { signal: never() });
  assertEquals(report.swept, 0);
  const row = r.store.views.get(rowId);
  assertEquals([row.containerId, row.state === "missing"], [fresh, false]);
});

Deno.test("fullPass() goes on without a sweep where a proxy forbids to ask who the Engine is", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const { workloadId } = r.store.registry.create("stack", {
    name: "shop",
    composeProjectName: "shop",
  }).entry;
  const labelled = (role: string) => ({
    labels: { "tinyforge.workload.id": workloadId, "tinyforge.workload.role": role },
  });
  const states = () => r.store.views.list().map((row) => `${row.role}=${row.state}`).sort();
  engine.fail("info", { kind: "status", status: 403, body: "forbidden" });
  const a = engine.add(labelled("a"));
  const b = engine.add(labelled("b"));
  await r.pass();
  assertEquals(states(), ["a=running", "b=running"]);
  engine.setState(b, "exited");
  engine.remove(a);
  assertEquals((await r.pass({ sameEngine: true })).swept, 0);
  const dirty = new Map([[a.id, event(a.id, "destroy")]]);
  await r.reconciler.partialPass(dirty, { signal: never() });
  assertEquals(states(), ["a=running", "b=stopped"]);
  // Asked once for each Engine that may be another.
  assertEquals(engine.count("info"), 1);
  await r.pass();
  assertEquals(engine.count("info"), 2);
  const warnings = r.lines.filter(({ level }) => level === "warn");
  assertEquals(warnings.length, 1);
  assertMatch(JSON.stringify(warnings[0]), /forbids GET \/info, it answered 403/);
  engine.heal();
  assertEquals((await r.pass()).swept, 1);
  assertEquals(states(), ["a=missing", "b=stopped"]);
});

Deno.test("fullPass() still fails when the Engine itself can't say who it is", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  engine.fail("info", { kind: "status", status: 500, message: "on fire" });
  await assertRejects(() => r.pass(), Failure, "on fire");
});

Deno.test("a pass mends what another hand wrote over what passes found", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  engine.add({ name: "bare" });
  await r.pass();
  const found = r.store.hosts.lastPass();
  using db = damagedBy(r.path);
  for (const damage of ["{bad", "5", "", "[]"]) {
    for (const sameEngine of [true, false]) {
      db.write("UPDATE hosts SET last_pass = ?", damage);
      assertThrows(() => r.store.hosts.lastPass(), Failure, "hosts.last_pass is not the JSON");
      await r.pass({ sameEngine });
      assertEquals(r.store.hosts.lastPass(), found, damage);
    }
  }
});
