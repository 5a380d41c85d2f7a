/**
 * How much of all requests and answers together may be in memory at once. Counts bytes; whose they
 * are is not its business.
 *
 * @module
 */

/** Of requests and answers together, unless a test needs less. */
export const BYTES_IN_FLIGHT = 64 << 20;

/** A number of bytes that many share. */
export class ByteBudget {
  readonly #total: number;
  #used = 0;

  /** Bytes that may be taken at once. */
  constructor(total: number) {
    this.#total = total;
  }

  /** Bytes that are taken. */
  get used(): number {
    return this.#used;
  }

  /** Takes this many bytes, or none. What is larger than all there is may be taken alone. */
  take(bytes: number): boolean {
    if (this.#used > 0 && this.#used + bytes > this.#total) return false;
    this.#used += bytes;
    return true;
  }

  /** Gives back what was taken. */
  give(bytes: number): void {
    this.#used -= bytes;
  }
}
