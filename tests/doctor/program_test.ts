/**
 * `tinyforge doctor` as a person runs it: what it finds, with which exit code, and whether the commands
 * that it prints cure it.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { ComposeProject, composeTest, serviceText } from "../engines/compose.ts";
import { engineTest } from "../engines/docker.ts";
import { TEST_IMAGE } from "../engines/real.ts";
import { FakeEngine } from "../engines/scripted.ts";
import { freePort } from "../harness/free_port.ts";
import { TestHost } from "../harness/program.ts";
import { until } from "../harness/until.ts";
import { codesOf, commandsOf, type Examined, examined, theFinding } from "./findings.ts";

/** What it finds, and its exit code. */
async function doctor(host: TestHost, ...args: string[]): Promise<Examined> {
  const { code, findings } = examined(await host.run("doctor", "--json", ...args));
  // Other Engines of this machine and its units are none of a test's.
  return {
    code,
    findings: findings.filter(({ code, group }) => code !== "other-engines" && group !== "host"),
  };
}

Deno.test("doctor says without Engine, daemon and data what is not there, and ends with 3", async () => {
  await using host = await TestHost.make();
  const found = await doctor(host);
  assertEquals([found.code, codesOf(found)], [3, ["engine-unreachable", "no-daemon"]]);
  const { stdout, stderr, code } = await host.run("doctor");
  assertEquals(code, 3);
  assertStringIncludes(stdout, "✗ engine: engine-unreachable  Cannot list containers: ");
  assertStringIncludes(stdout, "    do: start Docker (systemctl start docker)");
  assertStringIncludes(stderr, "2 failures, ");
  assertStringIncludes(stdout, "✗ daemon: no-daemon  ");
});

Deno.test("doctor tells of another Engine until the command that it prints was run", async () => {
  await using engine = await FakeEngine.start();
  await using host = await TestHost.make();
  host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
  host.start("reconcile", "--interval", "1s");
  await until("the daemon is ready", async () => (await host.run("healthcheck")).code === 0);
  const well = await doctor(host, "--strict");
  assertEquals([well.code, codesOf(well)], [0, ["no-backups"]]);
  engine.restart({ id: "ANOTHER" });
  await until("it is told", async () => codesOf(await doctor(host)).includes("engine-changed"));
  const changed = await doctor(host);
  assertEquals(changed.code, 3);
  const [command] = commandsOf(theFinding(changed, "engine-changed"));
  assertEquals((await host.shell(["-c", command!])).code, 0);
  await until("it is cured", async () => (await doctor(host)).code === 0);
  await engine.down();
  await until("that it is down is told", async () => {
    const found = await doctor(host);
    return found.code === 3 && codesOf(found).includes("engine-down") &&
      codesOf(found).includes("engine-unreachable");
  });
});

Deno.test("doctor tells of a daemon that does not listen, and of a database that is none", async () => {
  await using engine = await FakeEngine.start();
  await using host = await TestHost.make();
  host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
  await Deno.mkdir(host.dataDir, { mode: 0o700 });
  {
    using guard = await Deno.create(join(host.dataDir, "tinyforge.lock.guard"));
    assert(guard.tryLockSync(true));
    const found = await doctor(host);
    assertEquals([found.code, codesOf(found)], [3, ["daemon-silent"]]);
  }
  await Deno.writeTextFile(host.database, "this is no database, but as long as one could be");
  const found = await doctor(host);
  assertEquals([found.code, codesOf(found)], [3, ["no-daemon", "index-unreadable"]]);
  assert(found.findings.at(-1)!.do !== "");
});

Deno.test("doctor shows the words of others escaped", async () => {
  await using engine = await FakeEngine.start();
  await using host = await TestHost.make();
  host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
  for (const directory of ["/srv/a\u001b[2J", "/srv/b"]) {
    engine.add({
      labels: {
        "com.docker.compose.project": "app",
        "com.docker.compose.project.working_dir": directory,
      },
    });
  }
  const { stdout } = await host.run("doctor");
  assertStringIncludes(stdout, "compose-project-shared");
  // deno-lint-ignore no-control-regex -- none must be there
  assert(!/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(stdout), stdout);
});

