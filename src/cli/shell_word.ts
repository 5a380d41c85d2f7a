/**
 * Text as a word of a command line that somebody will paste. Pure.
 *
 * @module
 */

/** The text as a POSIX shell reads it back: as it is where that is safe, else quoted. */
export function shellWord(text: string): string {
  // A quote can't stand between quotes, so it is taken out of them.
  return /^[\w.:@%+,/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
