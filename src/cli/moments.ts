/**
 * Moments of the past as people write and read them: in this machine's time zone, whose clocks are
 * set twice a year. Reads no clock.
 *
 * @module
 */

import { UNIT_MS } from "../span.ts";
import { quote } from "../text.ts";
import { usageError } from "./command.ts";

/** What a moment is read with. */
export interface MomentOptions {
  /** The flag that it was given by, for messages. */
  readonly flag: string;
  /** The present time, milliseconds since the Unix epoch. */
  readonly now: number;
  /** Minutes that local time is ahead of UTC at a moment. This machine's by default. */
  readonly offsetAt?: OffsetAt;
}

/** Minutes that local time is ahead of UTC at a moment. */
export type OffsetAt = (ms: number) => number;

/** A moment, and what to say about how it was understood. */
export interface Moment {
  /** Milliseconds since the Unix epoch. */
  readonly ms: number;
  /** Null: there is nothing to say. */
  readonly note: string | null;
}

const SPAN_MS: Readonly<Record<string, number>> = { ...UNIT_MS, w: 7 * UNIT_MS.d };
const DAY_MS = UNIT_MS.d;
const MINUTE_MS = UNIT_MS.m;

const THIS_MACHINE: OffsetAt = (ms) => -new Date(ms).getTimezoneOffset();

/**
 * The moment that a text means: `8h` (ago), `02:00` (the last time it was), `2026-11-26`,
 * `2026-11-26 02:00`, in local time unless it ends with `Z` or `+01:00`.
 *
 * @throws {CommandError} Usage: it is none, or has not been yet.
 */
export function readMoment(text: string, options: MomentOptions): Moment {
  const { flag, now } = options;
  const moment = understood(text.trim(), options);
  if (moment === null) {
    throw usageError(
      `Cannot use --${flag} ${quote(text)}: not a time`,
      'as in 8h (ago), 02:00, "2026-11-26 02:00" or 2026-11-26T02:00:00Z',
    );
  }
  if (typeof moment === "string") {
    throw usageError(
      `Cannot use --${flag} ${quote(text)}: ${moment}`,
      "write an hour that there was",
    );
  }
  if (moment.ms > now) {
    throw usageError(`Cannot use --${flag} ${quote(text)}: this has not been yet`, "");
  }
  return moment;
}

/**
 * As {@link readMoment}, of a moment to come: `8h` (from now), `07:00` (the next time it is). Whether
 * it is over already is for who is asked for it to say.
 *
 * @throws {CommandError} Usage: it is none.
 */
export function readComing(text: string, options: MomentOptions): Moment {
  const { flag, now, offsetAt = THIS_MACHINE } = options;
  const trimmed = text.trim();
  const span = spanOf(trimmed);
  if (span !== null) return { ms: now + span, note: null };
  const clock = readClock(trimmed);
  const found = clock === null
    ? understood(trimmed, options)
    : [0, DAY_MS, 2 * DAY_MS].map((later) =>
      local(startOfDay(now, offsetAt) + later + clock, trimmed, offsetAt)
    ).find((each) => typeof each !== "string" && each.ms > now) ?? null;
  if (found !== null && typeof found !== "string") return found;
  throw usageError(
    `Cannot use --${flag} ${quote(text)}: ${found ?? "not a time"}`,
    'as in 8h (from now), 07:00, "2030-01-31 06:00" or 2030-01-31T06:00:00Z',
  );
}

/** A moment in local time: `2026-11-26 02:00:00`, with its offset where that hour came twice. */
export function localText(ms: number, offsetAt: OffsetAt = THIS_MACHINE): string {
  const offset = offsetAt(ms);
  const local = new Date(ms + offset * MINUTE_MS).toISOString();
  const twice = momentsOf(Date.parse(local), offsetAt).length > 1;
  return `${local.slice(0, 10)} ${local.slice(11, 19)}${twice ? offsetText(offset) : ""}`;
}

/** As {@link localText}, without the date where it is that of `now`. */
export function shortText(ms: number, now: number, offsetAt: OffsetAt = THIS_MACHINE): string {
  const text = localText(ms, offsetAt);
  return text.slice(0, 10) === localText(now, offsetAt).slice(0, 10) ? text.slice(11) : text;
}

/** As {@link shortText}, of a time as the API has it (RFC 3339). */
export function timeText(at: string, now: Date): string {
  return shortText(Date.parse(at), now.getTime());
}

