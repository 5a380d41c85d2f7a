/**
 * When passes run: at boot, on a tick, when asked, and for the containers that events name. One at
 * a time, whatever asks; level-triggered, so that a request carries no more than "look again".
 *
 * @module
 */

import { Alarm, type Clock } from "../clock.ts";
import type { DockerClient } from "../docker/client.ts";
import { isFailure } from "../failure.ts";
import type { EngineEvent } from "../docker/events.ts";
import { othersTurn } from "../http/body.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { PassReport } from "../model/pass.ts";
import { backoff } from "./backoff.ts";
import { DirtySet } from "./dirty.ts";
import { DriftWatch } from "./drift.ts";
import { EventStream } from "./event_stream.ts";
import { Outcomes } from "./outcomes.ts";
import { type DonePass, MAX_PARTIAL, type Reconciler } from "./reconciler.ts";

/** What a {@link Loop} works with. */
export interface LoopOptions {
  /** Does the passes. */
  reconciler: Reconciler;
  /** The Engine. */
  docker: DockerClient;
  /** Milliseconds between full passes. */
  intervalMs: number;
  /** The time. */
  clock: Clock;
  /** Where it is said. */
  log: Log;
  /** Where it is counted. */
  metrics: Metrics;
  /** Is told what happens, as it happens. */
  watcher?: LoopWatcher;
  /** Follow the Engine's events. Default true. */
  events?: boolean;
  /** Silence of the event stream after which the Engine is pinged, milliseconds. */
  idleMs?: number;
  /** Returns a number from 0 to 1; for tests. */
  random?: () => number;
}

/** Is told what happens, as it happens. Must neither throw nor wait. */
export interface LoopWatcher {
  /** An event came; also one after which a listing looks the same. */
  event(event: EngineEvent): void;
  /** Events stopped flowing: what comes next may have been missed. */
  gap(): void;
  /** Events can't be followed. */
  refused(error: unknown): void;
  /** A pass was good. */
  passed(report: PassReport): void;
  /** A pass failed. */
  failed(error: unknown): void;
}

/** While events are down, full passes follow each other at least this fast. */
const TICK_WITHOUT_EVENTS_MS = 5000;

/** An Engine that can't be reached costs nothing to ask, so that its return is seen soon. */
const RETRY_UNREACHABLE_MS = 2000;

/** After a batch of more than this many the next waits longer: a storm is under way. */
const STORM_SIZE = 20;
const STORM_WAIT_MS = 150;

/** What can't be read may be a container that can't stop crashing: so long between two passes for it. */
const LOST_WAIT_MS = 1000;

/** So many containers' events are kept while passes fail; of more than these nothing is said. */
const MAX_UNUSED = 10_000;

/** Writing so many rows took long enough to let others go first. */
const MANY = 100;

/** Runs passes until it is stopped. */
export class Loop {
  readonly #o: LoopOptions;
  readonly #abort = new AbortController();
  readonly #dirty = new DirtySet();
  readonly #drift = new DriftWatch();
  readonly #stream: EventStream | null;
  readonly #outcomes: Outcomes;
  #running: Promise<void> | null = null;
  readonly #alarm = new Alarm();
  /** An event that is read later than this need not wake anybody. */
  #sleepsUntil = -Infinity;
  #wanted: PromiseWithResolvers<PassReport> | null = null;
  #tickAt = -Infinity;
  #notBefore = -Infinity;
  /** Whether events flowed without a break since the last full pass. */
  #unbroken = false;
  /** Whether some event is not known, so that what the next pass finds is no drift. */
  #untold = false;
  /** Events that a failed pass was for, by container: known until a pass has used them. */
  readonly #unused = new Map<string, EngineEvent>();
  #lostAt = -Infinity;
  #downAt = -Infinity;

