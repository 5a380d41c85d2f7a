/**
 * The daemon as a process, and what is asked of it over its socket, for tests of what it endures.
 *
 * @module
 */

import { fromFileUrl, join } from "@std/path";
import type { DaemonStatus } from "../../src/model/views.ts";
import { DENO_ARGS, type Ran, Running, type TestHost } from "./program.ts";
import { until } from "./until.ts";

/** One daemon from its start to its end. */
export class LivingDaemon implements AsyncDisposable {
  readonly host: TestHost;
  readonly running: Running;
  /** Whether {@linkcode kill} was called. */
  killed = false;
  readonly #client: Deno.HttpClient;
  #closed = false;

  /** Starts it; `command` instead of the program itself. */
  constructor(host: TestHost, command: Deno.Command = daemonCommand(host)) {
    this.host = host;
    this.running = new Running(command.spawn());
    const path = join(host.dataDir, "tinyforge.sock");
    this.#client = Deno.createHttpClient({
      proxy: { transport: "unix", path },
      // Less than the daemon keeps a connection: a request that meets its end fails.
      poolIdleTimeout: 30_000,
    });
  }

  /** Process id. */
  get pid(): number {
    return this.running.process.pid;
  }

  /** A request with a JSON body, if any. */
  send(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(`http://127.0.0.1${path}`, {
      client: this.#client,
      method,
      ...(body !== undefined && {
        body: JSON.stringify(body),
        headers: { "content-type": "application/json" },
      }),
    });
  }

  /** Status and parsed body of a request; null for an empty body. */
  // deno-lint-ignore no-explicit-any -- as JSON.parse
  async ask(method: string, path: string, body?: unknown): Promise<{ status: number; body: any }> {
    const response = await this.send(method, path, body);
    const text = await response.text();
    return { status: response.status, body: text === "" ? null : JSON.parse(text) };
  }

  /** Parsed body of a GET. */
  // deno-lint-ignore no-explicit-any -- as JSON.parse
  async get(path: string): Promise<any> {
    return (await this.ask("GET", path)).body;
  }

  /** What it says of itself; null while it does not answer. */
  async status(): Promise<DaemonStatus | null> {
    return await this.get("/api/status").catch(() => null);
  }

  /** A sample of `/metrics`; the first series that begins so. */
  async metric(series: string): Promise<number> {
    const lines = (await (await this.send("GET", "/metrics")).text()).split("\n");
    return Number(lines.find((line) => line.startsWith(series))?.split(" ").at(-1) ?? NaN);
  }

  /** Resolves when it says that it started, which needs no Engine. */
  async started(): Promise<void> {
    await until("the daemon started", () => this.running.stderr.includes("started"));
  }

  /** Where it listens over TCP, as `host:port`, once it does. */
  async address(): Promise<string> {
    return await until("it listens", async () => (await this.status())?.tcp.address);
  }

  /** Resolves when its first pass is done; throws what it logged when it ends before. */
  async ready(): Promise<void> {
    let ended = false;
    this.running.process.status.then(() => ended = true);
    try {
      await until("the first pass is done", async () => {
        if (ended) throw new Error("it ended");
        return (await this.status())?.lastPass;
      }, { withinMs: 20_000 });
    } catch (cause) {
      throw new Error(`The daemon is not ready: ${this.running.stderr}`, { cause });
    }
  }

  /** Ends it at once; answers on their way still arrive. */
  kill(): void {
    this.running.process.kill("SIGKILL");
    this.killed = true;
  }

  /** Asks it to end and waits for that. */
  async stop(): Promise<Ran> {
    const ran = await this.running.stop("SIGTERM");
    this.#close();
    return ran;
  }

  /** Waits for its end, whatever caused it; one that goes on for 20 s is killed. */
  async ended(): Promise<Ran> {
    const timer = setTimeout(() => this.running.process.kill("SIGKILL"), 20_000);
    const ran = await this.running.ended();
    clearTimeout(timer);
    this.#close();
    return ran;
  }

  /** Ends it if it still runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#close();
    await this.running[Symbol.asyncDispose]();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#client.close();
  }
}

const PIPED = { stdin: "null", stdout: "piped", stderr: "piped" } as const;

/** The program as a daemon; `through` a command that runs it in another way. */
export function daemonCommand(host: TestHost, through: readonly string[] = []): Deno.Command {
  if (through.length === 0) return host.command(["reconcile"], PIPED);
  const [program, ...args] = [...through, Deno.execPath(), ...DENO_ARGS, "reconcile"];
  return new Deno.Command(program!, {
    args,
    clearEnv: true,
    env: host.env,
    cwd: host.dir,
    ...PIPED,
  });
}

/** A program of this folder instead of the program itself: `fast_daemon.ts` or its like. */
export function harnessCommand(host: TestHost, file: string, ...args: string[]): Deno.Command {
  const program = fromFileUrl(new URL(file, import.meta.url));
  return new Deno.Command(Deno.execPath(), {
    args: [...DENO_ARGS.slice(0, -1), program, ...args],
    clearEnv: true,
    env: host.env,
    ...PIPED,
  });
}
