/**
 * A clock that tests turn by hand: whoever sleeps wakes when it is turned past the time.
 *
 * @module
 */

import type { Clock } from "../../src/clock.ts";

/** Stands still until it is turned. */
export class TurnedClock implements Clock {
  #now: number;
  readonly #start: number;
  readonly #sleepers = new Set<{ at: number; wake: () => void }>();

  constructor(start = Date.parse("2026-01-01T00:00:00.000Z")) {
    this.#now = this.#start = start;
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
      // Whoever is about to sleep does.
      await new Promise((resolve) => setTimeout(resolve, 1));
      const next = [...this.#sleepers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#now = Math.max(this.#now, next.at);
      next.wake();
    }
    this.#now = end;
  }
}
