/**
 * Each route once well and once badly, and the shapes of the answers.
 *
 * @module
 */

import { createHmac } from "node:crypto";
import { assert, assertEquals } from "@std/assert";
import { ROUTES } from "../../src/server/routes.ts";
import type { ProblemDetails } from "../../src/server/problem_details.ts";
import { ProblemDetailsSchema } from "../../src/server/schema.ts";
import { problem, writeProblems } from "../harness/problems.ts";
import {
  observed,
  passWrites,
  type TempServer,
  tempServer,
  TOKEN,
} from "../harness/temp_server.ts";

const SNAPSHOT = new URL("./answers_snapshot.json", import.meta.url);

/** Ids and secrets of what stands in the store before each request. */
type World = ReturnType<typeof world>;

interface Ask {
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  /** Over TCP, with the token unless a cookie is among the headers; else over the socket. */
  readonly tcp?: true;
}

interface Example {
  readonly good: (world: World) => Ask;
  /** What must fail, and with which code; null where nothing can be asked wrongly. */
  readonly bad: ((world: World) => Ask & { readonly code: ProblemDetails["code"] }) | null;
}

const nothing = { id: "nothing-here" };
const EXAMPLES: Readonly<Record<string, Example>> = {
  "get /livez": { good: () => ({ path: "/livez" }), bad: null },
  "get /readyz": { good: () => ({ path: "/readyz?verbose" }), bad: null },
  "get /metrics": { good: () => ({ path: "/metrics" }), bad: null },
  "get /openapi.json": { good: () => ({ path: "/openapi.json" }), bad: null },
  ...registry("projects", "project", { good: { name: "new" }, bad: { name: "a/b" } }),
  ...registry("stacks", "stack", {
    good: { name: "New Stack" },
    bad: { name: "x", composeProjectName: "Not Compose" },
  }),
  ...registry("sites", "site", {
    good: { name: "new", domain: "new.example" },
    bad: { name: "x", domain: "not a domain" },
  }),
  "get /api/projects/{id}/stages": {
    good: ({ project }) => ({ path: `/api/projects/${project.id}/stages` }),
    bad: () => ({ path: `/api/projects/${nothing.id}/stages`, code: "not-found" }),
  },
  "post /api/projects/{id}/stages": {
    good: ({ project }) => ({
      path: `/api/projects/${project.id}/stages`,
      body: { name: "preview", maxInstances: 3 },
    }),
    bad: ({ project, stage }) => ({
      path: `/api/projects/${project.id}/stages`,
      body: { name: stage.name },
      code: "conflict",
    }),
  },
  "get /api/stages": { good: () => ({ path: "/api/stages" }), bad: null },
  "get /api/stages/{id}": {
    good: ({ stage }) => ({ path: `/api/stages/${stage.id}` }),
    bad: () => ({ path: `/api/stages/${nothing.id}`, code: "not-found" }),
  },
  "patch /api/stages/{id}": {
    good: ({ stage }) => ({ path: `/api/stages/${stage.id}`, body: { maxInstances: 2 } }),
    bad: ({ stage }) => ({
      path: `/api/stages/${stage.id}`,
      body: { maxInstances: 0 },
      code: "invalid",
    }),
  },
  "delete /api/stages/{id}": {
    good: ({ stage }) => ({ path: `/api/stages/${stage.id}?force=true` }),
    bad: ({ stage }) => ({ path: `/api/stages/${stage.id}`, code: "in-use" }),
  },
  "get /api/stages/{id}/containers": {
    good: ({ stage }) => ({ path: `/api/stages/${stage.id}/containers` }),
    bad: () => ({ path: `/api/stages/${nothing.id}/containers`, code: "not-found" }),
  },
  "get /api/containers": {
    good: () => ({ path: "/api/containers?kind=stack&state=running&workload=shop&limit=1" }),
    bad: () => ({ path: "/api/containers?limit=10001", code: "invalid" }),
  },
  "post /api/containers": {
    good: ({ project, stage }) => ({
      path: "/api/containers",
      body: {
        id: "app-2",
        workloadId: project.workloadId,
        stageId: stage.id,
        role: "production",
        replica: 2,
        containerId: "cafe",
        imageRef: "app:2",
        imageTag: "2",
        subdomain: "app-2",
        proxyRouteId: "route-2",
        npmProxyId: 7,
      },
    }),
    bad: ({ project, row }) => ({
      path: "/api/containers",
      body: { id: row.id, workloadId: project.workloadId },
      code: "conflict",
    }),
  },
  "post /api/containers/batch": {
    good: ({ project, row, stackRow }) => ({
      path: "/api/containers/batch",
      body: {
        operations: [
          {
            op: "create",
            row: { workloadId: project.workloadId, subdomain: "app", meta: { a: [1] } },
          },
          { op: "update", id: row.id, patch: { subdomain: null } },
          { op: "delete", id: stackRow },
        ],
      },
    }),
    bad: ({ row }) => ({
      path: "/api/containers/batch",
      body: { operations: [{ op: "delete", id: nothing.id }, { op: "delete", id: row.id }] },
      code: "not-found",
    }),
  },
  "put /api/containers/{id}": {
    good: ({ project }) => ({
      path: "/api/containers/app-3",
      body: { workloadId: project.workloadId, role: "web", replica: 2, meta: { owner: "ops" } },
    }),
    bad: ({ project, stackRow }) => ({
      path: `/api/containers/${encodeURIComponent(stackRow)}`,
      body: { workloadId: project.workloadId },
      code: "conflict",
    }),
  },
  "get /api/containers/{id}": {
    good: ({ stackRow }) => ({ path: `/api/containers/${encodeURIComponent(stackRow)}` }),
    bad: () => ({ path: `/api/containers/${nothing.id}`, code: "not-found" }),
  },
  "patch /api/containers/{id}": {
    good: ({ row }) => ({
      path: `/api/containers/${row.id}`,
      body: { subdomain: "other", imageTag: null },
    }),
    bad: ({ row }) => ({
      path: `/api/containers/${row.id}`,
      body: { imageRef: "alone:1" },
      code: "invalid",
    }),
  },
  "delete /api/containers/{id}": {
    good: ({ row }) => ({ path: `/api/containers/${row.id}` }),
    bad: () => ({ path: `/api/containers/${nothing.id}`, code: "not-found" }),
  },
  "get /api/containers/{id}/transitions": {
    good: ({ row }) => ({ path: `/api/containers/${row.id}/transitions` }),
    bad: () => ({ path: `/api/containers/${nothing.id}/transitions`, code: "not-found" }),
  },
  "get /api/previews": {
    good: () => ({ path: "/api/previews?project=app" }),
    bad: () => ({ path: "/api/previews?project=nobody", code: "invalid" }),
  },
  "get /api/export/traefik": {
    good: () => ({ path: "/api/export/traefik" }),
    bad: () => ({ path: "/api/export/traefik?what=ever", code: "invalid" }),
  },
  "get /api/export/caddy/ask": {
    good: () => ({ path: "/api/export/caddy/ask?domain=app" }),
    bad: () => ({ path: "/api/export/caddy/ask?domain=nobody.example", code: "not-found" }),
  },
  "get /api/export/prometheus": {
    good: () => ({ path: "/api/export/prometheus" }),
    bad: () => ({ path: "/api/export/prometheus?what=ever", code: "invalid" }),
  },
  "get /api/export/homepage": {
    good: () => ({ path: "/api/export/homepage" }),
    bad: () => ({ path: "/api/export/homepage?what=ever", code: "invalid" }),
  },
  "get /api/export/dashy": {
    good: () => ({ path: "/api/export/dashy" }),
    bad: () => ({ path: "/api/export/dashy?what=ever", code: "invalid" }),
  },
  "get /api/routes": {
    good: () => ({ path: "/api/routes" }),
    bad: () => ({ path: "/api/routes?what=ever", code: "invalid" }),
  },
  "get /api/containers/{id}/details": {
    good: ({ row }) => ({ path: `/api/containers/${row.id}/details` }),
    bad: () => ({ path: `/api/containers/${nothing.id}/details`, code: "not-found" }),
  },
  "get /api/transitions": {
    good: () => ({ path: "/api/transitions?since=0&limit=5&from=2020-01-01T00:00:00%2B02:00" }),
    bad: () => ({ path: "/api/transitions?since=last", code: "invalid" }),
  },
  "get /api/history": {
    good: () => ({ path: "/api/history?workload=shop&limit=5" }),
    bad: () => ({ path: "/api/history?from=2026-11-26", code: "invalid" }),
  },
  "get /api/availability": {
    good: () => ({ path: "/api/availability?days=7&spans=100" }),
    bad: () => ({ path: "/api/availability?workload=nobody", code: "invalid" }),
  },
  ...Object.fromEntries(["get", "patch", "delete"].map((method): [string, Example] => {
    const body = method === "patch" ? { body: { subdomain: "through-stage" } } : {};
    return [`${method} /api/instances/{project}/{stage}/{id}`, {
      good: ({ row }) => ({ path: `/api/instances/app/production/${row.id}`, ...body }),
      bad: ({ row }) => ({
        path: `/api/instances/other/production/${row.id}`,
        ...body,
        code: "not-found",
      }),
    }];
  })),
  "get /api/workloads": {
    good: () => ({ path: "/api/workloads" }),
    bad: () => ({ path: "/api/workloads?kind=pod", code: "invalid" }),
  },
  "get /api/workloads/{id}/secret": {
    good: ({ project }) => ({ path: `/api/workloads/${project.workloadId}/secret` }),
    bad: () => ({ path: `/api/workloads/${nothing.id}/secret`, code: "not-found" }),
  },
  "post /api/workloads/{id}/secret": {
    good: ({ project }) => ({ path: `/api/workloads/${project.workloadId}/secret` }),
    bad: () => ({ path: `/api/workloads/${nothing.id}/secret`, code: "not-found" }),
  },
  "get /api/problems": {
    good: () => ({ path: "/api/problems?all=true" }),
    bad: () => ({ path: "/api/problems?all=maybe", code: "invalid" }),
  },
  "get /api/doctor": {
    good: () => ({ path: "/api/doctor" }),
    bad: () => ({ path: "/api/doctor?all", code: "invalid" }),
  },
  "get /api/check": {
    good: () => ({ path: "/api/check?image=app:1" }),
    bad: () => ({ path: "/api/check?name=shop", code: "invalid" }),
  },
  "get /api/silences": {
    good: () => ({ path: "/api/silences" }),
    bad: () => ({ path: "/api/silences?all=true", code: "invalid" }),
  },
  "post /api/silences": {
    good: ({ row }) => ({
      path: "/api/silences",
      body: { scope: "row", target: row.id, seconds: 60, cron: "0 3 * * *", timeZone: "UTC" },
    }),
    bad: () => ({ path: "/api/silences", body: { scope: "all" }, code: "invalid" }),
  },
  "delete /api/silences/{id}": {
    good: ({ silence }) => ({ path: `/api/silences/${silence}` }),
    bad: () => ({ path: `/api/silences/${nothing.id}`, code: "not-found" }),
  },
  "get /api/channels": { good: () => ({ path: "/api/channels" }), bad: null },
  "post /api/channels": {
    good: () => ({
      path: "/api/channels",
      body: { name: "phone", url: "ntfys://ntfy.example/topic", minSeverity: "low" },
    }),
    bad: ({ channel }) => ({
      path: "/api/channels",
      body: { name: channel.name, url: "ntfys://ntfy.example/topic" },
      code: "conflict",
    }),
  },
  "patch /api/channels/{id}": {
    good: ({ channel }) => ({
      path: `/api/channels/${channel.name}`,
      body: { name: "pager", url: "ntfys://ntfy.example/other", fallback: null },
    }),
    bad: ({ channel }) => ({
      path: `/api/channels/${channel.id}`,
      body: { fallback: channel.name },
      code: "invalid",
    }),
  },
  "delete /api/channels/{id}": {
    good: ({ channel }) => ({ path: `/api/channels/${channel.id}` }),
    bad: () => ({ path: `/api/channels/${nothing.id}`, code: "not-found" }),
  },
  "post /api/channels/{id}/test": {
    good: ({ channel }) => ({ path: `/api/channels/${channel.id}/test` }),
    bad: () => ({ path: `/api/channels/${nothing.id}/test`, code: "not-found" }),
  },
  "post /api/channels/{id}/retry": {
    good: ({ channel }) => ({ path: `/api/channels/${channel.name}/retry` }),
    bad: () => ({ path: `/api/channels/${nothing.id}/retry`, code: "not-found" }),
  },
  "get /api/rules": { good: () => ({ path: "/api/rules" }), bad: null },
  "post /api/rules": {
    good: ({ channel }) => ({
      path: "/api/rules",
      body: { kinds: ["oom"], channels: [channel.name], remindAfterMinutes: 60 },
    }),
    bad: () => ({ path: "/api/rules", body: { remindAfterMinutes: 4 }, code: "invalid" }),
  },
  "patch /api/rules/{id}": {
    good: ({ rule, stack }) => ({
      path: `/api/rules/${rule.id}`,
      body: { workloads: [stack.workloadId], minSeverity: "low", remindAfterMinutes: 30 },
    }),
    bad: ({ rule }) => ({
      path: `/api/rules/${rule.id}`,
      body: { workloads: [nothing.id] },
      code: "not-found",
    }),
  },
  "delete /api/rules/{id}": {
    good: ({ rule }) => ({ path: `/api/rules/${rule.id}` }),
    bad: () => ({ path: `/api/rules/${nothing.id}`, code: "not-found" }),
  },
  "get /api/deliveries": {
    good: () => ({ path: "/api/deliveries?limit=5" }),
    bad: () => ({ path: "/api/deliveries?state=lost", code: "invalid" }),
  },
  "post /api/accept": {
    good: () => ({ path: "/api/accept" }),
    bad: () => ({ path: "/api/accept?only=x", code: "invalid" }),
  },
  "post /api/workloads/{id}/accept": {
    good: ({ project }) => ({ path: `/api/workloads/${project.workloadId}/accept` }),
    bad: () => ({ path: `/api/workloads/${nothing.id}/accept`, code: "not-found" }),
  },
  "get /api/workloads/{id}/expectations": {
    good: ({ project }) => ({ path: `/api/workloads/${project.workloadId}/expectations` }),
    bad: () => ({ path: `/api/workloads/${nothing.id}/expectations`, code: "not-found" }),
  },
  "put /api/workloads/{id}/expectations": {
    good: ({ stack }) => ({
      path: `/api/workloads/${stack.workloadId}/expectations`,
      body: { items: [{ role: "web", replicas: 2 }] },
    }),
    bad: ({ stack }) => ({
      path: `/api/workloads/${stack.workloadId}/expectations`,
      body: { items: [{ role: "nobody" }] },
      code: "invalid",
    }),
  },
  "get /api/discover": {
    good: () => ({ path: "/api/discover" }),
    bad: () => ({ path: "/api/discover?all", code: "invalid" }),
  },
  "post /api/adopt": {
    good: () => ({ path: "/api/adopt", body: { items: [{ name: "cafe" }] } }),
    bad: () => ({ path: "/api/adopt", body: { items: [{ name: "none" }] }, code: "not-found" }),
  },
  "get /api/tokens": { good: () => ({ path: "/api/tokens" }), bad: null },
  "post /api/tokens": {
    good: () => ({
      path: "/api/tokens",
      body: { name: "ci", role: "deploy", expiresAt: "2999-01-01T00:00:00Z" },
    }),
    bad: ({ token }) => ({
      path: "/api/tokens",
      body: { name: token.name, role: "read" },
      code: "conflict",
    }),
  },
  "patch /api/tokens/{id}": {
    good: ({ token }) => ({
      path: `/api/tokens/${token.id}`,
      body: { expiresAt: "2999-01-01T00:00:00Z" },
    }),
    bad: ({ token }) => ({
      path: `/api/tokens/${token.id}`,
      body: { expiresAt: "1999-01-01T00:00:00Z" },
      code: "invalid",
    }),
  },
  "delete /api/tokens/{id}": {
    good: ({ token }) => ({ path: `/api/tokens/${token.id}` }),
    bad: () => ({ path: `/api/tokens/${nothing.id}`, code: "not-found" }),
  },
  "get /api/session": {
    good: ({ cookie }) => ({ path: "/api/session", tcp: true, headers: { cookie } }),
    bad: () => ({ path: "/api/session?who", code: "invalid" }),
  },
  "post /api/session": {
    good: () => ({ path: "/api/session", tcp: true, body: { token: TOKEN } }),
    bad: () => ({ path: "/api/session", tcp: true, body: {}, code: "invalid" }),
  },
  "delete /api/session": {
    good: ({ cookie, origin }) => ({
      path: "/api/session",
      tcp: true,
      headers: { cookie, origin },
    }),
    bad: () => ({ path: "/api/session", code: "conflict" }),
  },
  "post /api/session/codes": { good: () => ({ path: "/api/session/codes" }), bad: null },
  "get /api/sessions": {
    good: ({ cookie }) => ({ path: "/api/sessions", tcp: true, headers: { cookie } }),
    bad: null,
  },
  "delete /api/sessions/{id}": {
    good: ({ session }) => ({ path: `/api/sessions/${session.id}` }),
    bad: () => ({ path: `/api/sessions/${nothing.id}`, code: "not-found" }),
  },
  "get /api/audit": {
    good: () => ({ path: "/api/audit?limit=1" }),
    bad: () => ({ path: "/api/audit?since=x", code: "invalid" }),
  },
  "get /api/dispatch": {
    good: () => ({ path: "/api/dispatch?container=forged&fresh" }),
    bad: () => ({ path: "/api/dispatch?container=", code: "invalid" }),
  },
  "get /api/index": { good: () => ({ path: "/api/index" }), bad: null },
  "get /api/status": {
    good: () => ({ path: "/api/status" }),
    bad: () => ({ path: "/api/status?verbose", code: "invalid" }),
  },
  "post /api/reconcile": {
    good: () => ({ path: "/api/reconcile" }),
    bad: () => ({ path: "/api/reconcile", body: { dryRun: true }, code: "invalid" }),
  },
  "post /api/engine/accept": {
    good: () => ({ path: "/api/engine/accept" }),
    bad: () => ({ path: "/api/engine/accept", body: { id: "X" }, code: "invalid" }),
  },
  "get /api/events": {
    good: () => ({ path: "/api/events" }),
    bad: () => ({ path: "/api/events?kind=stack", code: "invalid" }),
  },
  "post /hooks": {
    good: ({ secret }) => ({ path: "/hooks", headers: { "x-tinyforge-secret": secret } }),
    bad: () => ({ path: "/hooks", headers: { authorization: "Bearer short" }, code: "not-found" }),
  },
  "post /hooks/workloads/{id}": {
    good: ({ project, secret }) => ({
      path: `/hooks/workloads/${project.workloadId}`,
      body: { ref: "main" },
      headers: {
        "x-hub-signature-256": `sha256=${
          createHmac("sha256", secret).update('{"ref":"main"}').digest("hex")
        }`,
      },
    }),
    bad: ({ project }) => ({
      path: `/hooks/workloads/${project.workloadId}`,
      body: { ref: "main" },
      headers: { "x-hub-signature-256": `sha256=${"0".repeat(64)}` },
      code: "not-found",
    }),
  },
  "post /hooks/{secret}": {
    good: ({ secret }) => ({ path: `/hooks/${secret}`, body: { anything: ["a", "CI", "sends"] } }),
    bad: () => ({ path: `/hooks/${"A".repeat(43)}`, code: "not-found" }),
  },
};

