/**
 * Keeps what inspects tell of rows' containers: asks about the containers that something happened to,
 * and once about all of them after a start. While nothing happens it asks nothing.
 *
 * @module
 */

import { Alarm, type Clock } from "../clock.ts";
import type { EngineEvent } from "../docker/events.ts";
import { MISSING } from "../model/container.ts";
import type { WrittenRow } from "../model/written.ts";
import type { InspectedContainer } from "../store/details.ts";
import type { Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import type { Inspections } from "./inspections.ts";

/** What a {@link DetailWatch} works with. */
export interface DetailWatchOptions {
  /** Where details are kept. */
  readonly store: Pick<Store, "containers" | "details">;
  /** Asks the Engine, no faster than it bears. */
  readonly inspections: Inspections;
  /** The time. */
  readonly clock: Clock;
  /** Where it is said that they can't be kept. */
  readonly log: Log;
}

/** After these an inspect tells something else than before, whatever a listing shows. */
const TELLING: ReadonlySet<string> = new Set([
  "start",
  "restart",
  "die",
  "oom",
  "update",
  "health_status",
]);

/** What happens within this time is asked about once. */
const SETTLE_MS = 500;

/** A container that can't stop crashing is asked about no more often than this. */
const AGAIN_MS = 10_000;

/** So many are asked about each second at most: {@link Inspections} does as many. */
const A_SECOND = 20;
const ROUND_MS = 1000;

/** Keeps the details of an index's rows. */
export class DetailWatch {
  readonly #o: DetailWatchOptions;
  /** Containers to ask about → not before, by the monotonic clock. */
  readonly #wanted = new Map<string, number>();
  /** Containers that were asked about a moment ago → when. */
  readonly #askedAt = new Map<string, number>();
  #told: InspectedContainer[] = [];
  readonly #alarm = new Alarm();
  /** By the monotonic clock; what is asked about later need not wake it. */
  #sleepsUntil = -Infinity;
  #everyone = true;

  /** Asks nothing before {@link DetailWatch.run}. */
  constructor(options: DetailWatchOptions) {
    this.#o = options;
  }

  /** Something happened to a container. */
  event({ action, containerId }: EngineEvent): void {
    if (TELLING.has(action)) this.#want(containerId, SETTLE_MS);
  }

  /** Rows were written. */
  written(rows: readonly WrittenRow[]): void {
    for (const { id, seq } of rows) {
      // Without a transition it is the same container in the same state.
      const row = seq === null ? undefined : this.#index().row(id);
      if (row === undefined || row.containerId === null || row.state === MISSING) continue;
      this.#want(row.containerId, SETTLE_MS);
    }
  }

  /** A full pass was good: after a start or a restart of the Engine everybody is asked about. */
  passed(): void {
    if (!this.#everyone) return;
    this.#everyone = false;
    for (const { containerId, state } of this.#index().rows()) {
      if (containerId !== null && state !== MISSING) this.#want(containerId, 0);
    }
  }

  /** Nobody knows what happened to whom: with the next full pass all are asked about again. */
  forgetAll(): void {
    this.#everyone = true;
  }

  /** Asks, and keeps the answers, until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, inspections } = this.#o;
    while (!signal.aborted) {
      const rung = this.#alarm.set();
      const now = clock.monotonic();
      for (const containerId of this.#takeDue(now)) {
        inspections.ask(containerId, (details) => {
          if (details !== null) this.#told.push({ containerId, details });
          this.#alarm.ring();
        }, signal);
      }
      this.#keep();
      // Woken by what comes, but no more than once in a round.
      const waitMs = this.#untilNext(now);
      this.#sleepsUntil = now + waitMs;
      await clock.sleep(waitMs, AbortSignal.any([signal, rung]));
      if (this.#told.length > 0 && !signal.aborted) await clock.sleep(SETTLE_MS, signal);
    }
    this.#keep();
  }

  #want(containerId: string, settleMs: number): void {
    const now = this.#o.clock.monotonic();
    const asked = this.#askedAt.get(containerId);
    const at = Math.max(now + settleMs, asked === undefined ? 0 : asked + AGAIN_MS);
    const before = this.#wanted.get(containerId);
    if (before !== undefined && before <= at) return;
    this.#wanted.set(containerId, at);
    if (at < this.#sleepsUntil) this.#alarm.ring();
  }

  #takeDue(now: number): string[] {
    const due: string[] = [];
    for (const [containerId, at] of this.#askedAt) {
      if (now - at >= AGAIN_MS) this.#askedAt.delete(containerId);
    }
    if (this.#wanted.size === 0) return due;
    const waiting = this.#o.inspections.waiting;
    const index = this.#o.store.containers.index();
    for (const [containerId, at] of this.#wanted) {
      if (due.length + waiting >= A_SECOND) break;
      if (at > now) continue;
      this.#wanted.delete(containerId);
      // Nobody wants to know of what has no row.
      if (index.boundTo(containerId).length === 0) continue;
      this.#askedAt.set(containerId, now);
      due.push(containerId);
    }
    return due;
  }

  #untilNext(now: number): number {
    let next = Infinity;
    for (const at of this.#wanted.values()) if (at < next) next = at;
    if (next === Infinity) return LONGEST_WAIT_MS;
    return next > now ? next - now : ROUND_MS;
  }

  #keep(): void {
    if (this.#told.length === 0) return;
    const told = this.#told;
    this.#told = [];
    try {
      this.#o.store.details.record(told);
    } catch (error) {
      // They are asked for again when something happens; nothing is decided by them.
      this.#o.log.debug("details not written", { error });
    }
  }

  #index() {
    return this.#o.store.containers.index();
  }
}

/** A timer can't be set for weeks. */
const LONGEST_WAIT_MS = 3_600_000;
