/**
 * `/api/export/…` and previews: routes as other programs read them.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import {
  PASS,
  type TempServer,
  tempServer,
  type TempServerOptions,
} from "../harness/temp_server.ts";
import { observed, passWrites } from "../harness/temp_server.ts";
import { brokenRules, serversFor } from "../exports/traefik_rules.ts";

const AT = "2026-01-01T00:00:00.000Z";
const EXPORTS = ["traefik", "prometheus", "homepage", "dashy"];

/** A project's row with a subdomain, and a site with a domain; both run. */
function world({ store }: TempServer) {
  const { entry: app } = store.registry.create("project", { name: "app" });
  const { entry: blog } = store.registry.create("site", {
    name: "blog",
    domain: "blog.example.org",
  });
  const { workloadId } = app;
  store.deployed.saveDeployedContainer({ id: "api-1", workloadId, subdomain: "Api.example.org" });
  const row = (id: string, fields = {}) =>
    observed({
      id,
      workloadId,
      workloadKind: "project",
      hostIp: "0.0.0.0",
      hostPort: 32_768,
      ...fields,
    });
  const site = row(`${blog.workloadId}:site`, {
    workloadId: blog.workloadId,
    workloadKind: "site",
    hostPort: 32_769,
  });
  passWrites(store, [row("api-1")], { at: AT, op: "update" });
  passWrites(store, [site], { at: AT });
  return { app, blog, row, site };
}

const get = async (server: TempServer, path: string) => {
  const response = await server.ask(path);
  const text = await response.text();
  const type = response.headers.get("content-type");
  return {
    status: response.status,
    type,
    text,
    body: /json/.test(type!) ? JSON.parse(text) : text,
  };
};

Deno.test("GET /api/export/traefik leads host names to what runs, and forgets at once what does not", async () => {
  await using server = await tempServer();
  const { row } = world(server);
  const { body } = await get(server, "/api/export/traefik");
  assertEquals(brokenRules(body), []);
  assertEquals(serversFor(body, "api.example.org"), ["http://127.0.0.1:32768"]);
  assertEquals(serversFor(body, "blog.example.org"), ["http://127.0.0.1:32769"]);
  passWrites(server.store, [row("api-1", { health: "unhealthy" })], { at: AT, op: "update" });
  const unhealthy = await get(server, "/api/export/traefik");
  assertEquals(serversFor(unhealthy.body, "api.example.org"), ["http://127.0.0.1:32768"]);
  passWrites(server.store, [row("api-1", { state: "stopped" })], { at: AT, op: "update" });
  const stopped = await get(server, "/api/export/traefik");
  assertEquals(serversFor(stopped.body, "api.example.org"), null);
  server.store.registry.update("site", server.store.registry.named("site", "blog")!.id, {
    domain: null,
  });
  assertEquals((await get(server, "/api/export/traefik")).text, "{}");
});

const NOT_READY: Readonly<Record<string, TempServerOptions["status"]>> = {
  "before the first pass": {
    ready: false,
    lastPass: null,
    index: { fresh: false, asOf: null, reason: "no-pass" },
  },
  "after passes that are too old": {
    ready: false,
    lastPass: PASS,
    index: { fresh: false, asOf: PASS.at, reason: "late" },
  },
  "while another Engine answers": {
    ready: false,
    lastPass: PASS,
    index: { fresh: false, asOf: PASS.at, reason: "engine-changed" },
  },
};

for (const [when, status] of Object.entries(NOT_READY)) {
  Deno.test(`GET /api/export/… is 503 ${when}, but for what Caddy asks`, async () => {
    await using server = await tempServer({ status: status! });
    world(server);
    for (const name of EXPORTS) {
      const { status, type, body } = await get(server, `/api/export/${name}`);
      assertEquals([status, type, body.code], [503, "application/problem+json", "not-ready"]);
    }
    const asked = await get(server, "/api/export/caddy/ask?domain=blog.example.org");
    assertEquals(asked.status, 200);
  });
}

Deno.test("GET /api/export/… needs the token over TCP, and none over the socket", async () => {
  await using server = await tempServer();
  world(server);
  for (const path of [...EXPORTS, "caddy/ask?domain=api.example.org"]) {
    const [socket, tcp, stranger] = await Promise.all([
      server.ask(`/api/export/${path}`),
      server.askTcp(`/api/export/${path}`),
      fetch(`http://127.0.0.1:${server.port}/api/export/${path}`),
    ]);
    for (const { body } of [socket, tcp, stranger]) await body?.cancel();
    assertEquals([socket.status, tcp.status, stranger.status], [200, 200, 401], path);
  }
});

Deno.test("GET /api/export/caddy/ask knows subdomains and sites' domains, in whatever case", async () => {
  await using server = await tempServer();
  world(server);
  const ask = async (domain: string) =>
    (await get(server, `/api/export/caddy/ask?domain=${encodeURIComponent(domain)}`)).status;
  assertEquals(await ask("API.example.org"), 200);
  assertEquals(await ask("api.example.org."), 200);
  assertEquals(await ask("Blog.Example.org"), 200);
  for (const stranger of ["", "example.org", "x.api.example.org", "api%", "a' OR '1'='1", "api"]) {
    assertEquals(await ask(stranger), 404, stranger);
  }
  assertEquals((await get(server, "/api/export/caddy/ask")).status, 422);
});

Deno.test("GET /api/export/prometheus lists what runs, and [] where nothing does", async () => {
  await using server = await tempServer();
  assertEquals((await get(server, "/api/export/prometheus")).text, "[]");
  const { app, blog } = world(server);
  const { type, body } = await get(server, "/api/export/prometheus");
  assertEquals(type, "application/json");
  const shown = body.map(({ targets, labels }: Record<string, Record<string, string>>) => [
    ...Object.values(targets!),
    labels!["__meta_tinyforge_workload_id"],
  ]).sort();
  assertEquals(shown, [
    ["127.0.0.1:32768", app.workloadId],
    ["127.0.0.1:32769", blog.workloadId],
  ]);
});

