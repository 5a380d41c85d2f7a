/**
 * The README's blocks, run as they stand there.
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { DENO_ARGS, Host } from "./harness/program.ts";
import { engineTest, TEST_IMAGE } from "./engines/docker.ts";
import { until } from "./harness/until.ts";

const README = await Deno.readTextFile(new URL("../README.md", import.meta.url));

/** The shell blocks that are marked to be run, in order. */
const BLOCKS = [...README.matchAll(/<!-- run by tests\/readme_test.ts -->\n+```sh\n([^`]*)```/g)]
  .map(([, block]) => block!);

/** Runs a script with `tinyforge` as a command, and what else it needs at the front of PATH. */
async function shell(host: Host, script: string): Promise<string> {
  const bin = join(host.dir, "bin");
  await Deno.mkdir(bin, { recursive: true });
  const words = [Deno.execPath(), ...DENO_ARGS].map((word) => `'${word}'`).join(" ");
  await Deno.writeTextFile(join(bin, "tinyforge"), `#!/bin/sh\nexec ${words} "$@"\n`, {
    mode: 0o755,
  });
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-eu", "-c", script],
    clearEnv: true,
    env: { ...host.env, PATH: `${bin}:${host.env["PATH"]}` },
    cwd: host.dir,
    stdin: "null",
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assertEquals(code, 0, `${out}\n${err}`);
  return out!;
}

engineTest("the README's session shows a container running, stopped and missing", async (scope) => {
  await using host = await Host.make();
  host.env["TINYFORGE_DOCKER_HOST"] = scope.engine.address;
  host.env["DOCKER_HOST"] = scope.engine.address;
  const [begin, ...rest] = BLOCKS[0]!.trim().split("\n");
  assertEquals(begin, "tinyforge reconcile &");
  // Everything but what other programs on this Engine may have as well.
  const script = rest.join("\n").replaceAll("--name blog", `--name ${scope.containerName("blog")}`)
    .replace("busybox", TEST_IMAGE)
    .replaceAll(/(docker (?:stop --time 0|rm)) blog/g, `$1 ${scope.containerName("blog")}`)
    .replace("--detach", `--detach --network none --label tinyforge.test=${scope.name}`);
  const daemon = host.start("reconcile");
  await until("the daemon is ready", async () => (await host.run("healthcheck")).code === 0);
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
  await using host = await Host.make();
  host.env["TINYFORGE_DOCKER_HOST"] = scope.engine.address;
  const port = freePort();
  host.env["TINYFORGE_LISTEN"] = `127.0.0.1:${port}`;
  const daemon = host.start("reconcile");
  await until("the daemon is ready", async () => (await host.run("healthcheck")).code === 0);
  const script = BLOCKS[1]!.replaceAll("/var/lib/tinyforge", host.dataDir)
    .replaceAll("7475", String(port)).replaceAll("curl", "curl -sS --fail");
  const out = await shell(host, script);
  assertMatch(out, /^\{"items":\[\],"nextCursor":null\}\s*\{"items":\[\]/);
  assertStringIncludes(out, '"scope":"full"');
  assertEquals((await daemon.stop()).code, 0);
});

Deno.test("the README's commands for a fresh machine are those that CI runs", async () => {
  const ci = await Deno.readTextFile(fromFileUrl(new URL("../.ci/run", import.meta.url)));
  assertStringIncludes(ci, "npx --yes deno@2.9.6 task setup && npx --yes deno@2.9.6 task test");
  assertStringIncludes(
    README,
    "npx --yes deno@2.9.6 task setup && npx --yes deno@2.9.6 task test\n",
  );
});

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}
