/**
 * The host's side: tells a hub what the index is, for as long as it runs, whatever the network does
 * to it. One message is under way at a time; what it brought is known by its answer alone. Never
 * throws for the hub's sake and writes nothing that the index would miss.
 *
 * @module
 */

import { type Clock, SYSTEM_CLOCK } from "../clock.ts";
import type { HubTrouble } from "../model/views.ts";
import type { Log } from "../telemetry/log.ts";
import type { ReplicaTable } from "../store/replica.ts";
import {
  DIGEST_MS,
  HEARTBEAT_MS,
  type HelloAnswer,
  PROTOCOL,
  SNAPSHOT_ORDER,
  type Told,
} from "./protocol.ts";
import { Refused, troubleOf } from "./hub_trouble.ts";
import { fitsOne, Telling } from "./tell.ts";
import { isObject } from "./told_fields.ts";
import type { ToldPast } from "./told_past.ts";

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
  /** What kind of thing keeps it from being so; null when nothing does, or before the first. */
  readonly trouble: HubTrouble | null;
  /** Why not, for people; null when it was, or before the first. */
  readonly error: string | null;
  /** When the hub answered well last, milliseconds by the clock; null: not yet. */
  readonly answeredAt: number | null;
  /** Commits that the hub does not have; null: that is not known, or it needs all of the index. */
  readonly behind: number | null;
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
  /** Hears whether the hub tells people what is wrong here, so that this host need not. */
  readonly onTells?: (tells: boolean) => void;
  /** The time; the system's by default. */
  readonly clock?: Clock;
  /** A number from 0 up to 1; for tests. */
  readonly random?: () => number;
}

/** Waits after failures grow from the first to the last, milliseconds. */
const FIRST_WAIT_MS = 1000;
const LAST_WAIT_MS = 30_000;

/** How long an end may take, milliseconds. */
const END_MS = 2000;

/** So many stretches that were watched are told at once. */
const MAX_WATCHED = 1000;

/** A hub that does not answer for so long, milliseconds, tells nobody. */
const MUTE_MS = 600_000;

/** Nobody is made to wait longer by an answer, seconds. */
const MAX_RETRY_AFTER = 60;

/** A link to one hub, for one run of this process. */
export class Dialer {
  readonly #o: Required<DialerOptions>;
  readonly #telling: Telling;
  readonly #run = crypto.randomUUID();
  #attempt = 0;
  #failures = 0;
  #session: number | null = null;
  /** The state that the hub has, as it said last; null: it needs all of it. */
  #acked: number | null = null;
  /** The last transition that the hub has, as it said last; null: it takes rows alone. */
  #happened: number | null = null;
  /** Whether what happened by its account is not what happened by this one's. */
  #anew = false;
  /** The last stretch that was watched which the hub has, as it said last; null: it takes none. */
  #watched: number | null = null;
  #digestAt = -Infinity;
  #answeredAt = 0;
  #wake: () => void = () => {};
  #state: Pick<LinkState, "up" | "trouble" | "error"> = { up: false, trouble: null, error: null };
  #heardAt: number | null = null;

