/**
 * Probes, metrics, faults.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { METRICS_CONTENT_TYPE } from "../../src/telemetry/metrics.ts";
import { asProblemDetails } from "../../src/server/problem_details.ts";
import { PASS, type TempServer, tempServer } from "../harness/temp_server.ts";

Deno.test("/livez answers whatever is wrong elsewhere", async () => {
  await using server = await tempServer({ status: { ready: false, lastPass: null } });
  server.store.close();
  const response = await server.ask("/livez");
  assertEquals([response.status, await response.text()], [200, "ok\n"]);
});

Deno.test("/readyz is 503 until the first good pass, and when it is long ago", async () => {
  const at = async (server: TempServer) => {
    const response = await server.ask("/readyz");
    return [response.status, await response.json()];
  };
  {
    await using server = await tempServer();
    assertEquals(await at(server), [200, { ready: true }]);
  }
  {
    await using server = await tempServer({ status: { ready: false, lastPass: null } });
    assertEquals(await at(server), [503, { ready: false }]);
  }
  {
    await using server = await tempServer({ status: { ready: false } });
    assertEquals(await at(server), [503, { ready: false }]);
  }
});

Deno.test("/readyz?verbose lists the checks", async () => {
  await using server = await tempServer({ status: { ready: false, lastPass: PASS } });
  server.tick(90_500);
  for (const path of ["/readyz?verbose", "/readyz?verbose=1&ts=7"]) {
    const response = await server.ask(path);
    assertEquals([response.status, await response.json()], [503, {
      ready: false,
      checks: [
        { name: "store", ok: true, detail: "open" },
        { name: "first-pass", ok: true, detail: "done" },
        { name: "recent-pass", ok: false, detail: "last good pass 90.5 s ago" },
      ],
    }]);
  }
});

Deno.test("/readyz?verbose tells no time before zero after the clock was set back", async () => {
  await using server = await tempServer({ status: { lastPass: PASS } });
  server.tick(-3_600_000);
  const { checks } = await (await server.ask("/readyz?verbose")).json();
  assertEquals(checks.at(-1).detail, "last good pass 0.0 s ago");
});

Deno.test("/readyz is 503 when the store can't be read", async () => {
  await using server = await tempServer();
  server.store.close();
  const response = await server.ask("/readyz?verbose");
  assertEquals(response.status, 503);
  assertEquals((await response.json()).checks, [
    { name: "store", ok: false, detail: "can't be read" },
  ]);
});

Deno.test("/readyz reads no rows of the index, because everyone may ask it at any rate", async () => {
  await using server = await tempServer();
  const { Database } = await import("@db/sqlite");
  const other = new Database(server.store.path, { create: false });
  other.exec("DROP TABLE containers");
  other.close();
  const status = await server.ask("/api/status");
  const response = await server.ask("/readyz?verbose");
  assertEquals([status.status, response.status], [500, 200]);
  await Promise.all([status.body?.cancel(), response.body?.cancel()]);
});

Deno.test("/readyz does not mind a missing workload", async () => {
  await using server = await tempServer();
  server.store.registry.create("site", { name: "served-by-nothing" });
  const response = await server.ask("/readyz");
  assertEquals([response.status, await response.json()], [200, { ready: true }]);
});

Deno.test("/metrics counts requests by route pattern and status", async () => {
  await using server = await tempServer();
  const before = series(server.metrics.render());
  for (
    const [method, path] of [
      ["GET", "/api/containers/a"],
      ["GET", "/api/containers/b"],
      ["GET", "/api/containers"],
      ["HEAD", "/api/containers"],
      ["PUT", "/api/containers"],
      ["GET", "/api/containers?x=1"],
      ["GET", "/no/such/path"],
      ["GET", "/another"],
    ] as const
  ) {
    await (await server.ask(path, { method })).body?.cancel();
  }
  await (await fetch(`http://127.0.0.1:${server.port}/api/status`)).body?.cancel();
  const response = await server.ask("/metrics");
  assertEquals(response.headers.get("content-type"), METRICS_CONTENT_TYPE);
  const after = series(await response.text());
  const grown = [...after].filter(([name, value]) => value !== before.get(name) && value > 0)
    .map(([name, value]) => `${name} ${value}`);
  assertEquals(grown.sort(), [
    'route="/api/containers",code="200" 2',
    'route="/api/containers",code="405" 1',
    'route="/api/containers",code="422" 1',
    'route="/api/containers/{id}",code="404" 2',
    'route="/api/status",code="401" 1',
    'route="none",code="404" 2',
  ]);
  // Every route has its good answers from the start.
  assertEquals(before.get('route="/api/reconcile",code="200"'), 0);
});

Deno.test("a fault is answered 500 without its message, and logged with it", async () => {
  await using server = await tempServer({
    status: {
      get lastPass(): never {
        throw new TypeError("something private");
      },
    },
  });
  const response = await server.ask("/api/status");
  const problem = await response.json();
  assertEquals([response.status, problem.code], [500, "internal"]);
  assertEquals(problem.detail, "Cannot answer: an error that should not happen");
  const line = server.logged.find((line) => line.includes("request failed"))!;
  assertStringIncludes(line, '"route":"/api/status"');
  assertStringIncludes(line, "something private");
});

Deno.test("POST /api/engine/accept answers with the Engine that waited, and asks for a pass", async () => {
  await using server = await tempServer();
  const accept = async () => await (await server.send("POST", "/api/engine/accept")).json();
  assertEquals(await accept(), { engineId: null });
  server.store.hosts.recordEngine({ accepted: "OLD", found: "NEW" });
  assertEquals(await accept(), { engineId: "NEW" });
  assertEquals(server.store.hosts.local().engineId, "NEW");
  assertEquals(server.passesRequested, 2);
});

Deno.test("GET /api/workloads counts what serves each, and lists who is served by nothing", async () => {
  await using server = await tempServer();
  const { entry } = server.store.registry.create("project", { name: "app" });
  server.store.registry.create("site", { name: "blog" });
  server.store.deployed.saveDeployedContainer({ id: "a", workloadId: entry.workloadId });
  const { items } = await (await server.ask("/api/workloads")).json();
  const counts = items.map((w: Record<string, unknown>) =>
    [w.name, w.running, w.stopped, w.missing, w.total].join(" ")
  );
  assertEquals(counts, ["app 0 0 0 1", "blog 0 0 0 0"]);
});

Deno.test("what the store can't do now is told with its status, and undone", async () => {
  await using server = await tempServer();
  server.store.setBusyTimeout(10);
  const { Database } = await import("@db/sqlite");
  const other = new Database(server.store.path, { create: false });
  try {
    other.exec("BEGIN IMMEDIATE");
    const response = await server.send("POST", "/api/sites", { name: "blog" });
    const problem = await response.json();
    assertEquals([response.status, problem.code], [503, "busy"]);
    assertMatch(problem.detail, /^Cannot add site "blog": /);
    assert(problem.hint.length > 0);
    assertEquals((await (await server.ask("/api/sites")).json()).items, []);
    other.exec("ROLLBACK");
    const again = await server.send("POST", "/api/sites", { name: "blog" });
    assertEquals(again.status, 201);
    await again.body?.cancel();
  } finally {
    other.close();
  }
});

Deno.test("asProblemDetails() tells what SQLite throws while reading as the store's failure", async () => {
  await using server = await tempServer();
  const path = `${server.dir}/other.db`;
  await Deno.writeTextFile(path, "hello, I am a text file, not SQLite\n".repeat(200));
  const { Database } = await import("@db/sqlite");
  const db = new Database(path);
  try {
    const thrown = assertThrows(() => db.prepare("SELECT count(*) FROM t").value());
    const { code, message, hint, cause } = asProblemDetails(thrown);
    assertEquals([code, cause], ["corrupt", thrown]);
    assertEquals(message, "Cannot read the index: the file is not a SQLite database");
    assert(hint.length > 0);
  } finally {
    db.close();
  }
});

function series(text: string): Map<string, number> {
  const lines = text.matchAll(/^tinyforge_http_requests_total\{(.*)\} (\d+)$/gm);
  return new Map([...lines].map(([, labels, value]) => [labels!, Number(value)]));
}
