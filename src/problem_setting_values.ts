/**
 * The numbers that problems are judged by as a setting: text → numbers, and numbers → text. Adds
 * what is wrong to the problems, so that all are told together. Reads nothing but the value.
 *
 * @module
 */

import type { SettingProblem } from "./failure.ts";
import {
  type ChangedNumber,
  PROBLEM_DEFAULTS,
  PROBLEM_NUMBER_NAMES,
  PROBLEM_NUMBERS,
  type ProblemNumber,
  type ProblemSettings,
} from "./model/problem_settings.ts";
import type { Setting } from "./setting_values.ts";
import { parseSpan, spanText } from "./span.ts";

type Key = keyof ProblemSettings;

/** Names as they are written, `unhealthy-opens`, and as the judge has them. */
const KEYS: ReadonlyMap<string, Key> = new Map(
  PROBLEM_NUMBER_NAMES.map((key) => [writtenName(key), key]),
);

/** What {@linkcode readProblemSettings} understands, in order. */
export interface WrittenNumber extends Pick<ChangedNumber, "name" | "default"> {
  /** What it says, at most 50 characters. */
  readonly tells: string;
}

/** Every number as it is written where it is set. */
export const WRITTEN_NUMBERS: readonly WrittenNumber[] = [...KEYS].map(([name, key]) => ({
  name,
  default: writtenValue(key, PROBLEM_DEFAULTS),
  tells: PROBLEM_NUMBERS[key].tells,
}));

/** `unhealthy-opens=3m,crash-loop-deaths=5`; what is not named is as usual. */
export function readProblemSettings(
  setting: Setting | undefined,
  problems: SettingProblem[],
): ProblemSettings {
  if (setting === undefined) return PROBLEM_DEFAULTS;
  const pairs = setting.value.split(",").map((pair) => pair.trim()).filter((pair) => pair !== "");
  const given = new Map<Key, number>();
  const wrong: SettingProblem[] = [];
  const refuse = (reason: string, value: string | null = null) =>
    void wrong.push({ ...setting, value, reason });
  if (pairs.length === 0) refuse("empty", setting.value);
  for (const pair of pairs) {
    const [name, text] = partsOf(pair);
    const key = KEYS.get(name);
    if (key === undefined) refuse(`no such number; write one of ${alike(name).join(", ")}`, pair);
    else if (given.has(key)) refuse(`${name} is given twice`, pair);
    else {
      const number = PROBLEM_NUMBERS[key];
      const value = numberOf(text, number);
      if (value === null) refuse(`not ${wanted(number)}`, pair);
      // As if it were usual, so that one given again is seen for that.
      given.set(key, value ?? number.usual);
    }
  }
  const settings = { ...PROBLEM_DEFAULTS, ...Object.fromEntries(given) };
  if (wrong.length === 0) { for (const reason of contradictions(settings)) refuse(reason); }
  problems.push(...wrong);
  return settings;
}

/** Those that somebody set to something else than usual. */
export function changedNumbers(settings: ProblemSettings): ChangedNumber[] {
  return PROBLEM_NUMBER_NAMES.filter((key) => settings[key] !== PROBLEM_DEFAULTS[key]).map((
    key,
  ) => ({
    name: writtenName(key),
    value: writtenValue(key, settings),
    default: writtenValue(key, PROBLEM_DEFAULTS),
  }));
}

function writtenName(key: Key): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function writtenValue(key: Key, settings: ProblemSettings): string {
  return valueText(settings[key], PROBLEM_NUMBERS[key]);
}

function valueText(value: number, { unit }: ProblemNumber): string {
  return unit === "time" ? spanText(value) : `${value}`;
}

function partsOf(pair: string): readonly [string, string] {
  const at = pair.indexOf("=");
  return at < 0 ? [pair, ""] : [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
}

/** The names of the same kind of problem; where there is none, all. */
function alike(name: string): readonly string[] {
  const kind = (text: string) => text.split("-")[0];
  const near = [...KEYS.keys()].filter((known) => kind(known) === kind(name));
  return near.length > 0 ? near : [...KEYS.keys()];
}

function numberOf(text: string, { unit, least, most }: ProblemNumber): number | null {
  const value = unit === "time" ? parseSpan(text) : /^\d{1,9}$/.test(text) ? Number(text) : null;
  return value !== null && value >= least && value <= most ? value : null;
}

function wanted(number: ProblemNumber): string {
  const [least, most] = [number.least, number.most].map((value) => valueText(value, number));
  return number.unit === "time"
    ? `a time from ${least} to ${most}; write it as in 90s, 3m or 2h`
    : `a whole number from ${least} to ${most}`;
}

/** What can't be meant: the one number leaves no room for the other. */
function contradictions(settings: ProblemSettings): string[] {
  const found: string[] = [];
  const said = (key: Key) => `${writtenName(key)} (${writtenValue(key, settings)})`;
  const atLeast = (key: Key, other: Key, why: string) => {
    if (settings[key] >= settings[other]) return;
    found.push(`${said(key)} is less than ${said(other)}: ${why}`);
  };
  atLeast("deployHoldMost", "deployHold", "no deploy would hold so long");
  const begunAnew = "over, it would begin anew with the next one";
  atLeast("crashLoopCloses", "crashLoopWindow", begunAnew);
  atLeast("flappingCloses", "flappingWindow", begunAnew);
  const shortest = shortestFlapping(settings);
  if (shortest > settings.flappingWindow) {
    found.push(
      `${said("flappingWindow")} has no room for ${said("flappingMoves")}: by how long what has ` +
        `to last, so many take ${spanText(shortest)} or more`,
    );
  }
  return found;
}

/** How long a row takes to open and close as often as flapping wants, by its quickest problem. */
function shortestFlapping(s: ProblemSettings): number {
  const between = s.flappingMoves - 1;
  const quickest = [
    [s.missingOpens, s.missingCloses],
    [s.crashedOpens, s.crashedCloses],
    [s.stoppedOpens, 0],
    [0, s.oomCloses],
    [s.unhealthyOpens, s.unhealthyCloses],
    [0, s.crashLoopCloses],
    [s.stuckOpens, 0],
    [s.contendedOpens, 0],
  ].map(([opens, closes]) =>
    Math.floor(between / 2) * (opens! + closes!) + (between % 2) * Math.min(opens!, closes!)
  );
  return Math.min(...quickest);
}
