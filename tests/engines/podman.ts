/**
 * A Podman API service of the test's own: own storage, own socket, nothing shared with the host's.
 *
 * @module
 */

import { type DockerHost, parseDockerHost } from "../../src/docker_host.ts";
import { Janitor } from "../harness/janitor.ts";
import { busyboxArchive } from "./busybox.ts";
import { run } from "./run.ts";
import { missing } from "../harness/missing.ts";
import { until } from "../harness/until.ts";

/** Image that the containers of tests run. */
export const PODMAN_IMAGE = "localhost/tinyforge-test/busybox:1";

/**
 * Registers a test with a Podman of its own. Without Podman it is ignored with the reason in its
 * name, or fails where `CI=true`.
 */
export function podmanTest(name: string, test: (podman: PodmanService) => Promise<void>): void {
  if (PODMAN_MISSING !== null) return missing(name, PODMAN_MISSING);
  Deno.test(name, async () => {
    await using podman = await PodmanService.start();
    await test(podman);
  });
}

/** `podman system service`; ends with `await using`. */
export class PodmanService implements AsyncDisposable {
  /** As `--docker-host` takes it. */
  readonly address: string;
  /** For `new DockerClient({ host })`. */
  readonly host: DockerHost;
  readonly #directory: string;
  readonly #janitor: Janitor;
  #service: Deno.ChildProcess | null = null;

  private constructor(directory: string) {
    this.#directory = directory;
    this.#janitor = new Janitor(directory);
    this.address = `unix://${directory}/podman.sock`;
    this.host = parseDockerHost(this.address);
  }

  /** Resolves when it listens and has {@linkcode PODMAN_IMAGE}. */
  static async start(): Promise<PodmanService> {
    const directory = await Deno.makeTempDir({ prefix: "tfpodman" });
    const podman = new PodmanService(directory);
    // Podman's own default exceeds what an unprivileged machine may set.
    const config = '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n';
    await Deno.writeTextFile(`${directory}/containers.conf`, config);
    try {
      await podman.podman("import", await busyboxArchive(directory), PODMAN_IMAGE);
      await podman.up();
    } catch (error) {
      await podman[Symbol.asyncDispose]();
      throw error;
    }
    return podman;
  }

  /** Runs Podman's own client on the same storage. */
  podman(...args: string[]): Promise<string> {
    return run("podman", [...this.#global(), ...args], { env: this.#env() });
  }

  /** Creates and starts a container; resolves with its id. */
  run(
    name: string,
    options: { labels?: Record<string, string>; args?: string[]; command?: string[] } = {},
  ): Promise<string> {
    return this.podman(
      ...["run", "--detach", "--name", name, "--network", "none", "--stop-timeout", "0"],
      ...Object.entries(options.labels ?? {}).flatMap(([key, value]) => [
        "--label",
        `${key}=${value}`,
      ]),
      ...options.args ?? [],
      PODMAN_IMAGE,
      ...options.command ?? ["sleep", "3600"],
    );
  }

  /** Starts the service; resolves when it listens. */
  async up(): Promise<void> {
    if (this.#service !== null) return;
    this.#service = new Deno.Command("podman", {
      args: [...this.#global(), "system", "service", "--time", "0", this.address],
      env: this.#env(),
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const socket = `${this.#directory}/podman.sock`;
    await until("podman listens", () => Deno.stat(socket).catch(() => null));
  }

  /** Ends the service; containers go on. */
  async down(): Promise<void> {
    const service = this.#service;
    this.#service = null;
    if (service === null) return;
    service.kill("SIGTERM");
    await service.status;
    await Deno.remove(`${this.#directory}/podman.sock`).catch(() => {});
  }

  /** Removes containers, image and storage. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.down();
      await this.podman("rm", "--all", "--force");
    } finally {
      await this.#janitor[Symbol.asyncDispose]();
    }
  }

  #global(): string[] {
    return [
      ...["--root", `${this.#directory}/storage`, "--runroot", `${this.#directory}/run`],
      ...["--tmpdir", `${this.#directory}/tmp`, "--storage-driver", "vfs"],
      // Not systemd and its journal: a test machine may have neither.
      ...["--cgroup-manager", "cgroupfs", "--events-backend", "file"],
    ];
  }

  #env(): Record<string, string> {
    return { CONTAINERS_CONF: `${this.#directory}/containers.conf` };
  }
}

const PODMAN_MISSING: string | null = await podmanMissing();

async function podmanMissing(): Promise<string | null> {
  if (Deno.uid() !== 0) return "a Podman of its own needs root";
  try {
    await run("podman", ["--version"]);
    return null;
  } catch {
    return "podman is not installed";
  }
}
