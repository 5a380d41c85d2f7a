/**
 * Values of messages as they come from outside, each held against what it may be. Does no I/O and
 * trusts nothing.
 *
 * @module
 */

import { invalid, isObject, isTime, textUpTo } from "./told_fields.ts";

/** Most rows, problems, workloads or transitions of one message. */
export const MAX_ROWS = 5000;

/** Longest text that is a word, UTF-16 units. */
const MAX_WORD = 200;

/**
 * An object, and no array.
 *
 * @throws {Failure} `invalid`, as all of these.
 */
export function object(value: unknown): Record<string, unknown> {
  if (isObject(value)) return value;
  throw invalid("it is no object");
}

/** A short text of it that is not empty. */
export function word(told: Record<string, unknown>, field: string): string {
  const value = textUpTo(told[field], MAX_WORD);
  if (value !== null) return value;
  throw invalid(`its ${field} is no text of 1 to ${MAX_WORD} characters`);
}

/** A time of it, RFC 3339 UTC. */
export function time(told: Record<string, unknown>, field: string): string {
  const value = word(told, field);
  if (isTime(value)) return value;
  throw invalid(`its ${field} is no time`);
}

/** A number of it from 0 on. */
export function count(told: Record<string, unknown>, field: string): number {
  const value = told[field];
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw invalid(`its ${field} is no whole number`);
}

/** A list, no longer than a message may have. */
export function list(value: unknown, field: string): unknown[] {
  if (Array.isArray(value) && value.length <= MAX_ROWS) return value;
  throw invalid(`its ${field} are no list of at most ${MAX_ROWS}`);
}

/** A text that is what something is known by. */
export function id(value: unknown): string {
  const known = textUpTo(value);
  if (known !== null) return known;
  throw invalid("an id of it is none");
}

/** Refuses what is in a message twice. */
export function requireOnce(ids: readonly string[]): void {
  if (new Set(ids).size !== ids.length) throw invalid("an id is in it twice");
}
