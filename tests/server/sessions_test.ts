/**
 * How a browser logs in and out, and everything that must not get it in.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { sessionCookie, sessionSecret } from "../../src/server/cookie.ts";
import { LoginCodes } from "../../src/server/login_codes.ts";
import { LoginLimit } from "../../src/server/login_limit.ts";
import type { Principal } from "../../src/server/credentials.ts";
import { fixedToken, type TempServer, tempServer, TOKEN } from "../harness/temp_server.ts";
import { until } from "../harness/until.ts";

/** A browser: keeps its cookie and tells where its pages come from. */
class Browser {
  cookie: string | null = null;
  setCookie: string | null = null;
  readonly #server: TempServer;

  constructor(server: TempServer) {
    this.#server = server;
  }

  async ask(
    method: string,
    path: string,
    { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
  ) {
    const origin = `http://127.0.0.1:${this.#server.port}`;
    const response = await fetch(`${origin}${path}`, {
      method,
      headers: {
        ...(this.cookie !== null && { cookie: this.cookie }),
        ...(method !== "GET" && { origin, "sec-fetch-site": "same-origin" }),
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    this.setCookie = response.headers.get("set-cookie");
    if (this.setCookie !== null) this.cookie = this.setCookie.split(";")[0]!;
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      json: text === "" ? null : JSON.parse(text),
    };
  }

  logIn(body: unknown) {
    return this.ask("POST", "/api/session", { body });
  }
}

async function link(server: TempServer): Promise<string> {
  const response = await server.send("POST", "/api/session/codes");
  const { code, url } = await response.json();
  assertEquals(url, `http://127.0.0.1:7475/#code=${code}`);
  return code;
}

Deno.test("a link's code logs a browser in for thirty days, by a cookie that no script reads", async () => {
  await using server = await tempServer();
  const browser = new Browser(server);
  const code = await link(server);
  const { status, json } = await browser.logIn({ code });
  assertEquals([status, json.role, json.current], [201, "admin", true]);
  assertMatch(
    browser.setCookie!,
    new RegExp(
      `^tinyforge_${server.port}=[A-Za-z0-9_-]{43}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict$`,
    ),
  );
  assertEquals((await browser.ask("GET", "/api/containers")).status, 200);
  const me = (await browser.ask("GET", "/api/session")).json;
  assertEquals([me.via, me.role, me.session.id], ["session", "admin", json.id]);
  assertMatch(me.who, /\(uid \d+\)$/);
  server.tick(30 * 86_400_000 - 1);
  assertEquals((await browser.ask("GET", "/api/session")).status, 200);
  server.tick(1);
  assertEquals((await browser.ask("GET", "/api/session")).status, 401);
});

Deno.test("a code works once, also for two browsers at once", async () => {
  await using server = await tempServer();
  const code = await link(server);
  const tries = await Promise.all(
    Array.from({ length: 5 }, () => new Browser(server).logIn({ code })),
  );
  assertEquals(tries.map(({ status }) => status).sort(), [201, 401, 401, 401, 401]);
  assertEquals(server.store.sessions.list(0).length, 1);
});

Deno.test("a code is over after a minute, and when the clock was set back", async () => {
  await using server = await tempServer();
  for (const [milliseconds, status] of [[59_999, 201], [60_000, 401], [-1, 401]] as const) {
    const code = await link(server);
    server.tick(milliseconds);
    assertEquals([milliseconds, (await new Browser(server).logIn({ code })).status], [
      milliseconds,
      status,
    ]);
  }
});

Deno.test("guessing codes is answered 429 before long, and spoils no code", async () => {
  await using server = await tempServer({ failedLoginsPerMinute: 10 });
  const code = await link(server);
  const browser = new Browser(server);
  const seen: number[] = [];
  for (let i = 0; i < 15; i++) {
    const guess = code.slice(0, -1) + (code.endsWith("A") ? "B" : "A");
    const { status, headers } = await browser.logIn(i % 2 ? { code: guess } : { token: guess });
    seen.push(status);
    if (status === 429) assert(Number(headers.get("retry-after")) > 0);
  }
  assertEquals(seen, [...Array(10).fill(401), ...Array(5).fill(429)]);
  assertEquals(browser.cookie, null);
  assertEquals(server.store.sessions.list(0), []);
  const samples = server.metrics.render();
  assert(samples.includes('tinyforge_http_failed_logins_total{kind="login"} 15'), samples);
  // Whoever has the right one is not kept out by who has not.
  assertEquals((await browser.logIn({ code })).status, 201);
});

Deno.test("a stranger's login is read no further than a login can be long", async () => {
  await using server = await tempServer();
  const { status } = await new Browser(server).logIn({ token: "x".repeat(4000) });
  assertEquals(status, 401);
  const long = await new Browser(server).logIn({ token: "x".repeat(9000) });
  assertEquals([long.status, long.json.code], [413, "too-large"]);
  assertEquals(server.app.bytes.used, 0);
});

Deno.test("LoginLimit counts each address by itself, and holds no more than it has room for", () => {
  let now = 0;
  const limit = new LoginLimit(2, () => now);
  assertEquals([limit.fail("a"), limit.fail("a"), limit.fail("b")], [0, 0, 0]);
  assert(limit.fail("a") > 0);
  assertEquals(limit.fail("b"), 0);
  for (let i = 0; i < 300; i++) limit.fail(`c${i}`);
  // The last of them had to share.
  assert(limit.fail("d") > 0);
  now = 60_000;
  assertEquals(limit.fail("d"), 0);
  assertEquals(limit.fail("a"), 0);
});

Deno.test("LoginCodes keeps a few codes, none that its maker could not use any more", async () => {
  const maker = (isGood: boolean) => ({ isGood: () => isGood }) as Principal;
  const codes = new LoginCodes(() => 0);
  const first = codes.make(maker(true)).code;
  const last = Array.from({ length: 64 }, () => codes.make(maker(true)).code).at(-1)!;
  assertEquals(await codes.use(first), null);
  assertNotEquals(await codes.use(last), null);
  assertEquals(await codes.use(codes.make(maker(false)).code), null);
});

Deno.test("logging in gives another session than the one that was planted, and ends that", async () => {
  await using server = await tempServer();
  const attacker = new Browser(server);
  await attacker.logIn({ token: server.store.tokens.add(readToken("spy")).secret });
  const victim = new Browser(server);
  victim.cookie = attacker.cookie;
  await victim.logIn({ token: TOKEN });
  assertNotEquals(victim.cookie, attacker.cookie);
  assertEquals((await victim.ask("GET", "/api/session")).json.role, "admin");
  assertEquals((await attacker.ask("GET", "/api/session")).status, 401);
  // One that the server did not make is not taken over either.
  const own = `tinyforge_${server.port}=${"A".repeat(43)}`;
  victim.cookie = own;
  await victim.logIn({ token: TOKEN });
  assertNotEquals(victim.cookie, own);
});

Deno.test("a stolen cookie is worth nothing after the logout", async () => {
  await using server = await tempServer();
  const browser = new Browser(server);
  await browser.logIn({ token: TOKEN });
  const stolen = browser.cookie;
  assertEquals((await browser.ask("DELETE", "/api/session")).status, 204);
  assertMatch(
    browser.setCookie!,
    /^tinyforge_\d+=; Path=\/; Max-Age=0; HttpOnly; SameSite=Strict$/,
  );
  const thief = new Browser(server);
  thief.cookie = stolen;
  for (const path of ["/api/session", "/api/containers", "/api/events"]) {
    assertEquals([path, (await thief.ask("GET", path)).status], [path, 401]);
  }
  assertEquals((await thief.ask("POST", "/api/reconcile")).status, 401);
});

Deno.test("a session is as good as the token that opened it, for as long as that is", async () => {
  await using server = await tempServer();
  const { store } = server;
  const browser = new Browser(server);
  const { secret } = store.tokens.add({ name: "ci", role: "deploy", expiresAt: null });
  assertEquals((await browser.logIn({ token: secret })).json.role, "deploy");
  assertEquals((await browser.ask("POST", "/api/reconcile")).status, 200);
  assertEquals((await browser.ask("GET", "/api/tokens")).status, 403);
  store.tokens.remove("ci");
  assertEquals((await browser.ask("GET", "/api/session")).status, 401);

  const now = Date.parse(store.tokens.add(readToken("clock")).kept.createdAt);
  const { secret: brief } = store.tokens.add({
    ...readToken("brief"),
    expiresAt: now + 60_000,
  });
  assertEquals(
    Date.parse((await browser.logIn({ token: brief })).json.expiresAt),
    now + 60_000,
  );
  server.tick(60_000);
  assertEquals((await browser.ask("GET", "/api/session")).status, 401);
});

Deno.test("a session ends with the end that its token was given, and outlives its own for none", async () => {
  await using server = await tempServer();
  const { store } = server;
  const browser = new Browser(server);
  const { kept, secret } = store.tokens.add(readToken("ci"));
  const now = Date.parse(kept.createdAt);
  const renew = async (ms: number | null) => {
    const expiresAt = ms === null ? null : new Date(now + ms).toISOString();
    const answer = await server.send("PATCH", `/api/tokens/${kept.id}`, { expiresAt });
    assertEquals((await answer.json()).expiresAt, expiresAt);
  };
  await browser.logIn({ token: secret });
  await renew(60_000);
  await renew(null);
  const [{ expiresAt }] = (await (await server.ask("/api/sessions")).json()).items;
  assertEquals(Date.parse(expiresAt), now + 60_000);
  server.tick(60_000);
  assertEquals((await browser.ask("GET", "/api/session")).status, 401);
  assertEquals((await browser.logIn({ token: secret })).status, 201);
});

Deno.test("replacing the token in the file ends the sessions that were opened with it", async () => {
  let token = TOKEN;
  await using server = await tempServer({
    serve: {
      token: {
        get token() {
          return token;
        },
        refresh: () => Promise.resolve(),
      },
    },
  });
  const [byFile, byLink] = [new Browser(server), new Browser(server)];
  await byFile.logIn({ token: TOKEN });
  await byLink.logIn({ code: await link(server) });
  token = "another-token-0123456789abcdefghijklmnopqrstuv";
  assertEquals((await byFile.ask("GET", "/api/session")).status, 401);
  assertEquals((await byLink.ask("GET", "/api/session")).status, 200);
});

Deno.test("a token for metrics logs nobody in", async () => {
  const metrics = "metrics-token-0123456789abcdefghijklmnopqrstuv";
  await using server = await tempServer({ serve: { metricsToken: fixedToken(metrics) } });
  const { secret } = server.store.tokens.add({ name: "m", role: "metrics", expiresAt: null });
  for (const token of [metrics, secret]) {
    const { status, json } = await new Browser(server).logIn({ token });
    assertEquals([status, json.code], [403, "forbidden"]);
  }
});

Deno.test("a cookie changes nothing without an Origin, or with another page's", async () => {
  await using server = await tempServer();
  const browser = new Browser(server);
  await browser.logIn({ token: TOKEN });
  const before = server.store.version();
  const url = `http://127.0.0.1:${server.port}/api/projects`;
  const send = async (headers: Record<string, string>) => {
    const response = await fetch(url, {
      method: "POST",
      headers: { cookie: browser.cookie!, "content-type": "application/json", ...headers },
      body: JSON.stringify({ name: "forged" }),
    });
    return [response.status, (await response.json()).code];
  };
  for (
    const headers of [
      {},
      { origin: "null" },
      { origin: "https://evil.example" },
      { origin: `http://localhost:${server.port}` },
      { origin: `http://127.0.0.1:${server.port + 1}` },
      { "sec-fetch-site": "same-origin" },
    ] as Record<string, string>[]
  ) assertEquals([headers, ...await send(headers)], [headers, 403, "forbidden-origin"]);
  assertEquals(server.store.version(), before);
  const own = await send({ origin: `http://127.0.0.1:${server.port}` });
  assertEquals(own[0], 201);
});

Deno.test("another page can't log a browser in", async () => {
  await using server = await tempServer();
  const browser = new Browser(server);
  const code = await link(server);
  const forged = await browser.ask("POST", "/api/session", {
    body: { code },
    headers: { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
  });
  assertEquals([forged.status, browser.cookie], [403, null]);
  // A form can't say that what it sends is JSON.
  const form = await browser.ask("POST", "/api/session", {
    body: { code },
    headers: { "content-type": "text/plain" },
  });
  assertEquals([form.status, browser.cookie], [415, null]);
  assertEquals((await browser.logIn({ code })).status, 201);
});

Deno.test("ending a session ends its live feeds at once, and no other's", async () => {
  await using server = await tempServer();
  const [ended, stays] = [new Browser(server), new Browser(server)];
  const { json: { id } } = await ended.logIn({ token: TOKEN });
  await stays.logIn({ token: TOKEN });
  const feed = async (browser: Browser) => {
    const response = await fetch(`http://127.0.0.1:${server.port}/api/events`, {
      headers: { cookie: browser.cookie! },
    });
    const reader = response.body!.getReader();
    await reader.read();
    return reader;
  };
  const [over, open] = [await feed(ended), await feed(stays)];
  await until("both feeds are open", () => server.feed.subscribers === 2);
  assertEquals((await stays.ask("DELETE", `/api/sessions/${id}`)).status, 204);
  while (!(await over.read()).done);
  assertEquals(server.feed.subscribers, 1);
  assertEquals((await ended.ask("GET", "/api/events")).status, 401);
  await open.cancel();
});

Deno.test("removing a token ends the feeds that it opened", async () => {
  await using server = await tempServer();
  const { kept, secret } = server.store.tokens.add(readToken("reader"));
  const response = await fetch(`http://127.0.0.1:${server.port}/api/events`, {
    headers: { authorization: `Bearer ${secret}` },
  });
  const reader = response.body!.getReader();
  await reader.read();
  await (await server.send("DELETE", `/api/tokens/${kept.id}`)).body?.cancel();
  while (!(await reader.read()).done);
});

Deno.test("a feed ends with the session that ran out, at the next sign of life", async () => {
  await using server = await tempServer({ keepaliveMs: 20 });
  const browser = new Browser(server);
  await browser.logIn({ token: TOKEN });
  const response = await fetch(`http://127.0.0.1:${server.port}/api/events`, {
    headers: { cookie: browser.cookie! },
  });
  const reader = response.body!.getReader();
  await reader.read();
  server.tick(31 * 86_400_000);
  while (!(await reader.read()).done);
});

Deno.test("sessions are listed with where they come from, and say nothing that opens one", async () => {
  await using server = await tempServer();
  const [one, two] = [new Browser(server), new Browser(server)];
  await one.logIn({ token: TOKEN });
  await two.ask("POST", "/api/session", {
    body: { token: server.store.tokens.add(readToken("laptop")).secret },
    headers: { "user-agent": `Firefox ${"x".repeat(500)}` },
  });
  const { json } = await one.ask("GET", "/api/sessions");
  assertEquals(
    json.items.map((each: Record<string, unknown>) => [
      each["name"],
      each["role"],
      each["remote"],
      each["current"],
      (each["userAgent"] as string).length <= 256,
    ]).sort(),
    [["laptop", "read", "127.0.0.1", false, true], [
      "token file",
      "admin",
      "127.0.0.1",
      true,
      true,
    ]],
  );
  const text = JSON.stringify(json);
  for (const { cookie } of [one, two]) assert(!text.includes(cookie!.split("=")[1]!));
});

Deno.test("the socket opens no session, and over it a cookie counts for nothing", async () => {
  await using server = await tempServer();
  const response = await server.send("POST", "/api/session", { token: TOKEN });
  assertEquals([response.status, (await response.json()).code], [409, "conflict"]);
  const me = await (await server.ask("/api/session", {
    headers: { cookie: `tinyforge_${server.port}=${"A".repeat(43)}` },
  })).json();
  assertEquals([me.via, me.role, me.session], ["socket", "admin", null]);
});

Deno.test("sessionCookie() binds the cookie to this host where TLS is spoken, here or by a proxy", () => {
  const cookie = (origin: string | null, secure: boolean, base: string | null, host = "h:1") =>
    sessionCookie("s", { headers: new Headers({ host, ...(origin !== null && { origin }) }) }, {
      secure,
      baseUrl: base === null ? null : new URL(base),
    }).replace("; Max-Age=2592000; HttpOnly; SameSite=Strict", "");
  assertEquals(cookie("http://h:1", false, null), "tinyforge_1=s; Path=/");
  assertEquals(cookie("http://h", false, null, "h"), "tinyforge_80=s; Path=/");
  assertEquals(cookie("https://h:1", true, null), "__Host-tinyforge=s; Path=/; Secure");
  assertEquals(cookie("https://h", false, "https://h/", "h"), "__Host-tinyforge=s; Path=/; Secure");
  assertEquals(
    cookie("https://h", false, "https://h/ops/", "127.0.0.1:7475"),
    "__Secure-tinyforge=s; Path=/ops; Secure",
  );
  // Through a tunnel, past the proxy.
  assertEquals(
    cookie("http://localhost:9", false, "https://h/", "localhost:9"),
    "tinyforge_9=s; Path=/",
  );
});

Deno.test("sessionSecret() takes no cookie that another host or page could have planted", () => {
  const read = (cookie: string, secure: boolean, base: string | null = null, host = "h:1") =>
    sessionSecret(new Request("http://localhost/", { headers: { cookie, host } }), {
      secure,
      baseUrl: base === null ? null : new URL(base),
    });
  assertEquals(read("a=b; tinyforge_1=x", false), "x");
  assertEquals(read("tinyforge_2=x", false), null);
  assertEquals(read("xtinyforge_1=x", false), null);
  assertEquals(read("tinyforge_1=x; tinyforge_1=y", false), null);
  assertEquals(read("tinyforge_1=x", true), null);
  assertEquals(read("tinyforge_1=x; __Host-tinyforge=y", true), "y");
  assertEquals(read("tinyforge_80=x", false, "https://h/", "h"), null);
  assertEquals(read("__Secure-tinyforge=y", false, "https://h/ops", "127.0.0.1:1"), "y");
});

function readToken(name: string) {
  return { name, role: "read", expiresAt: null } as const;
}
