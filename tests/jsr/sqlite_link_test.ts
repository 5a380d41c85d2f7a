/**
 * What our own `@db/sqlite` promises beyond the real package: a clear error where that one is
 * undefined, silent or wrong. It is imported by its path, so it is tested linked or not.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { loadSqlite } from "./sqlite_library.ts";

await loadSqlite();
const { Database, SqliteError } = await import("../../src/jsr/db-sqlite/mod.ts");

const MODULE = new URL("../../src/jsr/db-sqlite/mod.ts", import.meta.url);

/** Imports the package in a process of its own; returns what it wrote to stderr. */
async function importWith(env: Record<string, string>): Promise<{ code: number; stderr: string }> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--no-config",
      "--allow-env=DENO_SQLITE_PATH",
      "--allow-ffi",
      "--no-lock",
      MODULE.href,
    ],
    env: {
      ...env,
      NO_COLOR: "1",
      PATH: Deno.env.get("PATH") ?? "",
      HOME: Deno.env.get("HOME") ?? "",
    },
    clearEnv: true,
    stdout: "null",
    stderr: "piped",
  }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

Deno.test("@db/sqlite says what to do when DENO_SQLITE_PATH is not set", async () => {
  const { code, stderr } = await importWith({});
  assertEquals(code, 1);
  assertStringIncludes(stderr, "Cannot load SQLite: DENO_SQLITE_PATH is not set.");
  assertStringIncludes(stderr, "libsqlite3-0");
});

Deno.test("@db/sqlite names the cause when the library can't be opened", async () => {
  const { code, stderr } = await importWith({ DENO_SQLITE_PATH: "/nowhere/libsqlite3.so.0" });
  assertEquals(code, 1);
  assertStringIncludes(stderr, "Failed to load SQLite3 Dynamic Library");
  assertStringIncludes(stderr, "/nowhere/libsqlite3.so.0");
});

Deno.test("Statement refuses every use after finalize() and after close()", () => {
  for (const end of ["finalize", "close"] as const) {
    const db = new Database(":memory:");
    const statement = db.prepare("select ? as x");
    const rows = statement.iter(1);
    rows.next();
    if (end === "finalize") statement.finalize();
    else db.close();
    for (
      const use of [
        () => statement.run(1),
        () => statement.get(1),
        () => statement.value(1),
        () => statement.all(1),
        () => statement.values(1),
        () => statement.bind(1),
        () => rows.next(),
        () => [...statement.iter(1)],
        () => statement.sql,
        () => statement.expandedSql,
        () => statement.readonly,
        () => `${statement}`,
      ]
    ) {
      const error = assertThrows(use, SqliteError, "21: SQLite3 API misuse");
      assertEquals(error.code, 21);
    }
    statement.finalize();
    db.close();
  }
});

Deno.test("Database refuses every use after close()", () => {
  const db = new Database(":memory:");
  const other = new Database(":memory:");
  const nothing = db.transaction(() => {});
  db.close();
  for (
    const use of [
      () => db.exec("select 1"),
      () => db.run("select ?", 1),
      () => db.prepare("select 1"),
      () => db.sql`select 1`,
      () => nothing(),
      () => db.backup(other),
      () => other.backup(db),
      () => db.changes,
      () => db.totalChanges,
      () => db.lastInsertRowId,
      () => db.autocommit,
    ]
  ) assertThrows(use, SqliteError, "21: ");
  assertEquals([db.open, db.inTransaction, db.unsafeHandle], [false, false, null]);
  other.close();
});

Deno.test("bind() forgets what an earlier use bound", () => {
  const db = new Database(":memory:");
  const statement = db.prepare("select ?, ?");
  statement.value("a", "b");
  assertEquals(statement.bind("c").value(), ["c", null]);
  const other = db.prepare("select ?");
  other.value("a");
  assertEquals(other.bind(null).value(), [null]);
  db.close();
});

