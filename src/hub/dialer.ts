/**
 * The host's side: tells a hub what the index is, for as long as it runs, whatever the network does
 * to it. One message is under way at a time; what it brought is known by its answer alone. Never
 * throws for the hub's sake and writes nothing that the index would miss.
 *
 * @module
 */

import { type Clock, SYSTEM_CLOCK } from "../clock.ts";
import type { Log } from "../telemetry/log.ts";
import type { ReplicaTable } from "../store/replica.ts";
import { DIGEST_MS, HEARTBEAT_MS, type HelloAnswer, MAX_ROWS, PROTOCOL } from "./protocol.ts";
import type { Told } from "./protocol.ts";
import { digestOf, hubRow, isObject } from "./row.ts";

/** What the hub answered. */
export interface HubAnswer {
  /** HTTP status. */
  readonly status: number;
  /** The body's JSON; null where it is none. */
  readonly body: unknown;
  /** Seconds after which it wants to be asked again; null: it did not say. */
  readonly retryAfter: number | null;
}

/** Sends one message; rejects when there is no answer. */
export type AskHub = (
  path: "/api/hello" | "/api/ingest" | "/api/heartbeat",
  body: unknown,
  signal: AbortSignal,
) => Promise<HubAnswer>;

/** How the link to the hub is. */
export interface LinkState {
  /** Whether the last message was answered well. */
  readonly up: boolean;
  /** Why not, for people; null when it was, or before the first. */
  readonly error: string | null;
  /** The state that the hub has; null when that is not known. */
  readonly seq: number | null;
}

/** What a {@link Dialer} works with. */
export interface DialerOptions {
  /** The index. */
  readonly replica: ReplicaTable;
  /** The way to the hub. */
  readonly ask: AskHub;
  /** Where it is said how the link is. */
  readonly log: Log;
  /** The program's version. */
  readonly version: string;
  /** What this machine is called; may be empty. */
  readonly machine: string;
  /** Whether the index is what runs now. */
  readonly isFresh: () => boolean;
  /** The time; the system's by default. */
  readonly clock?: Clock;
  /** A number from 0 up to 1; for tests. */
  readonly random?: () => number;
}

/** Waits after failures grow from the first to the last, milliseconds. */
const FIRST_WAIT_MS = 1000;
const LAST_WAIT_MS = 30_000;

/** Nobody is made to wait longer by an answer, seconds. */
const MAX_RETRY_AFTER = 60;

/** A link to one hub, for one run of this process. */
export class Dialer {
  readonly #o: Required<DialerOptions>;
  readonly #run = crypto.randomUUID();
  #attempt = 0;
  #failures = 0;
  #session: number | null = null;
  /** The state that the hub has, as it said last; null: it needs all rows. */
  #acked: number | null = null;
  #digestAt = -Infinity;
  #wake: () => void = () => {};
  #state: LinkState = { up: false, error: null, seq: null };

  /** Does nothing before {@link run}. */
  constructor(options: DialerOptions) {
    this.#o = { clock: SYSTEM_CLOCK, random: Math.random, ...options };
  }

