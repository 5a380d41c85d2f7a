import { assert, assertEquals } from "@std/assert";
import { Webhook } from "standardwebhooks";
import { testNotice } from "../../src/notify/notice.ts";
import { Receiver } from "../receivers/receiver.ts";
import { NEXT_WEBHOOK_KEY, WEBHOOK_KEY, WebhookReceiver } from "../receivers/webhook.ts";
import { digest, HOSTILE, hostile, message, notice, scattered, TEN } from "./notices.ts";
import { opened, said, send } from "./sending.ts";

Deno.test("a webhook is signed so that the specification's library verifies it", async () => {
  await using receiver = new WebhookReceiver();
  const secrets = { url: `${receiver.origin}/hook?a=b`, key: WEBHOOK_KEY };
  const channel = await opened("webhook", { secrets, now: Date.now() });
  assertEquals(said(await send(channel)), "delivered 204");
  assertEquals(receiver.requests[0]!.target, "/hook?a=b");
  assertEquals([...receiver.accepted], [["msg_0123456789", {
    type: "problem.opened",
    timestamp: "2026-11-26T10:05:00.000Z",
    data: {
      severity: "high",
      title: "shop / web 2: its container is gone",
      text: [
        "Since 10:00 (5 mins)",
        "Host: nas",
        "Container: shop-web-2",
        "exit code 1",
        "restart policy no",
        "What to do:",
        "docker start shop-web-2",
        "https://tinyforge.test/workloads/shop",
      ].join("\n"),
      link: "https://tinyforge.test/workloads/shop",
      host: "nas",
      reason: null,
      back: null,
      total: 1,
      problems: [{
        key: "missing:row-1",
        kind: "missing",
        severity: "high",
        workload: "shop",
        row: "web 2",
        container: "shop-web-2",
        since: "2026-11-26T10:00:00.000Z",
        closedAt: null,
        evidence: ["exit code 1", "restart policy no"],
        do: "docker start shop-web-2",
      }],
    },
  }]]);
});

Deno.test("a webhook sent again has the same id and body, and a new time and signature", async () => {
  await using receiver = new WebhookReceiver();
  const secrets = { url: receiver.origin, key: WEBHOOK_KEY };
  const now = Date.now();
  await send(await opened("webhook", { secrets, now }));
  await send(await opened("webhook", { secrets, now: now + 60_000 }));
  const [first, second] = receiver.requests;
  assertEquals(receiver.accepted.size, 1);
  assertEquals(second!.body, first!.body);
  assertEquals(second!.headers.get("webhook-id"), first!.headers.get("webhook-id"));
  for (const name of ["webhook-timestamp", "webhook-signature"]) {
    assert(second!.headers.get(name) !== first!.headers.get(name), name);
  }
});

Deno.test("a webhook whose keys are changed satisfies receivers with either", async () => {
  await using before = new WebhookReceiver(WEBHOOK_KEY);
  await using after = new WebhookReceiver(NEXT_WEBHOOK_KEY);
  for (const { origin } of [before, after]) {
    const secrets = { url: origin, key: NEXT_WEBHOOK_KEY, previousKey: WEBHOOK_KEY };
    const channel = await opened("webhook", { secrets, now: Date.now() });
    assertEquals(said(await send(channel)), "delivered 204");
  }
  const secrets = { url: before.origin, key: NEXT_WEBHOOK_KEY };
  const changed = await opened("webhook", { secrets, now: Date.now() });
  assertEquals(said(await send(changed)), "retry 400 answer null");
});

Deno.test("a webhook without a key is sent unsigned, one with a bad key not at all", async () => {
  await using receiver = new Receiver(() => new Response());
  const url = receiver.origin;
  assertEquals(said(await send(await opened("webhook", { secrets: { url } }))), "delivered 200");
  assertEquals(receiver.requests[0]!.headers.get("webhook-signature"), null);
  for (const key of ["nokey", "whsec_", "whsec_!!!", btoa("without a prefix")]) {
    const channel = await opened("webhook", { secrets: { url, key } });
    const outcome = await send(channel);
    assertEquals(said(outcome), "broken null settings null");
    assert(!outcome.answer.includes(key) || key === "whsec_", outcome.answer);
  }
  assertEquals(receiver.requests.length, 1);
});

Deno.test("a webhook's outcome follows the status", async () => {
  await using receiver = new Receiver(() => new Response());
  const channel = await opened("webhook", { secrets: { url: receiver.origin } });
  const after = async (status: number, headers: Record<string, string> = {}) => {
    receiver.next.push(() => new Response("why", { status, headers }));
    return said(await send(channel));
  };
  assertEquals(await after(202), "delivered 202");
  assertEquals(await after(400), "retry 400 answer null");
  assertEquals(await after(401), "broken 401 answer null");
  assertEquals(await after(403), "broken 403 answer null");
  assertEquals(await after(404), "broken 404 answer null");
  assertEquals(await after(410), "gone 410 answer null");
  assertEquals(await after(429), "retry 429 limited null");
  assertEquals(await after(429, { "retry-after": "7" }), "retry 429 limited 7000");
  const date = new Date(TEN + 90_000).toUTCString();
  assertEquals(await after(429, { "retry-after": date }), "retry 429 limited 90000");
  assertEquals(await after(429, { "retry-after": "soon" }), "retry 429 limited null");
  assertEquals(await after(503, { "retry-after": "120" }), "retry 503 answer 120000");
  assertEquals(await after(500), "retry 500 answer null");
  const location = "http://169.254.169.254/";
  assertEquals(await after(301, { location }), "broken 301 redirect null");
  assertEquals(await after(302, { location }), "retry 302 redirect null");
  assertEquals(await after(307, { location }), "retry 307 redirect null");
  assertEquals(await after(308, { location }), "broken 308 redirect null");
});

