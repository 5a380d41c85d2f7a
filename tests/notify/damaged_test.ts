/**
 * What another hand wrote over what is kept to tell people: it is said once, and everything else is
 * told.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { newId } from "../../src/core/names.ts";
import { Failure } from "../../src/failure.ts";
import { LEFT_OUT } from "../../src/store/damage.ts";
import { damagedBy } from "../harness/damaged.ts";
import { writeProblems } from "../harness/problems.ts";
import { Receiver } from "../receivers/receiver.ts";
import { MINUTE, notice } from "./notices.ts";
import { closed, opened, SECOND, Telling } from "./telling.ts";

/** A piece of what is kept, by which it would be seen that it is quoted. */
const SECRET = "s3cret";

/** Ways to write over JSON of another shape. */
const DAMAGE = [
  `{${SECRET}`,
  "",
  "5",
  `["${SECRET}"]`,
  `{"told":"${SECRET}","problems":"${SECRET}"}`,
  `{"told":{"key":"${SECRET}"},"problems":[null],"kind":"opened","at":1,"total":1}`,
];

/** Takes what it is told, or is away. */
class Taker extends Receiver {
  away = false;
  readonly told: string[] = [];

  constructor() {
    super(({ body }) => {
      if (this.away) return new Response("away", { status: 503 });
      const { type, data: { problems: [first] } } = JSON.parse(body);
      this.told.push(`${type.replace("problem.", "")} ${first.kind} ${first.row ?? ""}`.trim());
      return new Response(null, { status: 204 });
    });
  }

  take(): string[] {
    return this.told.splice(0).sort();
  }
}

/** What was said of damage, each line once or it is there twice. */
function damages(telling: Telling): string[] {
  assert(!telling.log.some((line) => line.includes(SECRET)), telling.log.join("\n"));
  const bad = telling.log.filter((line) => line.includes("cannot see what is"));
  assertEquals(bad, []);
  return telling.log.flatMap((line) =>
    /Cannot read the index: (\S+ of \\?"[^"\\]+)\\?" is not the JSON/.exec(line)?.[1]
      ?.replaceAll(/\\?"/g, "") ?? []
  );
}

Deno.test("the end of a problem is told though it is not known any more how its begin was", async () => {
  for (const [i, damage] of DAMAGE.entries()) {
    await using taker = new Taker();
    await using telling = await Telling.open();
    await telling.channel("ops", taker.origin);
    using db = damagedBy(telling.path);
    telling.start();
    await telling.settle();
    const [a, b] = ["web-1", "web-2"].map((row) => opened(row, telling.clock.now()));
    writeProblems(telling.store, a!, b!);
    await telling.pass(5 * MINUTE, 30 * SECOND);
    assertEquals(taker.take(), ["opened missing web-1", "opened missing web-2"]);
    db.write("UPDATE notified SET problem = ? WHERE key = 'missing:web-1'", damage);
    writeProblems(telling.store, ...[a!, b!].map((one) => closed(one, telling.clock.now())));
    await telling.pass(5 * MINUTE, 30 * SECOND);
    assertEquals(taker.take(), ["recovered missing web-1", "recovered missing web-2"], damage);
    assertEquals(damages(telling), ["notified.problem of missing:web-1"], `${i}`);
    // What is known of it was written over the damage.
    const kept = telling.store.notices.notified().map(({ problem }) => JSON.parse(problem).rowId);
    assertEquals(kept.sort(), ["web-1", "web-2"]);
  }
});

Deno.test("a problem of which nobody knows anything any more is set aside, and all others are told", async () => {
  await using taker = new Taker();
  await using telling = await Telling.open();
  await telling.channel("ops", taker.origin);
  using db = damagedBy(telling.path);
  telling.start();
  await telling.settle();
  writeProblems(telling.store, opened("web-1", telling.clock.now(), { kind: "crashed" }));
  await telling.pass(5 * MINUTE, 30 * SECOND);
  assertEquals(taker.take(), ["opened crashed web-1"]);
  db.write("UPDATE notified SET problem = ?", DAMAGE[0]!);
  db.write("DELETE FROM problems");
  const next = opened("web-2", telling.clock.now(), { kind: "crashed" });
  writeProblems(telling.store, next);
  await telling.pass(5 * MINUTE, 30 * SECOND);
  writeProblems(telling.store, closed(next, telling.clock.now()));
  await telling.pass(5 * MINUTE, 30 * SECOND);
  assertEquals(taker.take(), ["opened crashed web-2", "recovered crashed web-2"]);
  assertEquals(damages(telling), ["notified.problem of crashed:web-1"]);
  // Whoever was told of it is told of its end when somebody brings it back.
  assertEquals(telling.store.notices.told().map(({ key }) => key), ["crashed:web-1"]);
});

Deno.test("a notice of which nobody knows any more what it tells is given up, and all others are sent", async () => {
  for (const damage of DAMAGE) {
    await using taker = new Taker();
    await using telling = await Telling.open();
    const channel = await telling.channel("ops", taker.origin);
    using db = damagedBy(telling.path);
    telling.start();
    await telling.settle();
    taker.away = true;
    const problems = ["a", "b", "c"].map((row) => opened(row, telling.clock.now()));
    writeProblems(telling.store, ...problems);
    await telling.pass(40 * SECOND, SECOND);
    // Of one that is over while it waits its end is told, of one that is not nothing.
    db.write(
      `UPDATE notices SET content = ? WHERE id IN (
         SELECT notice_id FROM deliveries WHERE subject IN ('missing:a', 'missing:b'))`,
      damage,
    );
    writeProblems(
      telling.store,
      ...problems.slice(1).map((one) => closed(one, telling.clock.now())),
    );
    await telling.settle();
    taker.away = false;
    await telling.pass(40 * MINUTE, 30 * SECOND);
    assertEquals(taker.take(), ["combined missing c", "recovered missing b"], damage);
    const dead = telling.store.notices.list({ state: "dead", limit: 9 });
    assertEquals(dead.map(({ answer }) => answer), [
      "what it was to tell can't be read",
      "what it was to tell can't be read",
    ]);
    assertEquals(telling.store.notices.queue().length, 0);
    assertEquals(telling.store.channels.get(channel.id).failingSince, null);
    assertEquals(damages(telling).length, 2);
  }
});

