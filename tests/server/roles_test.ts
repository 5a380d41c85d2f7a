/**
 * Every route with every role: who may, and that who may not changes nothing.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { mayDo, type Role, ROLES } from "../../src/model/role.ts";
import { ROUTES } from "../../src/server/routes.ts";
import { HEALTHY } from "../../src/store/channels.ts";
import { fixedToken, type TempServer, tempServer, TOKEN } from "../harness/temp_server.ts";

/** What each role may besides what the one before it may; beyond it, nothing. */
const TABLE: Readonly<Record<"open" | Role, readonly string[]>> = {
  open: [
    "GET /livez",
    "GET /readyz",
    "GET /openapi.json",
    "POST /api/session",
    "POST /hooks",
    "POST /hooks/{secret}",
    "POST /hooks/workloads/{id}",
  ],
  metrics: ["GET /metrics"],
  // Every other GET, and to log out.
  read: ["DELETE /api/session"],
  deploy: [
    "POST /api/containers",
    "POST /api/containers/batch",
    "PUT /api/containers/{id}",
    "PATCH /api/containers/{id}",
    "DELETE /api/containers/{id}",
    "PATCH /api/instances/{project}/{stage}/{id}",
    "DELETE /api/instances/{project}/{stage}/{id}",
    "GET /api/workloads/{id}/secret",
    "POST /api/reconcile",
  ],
  // Whatever else changes something, and who has access.
  admin: ["GET /api/tokens", "GET /api/sessions", "GET /api/audit"],
};

function expected(method: string, path: string): "open" | Role {
  const route = `${method.toUpperCase()} ${path}`;
  const told = (["open", ...ROLES] as const).find((role) => TABLE[role].includes(route));
  return told ?? (method === "get" ? "read" : "admin");
}

Deno.test("ROUTES says of each route who may use it", () => {
  assertEquals(
    ROUTES.map(([method, path, needed]) => [method, path, needed]),
    ROUTES.map(([method, path]) => [method, path, expected(method, path)]),
  );
});

for (const by of ["token", "session"] as const) {
  for (const role of ROLES) {
    if (by === "session" && role === "metrics") continue;
    Deno.test(`a ${by} with the role ${role} opens what that role may, and nothing else`, async () => {
      await using server = await tempServer();
      const headers = by === "token" ? bearer(tokenOf(server, role)) : session(server, role);
      for (const [method, path] of ROUTES) {
        // Ends who asks.
        if (method === "delete" && path === "/api/session") continue;
        const needed = expected(method, path);
        const may = needed === "open" || mayDo(role, needed);
        const before = server.store.version();
        const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
          method: method.toUpperCase(),
          headers,
        });
        const [status, code] = [response.status, await codeOf(response)];
        const route = `${method} ${path}`;
        if (may) {
          assert(
            status !== 403 && (status !== 401 || path === "/api/session"),
            `${route} ${status}`,
          );
          continue;
        }
        assertEquals([route, status, code], [route, 403, "forbidden"]);
        assertEquals(server.store.version(), before, `${route} changed something`);
      }
    });
  }
}

Deno.test("a token's role goes for HEAD as for GET, and for paths and methods that there are none of", async () => {
  await using server = await tempServer();
  const ask = async (role: Role, method: string, path: string) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      method,
      headers: bearer(tokenOf(server, role)),
    });
    await response.body?.cancel();
    return response.status;
  };
  assertEquals(await ask("metrics", "HEAD", "/metrics"), 200);
  assertEquals(await ask("metrics", "HEAD", "/api/containers"), 403);
  assertEquals(await ask("read", "HEAD", "/api/tokens"), 403);
  assertEquals(await ask("read", "PUT", "/api/tokens"), 403);
  assertEquals(await ask("read", "PUT", "/api/containers"), 405);
});

Deno.test("a refused role says which one is needed", async () => {
  await using server = await tempServer();
  const response = await fetch(`http://127.0.0.1:${server.port}/api/reconcile`, {
    method: "POST",
    headers: bearer(tokenOf(server, "read")),
  });
  const { code, data, hint } = await response.json();
  assertEquals([code, data.needs, hint.includes("deploy")], ["forbidden", "deploy", true]);
});

