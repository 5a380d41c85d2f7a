/**
 * The program as a process of its own, with the permissions and the flags of the `reconcile` task, on a data
 * directory of the test's own and away from the machine's Engine.
 *
 * @module
 */

import { fromFileUrl, join } from "@std/path";
import { V8_FLAGS } from "../../src/dev/compile.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import type { IndexRow } from "../../src/model/container.ts";
import { until } from "./until.ts";
import { row } from "./world.ts";

if (!Deno.env.get("DENO_SQLITE_PATH")) Deno.env.set("DENO_SQLITE_PATH", "libsqlite3.so.0");
// Here rather than in the first test that opens a store, which would seem to leak the library.
await import("@db/sqlite");

/** The program's entry point. */
export const MAIN: string = fromFileUrl(new URL("../../main.ts", import.meta.url));

/** What comes before the program's own arguments. */
export const DENO_ARGS: readonly string[] = [
  "run",
  "--quiet",
  `--v8-flags=${V8_FLAGS}`,
  "--no-prompt",
  "--allow-read",
  "--allow-write",
  "--allow-net",
  "--allow-ffi",
  "--allow-env",
  MAIN,
];

/** What a run of the program left. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A data directory and the program on it. */
export class TestHost implements AsyncDisposable {
  /** A directory that goes away with this. */
  readonly dir: string;
  /** The data directory; does not exist before something makes it. */
  readonly dataDir: string;
  /** What the program finds in its environment; change at will. */
  readonly env: Record<string, string>;
  readonly #running: Running[] = [];
  #bin: Promise<string> | null = null;

  private constructor(dir: string) {
    this.dir = dir;
    this.dataDir = join(dir, "data");
    this.env = {
      TINYFORGE_DATA_DIR: this.dataDir,
      TINYFORGE_DOCKER_HOST: `unix://${join(dir, "no-engine.sock")}`,
      TINYFORGE_LISTEN: "none",
    };
    for (const name of ["PATH", "HOME", "DENO_DIR", "XDG_CACHE_HOME", "DENO_SQLITE_PATH"]) {
      const value = Deno.env.get(name);
      if (value !== undefined) this.env[name] = value;
    }
  }

  /** A host without data. */
  static async make(): Promise<TestHost> {
    return new TestHost(await Deno.makeTempDir({ prefix: "tinyforge-cli-" }));
  }

  /** A host whose index was written by `seed`. */
  static async seeded(seed: (store: Store) => void): Promise<TestHost> {
    const host = await TestHost.make();
    await host.seed(seed);
    return host;
  }

  /** Path of the database. */
  get database(): string {
    return join(this.dataDir, "tinyforge.db");
  }

  /** Writes to the index, as the daemon or another command would. */
  async seed(write: (store: Store) => void): Promise<void> {
    await Deno.mkdir(this.dataDir, { recursive: true, mode: 0o700 });
    using store = await openStore(this.database);
    write(store);
  }

  /** Reads the index. */
  async read<T>(read: (store: Store) => T): Promise<T> {
    using store = await openStore(this.database, { readonly: true });
    return read(store);
  }

  /** Runs the program to its end. */
  async run(...args: string[]): Promise<Ran> {
    const { code, stdout, stderr } = await this.command(args).output();
    return { code, stdout: text(stdout), stderr: text(stderr) };
  }

  /** Runs the program and parses what it prints; fails where it fails. */
  // deno-lint-ignore no-explicit-any -- as JSON.parse
  async json(...args: string[]): Promise<any> {
    const { code, stdout, stderr } = await this.run(...args, "--json");
    if (code !== 0) throw new Error(`tinyforge ${args.join(" ")} ended with ${code}: ${stderr}`);
    if (stdout.trimEnd().includes("\n")) throw new Error(`more than one document: ${stdout}`);
    return JSON.parse(stdout);
  }

  /** Starts the daemon; resolves when it says that it is ready. */
  async startReady(): Promise<Running> {
    const daemon = this.start("reconcile");
    await until("the daemon is ready", async () => (await this.run("healthcheck")).code === 0);
    return daemon;
  }

