/**
 * The daemon as a process: what Docker does shows in the index, whatever dies meanwhile, and it
 * ends as it should.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import type { ContainerView, DaemonStatus } from "../src/model/views.ts";
import { harnessCommand } from "./harness/living_daemon.ts";
import { type Running, TestHost } from "./harness/program.ts";
import { Receiver } from "./harness/datagram.ts";
import { engineTest } from "./engines/docker.ts";
import { PrivateEngine, privateEngineTest } from "./engines/private.ts";
import { TEST_LABEL } from "./engines/real.ts";
import { writeAll } from "./harness/raw_http.ts";
import { until } from "./harness/until.ts";
import { SimEngine } from "./engines/crowd.ts";
import { FakeEngine } from "./engines/scripted.ts";
import { podmanTest } from "./engines/podman.ts";

/** Of `docker run`: what ignores that it is to end is not waited for. */
const AT_ONCE = ["--detach", "--network=none", "--stop-timeout=0"] as const;

/** A daemon, asked over its socket. */
class Daemon implements AsyncDisposable {
  readonly host: TestHost;
  running: Running;
  #client: Deno.HttpClient;

  private constructor(host: TestHost, running: Running) {
    this.host = host;
    this.running = running;
    this.#client = this.#connect();
  }

  /** Starts one that follows the Engine at `address`, with full passes five minutes apart. */
  static async start(address: string, options: { ready?: boolean } = {}): Promise<Daemon> {
    const host = await TestHost.make();
    host.env["TINYFORGE_DOCKER_HOST"] = address;
    host.env["TINYFORGE_INTERVAL"] = "5m";
    const daemon = new Daemon(host, host.start("reconcile"));
    try {
      if (options.ready ?? true) {
        await until("the daemon is ready and follows events", async () => {
          const status = await daemon.status().catch(() => null);
          return status?.ready && status.events.up;
        }, { withinMs: 20_000 });
      }
    } catch (error) {
      await daemon[Symbol.asyncDispose]();
      throw new Error(daemon.running.stderr, { cause: error });
    }
    return daemon;
  }

  /** Starts it again after it ended. */
  async restart(): Promise<void> {
    this.#client.close();
    this.#client = this.#connect();
    this.running = this.host.start("reconcile");
    await until("the daemon is ready", async () => (await this.status().catch(() => null))?.ready);
  }

  /** Parsed JSON of a request. */
  // deno-lint-ignore no-explicit-any -- as JSON.parse
  async ask(path: string, init: RequestInit = {}): Promise<any> {
    return JSON.parse(await this.text(path, init));
  }

  /** Text of a request. */
  async text(path: string, init: RequestInit = {}): Promise<string> {
    const response = await fetch(`http://127.0.0.1${path}`, { ...init, client: this.#client });
    return await response.text();
  }

  /** What the daemon says of itself. */
  async status(): Promise<DaemonStatus> {
    return await this.ask("/api/status");
  }

  /** The rows. */
  async rows(): Promise<ContainerView[]> {
    return (await this.ask("/api/containers")).items;
  }

  /** State of the only row, or `none`. */
  async state(): Promise<string> {
    return (await this.rows())[0]?.state ?? "none";
  }

  /** A sample of `/metrics`. */
  async metric(series: string): Promise<number> {
    const lines = (await this.text("/metrics")).split("\n");
    const line = lines.find((each) => each.startsWith(`${series} `));
    return Number(line?.slice(series.length + 1) ?? NaN);
  }

  /** Registers a site and returns the labels of its container. */
  async site(name: string): Promise<Record<string, string>> {
    const { workloadId } = await this.ask("/api/sites", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name }),
    });
    return { "tinyforge.workload.id": workloadId };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    await this.host[Symbol.asyncDispose]();
  }

  #connect(): Deno.HttpClient {
    const path = join(this.host.dataDir, "tinyforge.sock");
    return Deno.createHttpClient({ proxy: { transport: "unix", path } });
  }
}

