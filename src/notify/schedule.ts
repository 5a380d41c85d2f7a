/**
 * When to send: retries, what a channel may be sent, what is waited for to be told together,
 * reminders, the fallback. Pure: times come in and go out as milliseconds since the Unix epoch.
 *
 * @module
 */

import type { Rate } from "./channel.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Waits after the first, second, … failure, milliseconds; the last one from then on. */
const RETRY_WAITS: readonly number[] = [
  5 * SECOND,
  30 * SECOND,
  2 * MINUTE,
  10 * MINUTE,
  30 * MINUTE,
  HOUR,
];

/** What could not be delivered for so long is given up, milliseconds. */
export const GIVE_UP_MS = 72 * HOUR;

/** A wait is at most this part longer, so that what failed together does not come together. */
export const JITTER = 0.2;

/** The longest that a receiver may keep itself from being asked, milliseconds. */
export const MAX_RETRY_AFTER_MS = 24 * HOUR;

/**
 * When to try again, or null when it is given up. `attempts` have failed, at least one; `random`
 * is from 0 to 1.
 */
export function nextAttempt(delivery: {
  readonly queuedAt: number;
  readonly attempts: number;
  readonly now: number;
  readonly retryAfterMs: number | null;
  readonly random: number;
}): number | null {
  const { queuedAt, attempts, now, random } = delivery;
  const wait = RETRY_WAITS[Math.min(attempts, RETRY_WAITS.length) - 1] ?? RETRY_WAITS[0]!;
  const asked = Math.min(delivery.retryAfterMs ?? 0, MAX_RETRY_AFTER_MS);
  const at = now + Math.round(Math.max(wait, asked) * (1 + JITTER * random));
  const end = queuedAt + GIVE_UP_MS;
  if (now >= end) return null;
  // The last attempt is at the end, not up to an hour before it.
  return Math.min(at, Math.max(end, now + asked));
}

/** What a channel may still be sent. */
export interface Bucket {
  /** Messages, with fractions. */
  readonly tokens: number;
  /** When there were so many. */
  readonly at: number;
}

/** A bucket that is full. */
export function fullBucket(rate: Rate, options: { readonly now: number }): Bucket {
  return { tokens: rate.burst, at: options.now };
}

/**
 * Takes one message out. Where there is none the bucket is the same as before, and `waitMs` how
 * long to wait until there is.
 */
export function takeToken(
  bucket: Bucket,
  rate: Rate,
  options: { readonly now: number },
): { readonly bucket: Bucket; readonly waitMs: number } {
  const perMs = rate.perMinute / MINUTE;
  // A clock that was set back neither fills nor empties it.
  const passed = Math.max(0, options.now - bucket.at);
  const tokens = Math.min(rate.burst, bucket.tokens + passed * perMs);
  if (tokens < 1) return { bucket, waitMs: Math.ceil((1 - tokens) / perMs) };
  return { bucket: { tokens: tokens - 1, at: options.now }, waitMs: 0 };
}

/** So many openings within {@linkcode BURST_WINDOW_MS} are told one by one. */
export const BURST_LIMIT = 5;

/** See {@linkcode BURST_LIMIT}, milliseconds; also the longest that a list is waited for. */
export const BURST_WINDOW_MS = 30 * SECOND;

/** What one cause opens, opens within this, milliseconds: every opening waits so long. */
export const GATHER_MS = 100;

/** A list is told when nothing was added to it for this long, milliseconds. */
export const QUIET_MS = 5 * SECOND;

/** Openings that nobody was told of yet, and those that somebody was told of just before. */
export interface Gathering {
  /** How many wait to be told. */
  readonly held: number;
  /** When the first of them came; any time when there is none. */
  readonly since: number;
  /** When the last of them came; any time when there is none. */
  readonly last: number;
  /** When openings were told, ascending. */
  readonly told: readonly number[];
}

