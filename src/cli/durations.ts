/**
 * Spans of time as people write them: `90s`, `5m`, `2h`, `1d`. Pure.
 *
 * @module
 */

import { quote } from "../text.ts";
import { usageError } from "./command.ts";

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * The span in milliseconds.
 *
 * @throws {CommandError} Usage: it is none.
 */
export function duration(text: string, flag: string): number {
  const [, number, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  if (number === undefined) {
    throw usageError(
      `Cannot use --${flag} ${quote(text)}: not a span of time`,
      "as in 90s, 5m, 2h, 1d",
    );
  }
  return Number(number) * UNITS[unit!]!;
}
