import { assert, assertEquals, fail } from "@std/assert";
import type { Channel, Outcome } from "../../src/notify/channel.ts";
import { Outbox } from "../../src/notify/outbox.ts";
import { type NoticeContent, testNotice } from "../../src/notify/notice.ts";
import type { NewNotice } from "../../src/store/notice_rows.ts";
import type { Store } from "../../src/store/store.ts";
import { Log } from "../../src/telemetry/log.ts";
import { tempStore } from "../harness/temp_store.ts";
import { TurnedClock } from "../harness/turned_clock.ts";
import { digest, MINUTE, TEN } from "./notices.ts";
const { Database } = await import("@db/sqlite");

const DELIVERED: Outcome = { result: "delivered", status: 204, answer: "" };

function queue(
  store: Store,
  channelId: string,
  ids: readonly string[],
  { at, content = testNotice(at, null), subject = null }: {
    at: number;
    content?: NoticeContent;
    subject?: string | null;
  },
): void {
  const notices: NewNotice[] = ids.map((id) => ({
    id,
    kind: "test",
    content: JSON.stringify(content),
    subject,
    at,
    deliveries: [{ channelId, queuedAt: at }],
  }));
  store.notices.write({ lookedAt: at, notices });
}

function addChannel(store: Store, id: string): void {
  store.channels.add({ id, name: id, type: "webhook", config: {}, fallbackId: null }, {
    workloads: null,
    kinds: null,
    minSeverity: "high",
    remindAfterMs: null,
  });
}

function outboxOf(store: Store, clock: TurnedClock, open: () => Channel): Outbox {
  return new Outbox({
    store,
    open: () => Promise.resolve(open()),
    wording: { language: "en", timeZone: "UTC", baseUrl: null },
    clock,
    random: () => 0,
    log: new Log({ write() {} }),
    onDamage: (damage) => fail(damage.message),
    onAttempt: () => {},
  });
}

Deno.test("Outbox sends ten thousand in order, within the rate, and has few of them in memory", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const clock = new TurnedClock(TEN);
  addChannel(store, "ops");
  const ids = Array.from({ length: 10_000 }, (_, i) => `msg_${i}`);
  const content = digest(20, { evidence: ["x".repeat(120), "y".repeat(120)] });
  for (let i = 0; i < ids.length; i += 1000) {
    queue(store, "ops", ids.slice(i, i + 1000), { at: TEN, content });
  }
  const all = JSON.stringify(content).length * ids.length;
  assert(all > 80e6, String(all));
  const used = () => {
    const { heapUsed, external } = Deno.memoryUsage();
    return heapUsed + external;
  };
  const before = used();
  let grown = 0;
  const sent: string[] = [];
  const times: number[] = [];
  let under = 0;
  let most = 0;
  const outbox = outboxOf(store, clock, () => ({
    type: "webhook",
    rate: { burst: 100, perMinute: 6000 },
    send: async ({ id, content }) => {
      most = Math.max(most, ++under);
      await Promise.resolve();
      assertEquals(content.problems.length, 20);
      sent.push(id);
      times.push(clock.now());
      if (sent.length % 10 === 0) grown = Math.max(grown, used() - before);
      under--;
      return DELIVERED;
    },
  }));
  const stop = new AbortController();
  const running = outbox.run(stop.signal);
  while (sent.length < ids.length) await clock.turn(1000);
  stop.abort();
  await running;
  assertEquals(sent, ids);
  assertEquals(most, 1);
  assertEquals(store.notices.queue().length, 0);
  // What is left of the burst, and what comes in a second.
  const over = times.findIndex((at, i) => times[i + 201]! - at < 1000);
  assertEquals(over, -1);
  assert(times.at(-1)! - times[0]! >= 98_000, String(times.at(-1)! - times[0]!));
  // What was not collected yet among it.
  assert(grown < all / 2, `${grown / 1e6} MB of ${all / 1e6}`);
});

Deno.test("Outbox sends again what an address refused that was changed meanwhile", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const clock = new TurnedClock(TEN);
  addChannel(store, "ops");
  queue(store, "ops", ["msg"], { at: TEN });
  const answers: ((outcome: Outcome) => void)[] = [];
  const outbox = outboxOf(store, clock, () => ({
    type: "webhook",
    rate: { burst: 100, perMinute: 6000 },
    send: () => new Promise((resolve) => answers.push(resolve)),
  }));
  const stop = new AbortController();
  const running = outbox.run(stop.signal);
  await clock.turn(1000);
  assertEquals(answers.length, 1);
  outbox.forget("ops");
  answers[0]!({ result: "gone", status: 410, answer: "", cause: "answer", retryAfterMs: null });
  await clock.turn(1000);
  assertEquals(store.channels.find("ops")!.state, "ok");
  assertEquals(answers.length, 2);
  answers[1]!(DELIVERED);
  await clock.turn(1000);
  assertEquals(store.notices.queue().length, 0);
  stop.abort();
  await running;
});

