import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { SYSTEM_CLOCK } from "../../src/clock.ts";
import { CommandError } from "../../src/cli/command.ts";
import { findDaemon } from "../../src/cli/daemon_socket.ts";
import { acquireLock } from "../../src/lock/lock.ts";
import { FakeEngine } from "../engines/scripted.ts";
import { daemonHost, engineHost } from "../harness/engine_host.ts";
import { pass, siteRow, TestHost } from "../harness/program.ts";
import { until } from "../harness/until.ts";

Deno.test("beside a daemon, writes, --once, status and healthcheck go over its socket", async () => {
  await using made = await daemonHost();
  const { host, engine, daemon } = made;
  const { workloadId } = await host.json("add", "site", "blog");
  engine.add({ name: "web", labels: { "tinyforge.workload.id": workloadId } });
  const listings = () => engine.count("list");
  const before = listings();
  const report = await host.json("reconcile", "--once");
  assertEquals([report.listed, report.claimed], [1, 1]);
  assert(listings() > before);

  const status = await host.json("status");
  assertEquals([status.daemon.pid, status.lock.pid], [daemon.process.pid, daemon.process.pid]);
  assertEquals([status.daemon.ready, status.daemon.engine.up], [true, true]);
  const { stdout } = await host.run("status");
  assertMatch(stdout, new RegExp(`^daemon +● ready: PID ${daemon.process.pid}, version `, "m"));
  assertMatch(stdout, new RegExp(`^lock +held by PID ${daemon.process.pid}$`, "m"));
  assertEquals(await host.run("healthcheck"), { code: 0, stdout: "ready\n", stderr: "" });
  assertEquals(await host.json("healthcheck"), { ready: true, reason: null });

  const renamed = await host.run("rename", "site", "blog", "journal");
  assertEquals(renamed.code, 0, renamed.stderr);
  assertEquals((await host.json("ps")).items[0].workloadName, "journal");
  const refused = await host.run("add", "site", "journal");
  assertEquals(refused.code, 1);
  assertStringIncludes(
    refused.stderr,
    'Cannot add site "journal": a site named "journal" exists already\nhint: choose another name',
  );
  const { code, stderr } = await daemon.stop();
  assertEquals(code, 0, stderr);
});

Deno.test("status tells how often passes follow each other while events don't", async () => {
  await using made = await daemonHost();
  const { host, engine } = made;
  await until("events flow", () => engine.followers > 0);
  assertMatch((await host.run("status")).stdout, /followed, .*, a pass every 300 s besides/);
  engine.fail("events", { kind: "status", status: 500 });
  engine.cutEvents();
  await until("it says so", async () => {
    const { stdout } = await host.run("status");
    return /not followed, .*, a pass every 5 s meanwhile/.test(stdout);
  });
});

Deno.test("a second daemon on one data directory ends with 5 and says who holds the lock", async () => {
  await using made = await daemonHost();
  const second = await made.host.run("reconcile");
  assertEquals([second.code, second.stdout], [5, ""], second.stderr);
  assertMatch(
    second.stderr,
    new RegExp(`^Cannot [^\n]*${made.daemon.process.pid}[^\n]*\nhint: `, "m"),
  );
});

Deno.test("a daemon and --once wait for a command that holds the lock for a moment", async () => {
  await using engine = await FakeEngine.start();
  await using host = await TestHost.seeded(() => {});
  host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
  const first = await acquireLock(host.dataDir);
  const once = host.start("reconcile", "--once");
  await until("it waits", () => once.stderr.includes("waiting for the data directory"));
  first.release();
  assertEquals((await once.ended()).code, 0);

  const second = await acquireLock(host.dataDir);
  const daemon = host.start("reconcile");
  await until("it waits", () => daemon.stderr.includes("waiting for the data directory"));
  assertMatch(daemon.stderr, new RegExp(`"owner":${Deno.pid}\\b`));
  second.release();
  await until("it is ready", async () => (await host.run("healthcheck")).code === 0);
  assertEquals((await daemon.stop()).code, 0);
});

Deno.test("--once asks the daemon that came first while it waited", async () => {
  await using host = await TestHost.seeded(() => {});
  using _ = await acquireLock(host.dataDir);
  const once = host.start("reconcile", "--once", "--json");
  await until("it waits", () => once.stderr.includes("waiting for the data directory"));
  const asked: string[] = [];
  await using _daemon = actDaemon(host, (request) => {
    asked.push(`${request.method} ${new URL(request.url).pathname}`);
    return Response.json({ listed: 7 });
  });
  const { code, stdout, stderr } = await once.ended();
  assertEquals([code, stdout], [0, '{"listed":7}\n'], stderr);
  assertEquals(asked, ["POST /api/reconcile"]);
});

