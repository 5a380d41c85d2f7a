/**
 * What deployers and proxies rely on: several writes as one, conditional writes, rows by their own
 * ids, filters, where a route leads.
 *
 * @module
 */

import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import type { ContainerView } from "../../src/model/views.ts";
import { observed, passWrites, type TempServer, tempServer } from "../harness/temp_server.ts";

const AT = "2026-01-01T00:00:00.000Z";

/** A project with two rows, one of which has the subdomain. */
function world({ store }: TempServer) {
  const { entry } = store.registry.create("project", { name: "app" });
  const { workloadId } = entry;
  store.deployed.saveDeployedContainer({ id: "blue", workloadId, subdomain: "www" });
  store.deployed.saveDeployedContainer({ id: "green", workloadId });
  return { workloadId, project: entry };
}

const subdomains = ({ store }: TempServer) =>
  Object.fromEntries(store.views.list().map(({ id, subdomain }) => [id, subdomain]));

const batch = (server: TempServer, ...operations: unknown[]) =>
  server.send("POST", "/api/containers/batch", { operations });

const update = (id: string, patch: unknown, more = {}) => ({ op: "update", id, patch, ...more });

Deno.test("POST /api/containers/batch moves a route in one transaction, in whatever order", async () => {
  await using server = await tempServer();
  world(server);
  const told = server.feed.lastId;
  const response = await batch(
    server,
    update("green", { subdomain: "WWW" }),
    update("blue", { subdomain: null }),
  );
  const { items } = await response.json();
  assertEquals([response.status, items.map(({ id }: ContainerView) => id)], [200, [
    "green",
    "blue",
  ]]);
  assertEquals(subdomains(server), { blue: null, green: "WWW" });
  assertEquals(server.feed.lastId, told + 1, "one commit, told once");
  assertEquals(server.passesRequested, 1);
});

Deno.test("POST /api/containers/batch does all or nothing, and says which could not be done", async () => {
  await using server = await tempServer();
  const { workloadId } = world(server);
  const before = [server.store.views.list(), server.store.transitions.since(0)];
  const told = server.feed.lastId;
  const cases = [
    [[update("green", { imageTag: "2" }), update("nobody", {})], 1, 404, "not-found"],
    [
      [update("blue", { imageTag: "2" }), update("green", { subdomain: "www" })],
      1,
      409,
      "conflict",
    ],
    [
      [{ op: "create", row: { id: "blue", workloadId } }, { op: "delete", id: "green" }],
      0,
      409,
      "conflict",
    ],
    [[{ op: "delete", id: "green" }, update("blue", { subdomain: "no name" })], 1, 422, "invalid"],
    [
      [{ op: "delete", id: "green" }, update("blue", {}, { ifMatch: '"old"' })],
      1,
      412,
      "precondition-failed",
    ],
  ] as const;
  for (const [operations, index, status, code] of cases) {
    const response = await batch(server, ...operations);
    const problem = await response.json();
    assertEquals([response.status, problem.code], [status, code], JSON.stringify(problem));
    assertEquals(problem.data.operation, index);
    assertEquals(problem.errors[0].path, `operations.${index}`);
  }
  assertEquals([server.store.views.list(), server.store.transitions.since(0)], before);
  assertEquals([server.feed.lastId, server.passesRequested], [told, 0]);
  const empty = await batch(server);
  await empty.body?.cancel();
  assertEquals(empty.status, 422);
});

Deno.test("a subdomain is one row's, in whatever case, and the error names the row", async () => {
  await using server = await tempServer();
  const { workloadId } = world(server);
  for (
    const response of [
      await server.send("PATCH", "/api/containers/green", { subdomain: "Www" }),
      await server.send("POST", "/api/containers", { workloadId, subdomain: "www" }),
      await server.send("PUT", "/api/containers/red", { workloadId, subdomain: "www" }),
    ]
  ) {
    const problem = await response.json();
    assertEquals([response.status, problem.data], [409, { over: "subdomain", holder: "blue" }]);
    assertStringIncludes(problem.detail, '"blue"');
  }
  assertEquals(subdomains(server), { blue: "www", green: null });
  // Its own stays its own.
  const own = await server.send("PATCH", "/api/containers/blue", { subdomain: "WWW" });
  assertEquals([own.status, (await own.json()).subdomain], [200, "WWW"]);
});

