/**
 * JSON that was kept as text, read again. What another hand wrote over it is damage like any other
 * of the database's, and is told so. Must not quote what is kept: secrets are among it.
 *
 * @module
 */

import { notJson } from "./error.ts";

/**
 * The list or object that was kept in this column: `transitions.origin`.
 *
 * @param options `of`: which row's it is, where that is known.
 * @throws {Failure} `corrupt`
 */
export function keptJson<T extends object>(
  text: string,
  column: string,
  { of }: { of?: string | number } = {},
): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Not as its cause either: the message would quote the text.
  }
  if (typeof value === "object" && value !== null) return value as T;
  throw notJson(column, of === undefined ? {} : { of });
}
