import { assert, assertEquals, fail } from "@std/assert";
import { MailServer } from "../receivers/smtp.ts";
import { HEALTHY } from "../../src/store/channels.ts";
import { type Answering, Receiver } from "../receivers/receiver.ts";
import { MINUTE, notice, TEN } from "./notices.ts";
import { writeProblems } from "../harness/problems.ts";
import { until } from "../harness/until.ts";
import { tempStore } from "../harness/temp_store.ts";
import { SYSTEM_CLOCK } from "../../src/clock.ts";
import { Notifier } from "../../src/notify/notifier.ts";
import type { Store } from "../../src/store/store.ts";
import { closed, opened, SECOND, Telling } from "./telling.ts";

/** Why a webhook was told. */
function kindOf(body: string): string {
  return JSON.parse(body).type.replace("problem.", "");
}

/** A port that nobody listens on, until somebody does. */
function away(): { answer: Answering; back: () => void; readonly tries: number } {
  let isBack = false;
  let tries = 0;
  return {
    answer: () => {
      if (isBack) return new Response(null, { status: 204 });
      tries++;
      return new Response("away", { status: 503 });
    },
    back: () => void (isBack = true),
    get tries() {
      return tries;
    },
  };
}

/** The requests that were taken. */
class Taking extends Receiver {
  readonly taken: { id: string; body: string }[] = [];

  constructor(answer: Answering) {
    super(async (received) => {
      const response = await answer(received);
      if (response.ok) {
        this.taken.push({ id: received.headers.get("webhook-id")!, body: received.body });
      }
      return response;
    });
  }
}

Deno.test("a receiver that is away while it fails and recovers is told both as one", async () => {
  const state = away();
  await using receiver = new Taking(state.answer);
  await using telling = await Telling.open();
  await telling.channel("ops", receiver.origin);
  telling.start();
  await telling.settle();
  const problem = opened("web-1", telling.clock.now());
  writeProblems(telling.store, problem);
  await telling.pass(7 * MINUTE);
  assert(state.tries >= 4, String(state.tries));
  writeProblems(telling.store, closed(problem, telling.clock.now()));
  await telling.pass(33 * MINUTE);
  assertEquals(receiver.taken.length, 0);
  state.back();
  await telling.pass(35 * MINUTE, 30 * SECOND);
  assertEquals(receiver.taken.length, 1);
  assertEquals(kindOf(receiver.taken[0]!.body), "combined");
  assert(receiver.taken[0]!.body.includes("was down"), receiver.taken[0]!.body);
});

Deno.test("a receiver that is away while it fails is told that, then that it is over", async () => {
  const state = away();
  await using receiver = new Taking(state.answer);
  await using telling = await Telling.open();
  await telling.channel("ops", receiver.origin);
  telling.start();
  await telling.settle();
  const problem = opened("web-1", telling.clock.now());
  writeProblems(telling.store, problem);
  await telling.pass(5 * MINUTE);
  state.back();
  await telling.pass(10 * MINUTE);
  writeProblems(telling.store, closed(problem, telling.clock.now()));
  await telling.pass(MINUTE);
  assertEquals(receiver.taken.map(({ body }) => kindOf(body)), [
    "opened",
    "recovered",
  ]);
});

Deno.test("401 parks a channel, which the others are told of, until a test arrives", async () => {
  let allowed = false;
  await using receiver = new Taking(() => new Response("who?", { status: allowed ? 200 : 401 }));
  await using other = new Taking(() => new Response(null, { status: 204 }));
  await using telling = await Telling.open();
  const ops = await telling.channel("ops", receiver.origin);
  await telling.channel("other", other.origin);
  telling.start();
  await telling.settle();
  writeProblems(telling.store, opened("web-1", telling.clock.now()));
  await telling.pass(10 * SECOND);
  writeProblems(telling.store, opened("web-2", telling.clock.now()));
  await telling.pass(2 * 60 * MINUTE, MINUTE);
  assertEquals(receiver.requests.length, 1);
  assertEquals(telling.store.channels.get("ops").state, "broken");
  assertEquals(telling.store.channels.get("ops").reason, "401 who?");
  const told = other.requests.map(({ body }) => JSON.parse(body).data.problems[0].kind);
  assertEquals(told, ["missing", "channel-broken", "missing"]);
  allowed = true;
  const { signal } = new AbortController();
  const kept = telling.store.channels.get(ops.id);
  assertEquals((await telling.notifications.test(kept, { signal })).result, "delivered");
  await telling.pass(MINUTE);
  assertEquals(receiver.taken.map(({ body }) => kindOf(body)), [
    "test",
    "opened",
    "opened",
  ]);
  assertEquals(kindOf(other.requests.at(-1)!.body), "recovered");
});

