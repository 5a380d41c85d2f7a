import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import type { ChannelSettings } from "../../src/notify/channel.ts";
import { CHANNEL_SCHEMES, ChannelUrlError, takeInUrl } from "../../src/notify/urls.ts";

type Taken = [string, ChannelSettings["config"], ChannelSettings["secrets"]];

/** Type, what may be shown, what may not. */
function taken(url: string): Taken {
  const { type, config, secrets } = takeInUrl(url);
  return [type, config, secrets];
}

const basic = (pair: string) => `Basic ${btoa(pair)}`;

Deno.test("takeInUrl() takes ntfy's forms", () => {
  const cloud = { url: "https://ntfy.sh/", topic: "alerts" };
  for (const url of ["ntfy://alerts", "ntfys://alerts", "ntfy://ntfy.sh/alerts"]) {
    assertEquals(taken(url), ["ntfy", { origin: "https://ntfy.sh" }, cloud], url);
  }
  assertEquals(taken("https://ntfy.sh/alerts"), ["ntfy", { origin: "https://ntfy.sh" }, cloud]);
  assertEquals(taken("ntfys://user:p%40ss@ntfy.test:8443/alerts?priority=high"), [
    "ntfy",
    { origin: "https://ntfy.test:8443", priority: 4 },
    { url: "https://ntfy.test:8443/", topic: "alerts", authorization: basic("user:p@ss") },
  ]);
  assertEquals(taken("ntfy://tk_abc@10.0.0.5/alerts"), [
    "ntfy",
    { origin: "http://10.0.0.5" },
    { url: "http://10.0.0.5/", topic: "alerts", authorization: "Bearer tk_abc" },
  ]);
  // Shoutrrr's.
  assertEquals(
    taken("ntfy://:tk_abc@ntfy.test/alerts?scheme=https")[2].authorization,
    "Bearer tk_abc",
  );
  assertEquals(taken("ntfy://ntfy.test/alerts?scheme=https")[1].origin, "https://ntfy.test");
  assertEquals(taken("ntfys://ntfy.test/alerts?scheme=http")[1].origin, "http://ntfy.test");
});

Deno.test("takeInUrl() takes Gotify's forms", () => {
  assertEquals(taken("gotifys://gotify.test/base/AbC.dEf?priority=8"), [
    "gotify",
    { origin: "https://gotify.test", priority: 8 },
    { url: "https://gotify.test/base", token: "AbC.dEf" },
  ]);
  assertEquals(taken("gotify://192.168.1.5:8080/AbCdEf"), [
    "gotify",
    { origin: "http://192.168.1.5:8080" },
    { url: "http://192.168.1.5:8080/", token: "AbCdEf" },
  ]);
  assertEquals(taken("gotify://gotify.test/AbC?disabletls=no")[1].origin, "https://gotify.test");
  assertEquals(taken("gotify://gotify.test/AbC?DisableTLS=Yes")[1].origin, "http://gotify.test");
});

Deno.test("takeInUrl() takes Discord's forms", () => {
  const one: Taken = [
    "discord",
    { origin: "https://discord.com" },
    { url: "https://discord.com/api/webhooks/123456/tok-EN_1" },
  ];
  for (
    const url of [
      "discord://123456/tok-EN_1",
      "discord://Bot@123456/tok-EN_1/?tts=no",
      "discord://tok-EN_1@123456",
      "https://discord.com/api/webhooks/123456/tok-EN_1",
      "https://discordapp.com/api/webhooks/123456/tok-EN_1",
      "https://canary.discord.com/api/v10/webhooks/123456/tok-EN_1?wait=true",
    ]
  ) assertEquals(taken(url), one, url);
  assertEquals(taken("discord://123456/tok?thread=99")[2].thread, "99");
  assertEquals(taken("https://discord.com/api/webhooks/1/t?thread_id=99")[2].thread, "99");
});

