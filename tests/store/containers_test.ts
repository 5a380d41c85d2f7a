import { assertEquals, assertThrows } from "@std/assert";
import { DEPLOYER_COLUMNS } from "../../src/model/columns.ts";
import type { IndexRow, Listing } from "../../src/model/container.ts";
import type { Change } from "../../src/model/pass.ts";
import { Failure } from "../../src/failure.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { row } from "../harness/world.ts";
import { Feed } from "../../src/feed.ts";
import { MAX_WRITTEN_ROWS, type Written } from "../../src/model/written.ts";
import { told } from "../harness/counted_feed.ts";
import { originText } from "../../src/core/origin.ts";
import { tempStore } from "../harness/temp_store.ts";

const { Database } = await import("@db/sqlite");

const AT = "2026-01-01T00:00:10.000Z";
const LATER = "2026-01-01T00:00:40.000Z";
const FOUND = {
  listed: 0,
  claimed: 0,
  refused: [],
  unclaimed: [],
  unmanaged: { count: 0, composeProjects: {} },
};

function stackOf(store: Store): string {
  return store.registry.create("stack", { name: "shop", composeProjectName: "shop" }).entry
    .workloadId;
}

const insert = (r: IndexRow): Change => ({ op: "insert", row: r, from: null });
const update = (r: IndexRow, from = "running"): Change => ({ op: "update", row: r, from });

/** A full pass at `at`. */
function pass(store: Store, at: string, ...changes: Change[]): void {
  store.containers.reconcileContainers(changes, { at, cause: "pass", found: FOUND });
}

Deno.test("reconcileContainers() and a new connection see the same rows", async () => {
  await using temp = await tempStore();
  const workloadId = stackOf(temp.store);
  const rows = [
    row({ id: "a", workloadId, containerId: "c1", health: "healthy", port: 80 }),
    row({
      id: "b",
      workloadId,
      containerId: "c2",
      state: "stopped",
      exitCode: -1,
      role: "ü 'x\" 🎈",
    }),
    row({ id: "c", workloadId, containerId: null, createdAtEngine: null }),
  ];
  pass(temp.store, AT, ...rows.map(insert));
  assertEquals([...temp.store.containers.index().rows()], rows);
  using other = await openStore(temp.path, { readonly: true });
  assertEquals([...other.containers.index().rows()], rows);
  assertEquals(temp.store.containers.index().boundTo("c2"), [rows[1]!]);
});

Deno.test("reconcileContainers() can't change a deployer's column, whatever the input", async () => {
  await using temp = await tempStore();
  const { registry, stages, deployed } = temp.store;
  const { entry } = registry.create("project", { name: "api" });
  const stage = stages.create(entry.id, { name: "live" });
  deployed.saveDeployedContainer({
    id: "r1",
    workloadId: entry.workloadId,
    stageId: stage.id,
    imageTag: "v1",
    subdomain: "api",
    proxyRouteId: "route-1",
    npmProxyId: 7,
    meta: { owner: "ops" },
    containerId: "c1",
  });
  const db = new Database(temp.path, { readonly: true });
  const mine = () =>
    db.prepare(
      `SELECT ${
        Object.values(DEPLOYER_COLUMNS).map(({ column }) => column).join(", ")
      }, created_at FROM containers WHERE id = 'r1'`,
    ).value();
  const before = mine();
  assertEquals(before?.includes(null), false, "each has something to lose");
  temp.now += 1000;
  const hostile = {
    ...row({ id: "r1", workloadId: entry.workloadId, workloadKind: "project" }),
    stageId: "x",
    imageTag: "x",
    image_tag: "x",
    subdomain: "x",
    proxyRouteId: "x",
    npmProxyId: 0,
    meta: "{}",
    createdAt: "x",
  } as IndexRow;
  for (const op of ["insert", "update", "sweep", "unconfirm"] as const) {
    pass(temp.store, AT, { op, row: hostile, from: "running" });
    assertEquals(mine(), before, op);
  }
  db.close();
});

Deno.test("reconcileContainers() writes all of a pass or nothing", async () => {
  await using temp = await tempStore();
  const workloadId = stackOf(temp.store);
  const good = row({ id: "a", workloadId });
  const orphan = row({ id: "b", workloadId: "nobody" });
  assertThrows(() => pass(temp.store, AT, insert(good), insert(orphan)));
  assertEquals(temp.store.views.list(), []);
  assertEquals(temp.store.containers.index().size, 0);
  assertEquals(temp.store.transitions.since(0), []);
  assertEquals(temp.store.hosts.local().lastPassAt, null);
});

