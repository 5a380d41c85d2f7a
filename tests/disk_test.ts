/**
 * The daemon on a disk that is full, read-only or written to by others: it says so, loses nothing,
 * and goes on by itself when that is over.
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { missing } from "./harness/missing.ts";
import { TestHost } from "./harness/program.ts";
import { copyDatabase } from "./endurance/wal.ts";
import { Ledger } from "./endurance/ledger.ts";
import { readDatabase } from "./endurance/found.ts";
import { type Thing, UNTOLD } from "./endurance/thing.ts";
import { run } from "./engines/run.ts";
import { until } from "./harness/until.ts";
import { FakeEngine } from "./engines/scripted.ts";
import { daemonCommand, LivingDaemon } from "./harness/living_daemon.ts";
const { Database } = await import("@db/sqlite");

const PAGE = 4096;

/** A host whose data directory is a small file system of its own. */
class SmallDisk implements AsyncDisposable {
  readonly host: TestHost;
  readonly #ballast: string;

  private constructor(host: TestHost) {
    this.host = host;
    this.#ballast = join(host.dataDir, "ballast");
  }

  static async make(engine: FakeEngine, options: { bytes: number }): Promise<SmallDisk> {
    const host = await followerOf(engine);
    await Deno.mkdir(host.dataDir, { mode: 0o700 });
    const size = `size=${options.bytes},mode=0700`;
    await run("mount", ["-t", "tmpfs", "-o", size, "tmpfs", host.dataDir]);
    return new SmallDisk(host);
  }

  /** Fills the disk but for some bytes. */
  async fill(options: { leaving?: number } = {}): Promise<void> {
    using file = await Deno.open(this.#ballast, { append: true, create: true });
    let size = 0;
    try {
      for (;;) size += await file.write(new Uint8Array(PAGE));
    } catch (error) {
      assertEquals((error as { code?: string }).code, "ENOSPC");
    }
    await file.truncate(Math.max(0, size - (options.leaving ?? 0)));
  }

  /** Undoes {@linkcode fill}. */
  async free(): Promise<void> {
    await Deno.remove(this.#ballast);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run("umount", ["--lazy", this.host.dataDir]);
    await this.host[Symbol.asyncDispose]();
  }
}

async function followerOf(engine: FakeEngine): Promise<TestHost> {
  const host = await TestHost.make();
  host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
  host.env["TINYFORGE_INTERVAL"] = "200ms";
  return host;
}

/** A site with a running container in the index. */
async function siteWithContainer(daemon: LivingDaemon, engine: FakeEngine) {
  const { status, body: site } = await daemon.ask("POST", "/api/sites", { name: "blog" });
  assertEquals(status, 201);
  const container = engine.add({ labels: { "tinyforge.workload.id": site.workloadId } });
  await showing(daemon, "running");
  return { site, container };
}

async function showing(daemon: LivingDaemon, state: string): Promise<void> {
  await until(`the row is ${state}`, async () => await stateOf(daemon) === state);
}

async function stateOf(daemon: LivingDaemon): Promise<string> {
  const { items } = await daemon.get("/api/containers");
  // A site that nothing serves yet has a row as well.
  return items.find((row: { containerId: string | null }) => row.containerId !== null)?.state;
}

/** What a copy of the database holds must be sound, and what writers were told. */
async function assertSound(host: TestHost, ledger?: Ledger): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    const found = readDatabase(await copyDatabase(host.database, directory));
    assertEquals([...found.violations, ...ledger?.compare(found) ?? []], []);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** How often a failing pass was logged. */
function failuresLogged(stderr: string): number {
  return stderr.split("\n").filter((line) => line.includes('"message":"pass failed"')).length;
}

/** Why this machine can't do something for tests; null when it can. */
async function whyNot(what: string, attempt: () => Promise<unknown>): Promise<string | null> {
  if (Deno.uid() !== 0) return "needs root";
  try {
    await attempt();
    return null;
  } catch (error) {
    return `${what}: ${(error as Error).message}`;
  }
}

const NO_MOUNT = await whyNot("can't mount a tmpfs", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await run("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", directory]);
    await run("umount", ["--lazy", directory]);
  } finally {
    await Deno.remove(directory);
  }
});

const NO_IMMUTABLE = await whyNot("can't make a file immutable", async () => {
  const file = await Deno.makeTempFile();
  try {
    await run("chattr", ["+i", file]);
    await run("chattr", ["-i", file]);
  } finally {
    await Deno.remove(file);
  }
});

/** As root, but bound by the modes of files as everyone is. */
const BOUND_BY_MODES = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"];

const NO_SETPRIV = await whyNot(
  "can't give up capabilities",
  () => run("setpriv", [...BOUND_BY_MODES.slice(1), "true"]),
);

