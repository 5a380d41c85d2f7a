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
import { ColumnNames, readArray, readObject } from "./row.ts";
import { encodeTerminated } from "./text.ts";
import { type BindParameters, bindValue, type RestBindParameters } from "./value.ts";

/** A prepared statement. Made by `Database.prepare()`; freed by `finalize()` or a `using`. */
export class Statement {
  /** The connection it belongs to. */
  db: Database;

  readonly #handle: StatementHandle;
  readonly #parameterCount: number;
  readonly #parameterIndexes = new Map<string, number>();
  #bound = false;
  readonly #columns = new ColumnNames();
  #sharedRow: Record<string, unknown> | undefined;
  #iteration = 0;
  #failure: number = Result.ok;

  /** Compiles the first statement of `sql`, ASCII only; throws when SQLite can't. */
  constructor(db: Database, sql: string) {
    this.db = db;
    const source = encodeTerminated(sql);
    if (source.byteLength !== sql.length + 1) {
      // The real package passes the length in UTF-16 units for one in bytes and so cuts such
      // statements off at the end. What would break there must not pass here.
      throw new Error(
        `Cannot prepare ${
          JSON.stringify(sql)
        }: it is not plain ASCII. Bind the text as a parameter.`,
      );
    }
    if (db.unsafeHandle === null) throw misuse();
    const out = new BigUint64Array(1);
    checkOn(
      db.unsafeHandle,
      sqlite.sqlite3_prepare_v2(db.unsafeHandle, source, sql.length, out, null),
    );
    const pointer = Deno.UnsafePointer.create(out[0] ?? 0n);
    this.#handle = adoptHandle(pointer, { connection: db, owner: this });
    this.#parameterCount = pointer === null ? 0 : sqlite.sqlite3_bind_parameter_count(pointer);
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
    return this.#parameterCount;
  }

  /** Place of a named parameter, counted from 1; 0 when there is none of that name. */
  bindParameterIndex(name: string): number {
    let index = this.#parameterIndexes.get(name);
    if (index === undefined) {
      const full = /^[:@$]/.test(name) ? name : `:${name}`;
      index = sqlite.sqlite3_bind_parameter_index(this.#pointer(), encodeTerminated(full));
      this.#parameterIndexes.set(name, index);
    }
    return index;
  }

  /** Runs it to its first row or its end; returns `Database.changes`. */
  run(...args: RestBindParameters): number {
    const pointer = this.#begin();
    try {
      this.#bindOnce(args);
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
      this.#bindOnce(args);
      const { int64 } = this.db;
      const rows: T[] = [];
      while (this.#step(pointer)) rows.push(readArray(pointer, int64) as T);
      return rows;
    } finally {
      sqlite.sqlite3_reset(pointer);
    }
  }

  /** All rows, each an object by column name. */
  // deno-lint-ignore no-explicit-any -- the caller names the type of the row
  all<T extends object = Record<string, any>>(...args: RestBindParameters): T[] {
    const pointer = this.#begin();
    try {
      this.#bindOnce(args);
      const { int64 } = this.db;
      const rows: T[] = [];
      let names: readonly string[] | undefined;
      while (this.#step(pointer)) {
        names ??= this.#columns.of(pointer, this.db);
        rows.push(readObject(pointer, { names, int64, into: {} }) as T);
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
      if (!this.#bound) this.#bindOnce(params);
      if (!this.#step(pointer)) return undefined;
      const row = readArray(pointer, this.db.int64) as T;
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
  get<T extends object>(...params: RestBindParameters): T | undefined {
    const pointer = this.#begin();
    try {
      if (!this.#bound) this.#bindOnce(params);
      if (!this.#step(pointer)) return undefined;
      const into = this.#parameterCount === 0 && this.db.unsafeConcurrency
        ? this.#sharedRow ??= {}
        : {};
      const names = this.#columns.of(pointer, this.db);
      const row = readObject(pointer, { names, int64: this.db.int64, into }) as T;
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
      this.#bindAll(params);
      const { int64 } = this.db;
      let names: readonly string[] | undefined;
      while (this.#step(pointer)) {
        names ??= this.#columns.of(pointer, this.db);
        yield readObject(pointer, { names, int64, into: {} });
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
   * Sets the parameters for good; a second time throws. From then on `get()` and `value()` use
   * them. The other methods refuse a bound statement that has parameters, as they do in the real
   * package.
   */
  bind(...params: RestBindParameters): this {
    this.#begin();
    this.#bindAll(params);
    this.#bound = true;
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

  #bindOnce(args: RestBindParameters): void {
    if (this.#parameterCount > 0) this.#bindAll(args);
  }

  #bindAll(args: RestBindParameters): void {
    if (this.#bound) throw new Error("Statement already bound to values");
    const pointer = this.#pointer();
    const [first] = args;
    const params = isParameters(first) ? first : args;
    if (!Array.isArray(params)) {
      sqlite.sqlite3_clear_bindings(pointer);
      for (const [name, value] of Object.entries(params)) {
        const index = this.bindParameterIndex(name);
        if (index === 0) throw new Error(`No such parameter "${name}"`);
        bindValue(pointer, index, value);
      }
      return;
    }
    const count = params.length;
    // When every parameter is bound anew, there is nothing left to clear.
    if (count < this.#parameterCount) sqlite.sqlite3_clear_bindings(pointer);
    for (let i = 0; i < count; i++) {
      const value = params[i];
      // The real package skips null, so one too many passes.
      if (value === null && i >= this.#parameterCount) continue;
      bindValue(pointer, i + 1, value);
    }
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

function isParameters(value: unknown): value is BindParameters {
  return typeof value === "object" && value !== null && !(value instanceof Uint8Array) &&
    !(value instanceof Date);
}
