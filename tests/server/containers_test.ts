/**
 * The index over HTTP: paging, entity tags, writers at once, what asks for a pass.
 *
 * @module
 */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { ContainerView } from "../../src/model/views.ts";
import { defaultComposeProject } from "../../src/core/names.ts";
import { observed, passWrites, type TempServer, tempServer } from "../harness/temp_server.ts";

const T0 = "2026-01-01T00:00:00.000Z";
const T1 = "2026-01-01T00:00:30.000Z";

Deno.test("GET /api/containers pages through everything once, in order", async () => {
  await using server = await tempServer();
  const ids = fill(server, 25);
  for (const limit of [1, 7, 24, 25, 26]) {
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const from = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const page: Page = await (await server.ask(`/api/containers?limit=${limit}${from}`)).json();
      assert(page.items.length > 0 && page.items.length <= limit);
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    } while (cursor !== null);
    assertEquals(seen, ids);
  }
});

Deno.test("GET /api/containers pages by what a role may hold: quotes, braces, slashes", async () => {
  await using server = await tempServer();
  const { entry } = server.store.registry.create("stack", {
    name: "odd",
    composeProjectName: "odd",
  });
  const roles = ['{"id":"x"}', '"},{"id":"y', "a/b%2F?c#d", "\\", "ünï\u{1F9F1}", "tab\tnew\nline"];
  const rows = roles.map((role) =>
    observed({
      id: `${entry.workloadId}:${role}`,
      workloadId: entry.workloadId,
      role,
      containerName: '{"id":"name',
    })
  );
  passWrites(server.store, rows, { at: T0 });
  const seen: ContainerView[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const path: string = `/api/containers?limit=1&cursor=${encodeURIComponent(cursor)}`;
    const page: Page = await (await server.ask(path)).json();
    seen.push(...page.items);
    cursor = page.nextCursor;
  }
  assertEquals(seen.map(({ role }) => role).sort(), [...roles].sort());
  for (const row of rows) {
    const one = await server.ask(`/api/containers/${encodeURIComponent(row.id)}`);
    assertEquals((await one.json()).role, row.role);
  }
});

Deno.test("GET /api/containers filters by kind, state and workload", async () => {
  await using server = await tempServer();
  fill(server, 3);
  const { entry } = server.store.registry.create("project", { name: "app" });
  server.store.deployed.saveDeployedContainer({ id: "app-1", workloadId: entry.workloadId });
  const ids = async (query: string) => {
    const page: Page = await (await server.ask(`/api/containers?${query}`)).json();
    return page.items.map(({ id }) => id);
  };
  assertEquals(await ids("kind=project"), ["app-1"]);
  assertEquals(await ids("state=pending"), ["app-1"]);
  assertEquals(await ids("workload=app"), ["app-1"]);
  assertEquals(await ids(`workload=${entry.workloadId}`), ["app-1"]);
  assertEquals((await ids("workload=big")).length, 3);
  assertEquals(await ids("workload=big&state=pending"), []);
  assertEquals(await ids("kind=site"), []);
});

Deno.test("GET /api/containers answers 304 until anything that it shows changes", async () => {
  await using server = await tempServer();
  const [id] = fill(server, 2);
  const { entry } = server.store.registry.create("project", { name: "app" });
  const stage = server.store.stages.create(entry.id, { name: "production" });
  const get = async (etag?: string) => {
    const headers = etag === undefined ? {} : { "if-none-match": etag };
    const response = await server.ask("/api/containers", { headers });
    const body = await response.text();
    return { status: response.status, etag: response.headers.get("etag")!, body };
  };
  let last = await get();
  const again = await get(last.etag);
  assertEquals(again, { status: 304, etag: last.etag, body: "" });
  assertEquals((await get(`"other", W/${last.etag}`)).status, 304);
  assertEquals((await get("*")).status, 304);
  assertEquals((await get('"other"')).status, 200);

  const changes: Record<string, () => unknown> = {
    "a pass that confirms every row moves lastSeenAt": () =>
      passWrites(server.store, [], { at: T1 }),
    "a row's state": () => {
      const { workloadId } = server.store.views.get(id!);
      const row = observed({ id: id!, workloadId, state: "stopped" });
      passWrites(server.store, [row], { at: T1, op: "update" });
    },
    "a deployer's new row": () =>
      server.store.deployed.saveDeployedContainer({
        id: "app-1",
        workloadId: entry.workloadId,
        role: "production",
      }),
    "a deployer's column": () =>
      server.store.deployed.updateDeployedContainer("app-1", { stageId: stage.id }),
    "a workload's name": () => server.store.registry.update("project", entry.id, { name: "b" }),
    "a stage's name": () => server.store.stages.update(stage.id, { name: "live" }),
    "a removed row": () => server.store.deployed.deleteDeployedContainer("app-1"),
  };
  for (const [what, change] of Object.entries(changes)) {
    change();
    const next = await get(last.etag);
    assertEquals([what, next.status], [what, 200]);
    assertNotEquals([what, next.body], [what, last.body]);
    assertNotEquals(next.etag, last.etag);
    last = next;
  }
});

