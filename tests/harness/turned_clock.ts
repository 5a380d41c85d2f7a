/**
 * A clock that tests turn by hand: whoever sleeps wakes when it is turned past the time.
 *
 * @module
 */

import type { Clock } from "../../src/clock.ts";

/** More than any of what is woken needs to come to its next sleep, unless it waits for others. */
const ROUNDS = 50;

/** Stands still until it is turned. */
export class TurnedClock implements Clock {
  #now: number;
  readonly #start: number;
  readonly #sleepers = new Set<{ at: number; wake: () => void }>();

  constructor(start = Date.parse("2026-01-01T00:00:00.000Z")) {
    this.#now = this.#start = start;
  }

  /** How many sleep now. */
  get asleep(): number {
    return this.#sleepers.size;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now - this.#start;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper = {
        // Never early, and never a fraction that a number this large has no room for.
        at: Math.ceil(this.#now + ms),
        wake: () => {
          this.#sleepers.delete(sleeper);
          signal.removeEventListener("abort", sleeper.wake);
          resolve();
        },
      };
      signal.addEventListener("abort", sleeper.wake);
      this.#sleepers.add(sleeper);
    });
  }

  /** Turns it on by so many milliseconds, waking who sleeps in the order of their times. */
  async turn(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await this.#settled();
      const next = [...this.#sleepers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#now = Math.max(this.#now, next.at);
      next.wake();
    }
    this.#now = end;
  }

  /** Lets whoever is about to sleep do so: some rounds of the event loop, which a timer rounds up. */
  async #settled(): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
