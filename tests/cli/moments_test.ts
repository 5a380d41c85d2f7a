/**
 * Moments as people write them, in zones whose clocks are set twice a year, by half an hour, or past a
 * whole day.
 */

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import { CommandError } from "../../src/cli/command.ts";
import {
  fullLocalText,
  localText,
  type OffsetAt,
  readComing,
  readMoment,
  shortText,
  withLocalTimes,
} from "../../src/cli/moments.ts";

/** Minutes that a zone is ahead of UTC, as the system's own tables have it. */
function offsetOf(timeZone: string): OffsetAt {
  const format = new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "longOffset" });
  return (ms) => {
    const name = format.formatToParts(ms).find(({ type }) => type === "timeZoneName")!.value;
    const [, sign, hours, minutes] = /^GMT(?:([+-])(\d\d):(\d\d))?/.exec(name)!;
    if (sign === undefined) return 0;
    return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  };
}

const BERLIN = offsetOf("Europe/Berlin");
const NOW = Date.parse("2026-11-27T03:30:00Z");

function read(text: string, { now = NOW, offsetAt = BERLIN } = {}): string {
  const { ms, note } = readMoment(text, { flag: "at", now, offsetAt });
  assertEquals(note, null);
  return new Date(ms).toISOString();
}

function refused(text: string, { now = NOW, offsetAt = BERLIN } = {}): CommandError {
  return assertThrows(() => readMoment(text, { flag: "at", now, offsetAt }), CommandError);
}

Deno.test("readComing() understands when something is to end, in local time", () => {
  const coming = (text: string, now = NOW) =>
    new Date(readComing(text, { flag: "until", now, offsetAt: BERLIN }).ms).toISOString();
  // It is 04:30 in Berlin.
  for (
    const [text, meant] of [
      ["8h", "2026-11-27T11:30:00.000Z"],
      ["07:00", "2026-11-27T06:00:00.000Z"],
      ["04:30", "2026-11-28T03:30:00.000Z"],
      ["02:00:30", "2026-11-28T01:00:30.000Z"],
      ["2026-12-01", "2026-11-30T23:00:00.000Z"],
      ["2026-12-01 06:00", "2026-12-01T05:00:00.000Z"],
      ["2027-07-01T06:00", "2027-07-01T04:00:00.000Z"],
      ["2026-12-01T06:00:00Z", "2026-12-01T06:00:00.000Z"],
      // Whether that may be is not for it to say.
      ["2020-01-01T00:00:00Z", "2020-01-01T00:00:00.000Z"],
    ]
  ) assertEquals(coming(text!), meant, text);
  // The night in which clocks are set forward has no half past two: the next one that there is.
  assertEquals(coming("02:30", Date.parse("2026-03-28T23:00:00Z")), "2026-03-30T00:30:00.000Z");
  for (const text of ["", "soon", "25:00", "2026-02-30", "2027-03-28 02:30"]) {
    assertThrows(() => coming(text), CommandError, "Cannot use --until");
  }
});

Deno.test("readMoment() takes every way to write one, in local time where it has no zone", () => {
  for (
    const [text, meant] of [
      ["now", "2026-11-27T03:30:00.000Z"],
      ["8h", "2026-11-26T19:30:00.000Z"],
      ["90m", "2026-11-27T02:00:00.000Z"],
      ["30s", "2026-11-27T03:29:30.000Z"],
      ["2d", "2026-11-25T03:30:00.000Z"],
      ["1w", "2026-11-20T03:30:00.000Z"],
      ["02:00", "2026-11-27T01:00:00.000Z"],
      // Later today has not been yet.
      ["23:15:30", "2026-11-26T22:15:30.000Z"],
      ["2026-11-26", "2026-11-25T23:00:00.000Z"],
      ["2026-07-01", "2026-06-30T22:00:00.000Z"],
      ["2026-11-26 02:00", "2026-11-26T01:00:00.000Z"],
      ["2026-11-26T02:00:30", "2026-11-26T01:00:30.000Z"],
      ["2026-11-26T02:00:30.250", "2026-11-26T01:00:30.250Z"],
      [" 2026-11-26 02:00 ", "2026-11-26T01:00:00.000Z"],
      ["2026-11-26T02:00Z", "2026-11-26T02:00:00.000Z"],
      ["2026-11-26 02:00:00-05:30", "2026-11-26T07:30:00.000Z"],
    ] as const
  ) assertEquals(read(text), meant, text);
});

