/**
 * Live feeds: snapshot, changes, resuming, clients that do not read.
 *
 * @module
 */

import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { writeAll } from "../harness/raw_http.ts";
import { EventReader } from "../harness/feeds.ts";
import { problem, writeProblems } from "../harness/problems.ts";
import { observed, passWrites, type TempServer, tempServer } from "../harness/temp_server.ts";
import { until } from "../harness/until.ts";

const T0 = "2026-01-01T00:00:00.000Z";

Deno.test("GET /api/events sends a snapshot, then each change", async () => {
  await using server = await tempServer();
  const { workloadId, ids } = stack(server, 2);
  await using events = await listen(server);
  const snapshot = await events.snapshot();
  assertEquals([snapshot.ids, snapshot.parts, snapshot.id], [ids, 1, server.feed.lastId]);

  const row = observed({ id: ids[0]!, workloadId, state: "stopped", exitCode: 137 });
  passWrites(server.store, [row], { at: T0, op: "update" });
  const stopped = await events.change();
  assertEquals(stopped.id, snapshot.id + 1);
  assertEquals(stopped.items, [
    JSON.parse(JSON.stringify(server.store.views.get(ids[0]!))),
  ]);
  assertEquals([stopped.items[0]!.state, stopped.removed], ["stopped", []]);

  server.store.deployed.deleteDeployedContainer(ids[1]!);
  const removed = await events.change();
  assertEquals([removed.items, removed.removed], [[], [ids[1]!]]);
});

Deno.test("GET /api/events names the problems that opened or closed, and none that may pass", async () => {
  await using server = await tempServer();
  await using events = await listen(server);
  await events.snapshot();
  const { store } = server;
  const held = problem({
    kind: "missing",
    status: "holding",
    rowId: "r",
    since: 1,
    dueAt: 2,
    openedAt: null,
    do: { code: "explain", rowId: "r" },
  });
  writeProblems(store, held);
  writeProblems(store, { ...held, status: "open", openedAt: 2, dueAt: null });
  const opened = await events.next();
  assertEquals([opened?.event, JSON.parse(opened!.data)], ["problems", { keys: ["missing:r"] }]);
  writeProblems(store, {
    ...held,
    status: "closed",
    openedAt: 2,
    closedAt: 3,
    outcome: "recovered",
  });
  assertEquals((await events.next())?.event, "problems");
  const { problems } = await (await server.ask("/api/problems?all=true")).json();
  assertEquals(problems.map(({ status }: { status: string }) => status), ["closed"]);
});

Deno.test("GET /api/events of an empty index sends an empty snapshot", async () => {
  await using server = await tempServer();
  await using events = await listen(server);
  assertEquals((await events.snapshot()).ids, []);
});

Deno.test("GET /api/events sends a large index in parts, and changes in between after it", async () => {
  await using server = await tempServer();
  const { workloadId, ids } = stack(server, 1201);
  await using events = await listen(server);
  const first = await events.next();
  assertEquals(JSON.parse(first!.data).items.length, 500);
  // Neither is in the part that was read; one has been passed already, one is still to come.
  server.store.deployed.deleteDeployedContainer(ids[0]!);
  const changed = observed({ id: ids[1200]!, workloadId, state: "paused" });
  passWrites(server.store, [changed], { at: T0, op: "update" });
  const known = new Map<string, string>();
  const learn = (items: { id: string; state: string }[]) => {
    for (const { id, state } of items) known.set(id, state);
  };
  learn(JSON.parse(first!.data).items);
  for (let last = false; !last;) {
    const part = JSON.parse((await events.next())!.data);
    learn(part.items);
    last = part.last;
  }
  for (let i = 0; i < 2; i++) {
    const change = await events.change();
    learn(change.items as { id: string; state: string }[]);
    for (const id of change.removed) known.delete(id);
  }
  const expected = server.store.views.list().map(({ id, state }) => [id, state]);
  assertEquals([...known].sort(), expected.sort());
  assertEquals(known.get(ids[1200]!), "paused");
});

Deno.test("a renamed workload, which is in every row, brings a new snapshot", async () => {
  await using server = await tempServer();
  const { entry, ids } = stack(server, 3);
  await using events = await listen(server);
  await events.snapshot();
  server.store.registry.update("stack", entry.id, { name: "renamed" });
  const event = await events.next();
  const { first, items } = JSON.parse(event!.data);
  assertEquals([event!.event, first, items.length], ["snapshot", true, ids.length]);
  assertEquals(items[0].workloadName, "renamed");
});