Deno.test("reconcileContainers() refuses to write over what another connection wrote", async () => {
  await using temp = await tempStore();
  const workloadId = stackOf(temp.store);
  pass(temp.store, AT, insert(row({ id: "a", workloadId })));
  const { containers, views } = temp.store;
  assertEquals(containers.index().size, 1);
  const other = new Database(temp.path);
  other.exec("UPDATE containers SET container_id = 'rebound'");
  const error = assertThrows(
    () =>
      pass(temp.store, LATER, { op: "sweep", row: row({ id: "a", workloadId }), from: "running" }),
    Failure,
  );
  assertEquals(error.code, "busy");
  assertEquals([views.get("a").state, views.get("a").lastSeenAt], ["running", AT]);
  assertEquals(containers.index().row("a")?.containerId, "rebound");
  other.close();
});

Deno.test("readers see last_seen_at as if every pass wrote every row it confirmed", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const workloadId = stackOf(store);
  const [kept, changed, gone, refused] = ["kept", "changed", "gone", "refused"]
    .map((id) => row({ id, workloadId, containerId: `c-${id}` }));
  pass(store, AT, ...[kept, changed, gone, refused].map((r) => insert(r!)));
  store.deployed.saveDeployedContainer({ id: "unbound", workloadId });
  pass(store, LATER);
  const last = "2026-01-01T00:01:10.000Z";
  pass(
    store,
    last,
    update({ ...changed!, state: "paused" }),
    { op: "sweep", row: { ...gone!, state: "missing", confirmed: false }, from: "running" },
    { op: "unconfirm", row: { ...refused!, confirmed: false }, from: "running" },
  );
  const after = "2026-01-01T00:01:40.000Z";
  pass(store, after);
  assertEquals(Object.fromEntries(store.views.list().map((r) => [r.id, r.lastSeenAt])), {
    kept: after,
    changed: after,
    gone: LATER,
    refused: LATER,
    unbound: null,
  });
  assertEquals(store.views.get("gone").state, "missing");
});

Deno.test("readers don't take a rebound row for seen before a listing confirms it", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const workloadId = stackOf(store);
  pass(store, AT, insert(row({ id: "a", workloadId, containerId: "old" })));
  pass(store, LATER);
  store.deployed.updateDeployedContainer("a", { containerId: "new" });
  assertEquals(store.views.get("a").lastSeenAt, LATER);
  pass(store, "2026-01-01T00:01:10.000Z");
  assertEquals(store.views.get("a").lastSeenAt, LATER);
  assertEquals(store.containers.index().row("a")?.confirmed, false);
});

Deno.test("a row that goes missing before any full pass keeps the time it was seen", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const seen = row({ id: "a", workloadId: stackOf(store) });
  store.containers.reconcileContainers([insert(seen)], { at: AT, cause: "event", found: null });
  const gone = { ...seen, state: "missing", confirmed: false };
  store.containers.reconcileContainers([{ op: "sweep", row: gone, from: seen.state }], {
    at: LATER,
    cause: "event",
    found: null,
  });
  assertEquals(store.views.get("a").lastSeenAt, AT);
});

Deno.test("reconcileContainers() records each change of state with its cause", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const workloadId = stackOf(store);
  const first = row({ id: "a", workloadId });
  pass(store, AT, insert(first));
  const stopped = { ...first, state: "stopped", exitCode: 137 };
  store.containers.reconcileContainers([update(stopped)], {
    at: LATER,
    cause: "event",
    found: null,
    origin: () => ({ by: "event", action: "die", at: AT }),
  });
  store.containers.reconcileContainers([update({ ...stopped, health: "x" }, "stopped")], {
    at: LATER,
    cause: "event",
    found: null,
  });
  const replaced = { ...stopped, containerId: "c2" };
  store.containers.reconcileContainers([update(replaced, "stopped")], {
    at: LATER,
    cause: "pass",
    found: null,
  });
  pass(store, LATER, { op: "sweep", row: { ...replaced, state: "missing" }, from: "stopped" });
  assertEquals(
    store.transitions.ofRow("a").map((t) =>
      `${t.cause} ${t.from}→${t.to} ${t.containerId} ${t.exitCode} ${originText(t)}`
    ),
    [
      `pass null→running c1 null listing of ${AT}`,
      `event running→stopped c1 137 die at ${AT}`,
      `pass stopped→stopped c2 137 listing of ${LATER}`,
      `sweep stopped→missing c2 null absent from the listing of ${LATER}`,
    ],
  );
});

