/**
 * `Database` of `@db/sqlite`: opening, running SQL, copying, two connections, closing. Must hold for
 * the real package as well.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { join, toFileUrl } from "@std/path";
import { loadSqlite } from "./sqlite_library.ts";

const { Database, isComplete, SQLITE_SOURCEID, SQLITE_VERSION, SqliteError } = await loadSqlite();

/** Runs `body` with a directory of its own. */
function withDirectory(body: (directory: string) => void): void {
  const directory = Deno.makeTempDirSync({ prefix: "sqlite-" });
  try {
    body(directory);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("SQLITE_VERSION and SQLITE_SOURCEID tell which library is loaded", () => {
  const db = new Database(":memory:");
  assertEquals(db.prepare("select sqlite_version(), sqlite_source_id()").value(), [
    SQLITE_VERSION,
    SQLITE_SOURCEID,
  ]);
  assertMatch(SQLITE_VERSION, /^3\.\d+\.\d+/);
  db.close();
});

Deno.test("Database opens a path and a file URL, whatever characters they hold", () => {
  withDirectory((directory) => {
    const path = join(directory, "a b %41#é.db");
    const byPath = new Database(path);
    byPath.exec("create table t (x); insert into t values (1)");
    assertEquals(byPath.path, path);
    byPath.close();
    const byUrl = new Database(toFileUrl(path));
    assertEquals(byUrl.path, path);
    assertEquals(byUrl.prepare("select x from t").value(), [1]);
    byUrl.close();
    assertEquals([...Deno.readDirSync(directory)].map(({ name }) => name), ["a b %41#é.db"]);
  });
  assertThrows(() => new Database(new URL("https://example.org/x.db")), TypeError);
});

Deno.test("Database keeps a database with `memory` off the disk", () => {
  withDirectory((directory) => {
    const db = new Database(join(directory, "x.db"), { memory: true });
    db.exec("create table t (x)");
    db.close();
    assertEquals([...Deno.readDirSync(directory)], []);
  });
});

Deno.test("Database refuses to make a file with `create: false`", () => {
  withDirectory((directory) => {
    const path = join(directory, "x.db");
    const error = assertThrows(() => new Database(path, { create: false }), SqliteError);
    assertEquals(error.code, 14);
    assertEquals(error.message, "14: unable to open database file");
    assertEquals(error.name, "SqliteError");
    assertThrows(() => Deno.statSync(path), Deno.errors.NotFound);
    new Database(path).close();
    new Database(path, { create: false }).close();
  });
});

Deno.test("Database with `readonly` reads, refuses writes and makes no file", () => {
  withDirectory((directory) => {
    const path = join(directory, "x.db");
    assertThrows(() => new Database(path, { readonly: true }), SqliteError, "14: ");
    const writer = new Database(path);
    writer.exec("create table t (x); insert into t values (1)");
    writer.close();
    const reader = new Database(path, { readonly: true });
    assertEquals(reader.prepare("select x from t").value(), [1]);
    assertThrows(
      () => reader.exec("insert into t values (2)"),
      Error,
      "attempt to write a readonly database",
    );
    assertThrows(
      () => reader.exec("insert into t values (?)", 2),
      Error,
      "attempt to write a readonly database",
    );
    reader.close();
  });
});

Deno.test("Database says at the first use that a file is no database", () => {
  withDirectory((directory) => {
    const path = join(directory, "x.db");
    Deno.writeTextFileSync(path, "not a database, but long enough to be looked at ".repeat(100));
    const db = new Database(path);
    assertThrows(() => db.exec("select * from sqlite_master"), Error, "file is not a database");
    db.close();
  });
});

Deno.test("exec() runs several statements and returns the changes of the last change", () => {
  const db = new Database(":memory:");
  assertEquals(db.exec("create table t (x); insert into t values (1), (2), ('é;')"), 3);
  assertEquals(db.run("delete from t where x > 1"), 2);
  assertEquals(db.exec("insert into t values (?), (?)", "a", "b"), 2);
  assertEquals(db.exec("insert into t values (:x)", { x: "c" }), 1);
  assertEquals(db.exec("insert into t values (?)", ["d"]), 1);
  assertEquals(db.prepare("select x from t").values(), [[1], ["a"], ["b"], ["c"], ["d"]]);
  db.close();
});

Deno.test("exec() keeps what ran before the statement that fails", () => {
  const db = new Database(":memory:");
  const error = assertThrows(
    () => db.exec("create table t (x unique); insert into t values (1), (1); create table u (x)"),
    Error,
    "UNIQUE constraint failed: t.x",
  );
  assertEquals(error.name, "Error");
  assertEquals(db.prepare("select name from sqlite_master where type = 'table'").value(), ["t"]);
  assertThrows(() => db.exec("insert into t values (?), (?)", 2, 2), Error, "UNIQUE constraint");
  assertThrows(() => db.exec("nonsense"), Error, 'near "nonsense": syntax error');
  db.close();
});

Deno.test("prepare() fails with SQLite's message and takes the first of several statements", () => {
  const db = new Database(":memory:");
  assertThrows(() => db.prepare("select * from nowhere"), Error, "no such table: nowhere");
  assertEquals(db.prepare("select 1; select 2").value(), [1]);
  const nothing = db.prepare("-- only a comment");
  assertThrows(() => nothing.run(), SqliteError, "21: ");
  nothing.finalize();
  db.close();
});

Deno.test("sql`` binds its values", () => {
  const db = new Database(":memory:");
  assertEquals(db.sql`select ${1} as a, ${"'; drop"} as b, ${new Uint8Array([1])} as c`, [
    { a: 1, b: "'; drop", c: new Uint8Array([1]) },
  ]);
  assertEquals(db.sql`select 1 as a`, [{ a: 1 }]);
  assertThrows(() => db.sql`select * from nowhere where x = ${1}`, Error, "no such table");
  db.close();
});

Deno.test("Database counts changes, rows ever changed and the last row id", () => {
  const db = new Database(":memory:");
  db.exec("create table t (id integer primary key)");
  assertEquals([db.changes, db.totalChanges, db.lastInsertRowId], [0, 0, 0]);
  db.exec("insert into t values (?), (?)", 7, 41);
  assertEquals([db.changes, db.totalChanges, db.lastInsertRowId], [2, 2, 41]);
  db.exec("delete from t where id = 7");
  assertEquals([db.changes, db.totalChanges, db.lastInsertRowId], [1, 3, 41]);
  db.exec("select * from t");
  assertEquals(db.totalChanges, 3);
  db.close();
});

Deno.test("Database reads integers as its int64 property says at that time", () => {
  const db = new Database(":memory:");
  const statement = db.prepare("select 4294967301 as x");
  assertEquals(statement.value(), [5]);
  db.int64 = true;
  assertEquals(statement.value(), [4294967301]);
  assertEquals(statement.all(), [{ x: 4294967301 }]);
  db.close();
});

Deno.test("Database parses JSON as its parseJson property says at that time", () => {
  const db = new Database(":memory:");
  const statement = db.prepare("select json_array(1) as x");
  assertEquals(db.parseJson, true);
  assertEquals(statement.value(), [[1]]);
  db.parseJson = false;
  assertEquals(statement.value(), ["[1]"]);
  assertEquals(statement.all(), [{ x: "[1]" }]);
  db.close();
});

Deno.test("autocommit and inTransaction follow BEGIN and COMMIT", () => {
  const db = new Database(":memory:");
  assertEquals([db.autocommit, db.inTransaction], [true, false]);
  db.exec("begin");
  assertEquals([db.autocommit, db.inTransaction], [false, true]);
  db.exec("commit");
  assertEquals([db.autocommit, db.inTransaction], [true, false]);
  db.close();
});

Deno.test("close() can be repeated, frees open statements and leaves no transaction", () => {
  withDirectory((directory) => {
    const path = join(directory, "x.db");
    const db = new Database(path);
    db.exec("pragma journal_mode = wal; create table t (x); insert into t values (1), (2)");
    db.prepare("select x from t").iter().next();
    db.exec("begin; insert into t values (3)");
    assertEquals(db.open, true);
    db.close();
    db.close();
    assertEquals([db.open, db.inTransaction], [false, false]);
    // The last connection removes these files, but only when nothing of it is left open.
    assertEquals([...Deno.readDirSync(directory)].map(({ name }) => name), ["x.db"]);
    const again = new Database(path);
    assertEquals(again.prepare("select count(*) from t").value(), [2]);
    again.close();
  });
});

Deno.test("Database fails as locked while another connection writes, and works afterwards", () => {
  withDirectory((directory) => {
    const path = join(directory, "x.db");
    const first = new Database(path);
    const second = new Database(path);
    first.exec("pragma journal_mode = wal; create table t (x)");
    second.exec("pragma busy_timeout = 0");
    const insert = second.prepare("insert into t values (?)");
    first.exec("begin immediate; insert into t values (1)");
    const error = assertThrows(() => insert.run(2), Error, "database is locked");
    assertEquals(error.name, "Error");
    assertThrows(() => second.exec("insert into t values (3)"), Error, "database is locked");
    assertEquals(second.prepare("select count(*) from t").value(), [0]);
    first.exec("commit");
    assertEquals(insert.run(2), 1);
    assertEquals(first.prepare("select x from t").values(), [[1], [2]]);
    first.close();
    second.close();
  });
});

Deno.test("Database lets a reader keep its view while another connection writes", () => {
  withDirectory((directory) => {
    const path = join(directory, "x.db");
    const writer = new Database(path);
    writer.exec("pragma journal_mode = wal; create table t (x); insert into t values (1), (2)");
    const reader = new Database(path, { readonly: true });
    const rows = reader.prepare("select x from t order by x").iter();
    assertEquals(rows.next().value, { x: 1 });
    writer.exec("insert into t values (0), (3)");
    assertEquals([...rows], [{ x: 2 }]);
    assertEquals(reader.prepare("select count(*) from t").value(), [4]);
    reader.close();
    writer.close();
  });
});

Deno.test("backup() copies everything, committed and not, into another database", () => {
  withDirectory((directory) => {
    const source = new Database(join(directory, "source.db"));
    source.exec("pragma journal_mode = wal; create table t (x)");
    const insert = source.prepare("insert into t values (?)");
    source.transaction(() => {
      for (let i = 0; i < 2000; i++) insert.run("x".repeat(100));
    })();
    const target = new Database(join(directory, "target.db"));
    target.exec("create table old (x)");
    source.backup(target);
    assertEquals(target.prepare("select count(*), sum(length(x)) from t").value(), [2000, 200_000]);
    assertEquals(target.prepare("select name from sqlite_master").values(), [["t"]]);
    target.close();
    source.close();
  });
});

Deno.test("backup() refuses to copy a database onto itself", () => {
  const db = new Database(":memory:");
  assertThrows(() => db.backup(db), Error, "source and destination must be distinct");
  db.exec("create table t (x)");
  db.close();
});

Deno.test("isComplete() is true for whole statements only", () => {
  assertEquals(isComplete("select 'a;b'"), false);
  assertEquals(isComplete("select 1;"), true);
  assertEquals(isComplete("create trigger a after insert on t begin select 1;"), false);
});

Deno.test("SqliteError has SQLite's code, and a message with it", () => {
  const error = new SqliteError(5, "database is locked");
  assert(error instanceof Error);
  assertEquals([error.name, error.code, error.message], [
    "SqliteError",
    5,
    "5: database is locked",
  ]);
  assertStringIncludes(String(error), "SqliteError: 5: ");
  assertEquals(new SqliteError().code, 1);
});
