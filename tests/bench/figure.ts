/**
 * What a bench says: a figure beside its target. Measures nothing.
 *
 * @module
 */

/** One measured figure. */
export interface Figure {
  /** The row of the targets that it belongs to, and which figure of it. */
  readonly row: string;
  readonly measured: number;
  /** `×`, `ms`, `MB`, `%`, or what is counted. */
  readonly unit: string;
  /** Null when it is measured to decide by. */
  readonly target: number | null;
  /** Whether the target is the most or the least that is good. */
  readonly bound: "most" | "least";
  /** What else helps to read it: absolute times, how many runs. */
  readonly note?: string;
}

/** A bench of one or more rows. */
export interface Bench {
  /** To name it with `--only`. */
  readonly name: string;
  /** Why it can't run here, null when it can. */
  readonly missing?: () => Promise<string | null>;
  readonly run: () => Promise<Figure[]>;
}

/** How far a figure may fall short before the benches fail: machines are noisy. */
export const TOLERANCE = 1.2;

/** `met`, `near` when it falls short within the tolerance, else `missed`; `told` without a target. */
export function verdict({ measured, target, bound }: Figure): "met" | "near" | "missed" | "told" {
  if (target === null) return "told";
  const good = (limit: number) => bound === "most" ? measured <= limit : measured >= limit;
  if (good(target)) return "met";
  return good(bound === "most" ? target * TOLERANCE : target / TOLERANCE) ? "near" : "missed";
}

/** One line for people. */
export function line(figure: Figure): string {
  const { row, measured, unit, target, bound, note } = figure;
  const number = (value: number) => String(Number(value.toPrecision(value >= 100 ? 4 : 3)));
  const sign = bound === "most" ? "≤" : "≥";
  const goal = target === null ? "" : ` (${sign} ${number(target)})`;
  return `${verdict(figure).padEnd(6)}  ${row}: ${number(measured)} ${unit}${goal}` +
    (note === undefined ? "" : `  ${note}`);
}

/** The `p`-th percentile of samples, 0–100. */
export function percentile(samples: readonly number[], p: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * p / 100) - 1)]!;
}

/** The middle of samples. */
export function median(samples: readonly number[]): number {
  return percentile(samples, 50);
}