engineTest(
  "doctor finds what won't return and what is outdated on a real Engine, and its command cures it",
  async (scope) => {
    await using host = await TestHost.make();
    host.env["TINYFORGE_DOCKER_HOST"] = scope.engine.address;
    await host.startReady();
    const { workloadId } = await host.json("add", "site", "blog");
    const tag = `${scope.name.toLowerCase()}:1`;
    await scope.docker("tag", TEST_IMAGE, tag);
    try {
      const id = await scope.run("blog", {
        labels: { "tinyforge.workload.id": workloadId },
        image: tag,
      });
      const name = scope.containerName("blog");
      const ours = async (code: string) =>
        (await doctor(host)).findings.find((found) =>
          found.code === code && found.what.includes(name)
        );
      await until("it has no restart policy", () => ours("no-restart-policy"));
      assert(await ours("no-health-check") !== undefined);
      assertEquals((await doctor(host, "--strict")).code, 3);
      const { do: remedy } = (await ours("no-restart-policy"))!;
      const [, command = ""] = /^`docker (.*)`$/.exec(remedy) ?? [];
      await scope.docker(...command.split(" "));
      await until("it is cured", async () => await ours("no-restart-policy") === undefined);

      assertEquals(await ours("image-moved"), undefined);
      await scope.docker("commit", id, tag);
      const moved = (await until("its image is outdated", () => ours("image-moved")))!;
      const [, remove = ""] = commandsOf(moved);
      await scope.docker(...remove.split(" ").slice(1));
      await scope.run("blog", {
        labels: { "tinyforge.workload.id": workloadId },
        image: tag,
        args: ["--restart", "unless-stopped", "--health-cmd", "true"],
      });
      await until("it runs the new one", async () => {
        const { findings } = await doctor(host);
        return findings.every(({ what }) => !what.includes(name));
      });
    } finally {
      await scope.docker("rm", "--force", scope.containerName("blog")).catch(() => {});
      await scope.docker("rmi", tag);
    }
  },
);

engineTest(
  "doctor names a port that two containers of a real Engine ask for, until one asks for another",
  async (scope) => {
    await using host = await TestHost.make();
    host.env["TINYFORGE_DOCKER_HOST"] = scope.engine.address;
    await host.startReady();
    const port = freePort();
    const asking = async (site: string, port: number) => {
      const { workloadId } = (await host.json("list", "sites")).items
        .find(({ name }: { name: string }) => name === site) ??
        await host.json("add", "site", site);
      return {
        labels: { "tinyforge.workload.id": workloadId },
        network: "bridge",
        args: ["--publish", `127.0.0.1:${port}:80`],
      };
    };
    await scope.run("one", await asking("one", port));
    await scope.create("two", await asking("two", port));
    const ours = async () =>
      (await doctor(host)).findings.find(({ code }) => code === "port-claimed-twice")?.what ?? "";
    const what = await until("both are known", ours);
    assertStringIncludes(what, `port ${port}/tcp of the host is asked for by `);
    assertStringIncludes(what, `"${scope.containerName("one")}"`);
    assertStringIncludes(what, `"${scope.containerName("two")}"`);
    await scope.docker("rm", scope.containerName("two"));
    await scope.run("two", await asking("two", freePort()));
    await until("each has its own", async () => await ours() === "");
  },
);

composeTest(
  "doctor names a Compose project that two directories have, until one of them has another name",
  async (engine) => {
    await using host = await TestHost.make();
    host.env["TINYFORGE_DOCKER_HOST"] = engine.address;
    const [first, second] = ["first", "second"].map((name) =>
      new ComposeProject(engine, { name: "app", directory: join(host.dir, name) })
    );
    await first!.write({ web: serviceText() });
    await second!.write({ db: serviceText() });
    await first!.compose("up", "--detach");
    assert(!codesOf(await doctor(host)).includes("compose-project-shared"));
    await second!.compose("up", "--detach");
    const { severity, what, do: remedy } = theFinding(
      await doctor(host),
      "compose-project-shared",
    );
    assertEquals(severity, "warning");
    assertStringIncludes(what, `"${first!.directory}", "${second!.directory}"`);
    assertStringIncludes(remedy, "COMPOSE_PROJECT_NAME");
    await second!.compose("rm", "--stop", "--force", "db");
    const renamed = new ComposeProject(engine, { name: "db", directory: second!.directory });
    await renamed.compose("up", "--detach");
    assert(!codesOf(await doctor(host)).includes("compose-project-shared"));
  },
);
