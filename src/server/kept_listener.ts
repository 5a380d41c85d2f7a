/**
 * Keeps one listener open: tries again where it can't be opened, and opens it anew where it died.
 * A runtime may stop accepting without a word, so it is also tried whether connections are taken.
 *
 * @module
 */

import type { Log } from "../telemetry/log.ts";
import type { Listener } from "./listener.ts";

/** When it is tried again, and how often it is looked after; milliseconds. */
export interface Patience {
  /** Before the first new attempt; twice as long before each further one. Default 1 s. */
  readonly firstMs?: number;
  /** At most, between two attempts. Default 60 s. */
  readonly mostMs?: number;
  /** Between two looks whether connections are taken. Default 10 s. */
  readonly lookMs?: number;
}

/** What is kept open. */
export interface KeptListenerOptions {
  /** For the log: `socket` or `tcp`. */
  readonly entrance: string;
  /** Opens it. Rejects with an error for people. */
  readonly open: () => Promise<Listener>;
  /** A connection to it, which is closed at once; null: it is no longer ours to look after. */
  readonly connect: (listener: Listener) => Promise<Deno.Conn> | null;
  /** Where it is told. */
  readonly log: Log;
  /** How long things take. */
  readonly patience?: Patience;
}

/** A connection to ourselves is taken within a moment, or not at all. */
const TAKEN_WITHIN_MS = 3000;
const ABORT_MS = 1000;

/** One listener, open or about to be. */
export class KeptListener {
  readonly #options: KeptListenerOptions;
  readonly #stopping = new AbortController();
  #listener: Listener | null = null;
  #error: string | null = null;
  /** The reason that was logged last. */
  #told: string | null = null;
  #kept: Promise<void> | null = null;

  /** Opens nothing yet. */
  constructor(options: KeptListenerOptions) {
    this.#options = options;
  }

  /** Null while it is not open. */
  get listener(): Listener | null {
    return this.#listener;
  }

  /** Why it is not open; null when it is. */
  get error(): string | null {
    return this.#error;
  }

  /** Opens it; rejects as the options' `open` does. */
  async open(): Promise<void> {
    try {
      this.#listener = await this.#options.open();
      this.#error = null;
    } catch (error) {
      this.#error = error instanceof Error ? error.message : String(error);
      throw error;
    }
  }

  /** The same, but says what is wrong in the log: each reason once, however often it is tried. */
  async tryOpen(): Promise<boolean> {
    const { entrance, log } = this.#options;
    const told = this.#told;
    try {
      await this.open();
      this.#told = null;
      return true;
    } catch (error) {
      if (this.#error !== told) {
        this.#told = this.#error;
        log.error("not listening, trying again", { entrance, error });
      }
      return false;
    }
  }

  /** Looks after it from now on. */
  keep(): void {
    this.#kept ??= this.#keep();
  }

  /** Looks after it no more; an open listener stays open. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#kept;
  }

  async #keep(): Promise<void> {
    const { signal } = this.#stopping;
    const { firstMs = 1000, mostMs = 60_000 } = this.#options.patience ?? {};
    let waitMs = firstMs;
    while (!signal.aborted) {
      if (this.#listener === null) {
        await pause(waitMs, signal);
        if (signal.aborted) return;
        waitMs = Math.min(Math.max(waitMs * 2, firstMs), mostMs);
        if (await this.tryOpen()) waitMs = firstMs;
      } else {
        const reason = await this.#lost(this.#listener);
        if (reason === null) return;
        await this.#giveUp(this.#listener, reason);
        waitMs = 0;
      }
    }
  }

  async #giveUp(listener: Listener, reason: string): Promise<void> {
    const { entrance, log } = this.#options;
    log.error("listener lost, opening it again", { entrance, error: reason });
    this.#listener = null;
    this.#error = reason;
    await Promise.race([listener.abort().catch(() => {}), pause(ABORT_MS, this.#stopping.signal)]);
  }

  /** Why it takes no connections any more; null when nobody needs to know. */
  async #lost(listener: Listener): Promise<string | null> {
    const looking = new AbortController();
    const signal = AbortSignal.any([this.#stopping.signal, looking.signal]);
    try {
      return await Promise.race([
        this.#look(listener, signal),
        listener.ended.then((error) => {
          if (this.#stopping.signal.aborted) return null;
          return error instanceof Error ? error.message : "it ended";
        }),
      ]);
    } finally {
      looking.abort();
    }
  }

  async #look(listener: Listener, signal: AbortSignal): Promise<string | null> {
    const { lookMs = 10_000 } = this.#options.patience ?? {};
    while (!signal.aborted) {
      await pause(lookMs, signal);
      if (signal.aborted) break;
      // With every place taken nothing can be told, and nothing needs to be.
      if (listener.accepted === null || listener.full) continue;
      const reason = await this.#tryOut(listener, signal);
      if (reason !== null) return reason;
    }
    return null;
  }

  async #tryOut(listener: Listener, signal: AbortSignal): Promise<string | null> {
    const before = listener.accepted!;
    const connecting = this.#options.connect(listener);
    if (connecting === null) return null;
    const connected = connecting.then((connection) => connection.close(), (error) => {
      // Our own descriptors are used up; a new listener would not have one either.
      if (/os error (23|24)\b/.test(String(error))) return;
      return `it can't be reached: ${(error as Error).message}`;
    });
    const late = pause(TAKEN_WITHIN_MS, signal);
    const failed = await Promise.race([connected, late]);
    if (typeof failed === "string") return failed;
    for (let waited = 0; listener.accepted === before && !signal.aborted; waited += 20) {
      if (waited > TAKEN_WITHIN_MS) return "it takes no connections";
      await pause(20, signal);
    }
    return null;
  }
}

/** Resolves after this long, or when the signal aborts; leaves no timer behind. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener("abort", end);
  });
}
