/**
 * Values on their way into a statement and out of a row. Must not step, reset or finalize.
 * These functions run once for each value, so they take their arguments as SQLite's own do, without
 * an options object.
 *
 * @module
 */

import { check } from "./error.ts";
import { sqlite } from "./library.ts";
import { bindText, COPY } from "./text.ts";

/**
 * What can be bound. Objects and arrays are bound as JSON, dates as ISO text, booleans as 0 and
 * 1, NaN and undefined as NULL. Symbols throw, although the type lets them pass.
 */
export type BindValue =
  | number
  | string
  | symbol
  | bigint
  | boolean
  | null
  | undefined
  | Date
  | Uint8Array
  | BindValue[]
  | { [key: string]: BindValue };

/** Values by position, or by name with or without `:`, `@` or `$` (`:` is assumed). */
export type BindParameters = BindValue[] | Record<string, BindValue>;

/** Values by position as arguments, or one array or record of them. */
export type RestBindParameters = BindValue[] | [BindParameters];

const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;

/** An empty buffer reaches C as a null pointer, which would bind NULL. */
const NOT_NULL = new Uint8Array(1);

/** Binds one value, counted from 1; throws SqliteError when SQLite refuses it. */
export function bindValue(statement: Deno.PointerValue, index: number, value: BindValue): void {
  const code = bindCode(statement, index, value);
  if (code !== 0) check(code);
}

function bindCode(statement: Deno.PointerValue, index: number, value: BindValue): number {
  switch (typeof value) {
    case "string":
      return bindText(statement, index, value);
    case "number":
      if (!Number.isInteger(value)) return sqlite.sqlite3_bind_double(statement, index, value);
      if (value >= INT32_MIN && value <= INT32_MAX) {
        return sqlite.sqlite3_bind_int(statement, index, value);
      }
      return bindInt64(statement, index, BigInt(value));
    case "bigint":
      return bindInt64(statement, index, value);
    case "boolean":
      return sqlite.sqlite3_bind_int(statement, index, value ? 1 : 0);
    case "object":
      if (value === null) return sqlite.sqlite3_bind_null(statement, index);
      if (value instanceof Uint8Array) return bindBlob(statement, index, value);
      if (value instanceof Date) return bindText(statement, index, value.toISOString());
      return bindText(statement, index, `${JSON.stringify(value)}`);
    case "undefined":
      return sqlite.sqlite3_bind_null(statement, index);
    default:
      throw new Error(`Value of unsupported type: ${Deno.inspect(value)}`);
  }
}

function bindInt64(statement: Deno.PointerValue, index: number, value: bigint): number {
  if (BigInt.asIntN(64, value) !== value) {
    throw new RangeError(`Cannot bind ${value}: it does not fit into 64 bits. Bind it as a text.`);
  }
  return sqlite.sqlite3_bind_int64(statement, index, value);
}

function bindBlob(statement: Deno.PointerValue, index: number, value: Uint8Array): number {
  const bytes = value.byteLength === 0 ? NOT_NULL : value as Uint8Array<ArrayBuffer>;
  return sqlite.sqlite3_bind_blob(statement, index, bytes, value.byteLength, COPY);
}

/** SQLite's storage classes. */
const Kind = { integer: 1, float: 2, text: 3, blob: 4 } as const;

/** How SQLite marks a text that its JSON functions made. */
const JSON_SUBTYPE = 74;

/** What becomes of values that SQLite and JavaScript see differently. */
export interface Reading {
  /** Reads integers with 64 bits: numbers where exact, bigints otherwise. Else cuts them to 32. */
  readonly int64: boolean;
  /** Parses what SQLite's JSON functions return. */
  readonly parseJson: boolean;
}

/** Reads a column of the current row, counted from 0. Texts end at the first NUL. */
export function readColumn(
  statement: Deno.PointerValue,
  index: number,
  { int64, parseJson }: Reading,
): unknown {
  switch (sqlite.sqlite3_column_type(statement, index)) {
    case Kind.text:
      return readTextColumn(statement, index, parseJson);
    case Kind.integer:
      return int64 ? readInt64(statement, index) : sqlite.sqlite3_column_int(statement, index);
    case Kind.float:
      return sqlite.sqlite3_column_double(statement, index);
    case Kind.blob:
      return readBlob(statement, index);
    default:
      return null;
  }
}

function readTextColumn(
  statement: Deno.PointerValue,
  index: number,
  parseJson: boolean,
): unknown {
  const pointer = sqlite.sqlite3_column_text(statement, index);
  if (pointer === null) return null;
  const text = Deno.UnsafePointerView.getCString(pointer);
  if (!parseJson || !mayBeJson(text)) return text;
  const value = sqlite.sqlite3_column_value(statement, index);
  if (sqlite.sqlite3_value_subtype(value) !== JSON_SUBTYPE) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Spares most texts the question for their subtype: what no JSON begins with can't be parsed. */
function mayBeJson(text: string): boolean {
  switch (text.charCodeAt(0)) {
    case 0x7b: // {
    case 0x5b: // [
    case 0x22: // "
    case 0x2d: // -
    case 0x66: // false
    case 0x6e: // null
    case 0x74: // true
    case 0x09:
    case 0x0a:
    case 0x0d:
    case 0x20:
      return true;
    default: {
      const first = text.charCodeAt(0);
      return first >= 0x30 && first <= 0x39;
    }
  }
}

/** A double holds every safe integer and costs no bigint, so it is asked first. */
function readInt64(statement: Deno.PointerValue, index: number): number | bigint {
  const value = sqlite.sqlite3_column_double(statement, index);
  if (Number.isSafeInteger(value)) return value;
  return sqlite.sqlite3_column_int64(statement, index);
}

function readBlob(statement: Deno.PointerValue, index: number): Uint8Array<ArrayBuffer> {
  const pointer = sqlite.sqlite3_column_blob(statement, index);
  if (pointer === null) return new Uint8Array();
  // Not a copy of a buffer over SQLite's memory: the garbage collector counts that one as well, and
  // comes as often again.
  const bytes = new Uint8Array(sqlite.sqlite3_column_bytes(statement, index));
  Deno.UnsafePointerView.copyInto(pointer, bytes);
  return bytes;
}
