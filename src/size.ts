/**
 * Sizes as people read them: `512 B`, `43 kB`, `1.7 MB`. Pure.
 *
 * @module
 */

const UNITS = ["kB", "MB", "GB", "TB"] as const;

/**
 * So many bytes, in the greatest unit of a thousand that it has one of; below ten with a tenth, as
 * from MB on a tenth matters. Rounded down: what is free is not less than what is said, and what is
 * longer than a limit is longer than what is said of it.
 */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${Math.floor(bytes)} B`;
  const power = UNITS.findLastIndex((_, i) => bytes >= 1000 ** (i + 1));
  const amount = bytes / 1000 ** (power + 1);
  const shown = power > 0 && amount < 10
    ? (Math.floor(amount * 10) / 10).toFixed(1)
    : Math.floor(amount);
  return `${shown} ${UNITS[power]}`;
}
