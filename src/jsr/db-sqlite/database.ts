/**
 * A connection to a database. Must not outlive `close()`: from then on everything throws.
 *
 * @module
 */

import { check, checkOn, misuse } from "./error.ts";
import { freeHandlesOf } from "./handle.ts";
import { readText, sqlite } from "./library.ts";
import { Statement } from "./statement.ts";
import { encodeTerminated } from "./text.ts";
import { type Transaction, wrapTransaction } from "./transaction.ts";
import type { RestBindParameters } from "./value.ts";

/** How to open a database. */
export interface DatabaseOpenOptions {
  /** Opens for reading only; false by default. */
  readonly?: boolean;
  /** Makes the file when there is none; true by default. */
  create?: boolean;
  /** SQLite's own open flags; the options above and `memory` are ignored then. */
  flags?: number;
  /** Keeps the database in memory. */
  memory?: boolean;
  /** Reads whole 64-bit integers; false by default, which cuts them to 32 bits. */
  int64?: boolean;
  /** Saves work that only matters when other connections change the schema; false by default. */
  unsafeConcurrency?: boolean;
  /** Parses what SQLite's JSON functions return; true by default. */
  parseJson?: boolean;
}

const OpenFlag = { readonly: 0x1, readwrite: 0x2, create: 0x4, memory: 0x80 } as const;

/** An open database; not disposable, so close it. */
export class Database {
  /** Whether integers are read with 64 bits. */
  int64: boolean;

  /** Whether what SQLite's JSON functions return is parsed. */
  parseJson: boolean;

  /** Whether column names are kept although other connections might change the schema. */
  unsafeConcurrency: boolean;

  readonly #path: string;
  #handle: Deno.PointerValue = null;

