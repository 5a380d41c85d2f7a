/**
 * Text as words of a command line that somebody will paste into a shell. Pure.
 *
 * @module
 */

import { hasInvisible } from "./text.ts";

/** The text as a POSIX shell reads it back: as it is where that is safe, else quoted. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./][\w@%+=:,./-]*$/.test(text) ? text : shellQuoted(text);
}

/** The text between quotes. */
export function shellQuoted(text: string): string {
  // A quote can't stand between quotes, so it is taken out of them.
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * The command with its operands quoted, or null when a value can't be shown in one line: what can't
 * be read should not be pasted.
 */
export function shellCommand(words: readonly string[], operands: readonly string[]): string | null {
  if (operands.some((text) => hasInvisible(text) || !text.isWellFormed())) return null;
  const dashed = operands.some((text) => text.startsWith("-"));
  return [...words, ...(dashed ? ["--"] : []), ...operands.map(shellWord)].join(" ");
}
