/**
 * Real Engines for tests: the host's, in which each test has a corner of its own that is swept
 * clean when it ends, and private ones that a test may kill. Must never touch a container, process
 * or file that a test did not make.
 *
 * @module
 */

import { resolveDockerHost } from "../../src/config.ts";
import { type DockerHost, parseDockerHost } from "../../src/docker_host.ts";
import { DockerClient } from "../../src/docker/client.ts";
import { until } from "../harness/until.ts";

export { until };
import { Janitor } from "../harness/janitor.ts";

/** Image that the containers of tests run: a static busybox and nothing else. */
export const TEST_IMAGE = "tinyforge-test/busybox:1";

/** Label of every container that a test makes; its value is the scope's name. */
export const TEST_LABEL = "tinyforge.test";

/** Whether a missing prerequisite is a failure rather than a reason to skip. */
export const STRICT: boolean = Deno.env.get("CI") === "true";

/**
 * Registers a test against the host's Engine, in a scope of its own. Without an Engine it is
 * ignored with the reason in its name, or fails where `CI=true`.
 */
export function engineTest(name: string, run: (scope: EngineScope) => Promise<void>): void {
  const engine = ENGINE;
  if (typeof engine === "string") return missing(name, engine);
  Deno.test(name, async () => {
    await using scope = await engine.scope();
    await run(scope);
  });
}

/**
 * Registers a test that may start a {@linkcode PrivateEngine}: as root, with dockerd and
 * containerd installed; else as {@linkcode engineTest} without an Engine.
 */
export function privateEngineTest(name: string, run: () => Promise<void>): void {
  const reason = PRIVATE_ENGINE_MISSING;
  if (reason !== null) return missing(name, reason);
  Deno.test(name, run);
}

/** Registers a test that can't run here: ignored and why, or failing where `CI=true`. */
export function missing(name: string, reason: string): void {
  Deno.test({
    name: `${name} (${reason})`,
    ignore: !STRICT,
    fn: () => {
      throw new Error(`Cannot run this test: ${reason}`);
    },
  });
}

/** Runs a program and returns what it printed, trimmed. Throws with its messages if it fails. */
export async function run(
  command: string,
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string } = {},
): Promise<string> {
  const { success, code, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    stdin: "null",
    ...options,
  }).output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout).trim();
  throw new Error(
    `Cannot run ${command} ${args.join(" ")}: exit code ${code}: ${decoder.decode(stderr).trim()}`,
  );
}

/** An Engine that answers. */
export class RealEngine {
  /** For `new DockerClient({ host })`. */
  readonly host: DockerHost;
  /** The same as `--docker-host` and `DOCKER_HOST` take it. */
  readonly address: string;
  #image: Promise<string> | undefined;

  constructor(address: string) {
    this.address = address;
    this.host = parseDockerHost(address);
  }

  /** Runs Docker's own client against it. */
  docker(...args: string[]): Promise<string> {
    return run("docker", ["--host", this.address, ...args]);
  }

  /** Makes {@linkcode TEST_IMAGE} unless it is there. */
  image(): Promise<string> {
    return this.#image ??= this.#makeImage();
  }

  /** A corner of this Engine for one test. */
  async scope(): Promise<EngineScope> {
    await this.image();
    return new EngineScope(this);
  }

  async #makeImage(): Promise<string> {
    if (await this.docker("images", "--quiet", TEST_IMAGE) !== "") return TEST_IMAGE;
    const directory = await Deno.makeTempDir();
    try {
      const archive = await busyboxArchive(directory);
      await this.docker("import", "--change", 'CMD ["sleep","3600"]', archive, TEST_IMAGE);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
    return TEST_IMAGE;
  }
}

/** How a test's container is made. */
export interface ContainerOptions {
  readonly labels?: Readonly<Record<string, string>>;
  /** Further options of `docker run`. */
  readonly args?: readonly string[];
  /** Instead of sleeping for an hour. */
  readonly command?: readonly string[];
  /** `none` by default. */
  readonly network?: string;
  /** {@linkcode TEST_IMAGE} by default. */
  readonly image?: string;
}

/** What one test makes in an Engine; disposing of it removes exactly that. */
export class EngineScope implements AsyncDisposable {
  /** The Engine it is in. */
  readonly engine: RealEngine;
  /** Unique; every container's name begins with it. */
  readonly name: string = `tftest-${crypto.randomUUID().slice(0, 8)}`;
  readonly #composeProjects = new Set<string>();

  constructor(engine: RealEngine) {
    this.engine = engine;
  }

  /** For `new DockerClient({ host })`. */
  get host(): DockerHost {
    return this.engine.host;
  }

