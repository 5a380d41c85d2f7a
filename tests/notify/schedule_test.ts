import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  type Bucket,
  BURST_LIMIT,
  BURST_WINDOW_MS,
  fallbackAt,
  fullBucket,
  gather,
  GATHER_MS,
  gatheredAt,
  type Gathering,
  GIVE_UP_MS,
  JITTER,
  MAX_RETRY_AFTER_MS,
  nextAttempt,
  NOTHING_GATHERED,
  QUIET_MS,
  recoveryFor,
  remindAt,
  takeToken,
  tellGathered,
} from "../../src/notify/schedule.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Every attempt at a receiver that never answers, milliseconds after the first. */
function attempts(random: number, retryAfterMs: number | null = null): number[] {
  const at = [0];
  for (let attempts = 1; attempts < 1000; attempts++) {
    const next = nextAttempt({ queuedAt: 0, attempts, now: at.at(-1)!, retryAfterMs, random });
    if (next === null) break;
    at.push(next);
  }
  return at;
}

Deno.test("nextAttempt() waits longer and longer, hourly in the end, for 72 hours", () => {
  const at = attempts(0);
  const waits = at.slice(1).map((time, i) => time - at[i]!);
  assertEquals(waits.slice(0, 7), [
    ...[5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE],
    ...[HOUR, HOUR],
  ]);
  assertEquals(at.at(-1), GIVE_UP_MS);
  assert(waits.every((wait) => wait <= HOUR));
});

Deno.test("nextAttempt() reaches a receiver that was away for 40 minutes soon after", () => {
  for (const random of [0, 0.5, 1]) {
    const first = attempts(random).find((at) => at >= 40 * MINUTE)!;
    assert(first <= 55 * MINUTE, `${first / MINUTE} min`);
  }
});

Deno.test("nextAttempt() spreads what failed together", () => {
  const wait = (random: number) =>
    nextAttempt({ queuedAt: 0, attempts: 4, now: 0, retryAfterMs: null, random });
  assertEquals([wait(0), wait(1)], [10 * MINUTE, 10 * MINUTE * (1 + JITTER)]);
});

Deno.test("nextAttempt() leaves a receiver alone for as long as it says, within reason", () => {
  const next = (retryAfterMs: number | null, attempts = 1) =>
    nextAttempt({ queuedAt: 0, attempts, now: 0, retryAfterMs, random: 0 });
  assertEquals(next(90 * SECOND), 90 * SECOND);
  // Shorter than it would wait anyway.
  assertEquals(next(1000, 4), 10 * MINUTE);
  assertEquals(next(365 * 24 * HOUR), MAX_RETRY_AFTER_MS);
});

Deno.test("nextAttempt() never tries before Retry-After, and always ends", () => {
  fc.assert(fc.property(
    fc.nat(GIVE_UP_MS + HOUR),
    fc.integer({ min: 1, max: 200 }),
    fc.option(fc.nat(2 * MAX_RETRY_AFTER_MS)),
    fc.double({ min: 0, max: 1, noNaN: true }),
    (now, attempts, retryAfterMs, random) => {
      const next = nextAttempt({ queuedAt: 0, attempts, now, retryAfterMs, random });
      if (now >= GIVE_UP_MS) return next === null;
      return next !== null && next > now &&
        next >= now + Math.min(retryAfterMs ?? 0, MAX_RETRY_AFTER_MS);
    },
  ));
});

Deno.test("takeToken() keeps 10,000 messages within the rate", () => {
  const rate = { burst: 5, perMinute: 30 };
  let bucket: Bucket = fullBucket(rate, { now: 0 });
  let now = 0;
  const sent: number[] = [];
  while (sent.length < 10_000) {
    const taken = takeToken(bucket, rate, { now });
    bucket = taken.bucket;
    if (taken.waitMs === 0) sent.push(now);
    else now += taken.waitMs;
  }
  assertEquals(sent.slice(0, 7), [0, 0, 0, 0, 0, 2000, 4000]);
  // In any minute no more than the rate and one burst.
  for (let i = 0; i + 35 < sent.length; i++) assert(sent[i + 35]! - sent[i]! >= MINUTE - 1);
  // And no slower: the wait that it names is enough.
  assert(now <= (10_000 - 5) * 2000 + 10_000, `${now}`);
});

Deno.test("takeToken() gives nothing for a clock that was set back", () => {
  const rate = { burst: 1, perMinute: 60 };
  const { bucket } = takeToken(fullBucket(rate, { now: 10_000 }), rate, { now: 10_000 });
  assertEquals(takeToken(bucket, rate, { now: 5000 }).waitMs, 1000);
  assertEquals(takeToken(bucket, rate, { now: 11_000 }).waitMs, 0);
});