Deno.test("--once beside a daemon that lost its Engine ends with 4", async () => {
  await using made = await daemonHost();
  made.engine.fail("list", { kind: "status", status: 500, message: "boom" });
  const { code, stdout, stderr } = await made.host.run("reconcile", "--once");
  assertEquals([code, stdout], [4, ""], stderr);
  assertMatch(stderr, /^Cannot list containers: the Engine answered 500: "boom"\nhint: /);
});

Deno.test("ps --watch beside a daemon shows what an event changed", async () => {
  await using made = await daemonHost();
  const { host, engine } = made;
  const { workloadId } = await host.json("add", "site", "blog");
  const running = host.start("ps", "--watch");
  await until("the first table", () => running.stdout.includes("WORKLOAD"));
  engine.add({ name: "web", labels: { "tinyforge.workload.id": workloadId } });
  await until("the container's row", () => running.stdout.includes("● running"));
  assertEquals((await running.stop("SIGTERM")).code, 0);
});

Deno.test("a write with the lock held and no daemon to ask ends with 5 and says by whom", async () => {
  await using host = await TestHost.seeded((store) =>
    store.registry.create("site", { name: "blog" })
  );
  await Deno.writeTextFile(`${host.dataDir}/tinyforge.lock`, `${Deno.pid}\n`);
  const { code, stdout, stderr } = await host.run("add", "site", "shop");
  assertEquals([code, stdout], [5, ""], stderr);
  assertMatch(stderr, new RegExp(`^Cannot [^\n]*${Deno.pid}[^\n]*\nhint: `));
  assertEquals((await host.json("list")).items.length, 1);
});

Deno.test("a write waits some seconds for another process that writes", async () => {
  await using host = await TestHost.seeded(() => {});
  const lock = await acquireLock(host.dataDir);
  const released = SYSTEM_CLOCK.sleep(3500, new AbortController().signal).then(() =>
    lock.release()
  );
  const { code, stderr } = await host.run("add", "site", "blog");
  assertEquals(code, 0, stderr);
  await released;
});

Deno.test("two commands that write at once both get done", async () => {
  await using host = await TestHost.make();
  const names = ["a", "b", "c"];
  const ran = await Promise.all(names.map((name) => host.run("add", "site", name)));
  assertEquals(ran.map(({ code }) => code), [0, 0, 0], ran.map(({ stderr }) => stderr).join());
  const { items } = await host.json("list");
  assertEquals(items.map((item: { name: string }) => item.name), names);
});

/** Answers on the daemon's socket as the test says. */
function actDaemon(host: TestHost, handler: (request: Request) => Response | Promise<Response>) {
  const server = Deno.serve(
    { path: `${host.dataDir}/tinyforge.sock`, onListen: () => {} },
    handler,
  );
  return { [Symbol.asyncDispose]: () => server.shutdown() };
}

/** An answer that does not come before its end; far later at the latest, so that no test hangs. */
class Hanging implements Disposable {
  readonly #answer = Promise.withResolvers<Response>();
  readonly #late = setTimeout(() => this.end(), 60_000);

  get answer(): Promise<Response> {
    return this.#answer.promise;
  }

  end(): void {
    this.#answer.resolve(new Response());
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#late);
  }
}