function rootTest(name: string, reason: string | null, body: () => Promise<void>): void {
  if (reason === null) Deno.test(name, body);
  else missing(name, reason);
}

rootTest(
  "a read on a full disk without a daemon says that it is full",
  NO_MOUNT,
  async () => {
    await using engine = await FakeEngine.start();
    await using disk = await SmallDisk.make(engine, { bytes: 2 << 20 });
    const { host } = disk;
    assertEquals((await host.run("add", "site", "blog")).code, 0);
    await disk.fill({ leaving: PAGE });
    for (const words of [["ps"], ["status"], ["explain", "blog"]]) {
      const { code, stderr } = await host.run(...words);
      assertEquals([code, stderr], [
        1,
        `Cannot open "${host.database}": the disk is full\n` +
        "hint: free space on the data directory's file system; nothing was lost\n",
      ]);
    }
    await disk.free();
    assertEquals((await host.json("list")).items.length, 1);
  },
);

rootTest(
  "a full disk fails passes and writes, and is over when space returns",
  NO_MOUNT,
  async () => {
    await using engine = await FakeEngine.start();
    await using disk = await SmallDisk.make(engine, { bytes: 2 << 20 });
    await using daemon = new LivingDaemon(disk.host);
    await daemon.ready();
    const { site, container } = await siteWithContainer(daemon, engine);
    const secret = (await daemon.get(`/api/workloads/${site.workloadId}/secret`)).secret;

    await disk.fill();
    engine.setState(container, "exited", 1);
    const { lastError, engine: seen } = await until("a pass fails", async () => {
      const status = await daemon.status();
      return status?.lastError ? status : null;
    });
    assertEquals(lastError, "Cannot write the index: the disk is full");
    assertEquals([seen.up, seen.error], [true, null]);
    assert(await daemon.metric('tinyforge_passes_total{outcome="failed"}') > 0);

    const writes: [method: string, path: string, body?: unknown][] = [
      ["POST", "/api/sites", { name: "shop" }],
      ["PATCH", `/api/sites/${site.id}`, { name: "log" }],
      ["DELETE", `/api/sites/${site.id}?force=true`],
      ["POST", `/api/workloads/${site.workloadId}/secret`],
      ["POST", "/api/containers", { workloadId: site.workloadId }],
      ["PATCH", `/api/containers/${site.workloadId}:site`, { subdomain: "www" }],
      ["DELETE", `/api/containers/${site.workloadId}:site`],
      ["POST", "/api/reconcile"],
      ["POST", `/hooks/${secret}`],
    ];
    for (const [method, path, body] of writes) {
      const answer = await daemon.ask(method, path, body);
      assertEquals([answer.status, answer.body.code], [507, "full"], `${method} ${path}`);
      assertMatch(answer.body.detail, /^Cannot .*: the disk is full$/);
      assertStringIncludes(answer.body.hint, "free space");
    }
    assertEquals(await (await daemon.send("GET", "/livez")).text(), "ok\n");
    assertEquals(await stateOf(daemon), "running", "what was true last is still there to be read");
    await saysHowOldItIs(disk.host, daemon);
    await assertSound(disk.host);

    await disk.free();
    await showing(daemon, "stopped");
    await until("passes succeed", async () => (await daemon.status())?.lastError === null);
    await until("the index is fresh", async () => (await daemon.get("/api/index")).fresh);
    assertEquals((await daemon.ask("GET", "/readyz")).status, 200);
    assertEquals((await disk.host.run("ps")).stderr, "");
    assertEquals(
      (await daemon.get("/api/sites")).items.map((each: { name: string }) => each.name),
      [
        "blog",
      ],
    );
    assertEquals((await daemon.get(`/api/workloads/${site.workloadId}/secret`)).secret, secret);
    assertEquals((await daemon.ask("POST", "/api/sites", { name: "shop" })).status, 201);
    const { code, stderr } = await daemon.stop();
    assertEquals([code, failuresLogged(stderr)], [0, 1], stderr);
    await assertSound(disk.host);
  },
);

/** What an index that can't be written says of itself everywhere: how old it is, and why. */
async function saysHowOldItIs(host: TestHost, daemon: LivingDaemon): Promise<void> {
  await until("it is not ready", async () => (await daemon.ask("GET", "/readyz")).status === 503);
  assertEquals((await host.run("healthcheck")).code, 1);
  for (const path of ["/api/index", "/api/containers", "/api/routes", "/api/status"]) {
    const body = await daemon.get(path);
    const { fresh, reason, asOf } = body.index ?? body;
    assertEquals([fresh, reason, typeof asOf], [false, "writes-fail", "string"], path);
  }
  for (const command of ["ps", "list", "routes", "status"]) {
    const { code, stderr } = await host.run(command);
    assertEquals(code, 0, stderr);
    assertMatch(stderr, /^This may be old \(as of .* ago\): /m, command);
  }
}

