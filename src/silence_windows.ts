/**
 * Silences as the judge needs them: what was asked for → when it is silent, the occurrences of
 * recurring ones among them. Reads no clock.
 *
 * @module
 */

import type { Silence } from "./model/problem.ts";
import type { KeptSilence } from "./model/silence.ts";
import { type Occurrence, occurrencesOf } from "./recurrence.ts";

/** Finds the times of silences. */
export class SilenceWindows {
  readonly #recurring = new Map<string, (now: number) => readonly Occurrence[]>();
  #kept: readonly KeptSilence[] = [];
  #windows: readonly Silence[] = [];
  #validUntil = -Infinity;

  /** Takes what is asked for now. One that can't be understood any more is left out. */
  async load(kept: readonly KeptSilence[]): Promise<void> {
    this.#recurring.clear();
    for (const { id, cron, timeZone, lastsMs } of kept) {
      if (cron === null) continue;
      try {
        const recurrence = { cron, timeZone: timeZone ?? "UTC" };
        this.#recurring.set(id, await occurrencesOf(recurrence, lastsMs));
      } catch {
        // The zone was dropped from this host's database: better told than silent.
      }
    }
    this.#kept = kept;
    this.#validUntil = -Infinity;
  }

  /** Those that are not over; the same object for as long as they are the same. */
  at(now: number): readonly Silence[] {
    if (now < this.#validUntil) return this.#windows;
    this.#windows = this.on(now);
    this.#validUntil = Math.min(Infinity, ...this.#windows.map(({ until }) => until));
    return this.#windows;
  }

  /** Those that were not over at any moment, also one before those that were asked for. */
  on(at: number): readonly Silence[] {
    return this.#kept.flatMap((kept): Silence[] => {
      const { id, scope, targetId, kinds, startsAt, endsAt, cron } = kept;
      const times = cron === null
        ? [{ from: startsAt, until: endsAt ?? Infinity }]
        : this.#recurring.get(id)?.(at) ?? [];
      return times.map((time) => ({
        scope,
        id: targetId,
        kinds,
        from: Math.max(time.from, startsAt),
        until: Math.min(time.until, endsAt ?? Infinity),
      })).filter(({ from, until }) => from < until && until > at);
    });
  }
}