Deno.test("ROUTES has an example for each of its routes, and no route twice", () => {
  const routes = ROUTES.map(([method, path]) => `${method} ${path}`);
  assertEquals(Object.keys(EXAMPLES).sort(), [...routes].sort());
  assertEquals(new Set(routes).size, routes.length);
});

for (const [method, path, , { spec }] of ROUTES) {
  const example = EXAMPLES[`${method} ${path}`]!;

  Deno.test(`${method.toUpperCase()} ${path} answers what its schema says`, async () => {
    await using server = await tempServer();
    const response = await sent(server, method, example.good(world(server)));
    // With what it did, and once, however many transactions that took.
    assertEquals(
      server.store.audit.since(0, { limit: 9 }).map(({ action }) => action),
      method === "get" ? [] : [`${method.toUpperCase()} ${path}`],
    );
    const answer = spec.answers[response.status];
    if (answer === undefined) throw new Error(`${response.status} ${await response.text()}`);
    assert(response.ok);
    assertEquals(response.headers.get("x-content-type-options"), "nosniff");
    assertEquals(response.headers.get("access-control-allow-origin"), null);
    if (answer.mediaType === "text/event-stream") return await response.body!.cancel();
    if (answer.mediaType === "text/plain") return assert((await response.text()).length > 0);
    if (answer.schema === undefined) return assertEquals(await response.text(), "");
    const json = await response.json();
    // The schemas drop what they don't know: nothing undocumented is answered.
    assertEquals(answer.schema.parse(json), json);
  });

  const { bad } = example;
  if (bad === null) continue;
  Deno.test(`${method.toUpperCase()} ${path} refuses what is wrong and changes nothing`, async () => {
    await using server = await tempServer();
    const { code, ...ask } = bad(world(server));
    const before = server.store.version();
    const response = await sent(server, method, ask);
    const problem = await response.json();
    assertEquals(problem.code, code, JSON.stringify(problem));
    assertEquals(problem.status, response.status);
    assertEquals(response.headers.get("content-type"), "application/problem+json");
    assertEquals(ProblemDetailsSchema.parse(problem), problem);
    assertEquals(server.store.version(), before);
  });
}