engineTest("what docker does to a container shows by what the Engine tells", async (scope) => {
  await using daemon = await Daemon.start(scope.engine.address);
  const labels = await daemon.site("blog");
  const shows = async (state: string, ...command: string[]) => {
    await scope.docker(...command);
    await until(`${command[0]} shows`, async () => await daemon.state() === state);
  };
  const name = scope.containerName("blog");
  const label = Object.entries(labels).flatMap(([key, value]) => ["--label", `${key}=${value}`]);
  await shows(
    "running",
    ...["run", "--detach", "--name", name, "--network", "none", "--stop-timeout", "0"],
    ...[...label, "--label", `${TEST_LABEL}=${scope.name}`, "tinyforge-test/busybox:1"],
  );
  await shows("paused", "pause", name);
  // The one that follows the opening of the events is through by now.
  const { lastPass: before } = await daemon.status();
  await shows("running", "unpause", name);
  await shows("stopped", "stop", name);
  await shows("running", "start", name);
  await shows("stopped", "kill", name);
  await shows("missing", "rm", name);
  assertEquals(await daemon.metric("tinyforge_drift_total"), 0);
  // How soon is measured elsewhere; nothing was listed in full for it.
  const { lastPass } = await daemon.status();
  assertEquals([lastPass?.scope, lastPass?.at], ["full", before?.at]);
});

privateEngineTest("a dockerd that is killed and comes back loses no row", async () => {
  await using engine = await PrivateEngine.start();
  await engine.image();
  await using daemon = await Daemon.start(engine.address);
  const labels = Object.entries(await daemon.site("blog")).map(([k, v]) => `--label=${k}=${v}`);
  const run = (...args: string[]) =>
    engine.docker("run", ...AT_ONCE, ...args, "tinyforge-test/busybox:1");
  const id = await run("--restart=always", ...labels);
  await until("the row is there", async () => await daemon.state() === "running");

  await engine.kill();
  await until(
    "the Engine is seen to be down",
    async () => await daemon.metric("tinyforge_engine_up") === 0,
  );
  assertEquals((await daemon.rows()).map((row) => row.state), ["running"]);
  const down = await daemon.status();
  assertEquals([down.engine.up, down.events.up], [false, false]);
  assertStringIncludes(down.engine.error ?? "", "Cannot ");

  await engine.up();
  const begin = performance.now();
  await until("the index has converged", async () => {
    const truth = (await engine.docker("inspect", "--format={{.State.Status}}", id))
      .replace("exited", "stopped");
    const { engine: { up }, events } = await daemon.status();
    return up && events.up && await daemon.state() === truth;
  });
  assert(performance.now() - begin < 5000, `${performance.now() - begin} ms`);
  assertEquals(await daemon.metric("tinyforge_engine_up"), 1);
  assertEquals((await daemon.rows()).map((row) => row.containerId), [id]);
  const { items } = await daemon.ask(`/api/containers/${(await daemon.rows())[0]!.id}/transitions`);
  assert(!items.some((t: { to: string }) => t.to === "missing"));
});

privateEngineTest("a socket that is deleted and made anew is found again", async () => {
  await using engine = await PrivateEngine.start();
  await engine.image();
  await using daemon = await Daemon.start(engine.address);
  const labels = Object.entries(await daemon.site("blog")).map(([k, v]) => `--label=${k}=${v}`);
  await engine.docker("run", ...AT_ONCE, ...labels, "tinyforge-test/busybox:1");
  await until("the row is there", async () => await daemon.state() === "running");
  await engine.removeSocket();
  await engine.stop();
  await engine.up();
  await until("the Engine is found again and stopped its container", async () => {
    const { engine: { up }, events } = await daemon.status();
    return up && events.up && await daemon.state() === "stopped";
  }, { withinMs: 5000 });
});

podmanTest("what podman does to a container shows as well", async (podman) => {
  await using daemon = await Daemon.start(podman.address);
  const labels = await daemon.site("blog");
  await podman.run("blog", { labels });
  const shows = (state: string) =>
    until(`${state} shows`, async () => await daemon.state() === state);
  await shows("running");
  await podman.podman("stop", "--time", "0", "blog");
  await shows("stopped");
  await podman.podman("start", "blog");
  await shows("running");
  await podman.podman("rm", "--force", "--time", "0", "blog");
  await shows("missing");
  const report = await daemon.ask("/api/reconcile", { method: "POST" });
  assertEquals(report.engineChanged, null);
});

