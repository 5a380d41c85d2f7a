/**
 * Webhooks, and passes on request.
 *
 * @module
 */

import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { Failure } from "../../src/failure.ts";
import { PASS, type TempServer, tempServer } from "../harness/temp_server.ts";

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
  assertEquals(answer.pass, PASS);
  assertEquals(answer.items.map(({ id }: { id: string }) => id), ["new"]);
});

Deno.test("POST /hooks/{secret} without a daemon answers without a pass", async () => {
  await using server = await tempServer({ reconcileNow: null });
  const { secret } = server.store.registry.create("project", { name: "app" });
  const answer = await (await hook(server, secret)).json();
  assertEquals([answer.pass, answer.items], [null, []]);
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
