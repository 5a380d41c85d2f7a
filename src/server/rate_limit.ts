/**
 * Allows so many events a minute: a token bucket, one number and one time.
 *
 * @module
 */

/** A bucket that refills steadily. */
export class RateLimit {
  readonly #perMinute: number;
  readonly #now: () => number;
  #left: number;
  #at: number;

  /** Full at first; `now` in milliseconds. */
  constructor(perMinute: number, now: () => number = () => performance.now()) {
    this.#perMinute = perMinute;
    this.#now = now;
    this.#left = perMinute;
    this.#at = now();
  }

  /** Takes one if there is one; else says after how many whole seconds there will be. */
  take(): { readonly taken: true } | { readonly taken: false; readonly retryAfter: number } {
    const retryAfter = this.wait();
    if (retryAfter > 0) return { taken: false, retryAfter };
    this.#left--;
    return { taken: true };
  }

  /** Whether nothing was taken of late. */
  get full(): boolean {
    this.wait();
    return this.#left >= this.#perMinute;
  }

  /** Whole seconds until there is one to take, 0 where there is. */
  wait(): number {
    const now = this.#now();
    const minutes = Math.max(0, now - this.#at) / 60_000;
    this.#at = now;
    this.#left = Math.min(this.#perMinute, this.#left + minutes * this.#perMinute);
    return this.#left >= 1 ? 0 : Math.ceil((1 - this.#left) * 60 / this.#perMinute);
  }
}