Deno.test("a channel that is mended after days is told of what lasts and was lately, not of all that was", async () => {
  await using receiver = new Taking(() => new Response(null, { status: 204 }));
  await using telling = await Telling.open();
  const { store } = telling;
  const { id } = await telling.channel("ops", receiver.origin);
  const hour = 60 * MINUTE;
  const queued = (hours: number, kind: "opened" | "combined") => {
    const at = TEN - hours * hour;
    return {
      ...{ id: `${kind}-${hours}`, kind, subject: `${kind}-${hours}`, at },
      content: JSON.stringify(notice(kind)),
      deliveries: [{ channelId: id, queuedAt: at }],
    };
  };
  store.notices.write({
    lookedAt: TEN,
    notices: [
      queued(200, "combined"),
      queued(100, "opened"),
      queued(73, "combined"),
      queued(71, "combined"),
    ],
  });
  store.channels.setHealth(id, { ...HEALTHY, state: "broken", reason: "403", since: TEN });
  telling.start();
  await telling.pass(MINUTE);
  assertEquals(store.notices.list({ limit: 9 }).map(({ noticeId, state }) => [noticeId, state]), [
    ["combined-71", "queued"],
    ["combined-73", "dead"],
    ["opened-100", "queued"],
    ["combined-200", "dead"],
  ]);
  const { signal } = new AbortController();
  await telling.notifications.test(store.channels.get(id), { signal });
  await telling.pass(MINUTE);
  assertEquals(receiver.taken.slice(1).map(({ id }) => id), ["opened-100", "combined-71"]);
});

Deno.test("410 disables a channel for good", async () => {
  let gone = false;
  await using receiver = new Receiver(() => new Response("gone", { status: gone ? 410 : 200 }));
  await using telling = await Telling.open();
  await telling.channel("ops", receiver.origin, { rule: { remindAfterMs: 10 * MINUTE } });
  telling.start();
  await telling.settle();
  const told = opened("web-0", telling.clock.now());
  writeProblems(telling.store, told);
  await telling.pass(10 * SECOND);
  gone = true;
  writeProblems(telling.store, opened("web-1", telling.clock.now()));
  await telling.pass(10 * SECOND);
  writeProblems(telling.store, opened("web-2", telling.clock.now()));
  await telling.pass(30 * MINUTE, MINUTE);
  writeProblems(telling.store, closed(told, telling.clock.now()));
  await telling.pass(30 * MINUTE, MINUTE);
  assertEquals(receiver.requests.length, 2);
  assertEquals(telling.store.channels.get("ops").state, "disabled");
  assertEquals(telling.store.notices.queue().length, 0);
});

Deno.test("a receiver that hangs delays no other", async () => {
  const { promise: hanging, resolve: release } = Promise.withResolvers<Response>();
  await using hung = new Receiver(() => hanging);
  await using other = new Taking(() => new Response(null, { status: 204 }));
  await using telling = await Telling.open();
  await telling.channel("hung", hung.origin);
  await telling.channel("other", other.origin);
  telling.start();
  for (let i = 0; i < 3; i++) {
    writeProblems(telling.store, opened(`web-${i}`, telling.clock.now()));
    while (other.requests.length <= i) await telling.clock.turn(100);
  }
  assertEquals([hung.requests.length, other.taken.length], [1, 3]);
  release(new Response(null, { status: 204 }));
  await telling.pass(10 * SECOND);
  assertEquals(hung.requests.length, 3);
});