  /** Inert until {@link Loop.start}. */
  constructor(options: LoopOptions) {
    this.#o = options;
    this.#outcomes = new Outcomes(options);
    this.#stream = options.events === false ? null : new EventStream({
      ...options,
      onOpen: () => this.request(),
      onEvent: (event) => this.#onEvent(event),
      onLost: () => this.#onLost(),
      onAny: (event) => options.watcher?.event(event),
      onRefused: (error) => options.watcher?.refused(error),
      onDown: () => {
        options.watcher?.gap();
        this.#unbroken = false;
        this.#downAt = this.#now();
        this.#drift.forgive();
        this.#tickAt = Math.min(this.#tickAt, this.#now() + this.#tickMs());
        this.#alarm.ring();
      },
    });
  }

  /** How passes ended so far. */
  get outcomes(): Outcomes {
    return this.#outcomes;
  }

  /** Whether events flow, and how often the stream was opened again. */
  get events(): { up: boolean; reconnects: number } {
    return { up: this.#stream?.up ?? false, reconnects: this.#stream?.reconnects ?? 0 };
  }

  /** Whether events should flow and don't. */
  get eventsDown(): boolean {
    return this.#stream !== null && !this.#stream.up;
  }

  /** Whether the Engine answered a pass last time, and has since its events ended, if they did. */
  get engineUp(): boolean {
    const { lastPass, engineError, answeredAt } = this.#outcomes;
    return lastPass !== null && engineError === null &&
      (!this.eventsDown || answeredAt >= this.#downAt);
  }

  /** Runs the boot pass and everything after it. */
  start(): void {
    this.#running ??= this.#runAll();
  }

  /**
   * Aborts what is under way, an Engine that hangs included, then waits for it; idempotent. Whoever
   * waits for a pass gets an `AbortError`.
   */
  async stop(): Promise<void> {
    this.#abort.abort(new DOMException("The reconciler was stopped", "AbortError"));
    this.#alarm.ring();
    await this.#running;
    this.#wanted?.reject(this.#abort.signal.reason);
    this.#wanted = null;
  }

  /** Asks for a full pass soon. */
  request(): void {
    this.#want();
  }

  /**
   * A full pass that begins after this call; requests during a pass share the next one.
   *
   * @throws what the pass fails with, or `AbortError` when the loop stops.
   */
  reconcileNow(): Promise<PassReport> {
    if (this.#abort.signal.aborted) return Promise.reject(this.#abort.signal.reason);
    return this.#want();
  }

  #want(): Promise<PassReport> {
    if (this.#wanted === null) {
      this.#wanted = Promise.withResolvers();
      // Whoever only asks doesn't wait for the answer; a failing pass is logged by the loop.
      this.#wanted.promise.catch(() => {});
    }
    this.#alarm.ring();
    return this.#wanted.promise;
  }

  #now(): number {
    return this.#o.clock.monotonic();
  }

  async #runAll(): Promise<void> {
    await Promise.all([this.#run(), this.#stream?.run(this.#abort.signal)]);
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      const rung = this.#alarm.set();
      this.#settleDrift();
      const now = this.#now();
      if (this.#wanted !== null) await this.#full("request");
      else if (now >= this.#tickAt) await this.#full("tick");
      else if (now >= this.#notBefore && now >= (this.#dirty.nextDueAt ?? Infinity)) {
        await this.#partial();
      } else {
        const waitMs = this.#untilNext(now);
        this.#sleepsUntil = now + waitMs;
        await this.#o.clock.sleep(waitMs, rung);
      }
    }
  }

  #untilNext(now: number): number {
    const dirtyAt = Math.max(this.#dirty.nextDueAt ?? Infinity, this.#notBefore);
    const next = Math.min(this.#tickAt, dirtyAt, this.#drift.nextDueAt ?? Infinity);
    return Math.max(0, next - now);
  }

  #tickMs(): number {
    const { intervalMs } = this.#o;
    const followed = this.#stream === null || this.#stream.up;
    return followed ? intervalMs : Math.min(intervalMs, TICK_WITHOUT_EVENTS_MS);
  }

  async #full(why: "request" | "tick"): Promise<void> {
    const wanted = this.#wanted;
    this.#wanted = null;
    const sameEngine = this.#unbroken;
    const told = sameEngine && !this.#untold;
    const unbroken = told && why === "tick";
    this.#unbroken = this.#stream?.up ?? false;
    this.#untold = false;
    const since = this.#now();
    const named = this.#withUnused(this.#dirty.takeAll(since));
    const failing = this.#outcomes.failures > 0;
    const result = await this.#attempt(
      (signal) => this.#o.reconciler.fullPass({ signal, sameEngine }),
      wanted,
    );
    if (result === null) return this.#keep(named, { told });
    this.#notBefore = -Infinity;
    this.#tickAt = this.#now() + this.#tickMs();
    // Told during this pass, which may not have seen it.
    if (this.#untold) this.#tickAt = Math.min(this.#tickAt, this.#lostAt);
    this.#caughtUp(named, result);
    // Also during the pass, which may have waited long for the Engine.
    if (unbroken && this.#unbroken) {
      const unnamed = result.changedContainers.filter((id) => !named.has(id));
      this.#drift.suspect(unnamed, { since, now: this.#now() });
    }
    this.#drift.prune(since);
    // Only what has just come back: a stream that ends by itself has its own backoff.
    if (failing && !this.#stream?.up) this.#stream?.hurry();
  }

  async #partial(): Promise<void> {
    if (this.#dirty.size > MAX_PARTIAL) {
      await this.#full("request");
      this.#waitInStorm();
      return;
    }
    const dirty = this.#dirty.takeDue(this.#now());
    const result = await this.#attempt(
      (signal) => this.#o.reconciler.partialPass(dirty, { signal }),
      null,
    );
    if (result === null) return this.#keep(dirty, { told: true });
    if (dirty.size > STORM_SIZE) this.#waitInStorm();
    this.#caughtUp(dirty, result);
  }

  /** The events taken for a pass that failed; the next full one makes good for them. */
  #keep(events: ReadonlyMap<string, EngineEvent>, { told }: { told: boolean }): void {
    // What would have been no drift in the pass that failed is none in the next either.
    if (!told) this.#untold = true;
    for (const [id, event] of events) this.#unused.set(id, event);
    if (this.#unused.size <= MAX_UNUSED) return;
    this.#unused.clear();
    this.#untold = true;
  }

  #withUnused(events: Map<string, EngineEvent>): Map<string, EngineEvent> {
    const all = new Map([...this.#unused, ...events]);
    this.#unused.clear();
    return all;
  }

  #waitInStorm(): void {
    this.#notBefore = Math.max(this.#notBefore, this.#now() + STORM_WAIT_MS);
  }

  /** What these events announced is in the index now, or will be when they are read once more. */
  #caughtUp(events: ReadonlyMap<string, EngineEvent>, { changedContainers }: DonePass): void {
    const { clock, metrics, reconciler } = this.#o;
    const changed = new Set(changedContainers);
    const stateOf = (id: string) => reconciler.shows(id);
    const isStale = (id: string) => !changed.has(id) && stateOf(id) !== null;
    for (const { timeMs } of this.#dirty.verify(events, { now: this.#now(), stateOf, isStale })) {
      if (timeMs !== null) metrics.eventLag.observe(Math.max(0, clock.now() - timeMs) / 1000);
    }
  }

  /** Runs one pass; null when it failed, which has been counted and said then. */
  async #attempt(
    pass: (signal: AbortSignal) => Promise<DonePass>,
    wanted: PromiseWithResolvers<PassReport> | null,
  ): Promise<DonePass | null> {
    const { signal } = this.#abort;
    try {
      const result = await pass(signal);
      if (result.changedContainers.length > MANY) await othersTurn();
      this.#stream?.heard();
      this.#outcomes.good(result);
      this.#o.watcher?.passed(result.report);
      wanted?.resolve(result.report);
      return result;
    } catch (error) {
      wanted?.reject(error);
      if (signal.aborted) this.#outcomes.aborted();
      else {
        this.#outcomes.failed(error);
        this.#o.watcher?.failed(error);
        this.#retry(error);
      }
      return null;
    }
  }

  /** Whatever failed, a full pass makes good; a partial one would have to remember what it was. */
  #retry(error: unknown): void {
    const { intervalMs, random } = this.#o;
    const unreachable = isFailure(
      error,
      "engine-no-socket",
      "engine-refused",
      "engine-connection",
    );
    const maxMs = unreachable
      ? Math.min(RETRY_UNREACHABLE_MS, intervalMs)
      : Math.max(1, this.#tickMs());
    const waitMs = backoff(this.#outcomes.failures, {
      baseMs: Math.min(1000, maxMs),
      maxMs,
      ...(random === undefined ? {} : { random }),
    });
    this.#tickAt = this.#now() + waitMs;
    this.#notBefore = this.#tickAt;
  }

  #onEvent(event: EngineEvent): void {
    const now = this.#now();
    this.#drift.event(event.containerId, now);
    this.#o.reconciler.heed(event);
    const dueAt = Math.max(this.#dirty.mark(event, now), this.#notBefore);
    if (dueAt < this.#sleepsUntil) this.#alarm.ring();
  }

  /** Nobody knows what the event told: a full pass, soon, finds out. */
  #onLost(): void {
    const now = this.#now();
    this.#untold = true;
    this.#lostAt = Math.max(now, this.#lostAt + LOST_WAIT_MS);
    this.#tickAt = Math.min(this.#tickAt, this.#lostAt);
    this.#alarm.ring();
  }

  #settleDrift(): void {
    const now = this.#now();
    const drift = this.#drift.settle(now);
    if (drift === 0) return;
    this.#o.metrics.drift.add(drift);
    this.#o.log.warn("containers changed without an event", { count: drift });
    // A stream that keeps things to itself may be half open; a new one costs one pass.
    this.#stream?.cut();
  }
}
