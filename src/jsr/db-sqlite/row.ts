/**
 * Rows of a stepped statement as arrays and as objects. Must not step.
 *
 * @module
 */

import { readText, sqlite } from "./library.ts";
import { readColumn, type Reading } from "./value.ts";

/** The current row, column by column. */
export function readArray(pointer: Deno.PointerValue, reading: Reading): unknown[] {
  const count = sqlite.sqlite3_column_count(pointer);
  const row: unknown[] = new Array(count);
  for (let i = 0; i < count; i++) row[i] = readColumn(pointer, i, reading);
  return row;
}

/** How to read a row as an object. */
export interface ObjectRead {
  /** Names of the columns in order; of equal ones the last value counts. */
  names: readonly string[];
  /** What becomes of the values. */
  reading: Reading;
  /** What to write the columns into. */
  into: Record<string, unknown>;
}

/** The current row by column name. */
export function readObject(
  pointer: Deno.PointerValue,
  { names, reading, into }: ObjectRead,
): Record<string, unknown> {
  for (let i = 0; i < names.length; i++) {
    into[names[i] as string] = readColumn(pointer, i, reading);
  }
  return into;
}

/** Counter that grows when a changed schema made SQLite compile the statement anew. */
const STATUS_REPREPARE = 5;

/** The names of a statement's columns, read again only when they may have changed. */
export class ColumnNames {
  readonly #keep: boolean;
  #names: string[] | undefined;
  #reprepared = 0;

  /** With `keep` they are read once, even when another connection changes the schema. */
  constructor({ keep }: { keep: boolean }) {
    this.#keep = keep;
  }

  /** To be asked on a row: stepping to it may have compiled the statement anew. */
  of(pointer: Deno.PointerValue): readonly string[] {
    if (this.#names !== undefined && this.#keep) return this.#names;
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
