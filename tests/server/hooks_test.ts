/**
 * Webhooks, and passes on request.
 *
 * @module
 */

import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { createHmac } from "node:crypto";
import { Failure } from "../../src/failure.ts";
import { PASS, type TempServer, tempServer } from "../harness/temp_server.ts";
import { until } from "../harness/until.ts";

const WRONG = "A".repeat(43);

Deno.test("POST /hooks/{secret} runs a pass and answers with that workload's rows", async () => {
  let passes = 0;
  await using server = await tempServer({
    reconcileNow: () => {
      passes++;
      const { entry } = { entry: server.store.registry.named("project", "app")! };
      server.store.deployed.saveDeployedContainer({ id: "new", workloadId: entry.workloadId });
      return Promise.resolve(PASS);
    },
  });
  const { entry, secret } = server.store.registry.create("project", { name: "app" });
  const { entry: other } = server.store.registry.create("project", { name: "other" });
  server.store.deployed.saveDeployedContainer({ id: "else", workloadId: other.workloadId });
  // Without the token: the secret is the credential.
  const response = await fetch(`http://127.0.0.1:${server.port}/hooks/${secret}`, {
    method: "POST",
    body: "payload=from+some+CI",
  });
  const answer = await response.json();
  assertEquals(passes, 1);
  assertEquals(answer.workload, {
    id: entry.workloadId,
    kind: "project",
    refId: entry.id,
    name: "app",
  });
  // The report would tell of the host's other projects.
  assertEquals(answer.pass, { at: PASS.at, durationSeconds: PASS.durationSeconds });
  assertEquals(Object.keys(answer).sort(), ["items", "pass", "workload"]);
  assertEquals(answer.items.map(({ id }: { id: string }) => id), ["new"]);
});

Deno.test("POST /hooks/{secret} without a daemon answers without a pass", async () => {
  await using server = await tempServer({ reconcileNow: null });
  const { secret } = server.store.registry.create("project", { name: "app" });
  const answer = await (await hook(server, secret)).json();
  assertEquals([answer.pass, answer.items], [null, []]);
});

Deno.test("POST /hooks/{secret} tells no rows of a workload whose name is the other's id", async () => {
  await using server = await tempServer();
  const { entry, secret } = server.store.registry.create("project", { name: "app" });
  const { entry: other } = server.store.registry.create("site", { name: entry.workloadId });
  server.store.deployed.saveDeployedContainer({ id: "else", workloadId: other.workloadId });
  assertEquals((await (await hook(server, secret)).json()).items, []);
});

Deno.test("POST /hooks takes the secret from a header", async () => {
  await using server = await tempServer();
  const { entry, secret } = server.store.registry.create("project", { name: "app" });
  const call = (headers: Record<string, string>) =>
    fetch(`http://127.0.0.1:${server.port}/hooks`, { method: "POST", headers, body: "x" });
  for (const headers of [{ "x-tinyforge-secret": secret }, { authorization: `Bearer ${secret}` }]) {
    const response = await call(headers);
    assertEquals([response.status, (await response.json()).workload.id], [200, entry.workloadId]);
  }
  for (const headers of [{}, { "x-tinyforge-secret": WRONG }, { authorization: secret }]) {
    assertEquals(await status(call(headers)), 404);
  }
});

Deno.test("POST /hooks/workloads/{id} takes a signature of the bytes that were sent", async () => {
  await using server = await tempServer();
  const { entry, secret } = server.store.registry.create("project", { name: "app" });
  const { secret: another } = server.store.registry.create("project", { name: "other" });
  const call = (id: string, body: BodyInit, signature: string) =>
    fetch(`http://127.0.0.1:${server.port}/hooks/workloads/${id}`, {
      method: "POST",
      headers: { "x-hub-signature-256": signature },
      body,
    });
  // No UTF-8, and a mark that a reader of text would take off.
  const bytes = new Uint8Array([0xef, 0xbb, 0xbf, 0xff, 0x00, 0x41]);
  const right = await call(entry.workloadId, bytes, signed(bytes, secret));
  assertEquals([right.status, (await right.json()).workload.name], [200, "app"]);
  const empty = new Uint8Array();
  assertEquals(await status(call(entry.workloadId, empty, signed(empty, secret))), 200);
  const upper = signed(bytes, secret).replace(/[a-f]/g, (digit) => digit.toUpperCase());
  assertEquals(await status(call(entry.workloadId, bytes, upper)), 200);
  for (
    const [id, body, signature] of [
      [entry.workloadId, bytes.slice(1), signed(bytes, secret)],
      [entry.workloadId, bytes, signed(bytes, another)],
      [entry.workloadId, bytes, secret],
      [entry.workloadId, bytes, ""],
      [entry.workloadId, bytes, "sha256="],
      ["nothing", bytes, signed(bytes, secret)],
    ] as const
  ) assertEquals(await status(call(id, body, signature)), 404);
  await until("the bodies' bytes are free", () => server.app.bytes.used === 0);
});

Deno.test("POST /hooks/workloads/{id} bounds a body, and reads none after too many wrong signatures", async () => {
  await using server = await tempServer({ wrongSecretsPerMinute: 3, maxBodyBytes: 64 });
  const { entry, secret } = server.store.registry.create("project", { name: "app" });
  const call = (id: string, body: string, signature: string) =>
    server.ask(`/hooks/workloads/${id}`, {
      method: "POST",
      headers: { "x-hub-signature-256": signature },
      body,
    });
  const wrong = `sha256=${"0".repeat(64)}`;
  const long = "x".repeat(65);
  assertEquals(await status(call(entry.workloadId, long, signed(long, secret))), 413);
  // Who knows no workload uses up nothing of it.
  for (let i = 0; i < 5; i++) await status(call("nothing", "", wrong));
  assertEquals(await status(call("nothing", "", wrong)), 429);
  assertEquals(await status(call(entry.workloadId, "a", signed("a", secret))), 200);
  for (let i = 0; i < 3; i++) assertEquals(await status(call(entry.workloadId, "a", wrong)), 404);
  const refused = await call(entry.workloadId, long, wrong);
  // Not 413: nobody looked at its body.
  assertEquals([refused.status, (await refused.json()).code], [429, "too-many-requests"]);
  // The secret itself works all the same.
  assertEquals(await status(hook(server, secret)), 200);
});