Deno.test("an entity tag of an earlier run is not taken for one of this run", async () => {
  const tags: string[] = [];
  for (let run = 0; run < 2; run++) {
    await using server = await tempServer();
    const response = await server.ask("/api/containers");
    await response.body?.cancel();
    tags.push(response.headers.get("etag")!);
  }
  assertNotEquals(tags[0], tags[1]);
});

Deno.test("of two clients that create the same row at once one succeeds", async () => {
  await using server = await tempServer();
  const { entry } = server.store.registry.create("project", { name: "app" });
  for (let round = 0; round < 10; round++) {
    const body = { id: `row-${round}`, workloadId: entry.workloadId };
    const answers = await Promise.all([
      server.send("POST", "/api/containers", { ...body, imageTag: "1" }),
      server.askTcp("/api/containers", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ ...body, imageTag: "2" }),
      }),
    ]);
    const bodies = await Promise.all(answers.map((answer) => answer.json()));
    assertEquals(answers.map(({ status }) => status).sort(), [201, 409]);
    const winner = bodies.find((body) => body.code === undefined);
    assertEquals(server.store.views.get(body.id).imageTag, winner.imageTag);
  }
});

Deno.test("two clients that change different columns at once lose nothing", async () => {
  await using server = await tempServer();
  const { entry } = server.store.registry.create("project", { name: "app" });
  server.store.deployed.saveDeployedContainer({ id: "app-1", workloadId: entry.workloadId });
  const patches = Array.from({ length: 20 }, (_, i) => i).flatMap((i) => [
    server.send("PATCH", "/api/containers/app-1", { imageTag: `tag-${i}` }),
    server.send("PATCH", "/api/containers/app-1", { subdomain: `sub-${i}` }),
  ]);
  for (const answer of await Promise.all(patches)) {
    assertEquals(answer.status, 200);
    await answer.body?.cancel();
  }
  const row = server.store.views.get("app-1");
  assert(/^tag-\d+$/.test(row.imageTag!) && /^sub-\d+$/.test(row.subdomain!));
});

Deno.test("of eight requests for one name one succeeds", async () => {
  await using server = await tempServer();
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => server.send("POST", "/api/sites", { name: "blog" })),
  );
  const statuses = answers.map(({ status }) => status).sort();
  assertEquals(statuses, [201, ...Array(7).fill(409)]);
  await Promise.all(answers.map((answer) => answer.body?.cancel()));
  assertEquals(server.store.registry.list("site").length, 1);
});

Deno.test("a stage's rows are those that name it, and older ones whose role is its name", async () => {
  await using server = await tempServer();
  const { registry, stages, deployed } = server.store;
  const { workloadId, id } = registry.create("project", { name: "app" }).entry;
  const live = stages.create(id, { name: "live" });
  deployed.saveDeployedContainer({ id: "new", workloadId, stageId: live.id });
  deployed.saveDeployedContainer({ id: "old", workloadId, role: "live" });
  deployed.saveDeployedContainer({ id: "other", workloadId, role: "preview" });
  const { items } = await (await server.ask(`/api/stages/${live.id}/containers`)).json();
  assertEquals(items.map((row: { id: string; stageName: string }) => [row.id, row.stageName]), [
    ["new", "live"],
    ["old", "live"],
  ]);
});

