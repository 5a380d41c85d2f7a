/**
 * Keeps one event stream to the Engine open: opens, watches for silence, opens again. Hands events
 * on as they come; does not know what a pass is.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { DockerClient } from "../docker/client.ts";
import { isForbidden } from "../docker/error.ts";
import { affectsListing, type EngineEvent } from "../docker/events.ts";
import type { Log } from "../telemetry/log.ts";
import { EVENT_ACTIONS, type Metrics } from "../telemetry/metrics.ts";
import { backoff } from "./backoff.ts";

/** What an {@link EventStream} works with. */
export interface EventStreamOptions {
  /** The Engine. */
  docker: DockerClient;
  /** The time. */
  clock: Clock;
  /** Where it is said. */
  log: Log;
  /** Where it is counted. */
  metrics: Metrics;
  /** Called when events flow, before the first of them. */
  onOpen: () => void;
  /** Called for each event after which a listing can look different. */
  onEvent: (event: EngineEvent) => void;
  /** Called when an event came that can't be read, whatever it told. */
  onLost: () => void;
  /** Called for each event, also those after which a listing looks the same. */
  onAny?: (event: EngineEvent) => void;
  /** Called when the stream could not be opened, with why. */
  onRefused?: (error: unknown) => void;
  /** Called when events stop flowing. */
  onDown: () => void;
  /**
   * Silence of events and answers after which the Engine is pinged, milliseconds. Default one
   * minute.
   */
  idleMs?: number;
  /** Returns a number from 0 to 1; for tests. */
  random?: () => number;
}

const RECONNECT = { baseMs: 1000, maxMs: 30_000 };
const PING_TIMEOUT_MS = 5000;

/** A stream that lived this long was a good one, so that the next wait is the shortest again. */
const GOOD_STREAM_MS = 500;

/** The Engine's events, for as long as {@link EventStream.run} is not aborted. */
export class EventStream {
  readonly #o: EventStreamOptions;
  #up = false;
  #openings = 0;
  #attempt = 0;
  #heardAt = -Infinity;
  #lastError = "";
  #cut: AbortController | null = null;
  #hurry: AbortController | null = null;

  /** Inert until {@link EventStream.run}. */
  constructor(options: EventStreamOptions) {
    this.#o = options;
  }

  /** Whether events flow. */
  get up(): boolean {
    return this.#up;
  }

  /** How often the stream was opened again. */
  get reconnects(): number {
    return Math.max(0, this.#openings - 1);
  }

  /** Follows the Engine until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#o;
    while (!signal.aborted) {
      const openedAt = await this.#follow(signal);
      if (signal.aborted) break;
      const lived = openedAt === null ? 0 : clock.monotonic() - openedAt;
      this.#attempt = lived >= GOOD_STREAM_MS ? 1 : this.#attempt + 1;
      this.#hurry = new AbortController();
      await clock.sleep(
        backoff(this.#attempt, { ...RECONNECT, ...this.#randomness() }),
        AbortSignal.any([signal, this.#hurry.signal]),
      );
      this.#hurry = null;
    }
  }

  /** The Engine answers: don't wait any longer to open the stream. */
  hurry(): void {
    this.#attempt = 0;
    this.#hurry?.abort();
  }

  /** The Engine has just answered something else: no ping is needed to see that it does. */
  heard(): void {
    this.#heardAt = this.#o.clock.monotonic();
  }

  /** Gives up a stream that can't be trusted; it is opened again. */
  cut(): void {
    this.#cut?.abort();
  }

  /** Follows one stream to its end; returns when it was opened, null when it was not. */
  async #follow(signal: AbortSignal): Promise<number | null> {
    const { docker, clock, log, metrics } = this.#o;
    const cut = this.#cut = new AbortController();
    const stop = AbortSignal.any([signal, cut.signal]);
    let openedAt: number | null = null;
    const activity = { at: clock.monotonic() };
    let watchdog: Promise<void> = Promise.resolve();
    try {
      const events = docker.events({
        signal: stop,
        onOpen: () => {
          openedAt = activity.at = clock.monotonic();
          watchdog = this.#watch(activity, { stop, cut });
          this.#setUp();
        },
        onGarbage: (why) => log.debug("event not understood", { why }),
        onSkipped: () => {
          activity.at = clock.monotonic();
          log.debug("event too long to be read");
          this.#o.onLost();
        },
      });
      for await (const event of events) {
        activity.at = clock.monotonic();
        metrics.events.inc({
          action: EVENT_ACTIONS.includes(event.action) ? event.action : "other",
        });
        this.#o.onAny?.(event);
        if (affectsListing(event.action)) this.#o.onEvent(event);
      }
    } catch (error) {
      if (!stop.aborted) {
        this.#say(error);
        if (openedAt === null) this.#o.onRefused?.(error);
      }
    } finally {
      cut.abort();
      await watchdog;
      this.#cut = null;
      this.#setDown(signal);
    }
    return openedAt;
  }

  /** Silence is normal on a quiet host; only silence of an Engine that doesn't answer is an end. */
  async #watch(
    activity: { at: number },
    options: { stop: AbortSignal; cut: AbortController },
  ): Promise<void> {
    const { docker, clock, log, idleMs = 60_000 } = this.#o;
    const { stop, cut } = options;
    while (!stop.aborted) {
      const silentMs = clock.monotonic() - Math.max(activity.at, this.#heardAt);
      if (silentMs < idleMs) {
        await clock.sleep(idleMs - silentMs, stop);
        continue;
      }
      try {
        await docker.ping({ signal: stop, timeoutMs: PING_TIMEOUT_MS });
        activity.at = clock.monotonic();
      } catch (error) {
        if (stop.aborted) return;
        if (isForbidden(error)) {
          // What stands before the Engine answers, and lets no ping through.
          activity.at = clock.monotonic();
          continue;
        }
        log.warn("events are silent and the engine does not answer", { error });
        cut.abort();
      }
    }
  }

  #setUp(): void {
    const { log, metrics } = this.#o;
    this.#openings++;
    if (this.#lastError !== "") log.info("events flow again");
    else log.debug("events flow");
    if (this.#openings > 1) metrics.eventStreamReconnects.inc();
    this.#up = true;
    this.#lastError = "";
    metrics.eventStreamUp.set(1);
    this.#o.onOpen();
  }

  #setDown(signal: AbortSignal): void {
    const wasUp = this.#up;
    this.#up = false;
    this.#o.metrics.eventStreamUp.set(0);
    if (wasUp && !signal.aborted) this.#o.onDown();
  }

  #say(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    if (text === this.#lastError) return;
    this.#lastError = text;
    this.#o.log.warn("events do not flow", { error });
  }

  #randomness(): { random?: () => number } {
    return this.#o.random === undefined ? {} : { random: this.#o.random };
  }
}
