import {
  assert,
  assertEquals,
  assertLess,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { DockerClient } from "../../src/docker/client.ts";
import { hintFor } from "../../src/cli/words.ts";
import { type EngineCode, Failure } from "../../src/failure.ts";
import { parseDockerHost } from "../../src/docker_host.ts";
import { run } from "../engines/run.ts";
import { freePort } from "../harness/free_port.ts";
import { until } from "../harness/until.ts";
import { FakeEngine } from "../engines/scripted.ts";
import { randomId } from "../engines/scripted_container.ts";
import type { Fault } from "../engines/scripted_fault.ts";

/** A client of the Engine that also tells what it observed. */
function connect(
  engine: { host: { kind: "unix"; path: string } },
  options: { timeoutMs?: number; maxBytes?: number } = {},
) {
  const observed: string[] = [];
  const client = new DockerClient({
    host: engine.host,
    timeoutMs: 5000,
    ...options,
    observe: (endpoint, outcome) => observed.push(`${endpoint} ${outcome}`),
  });
  return Object.assign(client, { observed });
}

async function failure(promise: Promise<unknown>): Promise<Failure> {
  const error = await assertRejects(() => promise, Failure);
  assert(hintFor(error).length > 0, "an error without a hint");
  return error;
}

Deno.test("DockerClient.list() lists every container", async () => {
  await using engine = await FakeEngine.start();
  const [a, b] = [engine.add({ name: "a" }), engine.add({ name: "b", state: "exited" })];
  using client = connect(engine);
  const listing = await client.list();
  assertEquals(listing.scope, "all");
  assertEquals(listing.containers.map(({ id }) => id), [a.id, b.id]);
  assertEquals(engine.requests.at(-1)!.target, "/v1.41/containers/json?all=1");
});

Deno.test("DockerClient.list() of ids reads exactly those", async () => {
  await using engine = await FakeEngine.start();
  const wanted = engine.add();
  engine.add();
  // The Engine matches by prefix, so this one comes along unasked.
  engine.add({ id: wanted.id.slice(0, 32) + randomId().slice(0, 32) });
  const gone = randomId();
  const prefix = wanted.id.slice(0, 32);
  using client = connect(engine);
  const listing = await client.list({ ids: [wanted.id, gone, prefix, wanted.id] });
  assertEquals(listing.scope, new Set([wanted.id, gone, prefix]));
  assertEquals(listing.containers.map(({ id }) => id), [wanted.id]);
  assertEquals(engine.requests.at(-1)!.ids, [wanted.id, gone, prefix]);
  assertEquals(client.observed.at(-1), "list_ids ok");
});

Deno.test("DockerClient.list() of no ids asks nothing", async () => {
  await using engine = await FakeEngine.start();
  engine.add();
  using client = connect(engine);
  assertEquals(await client.list({ ids: [] }), { scope: new Set<string>(), containers: [] });
  assertEquals(engine.count(), 0);
});

Deno.test("DockerClient.list() reads a large answer that comes in pieces", async () => {
  await using engine = await FakeEngine.start();
  engine.emitting = false;
  for (let i = 0; i < 3000; i++) engine.add({ labels: { text: "größe 🚀 ".repeat(40) } });
  engine.fail("list", { kind: "slow", pieces: 50, everyMs: 1 });
  using client = connect(engine);
  const { containers } = await client.list();
  assertEquals(containers.length, 3000);
  assertEquals(containers[2999]!.labels, { text: "größe 🚀 ".repeat(40) });
});

const FAULTS: [string, Fault, EngineCode, string][] = [
  [
    "an error status",
    { kind: "status", status: 500, message: 'driver "overlay2" failed' },
    "engine-http",
    'the Engine answered 500: "driver \\"overlay2\\" failed"',
  ],
  [
    "an error that is no JSON",
    { kind: "status", status: 503, body: "upstream\nis away\n" },
    "engine-http",
    'the Engine answered 503: "upstream\\nis away"',
  ],
  [
    "an error without a body",
    { kind: "status", status: 502, body: "" },
    "engine-http",
    "answered 502",
  ],
  [
    "a redirect",
    { kind: "status", status: 301, body: "" },
    "engine-http",
    "the Engine answered 301",
  ],
  [
    "no content",
    { kind: "status", status: 204, body: "" },
    "engine-http",
    "the Engine answered 204",
  ],
  ["truncated JSON", { kind: "body", body: '[{"Id":"a' }, "engine-malformed", "is not valid JSON"],
  ["an empty body", { kind: "body", body: "" }, "engine-malformed", "is not valid JSON"],
  [
    "another type",
    { kind: "edit", edit: () => ({}) },
    "engine-malformed",
    "not a list of containers",
  ],
  [
    "a container without id",
    { kind: "edit", edit: (all) => (all as { Id?: string }[]).map(({ Id: _, ...rest }) => rest) },
    "engine-malformed",
    'container 0 ("/container-1") has no Id',
  ],
  ["a closed connection", { kind: "cut" }, "engine-connection", "connection closed before message"],
  ["a cut body", { kind: "cut", at: "body" }, "engine-connection", "error reading a body"],
  [
    "another protocol",
    { kind: "raw", bytes: "SSH-2.0-x\r\n\r\n" },
    "engine-malformed",
    "invalid HTTP",
  ],
];

for (const [what, fault, code, message] of FAULTS) {
  Deno.test(`DockerClient.list() fails on ${what}, and recovers`, async () => {
    await using engine = await FakeEngine.start();
    engine.add();
    using client = connect(engine);
    engine.fail("list", fault);
    const error = await failure(client.list());
    assertEquals(error.code, code);
    assertStringIncludes(error.message, "Cannot list containers: ");
    assertStringIncludes(error.message, message);
    assertEquals(error.data, {
      endpoint: "list",
      ...(fault.kind === "status" && { status: fault.status }),
      ...(code === "engine-connection" && { tls: false }),
    });
    assertEquals(client.observed.at(-1), `list ${code.slice("engine-".length)}`);
    engine.heal();
    assertEquals((await client.list()).containers.length, 1);
  });
}

for (const at of ["head", "body"] as const) {
  Deno.test(`DockerClient.list() waits for an Engine that hung before the ${at}'s end`, async () => {
    await using engine = await FakeEngine.start();
    const { id } = engine.add();
    using client = connect(engine);
    engine.fail("list", { kind: "hang", at });
    const listing = client.list();
    await until("it is asked", () => engine.count("list") === 1);
    engine.heal();
    assertEquals((await listing).containers.map((container) => container.id), [id]);
  });
}

Deno.test("DockerClient.list() bounds what it quotes of an error", async () => {
  await using engine = await FakeEngine.start();
  using client = connect(engine);
  engine.fail("list", { kind: "status", status: 500, message: "x".repeat(50_000) });
  assertLess((await failure(client.list())).message.length, 1000);
  engine.fail("list", { kind: "status", status: 500, body: "y".repeat(1_000_000) });
  assertLess((await failure(client.list())).message.length, 1000);
  engine.fail("list", { kind: "status", status: 500, message: "\x1b[2J\x9b2Jowned" });
  assertStringIncludes((await failure(client.list())).message, '"\\u001b[2J\\u009b2Jowned"');
});

const HANGS: [string, Fault][] = [
  ["does not answer", { kind: "hang" }],
  ["stops within the body", { kind: "hang", at: "body" }],
  ["trickles", { kind: "slow", pieces: 1000, everyMs: 20 }],
];

for (const [what, fault] of HANGS) {
  Deno.test(`DockerClient.list() keeps its deadline when the Engine ${what}`, async () => {
    await using engine = await FakeEngine.start();
    for (let i = 0; i < 5; i++) engine.add();
    using client = connect(engine, { timeoutMs: 100 });
    await client.version();
    engine.fail("list", fault);
    const error = await failure(client.list());
    assertEquals(error.code, "engine-timeout");
    assertStringIncludes(error.message, "no complete answer within 0.1 s");
    assertEquals(client.observed.at(-1), "list timeout");
    const own = await failure(client.list({ timeoutMs: 30 }));
    assertStringIncludes(own.message, "within 0.03 s");
    engine.heal();
    assertEquals((await client.list()).containers.length, 5);
  });

  Deno.test(`DockerClient.list() throws the signal's reason when the Engine ${what}`, async () => {
    await using engine = await FakeEngine.start();
    for (let i = 0; i < 5; i++) engine.add();
    using client = connect(engine);
    await client.version();
    engine.fail("list", fault);
    const controller = new AbortController();
    const reason = new Error("the caller's own");
    const listing = client.list({ signal: controller.signal });
    await until("the Engine is asked", () => engine.count("list") === 1);
    controller.abort(reason);
    assertEquals(await listing.then(() => null, (error) => error), reason);
    assertEquals(client.observed.at(-1), "list aborted");
    engine.heal();
    assertEquals((await client.list()).containers.length, 5);
  });
}

Deno.test("DockerClient.list() says that a file or a directory is not a socket", async () => {
  for (const path of [import.meta.filename!, import.meta.dirname!]) {
    using client = new DockerClient({ host: { kind: "unix", path } });
    const error = await failure(client.list());
    assertEquals(error.code, "engine-no-socket");
    assertEquals(error.message, `Cannot list containers: what is at "${path}" is not a socket`);
  }
});

Deno.test("DockerClient.list() tells which sockets were looked for before", async () => {
  const rejected = [{ at: "/run/docker.sock", why: "permission denied" }];
  using client = new DockerClient({ host: { kind: "unix", path: "/nowhere.sock", rejected } });
  const error = await failure(client.list());
  assertEquals(error.data, { endpoint: "list", rejected });
  assertStringIncludes(hintFor(error), "; looked for /run/docker.sock (permission denied)");
});

Deno.test("DockerClient.list() with an aborted signal asks nothing", async () => {
  await using engine = await FakeEngine.start();
  using client = connect(engine);
  const error = await assertRejects(() => client.list({ signal: AbortSignal.abort() }));
  assert(error instanceof DOMException);
  assertEquals(error.name, "AbortError");
  assertEquals(engine.count(), 0);
});

Deno.test("DockerClient.list() leaves nothing behind on a signal that lives long", async () => {
  await using engine = await FakeEngine.start();
  using client = connect(engine);
  const { signal } = new AbortController();
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args));
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove(...args);
  };
  for (let i = 0; i < 5; i++) await client.list({ signal });
  engine.fail("list", { kind: "cut" });
  await failure(client.list({ signal }));
  assertEquals(listeners, 0);
});