  /** How the link is. */
  get state(): LinkState {
    return { ...this.#state, seq: this.#session === null ? null : this.#acked };
  }

  /** Tells the hub until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { replica, clock } = this.#o;
    replica.begin(() => this.#wake());
    try {
      while (!signal.aborted) {
        const waitMs = await this.step(signal);
        if (waitMs <= 0 || signal.aborted) continue;
        const turn = new AbortController();
        // While nothing gets through, what changes must not make it try more often.
        if (this.#failures === 0) this.#wake = () => turn.abort();
        const end = () => turn.abort();
        signal.addEventListener("abort", end, { once: true });
        if (this.#failures > 0 || !replica.hasChanged) await clock.sleep(waitMs, turn.signal);
        signal.removeEventListener("abort", end);
        this.#wake = () => {};
      }
    } finally {
      replica.end();
    }
  }

  /**
   * Sends the next message and takes in its answer; for {@link run}, and for tests in its place. How
   * long to wait before the next unless something changes, milliseconds.
   */
  async step(signal: AbortSignal): Promise<number> {
    try {
      const waitMs = await this.#speak(signal);
      if (!this.#state.up) this.#o.log.info("hub reached", { seq: this.#acked });
      this.#failures = 0;
      this.#state = { up: true, error: null, seq: null };
      return waitMs;
    } catch (error) {
      if (signal.aborted) return 0;
      const reason = error instanceof Error ? error.message : String(error);
      if (this.#state.error !== reason) this.#o.log.warn("hub not reached", { error: reason });
      this.#state = { up: false, error: reason, seq: null };
      const most = Math.min(FIRST_WAIT_MS * 2 ** this.#failures++, LAST_WAIT_MS);
      const asked = error instanceof Refused ? error.retryAfterMs : 0;
      // All hosts of a hub that was away must not come back at once.
      return Math.max(asked, most / 2) + this.#o.random() * most / 2;
    }
  }

  async #speak(signal: AbortSignal): Promise<number> {
    if (this.#session === null) {
      await this.#hello(signal);
      return 0;
    }
    const { replica } = this.#o;
    const { seq } = replica.position();
    if (this.#acked === null) await this.#snapshot(signal);
    else if (replica.hasChanged || seq !== this.#acked) await this.#batch(signal);
    else return await this.#heartbeat(signal);
    return 0;
  }

  async #hello(signal: AbortSignal): Promise<void> {
    const { replica, version, machine } = this.#o;
    const answer = await this.#ask("/api/hello", {
      ...{ protocol: PROTOCOL, ...replica.position(), run: this.#run },
      ...{ attempt: ++this.#attempt, version, machine },
    }, signal) as HelloAnswer;
    if (answer.result === "contested") {
      throw new Error(
        "another process speaks for this host: its data directory was copied, or restored elsewhere",
      );
    }
    if (answer.result !== "accepted") throw new Error("the hub heard this before");
    this.#session = answer.session;
    this.#digestAt = -Infinity;
    // What was changed while this process did not follow is in no batch.
    const { position: { seq } } = replica.take();
    this.#acked = answer.seq === seq ? seq : null;
  }

  async #snapshot(signal: AbortSignal): Promise<void> {
    const { replica } = this.#o;
    const { position: { epoch, seq } } = replica.take();
    const rows = replica.rows("all");
    let after: string | null = null;
    for (let at = 0;; at += MAX_ROWS) {
      const part = rows.slice(at, at + MAX_ROWS);
      const last = at + MAX_ROWS >= rows.length;
      const upTo: string | null = last ? null : (part.at(-1) as { id: string }).id;
      if (!await this.#tell({ epoch, to: seq, from: null, after, upTo, rows: part }, signal)) {
        if (this.#session === null) return;
        throw new Error("the hub did not take all rows");
      }
      if (last) break;
      after = upTo;
    }
    this.#acked = seq;
  }

  async #batch(signal: AbortSignal): Promise<void> {
    const { replica } = this.#o;
    const from = this.#acked!;
    const { position: { epoch, seq }, ids } = replica.take();
    if (ids === "all" || ids.size > MAX_ROWS) {
      this.#acked = null;
      return;
    }
    let taken = false;
    try {
      const rows = replica.rows(ids) as { id: string }[];
      const there = new Set(rows.map(({ id }) => id));
      const gone = [...ids.difference(there)];
      taken = await this.#tell({ epoch, from, to: seq, rows, gone }, signal);
    } finally {
      if (!taken) replica.putBack(ids);
    }
    if (taken) this.#acked = seq;
  }

  async #heartbeat(signal: AbortSignal): Promise<number> {
    const { replica, clock, random, isFresh } = this.#o;
    const { epoch, seq } = replica.position();
    const now = clock.monotonic();
    const digest = now - this.#digestAt < DIGEST_MS ? null : digestOf(
      replica.rows("all").map((row) => hubRow(row).hash),
    );
    const told = await this.#ask("/api/heartbeat", {
      ...{ session: this.#session, epoch, seq, digest, fresh: isFresh() },
      lastPassAt: replica.lastPassAt(),
    }, signal) as Told;
    if (!this.#heed(told)) return 0;
    if (digest !== null) this.#digestAt = now;
    // The hub lost what it had said that it had: a standby took over without its last commits.
    if (told.result === "ok" && told.seq !== seq) {
      this.#acked = null;
      return 0;
    }
    return HEARTBEAT_MS * (0.8 + 0.4 * random());
  }

  /** Whether the hub has it; if not, what it needs is done next. */
  async #tell(message: object, signal: AbortSignal): Promise<boolean> {
    const told = await this.#ask("/api/ingest", { session: this.#session, ...message }, signal);
    return this.#heed(told as Told);
  }

  #heed(told: Told): boolean {
    if (told.result === "superseded") this.#session = null;
    else if (told.result === "snapshot") this.#acked = null;
    return told.result === "ok";
  }

  async #ask(
    path: Parameters<AskHub>[0],
    message: unknown,
    signal: AbortSignal,
  ): Promise<HelloAnswer | Told> {
    const { status, body, retryAfter } = await this.#o.ask(path, message, signal);
    if ((status === 200 || status === 409) && isObject(body) && typeof body.result === "string") {
      return body as unknown as HelloAnswer | Told;
    }
    const detail = isObject(body) && typeof body.detail === "string" ? body.detail : "";
    throw new Refused(
      status === 401 ? "the hub does not know this host" : `the hub answered ${status} ${detail}`,
      Math.min(retryAfter ?? 0, MAX_RETRY_AFTER) * 1000,
    );
  }
}

class Refused extends Error {
  constructor(message: string, readonly retryAfterMs: number) {
    super(message.trim());
  }
}
