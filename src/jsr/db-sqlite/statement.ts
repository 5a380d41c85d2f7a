/**
 * A prepared statement: bound, stepped, read, reset. Must not touch transactions, and never
 * leaves a statement half stepped behind, whatever fails.
 *
 * @module
 */

import type { Database } from "./database.ts";
import { check, checkOn, misuse, Result } from "./error.ts";
import { adoptHandle, freeHandle, type StatementHandle } from "./handle.ts";
import { readText, sqlite } from "./library.ts";
import { Parameters } from "./parameters.ts";
import { ColumnNames, readArray, readObject } from "./row.ts";
import { encodeTerminated } from "./text.ts";
import type { Reading, RestBindParameters } from "./value.ts";

/**
 * A prepared statement; `TStatement` is the type of its rows as objects. Made by
 * `Database.prepare()`; freed by `finalize()` or a `using`.
 */
// deno-lint-ignore no-explicit-any -- the caller names the type of the row
export class Statement<TStatement extends object = Record<string, any>> {
  /** The connection it belongs to. */
  db: Database;

  /** Whether this statement reads whole 64-bit integers; as the connection says when undefined. */
  int64?: boolean;

  /** Whether this statement parses JSON; as the connection says when undefined. */
  parseJson?: boolean;

  readonly #handle: StatementHandle;
  readonly #parameters: Parameters;
  readonly #columns: ColumnNames;
  readonly #unsafeConcurrency: boolean;
  #sharedRow: Record<string, unknown> | undefined;
  #iteration = 0;
  #failure: number = Result.ok;

  /** Compiles the first statement of `sql`; throws when SQLite can't. */
  constructor(db: Database, sql: string) {
    this.db = db;
    if (db.unsafeHandle === null) throw misuse();
    const source = encodeTerminated(sql);
    const out = new BigUint64Array(1);
    const code = sqlite.sqlite3_prepare_v2(db.unsafeHandle, source, source.byteLength, out, null);
    checkOn(db.unsafeHandle, code);
    const pointer = Deno.UnsafePointer.create(out[0] ?? 0n);
    this.#handle = adoptHandle(pointer, { connection: db, owner: this });
    this.#parameters = new Parameters(pointer);
    this.#unsafeConcurrency = db.unsafeConcurrency;
    this.#columns = new ColumnNames({ keep: db.unsafeConcurrency });
  }