Deno.test("SIGTERM ends a daemon within a second while the Engine hangs", async () => {
  await using engine = await FakeEngine.start();
  await using daemon = await Daemon.start(`unix://${engine.path}`);
  engine.fail("list", { kind: "hang" });
  const before = engine.count("list");
  const asked = daemon.text("/api/reconcile", { method: "POST" }).catch(() => {});
  await until("a listing hangs", () => engine.count("list") > before);
  const begin = performance.now();
  const { code, stderr } = await daemon.running.stop("SIGTERM");
  assert(performance.now() - begin < 1000, `${performance.now() - begin} ms`);
  assertEquals(code, 0, stderr);
  await asked;
  assertEquals(await lockFiles(daemon.host), ["tinyforge.lock.guard"]);
});

Deno.test("SIGTERM ends a daemon within a second while a live feed is open", async () => {
  await using engine = await FakeEngine.start();
  await using daemon = await Daemon.start(`unix://${engine.path}`);
  const client = Deno.createHttpClient({
    proxy: { transport: "unix", path: join(daemon.host.dataDir, "tinyforge.sock") },
  });
  const feed = await fetch("http://127.0.0.1/api/events", { client });
  const reader = feed.body!.getReader();
  await reader.read();
  const begin = performance.now();
  const { code, stderr } = await daemon.running.stop("SIGTERM");
  assert(performance.now() - begin < 1000, `${performance.now() - begin} ms`);
  assertEquals(code, 0, stderr);
  assertEquals(await lockFiles(daemon.host), ["tinyforge.lock.guard"]);
  await reader.cancel().catch(() => {});
  client.close();
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`${signal} ends a daemon with 0 and releases the lock`, async () => {
    await using engine = await FakeEngine.start();
    await using daemon = await Daemon.start(`unix://${engine.path}`);
    const { code, stderr } = await daemon.running.stop(signal);
    assertEquals(code, 0, stderr);
    assertEquals(await lockFiles(daemon.host), ["tinyforge.lock.guard"]);
  });
}

