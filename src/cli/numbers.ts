/**
 * Numbers on the command line. Pure.
 *
 * @module
 */

import { quote, usageError } from "./command.ts";

/**
 * The whole number that was given to a flag. Whether it is in range is for whoever takes it.
 *
 * @throws {CommandError} Usage: it is none.
 */
export function wholeNumber(flag: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw usageError(
    `Cannot use --${flag} ${quote(text)}: not a whole number`,
    "write digits alone, as in 2",
  );
}