Deno.test("takeInUrl() takes Slack's and Mattermost's forms", () => {
  const one: Taken = [
    "slack",
    { origin: "https://hooks.slack.com", form: "webhook" },
    { url: "https://hooks.slack.com/services/T1/B2/cD3" },
  ];
  for (
    const url of [
      "slack://T1/B2/cD3",
      "slack://bot@T1/B2/cD3/#general",
      "slack://hook:T1-B2-cD3@webhook",
      "https://hooks.slack.com/services/T1/B2/cD3",
    ]
  ) assertEquals(taken(url), one, url);
  for (const url of ["slack://xoxb-1-2-abc/#ops", "slack://xoxb:1-2-abc@%23ops"]) {
    assertEquals(taken(url), [
      "slack",
      { origin: "https://slack.com", form: "bot" },
      { url: "https://slack.com/api/chat.postMessage", token: "xoxb-1-2-abc", channel: "#ops" },
    ], url);
  }
  assertEquals(taken("mmost://bot@chat.test/base/abc123?channel=%23ops"), [
    "mattermost",
    { origin: "http://chat.test:8065" },
    { url: "http://chat.test:8065/base/hooks/abc123", channel: "ops", username: "bot" },
  ]);
  assertEquals(taken("mmosts://chat.test/abc123")[2], { url: "https://chat.test/hooks/abc123" });
  assertEquals(taken("mattermost://bot@chat.test/abc123/ops")[2], {
    url: "https://chat.test/hooks/abc123",
    channel: "ops",
    username: "bot",
  });
  assertEquals(
    taken("mattermost://chat.test:8065/abc123?disabletls=yes")[1].origin,
    "http://chat.test:8065",
  );
});

Deno.test("takeInUrl() takes Telegram's forms", () => {
  const one: Taken = [
    "telegram",
    { origin: "https://api.telegram.org" },
    { url: "https://api.telegram.org/", token: "123456:AAE-x_y", chat: "-100987" },
  ];
  for (
    const url of [
      "tgram://123456:AAE-x_y/-100987",
      "tgram://123456:AAE-x_y/-100987/?format=html",
      "telegram://123456:AAE-x_y@telegram?chats=-100987",
      "telegram://123456:AAE-x_y@telegram/?channels=-100987&preview=no",
      "https://api.telegram.org/bot123456:AAE-x_y/sendMessage?chat_id=-100987",
    ]
  ) assertEquals(taken(url), one, url);
  assertEquals(taken("tgram://bot1:a/news_channel")[2].chat, "@news_channel");
  assertEquals(taken("telegram://1:a@telegram?chats=@news")[2].chat, "@news");
  assertEquals(taken("tgram://1:a/-5:77")[2].thread, "77");
  assertEquals(taken("tgram://1:a/-5?topic=77")[2].thread, "77");
});

Deno.test("takeInUrl() takes Matrix's forms", () => {
  assertEquals(taken("matrixs://syt_abc@home.test/!room:home.test"), [
    "matrix",
    { origin: "https://home.test" },
    { url: "https://home.test/", token: "syt_abc", room: "!room:home.test" },
  ]);
  assertEquals(taken("matrix://syt_abc@home.test:8008/#ops")[2], {
    url: "http://home.test:8008/",
    token: "syt_abc",
    room: "#ops:home.test",
  });
  assertEquals(taken("matrix://:syt_abc@home.test/?rooms=%23ops:other.test")[2], {
    url: "https://home.test/",
    token: "syt_abc",
    room: "#ops:other.test",
  });
  assertEquals(
    taken("matrix://:syt_abc@home.test/?rooms=ops&disableTLS=yes")[1].origin,
    "http://home.test",
  );
  // Their newest rooms have no server in their ids.
  assertEquals(taken("matrixs://t@home.test/!abcDEF")[2].room, "!abcDEF");
});

Deno.test("takeInUrl() takes Apprise's server and its JSON", () => {
  assertEquals(taken("apprises://user:pass@apprise.test/sub/my-key?tags=admins"), [
    "apprise",
    { origin: "https://apprise.test" },
    {
      url: "https://apprise.test/sub",
      key: "my-key",
      tag: "admins",
      authorization: basic("user:pass"),
    },
  ]);
  assertEquals(taken("jsons://user:pass@host.test/in/hook?+X-Token=abc&-deep=1"), [
    "webhook",
    { origin: "https://host.test", form: "apprise" },
    {
      url: "https://host.test/in/hook?deep=1",
      authorization: basic("user:pass"),
      "header:X-Token": "abc",
    },
  ]);
  assertEquals(taken("json://host.test:8080")[2], { url: "http://host.test:8080/" });
});

Deno.test("takeInUrl() takes any other https URL for a webhook", () => {
  assertEquals(taken("https://host.test:8443/hook/secret?token=abc#x"), [
    "webhook",
    { origin: "https://host.test:8443", form: "standard" },
    { url: "https://host.test:8443/hook/secret?token=abc" },
  ]);
  assertEquals(taken("http://user:pass@10.0.0.5/hook")[2], {
    url: "http://10.0.0.5/hook",
    authorization: basic("user:pass"),
  });
  assertEquals(taken("https://ntfy.sh.evil.test/alerts")[0], "webhook");
  assertEquals(taken("https://notdiscord.com/api/webhooks/1/2")[0], "webhook");
});

