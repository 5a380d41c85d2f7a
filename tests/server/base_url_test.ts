/**
 * Behind a proxy of real HTTP that stands before us under a name and a path of its own, whether it
 * takes the path out or leaves it in, keeps the Host or not.
 *
 * @module
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { isOwnOrigin, seenThrough, TRUSTED } from "../../src/server/access.ts";
import type { Asset } from "../../src/server/pages.ts";
import { type TempServer, tempServer, TOKEN } from "../harness/temp_server.ts";

const BASE = "https://ops.example/tinyforge";

const ASSETS: ReadonlyMap<string, Asset> = new Map([["/index.html", {
  type: "text/html; charset=utf-8",
  body: new TextEncoder().encode('<script src="__BASE__/app.js"></script>'),
  immutable: false,
}], ["/app.js", {
  type: "text/javascript",
  body: new TextEncoder().encode("app"),
  immutable: true,
}]]);

/** What a proxy can do to a request. */
interface Manners {
  readonly strips: boolean;
  readonly keepsHost: boolean;
}

/** A proxy before `port`; TLS aside, which it would end. */
async function proxyTo(port: number, { strips, keepsHost }: Manners) {
  const server = createServer((incoming: IncomingMessage, outgoing: ServerResponse) => {
    const path = incoming.url!;
    if (!path.startsWith("/tinyforge")) return void outgoing.writeHead(404).end("another app's");
    const sent = request({
      host: "127.0.0.1",
      port,
      method: incoming.method!,
      path: strips ? path.slice("/tinyforge".length) || "/" : path,
      headers: {
        ...incoming.headers,
        host: keepsHost ? incoming.headers.host! : `127.0.0.1:${port}`,
        "x-forwarded-for": "203.0.113.7",
        "x-forwarded-proto": "https",
      },
    }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(sent);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address() as { port: number };
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** As a browser asks for what is at `https://ops.example`. */
async function browse(
  proxy: number,
  method: string,
  path: string,
  { headers = {}, body }: { headers?: Record<string, string>; body?: unknown } = {},
) {
  const answer = await new Promise<{ status: number; headers: Headers; text: string }>(
    (resolve, reject) => {
      const sent = request({
        ...{ host: "127.0.0.1", port: proxy, method, path, agent: false },
        headers: {
          host: "ops.example",
          ...(method !== "GET" && { origin: "https://ops.example" }),
          ...(body !== undefined && { "content-type": "application/json" }),
          ...headers,
        },
      }, async (answer) => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of answer) chunks.push(chunk);
        const text = new TextDecoder().decode(
          await new Blob(chunks as Uint8Array<ArrayBuffer>[]).bytes(),
        );
        const headers = new Headers();
        for (const [name, value] of Object.entries(answer.headers)) {
          headers.set(name, String(value));
        }
        resolve({ status: answer.statusCode!, headers, text });
      });
      sent.on("error", reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    },
  );
  return answer;
}

function behind(): Promise<TempServer> {
  return tempServer({
    config: { baseUrl: BASE },
    allowedHosts: ["localhost", "127.0.0.1", "::1", "ops.example"],
    assets: () => Promise.resolve(ASSETS),
  });
}

for (
  const manners of [
    { strips: true, keepsHost: true },
    { strips: false, keepsHost: true },
    { strips: true, keepsHost: false },
    { strips: false, keepsHost: false },
  ]
) {
  const how = `that ${manners.strips ? "takes the path out" : "leaves the path in"} and ` +
    `${manners.keepsHost ? "keeps" : "replaces"} the Host`;

  Deno.test(`behind a proxy ${how}, a browser logs in, reads, changes, logs out`, async () => {
    await using server = await behind();
    await using proxy = await proxyTo(server.port, manners);
    const html = { headers: { accept: "text/html" } };
    for (const path of ["/tinyforge", "/tinyforge/", "/tinyforge/containers?kind=site"]) {
      const page = await browse(proxy.port, "GET", path, html);
      assertEquals([path, page.status], [path, 200]);
      assertStringIncludes(page.text, 'src="/tinyforge/app.js"');
    }
    assertEquals((await browse(proxy.port, "GET", "/tinyforge/app.js")).text, "app");

    const { url, code } = await (await server.send("POST", "/api/session/codes")).json();
    assertEquals(url, `${BASE}/#code=${code}`);
    const login = await browse(proxy.port, "POST", "/tinyforge/api/session", { body: { code } });
    assertEquals(login.status, 201, login.text);
    const set = login.headers.get("set-cookie")!;
    assertMatch(
      set,
      /^__Secure-tinyforge=[\w-]{43}; Path=\/tinyforge; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure$/,
    );
    const cookie = set.split(";")[0]!;
    const made = await browse(proxy.port, "POST", "/tinyforge/api/projects", {
      headers: { cookie },
      body: { name: "app" },
    });
    const id = JSON.parse(made.text).id;
    assertEquals([made.status, made.headers.get("location")], [
      201,
      `/tinyforge/api/projects/${id}`,
    ]);
    for (const origin of ["https://evil.example", "http://ops.example.evil", "null"]) {
      const forged = await browse(proxy.port, "DELETE", `/tinyforge/api/projects/${id}`, {
        headers: { cookie, origin },
      });
      assertEquals([origin, forged.status], [origin, 403]);
    }
    const { session } = JSON.parse(
      (await browse(proxy.port, "GET", "/tinyforge/api/session", { headers: { cookie } })).text,
    );
    assertEquals(session.remote, "203.0.113.7 via 127.0.0.1");
    const [entry] = server.store.audit.newest({ before: null, limit: 1 });
    assertEquals([entry!.path, entry!.remote], ["/api/projects", "203.0.113.7 via 127.0.0.1"]);
    const { servers } = JSON.parse(
      (await browse(proxy.port, "GET", "/tinyforge/openapi.json")).text,
    );
    assertEquals(servers[0].url, "/tinyforge");
    const out = await browse(proxy.port, "DELETE", "/tinyforge/api/session", {
      headers: { cookie },
    });
    assertEquals(out.status, 204);
    assertMatch(
      out.headers.get("set-cookie")!,
      /^__Secure-tinyforge=; Path=\/tinyforge; Max-Age=0/,
    );
    const after = await browse(proxy.port, "GET", "/tinyforge/api/session", {
      headers: { cookie },
    });
    assertEquals(after.status, 401);
  });
}

Deno.test("seenThrough() believes a proxy of this host, of the last address, and nothing else", () => {
  const remote = (from: string | null, forwarded: string | null, base: string | null = BASE) =>
    seenThrough(
      { ...TRUSTED, remote: from },
      new Request("http://localhost/", {
        headers: forwarded === null ? {} : { "x-forwarded-for": forwarded },
      }),
      { baseUrl: base === null ? null : new URL(base) },
    ).remote;
  assertEquals(remote("127.0.0.1", "203.0.113.7"), "203.0.113.7 via 127.0.0.1");
  assertEquals(remote("::1", "1.2.3.4, 2001:db8::7"), "2001:db8::7 via ::1");
  assertEquals(remote("::ffff:127.0.0.1", "1.2.3.4"), "1.2.3.4 via ::ffff:127.0.0.1");
  assertEquals(remote("127.0.0.1", null), "127.0.0.1");
  assertEquals(remote("127.0.0.1", "<script>"), "127.0.0.1");
  assertEquals(remote("127.0.0.1", "f".repeat(46)), "127.0.0.1");
  assertEquals(remote("127.0.0.1", "203.0.113.7", null), "127.0.0.1");
  assertEquals(remote("192.0.2.1", "203.0.113.7"), "192.0.2.1");
  assertEquals(remote(null, "203.0.113.7"), null);
});

Deno.test("isOwnOrigin() takes the base URL's origin whole, and no name that only begins as it does", () => {
  const baseUrl = new URL("https://ops.example.org/tinyforge");
  const request = new Request("http://127.0.0.1:7475/api/sites", { method: "POST" });
  const own = (origin: string) => isOwnOrigin(origin, request, { baseUrl });
  assertEquals(own("https://ops.example.org"), true);
  for (const suffix of [".evil.example", ":8443", "evil", "@evil.example"]) {
    assertEquals(own(`https://ops.example.org${suffix}`), false, suffix);
  }
  assertEquals(own("http://ops.example.org"), false);
});

Deno.test("with a base URL the daemon is reached as before too, and by no other name", async () => {
  await using server = await behind();
  const direct = await server.askTcp("/api/session");
  assertEquals([direct.status, (await direct.json()).role], [200, "admin"]);
  const prefixed = await server.askTcp("/tinyforge/api/session");
  await prefixed.body?.cancel();
  assertEquals(prefixed.status, 200);
  for (const path of ["/tinyforgery/api/session", "/tinyforge/tinyforge/api/session"]) {
    const answer = await server.askTcp(path);
    await answer.body?.cancel();
    assertEquals([path, answer.status], [path, 404]);
  }
  const other = await browse(server.port, "GET", "/api/session", {
    headers: { host: "ops.example.evil", authorization: `Bearer ${TOKEN}` },
  });
  assertEquals(other.status, 403);
});