Deno.test("DockerClient tells a socket that is not there", async () => {
  await using engine = await FakeEngine.start();
  engine.down();
  using client = connect(engine);
  const error = await failure(client.list());
  assertEquals(error.code, "engine-no-socket");
  assertStringIncludes(
    error.message,
    `Cannot list containers: there is no socket at "${engine.path}"`,
  );
  assertStringIncludes(hintFor(error), "--docker-host");
  using below = new DockerClient({ host: { kind: "unix", path: `${import.meta.filename}/x` } });
  assertEquals((await failure(below.list())).code, "engine-no-socket");
});

Deno.test("DockerClient tells a socket that nobody listens on", async () => {
  await using engine = await FakeEngine.start();
  await engine.down({ leaveSocket: true });
  using client = connect(engine);
  const error = await failure(client.list());
  assertEquals(error.code, "engine-refused");
  assertStringIncludes(error.message, `nothing listens on "${engine.path}"`);
});

Deno.test("DockerClient tells a TCP port that nobody listens on", async () => {
  const port = freePort();
  using client = new DockerClient({ host: parseDockerHost(`tcp://127.0.0.1:${port}`) });
  const error = await failure(client.list());
  assertEquals(error.code, "engine-refused");
  assertStringIncludes(error.message, `http://127.0.0.1:${port}`);
});