Deno.test("the answers have the shapes of the snapshot", async () => {
  const shapes: Record<string, unknown> = {};
  for (const [method, path] of ROUTES) {
    await using server = await tempServer();
    const response = await sent(server, method, EXAMPLES[`${method} ${path}`]!.good(world(server)));
    const type = response.headers.get("content-type");
    if (type !== "application/json" || path === "/openapi.json") {
      await response.body?.cancel();
      shapes[`${method} ${path}`] = `${response.status} ${type ?? ""}`.trim();
    } else {
      shapes[`${method} ${path}`] = { [response.status]: shape(await response.json()) };
    }
  }
  const text = `${JSON.stringify(shapes, null, 2)}\n`;
  if (Deno.env.get("UPDATE_SNAPSHOTS")) await Deno.writeTextFile(SNAPSHOT, text);
  assertEquals(text, await Deno.readTextFile(SNAPSHOT));
});

for (
  const [path, allow] of [
    ["/api/containers", "GET, HEAD, POST"],
    ["/api/projects/x", "GET, HEAD, PATCH, DELETE"],
    ["/livez", "GET, HEAD"],
    ["/hooks/x", "POST"],
  ] as const
) {
  Deno.test(`PUT ${path} is answered 405 with what is allowed`, async () => {
    await using server = await tempServer();
    const response = await server.ask(path, { method: "PUT", body: "x" });
    assertEquals((await response.json()).code, "method-not-allowed");
    assertEquals(response.headers.get("allow"), allow);
  });
}

