/**
 * Numbers on the command line. Pure.
 *
 * @module
 */

import { usageError } from "./command.ts";
import { quote } from "../text.ts";

/**
 * The whole number that was given to a flag, from `least` (default 0) on. Whether it is too great
 * is for whoever takes it.
 *
 * @throws {CommandError} Usage: it is none.
 */
export function wholeNumber(
  flag: string,
  text: string,
  { least = 0 }: { least?: number } = {},
): number {
  if (/^\d{1,15}$/.test(text) && Number(text) >= least) return Number(text);
  const from = least === 0 ? "" : ` from ${least} on`;
  throw usageError(
    `Cannot use --${flag} ${quote(text)}: not a whole number${from}`,
    "write digits alone, as in 2",
  );
}
