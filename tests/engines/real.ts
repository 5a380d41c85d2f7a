/**
 * An Engine that is there, and a corner of it for each test that is swept clean when it ends. Must
 * never touch a container that a test did not make.
 *
 * @module
 */

import { type DockerHost, parseDockerHost } from "../../src/docker_host.ts";
import { busyboxArchive } from "./busybox.ts";
import { run } from "./run.ts";

/** Image that the containers of tests run: a static busybox and nothing else. */
export const TEST_IMAGE = "tinyforge-test/busybox:1";

/** Label of every container that a test makes; its value is the scope's name. */
export const TEST_LABEL = "tinyforge.test";

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