Deno.test("DockerClient tells a host name that nobody knows", async () => {
  using client = new DockerClient({ host: parseDockerHost("tcp://engine.invalid") });
  assertEquals((await failure(client.list())).code, "engine-connection");
});

/** Starts `list_once.ts` with these rights; as root without the right to open everything. */
async function listOnce(address: string, rights: string[]): Promise<Record<string, string>> {
  const deno = [Deno.execPath(), "run", "--quiet", "--no-prompt", "--allow-env", ...rights];
  const program = `${import.meta.dirname}/list_once.ts`;
  const command = Deno.uid() === 0
    ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search", ...deno]
    : deno;
  return JSON.parse(await run(command[0]!, [...command.slice(1), program, address]));
}

Deno.test("DockerClient tells a socket that this user may not open", async () => {
  await using engine = await FakeEngine.start();
  await Deno.chmod(engine.path, 0);
  if (Deno.uid() === 0) await Deno.chown(engine.path, 65534, 65534);
  const address = `unix://${engine.path}`;
  const error = await listOnce(address, ["--allow-net", "--allow-read", "--allow-write"]);
  assertEquals(error["code"], "engine-permission");
  assertStringIncludes(error["message"]!, `permission denied on "${engine.path}"`);
  assertStringIncludes(error["hint"]!, "docker group");
});