Deno.test("what waits for a channel that fails goes to another one but for what can't be read", async () => {
  await using gone = new Taker();
  await using taker = new Taker();
  await using telling = await Telling.open();
  const stand = await telling.channel("stand-in", taker.origin, { rule: { kinds: ["none"] } });
  const channel = await telling.channel("ops", gone.origin, { fallbackId: stand.id });
  using db = damagedBy(telling.path);
  gone.away = true;
  telling.start();
  await telling.settle();
  const made = ["a", "b"].map((key) => ({
    ...{ id: `msg_${key}`, kind: "opened", subject: `missing:${key}`, at: telling.clock.now() },
    content: JSON.stringify(notice("opened", { key: `missing:${key}`, row: key })),
    deliveries: [{ channelId: channel.id, queuedAt: telling.clock.now() }],
  }));
  telling.store.notices.write({ lookedAt: telling.clock.now(), notices: made });
  db.write("UPDATE notices SET content = '{' WHERE id = 'msg_a'");
  // Before it could be looked at to be sent.
  telling.store.channels.setHealth(channel.id, {
    ...channel,
    ...{ failingSince: telling.clock.now(), failures: 9, notBefore: telling.clock.now() + 3.6e6 },
  });
  telling.notifications.changed(channel.id);
  await telling.pass(15 * MINUTE, 30 * SECOND);
  assertEquals(taker.take(), ["opened missing b"]);
  assertEquals(damages(telling), ["notices.content of msg_a"]);
  const states = telling.store.notices.list({ channelId: channel.id, limit: 9 })
    .map(({ noticeId, state }) => `${noticeId} ${state}`).sort();
  assertEquals(states, ["msg_a dead", "msg_b superseded"]);
});

Deno.test("a channel whose settings can't be read is told as broken, and the others are told all", async () => {
  await using taker = new Taker();
  await using telling = await Telling.open();
  const { id } = await telling.channel("lost", taker.origin);
  await telling.channel("ops", taker.origin);
  using db = damagedBy(telling.path);
  telling.start();
  await telling.settle();
  db.write("UPDATE channels SET config = ? WHERE name = 'lost'", `{${SECRET}`);
  telling.notifications.wake();
  const at = telling.clock.now();
  await telling.pass(2 * MINUTE, 10 * SECOND);
  assertEquals(taker.take(), ["opened channel-broken"]);
  const lost = telling.store.channels.find(id, LEFT_OUT);
  assertEquals([lost?.state, lost?.reason, lost?.since], [
    "broken",
    "its settings can't be read",
    at,
  ]);
  writeProblems(telling.store, opened("web-1", telling.clock.now()));
  await telling.pass(5 * MINUTE, 30 * SECOND);
  assertEquals(taker.take(), ["opened missing web-1"]);
  assertEquals(damages(telling), ["channels.config of lost"]);

  // Another name leaves what may be mended; another address is what mends it.
  const { channels } = telling.store;
  assertEquals(channels.update(id, { name: "found" }, { mended: false }).name, "found");
  await assertRejects(
    () => Promise.try(() => channels.get(id)),
    Failure,
    'channels.config of "found"',
  );
  channels.update(id, { config: { origin: taker.origin, allowLoopback: true } }, { mended: true });
  telling.notifications.changed(id);
  await telling.pass(2 * MINUTE, 10 * SECOND);
  // What waited for it, and that it works again.
  assertEquals(taker.take(), ["opened missing web-1", "recovered channel-broken"]);
});

Deno.test("a rule that can't be read tells nobody, and all others hold", async () => {
  await using taker = new Taker();
  await using telling = await Telling.open();
  const { id } = await telling.channel("ops", taker.origin);
  using db = damagedBy(telling.path);
  const { channels } = telling.store;
  const limited = channels.addRule({
    ...{ workloads: ["w2"], kinds: null, minSeverity: "low", channels: null, remindAfterMs: null },
  });
  telling.start();
  await telling.settle();
  for (const column of ["workloads", "kinds", "channels"]) {
    const row = newId();
    db.write(`UPDATE rules SET ${column} = ? WHERE id = ?`, `{"${SECRET}":1}`, limited.id);
    const [high, low] = [
      opened(row, telling.clock.now()),
      opened(row, telling.clock.now(), {
        ...{ kind: "unhealthy", severity: "low" },
      }),
    ];
    writeProblems(telling.store, high, low);
    await telling.pass(2 * MINUTE, 10 * SECOND);
    assertEquals(taker.take(), [`opened missing ${row}`]);
    const mended = { workloads: null, kinds: null, channels: [id] }[column];
    await assertRejects(
      () => Promise.try(() => channels.updateRule(limited.id, { minSeverity: "high" })),
      Failure,
      `rules.${column} of`,
    );
    const rule = channels.updateRule(limited.id, { [column]: mended, minSeverity: "high" });
    assertEquals(channels.rules().find(({ id }) => id === limited.id), rule);
  }
  assertEquals(
    damages(telling),
    ["workloads", "kinds", "channels"].map((column) => `rules.${column} of ${limited.id}`),
  );
});