Deno.test("TransitionTable.prune() bounds by count and by age", async () => {
  await using temp = await tempStore();
  const { transitions } = temp.store;
  const db = new Database(temp.path);
  for (let day = 1; day <= 20; day++) {
    db.exec(
      "INSERT INTO transitions (row_id, at, to_state, cause) VALUES ('a', ?, 'running', 'pass')",
      `2026-01-${String(day).padStart(2, "0")}T00:00:00.000Z`,
    );
  }
  db.close();
  const kept = () => transitions.ofRow("a").map((t) => new Date(t.at).getUTCDate());
  transitions.prune("2026-01-21T00:00:00.000Z", { maxAgeSeconds: 1e9, maxCount: 15 });
  assertEquals([kept()[0], kept().length], [6, 15]);
  transitions.prune("2026-01-21T00:00:00.000Z", { maxAgeSeconds: 10 * 86_400, maxCount: 100 });
  assertEquals(kept()[0], 11);
  transitions.prune("2027-01-01T00:00:00.000Z", { maxAgeSeconds: 1, maxCount: 100 });
  assertEquals(kept(), []);
});

Deno.test("listWithCandidates() gives rows bound and not missing before it lists", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const workloadId = stackOf(store);
  pass(
    store,
    AT,
    insert(row({ id: "a", workloadId, containerId: "c1" })),
    insert(row({ id: "b", workloadId, containerId: "c2", state: "missing" })),
    insert(row({ id: "c", workloadId, containerId: null })),
    insert(row({ id: "d", workloadId, containerId: "c4" })),
  );
  const listing: Listing = { containers: [], scope: "all" };
  const candidates = async (ids?: string[]) => {
    const list = () => Promise.resolve(listing);
    return [...(await store.containers.listWithCandidates(list, ids)).candidates];
  };
  assertEquals(await candidates(), [["a", "c1"], ["d", "c4"]]);
  assertEquals(await candidates(["c4", "c2", "?"]), [["d", "c4"]]);

  const meanwhile = await store.containers.listWithCandidates(() => {
    pass(store, LATER, insert(row({ id: "e", workloadId, containerId: "c5" })));
    return Promise.resolve(listing);
  });
  assertEquals(meanwhile.listing, listing);
  assertEquals([...meanwhile.candidates], [["a", "c1"], ["d", "c4"]]);
  assertEquals((await candidates()).at(-1), ["e", "c5"]);
});

Deno.test("the deployer's path leaves Docker-derived columns of a bound row alone", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const { entry } = store.registry.create("project", { name: "api" });
  store.deployed.saveDeployedContainer({
    id: "a",
    workloadId: entry.workloadId,
    containerId: "c1",
  });
  const observed = row({
    id: "a",
    workloadId: entry.workloadId,
    workloadKind: "project",
    health: "healthy",
    port: 80,
  });
  pass(store, AT, update(observed, "pending"));
  const patched = store.deployed.updateDeployedContainer("a", { subdomain: "api", imageTag: "v2" });
  assertEquals([patched.subdomain, patched.imageTag, patched.state], ["api", "v2", "running"]);
  assertEquals(store.containers.index().row("a"), observed);
  const rebound = store.deployed.updateDeployedContainer("a", {
    containerId: "c2",
    imageRef: "app:2",
  });
  assertEquals([rebound.state, rebound.health, rebound.port], ["running", "healthy", 80]);
  assertEquals(store.containers.index().row("a"), {
    ...observed,
    containerId: "c2",
    imageRef: "app:2",
    confirmed: false,
  });
});