/** Creates sites until one is refused; says how many were not. */
async function writeUntilFull(daemon: LivingDaemon, ledger: Ledger): Promise<number> {
  for (let count = 0;; count++) {
    const name = `site-${ledger.things.size}-${crypto.randomUUID()}`;
    const thing: Thing = ledger.thing("site");
    await ledger.write(thing, {
      next: { name, workload: name, detail: "", secret: UNTOLD },
      send: () => daemon.send("POST", "/api/sites", { name }),
    });
    const refusal = ledger.refusals.pop();
    if (refusal === undefined) continue;
    assertMatch(refusal, /^507 .*"code":"full"/);
    return count;
  }
}

rootTest("a disk that fills up at any page loses no acknowledged write", NO_MOUNT, async () => {
  await using engine = await FakeEngine.start();
  await using disk = await SmallDisk.make(engine, { bytes: 3 << 20 });
  await using daemon = new LivingDaemon(disk.host);
  await daemon.ready();
  const ledger = new Ledger();
  const counts = new Set<number>();
  for (let pages = 0; pages < 24; pages++) {
    await disk.fill({ leaving: pages * PAGE });
    counts.add(await writeUntilFull(daemon, ledger));
    await disk.free();
  }
  assert(counts.size > 1, "the disk was never full in the middle of something");
  await until("passes succeed", async () => (await daemon.status())?.lastError === null);
  assertEquals((await daemon.stop()).code, 0);
  await assertSound(disk.host, ledger);
});

rootTest("a disk too full to move the log into the database loses nothing", NO_MOUNT, async () => {
  await using engine = await FakeEngine.start();
  await using disk = await SmallDisk.make(engine, { bytes: 32 << 20 });
  await using daemon = new LivingDaemon(disk.host);
  await daemon.ready();
  const ledger = new Ledger();
  const logSize = async () => (await Deno.stat(`${disk.host.database}-wal`)).size;
  const write = async ({ pages }: { pages: number }) => {
    await disk.fill({ leaving: pages * PAGE });
    await writeUntilFull(daemon, ledger);
    await disk.free();
  };
  // SQLite moves the log into the database when it has four thousand pages.
  while (await logSize() < 3400 * PAGE) await write({ pages: 500 });
  while (await logSize() < 3980 * PAGE) await write({ pages: 64 });
  const { size } = await Deno.stat(disk.host.database);
  await disk.fill({ leaving: 64 * PAGE });
  await writeUntilFull(daemon, ledger);
  assert(await logSize() > 4000 * PAGE, `the log has ${await logSize()} bytes only`);
  await assertSound(disk.host, ledger);
  await disk.free();
  await write({ pages: 64 });
  await until("the log is moved", async () => (await Deno.stat(disk.host.database)).size > size);
  assertEquals((await daemon.stop()).code, 0);
  await assertSound(disk.host, ledger);
});

rootTest("a daemon on a full disk does not start, and says why", NO_MOUNT, async () => {
  await using engine = await FakeEngine.start();
  await using disk = await SmallDisk.make(engine, { bytes: 2 << 20 });
  const refused = async () => {
    await using daemon = new LivingDaemon(disk.host);
    const { code, stderr } = await daemon.ended();
    assertEquals(code, 1, stderr);
    assertStringIncludes(stderr, disk.host.dataDir);
    assertStringIncludes(stderr, "no space left");
    assertStringIncludes(stderr, "hint: free some space");
  };
  const starts = async () => {
    const daemon = new LivingDaemon(disk.host);
    await daemon.ready();
    return daemon;
  };
  await disk.fill();
  await refused(); // nothing was there yet
  await disk.free();
  await using first = await starts();
  await siteWithContainer(first, engine);
  await disk.fill();
  first.kill();
  await first.ended();
  await refused(); // the killed one's lock and log are there
  await assertSound(disk.host);
  await disk.free();
  await using second = await starts();
  assertEquals(await stateOf(second), "running");
  assertEquals((await second.stop()).code, 0);
});

