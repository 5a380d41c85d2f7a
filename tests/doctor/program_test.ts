/**
 * `tinyforge doctor` as a person runs it: what it finds, with which exit code, and whether the commands
 * that it prints cure it.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import type { Finding } from "../../src/doctor/finding.ts";
import { engineTest } from "../engines/docker.ts";
import { TEST_IMAGE } from "../engines/real.ts";
import { FakeEngine } from "../engines/scripted.ts";
import { TestHost } from "../harness/program.ts";
import { until } from "../harness/until.ts";

/** What it finds, and its exit code. */
async function doctor(
  host: TestHost,
  ...args: string[]
): Promise<{ code: number; findings: Finding[] }> {
  const { code, stdout, stderr } = await host.run("doctor", "--json", ...args);
  if (code !== 0 && code !== 3) throw new Error(`doctor ended with ${code}: ${stderr}`);
  // Other Engines of this machine and its units are none of a test's.
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  return {
    code,
    findings: findings.filter(({ code, group }) => code !== "other-engines" && group !== "host"),
  };
}

const codes = ({ findings }: { findings: readonly Finding[] }) => findings.map(({ code }) => code);

Deno.test("doctor says without Engine, daemon and data what is not there, and ends with 3", async () => {
  await using host = await TestHost.make();
  const found = await doctor(host);
  assertEquals([found.code, codes(found)], [3, ["engine-unreachable", "no-daemon"]]);
  const { stdout, stderr, code } = await host.run("doctor");
  assertEquals(code, 3);
  assertStringIncludes(stdout, "✗ engine: engine-unreachable  Cannot list containers: ");
  assertStringIncludes(stdout, "    do: start Docker (systemctl start docker)");
  assertStringIncludes(stderr, "1 failure, ");
});

Deno.test("doctor tells of another Engine until the command that it prints was run", async () => {
  await using engine = await FakeEngine.start();
  await using host = await TestHost.make();
  host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
  host.start("reconcile", "--interval", "1s");
  await until("the daemon is ready", async () => (await host.run("healthcheck")).code === 0);
  const well = await doctor(host, "--strict");
  assertEquals([well.code, codes(well)], [0, ["no-backups"]]);
  engine.restart({ id: "ANOTHER" });
  await until("it is told", async () => codes(await doctor(host)).includes("engine-changed"));
  const changed = await doctor(host);
  assertEquals(changed.code, 3);
  const remedy = changed.findings.find(({ code }) => code === "engine-changed")!.do;
  const [, command = ""] = /`tinyforge ([^`]+)`/.exec(remedy) ?? [];
  assertEquals((await host.run(...command.split(" "))).code, 0);
  await until("it is cured", async () => (await doctor(host)).code === 0);
  await engine.down();
  await until("that it is down is told", async () => {
    const found = await doctor(host);
    return found.code === 3 && codes(found).includes("engine-down") &&
      codes(found).includes("engine-unreachable");
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
    assertEquals([found.code, codes(found)], [3, ["daemon-silent"]]);
  }
  await Deno.writeTextFile(host.database, "this is no database, but as long as one could be");
  const found = await doctor(host);
  assertEquals([found.code, codes(found)], [3, ["no-daemon", "index-unreadable"]]);
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
    host.start("reconcile");
    await until("the daemon is ready", async () => (await host.run("healthcheck")).code === 0);
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
      await until("its image is outdated", () => ours("image-moved"));
    } finally {
      await scope.docker("rm", "--force", scope.containerName("blog")).catch(() => {});
      await scope.docker("rmi", tag);
    }
  },
);