  /** Does nothing before {@link run}. */
  constructor(options: DialerOptions) {
    const { replica, log } = this.#o = {
      clock: SYSTEM_CLOCK,
      random: Math.random,
      onTells: () => {},
      ...options,
    };
    const onRefused = (reason: string) => log.warn("the hub is not told of something", { reason });
    this.#telling = new Telling(replica, { onRefused });
  }

  /** How the link is. */
  get state(): LinkState {
    const [acked, answeredAt] = [this.#acked, this.#heardAt];
    return {
      ...this.#state,
      answeredAt,
      behind: acked === null ? null : Math.max(0, this.#o.replica.position().seq - acked),
      seq: this.#session === null ? null : acked,
    };
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
      await this.#end();
    } finally {
      replica.end();
    }
  }

  /** Says that it ends, so that the next process need not wait; that it was said is not certain. */
  async #end(): Promise<void> {
    if (this.#session === null || !this.#state.up) return;
    const { ask, replica } = this.#o;
    await ask("/api/heartbeat", {
      ...{ session: this.#session, ...replica.position(), ending: true },
      ...{ digest: null, fresh: false, lastPassAt: replica.lastPassAt(), past: this.#past() },
    }, AbortSignal.timeout(END_MS)).catch(() => {});
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
      this.#answeredAt = this.#o.clock.monotonic();
      this.#state = { up: true, trouble: null, error: null };
      return waitMs;
    } catch (error) {
      if (signal.aborted) return 0;
      if (this.#o.clock.monotonic() - this.#answeredAt >= MUTE_MS) this.#o.onTells(false);
      const reason = error instanceof Error ? error.message : String(error);
      if (this.#state.error !== reason) this.#o.log.warn("hub not reached", { error: reason });
      this.#state = { up: false, trouble: troubleOf(error), error: reason };
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
    else if (!await this.#catchUp(signal)) return await this.#heartbeat(signal);
    return 0;
  }

  async #hello(signal: AbortSignal): Promise<void> {
    const { replica, version, machine } = this.#o;
    const answer = await this.#ask("/api/hello", {
      ...{ protocol: PROTOCOL, ...replica.position(), run: this.#run },
      ...{ attempt: ++this.#attempt, version, machine },
      transitionSeq: replica.lastTransition(),
    }, signal) as HelloAnswer;
    if (answer.result === "contested") {
      throw new Refused(
        "another process speaks for this host: its data directory was copied, or restored elsewhere",
        "contested",
      );
    }
    if (answer.result === "waits") {
      throw new Refused(
        "another process spoke for this host just now: the hub waits whether it ends",
        "waits",
        Math.min(answer.seconds, MAX_RETRY_AFTER) * 1000,
      );
    }
    if (answer.result !== "accepted") throw new Error("the hub heard this before");
    this.#session = answer.session;
    this.#happened = answer.transitions ?? null;
    this.#anew = this.#telling.isOtherPast(answer);
    this.#watched = answer.watched ?? null;
    this.#o.onTells(answer.tells === true);
    this.#digestAt = -Infinity;
    // What was changed while this process did not follow is in no batch.
    const { position: { seq } } = replica.take();
    this.#acked = answer.seq === seq ? seq : null;
  }

  async #snapshot(signal: AbortSignal): Promise<void> {
    const { position: { epoch, seq } } = this.#o.replica.take();
    const told = this.#happened === null ? ["rows"] as const : SNAPSHOT_ORDER;
    // All of it is read before anything is sent: it is of one state.
    const kinds = told.map((of) => ({ of, pages: this.#telling.pages(of) }));
    for (const { of, pages } of kinds) {
      const kind = this.#happened === null ? {} : { of };
      let after: string | null = null;
      for (const { items, upTo } of pages) {
        const part = { epoch, to: seq, from: null, ...kind, after, upTo, [of]: items };
        if (!await this.#tell(part, signal)) {
          if (this.#session === null) return;
          throw new Error("the hub did not take all of the index");
        }
        after = upTo;
      }
    }
    this.#acked = seq;
  }

  async #batch(signal: AbortSignal): Promise<void> {
    const { replica } = this.#o;
    const from = this.#acked!;
    const { position: { epoch, seq }, changed } = replica.take();
    if (changed === null) {
      this.#acked = null;
      return;
    }
    let taken = false;
    try {
      const rows = this.#telling.rows(changed.rows) as { id: string }[];
      const there = new Set(rows.map(({ id }) => id));
      const gone = [...changed.rows.difference(there)];
      const besides = this.#happened === null ? null : this.#telling.besides(changed, from);
      const lists = [rows, gone, ...Object.values(besides ?? {}).filter((each) => each !== null)];
      if (!lists.every(fitsOne)) {
        this.#acked = null;
        return;
      }
      const happened = this.#telling.news(this.#happened, { anew: this.#anew });
      const message = { epoch, from, to: seq, rows, gone, ...besides, ...happened };
      taken = await this.#tell(message, signal);
    } finally {
      if (!taken) replica.putBack(changed);
    }
    if (taken) this.#acked = seq;
  }

  /** Tells what happened and was not told with what it changed; false: there is nothing to tell. */
  async #catchUp(signal: AbortSignal): Promise<boolean> {
    const news = this.#telling.news(this.#happened, { anew: this.#anew });
    if (news.transitions === undefined) return false;
    const { epoch, seq } = this.#o.replica.position();
    const before = this.#happened;
    await this.#tell({ epoch, from: seq, to: seq, rows: [], gone: [], ...news }, signal);
    return this.#session === null || this.#acked === null || this.#happened !== before;
  }

  async #heartbeat(signal: AbortSignal): Promise<number> {
    const { replica, clock, random, isFresh } = this.#o;
    const { epoch, seq } = replica.position();
    const now = clock.monotonic();
    const isDue = now - this.#digestAt >= DIGEST_MS;
    const past = this.#past();
    const told = await this.#ask("/api/heartbeat", {
      ...{ session: this.#session, epoch, seq, fresh: isFresh(), past },
      digest: isDue ? this.#telling.digest() : null,
      besideDigest: isDue && this.#happened !== null ? this.#telling.besideDigest() : null,
      lastPassAt: replica.lastPassAt(),
    }, signal) as Told;
    const had = this.#happened;
    // Also where it differs: a hub of another version may keep rows otherwise, and they would be told
    // to it without end.
    if (isDue) this.#digestAt = now;
    if (!this.#heed(told)) return 0;
    if (told.result === "ok") this.#o.onTells(told.tells === true);
    // The hub lost what it had said that it had: a standby took over without its last commits.
    if (told.result === "ok" && told.seq !== seq) {
      this.#acked = null;
      return 0;
    }
    if (this.#happened !== had) return 0;
    if (told.result === "ok") this.#watched = told.watched ?? null;
    // It has all of these, and there may be more.
    if (past?.watched.length === MAX_WATCHED && this.#watched === past.watched.at(-1)!.seq) {
      return 0;
    }
    return HEARTBEAT_MS * (0.8 + 0.4 * random());
  }

  /** How far what was is known here; null: the hub does not take it. */
  #past(): ToldPast | null {
    const after = this.#watched;
    return after === null ? null : this.#o.replica.past(after, MAX_WATCHED);
  }

  /** Whether the hub has it; if not, what it needs is done next. */
  async #tell(
    message: Record<string, unknown> & { readonly epoch: string },
    signal: AbortSignal,
  ): Promise<boolean> {
    const told = await this.#ask("/api/ingest", { session: this.#session, ...message }, signal);
    if (message.transitionsAnew === true) this.#anew = false;
    return this.#heed(told as Told);
  }

  #heed(told: Told): boolean {
    if (told.result === "superseded") this.#session = null;
    else if (told.result === "snapshot") this.#acked = null;
    if (told.result !== "superseded" && this.#happened !== null) {
      this.#happened = told.transitions ?? this.#happened;
    }
    return told.result === "ok";
  }

  async #ask(
    path: Parameters<AskHub>[0],
    message: unknown,
    signal: AbortSignal,
  ): Promise<HelloAnswer | Told> {
    const { status, body, retryAfter } = await this.#o.ask(path, message, signal);
    if ((status === 200 || status === 409) && isObject(body) && typeof body.result === "string") {
      this.#heardAt = this.#o.clock.now();
      return body as unknown as HelloAnswer | Told;
    }
    const detail = isObject(body) && typeof body.detail === "string" ? body.detail : "";
    const retryAfterMs = Math.min(retryAfter ?? 0, MAX_RETRY_AFTER) * 1000;
    if (status === 401) {
      throw new Refused("the hub does not know this host", "not-known", retryAfterMs);
    }
    throw new Refused(`the hub answered ${status} ${detail}`, "answer", retryAfterMs);
  }
}