Deno.test("the deployer's path refuses what can't be right", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const { entry } = store.registry.create("project", { name: "api" });
  const other = store.registry.create("project", { name: "other" }).entry;
  const foreign = store.stages.create(other.id, { name: "live" });
  const { workloadId } = entry;
  const save = (fields: Record<string, unknown>) =>
    assertThrows(
      () => store.deployed.saveDeployedContainer({ workloadId, ...fields }),
      Failure,
    ).code;
  store.deployed.saveDeployedContainer({ id: "a", workloadId, containerId: "c1" });
  assertEquals(save({ id: "a" }), "conflict");
  assertEquals(save({ containerId: "c1" }), "conflict");
  assertEquals(save({ workloadId: "nobody" }), "not-found");
  assertEquals(save({ stageId: foreign.id }), "invalid");
  assertEquals(save({ imageRef: "app:1" }), "invalid");
  assertEquals(save({ containerId: "not an id" }), "invalid");
  assertEquals(save({ subdomain: "no spaces" }), "invalid");
  assertEquals(save({ imageTag: "a\nb" }), "invalid");
  assertEquals(save({ npmProxyId: 1.5 }), "invalid");
  assertEquals(save({ replica: 0 }), "invalid");
  assertEquals(save({ id: "../x" }), "invalid");
  assertEquals(store.views.list().map((r) => r.id), ["a"]);
  assertThrows(() => store.deployed.updateDeployedContainer("a", { imageRef: "x" }), Failure);
});

Deno.test("the deployer's path refuses the short id that docker ps shows", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const { workloadId } = store.registry.create("project", { name: "api" }).entry;
  const full = "7218c6b271ca".padEnd(64, "0");
  const error = assertThrows(
    () =>
      store.deployed.saveDeployedContainer({
        id: "a",
        workloadId,
        containerId: full.slice(0, 12),
      }),
    Failure,
  );
  assertEquals(
    [error.code, error.message],
    [
      "invalid",
      'Cannot create container row "a": "7218c6b271ca" is the beginning of a container id',
    ],
  );
  store.deployed.saveDeployedContainer({ id: "a", workloadId, containerId: full });
  assertThrows(
    () => store.deployed.updateDeployedContainer("a", { containerId: full.slice(0, 63) }),
    Failure,
    "is the beginning of a container id",
  );
  assertEquals(store.views.get("a").containerId, full);
});

Deno.test("listContainersByStage() finds rows by stage id and legacy rows by role", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const api = store.registry.create("project", { name: "api" }).entry;
  const web = store.registry.create("project", { name: "web" }).entry;
  const live = store.stages.create(api.id, { name: "live" });
  store.stages.create(web.id, { name: "live" });
  const save = (id: string, workloadId: string, fields = {}) =>
    store.deployed.saveDeployedContainer({ id, workloadId, subdomain: id, ...fields });
  save("by-id", api.workloadId, { stageId: live.id, role: "anything" });
  save("legacy", api.workloadId, { role: "live" });
  save("none", api.workloadId, { role: "preview" });
  save("other-project", web.workloadId, { role: "live" });
  const ids = () => store.views.listContainersByStage(live.id).map((r) => r.id);
  assertEquals(ids(), ["by-id", "legacy"]);
  assertEquals(
    store.views.listProxyRoutes().map((r) => [r.id, r.workloadName, r.stageName]),
    [
      ["by-id", "api", "live"],
      ["legacy", "api", "live"],
      ["none", "api", null],
      ["other-project", "web", "live"],
    ],
  );
  store.stages.update(live.id, { name: "production" });
  assertEquals(ids(), ["by-id"]);
});

Deno.test("ContainerViews filters, pages and counts", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const workloadId = stackOf(store);
  pass(
    store,
    AT,
    ...["a", "b", "c", "d"].map((id, i) =>
      insert(row({ id, workloadId, containerId: `c-${id}`, state: i < 3 ? "running" : "stopped" }))
    ),
  );
  const ids = (filter: Parameters<typeof store.views.list>[0]) =>
    store.views.list(filter).map((r) => r.id);
  assertEquals(ids({ state: "running" }), ["a", "b", "c"]);
  assertEquals(ids({ kind: "site" }), []);
  assertEquals(ids({ workload: "shop", state: "stopped" }), ["d"]);
  assertEquals(ids({ workload: workloadId, after: "a", limit: 2 }), ["b", "c"]);
  assertEquals(ids({ ids: ["d", "zzz", "a"] }), ["a", "d"]);
  assertEquals(store.views.counts(), [
    { kind: "stack", state: "running", count: 3 },
    { kind: "stack", state: "stopped", count: 1 },
  ]);
  assertEquals(store.views.countsByWorkload().get(workloadId), {
    workloadId,
    running: 3,
    stopped: 1,
    missing: 0,
    unhealthy: 0,
    total: 4,
    states: { running: 3, stopped: 1 },
  });
});