Deno.test("Outbox lets the others pass by a message that the receiver dislikes", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const clock = new TurnedClock(TEN);
  addChannel(store, "ops");
  for (const status of [400, 500]) {
    const ids = ["bad", "good-1", "good-2"].map((id) => `${id}-${status}`);
    queue(store, "ops", ids, { at: clock.now() });
    const sent: string[] = [];
    const outbox = outboxOf(store, clock, () => ({
      type: "webhook",
      rate: { burst: 10, perMinute: 60 },
      send: ({ id }) => {
        if (id.startsWith("bad")) {
          const cause = "answer" as const;
          return Promise.resolve({
            result: "retry",
            status,
            answer: "",
            cause,
            retryAfterMs: null,
          });
        }
        sent.push(id);
        return Promise.resolve(DELIVERED);
      },
    }));
    const stop = new AbortController();
    const running = outbox.run(stop.signal);
    await clock.turn(2 * MINUTE);
    stop.abort();
    await running;
    assertEquals(sent, ids.slice(1));
    assert(store.notices.queue().length > 0, "it was given up");
  }
});

Deno.test("Outbox lets what is told of one problem wait for what comes before it, and looks no oftener for that", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  let looks = 0;
  const clock = new class extends TurnedClock {
    override sleep(ms: number, signal: AbortSignal): Promise<void> {
      // Nothing else here sleeps.
      if (++looks > 1000) throw new Error("it does nothing but look");
      return super.sleep(ms, signal);
    }
  }(TEN);
  addChannel(store, "ops");
  for (const id of ["first", "second"]) {
    queue(store, "ops", [id], { at: TEN, subject: "missing:a" });
  }
  const sent: string[] = [];
  let takes = false;
  const outbox = outboxOf(store, clock, () => ({
    type: "webhook",
    rate: { burst: 10, perMinute: 60 },
    send: ({ id }) => {
      sent.push(id);
      return Promise.resolve(
        takes ? DELIVERED : {
          ...{ result: "retry", status: 400, answer: "", cause: "answer", retryAfterMs: null },
        } as const,
      );
    },
  }));
  const stop = new AbortController();
  const running = outbox.run(stop.signal);
  await clock.turn(30 * MINUTE);
  assertEquals(new Set(sent), new Set(["first"]));
  assert(looks < 100, `${looks} looks`);
  takes = true;
  await clock.turn(60 * MINUTE);
  stop.abort();
  await running;
  assertEquals(sent.slice(-2), ["first", "second"]);
  assertEquals(store.notices.queue().length, 0);
});

Deno.test("Outbox goes on after looks that failed, and is seen not to move meanwhile", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const clock = new TurnedClock(TEN);
  addChannel(store, "ops");
  queue(store, "ops", ["one"], { at: TEN });
  const sent: string[] = [];
  const outbox = outboxOf(store, clock, () => ({
    type: "webhook",
    rate: { burst: 10, perMinute: 60 },
    send: ({ id }) => {
      sent.push(id);
      return Promise.resolve(DELIVERED);
    },
  }));
  const stop = new AbortController();
  const inDatabase = (statement: string) => {
    const db = new Database(temp.path);
    db.exec(statement);
    db.close();
  };
  inDatabase("ALTER TABLE deliveries RENAME TO elsewhere");
  const running = outbox.run(stop.signal);
  await clock.turn(MINUTE);
  assertEquals([sent, outbox.moves()], [[], false]);
  inDatabase("ALTER TABLE elsewhere RENAME TO deliveries");
  await clock.turn(MINUTE);
  assertEquals([sent, outbox.moves()], [["one"], true]);
  inDatabase("ALTER TABLE deliveries RENAME TO elsewhere");
  await clock.turn(2 * MINUTE);
  assertEquals(outbox.moves(), false);
  stop.abort();
  await running;
});

Deno.test("Outbox gives up after 72 hours", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const clock = new TurnedClock(TEN);
  addChannel(store, "ops");
  queue(store, "ops", ["lost"], { at: TEN - 71 * 60 * MINUTE });
  let tries = 0;
  const outbox = outboxOf(store, clock, () => ({
    type: "webhook",
    rate: { burst: 10, perMinute: 60 },
    send: () => {
      tries++;
      return Promise.resolve({
        result: "retry",
        status: null,
        answer: "away",
        cause: "connection",
        retryAfterMs: null,
      });
    },
  }));
  const stop = new AbortController();
  const running = outbox.run(stop.signal);
  await clock.turn(59 * MINUTE);
  assertEquals(store.notices.queue().length, 1);
  await clock.turn(2 * MINUTE);
  stop.abort();
  await running;
  assertEquals(store.notices.list({ limit: 10 }).map(({ state }) => state), ["dead"]);
  assert(tries > 5 && tries < 10, String(tries));
});
