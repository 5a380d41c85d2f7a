/**
 * What is asked for one thing after the other, where only the answer for the last one counts: a slow
 * answer for what was asked before changes nothing. Must not know what is asked.
 *
 * @module
 */

import type { Readable } from "./readable.ts";
import { signal } from "@preact/signals";
import { asAskError, type AskError, isAbort } from "./ask_error.ts";

/** How far the last question has come. */
export interface Loaded<Answer> {
  /** What was asked for; null before the first question. */
  readonly key: string | null;
  /** The answer for that key, the one before a reload as long as the new one is on its way. */
  readonly value: Answer | null;
  /** Why there is none, or no newer one. */
  readonly error: AskError | null;
  /** Whether an answer is on its way. */
  readonly busy: boolean;
}

/** Asks, one key after the other. */
export class Latest<Answer> {
  readonly #load: (key: string, signal: AbortSignal) => Promise<Answer>;
  readonly #state = signal<Loaded<Answer>>({ key: null, value: null, error: null, busy: false });
  #generation = 0;
  #asking: AbortController | null = null;

  /** `load` answers for a key. */
  constructor(load: (key: string, signal: AbortSignal) => Promise<Answer>) {
    this.#load = load;
  }

  /** How far the last question has come. */
  get state(): Readable<Loaded<Answer>> {
    return this.#state;
  }

  /** Asks for a key unless its answer is there or on its way; `again` asks in any case. */
  async ask(key: string, { again = false } = {}): Promise<void> {
    const before = this.#state.peek();
    const same = before.key === key;
    if (same && !again && (before.busy || before.error === null)) return;
    this.#asking?.abort();
    const asking = this.#asking = new AbortController();
    const generation = ++this.#generation;
    this.#state.value = { key, value: same ? before.value : null, error: null, busy: true };
    try {
      const value = await this.#load(key, asking.signal);
      if (generation !== this.#generation) return;
      this.#state.value = { key, value, error: null, busy: false };
    } catch (error) {
      if (generation !== this.#generation || isAbort(error)) return;
      const { value } = this.#state.peek();
      this.#state.value = { key, value, error: asAskError(error), busy: false };
    }
  }

  /** Forgets the answer; one on its way changes nothing. */
  forget(): void {
    this.#asking?.abort();
    this.#generation++;
    this.#state.value = { key: null, value: null, error: null, busy: false };
  }
}
