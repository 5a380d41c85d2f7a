/**
 * The listeners: how they open, what they replace, how they close.
 *
 * @module
 */

import { assert, assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { Log } from "../../src/telemetry/log.ts";
import { hintFor } from "../../src/cli/words.ts";
import { Failure } from "../../src/failure.ts";
import { serve } from "../../src/server/server.ts";
import { readAnswer, writeAll } from "../harness/raw_http.ts";
import { EventReader } from "../harness/feeds.ts";
import {
  fixedToken,
  observed,
  PASS,
  passWrites,
  type TempServer,
  tempServer,
  TOKEN,
} from "../harness/temp_server.ts";
import { until } from "../harness/until.ts";

const SILENT = new Log({ write: () => {} });

Deno.test("serve() makes a socket that only its owner may open, and removes it at the end", async () => {
  const server = await tempServer();
  const info = await Deno.lstat(server.socketPath);
  assertEquals([info.isSocket, info.mode! & 0o777], [true, 0o600]);
  assertEquals(await others(server), []);
  await server.listeners.shutdown({ deadlineMs: 1000 });
  await assertRejects(() => Deno.lstat(server.socketPath), Deno.errors.NotFound);
  await server[Symbol.asyncDispose]();
});

Deno.test("serve() gives the socket its mode whatever the umask", async () => {
  const before = Deno.umask(0);
  try {
    await using server = await tempServer();
    assertEquals((await Deno.lstat(server.socketPath)).mode! & 0o777, 0o600);
  } finally {
    Deno.umask(before);
  }
});

for (
  const [what, leave] of [
    ["the socket of a crashed daemon", (dir: string) => {
      const path = join(dir, "stale");
      // Closing it would remove it; a crash does not.
      const listener = Deno.listen({ transport: "unix", path });
      Deno.renameSync(path, join(dir, "tinyforge.sock"));
      listener.close();
    }],
    [
      "a file in the way",
      (dir: string) => Deno.writeTextFileSync(join(dir, "tinyforge.sock"), "no socket"),
    ],
    ["what a start that failed half-way left", (dir: string) => {
      Deno.mkdirSync(join(dir, ".listen"));
      Deno.writeTextFileSync(join(dir, ".listen", "s"), "half done");
    }],
  ] as const
) {
  Deno.test(`serve() replaces ${what}`, async () => {
    await using server = await tempServer({ prepare: leave });
    const response = await server.ask("/livez");
    assertEquals([response.status, await response.text()], [200, "ok\n"]);
    assertEquals((await Deno.lstat(server.socketPath)).mode! & 0o777, 0o600);
    assertEquals(await others(server), []);
  });
}

Deno.test("shutdown() leaves the socket of whoever took the directory over", async () => {
  await using first = await tempServer();
  const second = await serve(first.app, {
    socketPath: first.socketPath,
    listen: null,
    token: fixedToken(TOKEN),
    allowedHosts: [],
    log: SILENT,
    connections: { tcp: 64, socket: 64 },
  });
  const before = await Deno.lstat(first.socketPath);
  await first.listeners.shutdown({ deadlineMs: 1000 });
  assertEquals((await Deno.lstat(first.socketPath)).ino, before.ino);
  await second.shutdown({ deadlineMs: 1000 });
  await assertRejects(() => Deno.lstat(first.socketPath), Deno.errors.NotFound);
});

Deno.test("serve() refuses a socket path that is too long, with a hint", async () => {
  await using server = await tempServer();
  const socketPath = join(server.dir, "a".repeat(100), "tinyforge.sock");
  const error = await assertRejects(
    () => serve(server.app, { ...options(socketPath), listen: null }),
    Failure,
    "at most 107 bytes",
  );
  assertStringIncludes(hintFor(error), "--data-dir");
});

Deno.test("serve() goes on over the socket where the address is taken, and takes it when it is free", async () => {
  const other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = other.addr;
  await using server = await tempServer({
    listen: { hostname: "127.0.0.1", port },
    serve: { patience: { firstMs: 10, mostMs: 40 } },
  });
  assertEquals(server.listeners.tcpAddress, null);
  assertEquals(server.listeners.tcp, {
    address: null,
    error: `Cannot listen on "127.0.0.1:${port}": the address is in use`,
  });
  assertEquals(await text(server.ask("/livez")), "ok\n");
  const said = server.logged.filter((line) => line.includes("not listening"));
  assertStringIncludes(said[0]!, "--listen");
  assertStringIncludes(said[0]!, "the address is in use");
  other.close();
  await until("it listens", () => server.listeners.tcpAddress !== null);
  assertEquals(server.listeners.tcp, { address: `127.0.0.1:${port}`, error: null });
  assertEquals(await text(fetch(`http://127.0.0.1:${port}/livez`)), "ok\n");
  assertEquals(server.logged.filter((line) => line.includes("not listening")).length, 1);
});

Deno.test("serve() opens nothing when the socket can't be made", async () => {
  await using server = await tempServer();
  const socketPath = join(server.dir, "nowhere", "tinyforge.sock");
  const listen = { hostname: "127.0.0.1", port: 0 };
  const error = await assertRejects(
    () => serve(server.app, { ...options(socketPath), listen }),
    Failure,
  );
  assertStringIncludes(error.message, `Cannot listen on "${socketPath}": `);
});

Deno.test("serve() names an address that is not ours and goes on without", async () => {
  await using server = await tempServer({ listen: { hostname: "192.0.2.1", port: 1 } });
  assertStringIncludes(server.listeners.tcp.error!, 'Cannot listen on "192.0.2.1:1"');
  assertStringIncludes(server.logged.join(""), "address of this host");
  assertEquals(await text(server.ask("/livez")), "ok\n");
});

Deno.test("serve() listens on IPv6 too", async () => {
  await using server = await tempServer({ listen: { hostname: "::1", port: 0 } });
  const response = await fetch(`http://[::1]:${server.port}/livez`);
  assertEquals([response.status, await response.text()], [200, "ok\n"]);
});

Deno.test("shutdown() lets a request under way finish", async () => {
  const pass = Promise.withResolvers<typeof PASS>();
  await using server = await tempServer({ reconcileNow: () => pass.promise });
  const answer = server.send("POST", "/api/reconcile");
  await entered(server);
  const stopped = server.listeners.shutdown({ deadlineMs: 5000 });
  pass.resolve(PASS);
  const response = await answer;
  assertEquals([response.status, (await response.json()).at], [200, PASS.at]);
  await stopped;
});

Deno.test("shutdown() ends within its deadline whatever clients do", async () => {
  const pass = Promise.withResolvers<typeof PASS>();
  await using server = await tempServer({ reconcileNow: () => pass.promise });
  const hanging = [
    "POST /api/reconcile HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /livez HTTP/1.1\r\nHo",
    "",
  ];
  const connections = await Promise.all(hanging.map(async (text) => {
    const connection = await Deno.connect({ transport: "unix", path: server.socketPath });
    await writeAll(connection, text);
    return connection;
  }));
  await entered(server);
  const started = performance.now();
  await server.listeners.shutdown({ deadlineMs: 300 });
  assertLess(performance.now() - started, 1000);
  for (const connection of connections) {
    assertEquals(await connection.read(new Uint8Array(1)), null);
    connection.close();
  }
  pass.resolve(PASS);
});

Deno.test("shutdown() answers an unfinished body at once instead of waiting for it", async () => {
  await using server = await tempServer();
  using connection = await Deno.connect({ transport: "unix", path: server.socketPath });
  await writeAll(
    connection,
    "POST /api/projects HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" +
      "Content-Length: 100\r\n\r\n{",
  );
  await entered(server);
  const started = performance.now();
  const stopped = server.listeners.shutdown({ deadlineMs: 5000 });
  const answer = await readAnswer(connection);
  assertEquals([answer.status, JSON.parse(answer.body).code], [503, "stopping"]);
  await stopped;
  assertLess(performance.now() - started, 1000);
});

Deno.test("shutdown() ends live feeds cleanly and within a second", async () => {
  const server = await tempServer();
  const responses = [
    await server.ask("/api/events"),
    await server.askTcp("/api/events"),
  ];
  const feeds = responses.map((response) => new EventReader(response));
  for (const feed of feeds) await feed.snapshot();
  const started = performance.now();
  const stopped = server.listeners.shutdown({ deadlineMs: 5000 });
  for (const feed of feeds) {
    assertEquals(await feed.next(), null);
    await feed[Symbol.asyncDispose]();
  }
  await stopped;
  assertLess(performance.now() - started, 1000);
  assertEquals(server.feed.subscribers, 0);
  await server[Symbol.asyncDispose]();
});

Deno.test("shutdown() does not wait for a live feed's client that never reads", async () => {
  await using server = await tempServer();
  using idler = await Deno.connect({ transport: "unix", path: server.socketPath });
  await writeAll(idler, "GET /api/events HTTP/1.1\r\nHost: x\r\n\r\n");
  await until("the feed is open", () => server.feed.subscribers === 1);
  // More than fits between us: the end of the feed can't reach it.
  const { entry } = server.store.registry.create("stack", {
    name: "big",
    composeProjectName: "big",
  });
  const rows = Array.from(
    { length: 3000 },
    (_, i) => observed({ id: `row-${i}`, workloadId: entry.workloadId }),
  );
  passWrites(server.store, rows, { at: "2026-01-01T00:00:00.000Z" });
  await entered(server);
  const started = performance.now();
  await server.listeners.shutdown({ deadlineMs: 5000 });
  assertLess(performance.now() - started, 1000);
});

Deno.test("shutdown() after the feed was closed is the same", async () => {
  await using server = await tempServer();
  await using events = new EventReader(await server.ask("/api/events"));
  await events.snapshot();
  server.feed.close();
  assertEquals(await events.next(), null);
  const started = performance.now();
  await server.listeners.shutdown({ deadlineMs: 5000 });
  assertLess(performance.now() - started, 1000);
});

Deno.test("shutdown() can be called twice, also at once", async () => {
  await using server = await tempServer();
  const both = [1, 2].map(() => server.listeners.shutdown({ deadlineMs: 1000 }));
  await Promise.all(both);
  await server.listeners.shutdown({ deadlineMs: 1000 });
});

Deno.test("shutdown() answers whoever still comes in with 503", async () => {
  const pass = Promise.withResolvers<typeof PASS>();
  await using server = await tempServer({ reconcileNow: () => pass.promise });
  const answer = server.send("POST", "/api/reconcile");
  await entered(server);
  const stopped = server.listeners.shutdown({ deadlineMs: 5000 });
  const late = await server.ask("/api/events");
  assertEquals([late.status, (await late.json()).code], [503, "stopping"]);
  pass.resolve(PASS);
  await (await answer).body?.cancel();
  await stopped;
});

Deno.test("createApp() answers in-process, without listeners", async () => {
  await using server = await tempServer();
  const body = JSON.stringify({ name: "app" });
  const headers = { "content-type": "application/json" };
  const init = { method: "POST", headers, body };
  const response = await server.app.request("http://tinyforge/api/projects", init);
  assertEquals(response.status, 201);
  const { id } = await response.json();
  assertEquals(response.headers.get("location"), `/api/projects/${id}`);
  assert(server.store.registry.get("project", id));
});

function options(socketPath: string) {
  return {
    socketPath,
    token: fixedToken(TOKEN),
    allowedHosts: ["localhost", "127.0.0.1", "::1"],
    log: SILENT,
    connections: { tcp: 64, socket: 64 },
  };
}

/** Resolves when what was sent before has reached its handler. */
async function entered(server: TempServer): Promise<void> {
  // Connections are served in turn: what came before this has been taken up when this is answered.
  const response = await server.ask("/livez");
  await response.body?.cancel();
}

/** What lies in the data directory besides the store and the socket. */
async function others({ dir }: TempServer): Promise<string[]> {
  const names = await Array.fromAsync(Deno.readDir(dir), ({ name }) => name);
  return names.filter((name) => !name.startsWith("tinyforge."));
}

async function text(answer: Promise<Response>): Promise<string> {
  return await (await answer).text();
}
