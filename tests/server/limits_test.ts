/**
 * What clients may use up: connections, time, bytes. Whatever they do, others are answered.
 *
 * @module
 */

import { connect } from "node:net";
import { assert, assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { connectionShares } from "../../src/server/server.ts";
import { exchange, readAnswer, writeAll } from "../harness/raw_http.ts";
import { EventReader } from "../harness/feeds.ts";
import {
  observed,
  passWrites,
  type TempServer,
  tempServer,
  TOKEN,
} from "../harness/temp_server.ts";
import { until } from "../harness/until.ts";

const { Database } = await import("@db/sqlite");

const HALF = "GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ";

Deno.test("a connection whose headers don't come is closed, also one that says nothing", async () => {
  await using server = await tempServer({ serve: { limits: { headersMs: 300 } } });
  for (const sent of ["", "GET", HALF]) {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    await writeAll(connection, sent);
    const started = performance.now();
    await readToEnd(connection);
    // Looked for once a second.
    assertLess(performance.now() - started, 3000, JSON.stringify(sent));
  }
  assertEquals(await status(server.ask("/livez")), 200);
});

Deno.test("a connection that asks no more is closed", async () => {
  await using server = await tempServer({ serve: { limits: { idleMs: 300 } } });
  using connection = await Deno.connect({ transport: "unix", path: server.socketPath });
  await writeAll(connection, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
  assertEquals((await readAnswer(connection)).status, 200);
  const started = performance.now();
  await readToEnd(connection);
  assertLess(performance.now() - started, 3000);
});

Deno.test("a connection that takes nothing of its answer is closed, and its bytes given back", async () => {
  await using server = await tempServer({ serve: { limits: { idleMs: 500 } } });
  fill(server, 10_000);
  using connection = await Deno.connect({ transport: "unix", path: server.socketPath });
  await writeAll(connection, "GET /api/containers?limit=10000 HTTP/1.1\r\nHost: x\r\n\r\n");
  await until("the answer is on its way", () => server.app.bytes.used > 1 << 20);
  await until("the connection is over", () => server.app.bytes.used === 0);
});

Deno.test("where connections are used up, the ones that ask nothing make room", async () => {
  await using server = await tempServer({ serve: { connections: { tcp: 20, socket: 20 } } });
  const half = await Promise.all(Array.from({ length: 200 }, async () => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    await writeAll(connection, HALF).catch(() => {});
    return connection;
  }));
  for (let i = 0; i < 20; i++) {
    assertEquals((await exchange(server.port, request("/livez"))).status, 200);
  }
  assertEquals(await status(server.ask("/livez")), 200);
  const told = server.logged.filter((line) => line.includes("too many connections"));
  assertEquals(told.length, 1, "told once a minute");
  for (const connection of half) connection.close();
});

Deno.test("connections that ask something are never closed to make room", async () => {
  const pass = Promise.withResolvers<never>();
  pass.promise.catch(() => {});
  await using server = await tempServer({
    reconcileNow: () => pass.promise,
    serve: { connections: { tcp: 10, socket: 10 } },
  });
  const asking = await Promise.all(Array.from({ length: 5 }, async () => {
    const connection = await Deno.connect({ transport: "unix", path: server.socketPath });
    await writeAll(connection, "POST /api/reconcile HTTP/1.1\r\nHost: x\r\n\r\n");
    return connection;
  }));
  const idle = await Promise.all(
    Array.from(
      { length: 100 },
      () => Deno.connect({ transport: "unix", path: server.socketPath }).catch(() => null),
    ),
  );
  assertEquals(await status(server.ask("/livez")), 200);
  pass.reject(new Error("Cannot list"));
  for (const connection of asking) {
    assertEquals((await readAnswer(connection)).status, 502);
    connection.close();
  }
  for (const connection of idle) connection?.close();
});

Deno.test("as many live feeds as there may be over TCP leave room for those over the socket", async () => {
  await using server = await tempServer({ maxLiveClients: 3 });
  const feeds: EventReader[] = [];
  for (const ask of [server.askTcp, server.ask]) {
    for (let i = 0; i < 3; i++) {
      const feed = new EventReader(await ask("/api/events"));
      await feed.snapshot();
      feeds.push(feed);
    }
    const refused = await ask("/api/events");
    assertEquals([refused.status, (await refused.json()).code], [503, "too-many-feeds"]);
  }
  for (const feed of feeds) await feed[Symbol.asyncDispose]();
});

Deno.test("HTTP/1.1 needs exactly one Host", async () => {
  await using server = await tempServer();
  for (const hosts of ["", "Host: localhost\r\nHost: localhost\r\n"]) {
    const answer = await exchange(server.port, `GET /livez HTTP/1.1\r\n${hosts}\r\n`);
    assertEquals([answer.status, JSON.parse(answer.body).code], [400, "malformed"]);
  }
  const old = await exchange(server.port, "GET /livez HTTP/1.0\r\nHost: localhost\r\n\r\n");
  assertEquals([old.status, old.body], [200, "ok\n"]);
});

Deno.test("a target's own host counts, whatever the header says", async () => {
  await using server = await tempServer();
  const ask = (target: string, host: string) =>
    exchange(server.port, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  assertEquals((await ask("http://localhost/livez", "evil.example")).status, 200);
  assertEquals((await ask("http://evil.example/livez", "localhost")).status, 403);
});

Deno.test("a target that means another path than it says is refused", async () => {
  await using server = await tempServer();
  const ask = async (target: string) =>
    (await exchange(server.port, `GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`)).status;
  for (
    const target of [
      ...["/hooks/../livez", "/hooks/%2e%2E/livez", "/./livez", "/livez/..", "/hooks\\..\\livez"],
      ...["http://localhost/hooks/../livez", "/hooks/.%2e/livez?a", "/livez/."],
    ]
  ) assertEquals(await ask(target), 400, target);
  for (const target of ["/livez", "/livez?a=/../b", "/livez?a=\\", "/livez#/../x"]) {
    assertEquals(await ask(target), 200, target);
  }
  for (const target of ["/.../livez", "/a..b", "/api/containers/..a", "/%2e%2ea"]) {
    assertEquals(await ask(target), 401, target);
  }
});

Deno.test("what can't be read as HTTP ends its connection and nothing else", async () => {
  await using server = await tempServer();
  for (
    const text of [
      "garbage\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "CONNECT a:1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
      `GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ${"a".repeat(100_000)}\r\n\r\n`,
      "POST /api/reconcile HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n" +
      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "TRACE /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ]
  ) {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    await writeAll(connection, text).catch(() => {});
    const [, code] = /^HTTP\/1.1 (\d+)/.exec(await firstBytes(connection)) ?? [];
    assert(code === undefined || /^4/.test(code), `${text.slice(0, 20)}: ${code}`);
  }
  assertEquals(await status(server.ask("/livez")), 200);
  assertEquals(server.logged.filter((line) => line.includes('"level":"error"')), []);
});

Deno.test("requests that follow each other on one connection are answered in order", async () => {
  await using server = await tempServer();
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await writeAll(connection, request("/livez") + request("/readyz") + request("/nowhere", "close"));
  const text = await readToEnd(connection);
  assertEquals([...text.matchAll(/HTTP\/1.1 (\d+)/g)].map(([, code]) => code), [
    "200",
    "200",
    "401",
  ]);
});

Deno.test("requests that follow each other are answered one at a time, and leave nothing when their client does", async () => {
  await using server = await tempServer();
  fill(server, 10_000);
  const large = request("/api/containers?limit=10000");
  {
    using connection = await Deno.connect({ transport: "unix", path: server.socketPath });
    await writeAll(connection, large.repeat(10));
    await until("an answer is on its way", () => server.app.bytes.used > 0);
    await status(server.ask("/livez"));
    // Nobody takes the first, so that there is no other.
    const { used } = server.app.bytes;
    await status(server.ask("/livez"));
    assertEquals(server.app.bytes.used, used);
    assertLess(used, 10 << 20);
  }
  await until("it is given back", () => server.app.bytes.used === 0);
});

Deno.test("a connection that asks much more than it is answered is closed", async () => {
  await using server = await tempServer();
  fill(server, 10_000);
  using connection = await Deno.connect({ transport: "unix", path: server.socketPath });
  const large = request("/api/containers?limit=10000");
  await writeAll(connection, large + request("/livez").repeat(5000)).catch(() => {});
  await until("nothing of it is on its way", () => server.app.bytes.used === 0);
  // Reset, or ended before half of it was answered.
  const text = await readToEnd(connection).catch(() => "");
  assertLess([...text.matchAll(/HTTP\/1.1 200/g)].length, 100);
  assertEquals(await status(server.ask("/livez")), 200);
});

Deno.test("a client that leaves before it is answered is known by its address", async () => {
  await using server = await tempServer();
  const wrong = `POST /hooks/${"A".repeat(43)} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  for (let i = 0; i < 100; i++) {
    const { promise: left, resolve } = Promise.withResolvers<void>();
    const socket = connect({ host: "127.0.0.1", port: server.port }, () => {
      socket.write(wrong);
      socket.resetAndDestroy();
    });
    socket.on("error", () => {}).on("close", () => resolve());
    await left;
  }
  const failed = () => server.logged.filter((line) => line.includes("login failed"));
  await until("it is told", () => failed().length > 0);
  await status(server.ask("/livez"));
  server.app.close();
  const addresses = new Set(
    failed().map((line) => /"address":"(.*?)"|address=(\S+)/.exec(line)![0]),
  );
  assertEquals(addresses.size, 1);
  assertStringIncludes([...addresses][0]!, "127.0.0.1");
});

Deno.test("a webhook's body is not read, whatever its secret", async () => {
  await using server = await tempServer();
  const { secret } = server.store.registry.create("project", { name: "app" });
  for (const [path, code] of [[secret, 200], ["A".repeat(43), 404]] as const) {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    await writeAll(
      connection,
      `POST /hooks/${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n` +
        "Expect: 100-continue\r\n\r\n",
    );
    // Told to send it, the client would be told so first.
    assertEquals((await readAnswer(connection)).status, code);
  }
  await until("its bytes are free", () => server.app.bytes.used === 0);
});

Deno.test("a body that is wanted is asked for", async () => {
  await using server = await tempServer();
  const body = JSON.stringify({ name: "app" });
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await writeAll(
    connection,
    `POST /api/projects HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n` +
      "Expect: 100-continue\r\n\r\n",
  );
  assertStringIncludes(await firstBytes(connection), "100 Continue");
  await writeAll(connection, body);
  assertEquals((await readAnswer(connection)).status, 201);
});

Deno.test("a connection whose small body was not read can be used again", async () => {
  await using server = await tempServer();
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  for (let i = 0; i < 3; i++) {
    await writeAll(
      connection,
      `POST /hooks/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n${
        "x".repeat(5000)
      }`,
    );
    assertEquals((await readAnswer(connection)).status, 404);
  }
});

Deno.test("bodies of all requests together are bounded: 503, and later it works", async () => {
  await using server = await tempServer({ maxBytesInFlight: 10_000 });
  const post = (length: number) =>
    "POST /api/projects HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
    `Content-Length: ${length}\r\n\r\n`;
  using slow = await Deno.connect({ transport: "unix", path: server.socketPath });
  await writeAll(slow, post(9001) + " ".repeat(9000));
  await until("its bytes are taken", () => server.app.bytes.used === 9000);
  using other = await Deno.connect({ transport: "unix", path: server.socketPath });
  await writeAll(other, post(5000) + " ".repeat(5000));
  const refused = await readAnswer(other);
  assertEquals([refused.status, JSON.parse(refused.body).code], [503, "overloaded"]);
  assertStringIncludes(refused.head.toLowerCase(), "retry-after: 5");
  await writeAll(slow, "x");
  assertEquals((await readAnswer(slow)).status, 400);
  await until("its bytes are free", () => server.app.bytes.used === 0);
  assertEquals(await status(server.send("POST", "/api/projects", { name: "app" })), 201);
  await until("its bytes are free", () => server.app.bytes.used === 0);
});

Deno.test("answers that nobody takes are bounded as well", async () => {
  await using server = await tempServer({ maxBytesInFlight: 5 << 20 });
  fill(server, 5000);
  const connections = await Promise.all(Array.from({ length: 8 }, async () => {
    const connection = await Deno.connect({ transport: "unix", path: server.socketPath });
    await writeAll(connection, "GET /api/containers?limit=10000 HTTP/1.1\r\nHost: x\r\n\r\n");
    return connection;
  }));
  const codes = await Promise.all(
    connections.map(async (each) => (await firstBytes(each)).split(" ")[1]),
  );
  assert(codes.includes("200") && codes.includes("503"), codes.join());
  assertLess(server.app.bytes.used, (5 << 20) + 1);
  for (const connection of connections) connection.close();
  await until("its bytes are free", () => server.app.bytes.used === 0);
});

Deno.test("a large page is on its way while it is read, and of one moment all the same", async () => {
  await using server = await tempServer();
  fill(server, 5000);
  const page = "/api/containers?limit=10000";
  const before = await (await server.ask(page)).text();
  using connection = await Deno.connect({ transport: "unix", path: server.socketPath });
  await writeAll(connection, `GET ${page} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  await until("it is on its way", () => server.app.bytes.used > 0);
  // More than the socket holds is not read yet, and the last row of all is removed.
  const { items } = JSON.parse(before);
  server.store.deployed.deleteDeployedContainer(items.at(-1).id);
  const answer = await readToEnd(connection);
  assertEquals(unchunked(answer), before);
  assertEquals((await (await server.ask(page)).json()).items.length, items.length - 1);
  await until("its bytes are free", () => server.app.bytes.used === 0);
});

Deno.test("large pages that are asked for at once on one connection come whole, in turn", async () => {
  await using server = await tempServer();
  fill(server, 3000);
  const pages = ["/api/containers?limit=3000", "/api/containers?limit=2000", "/api/containers"];
  using connection = await Deno.connect({ transport: "unix", path: server.socketPath });
  await writeAll(
    connection,
    pages.map((page, i) => request(page, i === pages.length - 1 ? "close" : "keep-alive")).join(""),
  );
  const answers = (await readToEnd(connection)).split(/(?=HTTP\/1\.1 200)/);
  assertEquals(answers.length, pages.length);
  for (const [i, page] of pages.entries()) {
    assertEquals(unchunked(answers[i]!), await (await server.ask(page)).text());
  }
});

Deno.test("whoever leaves in the middle of a large page leaves nothing behind", async () => {
  await using server = await tempServer();
  fill(server, 5000);
  const connection = await Deno.connect({ transport: "unix", path: server.socketPath });
  await writeAll(connection, "GET /api/containers?limit=10000 HTTP/1.1\r\nHost: x\r\n\r\n");
  assertStringIncludes(await firstBytes(connection), "HTTP/1.1 200");
  assertLess(1, server.app.bytes.used);
  connection.close();
  await until("its bytes are free", () => server.app.bytes.used === 0);
  const head = await server.ask("/api/containers?limit=10000", { method: "HEAD" });
  assertEquals([head.status, await head.text()], [200, ""]);
  assertEquals(server.app.bytes.used, 0);
  assertEquals((await (await server.ask("/api/containers?limit=10000")).json()).items.length, 5000);
});

Deno.test("a large page that can't be read to its end is no answer that looks whole", async () => {
  await using server = await tempServer();
  fill(server, 1000);
  const db = new Database(server.store.path);
  const spoil = (id: string) => db.exec("UPDATE containers SET addresses = '{' WHERE id = ?", id);
  const { items } = await (await server.ask("/api/containers")).json();
  spoil(items.at(-1).id);
  const broken = await server.ask("/api/containers");
  assertEquals(broken.status, 200);
  await assertRejects(() => broken.text());
  await until("its bytes are free", () => server.app.bytes.used === 0);
  // What fails before anything is sent has an answer.
  spoil(items[0].id);
  db.close();
  const failed = await server.ask("/api/containers");
  assertEquals([failed.status, (await failed.json()).code], [500, "corrupt"]);
});

Deno.test("connectionShares() leaves the socket its share, and descriptors for the rest", () => {
  for (const descriptors of [null, 64, 128, 256, 400, 1024, 4096, 1_048_576]) {
    const { tcp, socket, feeds } = connectionShares(descriptors);
    assert(tcp >= 8 && socket >= 8 && feeds < Math.min(tcp, socket), String(descriptors));
    if (descriptors !== null && descriptors >= 128) assertLess(tcp + socket + 32, descriptors);
  }
  assertEquals(connectionShares(65_536), { tcp: 512, socket: 384, feeds: 256 });
});

function request(path: string, connection = "keep-alive"): string {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: ${connection}\r\n\r\n`;
}

/** So many rows of half a kilobyte or more. */
function fill({ store }: TempServer, rows: number): void {
  const { entry: { workloadId } } = store.registry.create("stack", {
    name: "many",
    composeProjectName: "many",
  });
  const imageRef = `registry.example/${"v".repeat(200)}`;
  const all = Array.from(
    { length: rows },
    (_, i) => observed({ id: `${i}`, workloadId, imageRef }),
  );
  passWrites(store, all, { at: "2026-01-01T00:00:00.000Z" });
}

/** The body of an answer in chunks, all of which must be there. */
function unchunked(answer: string): string {
  const end = answer.indexOf("\r\n\r\n") + 4;
  assertStringIncludes(answer.slice(0, end).toLowerCase(), "transfer-encoding: chunked");
  let body = "";
  for (let at = end;;) {
    const line = answer.indexOf("\r\n", at);
    const size = parseInt(answer.slice(at, line), 16);
    assert(size >= 0, "a chunk without a size");
    if (size === 0) return body;
    // Rows of these tests are ASCII: as many units as bytes.
    body += answer.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
}

async function readToEnd(connection: Deno.Conn): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65_536);
  let text = "";
  while (true) {
    const read = await connection.read(buffer).catch(() => null);
    if (read === null) return text;
    text += decoder.decode(buffer.subarray(0, read), { stream: true });
  }
}

async function firstBytes(connection: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(256);
  const read = await connection.read(buffer).catch(() => null);
  return new TextDecoder().decode(buffer.subarray(0, read ?? 0));
}

async function status(answer: Promise<Response>): Promise<number> {
  const response = await answer;
  await response.body?.cancel();
  return response.status;
}