Deno.test("takeInUrl() takes Shoutrrr's generic webhooks", () => {
  assertEquals(taken("generic://host.test/in?@Authorization=Bearer+abc&template=json&id=5"), [
    "webhook",
    { origin: "https://host.test", form: "apprise" },
    { url: "https://host.test/in?id=5", authorization: "Bearer abc" },
  ]);
  assertEquals(taken("generic+http://host.test/in")[1], {
    origin: "http://host.test",
    form: "text",
  });
});

Deno.test("takeInUrl() takes mailboxes", () => {
  assertEquals(taken("mailto://me:p%40ss@gmail.com"), [
    "email",
    { origin: "smtp://smtp.gmail.com:587", form: "starttls" },
    { from: "me@gmail.com", to: "me@gmail.com", user: "me@gmail.com", password: "p@ss" },
  ]);
  assertEquals(
    taken(
      "mailtos://me:pa+ss@host.test:465?smtp=mail.host.test&from=forge@host.test&to=a@x.test,b@x.test&name=The%20Forge",
    ),
    [
      "email",
      { origin: "smtps://mail.host.test:465" },
      {
        from: "The Forge <forge@host.test>",
        to: "a@x.test,b@x.test",
        user: "me",
        password: "pa+ss",
      },
    ],
  );
  assertEquals(taken("mailto://relay.test?from=forge@host.test&to=ops@host.test"), [
    "email",
    { origin: "smtp://relay.test:25", form: "optional" },
    { from: "forge@host.test", to: "ops@host.test" },
  ]);
  const form = (url: string) => [taken(url)[1].origin, taken(url)[1].form];
  assertEquals(form("mailto://me:x@h.test"), ["smtp://h.test:587", "starttls"]);
  assertEquals(form("mailtos://me:x@h.test?mode=ssl"), ["smtps://h.test:465", undefined]);
  assertEquals(form("mailto://me:x@h.test?mode=insecure"), ["smtp://h.test:25", "plain"]);
  assertEquals(taken("mailto://h.test?user=me&pass=x&to=a@x.test")[2].from, "me@h.test");
});

Deno.test("takeInUrl() takes Shoutrrr's mail", () => {
  const base = "smtp://me:pass@mail.test:587/?from=forge@host.test&to=ops@host.test";
  assertEquals(taken(base), [
    "email",
    { origin: "smtp://mail.test:587", form: "starttls" },
    { from: "forge@host.test", to: "ops@host.test", user: "me", password: "pass" },
  ]);
  const form = (more: string) => taken(`${base}&${more}`)[1].form;
  assertEquals([form("encryption=None"), form("encryption=ExplicitTLS")], ["plain", "starttls"]);
  assertEquals(
    taken(`${base}&encryption=ImplicitTLS`)[1],
    { origin: "smtps://mail.test:587" },
  );
  assertEquals(
    taken("smtp://mail.test/?fromAddress=a@x.test&toAddresses=b@x.test,c@x.test"),
    ["email", { origin: "smtp://mail.test:25", form: "optional" }, {
      from: "a@x.test",
      to: "b@x.test,c@x.test",
    }],
  );
});

Deno.test("takeInUrl() shows no more of a URL than scheme and host", () => {
  const secret = "S3CRETs3cret";
  const urls = [
    `ntfys://user:${secret}@ntfy.test/topic${secret}`,
    `gotifys://gotify.test/${secret}/${secret}`,
    `discord://123456/${secret}`,
    `slack://T1/B2/${secret}`,
    `slack://xoxb-${secret}/${secret}`,
    `mmosts://chat.test/${secret}`,
    `tgram://123456:${secret}/1`,
    `matrixs://${secret}@home.test/!${secret}:home.test`,
    `apprises://apprise.test/${secret}`,
    `jsons://user:${secret}@host.test/${secret}?+X=${secret}`,
    `https://user:${secret}@host.test/${secret}?${secret}`,
    `mailtos://user:${secret}@host.test`,
    `generic://host.test/${secret}?@X=${secret}`,
  ];
  for (const url of urls) {
    const { config, secrets } = takeInUrl(url);
    assert(!JSON.stringify(config).includes(secret), url);
    assertMatch(config.origin, /^[a-z]+:\/\/[^/@]+$/);
    assert(JSON.stringify(secrets).match(secret) || secrets.authorization !== undefined, url);
  }
});

