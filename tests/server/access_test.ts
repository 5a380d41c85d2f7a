/**
 * Who is let in over TCP, and that the socket asks nothing.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { checkHost } from "../../src/server/access.ts";
import { ROUTES } from "../../src/server/routes.ts";
import { exchange } from "../harness/raw_http.ts";
import { fixedToken, tempServer, TOKEN } from "../harness/temp_server.ts";

/** Needs no token over TCP: probes; hooks and logins, which carry a secret of their own. */
const OPEN = [
  "get /livez",
  "get /readyz",
  "get /openapi.json",
  "post /hooks",
  "post /hooks/{secret}",
  "post /hooks/workloads/{id}",
  "post /api/session",
];

Deno.test("TCP refuses every route but probes, hooks and logins without the token", async () => {
  await using server = await tempServer();
  const before = server.store.version();
  for (const [method, path] of ROUTES) {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      method: method.toUpperCase(),
    });
    const body = await response.text();
    const route = `${method} ${path}`;
    assertEquals([route, response.status === 401], [route, !OPEN.includes(route)]);
    if (response.status !== 401) continue;
    assertEquals(JSON.parse(body).code, "unauthorized");
    assertStringIncludes(response.headers.get("www-authenticate")!, "Bearer");
  }
  assertEquals(server.store.version(), before);
});

Deno.test("TCP refuses what is not quite the token, and says nothing of paths without it", async () => {
  await using server = await tempServer();
  for (
    const authorization of [
      "Bearer ",
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(1)}`,
      `Bearer ${TOKEN.toUpperCase()}`,
      `Basic ${TOKEN}`,
      TOKEN,
      `Bearer ${TOKEN} ${TOKEN}`,
      "Bearer ÿ",
    ]
  ) {
    for (const path of ["/api/status", "/no/such/path", "/api/containers/x/y/z"]) {
      const response = await server.askTcp(path, { headers: { authorization } });
      assertEquals([authorization, path, response.status], [authorization, path, 401]);
      await response.body?.cancel();
    }
  }
});

Deno.test("TCP takes the token whatever the case of its scheme", async () => {
  await using server = await tempServer();
  for (const scheme of ["Bearer", "bearer", "BEARER"]) {
    const headers = { authorization: `${scheme} ${TOKEN}` };
    const response = await server.askTcp("/api/status", { headers });
    assertEquals(response.status, 200);
    await response.body?.cancel();
  }
});

Deno.test("the token for metrics opens /metrics and nothing else", async () => {
  const metrics = "metrics-token-0123456789abcdefghijklmnopqrstuv";
  await using server = await tempServer({ serve: { metricsToken: fixedToken(metrics) } });
  const before = server.store.version();
  for (const [method, path] of ROUTES) {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      method: method.toUpperCase(),
      headers: { authorization: `Bearer ${metrics}` },
    });
    await response.body?.cancel();
    const route = `${method} ${path}`;
    const open = path === "/metrics" || OPEN.includes(route);
    assertEquals([route, response.status === 403], [route, !open]);
    if (path === "/metrics") assertEquals(response.status, 200);
  }
  assertEquals(server.store.version(), before);
  const whole = await server.askTcp("/metrics");
  await whole.body?.cancel();
  assertEquals(whole.status, 200);
});

Deno.test("TCP refuses a host that is not on the list, with the token and without", async () => {
  await using server = await tempServer({ allowedHosts: ["localhost", "127.0.0.1", "::1"] });
  for (
    const [host, status] of [
      ["localhost", 200],
      ["LOCALHOST:80", 200],
      ["localhost.:80", 200],
      ["127.0.0.1:9", 200],
      ["[::1]:9", 200],
      ["evil.example", 403],
      ["localhost.evil.example", 403],
      ["evil.localhost", 403],
      ["evillocalhost", 403],
      ["localhos", 403],
      ["1127.0.0.1", 403],
      ["127.0.0.11", 403],
      ["localhost:80:80", 403],
      ["localhost@evil.example", 403],
      ["evil.example/localhost", 403],
      ["", 403],
    ] as const
  ) {
    const answer = await exchange(
      server.port,
      `GET /api/status HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${TOKEN}\r\n` +
        "Connection: close\r\n\r\n",
    );
    assertEquals([host, answer.status], [host, status]);
    if (status === 403) assertEquals(JSON.parse(answer.body).code, "forbidden-host");
  }
  const probe = await exchange(
    server.port,
    "GET /livez HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
  );
  assertEquals(probe.status, 403);
});

Deno.test("checkHost() reads the authority where there is no Host header", () => {
  const rules = { token: TOKEN, metricsToken: null, allowedHosts: new Set(["localhost"]) };
  checkHost(new Request("http://localhost:7475/livez"), rules);
  try {
    checkHost(new Request("http://evil.example:7475/livez"), rules);
  } catch (error) {
    return assertEquals((error as { code: string }).code, "forbidden-host");
  }
  throw new Error("evil.example was let in");
});

Deno.test("TCP refuses what another site wants changed, and changes nothing", async () => {
  await using server = await tempServer();
  const host = `127.0.0.1:${server.port}`;
  const before = server.store.version();
  for (
    const headers of [
      { origin: "https://evil.example" },
      { origin: "null" },
      { origin: `http://127.0.0.1:${server.port + 1}` },
      { origin: `ftp://${host}` },
      { origin: `http://${host}.evil.example` },
      { origin: `http://${host}1` },
      { origin: `http://${host.slice(0, -1)}` },
      { origin: `http://evil${host}` },
      { origin: "http://127.0.0.1" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { origin: `http://${host}`, "sec-fetch-site": "cross-site" },
    ]
  ) {
    for (const [method, path] of [["POST", "/api/projects"], ["DELETE", "/api/sites/x"]] as const) {
      const answer = await exchange(server.port, head(method, path, { host, ...headers }));
      assertEquals([headers, answer.status], [headers, 403]);
      assertEquals(JSON.parse(answer.body).code, "forbidden-origin");
    }
  }
  assertEquals(server.store.version(), before);
});