Deno.test("DockerClient tells a right that this program was not given", async () => {
  await using engine = await FakeEngine.start();
  const error = await listOnce(`unix://${engine.path}`, []);
  assertEquals(error["code"], "engine-permission");
  assertStringIncludes(error["hint"]!, "--allow-net");
});

Deno.test("DockerClient needs no more rights than for its socket", async () => {
  await using engine = await FakeEngine.start();
  // Deno 2.9 asks for the socket by its path too; before, it could not be named.
  const [, minor = 0] = Deno.version.deno.split(".").map(Number);
  const socket = minor >= 9 ? `unix:${engine.path},` : "";
  const result = await listOnce(`unix://${engine.path}`, [
    `--allow-net=${socket}127.0.0.1:80`,
    `--allow-read=${engine.path}`,
    `--allow-write=${engine.path}`,
  ]);
  assertEquals<unknown>(result, { count: 0 });
});

Deno.test("DockerClient agrees on a version once and keeps it", async () => {
  await using engine = await FakeEngine.start();
  using client = connect(engine);
  await client.list();
  await client.list();
  await client.engineId();
  assertEquals(client.observed, ["ping ok", "version ok", "list ok", "list ok", "info ok"]);
  assertEquals(await client.version(), {
    apiVersion: "1.41",
    engineApiVersion: "1.41",
    engineMinApiVersion: "1.12",
    engineVersion: "20.10.24",
    kind: "docker",
  });
});