Deno.test("a read token finds no webhook secret, channel's address or token anywhere", async () => {
  await using server = await tempServer();
  const { secret } = server.store.registry.create("project", { name: "app" });
  const token = tokenOf(server, "read");
  const other = tokenOf(server, "admin");
  const { secret: held } = openSession(server, "admin");
  server.store.channels.add({
    id: "c",
    name: "ops",
    type: "webhook",
    config: { origin: "https://hooks.example", url: "https://hooks.example/T0P-SECRET" },
    fallbackId: null,
  }, { workloads: null, kinds: null, minSeverity: "high", remindAfterMs: null });
  let read = 0;
  for (const [method, path, needed] of ROUTES) {
    if (method !== "get" || path === "/api/events") continue;
    if (needed !== "open" && !mayDo("read", needed)) continue;
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      headers: bearer(token),
    });
    const text = await response.text();
    if (response.ok) read++;
    for (const hidden of [secret, other, held, TOKEN, "T0P-SECRET"]) {
      assert(!text.includes(hidden), `${path} tells ${hidden}`);
    }
  }
  assert(read > 15, `only ${read} routes answered`);
});

Deno.test("a token that is removed or over opens nothing, and neither does half of one", async () => {
  await using server = await tempServer();
  const { store } = server;
  const now = Date.parse(
    store.tokens.add({ name: "x", role: "read", expiresAt: null }).kept.createdAt,
  );
  const { secret } = store.tokens.add({ name: "short", role: "admin", expiresAt: now + 60_000 });
  const status = async (token: string) => {
    const response = await fetch(`http://127.0.0.1:${server.port}/api/containers`, {
      headers: bearer(token),
    });
    await response.body?.cancel();
    return response.status;
  };
  assertEquals(await status(secret), 200);
  for (const wrong of [secret.slice(1), `${secret}x`, secret.toLowerCase(), "%", "' OR 1=1 --"]) {
    assertEquals([wrong, await status(wrong)], [wrong, 401]);
  }
  server.tick(60_000);
  assertEquals(await status(secret), 401);
  const { secret: removed } = store.tokens.add({ name: "gone", role: "admin", expiresAt: null });
  assertEquals(await status(removed), 200);
  store.tokens.remove("gone");
  assertEquals(await status(removed), 401);
});

Deno.test("a token is renewed while it opens things, and one that is over or gone stays so", async () => {
  await using server = await tempServer();
  const { store } = server;
  const now = Date.parse(
    store.tokens.add({ name: "x", role: "read", expiresAt: null }).kept.createdAt,
  );
  const { secret } = store.tokens.add({ name: "ci", role: "read", expiresAt: now + 60_000 });
  const opens = async () => {
    const response = await fetch(`http://127.0.0.1:${server.port}/api/containers`, {
      headers: bearer(secret),
    });
    await response.body?.cancel();
    return response.status === 200;
  };
  const renew = async (seconds: number | null) => {
    const expiresAt = seconds === null ? null : new Date(now + seconds * 1000).toISOString();
    const answer = await server.send("PATCH", "/api/tokens/ci", { expiresAt });
    const { detail, hint, ...token } = await answer.json();
    return { status: answer.status, told: `${detail} ${hint}`, token };
  };
  const { status, token } = await renew(120);
  assertEquals([status, token.name, token.role], [200, "ci", "read"]);
  assertEquals(Date.parse(token.expiresAt), now + 120_000);
  const [entry] = store.audit.newest({ before: null, limit: 1 });
  assertEquals(
    [entry!.action, entry!.path, entry!.details["expiresAt"]],
    ["PATCH /api/tokens/{id}", "/api/tokens/ci", token.expiresAt],
  );
  server.tick(60_000);
  assert(await opens(), "its end was moved");
  // Without an end, then with one that is nearer.
  assertEquals((await renew(null)).token.expiresAt, null);
  assertEquals((await renew(90)).status, 200);
  assertEquals((await renew(59)).status, 422, "it would be over");
  assert(await opens());

  server.tick(30_000);
  assert(!await opens());
  const over = await renew(1000);
  assertEquals(over.status, 422);
  assertStringIncludes(over.told, "it is over since");
  assertStringIncludes(over.told, "make another with POST /api/tokens");
  assertEquals((await renew(null)).status, 422);
  store.tokens.remove("ci");
  assertEquals((await renew(1000)).status, 404);
  assert(!await opens());
});