Deno.test("a rotated secret works at once and the old one no longer", async () => {
  await using server = await tempServer();
  const { entry, secret } = server.store.registry.create("project", { name: "app" });
  const rotated = await (await server.send("POST", `/api/workloads/${entry.workloadId}/secret`))
    .json();
  assertEquals(rotated.id, entry.workloadId);
  assertEquals(await status(hook(server, secret)), 404);
  assertEquals(await status(hook(server, rotated.secret)), 200);
});

Deno.test("wrong secrets are answered 404, too many of them 429, and right ones always work", async () => {
  await using server = await tempServer({ wrongSecretsPerMinute: 5 });
  const { secret } = server.store.registry.create("project", { name: "app" });
  for (const wrong of [WRONG, "short", `${secret}x`, secret.slice(1), "%20"]) {
    const response = await hook(server, wrong);
    assertEquals([wrong, response.status], [wrong, 404]);
    assertEquals((await response.json()).code, "not-found");
  }
  for (let i = 0; i < 3; i++) {
    const response = await hook(server, WRONG);
    assertEquals(response.status, 429);
    const wait = Number(response.headers.get("retry-after"));
    assert(wait >= 1 && wait <= 12);
    assertEquals((await response.json()).code, "too-many-requests");
  }
  assertEquals(await status(hook(server, secret)), 200);
});

Deno.test("right secrets and signatures use up nothing of what wrong ones may", async () => {
  await using server = await tempServer({ wrongSecretsPerMinute: 2 });
  const { entry, secret } = server.store.registry.create("project", { name: "app" });
  const sign = (body: string, signature: string) =>
    status(server.ask(`/hooks/workloads/${entry.workloadId}`, {
      method: "POST",
      headers: { "x-hub-signature-256": signature },
      body,
    }));
  for (let i = 0; i < 6; i++) assertEquals(await status(hook(server, secret)), 200);
  for (let i = 0; i < 6; i++) assertEquals(await sign("a", signed("a", secret)), 200);
  const wrong = `sha256=${"0".repeat(64)}`;
  for (const expected of [404, 404, 429]) {
    assertEquals(await status(hook(server, WRONG)), expected);
    assertEquals(await sign("a", wrong), expected);
  }
});

Deno.test("a secret stands neither in the log nor in a metric", async () => {
  await using server = await tempServer();
  const { secret } = server.store.registry.create("project", { name: "app" });
  await status(hook(server, secret));
  await status(hook(server, WRONG));
  const told = server.logged.join("") + server.metrics.render();
  assert(!told.includes(secret) && !told.includes(WRONG));
  assertStringIncludes(told, 'route="/hooks/{secret}",code="200"} 1');
  assertStringIncludes(told, 'route="/hooks/{secret}",code="404"} 1');
});

Deno.test("POST /api/reconcile tells apart why a pass did not end well", async () => {
  const cases: [() => Promise<never>, number, string, string][] = [
    [
      () =>
        Promise.reject(
          new Failure("engine-refused", "Cannot list: no Engine", { data: { endpoint: "list" } }),
        ),
      502,
      "pass-failed",
      "Cannot list: no Engine",
    ],
    [
      () => Promise.reject(new Failure("full", "Cannot write: full", { data: {} })),
      507,
      "full",
      "full",
    ],
    [
      () => Promise.reject(new DOMException("stopped", "AbortError")),
      503,
      "stopping",
      "the daemon stops",
    ],
    [() => new Promise(() => {}), 504, "pass-timeout", "not done"],
  ];
  for (const [reconcileNow, status, code, detail] of cases) {
    await using server = await tempServer({ reconcileNow, passTimeoutMs: 50 });
    const response = await server.send("POST", "/api/reconcile");
    const problem = await response.json();
    assertEquals([problem.code, response.status], [code, status]);
    assertStringIncludes(problem.detail, detail);
    if (code !== "pass-failed") continue;
    assertEquals(problem.data, { failure: "engine-refused", endpoint: "list" });
    assertStringIncludes(problem.hint, "start the Engine");
  }
});

Deno.test("POST /api/reconcile without a daemon says so", async () => {
  await using server = await tempServer({ reconcileNow: null });
  const response = await server.send("POST", "/api/reconcile");
  assertEquals([response.status, (await response.json()).code], [503, "no-daemon"]);
});

Deno.test("a pass that fails after its request gave up troubles nobody", async () => {
  const pass = Promise.withResolvers<never>();
  await using server = await tempServer({ reconcileNow: () => pass.promise, passTimeoutMs: 20 });
  const started = performance.now();
  assertEquals(await status(server.send("POST", "/api/reconcile")), 504);
  assertLess(performance.now() - started, 2000);
  pass.reject(new Error("too late"));
  assertEquals(await status(server.ask("/livez")), 200);
});

function hook(server: TempServer, secret: string): Promise<Response> {
  return server.ask(`/hooks/${secret}`, { method: "POST" });
}

async function status(answer: Promise<Response>): Promise<number> {
  const response = await answer;
  await response.body?.cancel();
  return response.status;
}

function signed(body: string | Uint8Array, secret: string): string {
  return `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
}