Deno.test("a thousand problems at once are one list of bounded length", async () => {
  await using receiver = new Taking(() => new Response(null, { status: 204 }));
  await using telling = await Telling.open();
  await telling.channel("ops", receiver.origin);
  telling.start();
  await telling.settle();
  const problems = Array.from({ length: 1000 }, (_, i) => opened(`web-${i}`, telling.clock.now()));
  writeProblems(telling.store, ...problems);
  await telling.pass(MINUTE);
  assertEquals(receiver.requests.length, 1);
  assertEquals([kindOf(receiver.requests[0]!.body), receiver.lastJson.data.total], [
    "digest",
    1000,
  ]);
  assert(receiver.requests[0]!.body.length < 64_000, String(receiver.requests[0]!.body.length));
  writeProblems(telling.store, ...problems.map((each) => closed(each, telling.clock.now())));
  await telling.pass(MINUTE);
  assertEquals(receiver.requests.length, 2);
  assertEquals([kindOf(receiver.requests.at(-1)!.body), receiver.lastJson.data.total], [
    "combined",
    1000,
  ]);
});

Deno.test("a message links to where the dashboard has more of its problem, and a list to the overview", async () => {
  await using receiver = new Taking(() => new Response(null, { status: 204 }));
  await using telling = await Telling.open({ baseUrl: "https://ops.example/tf" });
  await telling.channel("ops", receiver.origin, { rule: { remindAfterMs: 10 * MINUTE } });
  telling.start();
  await telling.settle();
  const problem = opened("w1:web 2", telling.clock.now());
  const host = { workloadId: null, rowId: null, kind: "engine-down" as const };
  writeProblems(telling.store, problem);
  await telling.pass(11 * MINUTE, MINUTE);
  writeProblems(telling.store, closed(problem, telling.clock.now()));
  await telling.pass(MINUTE);
  writeProblems(telling.store, opened("local", telling.clock.now(), host));
  await telling.pass(MINUTE);
  const many = Array.from({ length: 6 }, (_, i) => opened(`row-${i}`, telling.clock.now()));
  writeProblems(telling.store, ...many);
  await telling.pass(MINUTE);
  const row = "https://ops.example/tf/workloads/w1?row=w1%3Aweb%202";
  const root = "https://ops.example/tf/";
  const told = receiver.taken.map(({ body }) => [kindOf(body), JSON.parse(body).data.link]);
  assertEquals(told, [
    ["opened", row],
    ["reminder", row],
    ["recovered", row],
    ["opened", root],
    ["digest", root],
  ]);
});

Deno.test("a reboot is one message, and so is the first start", async () => {
  await using receiver = new Taking(() => new Response(null, { status: 204 }));
  await using telling = await Telling.open();
  const at = TEN;
  writeProblems(
    telling.store,
    ...Array.from({ length: 12 }, (_, i) => opened(`old-${i}`, at, { batch: "baseline" })),
  );
  await telling.channel("ops", receiver.origin);
  telling.start();
  await telling.pass(MINUTE);
  assertEquals(receiver.requests.length, 1);
  assertEquals([receiver.lastJson.data.reason, receiver.lastJson.data.total], ["baseline", 12]);
  const now = telling.clock.now();
  writeProblems(
    telling.store,
    ...Array.from({ length: 3 }, (_, i) => opened(`new-${i}`, now, { batch: "restart" })),
  );
  await telling.pass(MINUTE);
  assertEquals(receiver.requests.length, 2);
  assertEquals([receiver.lastJson.data.reason, receiver.lastJson.data.total], ["restart", 3]);
});

Deno.test("while somebody else tells, what was told here is ended here and nothing else begins", async () => {
  await using receiver = new Taking(() => new Response(null, { status: 204 }));
  await using telling = await Telling.open();
  await telling.channel("ops", receiver.origin, { rule: { remindAfterMs: 5 * MINUTE } });
  telling.start();
  await telling.settle();
  const before = opened("web-1", telling.clock.now());
  writeProblems(telling.store, before);
  await telling.pass(MINUTE);
  telling.quiet = true;
  const [short, long] = [opened("web-2", telling.clock.now()), opened("web-3", TEN + MINUTE)];
  writeProblems(telling.store, short, long);
  await telling.pass(10 * MINUTE);
  writeProblems(telling.store, closed(before, telling.clock.now()));
  writeProblems(telling.store, closed(short, telling.clock.now()));
  await telling.pass(2 * MINUTE);
  const told = () => receiver.taken.map(({ body }) => kindOf(body));
  assertEquals(told(), ["opened", "recovered"]);
  // Nobody else does any more: what is not over is told, and nothing of what was meanwhile.
  telling.quiet = false;
  await telling.pass(2 * MINUTE);
  assertEquals(told(), ["opened", "recovered", "opened"]);
});

