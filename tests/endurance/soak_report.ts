/**
 * What a soak measured, held against its bounds, as a table. Pure; measures nothing itself.
 *
 * @module
 */

/** What was seen at one moment, or since the moment before. */
export interface Sample {
  /** Since the load began. */
  readonly seconds: number;
  readonly residentBytes: number;
  readonly descriptors: number;
  /** Connections that the soak held open to the daemon. */
  readonly connections: number;
  readonly databaseBytes: number;
  readonly logBytes: number;
  /** Rows of the index. */
  readonly rows: number;
  /** Passes so far. */
  readonly passes: number;
  /** Events that the Engine sent so far. */
  readonly events: number;
  /** How long `/livez` took, each time it was asked. */
  readonly livezMs: readonly number[];
  /** From a container's change to a live feed's telling it, while the Engine was not disturbed. */
  readonly lagMs: readonly number[];
}

/** A figure and the limit it must keep. */
export interface Bound {
  readonly what: string;
  readonly value: number;
  readonly limit: number;
  readonly unit: "" | "MB" | "ms" | "%";
}

/** Limits; the same however long a soak takes. */
export const LIMITS = {
  residentMB: 260,
  /** Median of the last quarter over that of the second: what came before is warming up. */
  residentGrowth: 10,
  databaseGrowth: 10,
  logMB: 20,
  /** Besides its connections. */
  descriptorsAbove: 24,
  livezP99Ms: 100,
  livezMs: 1000,
  lagP99Ms: 250,
} as const;

const MB = 1e6;

/** Holds samples against {@linkcode LIMITS}; `idleDescriptors` were open before the load. */
export function bounds(samples: readonly Sample[], idleDescriptors: number): Bound[] {
  const all = (field: (sample: Sample) => number) => samples.map(field);
  const livez = samples.flatMap((sample) => sample.livezMs);
  const lag = samples.flatMap((sample) => sample.lagMs);
  const resident = all((sample) => sample.residentBytes);
  const database = all((sample) => sample.databaseBytes);
  const extra = all(({ descriptors, connections }) => descriptors - connections - idleDescriptors);
  return [
    {
      what: "resident memory, largest",
      value: Math.max(...resident) / MB,
      limit: LIMITS.residentMB,
      unit: "MB",
    },
    {
      what: "resident memory, growth",
      value: growth(resident),
      limit: LIMITS.residentGrowth,
      unit: "%",
    },
    { what: "database, growth", value: growth(database), limit: LIMITS.databaseGrowth, unit: "%" },
    {
      what: "write-ahead log, largest",
      value: Math.max(...all((sample) => sample.logBytes)) / MB,
      limit: LIMITS.logMB,
      unit: "MB",
    },
    {
      what: "descriptors besides connections, most",
      value: Math.max(...extra),
      limit: LIMITS.descriptorsAbove,
      unit: "",
    },
    {
      what: "/livez, 99 of 100",
      value: percentile(livez, 99),
      limit: LIMITS.livezP99Ms,
      unit: "ms",
    },
    { what: "/livez, slowest", value: Math.max(...livez), limit: LIMITS.livezMs, unit: "ms" },
    {
      what: "change to live feed, 99 of 100",
      value: percentile(lag, 99),
      limit: LIMITS.lagP99Ms,
      unit: "ms",
    },
  ];
}

/** Whether a bound is kept; a figure that could not be measured is not. */
export function isKept({ value, limit }: Bound): boolean {
  return value <= limit;
}

/** The value that `percent` of a hundred are not above; NaN of none. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * percent / 100))] ?? NaN;
}

/** Percent from the median of the second quarter to that of the last. */
function growth(values: readonly number[]): number {
  const quarter = Math.max(1, Math.floor(values.length / 4));
  const before = percentile(values.slice(quarter, 2 * quarter), 50);
  const after = percentile(values.slice(-quarter), 50);
  return 100 * (after / before - 1);
}

/** About twenty lines, each of several samples: the largest of what is sampled. */
export function renderSamples(samples: readonly Sample[]): string {
  const perLine = Math.max(1, Math.ceil(samples.length / 20));
  const lines = [
    [
      ...["time", "memory", "descriptors", "database", "log", "rows"],
      ...["passes", "events", "livez p99", "lag p50", "lag p99"],
    ],
  ];
  for (let from = 0; from < samples.length; from += perLine) {
    const part = samples.slice(from, from + perLine);
    const last = part.at(-1)!;
    const most = (field: (sample: Sample) => number) => Math.max(...part.map(field));
    const lag = part.flatMap((sample) => sample.lagMs);
    lines.push([
      `${Math.floor(last.seconds / 60)}:${String(Math.floor(last.seconds % 60)).padStart(2, "0")}`,
      megabytes(most((sample) => sample.residentBytes)),
      `${most((sample) => sample.descriptors)} (${most((sample) => sample.connections)})`,
      megabytes(most((sample) => sample.databaseBytes)),
      megabytes(most((sample) => sample.logBytes)),
      String(last.rows),
      String(last.passes),
      String(last.events),
      milliseconds(percentile(part.flatMap((sample) => sample.livezMs), 99)),
      milliseconds(percentile(lag, 50)),
      milliseconds(percentile(lag, 99)),
    ]);
  }
  return columns(lines);
}

/** The bounds, each with its verdict. */
export function renderBounds(all: readonly Bound[]): string {
  return columns(all.map((bound) => [
    bound.what,
    `${round(bound.value)} ${bound.unit}`.trim(),
    `at most ${bound.limit} ${bound.unit}`.trim(),
    isKept(bound) ? "kept" : "BROKEN",
  ]));
}

function columns(lines: readonly (readonly string[])[]): string {
  const widths = lines[0]!.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  return lines.map((line) =>
    line.map((cell, i) => i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join("  ")
  ).join("\n");
}

function megabytes(bytes: number): string {
  return `${(bytes / MB).toFixed(1)} MB`;
}

function milliseconds(ms: number): string {
  return Number.isNaN(ms) ? "-" : `${round(ms)} ms`;
}

function round(value: number): number {
  return Math.abs(value) < 10 ? Math.round(value * 10) / 10 : Math.round(value);
}