Deno.test("a change of more rows than fit into one event brings a new snapshot", async () => {
  await using server = await tempServer();
  const { workloadId, ids } = stack(server, 600);
  await using events = await listen(server);
  await events.snapshot();
  const rows = ids.map((id) => observed({ id, workloadId, state: "stopped" }));
  passWrites(server.store, rows, { at: T0, op: "update" });
  const again = await events.snapshot();
  assertEquals([again.ids, again.parts], [ids, 2]);
  assertEquals(again.id, server.feed.lastId);
});

Deno.test("Last-Event-ID goes on after it, without a snapshot", async () => {
  await using server = await tempServer();
  const { ids } = stack(server, 3);
  let last: number;
  {
    await using events = await listen(server);
    last = (await events.snapshot()).id;
  }
  server.store.deployed.updateDeployedContainer(ids[0]!, { imageTag: "1" });
  server.store.deployed.updateDeployedContainer(ids[1]!, { imageTag: "2" });
  await using events = await listen(server, { "last-event-id": String(last) });
  const missed = [await events.change(), await events.change()];
  assertEquals(missed.map(({ items }) => items[0]!.id), [ids[0], ids[1]]);
  server.store.deployed.updateDeployedContainer(ids[2]!, { imageTag: "3" });
  assertEquals((await events.change()).id, last + 3);
  await using none = await listen(server, { "last-event-id": String(last + 3) });
  server.store.deployed.updateDeployedContainer(ids[0]!, { imageTag: "4" });
  assertEquals((await none.change()).id, last + 4);
});

Deno.test("a Last-Event-ID that can't be gone on from brings a new snapshot", async () => {
  await using server = await tempServer({ feed: { history: 4, buffer: 4, startAfter: 1000 } });
  const { ids } = stack(server, 1);
  for (let i = 0; i < 8; i++) {
    server.store.deployed.updateDeployedContainer(ids[0]!, { imageTag: `${i}` });
  }
  const { lastId } = server.feed;
  for (
    const id of [
      // Too long ago, of a run before, from the future, not an id.
      `${lastId - 5}`,
      "3",
      `${lastId + 1}`,
      "9".repeat(16),
      "9".repeat(40),
      "abc",
      "-1",
      "",
    ]
  ) {
    await using events = await listen(server, { "last-event-id": id });
    assertEquals([id, (await events.snapshot()).id], [id, lastId]);
  }
  await using resumed = await listen(server, { "last-event-id": `${lastId - 4}` });
  assertEquals((await resumed.change()).id, lastId - 3);
});

Deno.test("a quiet feed shows that it lives", async () => {
  await using server = await tempServer({ keepaliveMs: 20 });
  const { ids } = stack(server, 1);
  await using events = await listen(server);
  assertEquals((await events.any())!.event, "comment");
  await events.snapshot();
  for (let i = 0; i < 3; i++) {
    assertEquals(await events.any(), { id: null, event: "comment", data: "keepalive" });
  }
  // What is sent is whole, wherever the signs of life fall.
  for (let i = 0; i < 20; i++) {
    server.store.deployed.updateDeployedContainer(ids[0]!, { imageTag: `${i}` });
    assertEquals((await events.change()).items[0]!.imageTag, `${i}`);
    await events.any();
  }
});

Deno.test("GET /api/events says what keeps caches and proxies from holding it back", async () => {
  await using server = await tempServer();
  const response = await server.ask("/api/events");
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  assertEquals(response.headers.get("cache-control"), "no-store, no-transform");
  assertEquals(response.headers.get("x-accel-buffering"), "no");
  assertEquals(response.headers.get("content-encoding"), null);
  await response.body!.cancel();
});

Deno.test("200 clients are told of each change, and leave nothing behind", async () => {
  await using server = await tempServer();
  const { ids } = stack(server, 50);
  const clients = await Promise.all(Array.from({ length: 200 }, () => listen(server)));
  try {
    for (const { ids: seen } of await Promise.all(clients.map((client) => client.snapshot()))) {
      assertEquals(seen, ids);
    }
    assertEquals(server.feed.subscribers, 200);
    const started = performance.now();
    for (let i = 0; i < 5; i++) {
      server.store.deployed.updateDeployedContainer(ids[i]!, { imageTag: "new" });
      const changes = await Promise.all(clients.map((client) => client.change()));
      assertEquals(new Set(changes.map(({ items }) => items[0]!.id)), new Set([ids[i]]));
      const alive = await server.ask("/livez");
      assertEquals(alive.status, 200);
      await alive.body?.cancel();
    }
    assertLess(performance.now() - started, 10_000);
  } finally {
    for (const client of clients) await client[Symbol.asyncDispose]();
  }
  await until("the clients are gone", () => server.feed.subscribers === 0);
});

