/**
 * That every change has its author: who, how, from where, what; with it or not at all.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import type { Role } from "../../src/model/role.ts";
import { type TempServer, tempServer, TOKEN } from "../harness/temp_server.ts";
import { tempStore } from "../harness/temp_store.ts";

const json = { "content-type": "application/json" };

function newest({ store }: TempServer) {
  return store.audit.newest({ before: null, limit: 100 });
}

Deno.test("audit names who made each change: token, session, socket, webhook, command", async () => {
  await using server = await tempServer();
  const { store, port } = server;
  const url = `http://127.0.0.1:${port}`;
  const { secret } = store.tokens.add({ name: "ci", role: "admin", expiresAt: null });
  const post = async (headers: Record<string, string>, path: string, body?: unknown) => {
    const response = await fetch(`${url}${path}`, {
      method: "POST",
      headers: { ...json, ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    assert(response.ok, `${path} ${response.status}`);
    return { response, body: await response.json() };
  };
  await post({ authorization: `Bearer ${TOKEN}` }, "/api/projects", { name: "one" });
  await post({ authorization: `Bearer ${secret}` }, "/api/projects", { name: "two" });
  const { response } = await post({}, "/api/session", { token: secret });
  const cookie = response.headers.get("set-cookie")!.split(";")[0]!;
  const { body } = await post({ cookie, origin: url }, "/api/projects", { name: "three" });
  await (await server.send("POST", "/api/projects", { name: "four" })).body?.cancel();
  const inside = await server.app.request("/api/projects", {
    method: "POST",
    headers: json,
    body: JSON.stringify({ name: "five" }),
  });
  await inside.body?.cancel();
  await post({}, `/hooks/${body.secret}`);

  const found = newest(server).toReversed().map(({ who, via, remote, action, path, details }) => [
    via,
    who.replace(/^\S+ \(uid \d+\)$/, "user"),
    remote,
    action,
    path,
    details["name"] ?? null,
  ]);
  const projects = ["POST /api/projects", "/api/projects"];
  assertEquals(found, [
    ["token", "token file", "127.0.0.1", ...projects, "one"],
    ["token", "ci", "127.0.0.1", ...projects, "two"],
    ["session", "ci", "127.0.0.1", "POST /api/session", "/api/session", null],
    ["session", "ci", "127.0.0.1", ...projects, "three"],
    ["socket", "user", null, ...projects, "four"],
    ["command", "user", null, ...projects, "five"],
    ["webhook", "project/three", "127.0.0.1", "POST /hooks/{secret}", "/hooks/{secret}", null],
  ]);
  const socket = newest(server).find(({ via }) => via === "socket")!;
  assertMatch(socket.who, new RegExp(`\\(uid ${Deno.uid()}\\)$`));
});

Deno.test("/api/history tells admins who changed what, and nobody else", async () => {
  await using server = await tempServer();
  const { store, port } = server;
  await (await server.send("POST", "/api/projects", { name: "app" })).body?.cancel();
  const history = async (role: Role, query = "") => {
    const { secret } = store.tokens.add({ name: role, role, expiresAt: null });
    const response = await fetch(`http://127.0.0.1:${port}/api/history${query}`, {
      headers: { authorization: `Bearer ${secret}` },
    });
    return (await response.json()).items;
  };
  const [{ what, at, audit }, ...others] = await history("admin");
  assertEquals([what, others], ["audit", []]);
  assertEquals({ seq: 1, at, ...audit }, newest(server)[0]);
  assertEquals(await history("deploy"), []);
  assertEquals(await history("read", "?audit=true"), []);
  const asked = await (await server.ask("/api/history?audit=false")).json();
  assertEquals(asked.items, []);
});

Deno.test("audit keeps no secret of a request", async () => {
  await using server = await tempServer();
  const { secret } = server.store.registry.create("site", { name: "blog" });
  const hook = await server.ask(`/hooks/${secret}`, { method: "POST" });
  await hook.body?.cancel();
  const channel = await server.send("POST", "/api/channels", {
    name: "ops",
    url: "ntfys://ntfy.sh/T0P-SECRET",
    secret: "T0P-SECRET",
  });
  assertEquals(channel.status, 201, await channel.text());
  await fetch(`http://127.0.0.1:${server.port}/api/session`, {
    method: "POST",
    headers: json,
    body: JSON.stringify({ token: TOKEN }),
  }).then((response) => response.body?.cancel());
  const made = await (await server.send("POST", "/api/tokens", { name: "t", role: "read" })).json();
  assertEquals(newest(server).length, 4);
  const text = JSON.stringify(newest(server));
  for (const hidden of [secret, "T0P-SECRET", TOKEN, made.token]) assert(!text.includes(hidden));
});

Deno.test("audit has no entry of what was refused or read", async () => {
  await using server = await tempServer();
  for (
    const [method, path, body] of [
      ["GET", "/api/projects"],
      ["POST", "/api/projects", { name: "a/b" }],
      ["POST", "/api/projects", {}],
      ["DELETE", "/api/projects/none"],
      ["PUT", "/api/projects"],
      ["POST", `/hooks/${"A".repeat(43)}`],
    ] as const
  ) await (await server.send(method, path, body)).body?.cancel();
  await fetch(`http://127.0.0.1:${server.port}/api/projects`, { method: "POST" })
    .then((response) => response.body?.cancel());
  assertEquals(newest(server), []);
});

Deno.test("an entry is in its change's own transaction: neither is kept without the other", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const entry = {
    ...{ who: "ci", via: "token", remote: null, action: "POST /api/projects" } as const,
    ...{ path: "/api/projects", details: {} },
  };
  let due = true;
  store.audit.attribute(() => due ? { entry, done: () => void (due = false) } : null);
  store.registry.create("project", { name: "app" });
  assertEquals(store.audit.newest({ before: null, limit: 9 }).map(({ who }) => who), ["ci"]);

  // The change fails: no entry, and it is still due.
  due = true;
  assertThrows(() => store.registry.create("project", { name: "app" }));
  assertEquals([store.audit.newest({ before: null, limit: 9 }).length, due], [1, true]);

  // The entry fails: no change.
  const broken = { ...entry, via: "nobody" as "token" };
  store.audit.attribute(() => ({ entry: broken, done: () => {} }));
  assertThrows(() => store.registry.create("project", { name: "other" }));
  assertEquals(store.registry.list("project").map(({ name }) => name), ["app"]);

  // Nothing changed: nothing to tell.
  store.audit.attribute(() => ({ entry, done: () => {} }));
  store.hosts.acceptEngine();
  assertEquals(store.audit.newest({ before: null, limit: 9 }).length, 1);
});

Deno.test("what goes on after a request is not its doing", async () => {
  const late = Promise.withResolvers<void>();
  const wrote = Promise.withResolvers<void>();
  await using server = await tempServer({
    reconcileNow: () => {
      late.promise.then(() => {
        server.store.registry.create("project", { name: "by-itself" });
        wrote.resolve();
      });
      return Promise.reject(new Error("the pass failed"));
    },
  });
  const response = await server.send("POST", "/api/reconcile");
  assertEquals(response.status, 502);
  await response.body?.cancel();
  late.resolve();
  await wrote.promise;
  assertEquals(newest(server), []);
});

Deno.test("audit keeps the newest entries", async () => {
  await using temp = await tempStore();
  const { audit } = temp.store;
  const entry = {
    who: "ci",
    via: "token",
    remote: null,
    action: "a",
    path: "/",
    details: {},
  } as const;
  for (let i = 0; i < 10_010; i++) audit.add(entry);
  const oldest = audit.since(0, { limit: 1 })[0]!.seq;
  assertEquals([oldest, audit.newest({ before: null, limit: 1 })[0]!.seq], [11, 10_010]);
});

Deno.test("/api/audit is read from the newest back, and from a place on", async () => {
  await using server = await tempServer();
  for (const name of ["a", "b", "c", "d"]) {
    await (await server.send("POST", "/api/projects", { name })).body?.cancel();
  }
  const page = async (query: string) => {
    const { items, next } = await (await server.ask(`/api/audit?${query}`)).json();
    return [items.map((each: { details: { name: string } }) => each.details.name).join(""), next];
  };
  assertEquals(await page("limit=3"), ["dcb", 2]);
  assertEquals(await page("limit=3&before=2"), ["a", null]);
  assertEquals(await page("since=1&limit=2"), ["bc", 3]);
  assertEquals(await page("since=3"), ["d", null]);
  assertEquals(await page("since=4"), ["", null]);
});