  /** Opens a path, a `file:` URL or `:memory:`; throws SqliteError when SQLite can't. */
  constructor(path: string | URL, options: DatabaseOpenOptions = {}) {
    this.#path = path instanceof URL ? pathOf(path) : path;
    this.int64 = options.int64 ?? false;
    this.parseJson = options.parseJson ?? true;
    this.unsafeConcurrency = options.unsafeConcurrency ?? false;
    const out = new BigUint64Array(1);
    const name = encodeTerminated(this.#path);
    const code = sqlite.sqlite3_open_v2(name, out, flagsOf(options), null);
    const handle = Deno.UnsafePointer.create(out[0] ?? 0n);
    // Also a connection that could not be opened holds memory.
    if (code !== 0) sqlite.sqlite3_close_v2(handle);
    check(code);
    this.#handle = handle;
  }

  /** False once closed. */
  get open(): boolean {
    return this.#handle !== null;
  }

  /** `sqlite3*`; null once closed. */
  get unsafeHandle(): Deno.PointerValue {
    return this.#handle;
  }

  /** The path it was opened with. */
  get path(): string {
    return this.#path;
  }

  /** Rows that the last INSERT, UPDATE or DELETE changed. */
  get changes(): number {
    return sqlite.sqlite3_changes(this.#pointer());
  }

  /** Rows changed since it was opened. */
  get totalChanges(): number {
    return sqlite.sqlite3_total_changes(this.#pointer());
  }

  /** Row id of the last INSERT, cut to 32 bits. */
  get lastInsertRowId(): number {
    return sqlite.sqlite3_last_insert_rowid(this.#pointer());
  }

  /** True outside of transactions. */
  get autocommit(): boolean {
    return sqlite.sqlite3_get_autocommit(this.#pointer()) === 1;
  }

  /** True inside of a transaction. */
  get inTransaction(): boolean {
    return this.open && !this.autocommit;
  }

  /** Prepares one statement, to be run many times; `T` is the type of its rows as objects. */
  // deno-lint-ignore no-explicit-any -- the caller names the type of the row
  prepare<T extends object = Record<string, any>>(sql: string): Statement<T> {
    return new Statement<T>(this, sql);
  }

  /**
   * Runs SQL and drops its rows; returns {@link Database.changes}. Several statements are possible
   * as long as there are no parameters. Throws an Error with SQLite's message.
   */
  exec(sql: string, ...params: RestBindParameters): number {
    if (params.length > 0) return this.#once(sql, (statement) => statement.run(...params));
    const out = new BigUint64Array(1);
    const code = sqlite.sqlite3_exec(this.#pointer(), encodeTerminated(sql), null, null, out);
    const message = Deno.UnsafePointer.create(out[0] ?? 0n);
    if (message !== null) {
      const text = readText(message);
      sqlite.sqlite3_free(message);
      throw new Error(text);
    }
    check(code);
    return this.changes;
  }

  /** Same as {@link Database.exec}. */
  run(sql: string, ...params: RestBindParameters): number {
    return this.exec(sql, ...params);
  }

  /** All rows of a query written as a template; its values are bound, not pasted. */
  // deno-lint-ignore no-explicit-any -- an interface is not assignable to a record of unknown
  sql<T extends Record<string, any> = Record<string, any>>(
    strings: TemplateStringsArray,
    ...parameters: RestBindParameters
  ): T[] {
    return this.#once(strings.join("?"), (statement) => statement.all<T>(...parameters));
  }

  /**
   * Wraps a function in a transaction, or in a savepoint when called inside of one: committed
   * when it returns, undone when it throws. A promise is not waited for.
   */
  // deno-lint-ignore no-explicit-any -- any function will do
  transaction<T extends (this: Transaction<T>, ...args: any[]) => void>(fn: T): Transaction<T> {
    return wrapTransaction(this, fn);
  }

  /** Frees all its statements and closes it; more than once does nothing. */
  close(): void {
    if (this.#handle === null) return;
    freeHandlesOf(this);
    check(sqlite.sqlite3_close_v2(this.#handle));
    this.#handle = null;
  }

  /**
   * Copies this database over schema `name` of another connection: `pages` of it, or all when
   * negative. Throws when either is busy.
   */
  backup(dest: Database, name = "main", pages = -1): void {
    const target = dest.#pointer();
    const backup = sqlite.sqlite3_backup_init(
      target,
      encodeTerminated(name),
      this.#pointer(),
      encodeTerminated("main"),
    );
    if (backup === null) return checkOn(target, sqlite.sqlite3_errcode(target));
    const stepped = sqlite.sqlite3_backup_step(backup, pages);
    // Finished whatever happened, or the target would stay locked.
    const finished = sqlite.sqlite3_backup_finish(backup);
    check(stepped);
    check(finished);
  }

  #pointer(): Deno.PointerValue {
    if (this.#handle === null) throw misuse();
    return this.#handle;
  }

  /** Frees the statement right away, not when the garbage collector comes to it. */
  #once<R>(sql: string, use: (statement: Statement) => R): R {
    const statement = this.prepare(sql);
    try {
      return use(statement);
    } finally {
      freeQuietly(statement);
    }
  }
}

/** True when the text ends with a complete statement, semicolon included. */
export function isComplete(statement: string): boolean {
  return sqlite.sqlite3_complete(encodeTerminated(statement)) !== 0;
}

/** `finalize()` repeats a failure that has been thrown already. */
function freeQuietly(statement: Statement): void {
  try {
    statement.finalize();
  } catch {
    // The statement is freed all the same.
  }
}

function flagsOf(options: DatabaseOpenOptions): number {
  if (options.flags !== undefined) return options.flags;
  const memory = options.memory ? OpenFlag.memory : 0;
  if (options.readonly) return OpenFlag.readonly | memory;
  const create = options.create ?? true ? OpenFlag.create : 0;
  return OpenFlag.readwrite | create | memory;
}

function pathOf(url: URL): string {
  if (url.protocol !== "file:") {
    throw new TypeError(`URL must be a file URL: received "${url.protocol}"`);
  }
  // A percent sign that begins no escape stands for itself.
  return decodeURIComponent(url.pathname.replace(/%(?![0-9A-Fa-f]{2})/g, "%25"));
}