Deno.test("a client that never reads is dropped; others and the writer do not wait", async () => {
  await using server = await tempServer({ feed: { buffer: 32 } });
  const { ids } = stack(server, 500);
  await using reader = await listen(server);
  await reader.snapshot();
  using idler = await Deno.connect({ transport: "unix", path: server.socketPath });
  await writeAll(idler, "GET /api/events HTTP/1.1\r\nHost: x\r\n\r\n");
  await until("both are subscribed", () => server.feed.subscribers === 2);

  let slowest = 0;
  let changes = 0;
  await until("the idler is dropped", async () => {
    // Each is some 100 kB: what the kernel holds for the idler is soon full.
    const rows = ids.slice(0, 200);
    const workloadId = server.store.views.get(rows[0]!).workloadId;
    const state = changes % 2 === 0 ? "stopped" : "running";
    const started = performance.now();
    passWrites(server.store, rows.map((id) => observed({ id, workloadId, state })), {
      at: T0,
      op: "update",
    });
    slowest = Math.max(slowest, performance.now() - started);
    changes++;
    assertEquals((await reader.change()).items.length, rows.length);
    return server.feed.subscribers === 1;
  }, { withinMs: 30_000 });
  assertGreater(changes, 32);
  assertLess(slowest, 1000);
  // What it had not read is gone; what was on its way ends in the middle of the feed, cleanly.
  const rest = await drain(idler);
  assert(rest.endsWith("\r\n0\r\n\r\n"), JSON.stringify(rest.slice(-100)));
});

Deno.test("a client that stops reading on a quiet index is dropped too", async () => {
  await using server = await tempServer({ keepaliveMs: 30 });
  // More than the kernel and the runtime hold for a client that does not read.
  stack(server, 6000);
  using idler = await Deno.connect({ transport: "unix", path: server.socketPath });
  await writeAll(idler, "GET /api/events HTTP/1.1\r\nHost: x\r\n\r\n");
  await until("it is subscribed", () => server.feed.subscribers === 1);
  await until("the idler is dropped", () => server.feed.subscribers === 0);
});

Deno.test("more clients than the limit are answered 503, until one leaves", async () => {
  await using server = await tempServer({ maxLiveClients: 2 });
  const clients = [await listen(server), await listen(server)];
  for (const client of clients) await client.snapshot();
  const refused = await server.ask("/api/events");
  assertEquals([refused.status, (await refused.json()).code], [503, "too-many-feeds"]);
  await clients.pop()![Symbol.asyncDispose]();
  await until("one is gone", () => server.feed.subscribers === 1);
  clients.push(await listen(server));
  await clients[1]!.snapshot();
  for (const client of clients) await client[Symbol.asyncDispose]();
});

Deno.test("a feed whose store fails ends, is logged, and takes nobody else with it", async () => {
  await using server = await tempServer();
  await using events = await listen(server);
  await events.snapshot();
  server.store.close();
  server.feed.publish({ rows: [{ id: "x", from: null, to: "running", seq: 1 }], all: false });
  assertEquals(await events.next(), null);
  assert(server.logged.some((line) => line.includes("live feed failed")));
  const alive = await server.ask("/livez");
  assertEquals([alive.status, await alive.text()], [200, "ok\n"]);
});

async function listen(
  server: TempServer,
  headers: Record<string, string> = {},
): Promise<EventReader> {
  const response = await server.ask("/api/events", { headers });
  assertEquals(response.status, 200);
  return new EventReader(response);
}

/** A stack of so many running containers; ids in order. */
function stack({ store }: TempServer, count: number) {
  const { entry } = store.registry.create("stack", { name: "shop", composeProjectName: "shop" });
  const { workloadId } = entry;
  const ids = Array.from({ length: count }, (_, i) => `${workloadId}:${10_000 + i}`);
  const rows = ids.map((id) => observed({ id, workloadId, role: id.split(":")[1]! }));
  passWrites(store, rows, { at: T0 });
  return { entry, workloadId, ids };
}

async function drain(connection: Deno.Conn): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65_536);
  let tail = "";
  while (!tail.endsWith("\r\n0\r\n\r\n")) {
    const read = await connection.read(buffer);
    if (read === null) break;
    tail = (tail + decoder.decode(buffer.subarray(0, read), { stream: true })).slice(-1000);
  }
  return tail;
}
