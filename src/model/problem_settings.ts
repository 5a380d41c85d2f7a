/**
 * How long what has to last, and how often it has to come, before it is a problem and before it is
 * over: every number that the judge goes by, told once. Does no I/O and decides nothing.
 *
 * @module
 */

/** One number that the judge goes by. */
export interface ProblemNumber {
  /** Whether it is a time, in milliseconds, or a count. */
  readonly unit: "time" | "count";
  /** What it is where nobody sets it. */
  readonly usual: number;
  /** Below it, what is no problem would be told as one. */
  readonly least: number;
  /** Above it, what is a problem would as good as never be told, or what it is told by forgotten. */
  readonly most: number;
  /** What it says, at most 50 characters. */
  readonly tells: string;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** To be recreated takes a container some seconds. */
const LASTING = { unit: "time", least: 5 * SECOND, most: DAY } as const;
/** Problems that are over are judged by for a day, outages included. */
const BURST = { unit: "time", least: MINUTE, most: 12 * HOUR } as const;

/** All of them by the name that the judge has for them. */
export const PROBLEM_NUMBERS = {
  missingOpens: { ...LASTING, usual: 60 * SECOND, tells: "missing for so long" },
  missingCloses: { ...LASTING, usual: 30 * SECOND, tells: "over: running for so long" },
  absentOpens: { ...LASTING, usual: 10 * MINUTE, tells: "registered, and never seen for so long" },
  absentExpectedOpens: {
    ...LASTING,
    usual: 60 * SECOND,
    tells: "where a file, `accept` or a person expects it",
  },
  crashedOpens: { ...LASTING, usual: 30 * SECOND, tells: "ended in error for so long" },
  crashedCloses: { ...LASTING, usual: 60 * SECOND, tells: "over: running for so long" },
  stoppedOpens: { ...LASTING, usual: 10 * MINUTE, tells: "stopped for so long" },
  oomCloses: { ...LASTING, usual: 5 * MINUTE, tells: "over: running for so long" },
  unhealthyOpens: { ...LASTING, usual: 60 * SECOND, tells: "unhealthy for so long" },
  unhealthyCloses: { ...LASTING, usual: 60 * SECOND, tells: "over: healthy for so long" },
  // Of a row no more than 32 deaths are kept, an operator's among them.
  crashLoopDeaths: { unit: "count", least: 2, most: 20, usual: 3, tells: "so many deaths …" },
  crashLoopWindow: { ...BURST, usual: 10 * MINUTE, tells: "… within this time" },
  crashLoopCloses: { ...BURST, usual: 10 * MINUTE, tells: "over: no death for so long" },
  flappingMoves: {
    unit: "count",
    least: 3,
    most: 50,
    usual: 6,
    tells: "so many openings and closings …",
  },
  flappingWindow: { ...BURST, usual: 30 * MINUTE, tells: "… within this time" },
  flappingCloses: { ...BURST, usual: 30 * MINUTE, tells: "over: none for so long" },
  deathExplains: {
    unit: "time",
    least: 5 * SECOND,
    most: 10 * MINUTE,
    usual: MINUTE,
    tells: "a state comes from a death so shortly before",
  },
  stuckOpens: { ...LASTING, usual: 10 * MINUTE, tells: "created, restarting, removing or paused" },
  engineDownOpens: { ...LASTING, usual: 60 * SECOND, tells: "no answer for so long" },
  indexStaleOpens: { ...LASTING, usual: 60 * SECOND, tells: "passes late for so long" },
  contendedOpens: { ...LASTING, usual: 5 * MINUTE, tells: "claimed twice for so long" },
  refusedOpens: { ...LASTING, usual: 5 * MINUTE, tells: "labels that don't fit for so long" },
  // Each day, and time to try again.
  backupOverdue: {
    unit: "time",
    least: 25 * HOUR,
    most: 30 * DAY,
    usual: 26 * HOUR,
    tells: "no good daily backup for so long",
  },
  settle: {
    unit: "time",
    least: 10 * SECOND,
    most: HOUR,
    usual: 2 * MINUTE,
    tells: "after a restart nothing is told for so long",
  },
  deployHold: {
    unit: "time",
    least: 10 * SECOND,
    most: HOUR,
    usual: 5 * MINUTE,
    tells: "a deploy keeps its workload quiet so long",
  },
  deployHoldMost: {
    unit: "time",
    least: 10 * SECOND,
    most: DAY,
    usual: 15 * MINUTE,
    tells: "deploys one after another, at most",
  },
} as const satisfies Readonly<Record<string, ProblemNumber>>;

/** How long what has to last before it opens and before it closes. Milliseconds, and counts. */
export type ProblemSettings = { readonly [name in keyof typeof PROBLEM_NUMBERS]: number };

/** Every name of {@linkcode PROBLEM_NUMBERS}, in its order. */
export const PROBLEM_NUMBER_NAMES: readonly (keyof ProblemSettings)[] = Object.keys(
  PROBLEM_NUMBERS,
) as (keyof ProblemSettings)[];

/** The settings of whoever sets none. */
export const PROBLEM_DEFAULTS: ProblemSettings = Object.fromEntries(
  PROBLEM_NUMBER_NAMES.map((name) => [name, PROBLEM_NUMBERS[name].usual]),
) as ProblemSettings;

/** A number that is not as it is where nobody sets it. */
export interface ChangedNumber {
  /** As it is set, `unhealthy-opens`. */
  readonly name: string;
  /** What it is, `3m` or `5`. */
  readonly value: string;
  /** What it would be. */
  readonly default: string;
}
