import { assert, assertEquals, assertMatch } from "@std/assert";
import type { ChannelType } from "../../src/notify/channel.ts";
import {
  DISCORD_LIMITED,
  DiscordServer,
  MATRIX_LIMITED,
  MatrixServer,
  MattermostServer,
  SLACK_LIMITED,
  SlackServer,
  TELEGRAM_LIMITED,
  TelegramServer,
} from "../receivers/chat.ts";
import { json, type Receiver } from "../receivers/receiver.ts";
import { HOSTILE, hostile, message, notice, scattered } from "./notices.ts";
import { opened, said, send } from "./sending.ts";

/** Everything hostile, once as a single problem and once in a list: the receiver takes it all. */
async function sendHostile(
  type: ChannelType,
  options: { secrets: Record<string, string>; config?: { form: string }; look: () => void },
): Promise<void> {
  const channel = await opened(type, options);
  for (const text of HOSTILE) {
    for (const content of [notice("opened", hostile(text)), scattered(1000, hostile(text))]) {
      const sent = message({ ...content, host: text }, { id: crypto.randomUUID() });
      assertEquals(said(await send(channel, sent)), "delivered 200", text.slice(0, 50));
      options.look();
    }
  }
}

async function afterAnswer(
  receiver: Receiver,
  type: ChannelType,
  options: { secrets: Record<string, string>; answer: () => Response; config?: { form: string } },
): Promise<string> {
  receiver.next.push(options.answer);
  return said(await send(await opened(type, options)));
}

Deno.test("Discord is told by an embed that pings nobody", async () => {
  await using server = new DiscordServer("123", "tok-en_1");
  const url = `${server.origin}${server.path}`;
  const channel = await opened("discord", { secrets: { url, thread: "77" } });
  assertEquals(said(await send(channel)), "delivered 200");
  assertEquals(server.threads, ["77"]);
  assertEquals(server.embeds, [{
    title: "shop / web 2\\: its container is gone",
    description: [
      "Since 10\\:00 \\(5 mins\\)",
      "Host\\: nas",
      "Container\\: shop\\-web\\-2",
      "```\nexit code 1\n```",
      "```\nrestart policy no\n```",
      "What to do\\:",
      "```\ndocker start shop-web-2\n```",
    ].join("\n"),
    url: "https://tinyforge.test/workloads/shop",
    color: 0xd83c3e,
    timestamp: "2026-11-26T10:05:00.000Z",
  }]);
});

