/**
 * How often an address may fail to log in. Whoever shows the right secret gets in all the same: it
 * can't be guessed, and nobody can keep others out by failing in their name.
 *
 * @module
 */

import { RateLimit } from "./rate_limit.ts";

const MAX_ADDRESSES = 256;
/** Stands for those that there is no room for. */
const OTHERS = "others";

/** One limit for each address that failed of late. */
export class LoginLimit {
  readonly #perMinute: number;
  readonly #now: () => number;
  readonly #limits = new Map<string, RateLimit>();

  /** `now` in milliseconds. */
  constructor(perMinute: number, now: () => number = () => performance.now()) {
    this.#perMinute = perMinute;
    this.#now = now;
  }

  /** One more failure; 0, or after how many whole seconds the next is looked at. */
  fail(remote: string | null): number {
    const attempt = this.#of(remote ?? "socket").take();
    return attempt.taken ? 0 : attempt.retryAfter;
  }

  #of(address: string): RateLimit {
    const known = this.#limits.get(address);
    if (known !== undefined) return known;
    if (this.#limits.size >= MAX_ADDRESSES) this.#forgetRested();
    const key = this.#limits.size >= MAX_ADDRESSES ? OTHERS : address;
    const limit = this.#limits.get(key) ?? new RateLimit(this.#perMinute, this.#now);
    this.#limits.set(key, limit);
    return limit;
  }

  #forgetRested(): void {
    for (const [address, limit] of this.#limits) if (limit.full) this.#limits.delete(address);
  }
}