Deno.test("a wrong method where no token is needed is answered 405 without one, else 401", async () => {
  await using server = await tempServer();
  const status = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method: "PUT" });
    await response.body?.cancel();
    return response.status;
  };
  assertEquals(await status("/hooks/x"), 405);
  assertEquals(await status("/livez"), 405);
  assertEquals(await status("/api/containers"), 401);
});

Deno.test("a path that is no route is answered 404", async () => {
  await using server = await tempServer();
  for (const path of ["/", "/api", "/api/containers/", "/api/containers/a/b", "/%zz", "//livez"]) {
    const response = await server.ask(path);
    assertEquals([path, response.status], [path, 404]);
    assertEquals((await response.json()).code, "not-found");
  }
});

Deno.test("HEAD is answered as GET without a body", async () => {
  await using server = await tempServer();
  for (const path of ["/livez", "/api/containers", "/api/events"]) {
    const response = await server.ask(path, { method: "HEAD" });
    assertEquals(response.status, 200);
    assertEquals(await response.text(), "");
  }
  assertEquals(server.feed.subscribers, 0);
});

function sent(
  server: TempServer,
  method: string,
  { path, body, headers, tcp }: Ask,
): Promise<Response> {
  const init = {
    method: method.toUpperCase(),
    headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  };
  if (headers?.["cookie"] !== undefined) {
    return fetch(`http://127.0.0.1:${server.port}${path}`, init);
  }
  return tcp ? server.askTcp(path, init) : server.ask(path, init);
}

