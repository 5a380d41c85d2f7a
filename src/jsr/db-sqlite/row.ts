/**
 * Rows of a stepped statement as arrays and as objects. Must not step.
 *
 * @module
 */

import { readText, sqlite } from "./library.ts";
import { readColumn } from "./value.ts";

/** The current row, column by column. */
export function readArray(pointer: Deno.PointerValue, int64: boolean): unknown[] {
  const count = sqlite.sqlite3_column_count(pointer);
  const row: unknown[] = new Array(count);
  for (let i = 0; i < count; i++) row[i] = readColumn(pointer, i, int64);
  return row;
}

/** How to read a row as an object. */
export interface ObjectRead {
  /** Names of the columns in order; of equal ones the last value counts. */
  names: readonly string[];
  /** Whether integers are read with 64 bits. */
  int64: boolean;
  /** What to write the columns into. */
  into: Record<string, unknown>;
}

/** The current row by column name. */
export function readObject(
  pointer: Deno.PointerValue,
  { names, int64, into }: ObjectRead,
): Record<string, unknown> {
  for (let i = 0; i < names.length; i++) {
    into[names[i] as string] = readColumn(pointer, i, int64);
  }
  return into;
}

/** Counter that grows when a changed schema made SQLite compile the statement anew. */
const STATUS_REPREPARE = 5;

/** The names of a statement's columns, read again only when they may have changed. */
export class ColumnNames {
  #names: string[] | undefined;
  #reprepared = 0;

  /** To be asked on a row: stepping to it may have compiled the statement anew. */
  of(
    pointer: Deno.PointerValue,
    { unsafeConcurrency }: { unsafeConcurrency: boolean },
  ): readonly string[] {
    if (this.#names !== undefined && unsafeConcurrency) return this.#names;
    const reprepared = sqlite.sqlite3_stmt_status(pointer, STATUS_REPREPARE, 0);
    if (this.#names === undefined || reprepared !== this.#reprepared) {
      this.#names = Array.from(
        { length: sqlite.sqlite3_column_count(pointer) },
        (_, i) => readText(sqlite.sqlite3_column_name(pointer, i)),
      );
      this.#reprepared = reprepared;
    }
    return this.#names;
  }
}