rootTest(
  "files that can't be written any more fail passes and writes until they can",
  NO_IMMUTABLE,
  async () => {
    await using engine = await FakeEngine.start();
    await using host = await followerOf(engine);
    await using daemon = new LivingDaemon(host);
    await daemon.ready();
    const { site, container } = await siteWithContainer(daemon, engine);
    const files = [host.database, `${host.database}-wal`];
    await run("chattr", ["+i", ...files]);
    try {
      engine.setState(container, "exited", 1);
      await until("a pass fails", async () => (await daemon.status())?.lastError);
      assertMatch((await daemon.status())!.lastError!, /^Cannot write the index: .*disk failed$/);
      const { status, body } = await daemon.ask("PATCH", `/api/sites/${site.id}`, { name: "log" });
      assertEquals([status, body.code], [500, "io"]);
      assertEquals(await stateOf(daemon), "running");
    } finally {
      await run("chattr", ["-i", ...files]);
    }
    await showing(daemon, "stopped");
    assertEquals((await daemon.get(`/api/sites/${site.id}`)).name, "blog");
    assertEquals((await daemon.stop()).code, 0);
    await assertSound(host);
  },
);

rootTest("a daemon does not start on a database that it may only read", NO_SETPRIV, async () => {
  await using engine = await FakeEngine.start();
  await using host = await followerOf(engine);
  const start = () => new LivingDaemon(host, daemonCommand(host, BOUND_BY_MODES));
  const refused = async () => {
    await using daemon = start();
    const { code, stderr } = await daemon.ended();
    assertEquals(code, 1, stderr);
    assertStringIncludes(stderr, `Cannot open "${host.database}": the database can't be written`);
    assertStringIncludes(stderr, "hint: check the owner and mode");
  };
  await using first = start();
  await first.ready();
  await siteWithContainer(first, engine);
  // What is open stays open.
  await Deno.chmod(host.database, 0o400);
  assertEquals((await first.ask("POST", "/api/sites", { name: "shop" })).status, 201);
  first.kill();
  await first.ended();
  await refused();
  await Deno.chmod(host.database, 0o600);
  await using second = start();
  await second.ready();
  assertEquals((await second.get("/api/sites")).items.length, 2);
  assertEquals((await second.stop()).code, 0);
  // Without a log to recover, too.
  await Deno.chmod(host.database, 0o400);
  await refused();
  await assertSound(host);
});

Deno.test("a daemon whose write-ahead log was deleted after a kill starts and converges", async () => {
  await using engine = await FakeEngine.start();
  await using host = await followerOf(engine);
  {
    await using daemon = new LivingDaemon(host);
    await daemon.ready();
    await siteWithContainer(daemon, engine);
    // A proper end moves what there is into the database.
    assertEquals((await daemon.stop()).code, 0);
  }
  await using daemon = new LivingDaemon(host);
  await daemon.ready();
  assertEquals((await daemon.ask("POST", "/api/sites", { name: "shop" })).status, 201);
  engine.setState([...engine.containers.values()][0]!, "paused");
  await showing(daemon, "paused");
  daemon.kill();
  await daemon.ended();
  await Deno.remove(`${host.database}-wal`);
  await assertSound(host);

  await using next = new LivingDaemon(host);
  await next.ready();
  assertEquals(await stateOf(next), "paused");
  const sites = (await next.get("/api/sites")).items;
  assertEquals(sites.map((each: { name: string }) => each.name), ["blog"]);
  assertEquals((await next.ask("POST", "/api/sites", { name: "shop" })).status, 201);
  assertEquals((await next.stop()).code, 0);
  await assertSound(host);
});

Deno.test("a daemon keeps answering while another process holds the write lock", async () => {
  await using engine = await FakeEngine.start();
  await using host = await followerOf(engine);
  await using daemon = new LivingDaemon(host);
  await daemon.ready();
  const { container } = await siteWithContainer(daemon, engine);
  const other = new Database(host.database, { create: false });
  try {
    // The daemon may be about to write.
    other.exec("PRAGMA busy_timeout = 5000");
    other.exec("BEGIN IMMEDIATE");
    engine.setState(container, "exited", 1);
    await until("a pass fails", async () => (await daemon.status())?.lastError);
    const lastError = (await daemon.status())!.lastError!;
    assertEquals(
      lastError,
      "Cannot write the index: another process holds the database's write lock",
    );
    const { status, body } = await daemon.ask("POST", "/api/sites", { name: "shop" });
    assertEquals([status, body.code], [503, "busy"]);
    // Passes are tried again all the while: with SQLite's usual five seconds each, none of these
    // would be in time.
    const begin = performance.now();
    for (let i = 0; i < 5; i++) await (await daemon.send("GET", "/livez")).text();
    assert(performance.now() - begin < 4000, `${performance.now() - begin} ms`);
    assertEquals(await stateOf(daemon), "running");
    other.exec("ROLLBACK");
  } finally {
    other.close();
  }
  await showing(daemon, "stopped");
  assertEquals((await daemon.ask("POST", "/api/sites", { name: "shop" })).status, 201);
  const { code, stderr } = await daemon.stop();
  assertEquals([code, failuresLogged(stderr)], [0, 1], stderr);
});
