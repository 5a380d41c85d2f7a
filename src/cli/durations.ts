/**
 * Spans of time on the command line. Pure.
 *
 * @module
 */

import { parseSpan } from "../span.ts";
import { quote } from "../text.ts";
import { usageError } from "./command.ts";

/**
 * The span in milliseconds.
 *
 * @throws {CommandError} Usage: it is none.
 */
export function duration(text: string, flag: string): number {
  const ms = parseSpan(text);
  if (ms !== null) return ms;
  throw usageError(
    `Cannot use --${flag} ${quote(text)}: not a span of time`,
    "as in 90s, 5m, 2h, 1d",
  );
}
