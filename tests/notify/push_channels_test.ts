import { assert, assertEquals } from "@std/assert";
import { testNotice } from "../../src/notify/notice.ts";
import { AppriseServer, GotifyServer, NTFY_LIMITED, NtfyServer } from "../receivers/push.ts";
import { json } from "../receivers/receiver.ts";
import { digest, HOSTILE, hostile, message, notice, scattered, TEN } from "./notices.ts";
import { opened, said, send } from "./sending.ts";

Deno.test("ntfy is told as JSON, with a priority, a tag and the link", async () => {
  await using server = new NtfyServer({ token: "tk_secret" });
  const secrets = { url: server.origin, topic: "alerts", authorization: "Bearer tk_secret" };
  const channel = await opened("ntfy", { secrets });
  assertEquals(said(await send(channel)), "delivered 200");
  assertEquals(server.messages, [{
    topic: "alerts",
    title: "shop / web 2: its container is gone",
    message: [
      "Since 10:00 (5 mins)",
      "Host: nas",
      "Container: shop-web-2",
      "exit code 1",
      "restart policy no",
      "What to do:",
      "docker start shop-web-2",
    ].join("\n"),
    click: "https://tinyforge.test/workloads/shop",
    priority: 4,
    tags: ["rotating_light"],
  }]);
  await send(channel, message(notice("recovered")));
  await send(channel, message(notice("opened", { severity: "low" })));
  await send(channel, message(testNotice(TEN, "nas")));
  assertEquals(
    server.messages.slice(1).map(({ priority, tags }) => [priority, ...tags]),
    [[3, "white_check_mark"], [3, "warning"], [3]],
  );
});

Deno.test("ntfy's errors are told apart", async () => {
  await using server = new NtfyServer({ token: "tk_secret" });
  const after = async (secrets: Record<string, string>) =>
    said(await send(await opened("ntfy", { secrets: { url: server.origin, ...secrets } })));
  const authorization = "Bearer tk_secret";
  assertEquals(await after({ topic: "alerts" }), "broken 403 answer null");
  assertEquals(
    await after({ topic: "alerts", authorization: "Bearer tk_other" }),
    "broken 401 answer null",
  );
  assertEquals(await after({ topic: "no topic", authorization }), "broken 400 answer null");
  assertEquals(await after({ authorization }), "broken null settings null");
  server.next.push(NTFY_LIMITED);
  assertEquals(await after({ topic: "alerts", authorization }), "retry 429 limited null");
  server.next.push(() => json({ code: 50701, http: 507, error: "insufficient storage" }, 507));
  assertEquals(await after({ topic: "alerts", authorization }), "retry 507 answer null");
});

Deno.test("ntfy makes no attachment of whatever is told", async () => {
  await using server = new NtfyServer();
  const channel = await opened("ntfy", { secrets: { url: server.origin, topic: "alerts" } });
  for (const text of HOSTILE) {
    for (const content of [notice("opened", hostile(text)), scattered(1000, hostile(text))]) {
      assertEquals(said(await send(channel, message(content))), "delivered 200");
      const { title, attachment } = server.messages.at(-1)!;
      assertEquals(attachment, undefined, text.slice(0, 50));
      assert(title.length <= 250);
    }
  }
});

Deno.test("a channel's own priority goes before the notice's", async () => {
  await using ntfy = new NtfyServer();
  const secrets = { url: ntfy.origin, topic: "alerts" };
  await send(await opened("ntfy", { secrets, config: { priority: 5 } }), message(digest(9)));
  await using gotify = new GotifyServer("A1b2");
  await send(
    await opened("gotify", {
      secrets: { url: gotify.origin, token: "A1b2" },
      config: { priority: 2 },
    }),
  );
  assertEquals([ntfy.messages[0]!.priority, gotify.messages[0]!.priority], [5, 2]);
});

Deno.test("Gotify is told as plain text, with the token in a header", async () => {
  await using server = new GotifyServer("AbCdEf", "/gotify");
  const secrets = { url: `${server.origin}/gotify/`, token: "AbCdEf" };
  const channel = await opened("gotify", { secrets });
  assertEquals(said(await send(channel)), "delivered 200");
  const [sent] = server.messages;
  assertEquals(sent!.title, "shop / web 2: its container is gone");
  assertEquals(sent!.priority, 8);
  assertEquals(sent!.extras, {
    "client::display": { contentType: "text/plain" },
    "client::notification": { click: { url: "https://tinyforge.test/workloads/shop" } },
  });
  assert(!server.requests[0]!.target.includes("AbCdEf"));
});

Deno.test("Gotify's errors are told apart", async () => {
  await using server = new GotifyServer("AbCdEf");
  const after = async (token: string, path = "") => {
    const secrets = { url: `${server.origin}${path}`, token };
    return said(await send(await opened("gotify", { secrets })));
  };
  assertEquals(await after("wrong"), "broken 401 answer null");
  assertEquals(await after("AbCdEf", "/other"), "broken 404 answer null");
  server.next.push(() => json({ error: "Internal Server Error", errorCode: 500 }, 500));
  assertEquals(await after("AbCdEf"), "retry 500 answer null");
});

Deno.test("Gotify takes whatever is told", async () => {
  await using server = new GotifyServer("AbCdEf");
  const channel = await opened("gotify", { secrets: { url: server.origin, token: "AbCdEf" } });
  for (const text of HOSTILE) {
    for (const content of [notice("opened", hostile(text)), scattered(1000, hostile(text))]) {
      assertEquals(said(await send(channel, message(content))), "delivered 200");
      assert(server.requests.at(-1)!.body.length < 16_000);
    }
  }
});

Deno.test("an Apprise server is told by its key", async () => {
  await using server = new AppriseServer("my key");
  const secrets = { url: server.origin, key: "my key", tag: "admins" };
  const channel = await opened("apprise", { secrets });
  assertEquals(said(await send(channel)), "delivered 200");
  assertEquals(said(await send(channel, message(notice("recovered")))), "delivered 200");
  const [first, second] = server.notifications;
  assertEquals([first!.type, first!.format, first!.tag], ["failure", "text", "admins"]);
  assertEquals(first!.title, "shop / web 2: its container is gone");
  assertEquals(second!.type, "success");
});

Deno.test("an Apprise server that tells nobody has not delivered", async () => {
  await using server = new AppriseServer("key");
  const after = async (key: string) => {
    const secrets = { url: server.origin, key };
    return said(await send(await opened("apprise", { secrets })));
  };
  assertEquals(await after("other"), "broken 204 answer null");
  server.next.push(() =>
    json({ error: "One or more notification could not be sent", details: [] }, 424)
  );
  // Those whom it reached would be told again: not every few seconds.
  assertEquals(await after("key"), "retry 424 answer 600000");
});