/** `+01:00`: how far local time is ahead of UTC. */
function offsetText(minutes: number): string {
  const two = (number: number) => `${Math.floor(number)}`.padStart(2, "0");
  const absolute = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(absolute / 60)}:${two(absolute % 60)}`;
}

/** Local time with its offset: `2026-11-26 02:00:00 +01:00`. */
export function fullLocalText(ms: number, offsetAt: OffsetAt = THIS_MACHINE): string {
  return `${localText(ms, offsetAt).slice(0, 19)} ${offsetText(offsetAt(ms))}`;
}

/** As {@link fullLocalText}, of a time as the API has it (RFC 3339). */
export function fullTimeText(at: string): string {
  return fullLocalText(Date.parse(at));
}

/**
 * A text of the API, the store or the hub for people here: the times that stand in it in UTC
 * (RFC 3339) as local ones. What is in quotes somebody wrote so, and stays.
 */
export function withLocalTimes(text: string, offsetAt: OffsetAt = THIS_MACHINE): string {
  return text.replace(QUOTED_OR_TIME, (found) => {
    const ms = found.startsWith('"') ? NaN : Date.parse(found);
    return Number.isNaN(ms) ? found : fullLocalText(ms, offsetAt);
  });
}

const QUOTED_OR_TIME = /"(?:[^"\\]|\\.)*"|\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z\b/g;

/** Null: no time; a text: why there is no such time. */
function understood(
  text: string,
  { now, offsetAt = THIS_MACHINE }: MomentOptions,
): Moment | string | null {
  if (text === "now") return { ms: now, note: null };
  const span = spanOf(text);
  if (span !== null) return { ms: now - span, note: null };
  const clock = readClock(text);
  if (clock !== null) {
    const today = startOfDay(now, offsetAt);
    const found = [today, today - DAY_MS]
      .map((day) => local(day + clock, text, offsetAt))
      .find((each) => typeof each === "string" || each.ms <= now);
    return found ?? null;
  }
  const [, date, rest = "", zone] =
    /^(\d{4}-\d\d-\d\d)(?:[T ]([\d:.]+?))?(Z|[+-]\d\d:\d\d)?$/.exec(text) ?? [];
  if (date === undefined) return null;
  const day = Date.parse(`${date}T00:00:00Z`);
  const time = rest === "" ? 0 : readClock(rest);
  // No month has a day that begins another month.
  if (time === null || Number.isNaN(day) || !new Date(day).toISOString().startsWith(date)) {
    return null;
  }
  if (zone === undefined) return local(day + time, text, offsetAt);
  const ahead = zone === "Z" ? 0 : readClock(zone.slice(1));
  if (ahead === null) return null;
  return { ms: day + time - (zone.startsWith("-") ? -ahead : ahead), note: null };
}

/** Milliseconds of `8h`; null: no span of time. */
function spanOf(text: string): number | null {
  const [, number, unit] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  return number === undefined ? null : Number(number) * SPAN_MS[unit!]!;
}

/** The last midnight, as local clocks show it. */
function startOfDay(now: number, offsetAt: OffsetAt): number {
  return Math.floor((now + offsetAt(now) * MINUTE_MS) / DAY_MS) * DAY_MS;
}

/** Milliseconds since midnight of `02:00`, `02:00:30`; null: no time of day. */
function readClock(text: string): number | null {
  const [, hours, minutes, seconds = "0"] =
    /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d(?:\.\d{1,3})?))?$/.exec(text) ?? [];
  if (hours === undefined) return null;
  return Number(hours) * UNIT_MS.h + Number(minutes) * MINUTE_MS + Number(seconds) * 1000;
}

/** The moment at which local clocks showed this, which is told as if they showed UTC. */
function local(shown: number, text: string, offsetAt: OffsetAt): Moment | string {
  const [first, second] = momentsOf(shown, offsetAt);
  if (first === undefined) return "clocks were set forward over it";
  if (second === undefined) return { ms: first, note: null };
  const offset = offsetText(offsetAt(first));
  return {
    ms: first,
    note: `${quote(text)} was twice, since clocks were set back: the first is meant (${offset}).`,
  };
}

/** Every moment at which local clocks showed this, the first one first. */
function momentsOf(shown: number, offsetAt: OffsetAt): number[] {
  // Clocks are set by less than a day, and not twice within two.
  const offsets = new Set([offsetAt(shown - DAY_MS), offsetAt(shown + DAY_MS)]);
  return [...offsets].map((offset) => shown - offset * MINUTE_MS)
    .filter((ms) => ms + offsetAt(ms) * MINUTE_MS === shown)
    .sort((a, b) => a - b);
}