Deno.test("GET /api/export/prometheus lists a host of many rows whole, each once", async () => {
  await using server = await tempServer();
  const { row } = world(server);
  const ids = Array.from({ length: 1200 }, (_, i) => `row-${String(i).padStart(4, "0")}`);
  passWrites(server.store, ids.map((id) => row(id)), { at: AT });
  const { body } = await get(server, "/api/export/prometheus");
  const told = body.map(({ labels }: { labels: Record<string, string> }) =>
    labels["__meta_tinyforge_row"]
  );
  const site = server.store.views.list({ kind: "site" }).map(({ id }) => id);
  assertEquals(told.sort(), [...ids, "api-1", ...site].sort());
});

Deno.test("GET /api/export/traefik finds replicas in the workload, role and stage of a name's row", async () => {
  await using server = await tempServer();
  const { store } = server;
  const { app } = world(server);
  const { workloadId } = app;
  const stage = store.stages.create(app.id, { name: "live", maxInstances: 9 });
  const make = (id: string, replica: number, fields = {}) =>
    store.deployed.saveDeployedContainer({
      ...{ id, workloadId, role: "web", replica, stageId: stage.id },
      ...fields,
    });
  make("web-1", 1, { subdomain: "web.example.org" });
  make("web-2", 2);
  make("web-3", 3);
  make("green", 1);
  make("elsewhere", 2, { stageId: null });
  make("worker", 2, { role: "worker" });
  const rows = ["web-1", "web-2", "web-3", "green", "elsewhere", "worker"].map((id, i) => {
    const [before] = store.views.list({ ids: [id] });
    const { role, replica } = before!;
    return observed({
      ...{ id, workloadId, workloadKind: "project" as const, role: role!, replica },
      ...{ hostIp: "0.0.0.0", hostPort: 33_000 + i },
    });
  });
  passWrites(store, rows, { at: AT, op: "update" });
  const { body } = await get(server, "/api/export/traefik");
  const [one, two, three] = [33_000, 33_001, 33_002].map((port) => `http://127.0.0.1:${port}`);
  assertEquals(serversFor(body, "web.example.org"), [one, two, three]);
});

Deno.test("GET /api/previews lists stages that are previews with their URLs, of one project or of all", async () => {
  await using server = await tempServer();
  const { app } = world(server);
  const { store } = server;
  const { entry: other } = store.registry.create("project", { name: "other" });
  store.stages.create(app.id, { name: "live", branch: "main" });
  const made = await server.send("POST", `/api/projects/${app.id}/stages`, {
    name: "pr-12",
    branch: "feature/search",
    preview: true,
  });
  const preview = await made.json();
  assertEquals([made.status, preview.branch, preview.preview], [201, "feature/search", true]);
  store.stages.create(other.id, { name: "pr-1", preview: true });
  const { workloadId } = app;
  store.deployed.saveDeployedContainer({
    id: "pr-12-1",
    workloadId,
    stageId: preview.id,
    subdomain: "pr-12.example.org",
  });
  const list = async (query: string) => {
    const { items } = (await get(server, `/api/previews${query}`)).body;
    return items.map(({ project, name, branch, urls, states }: Record<string, unknown>) => ({
      ...{ project, name, branch, urls, states },
    }));
  };
  const search = {
    project: "app",
    name: "pr-12",
    branch: "feature/search",
    urls: ["https://pr-12.example.org"],
    states: { pending: 1 },
  };
  const bare = { project: "other", name: "pr-1", branch: null, urls: [], states: {} };
  assertEquals(await list(""), [search, bare]);
  assertEquals(await list("?project=app"), [search]);
  assertEquals(await list(`?project=${other.id}`), [bare]);

  const patched = await server.send("PATCH", `/api/stages/${preview.id}`, {
    branch: null,
    preview: false,
  });
  const { branch, preview: still, name } = await patched.json();
  assertEquals([branch, still, name], [null, false, "pr-12"]);
  assertEquals(await list("?project=app"), []);
  for (const branch of ["", "a\nb", "x".repeat(256), 7]) {
    const refused = await server.send("PATCH", `/api/stages/${preview.id}`, { branch });
    await refused.body?.cancel();
    assertEquals(refused.status, 422, String(branch));
  }
});

Deno.test("exports put subdomains below the routes' domain, for proxies, Caddy and people", async () => {
  await using server = await tempServer({
    config: {
      routes: {
        address: "10.0.0.9",
        network: null,
        domain: "apps.example",
        scheme: "http",
      },
    },
  });
  const { app } = world(server);
  const stage = server.store.stages.create(app.id, { name: "pr-1", preview: true });
  server.store.deployed.updateDeployedContainer("api-1", { subdomain: "pr-1", stageId: stage.id });
  const { body } = await get(server, "/api/export/traefik");
  assertEquals(serversFor(body, "pr-1.apps.example"), ["http://10.0.0.9:32768"]);
  const asked = async (domain: string) =>
    (await get(server, `/api/export/caddy/ask?domain=${domain}`)).status;
  assertEquals([await asked("pr-1.apps.example"), await asked("pr-1")], [200, 404]);
  const { items } = (await get(server, "/api/previews")).body;
  assertEquals(items[0].urls, ["http://pr-1.apps.example"]);
  assertMatch((await get(server, "/api/export/homepage")).text, /"http:\/\/pr-1\.apps\.example"/);
});
