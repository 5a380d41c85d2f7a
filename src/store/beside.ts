/**
 * Reads a database beside this program's own work, on a connection and a thread of its own: what takes
 * seconds, as reading all of it does, keeps nobody waiting meanwhile. Writes nothing.
 *
 * @module
 */

import { Failure } from "../failure.ts";
import { quotePath } from "../text.ts";
import { storeError } from "./error.ts";

/** SQLITE_OPEN_READONLY. */
const READONLY = 0x1;
const ROW = 100;
const DONE = 101;

/** The C functions; those that take long run on another thread. */
const SYMBOLS = {
  sqlite3_threadsafe: { parameters: [], result: "i32" },
  sqlite3_open_v2: { parameters: ["buffer", "buffer", "i32", "pointer"], result: "i32" },
  sqlite3_busy_timeout: { parameters: ["pointer", "i32"], result: "i32" },
  sqlite3_prepare_v2: {
    parameters: ["pointer", "buffer", "i32", "buffer", "pointer"],
    result: "i32",
  },
  sqlite3_step: { parameters: ["pointer"], result: "i32", nonblocking: true },
  sqlite3_column_text: { parameters: ["pointer", "i32"], result: "pointer" },
  sqlite3_errmsg: { parameters: ["pointer"], result: "pointer" },
  sqlite3_finalize: { parameters: ["pointer"], result: "i32" },
  sqlite3_close_v2: { parameters: ["pointer"], result: "i32" },
} as const;

type Sqlite = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/**
 * The first column of each row of a statement, as text; NULL is empty. For a database that this process
 * has open: the library is loaded by then, and its locks are known to both connections.
 *
 * @throws {Failure} as reading does.
 */
export async function readBeside(path: string, sql: string): Promise<string[]> {
  const library = Deno.dlopen(Deno.env.get("DENO_SQLITE_PATH")!, SYMBOLS);
  try {
    const { symbols } = library;
    if (symbols.sqlite3_threadsafe() === 0) throw wrong(path, "the library knows no threads");
    return await onConnection(symbols, path, (db) => rowsOf(symbols, db, { sql, path }));
  } finally {
    // Whoever opened the database first has it loaded still.
    library.close();
  }
}

async function onConnection<T>(
  sqlite: Sqlite,
  path: string,
  act: (db: Deno.PointerValue) => Promise<T>,
): Promise<T> {
  const handle = new BigUint64Array(1);
  const opened = sqlite.sqlite3_open_v2(text(path), bytes(handle), READONLY, null);
  const db = Deno.UnsafePointer.create(handle[0]!);
  try {
    if (opened !== 0) throw failed(sqlite, db, path);
    sqlite.sqlite3_busy_timeout(db, 5000);
    return await act(db);
  } finally {
    sqlite.sqlite3_close_v2(db);
  }
}

async function rowsOf(
  sqlite: Sqlite,
  db: Deno.PointerValue,
  { sql, path }: { readonly sql: string; readonly path: string },
): Promise<string[]> {
  const handle = new BigUint64Array(1);
  if (sqlite.sqlite3_prepare_v2(db, text(sql), -1, bytes(handle), null) !== 0) {
    throw failed(sqlite, db, path);
  }
  const statement = Deno.UnsafePointer.create(handle[0]!);
  const rows: string[] = [];
  try {
    for (;;) {
      const stepped = await sqlite.sqlite3_step(statement);
      if (stepped === DONE) return rows;
      if (stepped !== ROW) throw failed(sqlite, db, path);
      rows.push(textAt(sqlite.sqlite3_column_text(statement, 0)));
    }
  } finally {
    sqlite.sqlite3_finalize(statement);
  }
}

function failed(sqlite: Sqlite, db: Deno.PointerValue, path: string): unknown {
  const cause = new Error(textAt(sqlite.sqlite3_errmsg(db)));
  const error = storeError(`Cannot read ${quotePath(path)}`, cause);
  return error === cause ? wrong(path, cause.message) : error;
}

function wrong(path: string, reason: string): Failure {
  return new Failure("io", `Cannot read ${quotePath(path)}: ${reason}`, { data: { at: "sqlite" } });
}

function text(value: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${value}\0`);
}

function bytes(handle: BigUint64Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(handle.buffer);
}

function textAt(pointer: Deno.PointerValue): string {
  return pointer === null ? "" : new Deno.UnsafePointerView(pointer).getCString();
}