Deno.test("a second signal ends a daemon at once that waits for a client, and releases the lock", async () => {
  await using engine = await FakeEngine.start();
  await using daemon = await Daemon.start(`unix://${engine.path}`);
  const { dataDir } = daemon.host;
  const path = join(dataDir, "tinyforge.sock");
  // Its answers are waited for, up to five seconds, and it takes none of them.
  using client = await Deno.connect({ transport: "unix", path });
  await writeAll(client, "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(15));
  await client.read(new Uint8Array(1));
  daemon.running.process.kill("SIGTERM");
  await until("it stops", () => daemon.running.stderr.includes('"stopping"'));
  const begin = performance.now();
  const { code, stderr } = await daemon.running.stop("SIGTERM");
  assert(performance.now() - begin < 2000, `${performance.now() - begin} ms`);
  assertEquals(code, 1, stderr);
  assertEquals((await lockFiles(daemon.host)).includes("tinyforge.lock"), false);
});

for (const how of ["thrown", "rejected"]) {
  Deno.test(`an error that nobody catches, ${how}, ends a daemon with 1 and releases the lock`, async () => {
    await using engine = await FakeEngine.start();
    await using host = await TestHost.make();
    host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
    const { code, stderr } = await harnessCommand(host, "failing_daemon.ts", how).output();
    const said = new TextDecoder().decode(stderr);
    assertEquals(code, 1, said);
    assertStringIncludes(said, "nobody catches this");
    assertEquals((await lockFiles(host)).includes("tinyforge.lock"), false);
  });
}

Deno.test("a daemon that was killed leaves a lock that the next one takes at once", async () => {
  await using engine = await FakeEngine.start();
  await using daemon = await Daemon.start(`unix://${engine.path}`);
  engine.add({ labels: await daemon.site("blog") });
  await until("the row is there", async () => await daemon.state() === "running");
  daemon.running.process.kill("SIGKILL");
  await daemon.running.ended();
  assertEquals(await lockFiles(daemon.host), [
    "tinyforge.lock",
    "tinyforge.lock.guard",
    "tinyforge.sock",
  ]);
  const begin = performance.now();
  await daemon.restart();
  assert(performance.now() - begin < 2000, "no grace time is waited for");
  assertEquals(await daemon.state(), "running");
});

Deno.test("a daemon that can't serve ends before it writes anything of what runs", async () => {
  await using engine = await SimEngine.start({ containers: 3 });
  await using host = await TestHost.make();
  host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
  const ends = async () => {
    const { code, stderr } = await host.run("reconcile");
    assertEquals(code, 1, stderr);
    await host.read((store) => assertEquals(store.hosts.local().lastPassAt, null, stderr));
  };
  host.env["TINYFORGE_METRICS_TOKEN_FILE"] = "/no/such/file";
  await ends();
  delete host.env["TINYFORGE_METRICS_TOKEN_FILE"];
  // What stands where the socket would be is somebody else's.
  await Deno.mkdir(join(host.dataDir, "tinyforge.sock"));
  await ends();
});

Deno.test("a daemon without an Engine keeps running and says so", async () => {
  await using daemon = await Daemon.start("unix:///nowhere/docker.sock", { ready: false });
  await until("it listens", async () => await daemon.status().catch(() => null));
  await until("it says why", async () => (await daemon.status()).engine.error);
  const status = await daemon.status();
  assertEquals([status.ready, status.engine.up, status.lastPass], [false, false, null]);
  assertStringIncludes(status.engine.error!, '"/nowhere/docker.sock"');
  assertEquals(status.events, { up: false, reconnects: 0 });
  assertEquals(await daemon.metric("tinyforge_engine_up"), 0);
  assertStringIncludes(daemon.running.stderr, "pass failed");
  assertEquals((await daemon.running.stop()).code, 0);
});

Deno.test("a daemon with nothing registered says what runs, and how to take it in", async () => {
  await using engine = await FakeEngine.start();
  engine.add();
  for (const project of ["shop; rm", "tinyforge-shop"]) {
    engine.add({ labels: { "com.docker.compose.project": project } });
  }
  await using daemon = await Daemon.start(`unix://${engine.path}`);
  await until("it says so", () => daemon.running.stderr.includes("nothing is registered yet"));
  const line = daemon.running.stderr.split("\n").find((each) => each.includes("registered yet"))!;
  const { unmanaged, composeProjects, hint } = JSON.parse(line);
  assertEquals([unmanaged, composeProjects], [3, ["shop; rm", "tinyforge-shop"]]);
  assertStringIncludes(hint, "`tinyforge discover`");
  assertStringIncludes(hint, "`tinyforge adopt --all`");
});

Deno.test("a daemon whose lock is taken away stops with 1 and says who has it", async () => {
  await using engine = await FakeEngine.start();
  await using host = await TestHost.make();
  host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
  // A minute in half a second.
  const process = harnessCommand(host, "fast_daemon.ts", "120").spawn();
  const output = process.output();
  const lock = join(host.dataDir, "tinyforge.lock");
  await until("it runs", () => Deno.stat(lock).catch(() => null));
  await until("it follows events", () => engine.followers > 0);
  // Another implementation took it: ours is gone, its own stands there.
  await Deno.remove(lock);
  await Deno.writeTextFile(lock, `${Deno.pid}\n`);
  const { code, stderr } = await output;
  const said = new TextDecoder().decode(stderr);
  assertEquals(code, 1, said);
  const line = JSON.parse(said.split("\n").find((l) => l.includes("lock lost"))!);
  assertEquals([line.level, line.owner], ["error", Deno.pid]);
  assertEquals(await Deno.readTextFile(lock), `${Deno.pid}\n`);
});

Deno.test("the service manager is told READY, STATUS, WATCHDOG and STOPPING", async () => {
  await using engine = await FakeEngine.start();
  await using host = await TestHost.make();
  const socket = join(host.dir, "notify.sock");
  using receiver = new Receiver(socket);
  Object.assign(host.env, {
    TINYFORGE_DOCKER_HOST: `unix://${engine.path}`,
    NOTIFY_SOCKET: socket,
    WATCHDOG_USEC: "200000",
  });
  const daemon = host.start("reconcile");
  const told: string[] = [];
  const has = (state: string) => () => {
    told.push(...receiver.received());
    return told.some((message) => message.split("\n").includes(state));
  };
  await until("READY comes", has("READY=1"));
  assertStringIncludes(told.find((message) => message.includes("READY"))!, "STATUS=0 of 0");
  await until("the watchdog is pinged", has("WATCHDOG=1"));
  assertEquals((await daemon.stop()).code, 0);
  assert(has("STOPPING=1")());
});

/** What stands in the data directory of the lock, and the socket. */
async function lockFiles(host: TestHost): Promise<string[]> {
  const names = await Array.fromAsync(Deno.readDir(host.dataDir), (entry) => entry.name);
  return names.filter((name) => /lock|sock/.test(name)).sort();
}
