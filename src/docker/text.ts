/**
 * Makes text from the Engine fit for the index: a database column, a log line, a terminal. Must
 * not change text that is fit already.
 *
 * @module
 */

/** Longest text that is kept, in UTF-16 units. */
export const MAX_TEXT = 1024;

// deno-lint-ignore no-control-regex -- finding them is the purpose
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
// deno-lint-ignore no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]/g;

/**
 * `text` with control characters (NUL too) and lone surrogates replaced by U+FFFD, clipped to
 * {@link MAX_TEXT}. What comes out is stored and read back as it is.
 */
export function storable(text: string): string {
  // Nearly every text is fit: two quick looks, no copy.
  if (text.length <= MAX_TEXT && !CONTROL.test(text) && text.isWellFormed()) return text;
  // Clip first: the cut may part a surrogate pair, which toWellFormed then mends.
  return text.slice(0, MAX_TEXT).toWellFormed().replace(CONTROLS, "\ufffd");
}
