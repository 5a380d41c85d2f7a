/**
 * The setup task where it changes nothing: what it says of an Engine that is there, and of one
 * that is not.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { FakeEngine } from "../engines/scripted.ts";
import { testAsRoot } from "../lock/privileged.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

/** Runs the task with its own permissions, so that it is seen to be enough of them. */
async function check(
  dockerHost: string,
  { env = {}, task = "setup", under = [] }: {
    env?: Record<string, string>;
    task?: string;
    /** A command that this one is given to. */
    under?: readonly string[];
  } = {},
): Promise<{ code: number; lines: string[] }> {
  const { tasks } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  // The one task is the other with a flag.
  const line = (tasks[task] as string).replace(/^deno task setup\b/, tasks.setup);
  const [, ...command] = line.split(" ");
  const words = [...under, Deno.execPath(), ...command, "--check"];
  const { code, stdout, stderr } = await new Deno.Command(words[0]!, {
    args: words.slice(1),
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

Deno.test("setup:test --check names each missing program, its package and the command", async () => {
  await using engine = await FakeEngine.start();
  const { code, lines } = await check(`unix://${engine.path}`, {
    env: { PATH: "/nonexistent" },
    task: "setup:test",
  });
  // The library is found without PATH, so the program itself can run.
  assertEquals(code, 0, lines.join("\n"));
  assertEquals(lines[0], "setup: missing:");
  const text = lines.join("\n");
  assertStringIncludes(text, "  podman, for the tests (Debian, Ubuntu: podman)");
  assertStringIncludes(text, "sudo apt-get install --no-install-recommends");
  assertEquals(lines.at(-1), "setup: ready, not for all tests");
});

Deno.test("setup --check wants nothing for a mere run where an Engine answers", async () => {
  await using engine = await FakeEngine.start();
  const { code, lines } = await check(`unix://${engine.path}`, { env: { PATH: "/nonexistent" } });
  assertEquals([code, lines], [0, ["setup: ready for the program"]]);
});

testAsRoot("setup --check wants an Engine, and no more, where none is", async () => {
  // The usual places, where nothing else can see that they are empty.
  const { code, lines } = await check("", {
    env: { HOME: "/nonexistent", XDG_RUNTIME_DIR: "" },
    under: [
      "unshare",
      "--mount",
      "sh",
      "-c",
      'mount -t tmpfs none /run && mount -t tmpfs none /usr/sbin && PATH=/nonexistent exec "$0" "$@"',
    ],
  });
  assertEquals(code, 1);
  assertEquals(lines.slice(0, 5), [
    "setup: missing:",
    "setup:   dockerd, for an Engine (Debian, Ubuntu: docker.io)",
    "setup:   containerd, for an Engine (Debian, Ubuntu: containerd)",
    "setup:   iptables, for an Engine (Debian, Ubuntu: iptables)",
    "setup: on Debian or Ubuntu: sudo apt-get install --no-install-recommends " +
    "docker.io containerd iptables",
  ]);
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
