/**
 * Keeps one live feed open: reads it with `fetch`, so that a 401, a 503 and the keepalives are seen,
 * comes back with `Last-Event-ID`, and closes it while nobody looks. Must not know what the events say.
 *
 * @module
 */

import type { Readable } from "../readable.ts";
import { signal } from "@preact/signals";
import { EventParser, type SentEvent } from "./sse.ts";

/** How the feed is. */
export type FeedState =
  /** It was never open yet. */
  | { readonly kind: "connecting" }
  /** What is shown is what the daemon knows. */
  | { readonly kind: "live" }
  /** Nothing was heard since then, milliseconds since the Unix epoch. */
  | { readonly kind: "stale"; readonly since: number };

/** What a feed is made of. */
export interface FeedOptions {
  /** Opens the stream; `headers` say where it goes on. */
  readonly open: (
    options: { headers: Record<string, string>; signal: AbortSignal },
  ) => Promise<Response>;
  /** Takes the events in their order; the next one waits for what is returned. */
  readonly onEvent: (event: SentEvent) => void | Promise<void>;
  /** The server wants a login: the feed has stopped. */
  readonly onLost: () => void;
}

/** So long without a byte, and nobody believes any more that the other end lives. */
const SILENCE_MS = 45_000;
/** How often that is looked at; also how a sleep of the machine is noticed. */
const LOOK_MS = 1000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;
/** A daemon that restarts is back within this; shorter gaps are not worth a word. */
const QUIET_GAP_MS = 2500;

/** One feed. */
export class LiveFeed {
  readonly #options: FeedOptions;
  readonly #state = signal<FeedState>({ kind: "connecting" });
  #lastId: string | null = null;
  #heardAt = 0;
  #stopping: AbortController | null = null;
  #connection: AbortController | null = null;
  #wake: (() => void) | null = null;

  /** Closed. */
  constructor(options: FeedOptions) {
    this.#options = options;
  }

  /** How the feed is. */
  get state(): Readable<FeedState> {
    return this.#state;
  }

  /** Opens it and keeps it open; does nothing when it is. */
  start(): void {
    if (this.#stopping !== null) return;
    const stopping = this.#stopping = new AbortController();
    const { signal } = stopping;
    const look = setInterval(() => this.#look(), LOOK_MS);
    const seen = () => this.#seen();
    const now = () => this.#wake?.();
    document.addEventListener("visibilitychange", seen, { signal });
    addEventListener("online", now, { signal });
    addEventListener("pageshow", seen, { signal });
    signal.addEventListener("abort", () => clearInterval(look), { once: true });
    this.#run(signal);
  }

  /** Closes it for good, until it is started again from the beginning. */
  stop(): void {
    this.#stopping?.abort();
    this.#stopping = null;
    this.#connection?.abort();
    this.#lastId = null;
    this.#wake?.();
  }

  async #run(stopping: AbortSignal): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    while (!stopping.aborted) {
      await this.#visible(stopping);
      if (stopping.aborted) return;
      const heard = this.#heardAt;
      const why = await this.#connect(stopping);
      if (why === "login") {
        this.stop();
        this.#options.onLost();
        return;
      }
      if (stopping.aborted) return;
      if (document.hidden) continue;
      retryMs = this.#heardAt !== heard ? FIRST_RETRY_MS : Math.min(retryMs * 2, LAST_RETRY_MS);
      await this.#pause(retryMs * (0.75 + Math.random() / 2));
    }
  }

  /** One connection from its beginning to its end. */
  async #connect(stopping: AbortSignal): Promise<"over" | "login"> {
    const connection = this.#connection = new AbortController();
    // A connection that never answers is as dead as one that falls silent.
    const opening = setTimeout(() => connection.abort(), SILENCE_MS);
    try {
      const response = await this.#options.open({
        headers: { ...(this.#lastId !== null && { "last-event-id": this.#lastId }) },
        signal: AbortSignal.any([connection.signal, stopping]),
      });
      if (response.status === 401) return "login";
      if (!response.ok || response.body === null) {
        await response.body?.cancel();
        return "over";
      }
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new EventParser();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return "over";
        this.#heardAt = Date.now();
        for (const event of parser.push(value)) {
          const taken = this.#options.onEvent(event);
          if (taken !== undefined) await taken;
          if (stopping.aborted) return "over";
          if (event.id !== null) this.#lastId = event.id;
        }
        if (this.#state.peek().kind !== "live") this.#state.value = { kind: "live" };
      }
    } catch {
      return "over";
    } finally {
      clearTimeout(opening);
      connection.abort();
      this.#connection = null;
    }
  }

  /** Looks whether anything was heard lately. */
  #look(): void {
    if (document.hidden) return;
    const silent = Date.now() - this.#heardAt;
    if (this.#connection !== null && this.#heardAt > 0 && silent > SILENCE_MS) {
      this.#connection.abort();
    }
    const limit = this.#connection === null ? QUIET_GAP_MS : SILENCE_MS;
    if (this.#heardAt > 0 && silent > limit) this.#stale();
  }

  #stale(): void {
    if (this.#state.peek().kind === "stale") return;
    this.#state.value = { kind: "stale", since: this.#heardAt };
  }

  #seen(): void {
    if (document.hidden) this.#connection?.abort();
    else {
      // What it showed when it was left may be old by now; it says so until it knows better.
      if (this.#heardAt > 0 && Date.now() - this.#heardAt > SILENCE_MS) this.#stale();
      this.#wake?.();
    }
  }

  /** Resolves when the page is seen. */
  async #visible(stopping: AbortSignal): Promise<void> {
    while (document.hidden && !stopping.aborted) await this.#pause(3_600_000);
  }

  /** Waits so long, or until something says that it is worth a try. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      const wake = this.#wake = done;
      function done() {
        clearTimeout(timer);
        resolve();
      }
      void wake;
    });
  }
}