Deno.test("a webhook to an address that must not be dialled is broken", async () => {
  const outcomes = [];
  for (
    const url of ["http://169.254.169.254/", "http://0.1.2.3/", "http://[::ffff:169.254.0.1]/"]
  ) {
    outcomes.push(said(await send(await opened("webhook", { secrets: { url } }))));
  }
  const url = "http://127.0.0.1/";
  const channel = await opened("webhook", { secrets: { url }, config: { allowLoopback: false } });
  outcomes.push(said(await send(channel)));
  assertEquals(new Set(outcomes), new Set(["broken null address null"]));
});

Deno.test("a webhook shows at most 200 escaped characters of an answer, and no secret", async () => {
  await using receiver = new Receiver(() => new Response());
  const secrets = {
    url: `${receiver.origin}/hooks/s3cr3t-path-0123?token=s3cr3t%20query`,
    key: WEBHOOK_KEY,
    authorization: `Basic ${btoa("user:s3cr3t-pass")}`,
    "header:X-Api": "s3cr3t-header",
  };
  const channel = await opened("webhook", { secrets });
  const told = async (text: string) => {
    receiver.next.push(() => new Response(text, { status: 500 }));
    return (await send(channel)).answer;
  };
  assertEquals(await told("a\r\nb\u001b[31m\u202e\0"), "a\\r\\nb\\u001b[31m\\u202e\\u0000");
  for (const text of ["x".repeat(10_000), "\u001b".repeat(10_000), "😀".repeat(10_000)]) {
    const answer = await told(text);
    assert(answer.length <= 200, `${answer.length}`);
    assert(answer.isWellFormed());
  }
  assertEquals(
    await told(
      "GET /hooks/s3cr3t-path-0123?token=s3cr3t%20query token s3cr3t query " +
        "key s3cr3t-header pass s3cr3t-pass basic " + btoa("user:s3cr3t-pass"),
    ),
    "GET ***?token=*** token *** key *** pass *** basic ***",
  );
  // No half of a secret either where the answer is cut.
  assert(!(await told(`${"x".repeat(195)}s3cr3t-header`)).includes("s3c"));
});

Deno.test("a webhook stays below the specification's size, whatever is told", async () => {
  await using receiver = new WebhookReceiver();
  const secrets = { url: receiver.origin, key: WEBHOOK_KEY };
  const channel = await opened("webhook", { secrets, now: Date.now() });
  for (const text of HOSTILE) {
    for (const content of [notice("opened", hostile(text)), scattered(1000, hostile(text))]) {
      const sent = message({ ...content, host: text }, { id: crypto.randomUUID() });
      assertEquals(said(await send(channel, sent)), "delivered 204", text.slice(0, 50));
      const { data } = receiver.lastJson;
      assertEquals(data.total, content.total);
      assert(new TextEncoder().encode(receiver.requests.at(-1)!.body).length <= 20_000);
    }
  }
});

Deno.test("a webhook names what it tells of by a type", async () => {
  await using receiver = new Receiver(() => new Response());
  const channel = await opened("webhook", { secrets: { url: receiver.origin } });
  const types = [];
  for (
    const content of [notice("recovered"), notice("combined"), digest(9), testNotice(TEN, null)]
  ) {
    await send(channel, message(content));
    types.push(receiver.lastJson.type);
  }
  assertEquals(types, ["problem.recovered", "problem.combined", "digest", "test"]);
});

Deno.test("a webhook posts in the two forms of other programs", async () => {
  await using receiver = new Receiver(() => new Response());
  const secrets = { url: receiver.origin, authorization: "Bearer abc", "header:X-Own": "1" };
  await send(await opened("webhook", { secrets, config: { form: "apprise" } }));
  const { version, title, type, attachments } = receiver.lastJson;
  assertEquals([version, type, attachments], ["1.0", "failure", []]);
  assertEquals(title, "shop / web 2: its container is gone");
  await send(await opened("webhook", { secrets, config: { form: "text" } }));
  const { body, headers } = receiver.requests.at(-1)!;
  assertEquals(body.split("\n").slice(0, 2), [title, "Since 10:00 (5 mins)"]);
  assertEquals([headers.get("authorization"), headers.get("x-own")], ["Bearer abc", "1"]);
});

Deno.test("the specification's library refuses what was changed on the way", async () => {
  await using receiver = new WebhookReceiver();
  const secrets = { url: receiver.origin, key: WEBHOOK_KEY };
  await send(await opened("webhook", { secrets, now: Date.now() }));
  const { body, headers } = receiver.requests[0]!;
  const webhook = new Webhook(WEBHOOK_KEY);
  webhook.verify(body, Object.fromEntries(headers));
  let refused = false;
  try {
    webhook.verify(body.replace("shop", "shoq"), Object.fromEntries(headers));
  } catch {
    refused = true;
  }
  assert(refused);
});
