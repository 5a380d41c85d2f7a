/**
 * How a thing that a host tells is read: the fields that are known, each held against what it may
 * hold, as one text that is the same on both sides. Does no I/O and trusts nothing.
 *
 * @module
 */

import { Failure } from "../failure.ts";
import type { Holds } from "../model/columns.ts";
import { sha256Text } from "../secret.ts";

/** What each field may hold; `list`: a JSON array. */
export type ToldFields = Readonly<Record<string, Holds | "list">>;

/** A thing as it is kept: its text, and what tells it from every other one. */
export interface ToldBody {
  /** The fields, those that were not told as null. */
  readonly told: Readonly<Record<string, unknown>>;
  /** What was told of them as JSON, in their order. */
  readonly body: string;
  /** Of the body. */
  readonly hash: string;
}

/** Longest id and name that is taken, UTF-16 units. */
export const MAX_NAME = 1024;

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;

/** Longest body that is taken, UTF-16 units. */
export const MAX_BODY = 64 * 1024;

/**
 * The thing that a JSON value is. Fields that are not known are kept out, and one that is not there is
 * left out of the body, for a program of another version may not know it: it compares what is kept by
 * what it told.
 *
 * @throws {Failure} `invalid`
 */
export function toldBody(
  value: unknown,
  { fields, thing }: { readonly fields: ToldFields; readonly thing: string },
): ToldBody {
  if (!isObject(value)) throw invalid("it is no object", thing);
  const known = entriesOf(fields);
  const isWhole = hasJust(known, value);
  const told = isWhole ? value : pick(known, value);
  for (const [field, holds] of known) {
    if (!fits(told[field], holds)) throw invalid(`its ${field} is not what it should be`, thing);
  }
  const body = JSON.stringify(isWhole ? value : thereOf(known, value));
  if (body.length > MAX_BODY) throw invalid(`it is longer than ${MAX_BODY} characters`, thing);
  return { told, body, hash: sha256Text(body) };
}

/** Whether its fields are those that are known, in their order. */
function hasJust(known: Known, value: Record<string, unknown>): boolean {
  const names = Object.keys(value);
  return names.length === known.length &&
    known.every(([field], i) => names[i] === field && value[field] !== undefined);
}

function pick(known: Known, value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(known.map(([field]) => [field, value[field] ?? null]));
}

/** The known fields that are there. */
function thereOf(known: Known, value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    known.filter(([field]) => value[field] !== undefined).map(([field]) => [field, value[field]]),
  );
}

type Known = readonly (readonly [string, Holds | "list"])[];

const ENTRIES = new WeakMap<ToldFields, Known>();

/** Taken apart once, not for each of a million rows. */
function entriesOf(fields: ToldFields): Known {
  const known = ENTRIES.get(fields) ?? Object.entries(fields);
  ENTRIES.set(fields, known);
  return known;
}

/** A field that holds a name. */
export interface NamedField {
  /** What it is called. */
  readonly field: string;
  /** Whose it is. */
  readonly thing: string;
  /** How long it may be, UTF-16 units. */
  readonly most?: number;
}

/** Longest kind, state and health that is taken, UTF-16 units: by them all is counted. */
export const MAX_WORD = 64;

/**
 * Of a thing a name or id, which it must have.
 *
 * @throws {Failure} `invalid`
 */
export function nameOf(
  { told }: Pick<ToldBody, "told">,
  { field, thing, most = MAX_NAME }: NamedField,
): string {
  const name = textUpTo(told[field], most);
  if (name !== null) return name;
  throw invalid(`its ${field} is empty, too long or has a zero byte`, thing);
}

/** A text that is not empty, no longer and without a zero byte; null: it is none. */
export function textUpTo(value: unknown, most: number = MAX_NAME): string | null {
  return typeof value === "string" && value !== "" && value.length <= most && !value.includes("\0")
    ? value.toWellFormed()
    : null;
}

/**
 * Of a thing a name or id that it need not have.
 *
 * @throws {Failure} `invalid`
 */
export function nameOrNull(body: Pick<ToldBody, "told">, which: NamedField): string | null {
  const name = body.told[which.field];
  return name === null || name === "" ? null : nameOf(body, which);
}

/** What a set of things is compared by, whatever their order. */
export function digestOf(hashes: Iterable<string>): string {
  return sha256Text([...hashes].sort().join(""));
}

/** Whether a JSON value is an object, and no array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The longest time from the Unix epoch that a date can have, milliseconds. */
export const MAX_TIME = 8.64e15;

/** Whether a JSON value is network → address, or null where it has none. */
export function isAddresses(value: unknown): boolean {
  return isObject(value) &&
    Object.values(value).every((address) => address === null || typeof address === "string");
}

/** RFC 3339 UTC, of a day that there is: one that can't be reckoned with would fail for who reads. */
export function isTime(value: unknown): value is string {
  return typeof value === "string" && TIME.test(value) && !Number.isNaN(Date.parse(value));
}

/** Why a thing, or the whole of a message, is not taken. */
export function invalid(reason: string, thing = "the message"): Failure {
  return new Failure("invalid", `Cannot take ${thing}: ${reason}`, { data: {} });
}

function fits(value: unknown, holds: Holds | "list"): boolean {
  // What is not told is told as nothing: by an older program.
  if (value === null) return true;
  switch (holds) {
    case "boolean":
      return typeof value === "boolean";
    case "integer":
    case "integer or null":
      return Number.isSafeInteger(value);
    case "time":
    case "time or null":
    case "seconds or null":
      return isTime(value);
    case "addresses":
      return isAddresses(value);
    case "object or null":
      return isObject(value);
    case "list":
      return Array.isArray(value);
    default:
      // Half a character is none that a link of the dashboard could have.
      return typeof value === "string" && value.isWellFormed();
  }
}
