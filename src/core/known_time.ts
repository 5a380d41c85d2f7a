/**
 * Reckons with time of which the index knew how things were: what was unknown for a while was
 * neither right nor wrong meanwhile. Reads no clock.
 *
 * @module
 */

import type { Hold, Outage } from "../model/problem.ts";
import type { ProblemSettings } from "../model/problem_settings.ts";

/**
 * The moment at which `ms` milliseconds of known time have passed since `from`; never within an
 * outage. `outages` are in order and don't overlap.
 */
export function after(outages: readonly Outage[], from: number, ms: number): number {
  let at = from;
  let left = ms;
  for (const outage of outages) {
    if (outage.to <= at) continue;
    if (at < outage.from) {
      const known = outage.from - at;
      if (known > left) break;
      left -= known;
    }
    at = outage.to;
  }
  return at + left;
}

/** What makes a burst of moments. */
export interface BurstOptions {
  /** So many moments … */
  readonly count: number;
  /** … within so many milliseconds begin it. */
  readonly window: number;
  /** So many milliseconds of known time without one end it. */
  readonly quiet: number;
  /** Outages, in order. */
  readonly outages: readonly Outage[];
}

/** Moments that came thick and fast. */
export interface Burst {
  /** The first of the moments that began it. */
  readonly since: number;
  /** The one with which there were enough. */
  readonly openedAt: number;
  /** The last one. */
  readonly lastAt: number;
  /** How many there were from the first to the last. */
  readonly count: number;
  /** When it is over unless another comes. */
  readonly endsAt: number;
}

/** The last burst in moments that are in order, over or not; null when there was none. */
export function lastBurst(moments: readonly number[], options: BurstOptions): Burst | null {
  const { count, window, quiet, outages } = options;
  let burst: Burst | null = null;
  moments.forEach((at, i) => {
    if (burst !== null && at < burst.endsAt) {
      burst = { ...burst, lastAt: at, count: burst.count + 1, endsAt: after(outages, at, quiet) };
      return;
    }
    const first = moments[i - count + 1];
    if (first === undefined || at - first > window) return;
    const endsAt = after(outages, at, quiet);
    burst = { since: first, openedAt: at, lastAt: at, count, endsAt };
  });
  return burst;
}

/** The hold of a workload that a deploy touches at `at`, given the hold that it had. */
export function extendHold(
  hold: Hold | null,
  at: number,
  settings: Pick<ProblemSettings, "deployHold">,
): Hold {
  // Only quiet ends a chain: what is replaced without end must not be held without end.
  const goesOn = hold !== null && at - hold.last <= settings.deployHold;
  return goesOn ? { from: hold.from, last: Math.max(hold.last, at) } : { from: at, last: at };
}

/** Up to but not including when a hold lasts. */
export function holdUntil(
  { from, last }: Hold,
  settings: Pick<ProblemSettings, "deployHold" | "deployHoldMost">,
): number {
  return Math.min(last + settings.deployHold, from + settings.deployHoldMost);
}

/** The earlier of two moments, of which either may never come. */
export function earliest(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}