Deno.test("readMoment() refuses what is no time, and what has not been yet", () => {
  for (
    const text of [
      "",
      "yesterday",
      "8",
      "8 h",
      "-8h",
      "1.5h",
      "24:00",
      "12:60",
      "2026-02-30",
      "2026-13-01",
      "2026-11-26 25:00",
      "2026-11-26Tnoon",
      "26.11.2026",
      "2026-11-26T02:00+25:00",
      "1764122400",
      "\u001b[31m",
    ]
  ) assertMatch(refused(text).message, /^Cannot use --at ".*": not a time$/, text);
  assertMatch(refused("2026-11-27 04:31").message, /this has not been yet$/);
  assertMatch(refused("2099-01-01").message, /this has not been yet$/);
  assertEquals(refused("x").exitCode, 2);
});

Deno.test("readMoment() refuses an hour that clocks were set over, and says which of two it takes", () => {
  const now = Date.parse("2026-12-01T00:00:00Z");
  assertMatch(refused("2026-03-29 02:30", { now }).message, /clocks were set forward over it$/);
  assertEquals(read("2026-03-29 01:59:59", { now }), "2026-03-29T00:59:59.000Z");
  assertEquals(read("2026-03-29 03:00", { now }), "2026-03-29T01:00:00.000Z");
  const twice = readMoment("2026-10-25 02:30", { flag: "at", now, offsetAt: BERLIN });
  assertEquals(new Date(twice.ms).toISOString(), "2026-10-25T00:30:00.000Z");
  assertEquals(
    twice.note,
    '"2026-10-25 02:30" was twice, since clocks were set back: the first is meant (+02:00).',
  );
  assertEquals(read("2026-10-25 02:30+01:00", { now }), "2026-10-25T01:30:00.000Z");
  // In the night itself, a quarter of an hour after the second time.
  const night = Date.parse("2026-10-25T01:45:00Z");
  const clock = readMoment("02:30", { flag: "at", now: night, offsetAt: BERLIN });
  assertEquals(new Date(clock.ms).toISOString(), "2026-10-25T00:30:00.000Z");
  assert(clock.note !== null);
});

Deno.test("localText() is read as the same moment again, in every zone and on every day", () => {
  const zones = [
    "Europe/Berlin",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "UTC",
  ].map(offsetOf);
  // Around where clocks are set, and anywhere.
  const edges = ["2026-03-29T01:00Z", "2026-10-25T01:00Z", "2026-04-04T15:00Z", "2011-12-30T10:00Z"]
    .map((text) => Date.parse(text) / 1000);
  const seconds = fc.oneof(
    fc.integer({ min: 1_262_304_000, max: 1_795_000_000 }),
    fc.tuple(fc.constantFrom(...edges), fc.integer({ min: -10_000, max: 10_000 }))
      .map(([edge, by]) => edge + by),
  );
  const now = Date.parse("2027-01-01T00:00:00Z");
  fc.assert(
    fc.property(seconds, fc.constantFrom(...zones), (second, offsetAt) => {
      const ms = second * 1000;
      for (
        const text of [
          localText(ms, offsetAt),
          fullLocalText(ms, offsetAt).replace(/ (?=[+-])/, ""),
        ]
      ) {
        const found = readMoment(text, { flag: "at", now, offsetAt });
        assertEquals(found, { ms, note: null }, text);
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("localText() tells the two hours of a night apart, and shortText() leaves today's date out", () => {
  const text = (at: string) => localText(Date.parse(at), BERLIN);
  assertEquals(text("2026-10-25T00:30:00Z"), "2026-10-25 02:30:00+02:00");
  assertEquals(text("2026-10-25T01:30:00Z"), "2026-10-25 02:30:00+01:00");
  assertEquals(text("2026-11-26T01:00:00Z"), "2026-11-26 02:00:00");
  const short = (at: string) => shortText(Date.parse(at), NOW, BERLIN);
  assertEquals(short("2026-11-26T23:00:00Z"), "00:00:00");
  assertEquals(short("2026-11-26T22:59:59Z"), "2026-11-26 23:59:59");
});

Deno.test("withLocalTimes() tells each time of a text in local time, but what is quoted", () => {
  const local = (text: string) => withLocalTimes(text, BERLIN);
  assertEquals(
    local("over since 2026-07-01T10:00:00.000Z, made 2026-11-27T03:30:00Z"),
    "over since 2026-07-01 12:00:00 +02:00, made 2026-11-27 04:30:00 +01:00",
  );
  for (
    const kept of [
      'no such token "2026-07-01T10:00:00Z"',
      'no file "a\\"2026-07-01T10:00:00Z"',
      "2026-13-41T10:00:00Z is none",
      "20260701T100000Z and 2026-07-01 are none that the API writes",
    ]
  ) assertEquals(local(kept), kept);
});
