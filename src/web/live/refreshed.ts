/**
 * Something that is asked for again whenever it may have changed: one request at a time, one more
 * where something changed meanwhile, and not more often than is of use. Must not know what it is.
 *
 * @module
 */

import type { Readable } from "../readable.ts";
import { signal } from "@preact/signals";
import { asAskError, type AskError } from "../ask_error.ts";

/** The last answer, kept until there is a newer one. */
export class Refreshed<Value> {
  readonly #load: () => Promise<Value>;
  readonly #everyMs: number;
  readonly #value = signal<Value | null>(null);
  readonly #error = signal<AskError | null>(null);
  #asking = false;
  #again = false;
  #askedAt = -Infinity;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #generation = 0;

  /** `load` asks; at most once in `everyMs` milliseconds. */
  constructor(load: () => Promise<Value>, { everyMs = 1000 }: { everyMs?: number } = {}) {
    this.#load = load;
    this.#everyMs = everyMs;
  }

  /** The last answer; null before the first. */
  get value(): Readable<Value | null> {
    return this.#value;
  }

  /** Why there was no answer last time; null when there was. */
  get error(): Readable<AskError | null> {
    return this.#error;
  }

  /** It may have changed. */
  refresh(): void {
    if (this.#asking) {
      this.#again = true;
      return;
    }
    if (this.#timer !== null) return;
    const wait = this.#askedAt + this.#everyMs - performance.now();
    if (wait <= 0) this.#ask();
    else {
      this.#timer = setTimeout(() => {
        this.#timer = null;
        this.#ask();
      }, wait);
    }
  }

  /** Forgets the answer, also one on its way: somebody else logs in. */
  forget(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#generation++;
    // What is on its way is nobody's any more, so its end is not waited for either.
    this.#asking = false;
    this.#again = false;
    this.#value.value = null;
    this.#error.value = null;
  }

  async #ask(): Promise<void> {
    const generation = ++this.#generation;
    this.#asking = true;
    this.#again = false;
    this.#askedAt = performance.now();
    try {
      const value = await this.#load();
      if (generation !== this.#generation) return;
      this.#value.value = value;
      this.#error.value = null;
    } catch (error) {
      if (generation !== this.#generation) return;
      this.#error.value = asAskError(error);
    } finally {
      if (generation === this.#generation) {
        this.#asking = false;
        if (this.#again) this.refresh();
      }
    }
  }
}