/** What is told when openings come at these times: when, how, how many. */
function toldOf(openings: readonly (readonly [at: number, count: number])[]): string[] {
  const told: string[] = [];
  let gathering: Gathering = NOTHING_GATHERED;
  const tellUntil = (now: number) => {
    for (let due = gatheredAt(gathering); due !== null && due <= now;) {
      const { held } = gathering;
      const result = tellGathered(gathering, { now: due });
      told.push(`${due} ${result.as} ${held}`);
      gathering = result.gathering;
      due = gatheredAt(gathering);
    }
  };
  for (const [at, count] of openings) {
    tellUntil(at);
    gathering = gather(gathering, { count, now: at });
  }
  tellUntil(Infinity);
  return told;
}

Deno.test("gather() holds a single opening no longer than its like would come", () => {
  assertEquals(toldOf([[0, 1]]), [`${GATHER_MS} each 1`]);
  assertEquals(toldOf([[0, 1], [10, 2], [90, 1]]), [`${GATHER_MS} each 4`]);
});

Deno.test("gather() makes one list of 1,000 openings at once, however they arrive", () => {
  assertEquals(toldOf([[0, 1000]]), [`${QUIET_MS} list 1000`]);
  const trickling = Array.from({ length: 1000 }, (_, i) => [i, 1] as const);
  assertEquals(toldOf(trickling), [`${999 + QUIET_MS} list 1000`]);
});

Deno.test("gather() tells five one by one, and what follows as a list", () => {
  const openings = Array.from({ length: 9 }, (_, i) => [i * 1000, 1] as const);
  assertEquals(toldOf(openings), [
    ...[0, 1000, 2000, 3000, 4000].map((at) => `${at + GATHER_MS} each 1`),
    `${8000 + QUIET_MS} list 4`,
  ]);
});

Deno.test("gather() waits for no list longer than its window", () => {
  const openings = Array.from({ length: 100 }, (_, i) => [i * 1000, 10] as const);
  const [first, ...rest] = toldOf(openings);
  assertEquals(first, `${BURST_WINDOW_MS} list 300`);
  assert(rest.length <= 3, rest.join());
});

Deno.test("gather() goes back to single openings after a quiet window", () => {
  const later = QUIET_MS + BURST_WINDOW_MS + 1000;
  assertEquals(toldOf([[0, 100], [later, 1]]), [
    `${QUIET_MS} list 100`,
    `${later + GATHER_MS} each 1`,
  ]);
  // One alone needs no list, even right after one.
  assertEquals(toldOf([[0, 100], [QUIET_MS + 1, 1]]).at(-1), `${2 * QUIET_MS + 1} each 1`);
});

Deno.test("gather() loses none and tells each once", () => {
  const arrivals = fc.array(fc.tuple(fc.nat(10_000), fc.integer({ min: 0, max: 20 })), {
    maxLength: 50,
  });
  fc.assert(fc.property(arrivals, (steps) => {
    let at = 0;
    const openings = steps.map(([wait, count]) => [at += wait, count] as const);
    const told = toldOf(openings).map((line) => line.split(" "));
    const count = told.reduce((sum, [, , held]) => sum + Number(held), 0);
    assertEquals(count, openings.reduce((sum, [, count]) => sum + count, 0));
    // In no window more single messages than the limit, and the lists' own.
    const single = told.flatMap(([due, as, held]) =>
      as === "each" ? Array<number>(Number(held)).fill(Number(due)) : []
    );
    single.forEach((due) => {
      const window = single.filter((other) => other >= due && other < due + BURST_WINDOW_MS);
      assert(window.length <= 2 * BURST_LIMIT + 2, `${window.length}`);
    });
  }));
});

Deno.test("recoveryFor() tells those who were told, and says both to those who were not yet", () => {
  assertEquals(recoveryFor("delivered"), "recovered");
  assertEquals(recoveryFor("queued"), "combined");
  assertEquals(recoveryFor("sending"), "later");
  assertEquals([recoveryFor("dead"), recoveryFor("superseded"), recoveryFor(null)], [
    ...["nothing", "nothing", "nothing"] as const,
  ]);
});

Deno.test("remindAt() counts from the last delivery", () => {
  assertEquals(remindAt(1000, { remindAfterMs: HOUR }), 1000 + HOUR);
  assertEquals(remindAt(null, { remindAfterMs: HOUR }), null);
  assertEquals(remindAt(1000, { remindAfterMs: null }), null);
});

Deno.test("fallbackAt() gives a channel ten minutes", () => {
  assertEquals([fallbackAt(1000), fallbackAt(null)], [1000 + 10 * MINUTE, null]);
});
