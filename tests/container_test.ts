/**
 * The README's image: built on the spot from its Dockerfile, run by its commands on the real Engine,
 * over an Engine of the test's own, which it may restart.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";
import { busybox } from "./engines/busybox.ts";
import { PrivateEngine } from "./engines/private.ts";
import { type EngineScope, TEST_LABEL } from "./engines/real.ts";
import { run } from "./engines/run.ts";
import { binaryTest, Build, copyLinked } from "./harness/build.ts";
import { until } from "./harness/until.ts";

const README = await Deno.readTextFile(new URL("../README.md", import.meta.url));

/** The Dockerfile, then the commands. */
const [, DOCKERFILE, COMMANDS] =
  /<!-- run by tests\/container_test.ts -->\n\n```dockerfile\n([^`]*)```\n\n```sh\n([^`]*)```/
    .exec(README)!;

/** Instead of Debian, which no registry here has: glibc, the libraries of the binary, a shell. */
async function makeBase(scope: EngineScope, options: { binary: string; tag: string }) {
  const directory = await Deno.makeTempDir({ prefix: "tinyforge-base-" });
  try {
    await copyLinked(options.binary, directory);
    const bin = join(directory, "bin");
    await Deno.mkdir(bin, { recursive: true });
    await Deno.copyFile(await busybox(), join(bin, "busybox"));
    for (const name of ["sh", "mkdir", "chown"]) await Deno.symlink("busybox", join(bin, name));
    await Deno.mkdir(join(directory, "var/lib"), { recursive: true });
    const archive = `${directory}.tar`;
    await run("tar", ["-C", directory, "-cf", archive, "."]);
    await scope.docker("import", archive, options.tag);
    await Deno.remove(archive);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** What is made beside containers, and what the container of the README's is called. */
class Image implements AsyncDisposable {
  readonly #scope: EngineScope;
  readonly base: string;
  readonly tag: string;
  readonly name: string;
  readonly volume: string;

  constructor(scope: EngineScope) {
    this.#scope = scope;
    this.base = `tinyforge-test/base:${scope.name}`;
    this.tag = `tinyforge-test/image:${scope.name}`;
    this.name = scope.containerName("index");
    this.volume = scope.name;
  }

  /** The README's commands with names of the test's own, for the Engine whose socket is there. */
  commands(socket: string): string[] {
    return COMMANDS!.replaceAll("\\\n", "").trim().split("\n").map((line) =>
      line
        .replace("docker build -t tinyforge ", `docker build -t ${this.tag} `)
        .replace(/ tinyforge$/, ` ${this.tag}`)
        .replace("--name tinyforge ", `--name ${this.name} --label ${TEST_LABEL}=${this.volume} `)
        .replace("/run/docker.sock", socket)
        .replace("-v /run:", `-v ${dirname(socket)}:`)
        .replace("-v tinyforge:", `-v ${this.volume}:`)
        .replace("127.0.0.1:7475:7475", "127.0.0.1::7475")
        .replace("docker exec tinyforge ", `docker exec ${this.name} `)
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { docker } = this.#scope.engine;
    const quiet = (...args: string[]) => docker.call(this.#scope.engine, ...args).catch(() => {});
    await quiet("rm", "--force", "--volumes", this.name);
    await quiet("volume", "rm", this.volume);
    await quiet("rmi", "--force", this.tag, this.base);
  }
}

binaryTest("the README's image keeps the index as a container", async (scope, t) => {
  await using build = await Build.make();
  await using engine = await PrivateEngine.start();
  await using watched = await engine.scope();
  // As /run is: everybody gets through, and the socket is its group's.
  await Deno.chmod(dirname(engine.socket), 0o755);
  await using image = new Image(scope);
  const { name } = image;
  const env = { DOCKER_HOST: scope.engine.address, DOCKER_BUILDKIT: "0" };
  const shell = (line: string) =>
    run("sh", ["-eu", "-c", line], { env, cwd: `${build.directory}/dist` });
  const inside = (...args: string[]) => scope.docker("exec", name, "tinyforge", ...args);
  const inspect = (format: string) => scope.docker("inspect", "--format", format, name);
  const healthy = (what: string) =>
    until(what, async () => await inspect("{{.State.Health.Status}}") === "healthy", {
      withinMs: 60_000,
    });
  const seen = async () =>
    (JSON.parse(await inside("ps", "--json")).items as { state: string }[]).map(({ state }) =>
      state
    );
  const [made, started, shown] = image.commands(engine.socket);

  await t.step("it is built from the Dockerfile", async () => {
    await makeBase(scope, { binary: build.binary, tag: image.base });
    const file = DOCKERFILE!.replace(/^FROM debian:.*$/m, `FROM ${image.base}`)
      .replace("HEALTHCHECK ", "HEALTHCHECK --interval=1s ");
    await Deno.writeTextFile(`${build.directory}/dist/Dockerfile`, file);
    await shell(made!);
  });

  await t.step("it becomes healthy, and follows what runs as a user who is not root", async () => {
    await shell(started!);
    await healthy("its health check succeeds");
    const [, process] = (await scope.docker("top", name, "-o", "pid,uid")).split("\n");
    assertMatch(process!, /^\d+ +10001$/);
    await inside("add", "site", "blog");
    const labels = JSON.parse(await inside("labels", "blog", "--json")).labels;
    await watched.run("blog", { labels });
    await until("the event came", async () => (await seen())[0] === "running");
    assertMatch(await shell(shown!), /^blog +site .*● running/m);
  });

  await t.step("it answers over the published port, with its token alone", async () => {
    const at = await scope.docker("port", name, "7475/tcp");
    const ready = await fetch(`http://${at}/readyz`);
    assertEquals([ready.status, (await ready.text()).length > 0], [200, true]);
    const closed = await fetch(`http://${at}/api/containers`);
    await closed.body?.cancel();
    assertEquals(closed.status, 401);
  });

  await t.step("it finds the new socket of an Engine that was restarted", async () => {
    await engine.stop();
    await until(
      "it says that no Engine answers",
      async () => JSON.parse(await inside("status", "--json")).daemon.engine.up === false,
      { withinMs: 30_000 },
    );
    await engine.up();
    await watched.docker("start", watched.containerName("blog"));
    await until("what runs there is seen again", async () => (await seen())[0] === "running", {
      withinMs: 30_000,
    });
  });

  await t.step("docker stop ends it in order, though it is the first process", async () => {
    const before = performance.now();
    await scope.docker("stop", "--time", "20", name);
    assert(performance.now() - before < 10_000, "it was not killed");
    assertEquals(await inspect("{{.State.ExitCode}}"), "0");
    assertStringIncludes(await logs(scope, name), '"message":"stopped"');
  });

  await t.step("killed and started again, it takes its lock back and lost nothing", async () => {
    await scope.docker("start", name);
    await healthy("it is healthy again");
    await scope.docker("kill", name);
    await scope.docker("start", name);
    await until("it answers again", () => inside("healthcheck").then(() => true, () => false), {
      withinMs: 30_000,
    });
    assertEquals(await seen(), ["running"]);
  });
});

/** What a container wrote to either stream. */
async function logs(scope: EngineScope, name: string): Promise<string> {
  return await run("sh", [
    "-c",
    'exec docker --host "$0" logs "$1" 2>&1',
    scope.engine.address,
    name,
  ]);
}