Deno.test("nobody is told of what is silenced or muted, until it is not while it lasts", async () => {
  await using receiver = new Taking(() => new Response(null, { status: 204 }));
  await using telling = await Telling.open();
  await telling.channel("ops", receiver.origin);
  telling.start();
  await telling.settle();
  const silent = opened("web-1", telling.clock.now(), { silenced: true });
  const over = opened("web-2", telling.clock.now(), { silenced: true });
  const muted = opened("web-3", telling.clock.now(), { muted: true });
  writeProblems(telling.store, silent, over, muted);
  await telling.pass(10 * MINUTE, MINUTE);
  writeProblems(telling.store, closed(over, telling.clock.now()));
  await telling.pass(MINUTE);
  assertEquals(receiver.requests.length, 0);
  writeProblems(telling.store, { ...silent, silenced: false });
  await telling.pass(MINUTE);
  assertEquals(receiver.requests.length, 1);
  assertEquals(receiver.lastJson.data.problems[0].key, silent.key);
});

Deno.test("an hour of crashing is told once, and once that it is over", async () => {
  await using receiver = new Taking(() => new Response(null, { status: 204 }));
  await using telling = await Telling.open();
  await telling.channel("ops", receiver.origin);
  telling.start();
  await telling.settle();
  const crashed = opened("web-1", telling.clock.now(), { kind: "crashed" });
  writeProblems(telling.store, crashed);
  await telling.pass(MINUTE);
  const looping = opened("web-1", telling.clock.now(), { kind: "crash-loop" });
  writeProblems(telling.store, closed(crashed, telling.clock.now(), "superseded"), looping);
  for (let minute = 0; minute < 60; minute++) {
    writeProblems(telling.store, { ...looping, evidence: { count: minute } });
    await telling.pass(MINUTE, MINUTE);
  }
  writeProblems(telling.store, closed(looping, telling.clock.now()));
  await telling.pass(MINUTE);
  const told = receiver.requests.map(({ body }) =>
    `${kindOf(body)} ${JSON.parse(body).data.problems[0].kind}`
  );
  assertEquals(told, ["opened crashed", "recovered crash-loop"]);
  assertEquals(receiver.lastJson.data.problems[0].since, new Date(crashed.since).toISOString());
});

Deno.test("a crash that becomes a loop and is over while a receiver is away is told as one", async () => {
  const state = away();
  await using receiver = new Taking(state.answer);
  await using telling = await Telling.open();
  await telling.channel("ops", receiver.origin);
  telling.start();
  await telling.settle();
  const crashed = opened("web-1", telling.clock.now(), { key: "crashed:web-1", kind: "crashed" });
  writeProblems(telling.store, crashed);
  await telling.pass(MINUTE);
  const looping = opened("web-1", telling.clock.now(), { kind: "crash-loop" });
  writeProblems(telling.store, closed(crashed, telling.clock.now(), "superseded"), looping);
  await telling.pass(20 * MINUTE, 30 * SECOND);
  writeProblems(telling.store, closed(looping, telling.clock.now()));
  await telling.pass(MINUTE);
  state.back();
  await telling.pass(60 * MINUTE, MINUTE);
  assertEquals(receiver.taken.map(({ body }) => kindOf(body)), ["combined"]);
});

