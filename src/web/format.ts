/**
 * Numbers and times as the reader's language writes them, in the reader's own time zone.
 *
 * @module
 */

import type { Readable } from "./readable.ts";
import { computed } from "@preact/signals";
import { type Language, language } from "./settings_here.ts";

/** Writes numbers and times. Times are milliseconds since the Unix epoch. */
export interface Format {
  /** A whole number. */
  number(value: number): string;
  /** A share of 1, such as `99.95 %`; never rounded up to all of it. */
  percent(share: number): string;
  /** `3 min ago`. */
  ago(at: number, now: number): string;
  /** How long, in the two largest units. */
  duration(ms: number): string;
  /** Hours and minutes, with the date where that is another than `now`'s. */
  moment(at: number, now: number): string;
  /** Date, time to the second, and zone. */
  exact(at: number): string;
  /** A day. */
  day(at: number): string;
  /** Hours, minutes and seconds. */
  time(at: number): string;
}

const LOCALES: Readonly<Record<Language, string>> = { en: "en-GB", ru: "ru-RU" };

const UNITS: readonly [unit: "day" | "hour" | "minute" | "second", ms: number][] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1000],
];

/** Of the language that is chosen. */
export const format: Readable<Format> = computed(() => formatOf(LOCALES[language.value]));

/** The locale of the language that is chosen. */
export const locale: Readable<string> = computed(() => LOCALES[language.value]);

function formatOf(locale: string): Format {
  const numbers = new Intl.NumberFormat(locale);
  const percents = new Intl.NumberFormat(locale, {
    style: "percent",
    minimumFractionDigits: 0,
    maximumFractionDigits: 2,
    roundingMode: "floor",
  } as Intl.NumberFormatOptions);
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });
  const hours = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
  const seconds = new Intl.DateTimeFormat(locale, { timeStyle: "medium" });
  const both = new Intl.DateTimeFormat(locale, {
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
  });
  const days = new Intl.DateTimeFormat(locale, {
    weekday: "short",
    day: "numeric",
    month: "long",
  });
  const whole = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "long" });
  const unitOf = (unit: string, count: number) =>
    new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "short" }).format(count);
  return {
    number: (value) => numbers.format(value),
    percent: (share) => percents.format(share),
    ago: (at, now) => {
      const ms = Math.max(0, now - at);
      const [unit, size] = UNITS.find(([, size]) => ms >= size) ?? UNITS.at(-1)!;
      return relative.format(-Math.floor(ms / size), unit);
    },
    duration: (ms) => {
      let left = Math.max(0, Math.round(ms / 1000) * 1000);
      const first = UNITS.findIndex(([unit, size]) => left >= size || unit === "second");
      const parts: string[] = [];
      for (const [unit, size] of UNITS.slice(first, first + 2)) {
        const count = Math.floor(left / size);
        left -= count * size;
        // Beside minutes, seconds are noise.
        const noise = parts.length > 0 && (count === 0 || unit === "second");
        if (!noise) parts.push(unitOf(unit, count));
      }
      return parts.join(" ");
    },
    moment: (at, now) => (isSameDay(at, now) ? hours : both).format(at),
    exact: (at) => whole.format(at),
    day: (at) => days.format(at),
    time: (at) => seconds.format(at),
  };
}

function isSameDay(a: number, b: number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString();
}