/** A project with a stage and a row, a stack with two, a site with none. */
function world({ store, port }: Awaited<ReturnType<typeof tempServer>>) {
  const { entry: project, secret } = store.registry.create("project", { name: "app" });
  const { entry: other } = store.registry.create("project", { name: "other" });
  const stage = store.stages.create(project.id, { name: "production", maxInstances: 9 });
  store.stages.create(other.id, { name: "production" });
  const { entry: stack } = store.registry.create("stack", {
    name: "shop",
    composeProjectName: "tinyforge-shop",
  });
  const { entry: site } = store.registry.create("site", { name: "blog" });
  const row = store.deployed.saveDeployedContainer({
    id: "app-1",
    workloadId: project.workloadId,
    stageId: stage.id,
    subdomain: "app",
  });
  const stackRow = `${stack.workloadId}:web`;
  passWrites(
    store,
    [stackRow, `${stack.workloadId}:worker`].map((id) =>
      observed({ id, workloadId: stack.workloadId, role: id.split(":")[1]! })
    ),
    { at: "2026-01-01T00:00:00.000Z" },
  );
  const now = Date.parse("2026-01-01T00:00:00.000Z");
  const { id: silence } = store.silences.add({
    scope: "all",
    targetId: "",
    kinds: null,
    reason: "",
    startsAt: now,
    endsAt: now + 60_000,
    cron: null,
    timeZone: null,
    lastsMs: 60_000,
  }, now);
  writeProblems(
    store,
    problem({
      kind: "missing",
      workloadId: stack.workloadId,
      rowId: stackRow,
      containerId: "cafe",
      containerName: "web",
      since: now,
      evidence: { state: "missing" },
      do: { code: "bring-back", workloadId: stack.workloadId, rowId: stackRow },
    }),
  );
  const channel = store.channels.add({
    id: "ops-channel",
    name: "ops",
    type: "ntfy",
    config: { origin: "http://127.0.0.1:1" },
    fallbackId: null,
  }, { workloads: null, kinds: null, minSeverity: "high", remindAfterMs: null });
  const rule = store.channels.rules()[0]!;
  store.notices.write({
    lookedAt: 1,
    notices: [{
      id: "msg_1",
      kind: "opened",
      content: "{}",
      subject: null,
      at: 1,
      deliveries: [{ channelId: channel.id, queuedAt: 1 }],
    }],
  });
  const { kept: token } = store.tokens.add({ name: "robot", role: "read", expiresAt: null });
  const { kept: session, secret: held } = store.sessions.open({
    ...{ tokenId: token.id, fileHash: null, name: token.name, role: "admin" },
    ...{ remote: "127.0.0.1", userAgent: "Firefox", expiresAt: Date.parse("2999-01-01") },
  }, { now });
  const cookie = `tinyforge_${port}=${held}`;
  const origin = `http://127.0.0.1:${port}`;
  const told = { silence, channel, rule };
  const access = { token, session, cookie, origin };
  return { project, secret, stage, stack, site, row, stackRow, ...told, ...access };
}

