/**
 * Spans of time as people write them: `90s`, `5m`, `2h`, `1d`. Pure.
 *
 * @module
 */

/** Milliseconds of each unit, the shortest first. */
export const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

type Unit = keyof typeof UNIT_MS;

/** Milliseconds; null when the text is no span. */
export function parseSpan(text: string): number | null {
  const [, number, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  return number === undefined ? null : Number(number) * UNIT_MS[unit as Unit];
}

/** The span as {@linkcode parseSpan} reads it back, in the greatest unit that it is whole in. */
export function spanText(ms: number): string {
  const units = (Object.keys(UNIT_MS) as Unit[]).filter((unit) => ms % UNIT_MS[unit] === 0);
  const unit = ms === 0 ? "s" : units.at(-1)!;
  return `${ms / UNIT_MS[unit]}${unit}`;
}