Deno.test("a loop of crashes is told to whoever was told of nothing yet, and to nobody twice", async () => {
  await using first = new Taking(() => new Response(null, { status: 204 }));
  await using second = new Taking(() => new Response(null, { status: 204 }));
  await using telling = await Telling.open();
  await telling.channel("first", first.origin);
  await telling.channel("second", second.origin, { rule: { kinds: ["crash-loop"] } });
  telling.start();
  await telling.settle();
  const crashed = opened("web-1", telling.clock.now(), { kind: "crashed" });
  writeProblems(telling.store, crashed);
  await telling.pass(MINUTE);
  const looping = opened("web-1", telling.clock.now(), { kind: "crash-loop" });
  writeProblems(telling.store, closed(crashed, telling.clock.now(), "superseded"), looping);
  await telling.pass(MINUTE);
  writeProblems(telling.store, closed(looping, telling.clock.now()));
  await telling.pass(MINUTE);
  const told = ({ taken }: Taking) =>
    taken.map(({ body }) => `${kindOf(body)} ${JSON.parse(body).data.problems[0].kind}`);
  assertEquals(told(first), ["opened crashed", "recovered crash-loop"]);
  assertEquals(told(second), ["opened crash-loop", "recovered crash-loop"]);
});

Deno.test("a reminder comes so long after the last delivery, and is dropped when it is over", async () => {
  await using receiver = new Taking(() => new Response(null, { status: 204 }));
  await using telling = await Telling.open();
  await telling.channel("ops", receiver.origin, { rule: { remindAfterMs: 10 * MINUTE } });
  telling.start();
  await telling.settle();
  const problem = opened("web-1", telling.clock.now());
  writeProblems(telling.store, problem);
  await telling.pass(21 * MINUTE, 10 * SECOND);
  writeProblems(telling.store, closed(problem, telling.clock.now()));
  await telling.pass(60 * MINUTE, MINUTE);
  const told = receiver.requests.map(({ body }) => kindOf(body));
  assertEquals(told, ["opened", "reminder", "reminder", "recovered"]);
});

Deno.test("a fallback is told what a receiver answers 400 to, and what a mail server takes not now", async () => {
  await using refusing = new Receiver(() => new Response("what?", { status: 400 }));
  await using mail = await MailServer.start({ refuseRecipients: "450 4.2.0 greylisted" });
  await using fallback = new Taking(() => new Response(null, { status: 204 }));
  await using telling = await Telling.open();
  const { id } = await telling.channel("sms", fallback.origin, { rule: { kinds: ["none"] } });
  await telling.channel("chat", refusing.origin, { fallbackId: id, rule: { kinds: ["missing"] } });
  await telling.secrets.set("mail", { from: "forge@host.test", to: "ops@host.test" });
  telling.store.channels.add({
    ...{ id: "mail", name: "mail", type: "email", fallbackId: id },
    config: { origin: `smtp://127.0.0.1:${mail.port}`, form: "plain", allowLoopback: true },
  }, { workloads: null, kinds: ["stopped"], minSeverity: "high", remindAfterMs: null });
  telling.start();
  await telling.settle();
  writeProblems(
    telling.store,
    opened("web-1", telling.clock.now()),
    opened("web-2", telling.clock.now(), { kind: "stopped" }),
  );
  await telling.pass(9 * MINUTE, 30 * SECOND);
  assertEquals(fallback.requests.length, 0);
  assert(refusing.requests.length >= 3, `${refusing.requests.length} tries`);
  for (const name of ["chat", "mail"]) {
    const { state, failingSince } = telling.store.channels.get(name);
    assertEquals([name, state, failingSince !== null], [name, "ok", true]);
  }
  await telling.pass(2 * MINUTE, 30 * SECOND);
  const told = fallback.taken.map(({ body }) => JSON.parse(body).data.problems[0].kind);
  assertEquals(told.toSorted(), ["missing", "stopped"]);
});

Deno.test("a fallback is told after ten minutes, and that it is over", async () => {
  const state = away();
  await using receiver = new Taking(state.answer);
  await using fallback = new Taking(() => new Response(null, { status: 204 }));
  await using telling = await Telling.open();
  const { id } = await telling.channel("sms", fallback.origin, { rule: { kinds: ["none"] } });
  await telling.channel("ops", receiver.origin, { fallbackId: id });
  telling.start();
  await telling.settle();
  const problem = opened("web-1", telling.clock.now());
  writeProblems(telling.store, problem);
  await telling.pass(9 * MINUTE);
  assertEquals(fallback.requests.length, 0);
  await telling.pass(2 * MINUTE);
  assertEquals(fallback.requests.length, 1);
  state.back();
  writeProblems(telling.store, closed(problem, telling.clock.now()));
  await telling.pass(60 * MINUTE, MINUTE);
  assertEquals(fallback.requests.map(({ body }) => kindOf(body)), [
    "opened",
    "recovered",
  ]);
  assertEquals(receiver.taken.length, 0);
});

