/**
 * One signal for everything that ends a request: its caller, its client's closing, its time.
 * Tells afterwards which of them it was.
 *
 * @module
 */

/** Aborts its signal when one of the given signals does, or when time is up. */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #sources: readonly AbortSignal[];
  readonly #onAbort: (event: Event) => void;
  #timer: ReturnType<typeof setTimeout>;
  #expired = false;

  /** `timeoutMs` from now; an aborted source throws its reason at once. */
  constructor(readonly timeoutMs: number, sources: readonly (AbortSignal | undefined)[]) {
    this.#sources = sources.filter((source) => source !== undefined);
    for (const source of this.#sources) source.throwIfAborted();
    // Not AbortSignal.any and .timeout: those stay behind for as long as their sources live.
    this.#onAbort = (event) => this.#controller.abort((event.target as AbortSignal).reason);
    for (const source of this.#sources) {
      source.addEventListener("abort", this.#onAbort, { once: true });
    }
    this.#timer = setTimeout(() => {
      this.#expired = true;
      this.#controller.abort(new DOMException("The deadline passed", "TimeoutError"));
    }, timeoutMs);
  }

  /** To pass on to whatever waits. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether it was time that ended it, not a source. */
  get expired(): boolean {
    return this.#expired;
  }

  /** No time limit from here on; the sources still count. */
  lift(): void {
    clearTimeout(this.#timer);
  }

  /** Lets go of timer and sources; the signal stays as it is. */
  [Symbol.dispose](): void {
    this.lift();
    for (const source of this.#sources) source.removeEventListener("abort", this.#onAbort);
  }
}