Deno.test("TCP lets its own site change things, and any site read without being told", async () => {
  await using server = await tempServer();
  const host = `127.0.0.1:${server.port}`;
  for (
    const headers of [
      { origin: `http://${host}` },
      { origin: `https://${host}` },
      { "sec-fetch-site": "same-origin" },
      { "sec-fetch-site": "none" },
    ]
  ) {
    const answer = await exchange(
      server.port,
      head("POST", "/api/reconcile", { host, ...headers }),
    );
    assertEquals([headers, answer.status], [headers, 200]);
  }
  const foreign = { host, origin: "https://evil.example", "sec-fetch-site": "cross-site" };
  const read = await exchange(server.port, head("GET", "/api/status", foreign));
  assertEquals(read.status, 200);
  assert(!/access-control/i.test(read.head));
  const preflight = await exchange(server.port, head("OPTIONS", "/api/projects", foreign));
  assertEquals(preflight.status, 405);
  assert(!/access-control/i.test(preflight.head));
});

Deno.test("the socket asks for no token, host or origin", async () => {
  await using server = await tempServer();
  const response = await server.ask("/api/projects", {
    method: "POST",
    headers: { "content-type": "application/json", origin: "https://evil.example" },
    body: JSON.stringify({ name: "app" }),
  });
  assertEquals(response.status, 201);
  await response.body?.cancel();
});

Deno.test("every answer forbids sniffing, framing and keeping", async () => {
  await using server = await tempServer();
  for (const path of ["/livez", "/metrics", "/api/projects", "/nowhere"]) {
    const { headers, body } = await server.ask(path);
    await body?.cancel();
    assertEquals(headers.get("x-content-type-options"), "nosniff");
    assertStringIncludes(headers.get("content-security-policy")!, "default-src 'none'");
    assertEquals(headers.get("cross-origin-resource-policy"), "same-origin");
    assertStringIncludes(headers.get("cache-control")!, "no-store");
  }
});

function head(method: string, path: string, headers: Record<string, string>): string {
  const all = { ...headers, authorization: `Bearer ${TOKEN}`, connection: "close" };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `${method} ${path} HTTP/1.1\r\n${lines}\r\n`;
}