  /** Runs Docker's own client. Name containers with {@linkcode containerName} and label them. */
  docker(...args: string[]): Promise<string> {
    return this.engine.docker(...args);
  }

  /** The name of this scope's container `name`. */
  containerName(name: string): string {
    return `${this.name}-${name}`;
  }

  /**
   * Creates and starts a container, without a network unless one is named; resolves with its id.
   * `args` go before the image, `command` runs instead of sleeping for an hour.
   */
  run(name: string, options: ContainerOptions = {}): Promise<string> {
    return this.docker("run", "--detach", ...this.#arguments(name, options));
  }

  /** As {@linkcode run}, without starting it. */
  create(name: string, options: ContainerOptions = {}): Promise<string> {
    return this.docker("create", ...this.#arguments(name, options));
  }

  /** A unique Compose project's name, `<prefix><scope>`; what it starts is removed with the scope. */
  composeProject(prefix = ""): string {
    const project = `${prefix}${this.name}`;
    this.#composeProjects.add(project);
    return project;
  }

  /** Removes the scope's containers, and its Compose projects' containers and networks. */
  async [Symbol.asyncDispose](): Promise<void> {
    const filters = [`label=${TEST_LABEL}=${this.name}`, `name=^/?${this.name}-`];
    for (const project of this.#composeProjects) {
      filters.push(`label=com.docker.compose.project=${project}`);
    }
    for (const filter of filters) {
      const found = await this.docker("ps", "--all", "--quiet", "--no-trunc", "--filter", filter);
      // One that ends by itself (--rm) may be gone by now.
      if (found !== "") await this.docker("rm", "--force", ...found.split("\n")).catch(() => {});
      const left = await this.docker("ps", "--all", "--quiet", "--filter", filter);
      if (left !== "") throw new Error(`Cannot remove containers ${left} of test ${this.name}`);
    }
    for (const project of this.#composeProjects) {
      const filter = `label=com.docker.compose.project=${project}`;
      const networks = await this.docker("network", "ls", "--quiet", "--filter", filter);
      if (networks !== "") await this.docker("network", "rm", ...networks.split("\n"));
    }
  }

  #arguments(name: string, options: ContainerOptions): string[] {
    const labels = { ...options.labels, [TEST_LABEL]: this.name };
    return [
      ...["--name", this.containerName(name), "--stop-timeout", "0"],
      ...["--network", options.network ?? "none"],
      ...Object.entries(labels).flatMap(([label, value]) => ["--label", `${label}=${value}`]),
      ...options.args ?? [],
      options.image ?? TEST_IMAGE,
      ...options.command ?? [],
    ];
  }
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

  /** Stops dockerd in its tracks: connections stay open, nothing is answered. */
  freeze(): void {
    this.#dockerd?.kill("SIGSTOP");
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

/** A tar archive with /bin/busybox and its commands, in `directory`. */
export async function busyboxArchive(directory: string): Promise<string> {
  const bin = `${directory}/root/bin`;
  await Deno.mkdir(bin, { recursive: true });
  await Deno.copyFile(await busybox(), `${bin}/busybox`);
  await Deno.chmod(`${bin}/busybox`, 0o755);
  for (const name of ["sh", "sleep", "true", "false", "echo", "cat", "test", "touch", "rm"]) {
    await Deno.symlink("busybox", `${bin}/${name}`);
  }
  const archive = `${directory}/busybox.tar`;
  await run("tar", ["-C", `${directory}/root`, "-cf", archive, "."]);
  return archive;
}

async function busybox(): Promise<string> {
  for (const path of ["/bin/busybox", "/usr/bin/busybox"]) {
    if (await Deno.stat(path).catch(() => null)) return path;
  }
  throw new Error("Cannot make the test image: busybox is missing (package busybox-static)");
}

async function findEngine(): Promise<RealEngine | string> {
  const host = resolveDockerHost({ flags: {}, env: (name) => Deno.env.get(name) });
  const address = Deno.env.get("DOCKER_HOST") ||
    (host.kind === "unix" ? `unix://${host.path}` : host.url.replace(/^https?/, "tcp"));
  using client = new DockerClient({ host, timeoutMs: 5000 });
  try {
    const { kind } = await client.version();
    if (kind !== "docker") return `the Engine at ${address} is ${kind}, not Docker`;
    await run("docker", ["--version"]);
    await busybox();
    return new RealEngine(address);
  } catch (error) {
    return `no Docker Engine to test with: ${(error as Error).message}`;
  }
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

// Last, since they need the classes above.

/** The host's Engine, or why there is none to test with. */
export const ENGINE: RealEngine | string = await findEngine();

const PRIVATE_ENGINE_MISSING: string | null = await privateEngineMissing();
