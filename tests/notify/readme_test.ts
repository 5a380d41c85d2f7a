/**
 * The README's channels, run as they stand there but for the hosts.
 */

import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { DENO_ARGS, TestHost } from "../harness/program.ts";
import { GotifyServer, NtfyServer } from "../receivers/push.ts";
import { Receiver } from "../receivers/receiver.ts";

const README = await Deno.readTextFile(new URL("../../README.md", import.meta.url));

const BLOCKS = [
  ...README.matchAll(/<!-- run by tests\/notify\/readme_test.ts -->\n+```sh\n([^`]*)```/g),
].map(([, block]) => block!);

Deno.test("the README's three channels are told", async () => {
  await using webhook = new Receiver(() => new Response(null, { status: 204 }));
  await using ntfy = new NtfyServer();
  await using gotify = new GotifyServer("TOKEN");
  await using host = await TestHost.make();
  const bin = join(host.dir, "bin");
  await Deno.mkdir(bin);
  const words = [Deno.execPath(), ...DENO_ARGS].map((word) => `'${word}'`).join(" ");
  await Deno.writeTextFile(join(bin, "tinyforge"), `#!/bin/sh\nexec ${words} "$@"\n`, {
    mode: 0o755,
  });
  const script = BLOCKS.join("")
    .replace("https://hooks.example.org", webhook.origin)
    .replace("ntfys://ntfy.example.org", `ntfy://127.0.0.1:${ntfy.port}`)
    .replace("gotifys://gotify.example.org", `gotify://127.0.0.1:${gotify.port}`)
    .replaceAll(/(notify add \S+)/g, "$1 --allow-loopback");
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-eu", "-c", script],
    clearEnv: true,
    env: { ...host.env, PATH: `${bin}:${host.env["PATH"]}` },
    cwd: host.dir,
    stdin: "null",
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assertEquals(code, 0, `${out}\n${err}`);
  assertEquals([webhook, ntfy, gotify].map(({ requests }) => requests.length), [1, 1, 1]);
  assertMatch(webhook.requests[0]!.headers.get("webhook-signature")!, /^v1,/);
  assertMatch(out!, /phone +ntfy +http:\/\/127\.0\.0\.1:\d+ +ok/);
});