function registry(
  plural: string,
  kind: "project" | "stack" | "site",
  bodies: { good: unknown; bad: unknown },
): Record<string, Example> {
  const path = `/api/${plural}`;
  return {
    [`get ${path}`]: {
      good: () => ({ path }),
      bad: () => ({ path: `${path}?names=x`, code: "invalid" }),
    },
    [`post ${path}`]: {
      good: () => ({ path, body: bodies.good }),
      bad: () => ({ path, body: bodies.bad, code: "invalid" }),
    },
    [`get ${path}/{id}`]: {
      good: (world) => ({ path: `${path}/${world[kind].id}` }),
      bad: () => ({ path: `${path}/${nothing.id}`, code: "not-found" }),
    },
    [`patch ${path}/{id}`]: {
      good: (world) => ({ path: `${path}/${world[kind].id}`, body: { name: "renamed" } }),
      bad: (world) => ({
        path: `${path}/${world[kind].id}`,
        body: { name: "renamed", secret: "mine" },
        code: "invalid",
      }),
    },
    [`delete ${path}/{id}`]: {
      good: (world) => ({ path: `${path}/${world[kind].id}?force=true` }),
      bad: kind === "site"
        ? () => ({ path: `${path}/${nothing.id}`, code: "not-found" })
        : (world) => ({ path: `${path}/${world[kind].id}`, code: "in-use" }),
    },
  };
}

/** Types instead of values; of an array, the shape of its first element. */
function shape(value: unknown): unknown {
  if (value === null) return "null";
  if (Array.isArray(value)) return value.length === 0 ? [] : [shape(value[0])];
  if (typeof value !== "object") return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)]));
}