/** What is wrong with each, in the words of the message. */
const WRONG: readonly [url: string, reason: string][] = [
  ["S3CRETs3cret", "it has no scheme"],
  ["ntfy:S3CRETs3cret", "it has no scheme"],
  ["pover://user@S3CRETs3cret", 'the scheme "pover" is not known'],
  ["ntfy://host.test/a/S3CRETs3cret", "it names 2 topics, and a channel has one"],
  ["ntfy://", "it names no topic"],
  ["ntfy://host.test/S3CRETs3cret.x", "its topic can't be one"],
  ["ntfy://S3CRETs3cret@host.test/a", "it names a user without a password"],
  ["ntfy://host.test/a?priority=S3CRETs3cret", "its priority can't be one"],
  ["gotify://S3CRETs3cret", "it names no token"],
  ["gotify://bad host/S3CRETs3cret", "it has spaces or control characters"],
  ["gotify://ho%2Fst/S3CRETs3cret", "its host can't be one"],
  ["gotify://:99999/S3CRETs3cret", "its host can't be one"],
  ["discord://S3CRETs3cret/1", "it is not a webhook's id and token"],
  ["discord://123/S3CRETs3cret?thread=S3", "its thread is not an id"],
  ["https://discord.com/api/webhooks/S3CRETs3cret", "it is not a webhook's id and token"],
  ["slack://S3CRETs3cret", "it is not the three parts of a webhook"],
  ["slack://xoxb-S3CRETs3cret", "it names no channel"],
  ["slack://xoxb-S3CRETs3cret/a/b", "it names 2 channels, and a channel has one"],
  ["mmost://S3CRETs3cret", "it names no token"],
  ["tgram://S3CRETs3cret/1", "its bot's token can't be one"],
  ["tgram://1:S3CRETs3cret/1/2", "it names 2 chats, and a channel has one"],
  ["tgram://1:S3CRETs3cret/", "it names no chat"],
  ["tgram://1:S3CRETs3cret/1:x", "its chat is neither an id nor a name"],
  ["matrix://user:S3CRETs3cret@home.test/!r:h", "it has a password, and an access token is needed"],
  ["matrix://home.test/!S3CRETs3cret:h", "it has no access token"],
  ["matrixs://S3CRETs3cret@home.test", "it names no room"],
  [
    "matrixs://S3CRETs3cret@home.test?mode=t2bot",
    "it is of a webhook bridge, not of a home server",
  ],
  ["apprise://S3CRETs3cret", "it names no key"],
  [
    "json://host.test/?+X=S3CRETs3cret%0d%0aY:1",
    "a header of it has characters that none may have",
  ],
  ["https://S3CRETs3cret:x/", "its host can't be one"],
  ["https://", "its host can't be one"],
  ["mailto://relay.test?to=S3CRETs3cret@x.test", "it has no sender"],
  ["mailto://relay.test?from=a@x.test&to=S3CRETs3cret", "one of its addresses can't be one"],
  ["mailtos://S3CRETs3cret@host.test", "it names a user without a password"],
  ["mailto://a:S3CRETs3cret@host.test?mode=x", "its mode can't be one"],
  ["mailto://a:S3CRETs3cret@host.test?smtp=a/b", "its server can't be one"],
  ["mailto://a:S3CRETs3cret@host.test:99999", "its host can't be one"],
  ["smtp://a:S3CRETs3cret@h.test/?encryption=x&from=a@x.test", "its encryption can't be one"],
  ["https://host.test/S3CRETs3cret%zz", "it has a % that begins no character"],
  [`https://host.test/S3CRETs3cret${"x".repeat(5000)}`, "it is longer than 4096 characters"],
];

Deno.test("takeInUrl() says what is wrong, and nothing that is secret", () => {
  for (const [url, reason] of WRONG) {
    const error = assertThrows(() => takeInUrl(url), ChannelUrlError, undefined, url);
    assert(error.message.startsWith(`Cannot use the URL: ${reason}`), `${url}: ${error.message}`);
    assert(error.hint.length > 0);
    assert(!/S3CRET/i.test(`${error.message} ${error.hint} ${error.stack}`), url);
  }
});

Deno.test("takeInUrl() keeps line ends out of what becomes a header", () => {
  for (const url of ["mailto://h.test?from=a@x.test%0d%0aBcc:b@x.test&to=c@x.test"]) {
    assertThrows(() => takeInUrl(url), ChannelUrlError);
  }
  const named = taken("mailto://h.test?from=a@x.test&name=A%0d%0aBcc:%20b@x.test&to=c@x.test");
  assert(!/[\r\n]/.test(named[2].from!), named[2].from);
});

Deno.test("CHANNEL_SCHEMES names what takeInUrl() knows", () => {
  for (const scheme of CHANNEL_SCHEMES) {
    try {
      takeInUrl(`${scheme}://x`);
    } catch (error) {
      assert(error instanceof ChannelUrlError);
      assert(!error.message.includes("not known"), scheme);
    }
  }
});
