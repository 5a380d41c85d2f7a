/**
 * The README's channels, run as they stand there but for the hosts.
 */

import { assertEquals, assertMatch } from "@std/assert";
import { TestHost } from "../harness/program.ts";
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
  const script = BLOCKS.join("")
    .replace("https://hooks.example.org", webhook.origin)
    .replace("ntfys://ntfy.example.org", `ntfy://127.0.0.1:${ntfy.port}`)
    .replace("gotifys://gotify.example.org", `gotify://127.0.0.1:${gotify.port}`)
    .replaceAll(/(notify add \S+)/g, "$1 --allow-loopback");
  const { code, stdout, stderr } = await host.shell(["-eu", "-c", script]);
  assertEquals(code, 0, `${stdout}\n${stderr}`);
  assertEquals([webhook, ntfy, gotify].map(({ requests }) => requests.length), [1, 1, 1]);
  assertMatch(webhook.requests[0]!.headers.get("webhook-signature")!, /^v1,/);
  assertMatch(stdout, /phone +ntfy +http:\/\/127\.0\.0\.1:\d+ +ok/);
});
