/**
 * Reads a row from the text that it came as, where that is the text that it is kept as: without making
 * a value of each of its fields, at most of which nobody looks. Any other text is left to
 * {@link hubRow}, as which this reads the rest. Does no I/O; trusts nothing of a row.
 *
 * @module
 */

import type { Holds } from "../model/columns.ts";
import { NAME_FIELDS, namesOf, type NewRow, ROW_HOLDS } from "./row.ts";
import { isAddresses, MAX_BODY } from "./told_fields.ts";

/** What stands for itself in a JSON text and is written in no other way: neither `"` nor `\`. */
const PLAIN = String.raw`[ !#-\[\]-\uffff]*`;

/** A time of which no part can be of none; others are left to who reads the row as a value. */
const TIME = String.raw`\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3])` +
  String.raw`:[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z`;

/** Fields that the pattern finds, in their order: names, and objects, which are looked at again. */
const FOUND: readonly string[] = Object.entries(ROW_HOLDS)
  .filter(([field, holds]) => isName(field) || isObject(holds)).map(([field]) => field);

const PATTERN = new RegExp(
  `^\\{${Object.entries(ROW_HOLDS).map(([field, holds]) => patternOf(field, holds)).join()}\\}$`,
);

/**
 * The row that a text is; null where it may be kept as another. To be given well-formed texts alone.
 *
 * @throws {Failure} `invalid`, as hubRow() does.
 */
export function rowOfText(text: string): NewRow | null {
  const found = text.length > MAX_BODY ? null : PATTERN.exec(text);
  if (found === null) return null;
  const told: Record<string, string | null> = {};
  for (let i = 0; i < FOUND.length; i++) {
    const [field, value = null] = [FOUND[i]!, found[i + 1]];
    if (isName(field)) told[field] = value;
    else if (value !== null && !isAsKept(value, ROW_HOLDS[field]!)) return null;
  }
  return namesOf({ told, body: text });
}

function patternOf(field: string, holds: Holds): string {
  const value = isObject(holds)
    ? String.raw`(\{[^{}]*\})`
    : holds === "boolean"
    ? "true|false"
    : holds.startsWith("integer")
    ? String.raw`0|-?[1-9]\d{0,14}`
    : isName(field)
    ? `"(${PLAIN})"`
    : isTimeField(holds)
    ? `"${TIME}"`
    : `"${PLAIN}"`;
  return `"${field}":(?:null|${value})`;
}

function isObject(holds: Holds): boolean {
  return holds === "addresses" || holds === "object or null";
}

function isTimeField(holds: Holds): boolean {
  return holds === "time" || holds === "time or null" || holds === "seconds or null";
}

function isName(field: string): boolean {
  return NAME_FIELDS.has(field);
}

/** Whether a JSON object is written as it is kept, and holds what it may. */
function isAsKept(text: string, holds: Holds): boolean {
  try {
    const value = JSON.parse(text);
    if (holds === "addresses" && !isAddresses(value)) return false;
    return JSON.stringify(value) === text;
  } catch {
    return false;
  }
}
