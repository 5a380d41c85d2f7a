/**
 * SQLite's C functions, from the shared library that the environment variable `DENO_SQLITE_PATH`
 * names, opened when this module is first imported. Must not look for the library anywhere else
 * and must not download one.
 *
 * @module
 */

const PATH_VARIABLE = "DENO_SQLITE_PATH";

/** The C functions that are used, as `Deno.dlopen` wants them described. */
export const symbols = {
  sqlite3_initialize: { parameters: [], result: "i32" },
  sqlite3_libversion: { parameters: [], result: "pointer" },
  sqlite3_sourceid: { parameters: [], result: "pointer" },
  sqlite3_complete: { parameters: ["buffer"], result: "i32" },
  sqlite3_free: { parameters: ["pointer"], result: "void" },
  sqlite3_errmsg: { parameters: ["pointer"], result: "pointer" },
  sqlite3_errstr: { parameters: ["i32"], result: "pointer" },
  sqlite3_errcode: { parameters: ["pointer"], result: "i32" },
  sqlite3_open_v2: { parameters: ["buffer", "buffer", "i32", "pointer"], result: "i32" },
  sqlite3_close_v2: { parameters: ["pointer"], result: "i32" },
  sqlite3_exec: {
    parameters: ["pointer", "buffer", "pointer", "pointer", "buffer"],
    result: "i32",
  },
  sqlite3_changes: { parameters: ["pointer"], result: "i32" },
  sqlite3_total_changes: { parameters: ["pointer"], result: "i32" },
  // The real package reads 32 bits of the 64 as well.
  sqlite3_last_insert_rowid: { parameters: ["pointer"], result: "i32" },
  sqlite3_get_autocommit: { parameters: ["pointer"], result: "i32" },
  sqlite3_prepare_v2: {
    parameters: ["pointer", "buffer", "i32", "buffer", "pointer"],
    result: "i32",
  },
  sqlite3_step: { parameters: ["pointer"], result: "i32" },
  sqlite3_reset: { parameters: ["pointer"], result: "i32" },
  sqlite3_finalize: { parameters: ["pointer"], result: "i32" },
  sqlite3_clear_bindings: { parameters: ["pointer"], result: "i32" },
  sqlite3_stmt_readonly: { parameters: ["pointer"], result: "i32" },
  sqlite3_stmt_status: { parameters: ["pointer", "i32", "i32"], result: "i32" },
  sqlite3_sql: { parameters: ["pointer"], result: "pointer" },
  sqlite3_expanded_sql: { parameters: ["pointer"], result: "pointer" },
  sqlite3_bind_parameter_count: { parameters: ["pointer"], result: "i32" },
  sqlite3_bind_parameter_index: { parameters: ["pointer", "buffer"], result: "i32" },
  sqlite3_bind_null: { parameters: ["pointer", "i32"], result: "i32" },
  sqlite3_bind_int: { parameters: ["pointer", "i32", "i32"], result: "i32" },
  sqlite3_bind_int64: { parameters: ["pointer", "i32", "i64"], result: "i32" },
  sqlite3_bind_double: { parameters: ["pointer", "i32", "f64"], result: "i32" },
  sqlite3_bind_text: {
    parameters: ["pointer", "i32", "pointer", "i32", "pointer"],
    result: "i32",
  },
  sqlite3_bind_blob: {
    parameters: ["pointer", "i32", "buffer", "i32", "pointer"],
    result: "i32",
  },
  sqlite3_column_count: { parameters: ["pointer"], result: "i32" },
  sqlite3_column_name: { parameters: ["pointer", "i32"], result: "pointer" },
  sqlite3_column_type: { parameters: ["pointer", "i32"], result: "i32" },
  sqlite3_column_int: { parameters: ["pointer", "i32"], result: "i32" },
  sqlite3_column_int64: { parameters: ["pointer", "i32"], result: "i64" },
  sqlite3_column_double: { parameters: ["pointer", "i32"], result: "f64" },
  sqlite3_column_text: { parameters: ["pointer", "i32"], result: "pointer" },
  sqlite3_column_blob: { parameters: ["pointer", "i32"], result: "pointer" },
  sqlite3_column_bytes: { parameters: ["pointer", "i32"], result: "i32" },
  sqlite3_column_value: { parameters: ["pointer", "i32"], result: "pointer" },
  sqlite3_value_subtype: { parameters: ["pointer"], result: "i32" },
  sqlite3_backup_init: {
    parameters: ["pointer", "buffer", "pointer", "buffer"],
    result: "pointer",
  },
  sqlite3_backup_step: { parameters: ["pointer", "i32"], result: "i32" },
  sqlite3_backup_finish: { parameters: ["pointer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** SQLite's functions under their own names. */
export const sqlite: Deno.DynamicLibrary<typeof symbols>["symbols"] = load();

/** Version of the loaded library, such as `3.40.1`. */
export const SQLITE_VERSION: string = readText(sqlite.sqlite3_libversion());

/** Date and hash of the sources the loaded library was built from. */
export const SQLITE_SOURCEID: string = readText(sqlite.sqlite3_sourceid());

/** Copies a NUL-terminated UTF-8 text; a null pointer is the empty text. */
export function readText(pointer: Deno.PointerValue): string {
  return pointer === null ? "" : Deno.UnsafePointerView.getCString(pointer);
}

function load(): Deno.DynamicLibrary<typeof symbols>["symbols"] {
  const path = libraryPath();
  let library: Deno.DynamicLibrary<typeof symbols>["symbols"];
  try {
    library = Deno.dlopen(path, symbols).symbols;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    throw new Error("Failed to load SQLite3 Dynamic Library", { cause: error });
  }
  const code = library.sqlite3_initialize();
  if (code !== 0) throw new Error(`Failed to initialize SQLite3: ${code}`);
  return library;
}

function libraryPath(): string {
  const path = Deno.env.get(PATH_VARIABLE);
  if (path) return path;
  throw new Error(
    `Cannot load SQLite: ${PATH_VARIABLE} is not set. Set it to SQLite's shared library before ` +
      `"@db/sqlite" is imported, for example ${PATH_VARIABLE}=libsqlite3.so.0 (on Debian and ` +
      "Ubuntu: apt-get install libsqlite3-0).",
  );
}
