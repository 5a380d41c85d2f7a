/**
 * Tells the store when it is not known any more what runs: a pass failed, or the daemon ends. That it
 * is known again the next good pass tells by itself.
 *
 * @module
 */

import { type Clock, timestamp } from "../clock.ts";
import type { PassReport } from "../model/pass.ts";
import type { WatchedTable } from "../store/watched.ts";

/** What a {@link Sight} works with. */
export interface SightOptions {
  /** Where it is kept. */
  readonly watched: Pick<WatchedTable, "lost">;
  /** The time. */
  readonly clock: Clock;
}

/** Is told how passes go. */
export class Sight {
  readonly #o: SightOptions;
  #seen = false;
  /** When events stopped flowing, RFC 3339 UTC; null when none were missed since the last pass. */
  #gapAt: string | null = null;

  /** Nothing is seen yet. */
  constructor(options: SightOptions) {
    this.#o = options;
  }

  /** A container did something. */
  event(): void {}

  /** Events stopped flowing: whether that matters the next pass says. */
  gap(): void {
    this.#gapAt ??= timestamp(this.#o.clock);
  }

  /** Events can't be followed. */
  refused(): void {
    this.gap();
  }

  /** A pass was good. */
  passed({ scope }: PassReport): void {
    if (scope === "partial") return;
    this.#seen = true;
    this.#gapAt = null;
  }

  /** A pass failed. */
  failed(): void {
    this.stop();
  }

  /** Nobody looks any more. */
  stop(): void {
    if (!this.#seen) return;
    this.#seen = false;
    this.#o.watched.lost(this.#gapAt ?? timestamp(this.#o.clock));
  }
}
