/**
 * The system's clock, which a test puts on: beside a real Engine, whose times are the system's, time
 * passes by itself, and as much more as the test says.
 *
 * @module
 */

import { type Clock, SYSTEM_CLOCK } from "../../src/clock.ts";

/** Goes as the system's does, and is put on. */
export class SkippedClock implements Clock {
  #ahead = 0;
  readonly #sleepers = new Set<AbortController>();

  now(): number {
    return SYSTEM_CLOCK.now() + this.#ahead;
  }

  monotonic(): number {
    return SYSTEM_CLOCK.monotonic() + this.#ahead;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    const end = this.monotonic() + ms;
    for (let left = ms; left > 0 && !signal.aborted; left = end - this.monotonic()) {
      const skipped = new AbortController();
      this.#sleepers.add(skipped);
      await SYSTEM_CLOCK.sleep(left, AbortSignal.any([signal, skipped.signal]));
      this.#sleepers.delete(skipped);
    }
  }

  /** Puts it on by so many milliseconds; who sleeps no longer than that wakes. */
  skip(ms: number): void {
    this.#ahead += ms;
    for (const sleeper of this.#sleepers) sleeper.abort();
  }
}