Deno.test("the feed is told what each commit changed, from what to what, and by which transition", async () => {
  const feed = new Feed<Written>();
  const commits = told(feed);
  await using temp = await tempStore({ feed });
  const { store } = temp;
  const workloadId = stackOf(store);
  const running = row({ id: "a", workloadId });
  pass(store, AT, insert(running), insert(row({ id: "b", workloadId, containerId: "c2" })));
  pass(store, LATER);
  store.deployed.updateDeployedContainer("a", { subdomain: "x" });
  store.containers.reconcileContainers([update({ ...running, health: "healthy" })], {
    at: LATER,
    cause: "event",
    found: null,
  });
  const stopped = { ...running, state: "stopped" };
  store.containers.reconcileContainers(
    [update(stopped), {
      op: "unconfirm",
      row: row({ id: "b", workloadId, containerId: "c2", confirmed: false }),
      from: "running",
    }],
    { at: LATER, cause: "event", found: null },
  );
  store.deployed.updateDeployedContainer("b", { containerId: null });
  store.deployed.deleteDeployedContainer("a");
  const said = (await commits.all()).map(({ rows, all }) => [
    all,
    ...rows.map(({ id, from, to, seq }) => `${id} ${from}→${to} ${seq}`).sort(),
  ]);
  assertEquals(said, [
    [true],
    [false, "a null→running 1", "b null→running 2"],
    [false, "a running→running null"],
    [false, "a running→running null"],
    [false, "a running→stopped 3", "b running→running null"],
    [false, "b running→running 4"],
    [false, "a stopped→removed 5"],
  ]);
  assertEquals(
    store.transitions.since(0).map((t) => `${t.rowId} ${t.from}→${t.to} ${t.seq}`),
    [
      "a null→running 1",
      "b null→running 2",
      "a running→stopped 3",
      "b running→running 4",
      "a stopped→removed 5",
    ],
  );
  assertEquals(store.containers.index().size, 1);
});

Deno.test("the feed is told of very many rows in one word, the index in memory of each", async () => {
  const feed = new Feed<Written>();
  const commits = told(feed);
  await using temp = await tempStore({ feed });
  const { store } = temp;
  const workloadId = stackOf(store);
  const rows = Array.from(
    { length: MAX_WRITTEN_ROWS + 1 },
    (_, i) => row({ id: `r${String(i).padStart(4, "0")}`, workloadId, containerId: `c${i}` }),
  );
  const written = store.containers.reconcileContainers(rows.map(insert), {
    at: AT,
    cause: "pass",
    found: null,
  });
  assertEquals(written.map(({ seq }) => seq), rows.map((_, i) => i + 1));
  assertEquals([...store.containers.index().rows()], rows);
  store.containers.reconcileContainers(
    rows.slice(1).map((r) => update({ ...r, health: "healthy" })),
    { at: LATER, cause: "event", found: null },
  );
  const [, many, most] = await commits.all();
  assertEquals(many, { rows: [], all: true });
  assertEquals([most?.rows.length, most?.all], [MAX_WRITTEN_ROWS, false]);
});

Deno.test("the feed is told after the commit, and of nothing that was rolled back", async () => {
  const feed = new Feed<Written>();
  const seen: unknown[] = [];
  await using temp = await tempStore({ feed });
  const { store } = temp;
  const other = await openStore(temp.path, { readonly: true });
  const subscription = feed.subscribe();
  const following = (async () => {
    for await (const { data: { rows } } of subscription) {
      seen.push(...rows.map(({ id }) => other.views.get(id).state));
    }
  })();
  const workloadId = stackOf(store);
  store.deployed.saveDeployedContainer({ id: "a", workloadId });
  assertThrows(() => store.deployed.saveDeployedContainer({ id: "a", workloadId }));
  assertThrows(() => pass(store, AT, insert(row({ id: "b", workloadId: "nobody" }))));
  assertThrows(() =>
    store.deployed.updateDeployedContainer("a", { subdomain: "x", containerId: "no id" })
  );
  feed.close();
  await following;
  assertEquals(seen, ["pending"]);
  assertEquals(store.containers.index().row("a")?.state, "pending");
  other.close();
});

