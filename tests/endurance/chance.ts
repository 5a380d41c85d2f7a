/**
 * Chance that comes again: the same seed makes the same choices, as far as the daemon's own timing
 * lets them be the same.
 *
 * @module
 */

/** Random choices from a seed (mulberry32). */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** From 0 to below `limit`, not whole. */
  below(limit: number): number {
    this.#state = this.#state + 0x6d2b79f5 | 0;
    const state = this.#state;
    let mixed = Math.imul(state ^ state >>> 15, 1 | state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32 * limit;
  }

  /** One of these; throws when there are none. */
  any<T>(from: readonly T[]): T {
    if (from.length === 0) throw new Error("Cannot choose: there is nothing to choose from");
    return from[Math.floor(this.below(from.length))]!;
  }
}
