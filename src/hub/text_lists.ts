/**
 * Long lists of texts as one parameter of a statement. The driver quotes each text of an array by
 * itself, which for a thousand rows takes longer than all the rest. Does no I/O.
 *
 * @module
 */

import type { Fragment, TransactionSql } from "./sql.ts";

/** Between two texts, and in place of none: what ASCII has for that, and JSON never as it is. */
const SEPARATOR = String.fromCharCode(31);
const NONE = String.fromCharCode(30);

/** A `text[]` of these, in a statement. */
export function textList(tx: TransactionSql, texts: readonly (string | null)[]): Fragment {
  const joined = joinedTexts(texts);
  return joined === null
    ? tx`${[...texts]}::text[]`
    : tx`string_to_array(${joined}::text, chr(31), chr(30))`;
}

/** All of them as one text; null where that could not be taken apart again. */
export function joinedTexts(texts: readonly (string | null)[]): string | null {
  const joined = texts.map((text) => text ?? NONE).join(SEPARATOR);
  // No text at all is taken for no list at all.
  if (joined === "") return null;
  let separators = 0;
  for (let at = joined.indexOf(SEPARATOR); at >= 0; at = joined.indexOf(SEPARATOR, at + 1)) {
    separators++;
  }
  if (separators !== texts.length - 1) return null;
  return texts.includes(NONE) ? null : joined;
}
