/**
 * JSON that was kept as text, read again. What another hand wrote over it is damage like any other
 * of the database's, and is told so. Must not quote what is kept: secrets are among it.
 *
 * @module
 */

import { notJson } from "./error.ts";

/** Whose it is, where that is known. */
export interface Whose {
  /** Key of the row. */
  readonly of?: string | number;
}

/**
 * The object that was kept in this column: `transitions.origin`.
 *
 * @param options `of`: which row's it is, where that is known.
 * @throws {Failure} `corrupt`
 */
export function keptJson<T extends object>(text: string, column: string, whose: Whose = {}): T {
  const value = parsed(text, column, whose);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as T;
  throw notJson(column, whose);
}

/** The list that was kept so: `silences.kinds`; else as {@linkcode keptJson}. */
export function keptList<T>(text: string, column: string, whose: Whose = {}): T[] {
  const value = parsed(text, column, whose);
  if (Array.isArray(value)) return value;
  throw notJson(column, whose);
}

function parsed(text: string, column: string, whose: Whose): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not as its cause either: the message would quote the text.
    throw notJson(column, whose);
  }
}