Deno.test("TransitionTable.since() pages through what happened, whatever row it happened to", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const workloadId = stackOf(store);
  const ids = ["a", "b", "c", "d", "e"];
  pass(store, AT, ...ids.map((id) => insert(row({ id, workloadId, containerId: `c-${id}` }))));
  const pages: string[][] = [];
  for (let after = 0;;) {
    const page = store.transitions.since(after, { limit: 2 });
    if (page.length === 0) break;
    pages.push(page.map((t) => t.rowId));
    after = page.at(-1)!.seq;
  }
  assertEquals(pages, [["a", "b"], ["c", "d"], ["e"]]);
});

for (const op of ["sweep", "unconfirm"] as const) {
  Deno.test(`last_seen_at never goes back when a confirmation ends: ${op}`, async () => {
    await using temp = await tempStore();
    const workloadId = stackOf(temp.store);
    const seen = row({ id: "a", workloadId, containerId: "c1" });
    pass(temp.store, AT, insert(seen));
    // An event's pass saw it after the last full one.
    temp.store.containers.reconcileContainers([update(seen)], {
      at: LATER,
      cause: "event",
      found: null,
    });
    const lastSeen = () => temp.store.views.get("a").lastSeenAt;
    assertEquals(lastSeen(), LATER);
    const ended = { op, row: { ...seen, confirmed: false }, from: "running" };
    const state = op === "sweep" ? "missing" as const : seen.state;
    temp.store.containers.reconcileContainers([{
      ...ended,
      row: { ...ended.row, state },
    }], { at: "2026-01-01T00:01:00.000Z", cause: "event", found: null });
    assertEquals([temp.store.views.get("a").state, lastSeen()], [state, LATER]);
  });
}

Deno.test("TransitionTable.replaced() are the rows that got another container last", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const workloadId = stackOf(store);
  const of = (id: string, containerId: string, state = "running") =>
    row({ id, workloadId, containerId, state });
  pass(store, AT, ...[of("same", "a"), of("other", "b"), of("first", "c")].map(insert));
  pass(store, LATER, update(of("same", "a", "stopped")), update(of("other", "d")));
  const rows = ["same", "other", "first", "never"];
  assertEquals(store.transitions.replaced(rows), ["other"]);
  pass(store, LATER, update(of("other", "d", "stopped")));
  assertEquals(store.transitions.replaced(rows), []);
});

Deno.test("TransitionTable.ofRow() are the newest, oldest first", async () => {
  await using temp = await tempStore();
  const workloadId = stackOf(temp.store);
  let before = "created";
  pass(temp.store, AT, insert(row({ id: "a", workloadId, state: before })));
  for (const state of ["running", "paused", "stopped"]) {
    pass(temp.store, LATER, update(row({ id: "a", workloadId, state }), before));
    before = state;
  }
  const newest = temp.store.transitions.ofRow("a", { limit: 2 });
  assertEquals(newest.map(({ to }) => to), ["paused", "stopped"]);
});

Deno.test("HostTable keeps a hundred refusals of a pass, and how many there were", async () => {
  await using temp = await tempStore();
  const refused = Array.from({ length: 150 }, (_, i) => ({
    containerId: `c${i}`,
    containerName: `name-${i}`,
    reason: "unknown-workload" as const,
    value: "x",
  }));
  temp.store.containers.reconcileContainers([], {
    at: AT,
    cause: "pass",
    found: { ...FOUND, listed: 150, refused: refused as never },
  });
  const lastPass = temp.store.hosts.lastPass();
  assertEquals([lastPass?.refused.length, lastPass?.refusedCount], [100, 150]);
});

Deno.test("StageTable.update() lets a stage keep its name", async () => {
  await using temp = await tempStore();
  const { entry } = temp.store.registry.create("project", { name: "app" });
  const stage = temp.store.stages.create(entry.id, { name: "live" });
  const changed = temp.store.stages.update(stage.id, { name: "live", maxInstances: 3 });
  assertEquals([changed.name, changed.maxInstances], ["live", 3]);
});