  /** The SQL as it was given. */
  get sql(): string {
    return readText(sqlite.sqlite3_sql(this.#pointer()));
  }

  /** The SQL with the bound values written in. */
  get expandedSql(): string {
    const text = sqlite.sqlite3_expanded_sql(this.#pointer());
    try {
      return readText(text);
    } finally {
      sqlite.sqlite3_free(text);
    }
  }

  /** True when it writes nothing directly. */
  get readonly(): boolean {
    return sqlite.sqlite3_stmt_readonly(this.#pointer()) !== 0;
  }

  /** How many parameters it has. */
  get bindParameterCount(): number {
    return this.#parameters.count;
  }

  /** Place of a named parameter, counted from 1; 0 when there is none of that name. */
  bindParameterIndex(name: string): number {
    return this.#parameters.indexOf(this.#pointer(), name);
  }

  /** Reads whole 64-bit integers, whatever the connection says. */
  enableInt64(): this {
    this.int64 = true;
    return this;
  }

  /** Cuts integers to 32 bits, whatever the connection says. */
  disableInt64(): this {
    this.int64 = false;
    return this;
  }

  /** Reads integers as the connection says. */
  defaultInt64(): this {
    (this as { int64: boolean | undefined }).int64 = undefined;
    return this;
  }

  /** Parses what SQLite's JSON functions return, whatever the connection says. */
  enableParseJson(): this {
    this.parseJson = true;
    return this;
  }

  /** Leaves JSON a text, whatever the connection says. */
  disableParseJson(): this {
    this.parseJson = false;
    return this;
  }

  /** Parses JSON as the connection says. */
  defaultParseJson(): this {
    (this as { parseJson: boolean | undefined }).parseJson = undefined;
    return this;
  }

  /** Runs it to its first row or its end; returns `Database.changes`. */
  run(...args: RestBindParameters): number {
    const pointer = this.#begin();
    try {
      this.#bind(pointer, args);
      if (this.#step(pointer)) this.#settle(pointer);
      return sqlite.sqlite3_changes(this.db.unsafeHandle);
    } finally {
      sqlite.sqlite3_reset(pointer);
    }
  }

  /** All rows, each an array of columns. */
  // deno-lint-ignore no-explicit-any -- the caller names the types of the columns
  values<T extends unknown[] = any[]>(...args: RestBindParameters): T[] {
    const pointer = this.#begin();
    try {
      this.#bind(pointer, args);
      const reading = this.#reading();
      const rows: T[] = [];
      while (this.#step(pointer)) rows.push(readArray(pointer, reading) as T);
      return rows;
    } finally {
      sqlite.sqlite3_reset(pointer);
    }
  }

  /** All rows, each an object by column name. */
  all<T extends object = TStatement>(...args: RestBindParameters): T[] {
    const pointer = this.#begin();
    try {
      this.#bind(pointer, args);
      const reading = this.#reading();
      const rows: T[] = [];
      let names: readonly string[] | undefined;
      while (this.#step(pointer)) {
        names ??= this.#columns.of(pointer);
        rows.push(readObject(pointer, { names, reading, into: {} }) as T);
      }
      return rows;
    } finally {
      sqlite.sqlite3_reset(pointer);
    }
  }

  /** The first row as an array of columns; undefined without one. Arguments yield to `bind()`. */
  value<T extends Array<unknown>>(...params: RestBindParameters): T | undefined {
    const pointer = this.#begin();
    try {
      if (!this.#parameters.fixed) this.#bind(pointer, params);
      if (!this.#step(pointer)) return undefined;
      const row = readArray(pointer, this.#reading()) as T;
      this.#settle(pointer);
      return row;
    } finally {
      sqlite.sqlite3_reset(pointer);
    }
  }

  /**
   * The first row as an object by column name; undefined without one. Arguments yield to
   * `bind()`. With `unsafeConcurrency`, a statement without parameters returns one and the same
   * object every time.
   */
  get<T extends object = TStatement>(...params: RestBindParameters): T | undefined {
    const pointer = this.#begin();
    try {
      if (!this.#parameters.fixed) this.#bind(pointer, params);
      if (!this.#step(pointer)) return undefined;
      const into = this.#unsafeConcurrency && this.#parameters.count === 0
        ? this.#sharedRow ??= {}
        : {};
      const names = this.#columns.of(pointer);
      const row = readObject(pointer, { names, reading: this.#reading(), into }) as T;
      this.#settle(pointer);
      return row;
    } finally {
      sqlite.sqlite3_reset(pointer);
    }
  }

  /** The rows one by one, as objects. The statement must not be used in between. */
  // deno-lint-ignore no-explicit-any -- as in the real package
  *iter(...params: RestBindParameters): IterableIterator<any> {
    let pointer = this.#begin();
    const iteration = ++this.#iteration;
    try {
      this.#parameters.bind(pointer, params);
      const reading = this.#reading();
      let names: readonly string[] | undefined;
      while (this.#step(pointer)) {
        names ??= this.#columns.of(pointer);
        yield readObject(pointer, { names, reading, into: {} });
        pointer = this.#pointer();
      }
    } finally {
      // By now it may have been finalized, or be in use again.
      if (this.#handle.pointer !== null && iteration === this.#iteration) {
        sqlite.sqlite3_reset(pointer);
      }
    }
  }

  /**
   * Sets the parameters for good; a second time throws. `get()` and `value()` use them; the other
   * methods refuse a bound statement that has parameters, as they do in the real package.
   */
  bind(...params: RestBindParameters): this {
    this.#parameters.fix(this.#begin(), params);
    return this;
  }

  /**
   * Frees the statement; more than once does nothing. When its last use failed, this throws that
   * failure once more as a SqliteError, as in the real package: mind it with `using`.
   */
  finalize(): void {
    const failure = this.#handle.pointer === null ? Result.ok : this.#failure;
    freeHandle(this.#handle);
    check(failure);
  }

  /** Same as {@link Statement.expandedSql}. */
  toString(): string {
    return this.expandedSql;
  }

  /** Same as {@link Statement.iter} without parameters. */
  // deno-lint-ignore no-explicit-any -- as in the real package
  [Symbol.iterator](): IterableIterator<any> {
    return this.iter();
  }

  /** Same as {@link Statement.finalize}. */
  [Symbol.dispose](): void {
    this.finalize();
  }

  #pointer(): Deno.PointerValue {
    const { pointer } = this.#handle;
    if (pointer === null) throw misuse();
    return pointer;
  }

  /** Every use starts here: an iteration that was left open must not go on underneath it. */
  #begin(): Deno.PointerValue {
    const pointer = this.#pointer();
    this.#failure = Result.ok;
    if (this.#iteration > 0) {
      this.#iteration++;
      sqlite.sqlite3_reset(pointer);
    }
    return pointer;
  }

  /** A statement without parameters takes no notice of values. */
  #bind(pointer: Deno.PointerValue, args: RestBindParameters): void {
    if (this.#parameters.count > 0) this.#parameters.bind(pointer, args);
  }

  #reading(): Reading {
    const { db } = this;
    return { int64: this.int64 ?? db.int64, parseJson: this.parseJson ?? db.parseJson };
  }

  /** True on a row, false at the end. */
  #step(pointer: Deno.PointerValue): boolean {
    const code = sqlite.sqlite3_step(pointer);
    if (code === Result.row) return true;
    if (code === Result.done) return false;
    this.#failure = code;
    checkOn(this.db.unsafeHandle, code);
    return false;
  }

  /** Ends a statement that has rows left. What it wrote is committed here, which can fail. */
  #settle(pointer: Deno.PointerValue): void {
    checkOn(this.db.unsafeHandle, sqlite.sqlite3_reset(pointer));
  }
}
