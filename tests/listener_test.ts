/**
 * The daemon as a process among clients that mean it no good: connections that never ask, bodies
 * that nobody wants, its port in other hands, its token replaced.
 *
 * @module
 */

import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { TestHost } from "./harness/program.ts";
import { FakeEngine } from "./engines/scripted.ts";
import { daemonCommand, LivingDaemon } from "./harness/living_daemon.ts";
import { freePort } from "./harness/free_port.ts";
import { until } from "./harness/until.ts";

const NATIVE = Number(Deno.version.deno.split(".")[1]) >= 9;

/** A daemon on an Engine without containers, and the port that it listens on. */
class Daemon implements AsyncDisposable {
  readonly living: LivingDaemon;
  readonly host: TestHost;
  readonly port: number;
  readonly #engine: FakeEngine;

  private constructor(
    host: TestHost,
    engine: FakeEngine,
    options: { living: LivingDaemon; port: number },
  ) {
    this.host = host;
    this.#engine = engine;
    this.living = options.living;
    this.port = options.port;
  }

  static async start(
    options: { through?: readonly string[]; port?: number; listen?: string } = {},
  ): Promise<Daemon> {
    const engine = await FakeEngine.start();
    const host = await TestHost.make();
    const { port = freePort(), through = [] } = options;
    host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
    host.env["TINYFORGE_LISTEN"] = options.listen ?? `127.0.0.1:${port}`;
    const living = new LivingDaemon(host, daemonCommand(host, through));
    const daemon = new Daemon(host, engine, { living, port });
    await living.ready();
    return daemon;
  }

  get log(): string {
    return this.living.running.stderr;
  }

  /** Lines of the log with this message. */
  lines(message: string): Record<string, unknown>[] {
    return this.log.split("\n").filter((line) => line.includes(`"message":"${message}"`))
      .map((line) => JSON.parse(line));
  }