Deno.test("Statement refuses integers beyond 64 bits", () => {
  const db = new Database(":memory:");
  const statement = db.prepare("select ?");
  for (const value of [2n ** 63n, -(2n ** 63n) - 1n, 1e300, 2 ** 63]) {
    assertThrows(() => statement.get(value), RangeError, "does not fit into 64 bits");
  }
  db.close();
});

Deno.test("get() and run() fail when the commit after a returned row does", () => {
  const db = new Database(":memory:");
  db.exec(`pragma foreign_keys = on;
    create table p (id integer primary key);
    create table c (p references p deferrable initially deferred)`);
  const insert = db.prepare("insert into c values (99) returning p");
  for (const use of [() => insert.get(), () => insert.value(), () => insert.run()]) {
    assertThrows(use, Error, "FOREIGN KEY constraint failed");
    assertEquals(db.inTransaction, false);
    assertEquals(db.prepare("select count(*) from c").value(), [0]);
  }
  db.close();
});

Deno.test("Statement holds nothing locked after a failure or an iteration left early", () => {
  const db = new Database(":memory:");
  db.exec("create table t (x); insert into t values (1), ('no json'), (3)");
  const failing = db.prepare("select json_extract(x, '$') from t");
  assertThrows(() => failing.all(), Error, "malformed JSON");
  assertThrows(() => [...failing.iter()], Error, "malformed JSON");
  const select = db.prepare("select x from t");
  for (const _ of select.iter()) break;
  // Fails with "database table is locked" while any statement is in the middle of its rows.
  db.exec("drop table t");
  db.close();
});

Deno.test("iter() left early does not disturb one that was begun since", () => {
  const db = new Database(":memory:");
  const statement = db.prepare("select column1 as x from (values (1), (2), (3))");
  const first = statement.iter();
  first.next();
  const second = statement.iter();
  second.next();
  first.return?.();
  assertEquals([...second], [{ x: 2 }, { x: 3 }]);
  db.close();
});

Deno.test("Statement sees the columns that another connection added", () => {
  const directory = Deno.makeTempDirSync({ prefix: "sqlite-" });
  const db = new Database(join(directory, "x.db"));
  const other = new Database(join(directory, "x.db"));
  db.exec("create table t (a); insert into t values (1)");
  const select = db.prepare("select * from t");
  assertEquals(select.all(), [{ a: 1 }]);
  other.exec("alter table t add column b default 2");
  assertEquals(select.all(), [{ a: 1, b: 2 }]);
  assertEquals(select.get(), { a: 1, b: 2 });
  assertEquals(select.values(), [[1, 2]]);
  assertEquals([...select], [{ a: 1, b: 2 }]);
  other.close();
  db.close();
  Deno.removeSync(directory, { recursive: true });
});

Deno.test("backup() leaves a target that was busy usable", () => {
  const directory = Deno.makeTempDirSync({ prefix: "sqlite-" });
  const path = join(directory, "target.db");
  const source = new Database(":memory:");
  const target = new Database(path);
  const busy = new Database(path);
  source.exec("create table t (x); insert into t values (7)");
  busy.exec("create table old (x); begin immediate; insert into old values (1)");
  const error = assertThrows(() => source.backup(target), SqliteError, "5: database is locked");
  assertEquals(error.code, 5);
  busy.exec("rollback");
  busy.close();
  source.backup(target);
  assertEquals(target.prepare("select x from t").value(), [7]);
  target.close();
  source.close();
  Deno.removeSync(directory, { recursive: true });
});

Deno.test("Statement names columns as they are, whatever characters they hold", () => {
  const db = new Database(":memory:");
  const row = db.prepare(`select 1 as "a""b", 2 as "\\", 3 as "
"`).get();
  assert(row);
  assertEquals(Object.entries(row), [['a"b', 1], ["\\", 2], ["\n", 3]]);
  db.close();
});