Deno.test("DockerClient speaks no newer version than it knows", async () => {
  await using engine = await FakeEngine.start({ apiVersion: "1.99", minApiVersion: "1.44" });
  using client = connect(engine);
  await client.list();
  assertMatch(engine.requests.at(-1)!.target, /^\/v1\.54\//);
});

Deno.test("DockerClient tells an Engine that is too new or too old", async () => {
  await using engine = await FakeEngine.start({ apiVersion: "1.99", minApiVersion: "1.70" });
  using client = connect(engine);
  const young = await failure(client.list());
  assertEquals(young.code, "engine-api-version");
  assertStringIncludes(
    young.message,
    "Cannot list containers: the Engine speaks API 1.70 at least",
  );
  engine.apiVersion = "1.20";
  engine.minApiVersion = "1.12";
  const old = await failure(client.list());
  assertEquals(old.code, "engine-api-version");
  assertStringIncludes(old.message, "the Engine speaks API 1.20 at most");
});

Deno.test("DockerClient agrees anew when another Engine answers", async () => {
  await using engine = await FakeEngine.start({ apiVersion: "1.54", minApiVersion: "1.44" });
  using client = connect(engine);
  await client.list();
  // Behind the same connection, as a proxy would do it.
  engine.apiVersion = "1.41";
  engine.minApiVersion = "1.12";
  await client.list();
  assertMatch(engine.requests.at(-1)!.target, /^\/v1\.41\//);
});

Deno.test("DockerClient agrees anew after the connection failed", async () => {
  await using engine = await FakeEngine.start({ apiVersion: "1.50" });
  using client = connect(engine);
  await client.list();
  engine.down();
  await failure(client.list());
  engine.apiVersion = "1.41";
  engine.up();
  await client.list();
  assertMatch(engine.requests.at(-1)!.target, /^\/v1\.41\//);
});

Deno.test("DockerClient survives a restart of the Engine between two requests", async () => {
  await using engine = await FakeEngine.start();
  using client = connect(engine);
  for (let i = 0; i < 5; i++) {
    await client.list();
    engine.restart();
  }
  assertEquals((await client.list()).containers, []);
});

Deno.test("DockerClient says what it wanted when agreeing failed", async () => {
  await using engine = await FakeEngine.start();
  using client = connect(engine);
  engine.fail("version", { kind: "status", status: 500, message: "boom" });
  const error = await failure(client.engineId());
  assertEquals(error.data, { endpoint: "info", status: 500 });
  assertStringIncludes(
    error.message,
    'Cannot read the Engine\'s id: the Engine answered 500: "boom"',
  );
  assertEquals(client.observed, ["ping ok", "version http"]);
});

Deno.test("DockerClient.engineId() reads Docker's id and a stable one of Podman", async () => {
  await using docker = await FakeEngine.start({ id: "Y5M6:CVGB" });
  using client = connect(docker);
  assertEquals(await client.engineId(), "Y5M6:CVGB at /var/lib/fake on fake-host");
  docker.restart({ id: "OTHR:ENGN" });
  assertEquals(await client.engineId(), "OTHR:ENGN at /var/lib/fake on fake-host");
  await using podman = await FakeEngine.start({ kind: "podman", id: "vm" });
  using other = connect(podman);
  assertEquals(await other.engineId(), "podman:vm:/var/lib/fake");
  assertEquals(await other.engineId(), "podman:vm:/var/lib/fake");
});

Deno.test("DockerClient.ping() tells whether the Engine answers", async () => {
  await using engine = await FakeEngine.start();
  using client = connect(engine);
  await client.ping();
  assertEquals(engine.count(), 1);
  engine.freeze();
  assertEquals((await failure(client.ping({ timeoutMs: 50 }))).code, "engine-timeout");
  engine.thaw();
  await client.ping();
});

Deno.test("DockerClient.close() ends what is under way and refuses more", async () => {
  await using engine = await FakeEngine.start();
  const client = connect(engine);
  engine.fail("list", { kind: "hang" });
  const listing = client.list();
  await until("the Engine is asked", () => engine.count("list") === 1);
  client.close();
  client.close();
  for (const ask of [() => listing, () => client.list(), () => client.ping()]) {
    const error = await assertRejects(ask);
    assert(error instanceof DOMException);
    assertEquals(error.name, "AbortError");
  }
  engine.heal();
});

Deno.test("DockerClient asks several things at once", async () => {
  await using engine = await FakeEngine.start();
  const container = engine.add();
  using client = connect(engine);
  const answers = await Promise.all([
    client.list(),
    client.list({ ids: [container.id] }),
    client.engineId(),
    client.version(),
    client.ping(),
  ]);
  assertEquals(answers[0].containers, answers[1].containers);
  assertEquals(answers[2], `${engine.id} at /var/lib/fake on fake-host`);
});

Deno.test("DockerClient.list() reads no answer that is too long, of all or of some", async () => {
  await using engine = await FakeEngine.start();
  const { id } = engine.add({ labels: { label: "x".repeat(2000) } });
  using client = connect(engine, { maxBytes: 1000 });
  for (const options of [{}, { ids: [id] }]) {
    const error = await failure(client.list(options));
    assertEquals(error.code, "engine-malformed");
    assertStringIncludes(error.message, "the answer is longer than 1000 bytes");
  }
  using generous = connect(engine, { maxBytes: 10_000 });
  assertEquals((await generous.list()).containers.length, 1);
  assertEquals((await generous.list({ ids: [id] })).containers.length, 1);
});

/** An Engine that answers as told, where bytes matter. */
async function serve(answer: (path: string) => Response) {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/docker.sock`;
  const server = Deno.serve({ path, onListen() {} }, (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/_ping") return new Response("OK", { headers: { "api-version": "1.41" } });
    if (pathname === "/version") return Response.json({ ApiVersion: "1.41" });
    return answer(pathname);
  });
  return {
    host: { kind: "unix" as const, path },
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

/** A listing that unfolds to so many bytes. */
async function bomb(bytes: number): Promise<ArrayBuffer> {
  const piece = new Uint8Array(1_000_000).fill(0x20);
  const body = ReadableStream.from(function* () {
    for (let sent = 0; sent < bytes; sent += piece.length) yield piece;
    yield new TextEncoder().encode("[]");
  }());
  return await new Response(body.pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
}

Deno.test("DockerClient.list() bounds what an answer unfolds to", async () => {
  const body = await bomb(20_000_000);
  const headers = { "content-encoding": "gzip" };
  await using engine = await serve(() => new Response(body, { headers }));
  using client = connect(engine, { maxBytes: 10_000_000 });
  assertStringIncludes((await failure(client.list())).message, "longer than 10000000 bytes");
  using generous = connect(engine, { maxBytes: 30_000_000 });
  assertEquals((await generous.list()).containers, []);
});

Deno.test("DockerClient.list() keeps its deadline while an answer unfolds", async () => {
  const body = await bomb(240_000_000);
  const headers = { "content-encoding": "gzip" };
  await using engine = await serve(() => new Response(body, { headers }));
  using client = connect(engine);
  await client.version();
  const begin = performance.now();
  const error = await failure(client.list({ timeoutMs: 100 }));
  const took = performance.now() - begin;
  assertEquals(error.code, "engine-timeout");
  assertLess(took, 1000);
});

Deno.test("DockerClient.list() follows no redirect", async () => {
  const asked: string[] = [];
  await using engine = await serve((path) => {
    asked.push(path);
    return path === "/elsewhere"
      ? Response.json([])
      : new Response(null, { status: 307, headers: { location: "/elsewhere" } });
  });
  using client = connect(engine);
  const error = await failure(client.list());
  assertEquals([error.code, error.data], ["engine-http", { endpoint: "list", status: 307 }]);
  assertEquals(asked, ["/v1.41/containers/json"]);
});

Deno.test("DockerClient agrees anew after a lost connection, though the old version would do", async () => {
  await using engine = await FakeEngine.start({ apiVersion: "1.41" });
  using client = connect(engine);
  await client.list();
  engine.down();
  await failure(client.list());
  engine.apiVersion = "1.50";
  engine.up();
  await client.list();
  assertMatch(engine.requests.at(-1)!.target, /^\/v1\.50\//);
});

const FORBIDDEN: Fault = { kind: "status", status: 403, body: "<h1>403 Forbidden</h1>" };

Deno.test("DockerClient says what a socket proxy forbids, and what to allow", async () => {
  await using engine = await FakeEngine.start();
  using client = connect(engine);
  for (
    const [endpoint, ask, path, section] of [
      ["list", () => client.list(), "/containers/json", "CONTAINERS"],
      ["list_ids", () => client.list({ ids: [randomId()] }), "/containers/json", "CONTAINERS"],
      ["info", () => client.engineId(), "/info", "INFO"],
      ["events", () => client.events().next(), "/events", "EVENTS"],
      ["ping", () => client.ping(), "/_ping", "PING"],
    ] as const
  ) {
    engine.fail(endpoint, FORBIDDEN, 1);
    const error = await failure(ask());
    assertEquals([error.code, error.data], ["engine-http", {
      endpoint,
      status: 403,
      forbids: path,
    }]);
    assertStringIncludes(error.message, `a proxy in front of the Engine forbids GET ${path}, it`);
    assertEquals(
      hintFor(error),
      `allow GET ${path} in that proxy (docker-socket-proxy: ${section}=1)`,
    );
  }
});

for (
  const [forbidden, target] of [
    [["ping"], "/v1.41/containers/json?all=1"],
    [["version"], "/v1.41/containers/json?all=1"],
    [["ping", "version"], "/containers/json?all=1"],
  ] as const
) {
  Deno.test(`DockerClient goes on where a proxy forbids ${forbidden.join(" and ")}`, async () => {
    await using engine = await FakeEngine.start();
    const { id } = engine.add();
    using client = connect(engine);
    for (const endpoint of forbidden) engine.fail(endpoint, FORBIDDEN);
    for (let i = 0; i < 2; i++) assertEquals((await client.list()).containers[0]!.id, id);
    assertEquals(engine.requests.at(-1)!.target, target);
    // Once is enough.
    assertEquals([engine.count("ping"), engine.count("version")], [1, 1]);
    assertEquals(await client.engineId(), `${engine.id} at /var/lib/fake on fake-host`);
  });
}

Deno.test("DockerClient reaches a socket whose path is longer than an address can be, and leaves nothing", async () => {
  await using engine = await FakeEngine.start();
  const directory = await Deno.makeTempDir();
  try {
    const folder = `${directory}/${"d".repeat(90)}/${"e".repeat(90)}`;
    await Deno.mkdir(folder, { recursive: true });
    await Deno.symlink(engine.path, `${folder}/docker.sock`);
    const host = `unix://${folder}/docker.sock`;
    const { id } = engine.add();
    const env = { ...Deno.env.toObject(), TMPDIR: directory };
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "--no-prompt", "--allow-net", "--allow-read", "--allow-write"],
        ...["--allow-env", `${import.meta.dirname}/list_once.ts`, host],
      ],
      env,
    }).output();
    const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertEquals(said, ['{"count":1}', ""]);
    assertEquals((await Array.fromAsync(Deno.readDir(directory))).length, 1);
    {
      using client = connect({ host: { kind: "unix", path: `${folder}/docker.sock` } });
      assertEquals((await client.list()).containers[0]?.id, id);
      await Deno.remove(`${folder}/docker.sock`);
    }
    // What goes wrong is told of the path that was named.
    using client = connect({ host: { kind: "unix", path: `${folder}/docker.sock` } });
    const error = await failure(client.list());
    assertEquals(error.code, "engine-no-socket");
    assertStringIncludes(error.message, "docker.sock");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("DockerClient tells an Engine whose certificate is the authority itself", async () => {
  const directory = await Deno.makeTempDir();
  try {
    // The shortcut that tutorials take: one self-signed certificate for everything.
    const [key, cert] = [`${directory}/key.pem`, `${directory}/cert.pem`];
    await run("openssl", [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost"],
      ...["-addext", "subjectAltName=DNS:localhost"],
    ]);
    await Deno.copyFile(cert, `${directory}/ca.pem`);
    const [keyText, certText] = [await Deno.readTextFile(key), await Deno.readTextFile(cert)];
    await using server = Deno.serve({
      ...{ port: 0, hostname: "127.0.0.1", onListen() {} },
      ...{ key: keyText, cert: certText },
    }, () => new Response("OK"));
    const env = (name: string) =>
      ({ DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: directory } as Record<string, string>)[name];
    using client = new DockerClient({
      host: parseDockerHost(`tcp://localhost:${server.addr.port}`, { env }),
    });
    const error = await failure(client.list());
    assertEquals(error.code, "engine-connection");
    assertStringIncludes(hintFor(error), "basicConstraints=CA:FALSE");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("DockerClient ignores the proxies that the environment names", async () => {
  await using engine = await FakeEngine.start();
  const address = `unix://${engine.path}`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-prompt", "--allow-net", "--allow-read", "--allow-write"],
      ...["--allow-env", `${import.meta.dirname}/list_once.ts`, address],
    ],
    env: { HTTP_PROXY: "http://127.0.0.1:9", http_proxy: "http://127.0.0.1:9" },
  }).output();
  assertEquals(JSON.parse(new TextDecoder().decode(stdout)), { count: 0 });
});