Deno.test("If-Match is honoured on PATCH, PUT and DELETE; a row's ETag outlives passes", async () => {
  await using server = await tempServer();
  const { workloadId } = world(server);
  const path = "/api/containers/blue";
  const send = (method: string, tag: string, body?: unknown) =>
    server.ask(path, {
      method,
      headers: { "if-match": tag, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const read = await server.ask(path);
  await read.body?.cancel();
  const tag = read.headers.get("etag")!;
  assert(/^"[\w-]{22}"$/.test(tag), tag);

  server.tick(30_000);
  passWrites(server.store, [], { at: AT });
  const again = await server.ask(path);
  await again.body?.cancel();
  assertEquals(again.headers.get("etag"), tag);

  const changed = await send("PATCH", `"other", ${tag}`, { imageTag: "2" });
  await changed.body?.cancel();
  const newer = changed.headers.get("etag")!;
  assertEquals(changed.status, 200);
  assertNotEquals(newer, tag);
  for (
    const [method, body] of [["PATCH", { imageTag: "3" }], ["PUT", { workloadId }], [
      "DELETE",
    ]] as const
  ) {
    for (const wrong of [tag, `W/${newer}`, '"x"']) {
      const response = await send(method, wrong, body);
      assertEquals([response.status, (await response.json()).code], [412, "precondition-failed"]);
      assertEquals(response.headers.get("etag"), newer);
    }
  }
  assertEquals(server.store.views.get("blue").imageTag, "2");
  assertEquals((await send("DELETE", newer)).status, 204);
  const gone = await send("PUT", "*", { workloadId });
  assertEquals([gone.status, (await gone.json()).code], [412, "precondition-failed"]);
});

Deno.test("If-Match is honoured on projects, stacks, sites and stages, and on instances", async () => {
  await using server = await tempServer();
  const { project } = world(server);
  const { store } = server;
  const stage = store.stages.create(project.id, { name: "live", maxInstances: 2 });
  store.deployed.updateDeployedContainer("blue", { stageId: stage.id });
  const stack = store.registry.create("stack", { name: "shop", composeProjectName: "shop" }).entry;
  const site = store.registry.create("site", { name: "blog" }).entry;
  const paths: [path: string, patch: object, force: string][] = [
    [`/api/instances/app/live/blue`, { imageTag: "2" }, ""],
    [`/api/stages/${stage.id}`, { maxInstances: 3 }, "?force=true"],
    [`/api/stacks/${stack.id}`, { name: "store" }, ""],
    [`/api/sites/${site.id}`, { domain: "blog.example" }, ""],
    [`/api/projects/${project.id}`, { name: "core" }, "?force=true"],
  ];
  for (const [path, patch, force] of paths) {
    const read = await server.ask(path);
    const tag = read.headers.get("etag")!;
    const before = await read.json();
    const send = (method: string, match: string, body?: object) =>
      server.ask(path + (method === "DELETE" ? force : ""), {
        method,
        headers: { "if-match": match, "content-type": "application/json" },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
    for (const [method, body] of [["PATCH", patch], ["DELETE", undefined]] as const) {
      for (const wrong of ['"x"', `W/${tag}`]) {
        const response = await send(method, wrong, body);
        assertEquals([response.status, (await response.json()).code], [412, "precondition-failed"]);
        assertEquals(response.headers.get("etag"), tag);
      }
    }
    assertEquals(await (await server.ask(path)).json(), before, path);
    const changed = await send("PATCH", `"x", ${tag}`, patch);
    await changed.body?.cancel();
    const newer = changed.headers.get("etag")!;
    assertEquals([changed.status, newer === tag], [200, false], path);
    const late = await send("DELETE", tag);
    await late.body?.cancel();
    assertEquals(late.status, 412);
    const again = await server.ask(path);
    await again.body?.cancel();
    const current = again.headers.get("etag")!;
    assertEquals(current, newer);
    // The project goes last, and takes what is left of its own with it.
    const removed = await send("DELETE", path.includes("instances") ? "*" : newer);
    await removed.body?.cancel();
    assert([200, 204].includes(removed.status), `${path} ${removed.status}`);
  }
});

Deno.test("PUT /api/containers/{id} creates a row with the caller's id, then makes it what is said", async () => {
  await using server = await tempServer();
  const { workloadId } = world(server);
  const path = "/api/containers/app:1";
  const put = (body: unknown, headers: Record<string, string> = {}) =>
    server.ask(path, {
      method: "PUT",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  const containerId = "ab".repeat(32);
  const whole = {
    workloadId,
    role: "web",
    replica: 2,
    subdomain: "api",
    imageTag: "1",
    containerId,
  };
  const made = await put(whole, { "if-none-match": "*" });
  const row = await made.json();
  assertEquals(
    [made.status, made.headers.get("location"), row.id, row.role, row.replica, row.state],
    [201, "/api/containers/app%3A1", "app:1", "web", 2, "pending"],
  );
  // Twice the same is the same; only to create is refused now.
  const same = await put(whole);
  assertEquals([same.status, (await same.json()).subdomain], [200, "api"]);
  const again = await put(whole, { "if-none-match": "*" });
  assertEquals([again.status, (await again.json()).code], [412, "precondition-failed"]);
  // What is not told is empty; binding, role and replica stay.
  const less = await (await put({ workloadId, meta: { owner: "ops" }, role: "api" })).json();
  assertEquals(
    [less.subdomain, less.imageTag, less.meta, less.containerId, less.role, less.replica],
    [null, null, { owner: "ops" }, containerId, "api", 2],
  );
  const { entry } = server.store.registry.create("project", { name: "other" });
  const foreign = await put({ workloadId: entry.workloadId });
  assertEquals([foreign.status, (await foreign.json()).data], [409, { over: "row" }]);
});

Deno.test("GET /api/containers filters by stage and container, and refuses values that nobody knows", async () => {
  await using server = await tempServer();
  const { workloadId, project } = world(server);
  const { store } = server;
  const stage = store.stages.create(project.id, { name: "live" });
  store.deployed.updateDeployedContainer("blue", { stageId: stage.id });
  store.deployed.saveDeployedContainer({ id: "legacy", workloadId, role: "live" });
  passWrites(store, [observed({ id: "green", workloadId, workloadKind: "project" })], {
    at: AT,
    op: "update",
  });
  const ids = async (query: string) => {
    const { items } = await (await server.ask(`/api/containers?${query}`)).json();
    return items.map(({ id }: ContainerView) => id);
  };
  assertEquals(await ids("stage=live"), ["blue", "legacy"]);
  assertEquals(await ids(`stage=${stage.id}`), ["blue"]);
  assertEquals(await ids("container=name-green"), ["green"]);
  assertEquals(await ids("container=container-green&stage=live"), []);
  assertEquals(await ids("container=container-green"), ["green"]);
  // Whether it is there is the question.
  assertEquals(await ids("container=nobody"), []);
  assertEquals(await ids("state=paused"), []);
  for (
    const [field, value] of [["state", "runing"], ["workload", "ap"], ["stage", "x"], [
      "kind",
      "pod",
    ]]
  ) {
    const response = await server.ask(`/api/containers?${field}=${value}`);
    const problem = await response.json();
    assertEquals([response.status, problem.errors[0].path], [422, field]);
  }
});

Deno.test("GET /api/routes says where the host and each network lead to the container", async () => {
  await using server = await tempServer();
  const { workloadId } = world(server);
  passWrites(server.store, [
    observed({
      id: "blue",
      workloadId,
      workloadKind: "project",
      port: 80,
      hostIp: "127.0.0.1",
      hostPort: 32_790,
      addresses: '{"id":"172.18.0.2","idle":null}',
      imageId: "sha256:70e7",
    }),
  ], { at: AT, op: "update" });
  const { items: [route] } = await (await server.ask("/api/routes")).json();
  const { port, hostIp, hostPort, addresses, imageId } = route;
  assertEquals({ port, hostIp, hostPort, addresses, imageId }, {
    port: 80,
    hostIp: "127.0.0.1",
    hostPort: 32_790,
    addresses: { id: "172.18.0.2", idle: null },
    imageId: "sha256:70e7",
  });
});

Deno.test("GET /api/containers pages over rows that hold what looks like a row", async () => {
  await using server = await tempServer();
  const { workloadId } = world(server);
  server.store.deployed.updateDeployedContainer("blue", {
    meta: { a: [{ id: "zzz" }, { id: "a" }] },
  });
  server.store.deployed.saveDeployedContainer({ id: "last", workloadId });
  const seen: string[] = [];
  let cursor = "";
  for (let i = 0; i < 5 && cursor !== null; i++) {
    const query = cursor === "" ? "" : `&cursor=${cursor}`;
    const { items, nextCursor } = await (await server.ask(`/api/containers?limit=1${query}`))
      .json();
    seen.push(...items.map(({ id }: ContainerView) => id));
    cursor = nextCursor;
  }
  assertEquals(seen, ["blue", "green", "last"]);
});
