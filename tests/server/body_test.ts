/**
 * Bodies within bounds: size, time, shape.
 *
 * @module
 */

import { assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { readBytes } from "../../src/server/body.ts";
import { ByteBudget } from "../../src/server/byte_budget.ts";
import { readAnswer, writeAll } from "../harness/raw_http.ts";
import { type TempServer, tempServer } from "../harness/temp_server.ts";
import { until } from "../harness/until.ts";

const JSON_TYPE = { "content-type": "application/json" };

Deno.test("a body of 10 MB is refused, announced or not, over TCP and the socket", async () => {
  await using server = await tempServer();
  const before = server.store.version();
  const big = JSON.stringify({ name: "a".repeat(10 << 20) });
  const streamed = () => ReadableStream.from(chunks(big));
  for (const body of [() => big, streamed]) {
    for (const ask of [server.ask, server.askTcp]) {
      const init = { method: "POST", headers: JSON_TYPE, body: body() };
      const response = await ask("/api/projects", init);
      assertEquals(response.status, 413);
      assertEquals((await response.json()).code, "too-large");
    }
  }
  assertEquals(server.store.version(), before);
  assertEquals((await read(server.ask("/livez"))).status, 200);
});

Deno.test("a body of just the limit is read", async () => {
  await using server = await tempServer({ maxBodyBytes: 64 });
  const name = "a".repeat(64 - JSON.stringify({ name: "" }).length);
  assertEquals((await read(server.send("POST", "/api/projects", { name }))).status, 201);
  const over = { name: `${name}b` };
  assertEquals((await read(server.send("POST", "/api/projects", over))).status, 413);
});

Deno.test("a body that does not come is answered 408, and others are served meanwhile", async () => {
  await using server = await tempServer({ bodyTimeoutMs: 100 });
  for (const arrived of ["", '{"name":']) {
    using connection = await Deno.connect({ transport: "unix", path: server.socketPath });
    await writeAll(
      connection,
      "POST /api/projects HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" +
        `Content-Length: 100\r\n\r\n${arrived}`,
    );
    assertEquals((await read(server.ask("/livez"))).status, 200);
    const answer = await readAnswer(connection);
    assertEquals(answer.status, 408);
    assertEquals(JSON.parse(answer.body).code, "request-timeout");
  }
});

Deno.test("a body that comes a byte at a time gets no more time than another", async () => {
  await using server = await tempServer({ bodyTimeoutMs: 200 });
  using connection = await Deno.connect({ transport: "unix", path: server.socketPath });
  await writeAll(
    connection,
    "POST /api/projects HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" +
      "Transfer-Encoding: chunked\r\n\r\n",
  );
  const started = performance.now();
  let answered = false;
  const answer = readAnswer(connection).finally(() => answered = true);
  await until("it is answered", async () => {
    if (!answered) await writeAll(connection, "1\r\n \r\n");
    return answered;
  });
  assertEquals((await answer).status, 408);
  assertLess(performance.now() - started, 2000);
});

Deno.test("a client that leaves in the middle of its body is no fault of ours", async () => {
  await using server = await tempServer();
  const connection = await Deno.connect({ transport: "unix", path: server.socketPath });
  await writeAll(
    connection,
    "POST /api/projects HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" +
      'Content-Length: 100\r\n\r\n{"name":',
  );
  connection.close();
  await until(
    "it is logged",
    () => server.logged.some((line) => line.includes('"/api/projects"')),
  );
  assertEquals(server.logged.filter((line) => line.includes('"error"')), []);
});

Deno.test("readBytes() leaves a body alone that is said to be empty", async () => {
  const limits = {
    maxBytes: 10,
    timeoutMs: 1000,
    signal: new AbortController().signal,
    budget: new ByteBudget(10),
  };
  for (const [length, used] of [["0", false], ["2", true]] as const) {
    const request = new Request("http://localhost/", {
      method: "POST",
      headers: { "content-length": length },
      body: "{}".slice(0, Number(length)),
    });
    assertEquals((await readBytes(request, limits)).length, Number(length));
    assertEquals(request.bodyUsed, used);
  }
});

Deno.test("what is not JSON, not UTF-8, not said to be JSON or not there is refused", async () => {
  await using server = await tempServer();
  const before = server.store.version();
  const post = (body: BodyInit | null, headers: Record<string, string> = JSON_TYPE) =>
    problem(server.ask("/api/projects", { method: "POST", headers, body }));
  assertEquals(await post('{"name":'), [400, "malformed"]);
  assertEquals(await post(""), [400, "malformed"]);
  assertEquals(await post(null), [400, "malformed"]);
  assertEquals(await post(new Uint8Array([0x22, 0xff, 0x22])), [400, "malformed"]);
  assertEquals(await post('{"name":"a"}', {}), [415, "unsupported-media-type"]);
  assertEquals(
    await post("name=a", { "content-type": "application/x-www-form-urlencoded" }),
    [415, "unsupported-media-type"],
  );
  assertEquals(
    await post('{"name":"a"}', { "content-type": "text/plain" }),
    [415, "unsupported-media-type"],
  );
  for (const json of ["null", "[]", '"a"', "1", '{"name":null}', '{"name":{"toString":1}}']) {
    assertEquals([json, await post(json)], [json, [422, "invalid"]]);
  }
  assertEquals(server.store.version(), before);
});

Deno.test("a JSON body may say its encoding", async () => {
  await using server = await tempServer();
  const headers = { "content-type": "application/json; charset=utf-8" };
  const init = { method: "POST", headers, body: '{"name":"Grüße"}' };
  const response = await server.ask("/api/projects", init);
  assertEquals((await response.json()).name, "Grüße");
});

Deno.test("unknown fields and parameters are errors that name them", async () => {
  await using server = await tempServer();
  const before = server.store.version();
  const body = { name: "app", subdomain: "x", constructor: 1 };
  const response = await server.send("POST", "/api/projects", body);
  assertEquals(response.status, 422);
  const { errors, detail } = await response.json();
  assertEquals(errors, [
    { path: "subdomain", message: "Unknown field" },
    { path: "constructor", message: "Unknown field" },
  ]);
  assertStringIncludes(detail, '"subdomain": Unknown field');
  const query = await server.ask("/api/containers?kind=pod&page=2&limit=many");
  assertEquals(
    ((await query.json()).errors as { path: string }[]).map(({ path }) => path).sort(),
    ["kind", "limit", "page"],
  );
  const proto = await server.ask("/api/projects", {
    method: "POST",
    headers: JSON_TYPE,
    body: '{"name":"app","__proto__":{"admin":true}}',
  });
  assertEquals((await proto.json()).errors, [{ path: "__proto__", message: "Unknown field" }]);
  assertEquals(server.store.version(), before);
});

Deno.test("a number in a query is decimal digits and nothing else", async () => {
  await using server = await tempServer();
  const limit = (value: string) => problem(server.ask(`/api/containers?limit=${value}`));
  for (
    const wrong of [
      "0x10",
      "1e3",
      "5.0",
      "+5",
      "%205",
      "5%20",
      "05",
      "",
      "-1",
      "0",
      "10001",
      "Infinity",
      "0b1",
      "٥",
    ]
  ) {
    assertEquals([wrong, ...await limit(wrong)], [wrong, 422, "invalid"]);
  }
  assertEquals((await read(server.ask("/api/containers?limit=10"))).status, 200);
  assertEquals((await read(server.ask("/api/containers?limit=10000"))).status, 200);
});

Deno.test("an answer about unknown fields is short, however many and long they are", async () => {
  await using server = await tempServer();
  const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`field-${i}`, i]));
  for (const body of [many, { ["long".repeat(50_000)]: 1 }]) {
    const response = await server.send("POST", "/api/projects", { name: "app", ...body });
    assertEquals(response.status, 422);
    assertLess((await response.text()).length, 4096);
  }
});

Deno.test("a route without a body takes an empty one and no other", async () => {
  await using server = await tempServer();
  const post = (body: string) => server.ask("/api/reconcile", { method: "POST", body });
  assertEquals((await read(post(""))).status, 200);
  assertEquals((await read(post("{}\n"))).status, 200);
  assertEquals(await problem(post('{"force":true}')), [422, "invalid"]);
});

async function read(answer: Promise<Response>): ReturnType<TempServer["ask"]> {
  const response = await answer;
  await response.body?.cancel();
  return response;
}

async function problem(answer: Promise<Response>): Promise<[number, string]> {
  const response = await answer;
  return [response.status, (await response.json()).code];
}

function* chunks(text: string): Generator<Uint8Array<ArrayBuffer>> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.slice(at, at + 65_536);
}
