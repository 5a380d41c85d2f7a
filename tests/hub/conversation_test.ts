/**
 * Hosts and hubs of releases next to each other understand one another: what the releases before said
 * is said again to this hub, and answered to this host. See `conversation.ts`.
 * @module
 */

import { assert, assertEquals, assertObjectMatch } from "@std/assert";
import { Dialer } from "../../src/hub/dialer.ts";
import { DIGEST_MS, PROTOCOL } from "../../src/hub/protocol.ts";
import { Log } from "../../src/telemetry/log.ts";
import { HubClient } from "../../src/hub/hub_client.ts";
import { admitted, hubItems, hubRows, startHub } from "../harness/hub.ts";
import { sharedCluster } from "../harness/postgres.ts";
import { TestHost } from "../harness/program.ts";
import { tempStore } from "../harness/temp_store.ts";
import {
  type Conversation,
  conversations,
  type Exchange,
  openPast,
  speak,
} from "./conversation.ts";

const cluster = sharedCluster();

const KEPT = await conversations();

Deno.test("a conversation of a release is kept that a hub of today is to understand", () => {
  const protocols = KEPT.flatMap(({ exchanges }) => exchanges.map(({ body }) => body.protocol))
    .filter((protocol) => protocol !== undefined);
  assert(protocols.some((protocol) => protocol === PROTOCOL || protocol === PROTOCOL - 1));
  // Else not everything that a host says is in them.
  assertEquals(
    KEPT.map(({ version, exchanges }) => [version, [...new Set(exchanges.map(kindOf))].sort()]),
    [
      ["0.1.0", [
        ...["batch", "batch of what happened", "heartbeat", "hello", "snapshot of problems"],
        ...["snapshot of rows", "snapshot of workloads"],
      ]],
      ["0.1.0, which told of rows alone", ["batch", "heartbeat", "hello", "snapshot"]],
    ],
  );
});

/** Which of the messages it is. */
function kindOf({ path, body }: Pick<Exchange, "path" | "body">): string {
  if (path !== "/api/ingest") return path.slice("/api/".length);
  if (typeof body.from !== "number") {
    return body.of === undefined ? "snapshot" : `snapshot of ${body.of}`;
  }
  const isNews = body.transitions !== undefined && body.problems === undefined;
  return isNews ? "batch of what happened" : "batch";
}

/** What is told with a batch where there is something of it. */
const NEWS: ReadonlySet<string> = new Set([
  ...["transitionsAfter", "transitionsAnew", "transitions"],
]);

/** Says it all to a hub, as it is or as `changed`; what it shows afterwards. */
async function sayAgain(
  { exchanges }: Conversation,
  changed: (body: Exchange["body"]) => unknown = (body) => body,
): Promise<{ rows: Record<string, unknown>[]; happened: number; problems: number }> {
  await using hubHost = await TestHost.make();
  const database = await cluster.newDatabase();
  const hub = await startHub(hubHost, { database });
  await using past = await openPast(database);
  using client = new HubClient(hub.url, {
    ...{ secret: await admitted(hubHost, hub, "one"), ca: null },
  });
  for (const { path, body, status, answer } of exchanges) {
    if (path === "/api/hello") await past.forget();
    const heard = await client.ask(path, changed(body), new AbortController().signal);
    assertEquals(heard.status, status, JSON.stringify(heard.body));
    // A newer hub may say more than it did.
    assertObjectMatch(heard.body as Record<string, unknown>, answer);
  }
  const happened = await hubItems(hub, hubHost, "/api/transitions?limit=100");
  const { problems } = await hubHost.json("problems", "--all");
  const rows = await hubRows(hub, hubHost, "one");
  return { rows, happened: happened.length, problems: problems.length };
}

for (const conversation of KEPT) {
  const { version, exchanges } = conversation;
  const rows = lastRows(exchanges);
  const told = {
    rows: rows.map(shownOf),
    happened: Number(exchanges.at(-1)!.answer.transitions ?? 0),
    problems: exchanges.some(({ body }) => kindsOf(body.problems).includes("crashed")) ? 1 : 0,
  };
  Deno.test(`a hub takes what a host of ${version} says, and answers as that one knows it`, async () => {
    const shown = await sayAgain(conversation);
    assertEquals({ ...shown, rows: shown.rows.map(shownOf) }, told);
  });

  Deno.test(`a hub leaves out what it does not know of the messages of ${version}`, async () => {
    const shown = await sayAgain(conversation, withMore);
    assertEquals({ ...shown, rows: shown.rows.map(shownOf) }, told);
  });

  Deno.test(`a host says to a hub of ${version} what that understands, and heeds its answers`, async () => {
    for (const more of [false, true]) {
      const said: Exchange[] = [];
      await using temp = await tempStore();
      await speak(temp, (path, body) => {
        const message = JSON.parse(JSON.stringify(body));
        const answer = answered(conversation, { path, body: message, before: said });
        said.push({ path, body: message, status: 200, answer });
        return Promise.resolve({
          ...{ status: 200, retryAfter: null, body: more ? withMore(answer) : answer },
        });
      });
      // What was watched is told to whom says that it takes that in, and to nobody else.
      const takes = exchanges.some(({ answer }) => "watched" in answer);
      for (const { body } of said.filter((each) => kindOf(each) === "heartbeat")) {
        assertEquals(body.past !== null, takes);
      }
      // In what was said then nothing may be missing now, nor be of another kind.
      for (const each of exchanges) {
        const same = said.filter((now) => kindOf(now) === kindOf(each));
        assert(same.length > 0, kindOf(each));
        const body = asKept(each.body);
        const always = Object.fromEntries(Object.entries(body).filter(([name]) => !NEWS.has(name)));
        for (const now of same) assertShape(now.body, always, kindOf(each));
        for (const name of NEWS.intersection(new Set(Object.keys(body)))) {
          const now = same.find((now) => name in now.body);
          assert(now !== undefined, `${kindOf(each)}.${name} is not said any more`);
          assertShape(now.body[name], body[name], `${kindOf(each)}.${name}`);
        }
      }
      assertEquals(lastRows(said).map(shownOf), told.rows);
    }
  });
}