/** Nothing waits and nothing was told. */
export const NOTHING_GATHERED: Gathering = { held: 0, since: 0, last: 0, told: [] };

/** So many openings came. */
export function gather(
  gathering: Gathering,
  came: { readonly count: number; readonly now: number },
): Gathering {
  if (came.count === 0) return gathering;
  return {
    held: gathering.held + came.count,
    since: gathering.held === 0 ? came.now : gathering.since,
    last: came.now,
    told: toldLately(gathering, came.now),
  };
}

/** When to tell what waits; null when nothing does. */
export function gatheredAt(gathering: Gathering): number | null {
  const { held, since, last } = gathering;
  if (held === 0) return null;
  return isBurst(gathering, last)
    ? Math.max(since + GATHER_MS, Math.min(since + BURST_WINDOW_MS, last + QUIET_MS))
    : since + GATHER_MS;
}

/** Tells what waits: each by itself, or as one list; nothing waits after that. */
export function tellGathered(
  gathering: Gathering,
  options: { readonly now: number },
): { readonly as: "each" | "list"; readonly gathering: Gathering } {
  const { now } = options;
  const as = gathering.held > 1 && isBurst(gathering, gathering.last) ? "list" : "each";
  // More than the limit says nothing more, however many there were.
  const counted = Math.min(gathering.held, BURST_LIMIT + 1);
  const told = [...toldLately(gathering, now), ...Array<number>(counted).fill(now)];
  return { as, gathering: { held: 0, since: now, last: now, told } };
}

/** What the first judgement finds is waited for so long after the first of it, milliseconds. */
const BASELINE_MS = 2 * MINUTE;

/**
 * When to tell what the first judgement found, as one list: when all of it is open that will be soon.
 * `openedAt` of what is open, at least one; `dueAt` of what may still open.
 */
export function baselineAt(
  openedAt: readonly number[],
  options: { readonly dueAt: readonly number[]; readonly now: number },
): number {
  // Not Math.min(...): there may be more of them than a call can take.
  const last = openedAt.reduce((least, at) => Math.min(least, at), Infinity) + BASELINE_MS;
  // Whoever opens it may be late.
  const soon = options.dueAt.filter((at) => at <= last).map((at) => at + QUIET_MS);
  return soon.reduce((most, at) => Math.max(most, at), options.now);
}

function isBurst(gathering: Gathering, now: number): boolean {
  return gathering.held + toldLately(gathering, now).length > BURST_LIMIT;
}

function toldLately({ told }: Gathering, now: number): number[] {
  return told.filter((at) => at > now - BURST_WINDOW_MS && at <= now);
}

/** What became of the delivery by which a channel was to be told of an opening. */
export type OpeningDelivery = "queued" | "sending" | "delivered" | "dead" | "superseded";

/**
 * How a channel is told that a problem is over: by a message of its own; by one that says both, in
 * place of the opening's; not at all, because it was told nothing; or later, when it is known
 * whether the opening arrives.
 */
export function recoveryFor(
  opening: OpeningDelivery | null,
): "recovered" | "combined" | "nothing" | "later" {
  switch (opening) {
    case "delivered":
      return "recovered";
    case "queued":
      return "combined";
    case "sending":
      return "later";
    default:
      return "nothing";
  }
}

/** When to remind, or null for never. `deliveredAt` is the last message's about it. */
export function remindAt(
  deliveredAt: number | null,
  options: { readonly remindAfterMs: number | null },
): number | null {
  if (deliveredAt === null || options.remindAfterMs === null) return null;
  return deliveredAt + options.remindAfterMs;
}

/** A channel's fallback takes over after so long without a delivery, milliseconds. */
const FALLBACK_MS = 10 * MINUTE;

/** When the fallback takes over; `failingSince` is the first failure after the last success. */
export function fallbackAt(failingSince: number | null): number | null {
  return failingSince === null ? null : failingSince + FALLBACK_MS;
}
