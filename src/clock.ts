/**
 * Time as the loops see it: a field, so that tests can turn it; and how a loop waits and is woken.
 *
 * @module
 */

/** Tells the time and waits. */
export interface Clock {
  /** Wall time, milliseconds since the Unix epoch; may jump. */
  now(): number;
  /** Milliseconds since some moment; never goes back. What waits are computed with. */
  monotonic(): number;
  /** Resolves after `ms` milliseconds, or at once when the signal aborts. Never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** From here on a millisecond more does not matter. */
const LONG_MS = 1000;

/** The system's clock. */
export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      // Long ones are whole: for each length of time Deno keeps a list until that is over, also when
      // nobody waits any more. Short ones are soon over, and a millisecond of theirs counts.
      const timer = setTimeout(done, ms < LONG_MS ? ms : Math.ceil(ms));
      signal.addEventListener("abort", done);
    }),
};

/** Wall time of a clock as RFC 3339 UTC with milliseconds. */
export function timestamp(clock: Clock): string {
  return new Date(clock.now()).toISOString();
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}

/** One for all: a loop is woken thousands of times, and an error of its own would cost each time. */
const RUNG = "rung";

/**
 * What a loop sleeps by. It takes {@linkcode Alarm.set} before it looks for work, so that what comes
 * after the look ends the sleep that follows.
 */
export class Alarm {
  #rings = new AbortController();

  /** Aborts at the next {@linkcode Alarm.ring}; those before it do not count any more. */
  set(): AbortSignal {
    this.#rings = new AbortController();
    return this.#rings.signal;
  }

  /** Ends the sleep, this one or the next. */
  ring(): void {
    this.#rings.abort(RUNG);
  }
}
