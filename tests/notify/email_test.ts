import { assert, assertEquals, assertMatch } from "@std/assert";
import { freePort } from "../harness/free_port.ts";
import { certificateFor } from "../receivers/certificate.ts";
import { MailServer } from "../receivers/smtp.ts";
import type { ChannelConfig } from "../../src/notify/channel.ts";
import { createDialer } from "../../src/notify/dial.ts";
import { openChannel } from "../../src/notify/open_channel.ts";
import { HOSTILE, hostile, message, notice, scattered, TEN } from "./notices.ts";
import { opened, said, send } from "./sending.ts";

const certificate = await certificateFor("mail.test");
const LOGIN = { user: "forge@mail.test", password: "s3cr3t-mail" };
const ADDRESSES = { from: "Forge <forge@mail.test>", to: "ops@mail.test, you@mail.test" };
const lookup = () => Promise.resolve(["127.0.0.1"]);

function mailing(
  port: number,
  options: {
    secrets?: Record<string, string>;
    scheme?: string;
    host?: string;
    config?: Partial<ChannelConfig>;
  } = {},
) {
  const origin = `${options.scheme ?? "smtp"}://${options.host ?? "mail.test"}:${port}`;
  return opened("email", {
    secrets: { ...ADDRESSES, ca: certificate.ca, ...options.secrets },
    config: { origin, ...options.config },
    dialer: { lookup },
  });
}

/** The text of a mail in quoted-printable or base64. */
function textOf(raw: string): string {
  const [head = "", ...body] = raw.split("\r\n\r\n");
  const text = body.join("\r\n\r\n");
  if (/content-transfer-encoding: base64/i.test(head)) {
    return new TextDecoder().decode(Uint8Array.fromBase64(text));
  }
  if (!/quoted-printable/i.test(head)) return text;
  const bytes = text.replace(/=\r\n/g, "")
    .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return new TextDecoder().decode(Uint8Array.from(bytes, (char) => char.charCodeAt(0)));
}

Deno.test("a mail is sent by STARTTLS, with a login", async () => {
  await using server = await MailServer.start({ certificate, login: LOGIN });
  const channel = await mailing(server.port, { secrets: LOGIN });
  assertEquals(said(await send(channel)), "delivered 250");
  const [mail] = server.mails;
  assertEquals([mail!.secure, mail!.user], [true, LOGIN.user]);
  assertEquals([mail!.from, ...mail!.to], ["forge@mail.test", "ops@mail.test", "you@mail.test"]);
  assertMatch(mail!.raw, /^Subject: shop \/ web 2: its container is gone\r$/m);
  assertMatch(mail!.raw, /^Message-ID: <msg_0123456789@mail\.test>\r$/m);
  assertMatch(mail!.raw, /^Auto-Submitted: auto-generated\r$/m);
  assertEquals(textOf(mail!.raw).trim().split("\r\n"), [
    "Since 10:00 (5 mins)",
    "Host: nas",
    "Container: shop-web-2",
    "    exit code 1",
    "    restart policy no",
    "What to do:",
    "    docker start shop-web-2",
    "",
    "Dashboard: https://tinyforge.test/workloads/shop",
  ]);
});

Deno.test("a mail is sent by TLS from the first byte", async () => {
  await using server = await MailServer.start({ certificate, login: LOGIN, implicit: true });
  const channel = await mailing(server.port, { scheme: "smtps", secrets: LOGIN });
  assertEquals(said(await send(channel)), "delivered 250");
  assertEquals(server.mails.map(({ secure }) => secure), [true]);
  const other = await mailing(server.port, { scheme: "smtps", secrets: LOGIN, host: "other.test" });
  assertEquals(said(await send(other)), "retry null tls null");
  assertEquals(server.mails.length, 1);
});

Deno.test("a mail in Russian arrives as it was written", async () => {
  await using server = await MailServer.start({ certificate });
  const channel = await mailing(server.port);
  assertEquals(said(await send(channel, message(notice(), { language: "ru" }))), "delivered 250");
  assertMatch(textOf(server.mails[0]!.raw), /^Что делать:\r$/m);
  assertMatch(server.mails[0]!.raw, /^Subject: =\?UTF-8\?/m);
});

Deno.test("a mail and its password are not sent without encryption", async () => {
  await using server = await MailServer.start({ login: LOGIN });
  const channel = await mailing(server.port, { secrets: LOGIN });
  assertEquals(said(await send(channel)), "retry 500 tls null");
  assertEquals(server.mails, []);
});

Deno.test("a mail is sent to nobody whose certificate can't be trusted", async () => {
  await using server = await MailServer.start({ certificate, login: LOGIN });
  const other = await certificateFor("mail.test");
  const cases = [
    await mailing(server.port, { secrets: { ...LOGIN, ca: other.ca } }),
    await mailing(server.port, { secrets: LOGIN, host: "other.test" }),
    // Without a password whoever answers will do, but not with one.
    await mailing(server.port, {
      secrets: { ...LOGIN, ca: other.ca },
      config: { form: "optional" },
    }),
  ];
  for (const channel of cases) assertEquals(said(await send(channel)), "retry null tls null");
  assertEquals(server.mails, []);
});

