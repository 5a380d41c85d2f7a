/**
 * The README's blocks, run as they stand there.
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { PROBLEM_KINDS } from "../src/model/problem.ts";
import { TestHost } from "./harness/program.ts";
import { engineTest } from "./engines/docker.ts";
import { TEST_IMAGE } from "./engines/real.ts";
import { freePort } from "./harness/free_port.ts";
import { until } from "./harness/until.ts";

const README = await Deno.readTextFile(new URL("../README.md", import.meta.url));

/** The shell blocks that are marked to be run, in order. */
const BLOCKS = [...README.matchAll(/<!-- run by tests\/readme_test.ts -->\n+```sh\n([^`]*)```/g)]
  .map(([, block]) => block!);

/** Runs a script with `tinyforge` as a command. */
async function shell(host: TestHost, script: string): Promise<string> {
  const { code, stdout, stderr } = await host.shell(["-eu", "-c", script]);
  assertEquals(code, 0, `${stdout}\n${stderr}`);
  return stdout;
}

engineTest("the README's session shows a container running, stopped and missing", async (scope) => {
  await using host = await TestHost.make();
  host.env["TINYFORGE_DOCKER_HOST"] = scope.engine.address;
  host.env["DOCKER_HOST"] = scope.engine.address;
  const [begin, ...rest] = BLOCKS[0]!.trim().split("\n");
  assertEquals(begin, "tinyforge reconcile &");
  // Everything but what other programs on this Engine may have as well.
  const script = rest.join("\n").replaceAll("--name blog", `--name ${scope.containerName("blog")}`)
    .replace("busybox", TEST_IMAGE)
    .replaceAll(/(docker (?:stop -t 0|rm)) blog/g, `$1 ${scope.containerName("blog")}`)
    .replace("--detach", `--detach --network none --label tinyforge.test=${scope.name}`);
  const daemon = await host.startReady();
  const [prepare, ...tables] = script.split(/^(?:.* && )?tinyforge ps$/m);
  const commands = [...script.matchAll(/^(?:(.*) && )?tinyforge ps$/gm)].map(([, command]) =>
    command
  );
  assertEquals([commands.length, tables.join("").trim()], [3, ""]);
  await shell(host, prepare!);
  // A person sees the next state at once; a test must not fail where the machine is too busy.
  for (const [i, state] of ["running", "stopped", "missing"].entries()) {
    await shell(host, commands[i] ?? "true");
    await until(
      `ps shows ${state}`,
      async () =>
        new RegExp(`^blog +site .*?[●○✗] ${state}`, "m").test(await shell(host, "tinyforge ps")),
    );
  }
  assertEquals((await daemon.stop()).code, 0);
});

engineTest("the README's three curl lines answer", async (scope) => {
  await using host = await TestHost.make();
  host.env["TINYFORGE_DOCKER_HOST"] = scope.engine.address;
  const port = freePort();
  host.env["TINYFORGE_LISTEN"] = `127.0.0.1:${port}`;
  const daemon = await host.startReady();
  const script = BLOCKS[1]!.replaceAll("/var/lib/tinyforge", host.dataDir)
    .replaceAll("7475", String(port)).replaceAll("curl", "curl -sS --fail");
  const out = await shell(host, script);
  assertMatch(
    out,
    /^\{"index":\{"fresh":true,[^}]*\},"items":\[\],"nextCursor":null\}\s*\{"index":\{[^}]*\},"items":\[\]/,
  );
  assertStringIncludes(out, '"scope":"full"');
  assertEquals((await daemon.stop()).code, 0);
});

engineTest(
  "the README's CI job ends with 0 when what it deployed runs, and with 3 and why when not",
  async (scope) => {
    await using host = await TestHost.make();
    host.env["TINYFORGE_DOCKER_HOST"] = scope.engine.address;
    host.env["DOCKER_HOST"] = scope.engine.address;
    const name = scope.containerName("blog");
    const [good, bad] = ["2", "3"].map((tag) => `${scope.name}:${tag}`);
    const job = (image: string, wait = "2m") =>
      BLOCKS[2]!.replaceAll("registry.example.org/blog:2", image).replaceAll(
        "--wait 2m",
        `--wait ${wait}`,
      )
        .replaceAll(/(--force|--name) blog/g, `$1 ${name}`)
        .replace("--detach", `--detach --network none --label tinyforge.test=${scope.name}`);
    assertStringIncludes(job(good!), `--name ${name} `);
    const daemon = await host.startReady();
    await shell(host, "tinyforge add site blog");
    const before = await scope.run("blog");
    await scope.docker("tag", TEST_IMAGE, good!);
    try {
      const crashing = await scope.create("crashing", { command: ["sh", "-c", "exit 7"] });
      await scope.docker("commit", crashing, bad!);

      const began = performance.now();
      const deployed = await shell(host, job(good!));
      assert(performance.now() - began >= 10_000, "it was right for ten seconds");
      assertMatch(deployed, /^1 row as expected\.$/m);
      const [row] = (await host.json("ps")).items;
      assertEquals([row.state, row.imageRef, row.containerId === before], ["running", good, false]);

      const failed = await host.shell(["-eu", "-c", job(bad!, "4s")]);
      assertEquals(failed.code, 3, failed.stderr);
      // At the very moment that it ends it may be about to crash once more.
      assertMatch(
        failed.stdout,
        /^(?:1 of 1 row n|N)ot as expected.*:\n {2}site\/blog, row \S+: .*\(`tinyforge explain \S+`\)$/m,
      );
      // What runs is another image than the one that was to be deployed.
      const check = job(good!, "1s").trim().split("\n").at(-1)!;
      await shell(host, job(good!).trim().split("\n").slice(0, 2).join("\n"));
      const other = await host.shell(["-eu", "-c", check.replaceAll(good!, bad!)]);
      assertEquals(other.code, 3);
      assertStringIncludes(other.stdout, `runs "${good}", not "${bad}"`);
    } finally {
      await scope.docker("rm", "--force", name, scope.containerName("crashing")).catch(() => {});
      await scope.docker("rmi", good!, bad!).catch(() => {});
    }
    assertEquals((await daemon.stop()).code, 0);
  },
);

Deno.test("the README's commands for a fresh machine are those that CI runs", async () => {
  const ci = await Deno.readTextFile(fromFileUrl(new URL("../.ci/run", import.meta.url)));
  const tests = "npx --yes deno@2.9.6 task setup:test && npx --yes deno@2.9.6 task test";
  assertMatch(ci, new RegExp(`^${tests} 2>&1`, "m"));
  assertMatch(README, new RegExp(`^${tests}$`, "m"));
  assertMatch(
    README,
    /^npx --yes deno@2\.9\.6 task setup && npx --yes deno@2\.9\.6 task reconcile$/m,
  );
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("../deno.json", import.meta.url)));
  for (const [, task] of README.matchAll(/\bdeno(?:@[\d.]+)? task ([a-z:]+)/g)) {
    assert(task! in tasks, `the README tells of the task ${task}, which there is not`);
  }
});

Deno.test("what CI says last is true", async (t) => {
  const summaries: Record<string, { says: string; code: number; last: string; exit: number }> = {
    "all passed": {
      says: "ok | 959 passed (63 steps) | 0 failed | 2 ignored (3m20s)",
      code: 0,
      last: "959 passed, 0 failed",
      exit: 0,
    },
    "one failed": {
      says: "FAILED | 958 passed (63 steps) | 1 failed (3m20s)",
      code: 1,
      last: "958 passed, 1 failed",
      exit: 1,
    },
    "none ran": {
      says: "ok | 0 passed | 0 failed (0ms)",
      code: 0,
      last: "0 passed, 1 failed",
      exit: 1,
    },
    "it never came to the tests": {
      says: "error: Type checking failed.",
      code: 1,
      last: "0 passed, 1 failed",
      exit: 1,
    },
    "a check failed": {
      says: "ok | 959 passed | 0 failed (3m20s)",
      code: 0,
      last: "959 passed, 1 failed",
      exit: 1,
    },
  };
  for (const [what, { says, code, last, exit }] of Object.entries(summaries)) {
    await t.step(what, async () => {
      const folder = await Deno.makeTempDir({ prefix: "tinyforge-ci-" });
      const lint = what === "a check failed" ? 1 : 0;
      const npx = `#!/bin/sh\ncase "$*" in *"task test") echo '${says}'; exit ${code};; ` +
        `*lint) exit ${lint};; esac\n`;
      await Deno.writeTextFile(join(folder, "npx"), npx, { mode: 0o755 });
      const result = await new Deno.Command("bash", {
        args: [fromFileUrl(new URL("../.ci/run", import.meta.url))],
        env: { PATH: `${folder}:${Deno.env.get("PATH")}` },
      }).output();
      const lines = new TextDecoder().decode(result.stdout).trimEnd().split("\n");
      assertEquals([lines.at(-1), result.code], [last, exit]);
      if (says.includes("passed")) assertEquals(lines.at(-2), says);
      await Deno.remove(folder, { recursive: true });
    });
  }
});

Deno.test("README's table of what is wrong has every kind that there is, once and in order", () => {
  const section = README.split("\n## What is wrong\n")[1]!.split("\n## ")[0]!;
  const kinds = section.split("\n").filter((line) => line.startsWith("| `"))
    .flatMap((line) => [...line.split("|")[1]!.matchAll(/`([a-z-]+)`/g)].map(([, kind]) => kind!));
  assertEquals(kinds, [...PROBLEM_KINDS]);
});