Deno.test("a daemon that answers nonsense is an error without a trace", async () => {
  await using host = await TestHost.seeded(() => {});
  const answers: [() => Response, RegExp][] = [
    [() => new Response("<html>", { status: 500 }), /^Cannot do it: the answer is 500\n/],
    [() => new Response("<html>"), /^Cannot read the daemon's answer: it is not JSON\n/],
  ];
  for (const [answer, message] of answers) {
    await using _ = actDaemon(host, answer);
    const { code, stdout, stderr } = await host.run("rm", "site", "x");
    assertEquals([code, stdout], [1, ""], stderr);
    assertMatch(stderr, message);
  }
});

Deno.test("a daemon that breaks off within an answer is not reachable: 4, and nothing is written", async () => {
  await using host = await TestHost.seeded(() => {});
  const listener = Deno.listen({ transport: "unix", path: `${host.dataDir}/tinyforge.sock` });
  const serving = (async () => {
    for await (const connection of listener) {
      const bytes = await connection.read(new Uint8Array(4096));
      // The first connection only asks whether somebody listens.
      if (bytes !== null) {
        await connection.write(
          new TextEncoder().encode("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"),
        );
      }
      connection.close();
    }
  })();
  const { code, stdout, stderr } = await host.run("add", "site", "blog");
  assertEquals([code, stdout], [4, ""], stderr);
  assertMatch(stderr, /^Cannot reach the daemon at "[^\n]+": [^\n]+\nhint: [^\n]+\n$/);
  assertEquals(await host.read((store) => store.registry.list("site")), []);
  listener.close();
  await serving;
});

Deno.test("a command that a daemon answered in part is not repeated without it: 4, and nothing is written", async () => {
  let id = "";
  await using host = await TestHost.seeded((store) => {
    id = store.registry.create("site", { name: "blog" }).entry.id;
  });
  const listener = Deno.listen({ transport: "unix", path: `${host.dataDir}/tinyforge.sock` });
  const asked: string[] = [];
  const serving = (async () => {
    for await (const connection of listener) {
      const bytes = new Uint8Array(4096);
      const length = await connection.read(bytes);
      // The first connection only asks whether somebody listens.
      if (length !== null) {
        asked.push(new TextDecoder().decode(bytes.subarray(0, length)).split(" HTTP")[0]!);
        const body = JSON.stringify({ items: [{ id, name: "blog" }] });
        await connection.write(
          new TextEncoder().encode(
            `HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
          ),
        );
        listener.close();
      }
      connection.close();
    }
  })();
  const { code, stdout, stderr } = await host.run("rm", "site", "blog");
  await serving;
  assertEquals(asked.map((line) => line.replace("http://127.0.0.1", "")), ["GET /api/sites"]);
  assertEquals([code, stdout], [4, ""], stderr);
  assertMatch(stderr, /^Cannot reach the daemon at "[^\n]+": [^\n]+\nhint: [^\n]+\n$/);
  assertEquals(await host.read((store) => store.registry.list("site").length), 1);
});

Deno.test("DaemonClient.ask() waits for a daemon that hangs no longer than it is told", async () => {
  await using host = await TestHost.seeded(() => {});
  using hanging = new Hanging();
  const acted = actDaemon(host, () => hanging.answer);
  const begin = performance.now();
  {
    using daemon = await findDaemon(host.dataDir);
    const error = await assertRejects(
      () => daemon!.ask("/api/sites", { method: "POST", body: {}, timeoutMs: 100 }),
      CommandError,
      "no complete answer within 0.1 s",
    );
    assertEquals(error.exitCode, 4);
  }
  assert(performance.now() - begin < 5000);
  hanging.end();
  await acted[Symbol.asyncDispose]();
});

Deno.test("DaemonClient.ask() waits half a minute for a daemon that hangs, where it is told nothing", async () => {
  await using host = await TestHost.seeded(() => {});
  using hanging = new Hanging();
  const acted = actDaemon(host, () => hanging.answer);
  using daemon = await findDaemon(host.dataDir);
  const { setTimeout } = globalThis;
  // A thousand times as fast, for what is asked now.
  globalThis.setTimeout = ((act: () => void, ms = 0) => setTimeout(act, ms / 1000)) as never;
  const asked = daemon!.ask("/api/sites", { method: "POST", body: {} });
  globalThis.setTimeout = setTimeout;
  await assertRejects(() => asked, CommandError, "no complete answer within 30 s");
  hanging.end();
  await acted[Symbol.asyncDispose]();
});

Deno.test("what a hanging daemon does not answer is read from disk, and that is said", async () => {
  await using host = await TestHost.seeded((store) => {
    const { workloadId } = store.registry.create("site", { name: "blog" }).entry;
    pass(store, [siteRow(workloadId)]);
  });
  using hanging = new Hanging();
  const acted = actDaemon(host, () => hanging.answer);
  const [ps, list, status, health] = await Promise.all([
    host.run("ps", "--json"),
    host.run("list"),
    host.run("status"),
    host.run("healthcheck"),
  ]);
  hanging.end();
  await acted[Symbol.asyncDispose]();
  assertEquals([ps.code, JSON.parse(ps.stdout).items.length], [0, 1]);
  assertMatch(
    ps.stderr,
    /^Cannot reach the daemon at "[^\n]+": no complete answer within 5 s\. What follows was read from disk\.\nThis may be old \([^\n]+\): no daemon keeps it; [^\n]+\n$/,
  );
  assertEquals([list.code, list.stdout.trimEnd().split("\n").length], [0, 2]);
  assertMatch(status.stdout, /^daemon +✗ Cannot reach the daemon at [^\n]+ within 5 s$/m);
  assertMatch(status.stdout, /^rows +1 running$/m);
  assertEquals(health.code, 1);
  assertMatch(health.stdout, /^not ready: Cannot reach the daemon at [^\n]+ within 5 s$/m);
});

Deno.test("what a hanging daemon does not answer of its Engine, no other Engine is asked", async () => {
  const { engine, host, ...made } = await engineHost();
  await using _ = made;
  await host.seed((store) => pass(store, []));
  engine.add({ name: "web" });
  using hanging = new Hanging();
  const acted = actDaemon(host, () => hanging.answer);
  const [discovered, explained] = await Promise.all([
    host.run("discover"),
    host.run("explain", "web"),
  ]);
  hanging.end();
  await acted[Symbol.asyncDispose]();
  assertEquals([discovered.code, discovered.stdout], [4, ""]);
  assertMatch(
    discovered.stderr,
    /^Cannot reach the daemon at "[^\n]+": no complete answer within 12 s\nhint: the daemon may be stopping or hanging; its log says more\n$/,
  );
  assertEquals([explained.code, explained.stdout], [1, ""]);
  assertStringIncludes(explained.stderr, "Cannot ask the Engine: the daemon does not answer");
  assertEquals(engine.count("list"), 0);
});

Deno.test("a first ps and status beside a daemon that told of no pass ask no other Engine", async () => {
  const { engine, host, ...made } = await engineHost();
  await using _ = made;
  await host.seed(() => {});
  await using _daemon = actDaemon(host, () => Response.json({ code: "stopping" }, { status: 503 }));
  const [ps, status] = await Promise.all([host.run("ps"), host.json("status")]);
  const untold = "Cannot list what runs: the daemon has told of no pass yet";
  assertStringIncludes(ps.stderr, `What runs on this host is not known: ${untold}`);
  assertEquals(status.firstRun, { unmanaged: null, error: untold });
  assertEquals(engine.count("list"), 0);
});

Deno.test("beside a daemon, reads go over its socket", async () => {
  await using made = await daemonHost();
  const { host } = made;
  await host.json("add", "site", "blog");
  await until("its row is there", async () => (await host.json("ps")).items.length === 1);
  // A command that opened the index itself would find none.
  await Deno.rename(host.database, `${host.database}.away`);
  assertEquals((await host.json("list")).items[0].name, "blog");
  assertEquals((await host.json("ps")).items[0].state, "absent");
  assertEquals((await host.json("routes")).items, []);
  assertEquals((await host.json("status")).index.registered, { project: 0, stack: 0, site: 1 });
  assertEquals((await host.json("secret", "show", "blog")).secret.length, 43);
  assertStringIncludes((await host.run("labels", "blog")).stdout, "--label tinyforge.workload.id=");
  assertEquals(
    (await host.run("explain", "x")).stderr.split("\n")[0],
    'Cannot explain "x": no such row or container',
  );
  await Deno.rename(`${host.database}.away`, host.database);
});

Deno.test("a command goes on without a daemon that stops before it was asked", async () => {
  await using host = await TestHost.seeded(() => {});
  const listener = Deno.listen({ transport: "unix", path: `${host.dataDir}/tinyforge.sock` });
  const gone = (async () => {
    // That somebody listens is seen, and nothing more.
    (await listener.accept()).close();
    listener.close();
  })();
  const { code, stderr } = await host.run("add", "site", "blog");
  await gone;
  assertEquals(code, 0, stderr);
  assertEquals((await host.json("list", "sites")).items.length, 1);
});

Deno.test("healthcheck says of a daemon that stops that it does", async () => {
  await using host = await TestHost.seeded(() => {});
  const detail = "Cannot answer: the daemon stops";
  const stopping = () => Response.json({ code: "stopping", detail }, { status: 503 });
  await using _ = actDaemon(host, stopping);
  const { code, stdout, stderr } = await host.run("healthcheck");
  assertEquals(code, 1);
  assertStringIncludes(stdout + stderr, `not ready: ${detail}\n`);
});

Deno.test("ps --watch follows the daemon's events, and polls when they end", async () => {
  let workloadId = "";
  await using host = await TestHost.seeded((store) => {
    workloadId = store.registry.create("site", { name: "blog" }).entry.workloadId;
  });
  let asked = 0;
  const acted = actDaemon(host, (request) => {
    if (new URL(request.url).pathname !== "/api/events") {
      const index = { fresh: true, asOf: null, reason: null };
      return Response.json({ index, items: [], nextCursor: null });
    }
    return new Response(`: ${++asked}\n\n`, { headers: { "content-type": "text/event-stream" } });
  });
  const running = host.start("ps", "--watch");
  await until("two streams were opened", () => asked >= 2);
  await acted[Symbol.asyncDispose]();
  await host.seed((store) => pass(store, [siteRow(workloadId)]));
  await until("the row", () => running.stdout.includes("● running"));
  assertEquals(await running.stop("SIGINT").then(({ code, stderr }) => [code, stderr]), [0, ""]);
});

Deno.test("a stale socket is nobody's: the command works without a daemon", async () => {
  await using host = await TestHost.seeded(() => {});
  // Left behind as by a crash: bound, then closed without being removed.
  const path = `${host.dataDir}/tinyforge.sock`;
  const listener = Deno.listen({ transport: "unix", path });
  await Deno.rename(path, `${path}.kept`);
  listener.close();
  await Deno.rename(`${path}.kept`, path);
  const { code, stderr } = await host.run("add", "site", "blog");
  assertEquals(code, 0, stderr);
});
