/**
 * Text as a word of a command line that somebody will paste. Pure.
 *
 * @module
 */

/** The text as a POSIX shell reads it back: as it is where that is safe, else quoted. */
export function shellWord(text: string): string {
  return /^[\w.:@%+,/-]+$/.test(text) ? text : shellQuoted(text);
}

/** The text between quotes. */
export function shellQuoted(text: string): string {
  // A quote can't stand between quotes, so it is taken out of them.
  return `'${text.replaceAll("'", "'\\''")}'`;
}
