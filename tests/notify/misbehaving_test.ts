/**
 * The daemon as a process, told to reach receivers that answer as none should: it says so of each, goes
 * on, and tells the others.
 */

import { assertEquals } from "@std/assert";
import { LivingDaemon } from "../harness/living_daemon.ts";
import { TestHost } from "../harness/program.ts";
import { MisbehavingReceivers } from "../receivers/misbehaving.ts";
import { Receiver } from "../receivers/receiver.ts";

Deno.test("no receiver ends the daemon, however it answers, nor keeps the others waiting", async () => {
  await using good = new Receiver(() => new Response(null, { status: 204 }));
  await using bad = new MisbehavingReceivers();
  await using host = await TestHost.make();
  await using daemon = new LivingDaemon(host);
  await daemon.started();
  const ids = new Map<string, string>();
  for (const [what, origin] of [...bad.origins, ["good", good.origin] as const]) {
    const name = what.replaceAll(" ", "-");
    const { body } = await daemon.ask("POST", "/api/channels", {
      ...{ name, url: `${origin}/hook`, allowLoopback: true },
    });
    ids.set(what, body.id);
  }
  const test = async (what: string) =>
    (await daemon.ask("POST", `/api/channels/${ids.get(what)}/test`)).body;
  const testing = [...bad.origins.keys()].map(async (what) => [what, await test(what)] as const);
  // Beside all of them.
  assertEquals((await test("good")).delivered, true);
  const outcomes = new Map(await Promise.all(testing));
  assertEquals(
    [...outcomes].map(([what, { delivered, status, answer, cause }]) =>
      `${what}: ${delivered} ${status} ${cause} ${String(answer).slice(0, 4)}`
    ),
    [
      "says nothing: false null timeout Cann",
      "hangs in its head: false null timeout Cann",
      "hangs in its body: false 500 answer half",
      "hangs in a chunk: false 500 answer half",
      "drips without end: false 500 answer xxxx",
      "floods without end: false 500 answer xxxx",
      "closes in its body: false 500 answer half",
      "closes in a chunk: false 500 answer half",
      "has chunks that are none: false 500 answer ",
      "says more than it announced: false 500 answer mo",
      "answers twice: false 500 answer ",
      "upgrades: false null connection Cann",
      "is no HTTP: false null connection Cann",
      "closes at once: false null connection Cann",
    ],
  );
  assertEquals((await daemon.status())?.pid, daemon.running.process.pid);
  assertEquals((await test("good")).delivered, true);
  const { code, stderr } = await daemon.stop();
  assertEquals([code, stderr.includes("uncaught")], [0, false]);
});