Deno.test("a removed row's story can still be read", async () => {
  await using server = await tempServer();
  const { entry } = server.store.registry.create("project", { name: "app" });
  server.store.deployed.saveDeployedContainer({ id: "app-1", workloadId: entry.workloadId });
  assertEquals((await server.send("DELETE", "/api/containers/app-1")).status, 204);
  const gone = await server.ask("/api/containers/app-1");
  assertEquals((await gone.json()).code, "not-found");
  const story = await (await server.ask("/api/containers/app-1/transitions")).json();
  assertEquals(
    story.items.map((t: Record<string, unknown>) => [t["to"], t["detail"], t["origin"]]),
    [["pending", "created"], ["removed", "removed"]].map(([to, action]) => [
      to,
      `${action} by the deployer`,
      { by: "deployer", who: null, action, entry: null },
    ]),
  );
});

Deno.test("a write that dispatch depends on asks for a pass, another does not", async () => {
  await using server = await tempServer();
  const asks = async (method: string, path: string, body?: unknown) => {
    const before = server.passesRequested;
    const response = await server.send(method, path, body);
    assert(response.ok);
    const answer = response.status === 204 ? null : await response.json();
    return { answer, asked: server.passesRequested - before };
  };
  const { answer: project, asked } = await asks("POST", "/api/projects", { name: "app" });
  assertEquals(asked, 1);
  const stages = `/api/projects/${project.id}/stages`;
  assertEquals((await asks("POST", stages, { name: "live" })).asked, 0);
  const row = { id: "a", workloadId: project.workloadId };
  assertEquals((await asks("POST", "/api/containers", row)).asked, 1);
  assertEquals((await asks("PATCH", "/api/containers/a", { subdomain: "a" })).asked, 0);
  assertEquals((await asks("PATCH", "/api/containers/a", { containerId: "cafe" })).asked, 1);
  assertEquals((await asks("DELETE", "/api/containers/a")).asked, 1);
  assertEquals((await asks("PATCH", `/api/projects/${project.id}`, { name: "b" })).asked, 1);
  assertEquals((await asks("DELETE", `/api/projects/${project.id}?force=true`)).asked, 1);
});

Deno.test("POST /api/stacks makes the Compose project name of prefix and name", async () => {
  await using server = await tempServer();
  const add = async (body: unknown) =>
    await (await server.send("POST", "/api/stacks", body)).json();
  assertEquals((await add({ name: "My Shop" })).composeProjectName, "tinyforge-my-shop");
  assertEquals((await add({ name: "x", composeProjectName: "own" })).composeProjectName, "own");
  assertEquals((await add({ name: "my shop" })).code, "conflict");
  const refused = await add({ name: "日本" });
  assertEquals(refused.code, "invalid");
  assertEquals(refused.errors[0].path, "composeProjectName");
});

Deno.test("defaultComposeProject() gives what Compose accepts, or nothing", () => {
  assertEquals(defaultComposeProject("tinyforge-", "Crème Brûlée!"), "tinyforge-creme-brulee");
  assertEquals(defaultComposeProject("tinyforge-", "a_b.c"), "tinyforge-a_b-c");
  assertEquals(defaultComposeProject("tinyforge-", "--x--"), "tinyforge-x");
  assertEquals(defaultComposeProject("tinyforge-", "…"), null);
});

Deno.test("entries are found by name", async () => {
  await using server = await tempServer();
  server.store.registry.create("site", { name: "a b&c" });
  server.store.registry.create("site", { name: "other" });
  const names = async (query: string) => {
    const { items } = await (await server.ask(`/api/sites${query}`)).json();
    return items.map(({ name }: { name: string }) => name);
  };
  assertEquals(await names("?name=a%20b%26c"), ["a b&c"]);
  assertEquals(await names("?name=nobody"), []);
  assertEquals(await names(""), ["a b&c", "other"]);
});

interface Page {
  items: ContainerView[];
  nextCursor: string | null;
}

/** A stack of so many running containers; returns the rows' ids in order. */
function fill({ store }: TempServer, count: number): string[] {
  const { entry } = store.registry.create("stack", { name: "big", composeProjectName: "big" });
  const ids = Array.from({ length: count }, (_, i) => `${entry.workloadId}:${1000 + i}`);
  passWrites(
    store,
    ids.map((id) => observed({ id, workloadId: entry.workloadId, role: id.split(":")[1]! })),
    { at: T0 },
  );
  return ids;
}