Deno.test("Discord takes whatever is told, and none of it is markup", async () => {
  await using server = new DiscordServer("123", "token");
  const url = `${server.origin}${server.path}`;
  await sendHostile("discord", {
    secrets: { url },
    look: () => {
      const { title, description } = server.embeds.at(-1)!;
      // What is left outside of blocks has a backslash before every mark.
      const outside = description.replace(/```\n[^`]*\n```/g, "");
      for (const text of [title, outside]) {
        const marks = text.replace(/\\[\\*_~`|>#\-+[\]()<@:&.]/g, "");
        assert(!/[*_~`|>#[\]()<@]/.test(marks), marks.slice(0, 200));
      }
    },
  });
});

Deno.test("Discord's errors are told apart, and its way of saying when is understood", async () => {
  await using server = new DiscordServer("123", "token");
  const secrets = { url: `${server.origin}${server.path}` };
  const limited = { secrets, answer: DISCORD_LIMITED };
  assertEquals(await afterAnswer(server, "discord", limited), "retry 429 limited 1250");
  // Cloudflare, which stands before it, answers in its own way.
  const answer = () =>
    new Response("error 1015", { status: 429, headers: { "retry-after": "60" } });
  assertEquals(
    await afterAnswer(server, "discord", { secrets, answer }),
    "retry 429 limited 60000",
  );
  const other = await opened("discord", { secrets: { url: `${server.origin}/api/webhooks/1/x` } });
  assertEquals(said(await send(other)), "broken 404 answer null");
});

const SLACK = { path: "/services/T1/B2/secret", token: "xoxb-1-secret", channel: "#ops" };

Deno.test("Slack is told by blocks of plain text", async () => {
  await using server = new SlackServer(SLACK);
  const channel = await opened("slack", { secrets: { url: `${server.origin}${SLACK.path}` } });
  assertEquals(said(await send(channel)), "delivered 200");
  const [sent] = server.messages;
  assertEquals(sent!.text, "shop / web 2: its container is gone");
  assertEquals(
    sent!.blocks.map(({ type, text, elements }) => [
      type,
      text?.text ?? elements[0].elements[0].text,
    ]),
    [
      ["header", "shop / web 2: its container is gone"],
      ["section", "Since 10:00 (5 mins)\nHost: nas\nContainer: shop-web-2"],
      ["rich_text", "exit code 1"],
      ["rich_text", "restart policy no"],
      ["section", "What to do:"],
      ["rich_text", "docker start shop-web-2"],
      ["section", "<https://tinyforge.test/workloads/shop|Dashboard>"],
    ],
  );
});

Deno.test("Slack takes whatever is told, and finds no mention in it", async () => {
  await using server = new SlackServer(SLACK);
  await sendHostile("slack", {
    secrets: { url: `${server.origin}${SLACK.path}` },
    look: () => assert(!/<[!@#]/.test(server.messages.at(-1)!.text)),
  });
});

Deno.test("Slack's errors are told apart, and its way of saying when is understood", async () => {
  await using server = new SlackServer(SLACK);
  const secrets = { url: `${server.origin}${SLACK.path}` };
  const after = (status: number, text: string) =>
    afterAnswer(server, "slack", { secrets, answer: () => new Response(text, { status }) });
  assertEquals(
    await afterAnswer(server, "slack", { secrets, answer: SLACK_LIMITED }),
    "retry 429 limited 30000",
  );
  assertEquals(await after(403, "invalid_token"), "broken 403 answer null");
  assertEquals(await after(404, "no_service"), "broken 404 answer null");
  assertEquals(await after(410, "channel_is_archived"), "gone 410 answer null");
  assertEquals(await after(500, "rollup_error"), "retry 500 answer null");
});

Deno.test("a Slack bot is judged by what it says, as it always answers 200", async () => {
  await using server = new SlackServer(SLACK);
  const after = async (over: Record<string, string> = {}) => {
    const url = `${server.origin}/api/chat.postMessage`;
    const secrets = { url, token: SLACK.token, channel: SLACK.channel, ...over };
    return said(await send(await opened("slack", { secrets, config: { form: "bot" } })));
  };
  assertEquals(await after(), "delivered 200");
  assertEquals(await after({ token: "xoxb-other" }), "broken 200 answer null");
  assertEquals(await after({ channel: "#other" }), "broken 200 answer null");
  server.next.push(() => json({ ok: false, error: "internal_error" }));
  assertEquals(await after(), "retry 200 answer null");
  server.next.push(SLACK_LIMITED);
  assertEquals(await after(), "retry 429 limited 30000");
  server.next.push(() => new Response("<html>a proxy</html>"));
  assertEquals(await after(), "retry 200 answer null");
});

Deno.test("Mattermost is told in escaped Markdown that pings nobody", async () => {
  await using server = new MattermostServer("secrethook");
  const url = `${server.origin}/hooks/secrethook`;
  const channel = await opened("mattermost", {
    secrets: { url, channel: "ops", username: "forge" },
  });
  assertEquals(said(await send(channel)), "delivered 200");
  const [sent] = server.posts;
  assertEquals([sent!.channel, sent!.username], ["ops", "forge"]);
  assertEquals(sent!.text.split("\n").slice(0, 2), [
    "**shop / web 2\\: its container is gone**",
    "Since 10\\:00 \\(5 mins\\)",
  ]);
  await sendHostile("mattermost", {
    secrets: { url },
    look: () => {
      const outside = server.posts.at(-1)!.text.replace(/```\n[^`]*\n```/g, "");
      assert(!/@\w/.test(outside), outside.slice(0, 200));
    },
  });
});

const TELEGRAM = { token: "123456:AAE-secret_token", chat: "-100123" };

Deno.test("Telegram is told in HTML", async () => {
  await using server = new TelegramServer(TELEGRAM.token, TELEGRAM.chat);
  const secrets = { url: server.origin, thread: "5", ...TELEGRAM };
  const channel = await opened("telegram", { secrets });
  assertEquals(said(await send(channel)), "delivered 200");
  const [sent] = server.messages;
  assertEquals(sent!.message_thread_id, 5);
  assertEquals(sent!.html.split("\n"), [
    "<b>shop / web 2: its container is gone</b>",
    "Since 10:00 (5 mins)",
    "Host: nas",
    "Container: shop-web-2",
    "<code>exit code 1</code>",
    "<code>restart policy no</code>",
    "What to do:",
    "<code>docker start shop-web-2</code>",
    '<a href="https://tinyforge.test/workloads/shop">Dashboard</a>',
  ]);
  assertEquals(server.lastJson.link_preview_options, { is_disabled: true });
});

Deno.test("Telegram takes whatever is told, and shows it as it is", async () => {
  await using server = new TelegramServer(TELEGRAM.token, TELEGRAM.chat);
  await sendHostile("telegram", {
    secrets: { url: server.origin, ...TELEGRAM },
    look: () => {
      const outside = server.messages.at(-1)!.html.replace(/<code>[^<]*<\/code>/g, "");
      assert(!/@\w/.test(outside), outside.slice(0, 200));
    },
  });
  const name = "<b>a</b> & <script>";
  await send(
    await opened("telegram", { secrets: { url: server.origin, ...TELEGRAM } }),
    message(notice("opened", { workload: name, row: null })),
  );
  assertMatch(server.messages.at(-1)!.text, /^<b>a<\/b> & <script>: its container is gone\n/);
});

Deno.test("Telegram's errors are told apart, and its way of saying when is understood", async () => {
  await using server = new TelegramServer(TELEGRAM.token, TELEGRAM.chat);
  const secrets = { url: server.origin, ...TELEGRAM };
  const after = async (over: Record<string, string>) =>
    said(await send(await opened("telegram", { secrets: { ...secrets, ...over } })));
  assertEquals(await after({ token: "1:other" }), "broken 401 answer null");
  assertEquals(await after({ chat: "-5" }), "broken 400 answer null");
  assertEquals(
    await afterAnswer(server, "telegram", { secrets, answer: TELEGRAM_LIMITED }),
    "retry 429 limited 35000",
  );
  const error = (error_code: number, description: string) => () =>
    json({ ok: false, error_code, description }, error_code);
  const answers: [number, string, string][] = [
    [403, "Forbidden: bot was kicked from the group chat", "broken 403 answer null"],
    [
      400,
      "Bad Request: group chat was upgraded to a supergroup chat",
      "broken 400 answer null",
    ],
    [400, "Bad Request: something else", "retry 400 answer null"],
    [502, "Bad Gateway", "retry 502 answer null"],
  ];
  for (const [status, description, outcome] of answers) {
    const answer = error(status, description);
    assertEquals(await afterAnswer(server, "telegram", { secrets, answer }), outcome);
  }
});

const MATRIX = { token: "syt_secret", room: "!room:home.test" };

Deno.test("Matrix is told by an event that mentions nobody, once for each message", async () => {
  await using server = new MatrixServer({ ...MATRIX, alias: "#ops:home.test" });
  const channel = await opened("matrix", { secrets: { url: server.origin, ...MATRIX } });
  assertEquals(said(await send(channel)), "delivered 200");
  assertEquals(said(await send(channel)), "delivered 200");
  assertEquals([...server.events.keys()], ["msg_0123456789"]);
  const [event] = server.events.values();
  assertEquals(event!["m.mentions"], {});
  assertEquals([event!.msgtype, event!.format], ["m.text", "org.matrix.custom.html"]);
  assertMatch(event!.body, /^shop \/ web 2: its container is gone\nSince 10:00/);
  assertMatch(
    event!.formatted_body,
    /^<strong>shop \/ web 2: its container is gone<\/strong><br>Since .*<code>exit code 1<\/code>/,
  );
});

Deno.test("Matrix finds the room of an alias, and again when it can't be sent to", async () => {
  await using server = new MatrixServer({ ...MATRIX, alias: "#ops:home.test" });
  const secrets = { url: server.origin, token: MATRIX.token, room: "#ops:home.test" };
  const channel = await opened("matrix", { secrets });
  const asked = () => server.requests.filter(({ method }) => method === "GET").length;
  await send(channel);
  await send(channel, message(notice(), { id: "second" }));
  assertEquals([server.events.size, asked()], [2, 1]);
  server.next.push(() => json({ errcode: "M_FORBIDDEN", error: "not in room" }, 403));
  assertEquals(said(await send(channel)), "broken 403 answer null");
  assertEquals(said(await send(channel)), "delivered 200");
  assertEquals(asked(), 2);
  const other = await opened("matrix", { secrets: { ...secrets, room: "#other:home.test" } });
  assertEquals(said(await send(other)), "broken 404 answer null");
});

Deno.test("Matrix takes whatever is told", async () => {
  await using server = new MatrixServer({ ...MATRIX, alias: "#ops:home.test" });
  await sendHostile("matrix", {
    secrets: { url: server.origin, ...MATRIX },
    look: () => {
      const { body, formatted_body } = [...server.events.values()].at(-1)!;
      assert(!/@\w/.test(body), body.slice(0, 200));
      assertEquals(
        formatted_body.replace(/<\/?(?:strong|code|br|a href="[^"<>]*"|a)>/g, "")
          .match(/[<>]/),
        null,
      );
    },
  });
});

Deno.test("Matrix's errors are told apart, and its way of saying when is understood", async () => {
  await using server = new MatrixServer({ ...MATRIX, alias: "#ops:home.test" });
  const secrets = { url: server.origin, ...MATRIX };
  const limited = { secrets, answer: MATRIX_LIMITED };
  assertEquals(await afterAnswer(server, "matrix", limited), "retry 429 limited 1500");
  const answer = () =>
    json({ errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 1 }, 429, { "retry-after": "9" });
  assertEquals(await afterAnswer(server, "matrix", { secrets, answer }), "retry 429 limited 9000");
  const other = await opened("matrix", { secrets: { ...secrets, token: "syt_other" } });
  assertEquals(said(await send(other)), "broken 401 answer null");
});
