/**
 * Channels and rules that are changed while people are told by them: another name, key or address, a
 * channel that stands in, and what is refused.
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { SECRETS } from "../../src/notify/secret_file.ts";
import { NEXT_WEBHOOK_KEY, WEBHOOK_KEY, WebhookReceiver } from "../receivers/webhook.ts";
import { Listener, MINUTE, ToldHost } from "./told_host.ts";

const secretsOf = async (host: ToldHost, id: string) =>
  JSON.parse(await Deno.readTextFile(join(host.dir, SECRETS))).channels[id];

Deno.test("a webhook's key that is changed satisfies receivers with either, and the one before that no more", async () => {
  await using before = new WebhookReceiver(WEBHOOK_KEY);
  await using after = new WebhookReceiver(NEXT_WEBHOOK_KEY);
  await using host = await ToldHost.make({ at: Date.now() });
  await host.begin();
  const ids = [await host.channel("before", before), await host.channel("after", after)];
  const tested = async () => {
    const outcomes = [];
    for (const id of ids) {
      outcomes.push((await host.ask("POST", `/api/channels/${id}/test`)).delivered);
    }
    return outcomes;
  };
  assertEquals(await tested(), [true, false]);
  for (const id of ids) {
    const shown = await host.ask("PATCH", `/api/channels/${id}`, { secret: NEXT_WEBHOOK_KEY });
    assert(!JSON.stringify(shown).includes("whsec"), JSON.stringify(shown));
  }
  assertEquals(await tested(), [true, true]);
  const third = `whsec_${btoa("a third key of thirty-two bytes!")}`;
  for (const id of ids) await host.ask("PATCH", `/api/channels/${id}`, { secret: third });
  assertEquals(await tested(), [false, true]);
});

Deno.test("a broken channel that is given another address is told what waited", async () => {
  await using refusing = new Listener(() => new Response(null, { status: 404 }));
  await using listener = new Listener();
  await using host = await ToldHost.make();
  await host.begin();
  const container = host.site("blog");
  const id = await host.channel("ops", refusing);
  await host.pass(MINUTE);
  host.crash(container);
  await host.pass(2 * MINUTE);
  assertEquals(host.store.channels.get(id).state, "broken");
  const url = `${listener.origin}/elsewhere`;
  const shown = await host.ask("PATCH", "/api/channels/ops", { name: "pager", url });
  assertEquals([shown.id, shown.name, shown.state, shown.origin], [
    id,
    "pager",
    "ok",
    listener.origin,
  ]);
  await host.pass(MINUTE);
  assertEquals(listener.told, ["opened crashed blog"]);
  assertEquals(refusing.requests.length, 1);
});

Deno.test("a rule that is changed holds for what begins from then on", async () => {
  await using listener = new Listener();
  await using host = await ToldHost.make();
  await host.begin();
  const [first, second, third] = host.sites(3);
  await host.channel("ops", listener);
  await host.pass(MINUTE);
  const [rule] = (await host.ask("GET", "/api/rules")).items;
  host.crash(first!);
  await host.pass(2 * MINUTE);
  await host.ask("PATCH", `/api/rules/${rule.id}`, { kinds: ["unhealthy"] });
  host.crash(second!);
  await host.pass(2 * MINUTE);
  const changed = await host.ask("PATCH", `/api/rules/${rule.id}`, {
    kinds: null,
    remindAfterMinutes: 5,
  });
  assertEquals(changed, { ...rule, kinds: null, remindAfterMs: 5 * MINUTE });
  host.crash(third!);
  await host.pass(6 * MINUTE);
  assertEquals(listener.told, [
    "opened crashed site-0",
    "opened crashed site-2",
    "reminder crashed site-2",
  ]);
});

Deno.test("channels refuse to stand in for themselves, and names that are taken, and keep their secrets", async () => {
  await using listener = new Listener();
  await using host = await ToldHost.make();
  await host.begin();
  const one = await host.channel("one", listener);
  const two = await host.channel("two", listener, { fallback: "one" });
  const three = await host.channel("three", listener, { fallback: "two" });
  await assertRejects(
    () => host.ask("PATCH", `/api/channels/${one}`, { fallback: "one" }),
    Error,
    "it would stand in for itself",
  );
  await assertRejects(
    () => host.ask("PATCH", `/api/channels/${one}`, { fallback: "three" }),
    Error,
    "it would stand in for itself",
  );
  const before = await secretsOf(host, two);
  await assertRejects(
    () => host.ask("PATCH", `/api/channels/${two}`, { name: "three", secret: NEXT_WEBHOOK_KEY }),
    Error,
    "there is one already",
  );
  await assertRejects(
    () => host.ask("PATCH", `/api/channels/${two}`, { url: "ftp://s3cret@host/s3cret" }),
    Error,
    "Cannot use the URL",
  );
  // Nothing would ever be sent there.
  for (const change of [{ allowLoopback: false }, { url: "http://169.254.169.254/latest" }]) {
    await assertRejects(
      () => host.ask("PATCH", `/api/channels/${two}`, change),
      Error,
      "addresses are refused",
    );
  }
  assertEquals(await secretsOf(host, two), before);
  assertEquals(host.store.channels.get(three).fallbackId, two);
});

Deno.test("metrics tell what became of attempts, what waits and since when, and how channels are", async () => {
  let status = 503;
  await using receiver = new Listener(() => new Response(null, { status }));
  await using host = await ToldHost.make();
  await host.begin();
  const container = host.site("blog");
  await host.channel("ops", receiver);
  await host.pass(MINUTE);
  const told = (text: string) =>
    Object.fromEntries(
      text.split("\n").filter((line) => line.startsWith("tinyforge_notify_"))
        .map((line) => line.slice("tinyforge_notify_".length).split(" ")),
    );
  const metrics = () => told(host.parts.metrics.render());
  host.crash(container);
  await host.pass(5 * MINUTE);
  const waiting = metrics();
  assertEquals([waiting["queue_length"], waiting['channels{state="ok"}']], ["1", "1"]);
  const oldest = Number(waiting["oldest_queued_seconds"]);
  assert(oldest > 200 && oldest <= 300, `${oldest} s`);
  const { attempts } = host.store.notices.list({ limit: 1 })[0]!;
  assert(attempts >= 3, String(attempts));
  assertEquals(waiting['attempts_total{outcome="retried"}'], String(attempts));
  status = 401;
  await host.pass(15 * MINUTE);
  assertEquals(metrics()['channels{state="broken"}'], "1");
  status = 204;
  await host.ask("POST", "/api/channels/ops/retry");
  await host.pass(MINUTE);
  const after = metrics();
  assertEquals(
    [after["queue_length"], after["oldest_queued_seconds"], after['channels{state="ok"}']],
    ["0", "0", "1"],
  );
  assertEquals(after['attempts_total{outcome="delivered"}'], "1");
});
