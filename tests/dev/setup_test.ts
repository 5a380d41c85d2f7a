/**
 * The setup task where it changes nothing: what it says of an Engine that is there, and of one
 * that is not.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { FakeEngine } from "../engines/scripted.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

/** Runs the task with its own permissions, so that it is seen to be enough of them. */
async function check(
  dockerHost: string,
  env: Record<string, string> = {},
): Promise<{ code: number; lines: string[] }> {
  const { tasks } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  const [, ...command] = (tasks.setup as string).split(" ");
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...command, "--check"],
    cwd: ROOT,
    env: { NO_COLOR: "1", DOCKER_HOST: dockerHost, TINYFORGE_DOCKER_HOST: "", ...env },
  }).output();
  assertEquals(new TextDecoder().decode(stderr), "");
  return { code, lines: new TextDecoder().decode(stdout).trim().split("\n") };
}

Deno.test("setup --check is content with an Engine that answers", async () => {
  await using engine = await FakeEngine.start();
  const { code, lines } = await check(`unix://${engine.path}`);
  assertEquals(code, 0, lines.join("\n"));
  assert(lines.at(-1)!.startsWith("setup: ready"), lines.join("\n"));
});

Deno.test("setup --check names each missing program, its package and the command", async () => {
  await using engine = await FakeEngine.start();
  const { code, lines } = await check(`unix://${engine.path}`, { PATH: "/nonexistent" });
  // The library is found without PATH, so the program itself can run.
  assertEquals(code, 0, lines.join("\n"));
  assertEquals(lines[0], "setup: missing:");
  const text = lines.join("\n");
  assertStringIncludes(text, "  podman, for the tests (Debian, Ubuntu: podman)");
  assertStringIncludes(text, "sudo apt-get install --no-install-recommends");
  assertEquals(lines.at(-1), "setup: ready for the program, not for all tests");
});

Deno.test("setup --check fails without an Engine, and says which it asked", async () => {
  const { code, lines } = await check("tcp://127.0.0.1:1");
  assertEquals(code, 1);
  assertStringIncludes(lines.join("\n"), "No Engine answers: Cannot reach the Engine");
  assertStringIncludes(lines.join("\n"), "127.0.0.1:1");
});

Deno.test("setup --check fails on a DOCKER_HOST that is none, and quotes it", async () => {
  const { code, lines } = await check("ftp://engine");
  assertEquals(code, 1);
  assertStringIncludes(lines.join("\n"), '"ftp://engine"');
});
