/**
 * A dockerd of a test's own that it may kill. Must never touch a process or file that the test did
 * not make.
 *
 * @module
 */

import { DockerClient } from "../../src/docker/client.ts";
import { Janitor } from "../harness/janitor.ts";
import { missing } from "../harness/missing.ts";
import { until } from "../harness/until.ts";
import { RealEngine } from "./real.ts";
import { run } from "./run.ts";

/**
 * Registers a test that may start a `PrivateEngine`: as root, with dockerd and
 * containerd installed; else it is ignored with the reason in its name, or fails where `CI=true`.
 */
export function privateEngineTest(name: string, run: () => Promise<void>): void {
  const reason = PRIVATE_ENGINE_MISSING;
  if (reason !== null) return missing(name, reason);
  Deno.test(name, run);
}

/**
 * A dockerd (and containerd) of the test's own: own socket, own data, no networks, nothing shared
 * with the host's. To be killed, frozen and restarted at will.
 */
export class PrivateEngine extends RealEngine implements AsyncDisposable {
  readonly #directory: string;
  readonly #args: readonly string[];
  readonly #janitor: Janitor;
  readonly #containerd: Deno.ChildProcess;
  #dockerd: Deno.ChildProcess | null = null;

  private constructor(
    directory: string,
    containerd: Deno.ChildProcess,
    args: readonly string[],
  ) {
    super(`unix://${directory}/docker.sock`);
    this.#directory = directory;
    this.#janitor = new Janitor(directory);
    this.#containerd = containerd;
    this.#args = args;
  }

  /** Resolves when it answers, after a second or two. `args` are further options of dockerd. */
  static async start(options: { args?: readonly string[] } = {}): Promise<PrivateEngine> {
    const directory = await Deno.makeTempDir({ prefix: "tfengine" });
    const config = `version = 2\nroot = "${directory}/containerd"\n` +
      `state = "${directory}/containerd-state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n` +
      `[grpc]\naddress = "${directory}/containerd.sock"\n`;
    await Deno.writeTextFile(`${directory}/containerd.toml`, config);
    await Deno.writeTextFile(`${directory}/daemon.json`, "{}");
    const args = ["--config", `${directory}/containerd.toml`];
    const containerd = spawn("containerd", args, directory);
    const engine = new PrivateEngine(directory, containerd, options.args ?? []);
    try {
      const socket = `${directory}/containerd.sock`;
      await until("containerd listens", () => Deno.stat(socket).catch(() => null));
      await engine.up();
    } catch (error) {
      const log = await Deno.readTextFile(`${directory}/dockerd.log`).catch(() => "");
      await engine[Symbol.asyncDispose]();
      throw new Error(`Cannot start a private Engine: ${log.slice(-2000)}`, { cause: error });
    }
    return engine;
  }

  /** Path of its socket. */
  get socket(): string {
    return `${this.#directory}/docker.sock`;
  }

  /** Process id of dockerd, null while it is down. */
  get pid(): number | null {
    return this.#dockerd?.pid ?? null;
  }

  /** Starts dockerd; resolves when it answers. */
  async up(): Promise<void> {
    if (this.#dockerd !== null) return;
    // One that was killed leaves its file behind, and its PID may be taken by now.
    await Deno.remove(`${this.#directory}/docker.pid`).catch(() => {});
    this.#dockerd = spawn("dockerd", [
      ...["--config-file", `${this.#directory}/daemon.json`],
      ...["--host", this.address],
      ...["--containerd", `${this.#directory}/containerd.sock`],
      ...["--data-root", `${this.#directory}/data`],
      ...["--exec-root", `${this.#directory}/exec`],
      ...["--pidfile", `${this.#directory}/docker.pid`],
      ...["--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"],
      ...["--ip-masq=false", "--userland-proxy=false", "--log-level=warn"],
      ...this.#args,
    ], this.#directory);
    using client = new DockerClient({ host: this.host, timeoutMs: 1000 });
    await until(
      "dockerd answers",
      () => client.ping().then(() => true, () => false),
      { withinMs: 30_000 },
    );
  }

  /** Ends dockerd as systemd would: with SIGTERM, containers stopped. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** Ends dockerd with SIGKILL; its socket's file and containers stay. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Stops dockerd in its tracks: connections stay open, nothing is answered once this resolves. */
  async freeze(): Promise<void> {
    const { pid } = this.#dockerd!;
    Deno.kill(pid, "SIGSTOP");
    // A thread on another core goes on for a moment. By a program, for Deno would have to be let do all.
    await until("every thread stands", async () => {
      const states = await run("sh", ["-c", `grep -h ^State: /proc/${pid}/task/*/status`]);
      return states.split("\n").every((line) => /^State:\s+T/.test(line));
    });
  }

  /** Undoes {@linkcode freeze}. */
  thaw(): void {
    this.#dockerd?.kill("SIGCONT");
  }

  /** Removes the socket's file under the living dockerd, which does not notice. */
  async removeSocket(): Promise<void> {
    await Deno.remove(this.socket);
  }

  /** Ends everything and removes all files. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#removeContainers();
      await this.stop();
      this.#containerd.kill("SIGTERM");
    } finally {
      await this.#janitor[Symbol.asyncDispose]();
      await this.#dockerd?.status;
      await this.#containerd.status;
    }
  }

  /** Containers outlive a killed dockerd: only a living one removes all that belongs to them. */
  async #removeContainers(): Promise<void> {
    if (!await Deno.stat(`${this.#directory}/data/containers`).catch(() => null)) return;
    this.thaw();
    if (!await Deno.stat(this.socket).catch(() => null)) await this.stop();
    await this.up();
    const found = await this.docker("ps", "--all", "--quiet");
    if (found !== "") await this.docker("rm", "--force", ...found.split("\n"));
  }

  async #end(signal: Deno.Signal): Promise<void> {
    const dockerd = this.#dockerd;
    if (dockerd === null) return;
    this.#dockerd = null;
    dockerd.kill(signal);
    dockerd.kill("SIGCONT"); // a frozen one does not see SIGTERM
    await dockerd.status;
  }
}

/** Starts a program with its messages in `<directory>/<program>.log`. */
function spawn(program: string, args: readonly string[], directory: string): Deno.ChildProcess {
  return new Deno.Command("sh", {
    args: [
      "-c",
      'log=$1; shift; exec "$@" >>"$log" 2>&1',
      "sh",
      `${directory}/${program}.log`,
      // In a network namespace of its own: a dockerd without a bridge begins by removing docker0.
      "unshare",
      "--net",
      program,
      ...args,
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

async function privateEngineMissing(): Promise<string | null> {
  if (Deno.uid() !== 0) return "a private Engine needs root";
  for (const program of ["dockerd", "containerd", "docker", "unshare"]) {
    try {
      await run(program, ["--version"]);
    } catch {
      return `a private Engine needs ${program}`;
    }
  }
  return null;
}

/** Why no Engine of a test's own can be started here; null: one can. */
export const PRIVATE_ENGINE_MISSING: string | null = await privateEngineMissing();
