/**
 * The lock's protocol as a state machine: an {@link Attempt} names the next step, the answer to
 * it gives the next attempt. Pure: it decides and others perform, so the tests run this very code
 * under every interleaving. Must not touch the system, a clock or anything random.
 *
 * Three layers. The flock on the guard shuts out everyone who follows this protocol, for the
 * owner's whole life. The lock file with the PID tells everyone else. The reclaim file keeps the
 * others' hands off while we replace or create that.
 *
 * @module
 */
import { ACQUIRE, TURNED_AWAY } from "./acquire.ts";
import type { Attempt, Patience, Place, PlaceRule, Result, Step } from "./attempt.ts";
import { CHECK, LEAVE, leave } from "./leave.ts";

const RULES: Readonly<Record<Exclude<Place, "over">, PlaceRule>> = {
  ...ACQUIRE,
  ...TURNED_AWAY,
  ...LEAVE,
  ...CHECK,
};

/** Starts acquiring. `startedAt`: when this process started, milliseconds since the Unix epoch. */
export function beginAcquire(
  { pid, startedAt, patience }: {
    readonly pid: number;
    readonly startedAt: number;
    readonly patience: Patience;
  },
): Attempt {
  return {
    at: "createGuard",
    pid,
    startedAt,
    patience,
    verdict: null,
    guard: null,
    guardIsNew: false,
    guardIsUnused: false,
    flocked: false,
    record: null,
    recorded: false,
    lock: null,
    reclaim: null,
    stale: null,
    seen: null,
    stillMs: 0,
    asked: 0,
    retries: 0,
  };
}

/** Starts releasing what an attempt has acquired. */
export function beginRelease(acquired: Attempt): Attempt {
  return leave(acquired, { is: "released" });
}

/** Starts asking whether what an attempt has acquired is still ours. */
export function beginCheck(acquired: Attempt): Attempt {
  return { ...acquired, at: "checkLock", verdict: null };
}

/** The step to perform next; null when the verdict is there and nothing is left to do. */
export function nextStep(attempt: Attempt): Step | null {
  return attempt.at === "over" ? null : RULES[attempt.at].step(attempt);
}

/** What is known after the answer to {@link nextStep}. */
export function advance(attempt: Attempt, result: Result): Attempt {
  if (attempt.at === "over") return attempt;
  const { then, refused } = RULES[attempt.at];
  return result.is === "failed" ? refused(attempt, result) : then(attempt, result);
}