  /** Starts the program and leaves it running; ended with this host at the latest. */
  start(...args: string[]): Running {
    const running = new Running(
      this.command(args, { stdin: "null", stdout: "piped", stderr: "piped" }).spawn(),
    );
    this.#running.push(running);
    return running;
  }

  /** The program with these arguments, not started. */
  command(args: readonly string[], options: Deno.CommandOptions = {}): Deno.Command {
    return new Deno.Command(Deno.execPath(), {
      args: [...DENO_ARGS, ...args],
      clearEnv: true,
      env: this.env,
      cwd: this.dir,
      stdin: "null",
      ...options,
    });
  }

  /** The folder with the program as `tinyforge`, for a PATH; made once. */
  installed(): Promise<string> {
    return this.#bin ??= this.#install();
  }

  /** Runs `sh`, to which `tinyforge` is a command, to its end; `env` besides the host's. */
  async shell(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
    const bin = await this.installed();
    const { code, stdout, stderr } = await new Deno.Command("sh", {
      args: [...args],
      clearEnv: true,
      env: { ...this.env, PATH: `${bin}:${this.env["PATH"]}`, ...env },
      cwd: this.dir,
      stdin: "null",
    }).output();
    return { code, stdout: text(stdout), stderr: text(stderr) };
  }

  /** Ends what runs and removes the directory. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const running of this.#running) await running[Symbol.asyncDispose]();
    await Deno.remove(this.dir, { recursive: true });
  }

  async #install(): Promise<string> {
    const bin = join(this.dir, "bin");
    await Deno.mkdir(bin);
    const words = [Deno.execPath(), ...DENO_ARGS].map((word) => `'${word}'`).join(" ");
    const script = `#!/bin/sh\nexec ${words} "$@"\n`;
    await Deno.writeTextFile(join(bin, "tinyforge"), script, { mode: 0o755 });
    return bin;
  }
}

/** A program that runs. */
export class Running implements AsyncDisposable {
  /** What it wrote to stdout so far. */
  stdout = "";
  /** What it wrote to stderr so far. */
  stderr = "";
  readonly process: Deno.ChildProcess;
  readonly #read: Promise<unknown>;

  constructor(process: Deno.ChildProcess) {
    this.process = process;
    const collect = async (stream: ReadableStream<Uint8Array>, to: "stdout" | "stderr") => {
      const decoder = new TextDecoder();
      for await (const chunk of stream) this[to] += decoder.decode(chunk, { stream: true });
    };
    this.#read = Promise.all([
      collect(process.stdout, "stdout"),
      collect(process.stderr, "stderr"),
    ]);
  }

  /** Waits for its end. */
  async ended(): Promise<Ran> {
    const { code } = await this.process.status;
    await this.#read;
    return { code, stdout: this.stdout, stderr: this.stderr };
  }

  /** Asks it to end and waits for that. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<Ran> {
    this.process.kill(signal);
    return await this.ended();
  }

  /** Ends it, whatever it does. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.process.kill("SIGKILL");
    } catch {
      // It ended by itself.
    }
    await this.ended();
  }
}

/** Writes rows as a full pass at `at` does; also tells what ran besides. */
export function pass(
  store: Store,
  rows: readonly IndexRow[],
  options: { at?: string; unmanaged?: { count: number; composeProjects: Record<string, number> } } =
    {},
): void {
  const { at = new Date().toISOString(), unmanaged = { count: 0, composeProjects: {} } } = options;
  const changes = rows.map((each) => {
    const before = store.containers.index().row(each.id);
    return {
      op: before === undefined ? "insert" as const : "update" as const,
      row: each,
      from: before?.state ?? null,
    };
  });
  store.containers.reconcileContainers(changes, {
    at,
    cause: "pass",
    found: { listed: rows.length, claimed: rows.length, refused: [], unclaimed: [], unmanaged },
  });
}

/** A row of a site, running container `containerId`. */
export function siteRow(workloadId: string, fields: Partial<IndexRow> = {}): IndexRow {
  return row({
    id: `${workloadId}:site`,
    workloadId,
    workloadKind: "site",
    containerName: "web",
    ...fields,
  });
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
