/**
 * How old an index is, as the daemon says it while something is wrong: the Engine is away, another
 * one answers, events end, nothing can be written. Shown by the program itself, everywhere alike.
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { LivingDaemon } from "./harness/living_daemon.ts";
import { TestHost } from "./harness/program.ts";
import { until } from "./harness/until.ts";
import { FakeEngine } from "./engines/scripted.ts";

/** Two intervals: how long an index may be taken for what runs now. */
const PATIENCE_MS = 2000;

/** On top: what a busy machine takes to look. */
const LEEWAY_MS = 8000;

interface Made extends AsyncDisposable {
  readonly host: TestHost;
  readonly engine: FakeEngine;
  readonly daemon: LivingDaemon;
  /** What `index` says in an answer of the API. */
  index(path?: string): Promise<{ fresh: boolean; asOf: string | null; reason: string | null }>;
}

/** A daemon with passes a second apart, and the Engine that it follows. */
async function made(): Promise<Made> {
  const engine = await FakeEngine.start();
  const host = await TestHost.make();
  host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
  host.env["TINYFORGE_INTERVAL"] = "1s";
  await host.seed((store) => store.registry.create("site", { name: "blog", id: "w-blog" }));
  engine.add({ name: "web", labels: { "tinyforge.workload.id": "w-blog" } });
  const daemon = new LivingDaemon(host);
  const dispose = async () => {
    await daemon[Symbol.asyncDispose]();
    await host[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
  };
  const index: Made["index"] = async (path = "/api/index") => {
    const body = await daemon.get(path);
    const { fresh, asOf, reason } = body.index ?? body;
    return { fresh, asOf, reason };
  };
  try {
    await daemon.ready();
    await until("the index is fresh", async () => (await index()).fresh, { withinMs: 20_000 });
  } catch (error) {
    await dispose();
    throw error;
  }
  return { host, engine, daemon, index, [Symbol.asyncDispose]: dispose };
}

/** Waits until the index is said to be old for this reason; it is so everywhere. */
async function isOld(made: Made, reason: string): Promise<void> {
  const { host, daemon, index } = made;
  await until(`it is said to be ${reason}`, async () => (await index()).reason === reason, {
    withinMs: PATIENCE_MS + LEEWAY_MS,
  });
  for (
    const path of [
      ...["/api/containers", "/api/routes", "/api/workloads", "/api/sites"],
      "/api/status",
    ]
  ) {
    const { fresh, asOf, reason: said } = await index(path);
    assertEquals([fresh, said, typeof asOf], [false, reason, "string"], path);
  }
  assertEquals(await daemon.metric("tinyforge_index_fresh"), 0);
  const { code, stdout, stderr } = await host.run("ps");
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, "running");
  assertMatch(stderr, /^This may be old \(as of .* ago\): /m);
}

/** Waits until neither probe takes the daemon for ready, and says what they say. */
async function isUnready({ host, daemon }: Made): Promise<string> {
  await until("it is not ready", async () => (await daemon.ask("GET", "/readyz")).status === 503, {
    withinMs: PATIENCE_MS + LEEWAY_MS,
  });
  const { code, stdout } = await host.run("healthcheck");
  assertEquals(code, 1);
  return stdout;
}

/** Waits until all is well again. */
async function isFresh({ daemon, index }: Made): Promise<void> {
  await until("the index is fresh", async () => (await index()).fresh, { withinMs: 20_000 });
  assertEquals((await daemon.ask("GET", "/readyz")).status, 200);
  assertEquals(await daemon.metric("tinyforge_index_fresh"), 1);
}

Deno.test("an Engine that is down makes the index old at once, and the daemon unready in two intervals", async () => {
  await using it = await made();
  await it.engine.down();
  await isOld(it, "engine-down");
  assertMatch(await isUnready(it), /^not ready: recent-pass: last good pass .* ago\n$/);
  const { stdout } = await it.host.run("status");
  assertMatch(stdout, /^engine +✗ down: /m);
  assertMatch(stdout, /^events +✗ not followed/m);
  // What it has now was asked for, and what is on disk does not tell.
  const { code, stdout: rows, stderr } = await it.host.run("ps", "--fresh");
  assertEquals([code, rows], [4, ""], stderr);
  assertStringIncludes(stderr, "Cannot list containers");
  it.engine.up();
  await isFresh(it);
});

Deno.test("another Engine makes the index old and the daemon unready until it is accepted", async () => {
  await using it = await made();
  it.engine.restart({ id: "ANOTHER" });
  await isOld(it, "engine-changed");
  assertStringIncludes(await isUnready(it), "engine: another Engine answers, until it is accepted");
  assertEquals(await it.daemon.metric("tinyforge_engine_changed"), 1);
  assertMatch(
    (await it.host.run("ps")).stderr,
    /another Engine answers, which `tinyforge engine accept`/,
  );
  assertEquals((await it.host.run("engine", "accept")).code, 0);
  await isFresh(it);
  assertEquals(await it.daemon.metric("tinyforge_engine_changed"), 0);
});

Deno.test("an event stream that is dead shows in the status, which does not say that all is up", async () => {
  await using it = await made();
  it.engine.fail("events", { kind: "status", status: 500 });
  it.engine.cutEvents("close");
  await isOld(it, "events-down");
  const { stdout } = await it.host.run("status");
  assertMatch(stdout, /^engine +◌ answers, but its events are not followed: /m);
  assertMatch(stdout, /^events +✗ not followed/m);
  // Passes go on: what runs is known, only later.
  assertEquals((await it.daemon.ask("GET", "/readyz")).status, 200);
  it.engine.heal();
  await isFresh(it);
});

Deno.test("a database that can't be written makes the index old, and the daemon unready in two intervals", async () => {
  await using it = await made();
  const { Database } = await import("@db/sqlite");
  const other = new Database(it.host.database);
  try {
    // The daemon may be about to write.
    other.exec("PRAGMA busy_timeout = 5000");
    other.exec("BEGIN IMMEDIATE");
    await isOld(it, "writes-fail");
    assertStringIncludes(await isUnready(it), "recent-pass");
    other.exec("ROLLBACK");
  } finally {
    other.close();
  }
  await isFresh(it);
});

Deno.test("GET ?fresh answers what the Engine has after the request, shared by all who wait", async () => {
  await using it = await made();
  const { engine, daemon } = it;
  const state = async (path: string) => (await daemon.get(path)).items[0].state;
  const [web] = engine.containers.values();
  // No event tells of it.
  engine.emitting = false;
  for (let i = 0; i < 20; i++) {
    engine.setState(web!, i % 2 === 0 ? "exited" : "running");
    assertEquals(await state("/api/containers?fresh"), i % 2 === 0 ? "stopped" : "running");
  }
  engine.setState(web!, "paused");
  const row = await daemon.get("/api/containers/w-blog:site?fresh");
  assertEquals(row.state, "paused");
  engine.setState(web!, "exited");
  const { items } = await it.host.json("ps", "--fresh");
  assertEquals(items[0].state, "stopped");
  engine.clearRequests();
  engine.setState(web!, "running");
  const all = await Promise.all(Array.from({ length: 20 }, () => state("/api/containers?fresh")));
  assertEquals(new Set(all), new Set(["running"]));
  // One that was under way, and one or two that began after the requests.
  const listings = engine.count("list");
  assertEquals(listings <= 5, true, `${listings} listings for twenty requests`);
});
