/**
 * The numbers that problems are judged by, as a setting: what is understood, and what is refused.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Failure, isFailure, type SettingProblem } from "../src/failure.ts";
import { linesFor } from "../src/cli/words.ts";
import {
  PROBLEM_DEFAULTS,
  PROBLEM_NUMBER_NAMES,
  PROBLEM_NUMBERS,
} from "../src/model/problem_settings.ts";
import {
  changedNumbers,
  readProblemSettings,
  WRITTEN_NUMBERS,
} from "../src/problem_setting_values.ts";
import { resolveConfig } from "../src/config.ts";
import { parseSpan, spanText } from "../src/span.ts";

const VARIABLE = "TINYFORGE_PROBLEM_SETTINGS";

function read(value: string) {
  const problems: SettingProblem[] = [];
  const setting = { setting: "problem-settings", variable: null, value };
  const settings = readProblemSettings(setting, problems);
  assertEquals(problems, []);
  return settings;
}

/** What is wrong, in the words of the command line. */
function refused(value: string): readonly string[] {
  const error = assertThrows(() =>
    resolveConfig({
      flags: { "problem-settings": value },
      env: (name) => name === "HOME" ? "/home/ann" : undefined,
    }), Failure);
  assert(isFailure(error, "config"), error.code);
  const lines = linesFor(error);
  return (lines.length === 1 ? lines : lines.slice(1)).map((line) =>
    line.replace(/^( {2}- )?Cannot use --problem-settings/, "").trim()
  );
}

Deno.test("readProblemSettings() sets what is named and leaves the rest as usual", () => {
  assertEquals(read("unhealthy-opens=3m, crash-loop-deaths=5,"), {
    ...PROBLEM_DEFAULTS,
    unhealthyOpens: 180_000,
    crashLoopDeaths: 5,
  });
  assertEquals(readProblemSettings(undefined, []), PROBLEM_DEFAULTS);
});

Deno.test("readProblemSettings() takes every number by its name, at either bound", () => {
  assertEquals(WRITTEN_NUMBERS.length, PROBLEM_NUMBER_NAMES.length);
  WRITTEN_NUMBERS.forEach(({ name, default: usual }, i) => {
    const key = PROBLEM_NUMBER_NAMES[i]!;
    assertEquals(read(`${name}=${usual}`), PROBLEM_DEFAULTS, name);
    const { unit, least, most } = PROBLEM_NUMBERS[key];
    assert(least <= PROBLEM_DEFAULTS[key] && PROBLEM_DEFAULTS[key] <= most, name);
    for (const value of [least, most]) {
      const problems: SettingProblem[] = [];
      const text = `${name}=${unit === "time" ? spanText(value) : value}`;
      const setting = { setting: "problem-settings", variable: null, value: text };
      assertEquals(readProblemSettings(setting, problems)[key], value);
      // Whether it goes with the others is another question.
      assert(problems.every((problem) => problem.value === null), text);
    }
    for (const value of [least - 1, most + 1]) {
      const text = `${name}=${unit === "time" ? `${value}ms` : value}`;
      if (unit === "time" && value > 999_999_999) continue;
      const [first, ...others] = refused(text);
      assertEquals(others, []);
      assert(first!.startsWith(`"${text}": not a `), first);
    }
  });
});

Deno.test("readProblemSettings() says of each wrong number what it may be, all at once", () => {
  assertEquals(refused("unhealthy-opens=0s,crash-loop-deaths=1,missing-opens=soon,settle"), [
    '"unhealthy-opens=0s": not a time from 5s to 1d; write it as in 90s, 3m or 2h',
    '"crash-loop-deaths=1": not a whole number from 2 to 20',
    '"missing-opens=soon": not a time from 5s to 1d; write it as in 90s, 3m or 2h',
    '"settle": not a time from 10s to 1h; write it as in 90s, 3m or 2h',
  ]);
  for (const count of ["2.5", "3m", "-3", "1e1", ""]) {
    assertEquals(refused(`crash-loop-deaths=${count}`).length, 1, count);
  }
  for (const time of ["60", "-1m", "1m30s", "1 m", "∞", "2d", ""]) {
    assertEquals(refused(`missing-opens=${time}`).length, 1, time);
  }
  assertEquals(refused(" , "), ['" , ": empty']);
});

Deno.test("readProblemSettings() refuses a name that it does not know, and names those of its kind or all", () => {
  assertEquals(refused("unhealthy-open=3m"), [
    '"unhealthy-open=3m": no such number; write one of unhealthy-opens, unhealthy-closes',
  ]);
  const [other] = refused("unhealthyOpens=3m");
  for (const { name } of WRITTEN_NUMBERS) assert(other!.includes(name), name);
  for (const name of ["__proto__", "constructor", "=3m"]) {
    assertEquals(refused(`${name}=3m`).length, 1, name);
  }
});

Deno.test("readProblemSettings() refuses a number that is given twice, be it the same", () => {
  assertEquals(refused("settle=1m,settle=1m"), ['"settle=1m": settle is given twice']);
  assertEquals(refused("settle=1,settle=1m").length, 2);
});

Deno.test("readProblemSettings() refuses numbers that leave each other no room", () => {
  assertEquals(refused("deploy-hold=20m"), [
    ": deploy-hold-most (15m) is less than deploy-hold (20m): no deploy would hold so long",
  ]);
  assertEquals(refused("crash-loop-window=1h"), [
    ": crash-loop-closes (10m) is less than crash-loop-window (1h): over, it would begin anew " +
    "with the next one",
  ]);
  assertEquals(refused("flapping-closes=5m"), [
    ": flapping-closes (5m) is less than flapping-window (30m): over, it would begin anew " +
    "with the next one",
  ]);
  assertEquals(refused("flapping-window=3m"), [
    ": flapping-window (3m) has no room for flapping-moves (6): by how long what has to last, " +
    "so many take 210s or more",
  ]);
  // Each by itself is wrong, or both together are right.
  read("deploy-hold=20m,deploy-hold-most=20m");
  read("crash-loop-window=1h,crash-loop-closes=1h");
  read("flapping-window=4m");
  read("flapping-window=3m,flapping-moves=4");
});

Deno.test("resolveConfig() tells a variable with wrong numbers by its name", () => {
  const error = assertThrows(() =>
    resolveConfig({
      flags: {},
      env: (name) => ({ HOME: "/home/ann", [VARIABLE]: "settle=1" })[name],
    }), Failure);
  assertEquals(linesFor(error), [
    `Cannot use ${VARIABLE} "settle=1": not a time from 10s to 1h; write it as in 90s, 3m or 2h`,
  ]);
});

Deno.test("changedNumbers() tells what differs, as it is written", () => {
  assertEquals(changedNumbers(PROBLEM_DEFAULTS), []);
  assertEquals(changedNumbers(read("unhealthy-opens=90s,settle=2m,flapping-moves=8")), [
    { name: "unhealthy-opens", value: "90s", default: "1m" },
    { name: "flapping-moves", value: "8", default: "6" },
  ]);
});

Deno.test("spanText() writes what parseSpan() reads back, in the greatest unit", () => {
  const spans = {
    "0s": 0,
    "1ms": 1,
    "90s": 90_000,
    "1m": 60_000,
    "26h": 93_600_000,
    "2d": 172_800_000,
  };
  for (const [text, ms] of Object.entries(spans)) {
    assertEquals([spanText(ms), parseSpan(text)], [text, ms]);
  }
  assertEquals(["", "5", "1.5m", "-1m", "1w", "1m "].map(parseSpan), Array(6).fill(null));
});