Deno.test("the database holds no token, and finds one by an index", async () => {
  await using server = await tempServer();
  const secret = tokenOf(server, "read");
  const { secret: held } = openSession(server, "read");
  const bytes = new TextDecoder("latin1").decode(await Deno.readFile(server.store.path)) +
    new TextDecoder("latin1").decode(await Deno.readFile(`${server.store.path}-wal`));
  assert(bytes.includes("token-read"), "the files were not read");
  assert(!bytes.includes(secret) && !bytes.includes(held));
  const { Database } = await import("@db/sqlite");
  const db = new Database(server.store.path, { readonly: true });
  for (const table of ["tokens", "sessions"]) {
    const plan = db.prepare(`EXPLAIN QUERY PLAN SELECT id FROM ${table} WHERE hash = 'x'`).all();
    assert(/USING (?:COVERING )?INDEX/.test(JSON.stringify(plan)), JSON.stringify(plan));
  }
  db.close();
});

Deno.test("the metrics token of a file opens /metrics for Prometheus, as one of the table does", async () => {
  const file = "metrics-token-0123456789abcdefghijklmnopqrstuv";
  await using server = await tempServer({ serve: { metricsToken: fixedToken(file) } });
  for (const token of [file, tokenOf(server, "metrics")]) {
    // As Prometheus asks.
    const response = await fetch(`http://127.0.0.1:${server.port}/metrics`, {
      headers: {
        ...bearer(token),
        accept: "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5",
        "x-prometheus-scrape-timeout-seconds": "10",
      },
    });
    assertEquals(response.status, 200);
    assert((await response.text()).includes("tinyforge_build_info"));
  }
});

function tokenOf({ store }: TempServer, role: Role): string {
  const name = `token-${role}`;
  if (store.tokens.find(name) !== undefined) store.tokens.remove(name);
  return store.tokens.add({ name, role, expiresAt: null }).secret;
}

function openSession({ store }: TempServer, role: Exclude<Role, "metrics">) {
  return store.sessions.open({
    ...{ tokenId: null, fileHash: null, name: "somebody", role, remote: null, userAgent: "" },
    expiresAt: Date.parse("2999-01-01"),
  }, { now: 0 });
}

function session(server: TempServer, role: Role): Record<string, string> {
  assert(role !== "metrics");
  return {
    cookie: `tinyforge_${server.port}=${openSession(server, role).secret}`,
    origin: `http://127.0.0.1:${server.port}`,
  };
}

function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

async function codeOf(response: Response): Promise<string | null> {
  if (response.headers.get("content-type") !== "application/problem+json") {
    await response.body?.cancel();
    return null;
  }
  return (await response.json()).code;
}

Deno.test("what a receiver answered is an admin's to see, and nobody else's", async () => {
  await using server = await tempServer();
  const { store } = server;
  const channel = { id: "ops", name: "ops", type: "webhook", config: {}, fallbackId: null };
  const rule = { workloads: null, kinds: null, minSeverity: "high", remindAfterMs: null } as const;
  store.channels.add(channel, rule);
  const at = Date.now();
  const answers = [[401, "s3cret page"], [null, 'Cannot resolve "host.test"']] as const;
  for (const [i, [status, answer]] of answers.entries()) {
    const deliveries = [{ channelId: "ops", queuedAt: at }];
    const notice = { id: `msg_${i}`, kind: "test", content: "{}", subject: null, at, deliveries };
    store.notices.write({ lookedAt: at, notices: [notice] });
    const { seq } = store.notices.due("ops", at)!;
    const recorded = { seq, channelId: "ops", status, answer, nextAt: at, endedAt: at };
    const health = { ...HEALTHY, state: "broken" as const, since: at, reason: `401 ${answer}` };
    store.notices.record(store.channels, { ...recorded, state: "dead" }, health);
  }
  store.channels.setHealth("ops", {
    ...{ ...HEALTHY, state: "broken", since: at, reason: "401 s3cret page" },
  });
  const paths = ["/api/channels", "/api/deliveries", "/api/doctor"];
  for (const role of ["read", "deploy", "admin"] as const) {
    const headers = bearer(tokenOf(server, role));
    const shown = await Promise.all(paths.map(async (path) => {
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { headers });
      return await response.text();
    }));
    const isAdmin = role === "admin";
    assertEquals(shown.map((text) => text.includes("s3cret")), [isAdmin, isAdmin, isAdmin], role);
    // What is no answer, and the status of one, everyone sees.
    for (const text of shown) assert(text.includes("401"), text);
    assert(shown[1]!.includes("Cannot resolve"), shown[1]);
  }
});