  /** Status of a request over TCP, or why there was none. */
  async tcp(path: string, token?: string): Promise<number | string> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.port}${path}`, {
        signal: AbortSignal.timeout(5000),
        ...(token && { headers: { authorization: `Bearer ${token}` } }),
      });
      await response.body?.cancel();
      return response.status;
    } catch (error) {
      return (error as Error).message;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.living[Symbol.asyncDispose]();
    await this.host[Symbol.asyncDispose]();
    await this.#engine[Symbol.asyncDispose]();
  }
}

for (const descriptors of [256, 1024]) {
  Deno.test({
    name: `with ${descriptors} descriptors, 1,000 half requests change nothing for others`,
    ignore: !NATIVE,
    fn: async () => {
      await using daemon = await Daemon.start({
        through: ["bash", "-c", `ulimit -n ${descriptors}; exec "$@"`, "sh"],
      });
      const half = Array.from({ length: 1000 }, async () => {
        const address = { hostname: "127.0.0.1", port: daemon.port };
        // At the end those that still wait to be accepted are refused.
        const connection = await Deno.connect(address).catch(() => null);
        await connection?.write(new TextEncoder().encode("GET / HTTP/1.1\r\nX: ")).catch(() => {});
        return connection;
      });
      await until(
        "they are too many",
        () => daemon.lines("too many connections, closing those that ask nothing").length,
      );
      for (let i = 0; i < 10; i++) {
        assertEquals(await daemon.tcp("/livez"), 200);
        assertEquals((await daemon.living.status())?.ready, true);
      }
      assertLess(await daemon.living.metric("process_open_fds"), descriptors - 30);
      assertEquals(daemon.lines("too many connections, closing those that ask nothing").length, 1);
      const { code, stderr } = await daemon.living.stop();
      assertEquals(code, 0, stderr);
      assert(!stderr.includes('"level":"error"'), stderr);
      for (const connection of await Promise.all(half)) connection?.close();
    },
  });
}

Deno.test("1,500 strangers that post a megabyte each cost no lasting memory", async () => {
  await using daemon = await Daemon.start();
  const memory = () => daemon.living.metric("process_resident_memory_bytes");
  const body = new Uint8Array(1 << 20).fill(0x78);
  const post = async () => {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: daemon.port });
    const head = `POST /hooks/${"A".repeat(43)} HTTP/1.1\r\nHost: 127.0.0.1\r\n` +
      `Content-Length: ${body.length}\r\n\r\n`;
    // As much as is taken: whoever closes early has answered.
    const send = async () => {
      await connection.write(new TextEncoder().encode(head));
      for (let at = 0; at < body.length;) at += await connection.write(body.subarray(at));
    };
    const buffer = new Uint8Array(64);
    const [read] = await Promise.all([
      connection.read(buffer).catch(() => null),
      send().catch(() => {}),
    ]);
    return new TextDecoder().decode(buffer.subarray(9, Math.min(12, read ?? 0)));
  };
  await post();
  const before = await memory();
  const codes = new Map<string, number>();
  let most = 0;
  for (let round = 0; round < 5; round++) {
    for (
      const code of await Promise.all(Array.from({ length: 300 }, () => post().catch(() => "")))
    ) {
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    most = Math.max(most, await memory());
  }
  assert((codes.get("404") ?? 0) >= 50 && (codes.get("429") ?? 0) > 1000, [...codes].join());
  // Three hundred come at once: read, their bodies alone would be 300 MiB each time, 1.5 GB kept.
  assertLess((most - before) / 2 ** 20, 200, "MiB while they did");
  assertEquals(daemon.lines("login failed").length, 1, "not each one is told");
  const counted = await daemon.living.metric(
    'tinyforge_http_failed_logins_total{kind="webhook"}',
  );
  const answered = (codes.get("404") ?? 0) + (codes.get("429") ?? 0);
  assert(counted > 1000 && counted >= answered, `${counted} counted, ${[...codes].join()}`);
  assertEquals((await daemon.living.stop()).code, 0);
});

Deno.test("a port that another program has doesn't keep the daemon from its work", async () => {
  const other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using daemon = await Daemon.start({ port: other.addr.port });
  const status = await daemon.living.status();
  assertEquals([status?.ready, status?.tcp.address], [true, null]);
  assertStringIncludes(status!.tcp.error!, "the address is in use");
  const [line] = daemon.lines("not listening, trying again");
  assertEquals([line?.level, line?.entrance], ["error", "tcp"]);
  const shown = await daemon.host.run("status");
  assertStringIncludes(shown.stdout, "over its socket only");
  other.close();
  await until("the port is taken", async () => await daemon.tcp("/livez") === 200, {
    withinMs: 15_000,
  });
  assertEquals((await daemon.living.status())?.tcp, {
    address: `127.0.0.1:${daemon.port}`,
    error: null,
  });
  assertEquals((await daemon.living.stop()).code, 0);
});

Deno.test("a token that is replaced in its file is used without a restart", async () => {
  await using daemon = await Daemon.start();
  const path = join(daemon.host.dataDir, "token");
  const first = (await Deno.readTextFile(path)).trim();
  assertEquals(await daemon.tcp("/api/status", first), 200);
  const second = "second-token-0123456789-0123456789-0123456789";
  await Deno.writeTextFile(path, `${second}\n`);
  await until(
    "the new token is taken",
    async () => await daemon.tcp("/api/status", second) === 200,
  );
  assertEquals(await daemon.tcp("/api/status", first), 401);
  // What can't be used is not: an editor may be about to write.
  await Deno.writeTextFile(path, "short");
  await until("it is told", async () => {
    assertEquals(await daemon.tcp("/api/status", second), 200);
    return daemon.lines("token not replaced, the one before stays valid").length;
  });
  assertEquals(await daemon.tcp("/api/status", second), 200);
  const third = "third-token-0123456789-0123456789-0123456789-";
  await Deno.writeTextFile(path, `${third}\n`);
  daemon.living.running.process.kill("SIGHUP");
  await until("it is reloaded", () => daemon.lines("token replaced").length === 2);
  assertEquals(await daemon.tcp("/api/status", third), 200);
  assertEquals((await daemon.living.stop()).code, 0);
});

Deno.test("SIGHUP ends no daemon, and is nothing to one that nohup started", async () => {
  await using daemon = await Daemon.start({
    through: ["bash", "-c", `trap '' HUP; exec "$@"`, "sh"],
  });
  for (let i = 0; i < 3; i++) daemon.living.running.process.kill("SIGHUP");
  assertEquals(await daemon.tcp("/livez"), 200);
  assertEquals(daemon.lines("reloading"), []);
  const { code, stderr } = await daemon.living.stop();
  assertEquals(code, 0, stderr);
});

Deno.test("failed logins are told with their address, once, and counted", async () => {
  await using daemon = await Daemon.start();
  for (let i = 0; i < 20; i++) assertEquals(await daemon.tcp("/api/status", "x".repeat(43)), 401);
  assertEquals(await daemon.tcp("/nowhere"), 401);
  const [line, ...more] = daemon.lines("login failed");
  assertEquals([line?.level, line?.address, line?.failures, more], ["warn", "127.0.0.1", 1, []]);
  assertEquals(await daemon.living.metric('tinyforge_http_failed_logins_total{kind="token"}'), 21);
  assert(!daemon.log.includes("x".repeat(43)));
  // What was not told yet is told at the end.
  const { stderr } = await daemon.living.stop();
  assertStringIncludes(stderr, '"failures":20');
});

Deno.test("listening beyond this host is said to be in clear text, on loopback nothing is", async () => {
  const port = freePort();
  await using open = await Daemon.start({ listen: `0.0.0.0:${port}`, port });
  const [line] = open.lines("listening beyond this host in clear text");
  assertEquals([line?.level, line?.address], ["warn", `0.0.0.0:${port}`]);
  assertStringIncludes(String(line?.hint), "TLS");
  await using closed = await Daemon.start();
  assertEquals(closed.lines("listening beyond this host in clear text"), []);
});

Deno.test("a socket that was removed is made anew", async () => {
  await using daemon = await Daemon.start();
  const path = join(daemon.host.dataDir, "tinyforge.sock");
  await Deno.remove(path);
  await until("it is there again", () => Deno.lstat(path).catch(() => null), { withinMs: 30_000 });
  const { code, stdout } = await daemon.host.run("healthcheck");
  assertEquals([code, stdout], [0, "ready\n"]);
  assertEquals(daemon.lines("listener lost, opening it again").length, 1);
  assertEquals((await daemon.living.stop()).code, 0);
});

const ACTIVATE = await new Deno.Command("systemd-socket-activate", { args: ["--version"] })
  .output().then(({ success }) => success, () => false);

Deno.test({
  name: "a port that the service manager holds is used, and stays held when the daemon ends",
  ignore: !NATIVE || !ACTIVATE,
  fn: async () => {
    const port = freePort();
    const engine = await FakeEngine.start();
    const host = await TestHost.make();
    host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
    // Another one, to see that the one that was handed over is taken in its place.
    host.env["TINYFORGE_LISTEN"] = `127.0.0.1:${freePort()}`;
    const env = Object.keys(host.env).map((name) => `--setenv=${name}`);
    const living = new LivingDaemon(
      host,
      daemonCommand(host, ["systemd-socket-activate", "-l", `127.0.0.1:${port}`, ...env]),
    );
    try {
      // The first connection starts it.
      const response = await fetchSoon(`http://127.0.0.1:${port}/livez`);
      assertEquals([response.status, await response.text()], [200, "ok\n"]);
      await living.ready();
      assertEquals((await living.status())?.tcp, { address: `127.0.0.1:${port}`, error: null });
      const { code, stderr } = await living.stop();
      assertEquals(code, 0, stderr);
    } finally {
      await living[Symbol.asyncDispose]();
      await host[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    }
  },
});

async function fetchSoon(url: string): Promise<Response> {
  let response: Response | null = null;
  await until("it is listened on", async () => {
    response = await fetch(url).catch(() => null);
    return response;
  }, { withinMs: 10_000 });
  return response!;
}
