import { assert, assertEquals } from "@std/assert";
import type { ChannelSettings } from "../../src/notify/channel.ts";
import { createDialer } from "../../src/notify/dial.ts";
import { openChannel } from "../../src/notify/open_channel.ts";
import { takeInUrl } from "../../src/notify/urls.ts";
import { freePort } from "../harness/free_port.ts";
import { Receiver } from "../receivers/receiver.ts";
import { MailServer } from "../receivers/smtp.ts";
import { TEN } from "./notices.ts";
import { assertClean as assertCleanText, movedTo, SECRET, URLS } from "./secret_channels.ts";
import { send } from "./sending.ts";

const open = (settings: ChannelSettings) =>
  openChannel(settings, {
    dialer: createDialer({ lookup: () => Promise.resolve(["127.0.0.1"]) }),
    now: () => TEN,
  });

function assertClean(shown: unknown, about: string): void {
  assertCleanText(Deno.inspect(shown, { depth: 10 }), about);
}

Deno.test("a channel's outcome has no secret, though the receiver says all that it was told", async () => {
  await using receiver = new Receiver(({ method, target, headers, body }) => {
    const said = `${method} ${target} ${[...headers].join(" ")}`;
    return new Response(`${said.slice(0, 900)} ${body.slice(0, 100)}`, { status: 500 });
  });
  for (const url of URLS) {
    const settings = movedTo(receiver.origin, takeInUrl(url));
    const before = receiver.requests.length;
    const outcome = await send(await open(settings));
    assertEquals(receiver.requests.length, before + 1, url);
    assertEquals([outcome.result, outcome.status], ["retry", 500], url);
    assertClean(outcome, url);
    // It was told: else there would be nothing to keep back.
    const { target, headers, body } = receiver.requests.at(-1)!;
    assert(JSON.stringify([target, [...headers], body]).match(/S3CR|UzNDUk|czNjcmV0/), url);
  }
});

Deno.test("a channel's outcome has no secret, though nothing is reached", async () => {
  const port = freePort();
  for (const url of URLS) {
    const settings = takeInUrl(url);
    const outcomes = [
      await send(await open(movedTo(`http://127.0.0.1:${port}`, settings))),
      // This machine, which none of them may reach.
      await send(await open(settings)),
      await send(await open({ ...settings, secrets: { ...settings.secrets, url: SECRET } })),
    ];
    assertEquals(outcomes.map(({ result }) => result), ["retry", "broken", "broken"], url);
    assertClean(outcomes, url);
  }
});

Deno.test("a mail's outcome has no password, though the server says all that it was told", async () => {
  const plain = btoa(`\0user\0${SECRET}`);
  await using server = await MailServer.start({
    login: { user: "user", password: SECRET },
    refuseMail: `550 your password is ${SECRET}, ${btoa(SECRET)}, ${plain}`,
  });
  const settings = takeInUrl(`mailto://user:${SECRET}@host.test?mode=insecure`);
  const origin = `smtp://host.test:${server.port}`;
  const config = { origin, form: "plain", allowLoopback: true };
  const outcome = await send(await open({ ...settings, config }));
  assertEquals(outcome.answer, "550 your password is ***, ***, ***");
  const password = `not ${SECRET}`;
  const secrets = { ...settings.secrets, password };
  const refused = await send(await open({ ...settings, config, secrets }));
  assertEquals(refused.status, 535);
  assertClean(refused, "a wrong password");
});