Deno.test("a mail without a login goes to a relay with any certificate, or in plain", async () => {
  await using relay = await MailServer.start({ certificate });
  const other = await certificateFor("other.test");
  const optional = { secrets: { ca: other.ca }, config: { form: "optional" } };
  assertEquals(said(await send(await mailing(relay.port, optional))), "delivered 250");
  await using old = await MailServer.start();
  assertEquals(said(await send(await mailing(old.port, optional))), "delivered 250");
  const plain = { config: { form: "plain" } };
  assertEquals(said(await send(await mailing(relay.port, plain))), "delivered 250");
  assertEquals([...relay.mails, ...old.mails].map(({ secure }) => secure), [true, false, false]);
});

Deno.test("what a mail server answers is told apart", async () => {
  const after = async (options: Parameters<typeof MailServer.start>[0], secrets = {}) => {
    await using server = await MailServer.start({ certificate, ...options });
    const outcome = await send(await mailing(server.port, { secrets }));
    assert(!JSON.stringify(outcome).includes("wrong-pass"), outcome.answer);
    return said(outcome);
  };
  const wrong = { user: LOGIN.user, password: "wrong-pass" };
  assertEquals(await after({ login: LOGIN }, wrong), "broken 535 answer null");
  const unknown = { refuseRecipients: "550 5.1.1 no such user" };
  assertEquals(await after(unknown), "broken 550 answer null");
  const grey = { refuseRecipients: "450 4.2.0 greylisted" };
  assertEquals(await after(grey), "retry 450 limited null");
  assertEquals(await after({ refuseMail: "554 5.7.1 spam" }), "retry 554 answer null");
  assertEquals(await after({ refuseMail: "452 4.3.1 full" }), "retry 452 limited null");
});

Deno.test("a mail server is judged by the address that its name stands for", async () => {
  await using server = await MailServer.start({ certificate });
  const sendTo = async (address: string, config: Partial<ChannelConfig> = {}) => {
    const channel = await openChannel({
      type: "email",
      config: { origin: `smtp://mail.test:${server.port}`, allowLoopback: true, ...config },
      secrets: { ...ADDRESSES, ca: certificate.ca },
    }, { dialer: createDialer({ lookup: () => Promise.resolve([address]) }), now: () => TEN });
    return said(await send(channel));
  };
  assertEquals(await sendTo("169.254.169.254"), "broken null address null");
  assertEquals(await sendTo("::ffff:169.254.0.1"), "broken null address null");
  assertEquals(await sendTo("0.1.2.3"), "broken null address null");
  assertEquals(await sendTo("127.0.0.1", { allowLoopback: false }), "broken null address null");
  assertEquals(server.mails, []);
  assertEquals(await sendTo("127.0.0.1"), "delivered 250");
});

Deno.test("a mail server's name that means something else later gains nothing", async () => {
  await using server = await MailServer.start({ certificate });
  let asked = 0;
  const channel = await openChannel({
    type: "email",
    config: { origin: `smtp://mail.test:${server.port}`, allowLoopback: true },
    secrets: { ...ADDRESSES, ca: certificate.ca },
  }, {
    dialer: createDialer({
      lookup: () => Promise.resolve([++asked === 1 ? "127.0.0.1" : "169.254.169.254"]),
    }),
    now: () => TEN,
  });
  assertEquals(said(await send(channel)), "delivered 250");
  assertEquals(asked, 1);
});

Deno.test("a mail says no header that it was not to say, whatever a container is called", async () => {
  await using server = await MailServer.start({ certificate });
  const channel = await mailing(server.port);
  for (const text of HOSTILE) {
    for (const content of [notice("opened", hostile(text)), scattered(1000, hostile(text))]) {
      const sent = message({ ...content, host: text });
      assertEquals(said(await send(channel, sent)), "delivered 250", text.slice(0, 50));
      const { raw, to } = server.mails.at(-1)!;
      const [head = ""] = raw.split("\r\n\r\n");
      assert(!/^Bcc:/mi.test(head));
      assertEquals(to, ["ops@mail.test", "you@mail.test"]);
      assert(raw.length < 40_000, `${raw.length}`);
    }
  }
});

Deno.test("a mail server that is not there, does not speak or hangs up is tried again", async () => {
  const port = freePort();
  const listener = Deno.listen({ hostname: "127.0.0.1", port });
  const channel = await mailing(port);
  const accepting = listener.accept();
  const outcome = send(channel);
  (await accepting).close();
  assertEquals(said(await outcome), "retry null connection null");
  listener.close();
  assertEquals(said(await send(channel)), "retry null connection null");
});

Deno.test("a mail that is being sent ends with the reason of its signal", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const channel = await mailing(port);
  const stopping = new AbortController();
  const sending = channel.send(message(), { signal: stopping.signal }).catch((error) => error);
  using _connection = await listener.accept();
  const reason = new Error("the daemon stops");
  stopping.abort(reason);
  assertEquals(await sending, reason);
});