/** The rows of the last snapshot. */
function lastRows(exchanges: readonly Exchange[]): Record<string, unknown>[] {
  const { body } = exchanges.findLast((each) => /^snapshot(?: of rows)?$/.test(kindOf(each)))!;
  return body.rows as Record<string, unknown>[];
}

function shownOf({ id, state, workloadName, imageTag }: Record<string, unknown>) {
  return { id, state, workloadName, imageTag };
}

function kindsOf(problems: unknown): string[] {
  return (problems as { kind: string }[] | undefined ?? []).map(({ kind }) => kind);
}

/** What a hub of that release would have answered: its fields, with the numbers of this message. */
function answered(
  { exchanges }: Conversation,
  { path, body, before }: Pick<Exchange, "path" | "body"> & { before: readonly Exchange[] },
): Exchange["answer"] {
  const kind = kindOf({ path, body });
  const { answer } = exchanges.find((each) => kindOf(each) === kind)!;
  const last = before.findLast(({ path }) => path !== "/api/hello");
  const isKept = kind !== "hello" || last?.body.epoch === body.epoch;
  const had = isKept ? last?.answer.transitions ?? 0 : 0;
  const news = (body.transitions as { seq: number }[] | undefined)?.at(-1)?.seq;
  const happened = "transitions" in answer && { transitions: news ?? had };
  if (kind === "hello") {
    const session = before.filter((each) => kindOf(each) === "hello").length + 1;
    const seq = isKept ? last?.answer.seq ?? null : null;
    return { ...answer, session, seq, ...happened };
  }
  return { ...answer, seq: body.to ?? body.seq, ...happened };
}

/** With fields that nobody knows: in the message, and in each row of it. */
function withMore(message: Record<string, unknown>): Record<string, unknown> {
  const more = { ofTheFuture: { deep: ["x", 1, null] } };
  return {
    ...more,
    ...Object.fromEntries(
      Object.entries(message).map(([name, value]) => [
        name,
        Array.isArray(value)
          ? value.map((each) => typeof each === "object" ? { ...more, ...each } : each)
          : value,
      ]),
    ),
  };
}

/** What a host says of rows that no hub ever took; they were told in place of being left out. */
const NEVER_TAKEN = ["host", "lastSeenAt"];

function asKept(message: Record<string, unknown>): Record<string, unknown> {
  if (!Array.isArray(message.rows)) return message;
  const rows = message.rows.map((row: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(row).filter(([field]) => !NEVER_TAKEN.includes(field)))
  );
  return { ...message, rows };
}

/** Whether all that stood in `then` stands in `now`, each of the same kind. */
function assertShape(now: unknown, then: unknown, where: string): void {
  if (then === null) return;
  assertEquals(now === null ? "null" : typeof now, typeof then, where);
  if (Array.isArray(then)) {
    assert(Array.isArray(now), where);
    for (const each of now.slice(0, 1)) assertShape(each, then[0] ?? each, `${where}[]`);
  } else if (typeof then === "object") {
    for (const [name, value] of Object.entries(then)) {
      const given = (now as Record<string, unknown>)[name];
      assert(name in (now as object), `${where}.${name} is not said any more`);
      if (given !== null) assertShape(given, value, `${where}.${name}`);
    }
  }
}

Deno.test("a host whose rows a hub keeps otherwise tells them again with each digest, no oftener", async () => {
  await using temp = await tempStore();
  const { workloadId } = temp.store.registry.create("project", { name: "shop" }).entry;
  temp.store.deployed.putDeployedContainer({ id: "a", workloadId });
  temp.store.replica.begin(() => {});
  const said: string[] = [];
  const dialer = new Dialer({
    ...{ replica: temp.store.replica, version: "1", machine: "m", isFresh: () => true },
    log: new Log({ level: "error", write: () => {} }),
    clock: { now: () => temp.now, monotonic: () => temp.now, sleep: () => Promise.resolve() },
    ask: (path, body) => {
      const message = body as Record<string, unknown>;
      said.push(message.digest ? "digest" : kindOf({ path, body: message }));
      const answer = path === "/api/hello"
        ? { result: "accepted", session: 1, seq: null }
        : message.digest
        ? { result: "snapshot" }
        : { result: "ok", seq: message.to ?? message.seq };
      return Promise.resolve({ status: 200, body: answer, retryAfter: null });
    },
  });
  const { signal } = new AbortController();
  for (let i = 0; i < 12; i++) await dialer.step(signal);
  assertEquals(said.slice(0, 5), ["hello", "snapshot", "digest", "snapshot", "heartbeat"]);
  assertEquals(new Set(said.slice(5)), new Set(["heartbeat"]));
  temp.now += DIGEST_MS;
  for (let i = 0; i < 3; i++) await dialer.step(signal);
  assertEquals(said.slice(-3), ["digest", "snapshot", "heartbeat"]);
  temp.store.replica.end();
});