Deno.test("Notifications let others go between the steps in which they look at thousands of problems", async () => {
  await using receiver = new Taking(() => new Response(null, { status: 204 }));
  await using telling = await Telling.open();
  await telling.channel("ops", receiver.origin);
  telling.start();
  await telling.settle();
  const at = telling.clock.now();
  let turns = 0;
  let others = setTimeout(function turn() {
    turns++;
    others = setTimeout(turn, 0);
  }, 0);
  const { notices } = telling.store;
  const { notified, write } = notices;
  const seen: Record<"read" | "written", number> = { read: -1, written: -1 };
  notices.notified = () => {
    if (seen.written < 0) seen.read = turns;
    return notified.call(notices);
  };
  notices.write = (step) => {
    if (step.notified?.length === 3000) seen.written = turns;
    write.call(notices, step);
  };
  try {
    writeProblems(
      telling.store,
      ...Array.from({ length: 3000 }, (_, i) => opened(`web-${i}`, at, { batch: "restart" })),
    );
    await until("they are told as one", async () => {
      await telling.settle();
      return receiver.taken.length === 1;
    });
  } finally {
    clearTimeout(others);
  }
  assertEquals(JSON.parse(receiver.taken[0]!.body).data.total, 3000);
  assert(seen.read < seen.written, JSON.stringify(seen));
});

/** A notifier by itself, which sends nothing. */
function notifierOver(
  store: Store,
  { now, ...more }: { now: () => number; isQuiet?: () => boolean },
): Notifier {
  return new Notifier({
    store,
    problems: (since) => store.problems.remembered(since),
    names: { workload: () => "shop", row: () => null },
    clock: { ...SYSTEM_CLOCK, now },
    ...{ host: "nas", account: () => null, language: "en", isSending: () => false },
    onDamage: (damage) => fail(damage.message),
    ...more,
  });
}

/** One that is told of everything that is high. */
function addChannel(store: Store, id: string): void {
  store.channels.add(
    { id, name: id, type: "webhook", config: {}, fallbackId: null },
    { workloads: null, kinds: null, minSeverity: "high", remindAfterMs: null },
  );
}

Deno.test("Notifier.steps() take who is told anew at each, and see what changed meanwhile the next time", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  temp.now = TEN;
  for (const id of ["a", "b"]) addChannel(store, id);
  let now = TEN;
  const notifier = notifierOver(store, { now: () => now });
  notifier.step();
  now += MINUTE;
  const problem = opened("web-1", now, { batch: "restart" });
  writeProblems(store, problem);
  const steps = notifier.steps();
  steps.next();
  steps.next();
  // It is known what is wrong: a channel goes, and it is over.
  store.channels.remove("a");
  writeProblems(store, closed(problem, now));
  while (!steps.next().done);
  const queued = () =>
    ["a", "b"].flatMap((id) => store.notices.queuedFor(id, 10)).map((
      { channelId, kind },
    ) => [channelId, kind]);
  assertEquals(queued(), [["b", "digest"]]);
  now += MINUTE;
  notifier.step();
  assertEquals(queued(), [["b", "combined"]]);
});

Deno.test("Notifier.step() tells of a channel that does not work also while somebody else tells of problems", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  temp.now = TEN;
  for (const id of ["a", "b"]) addChannel(store, id);
  let now = TEN;
  const notifier = notifierOver(store, { now: () => now, isQuiet: () => true });
  notifier.step();
  now += MINUTE;
  writeProblems(store, opened("web-1", now));
  store.channels.setHealth("a", { ...HEALTHY, state: "broken", reason: "refused", since: now });
  notifier.step();
  now += MINUTE;
  notifier.step();
  const told = store.notices.queuedFor("b", 10).flatMap(({ content }) =>
    JSON.parse(content).problems.map(({ kind }: { kind: string }) => kind)
  );
  assertEquals(told, ["channel-broken"]);
});
