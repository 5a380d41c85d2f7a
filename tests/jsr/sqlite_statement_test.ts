/**
 * `Statement` of `@db/sqlite`: rows, parameters, iteration, the end. Must hold for the real package
 * as well.
 *
 * @module
 */

import { assertEquals, assertNotStrictEquals, assertStrictEquals, assertThrows } from "@std/assert";
import type { Statement } from "@db/sqlite";
import { loadSqlite } from "./sqlite_library.ts";
import { assertType, type Same } from "./type_equality.ts";
import { withDatabase } from "./with_database.ts";

const { SqliteError } = await loadSqlite();

Deno.test("run() returns how many rows the last change changed", () => {
  withDatabase((db) => {
    db.exec("create table t (x)");
    const insert = db.prepare("insert into t values (?), (?)");
    assertEquals(insert.run(1, 2), 2);
    assertEquals(db.prepare("update t set x = x + 1").run(), 2);
    assertEquals(db.prepare("delete from t where x = ?").run(2), 1);
    assertEquals(db.prepare("select * from t").run(), 1);
  });
});

Deno.test("all(), values(), get() and value() return rows as objects and as arrays", () => {
  withDatabase((db) => {
    const statement = db.prepare(
      "select column1 as a, column2 as b from (values (1, 'x'), (2, ?))",
    );
    assertEquals(statement.all("y"), [{ a: 1, b: "x" }, { a: 2, b: "y" }]);
    assertEquals(statement.values("y"), [[1, "x"], [2, "y"]]);
    assertEquals(statement.get("y"), { a: 1, b: "x" });
    assertEquals(statement.value("y"), [1, "x"]);
    const none = db.prepare("select 1 where ?");
    assertEquals(none.all(false), []);
    assertEquals(none.values(false), []);
    assertEquals(none.get(false), undefined);
    assertEquals(none.value(false), undefined);
  });
});

Deno.test("all() keeps the last of columns with equal names", () => {
  withDatabase((db) => {
    assertEquals(db.prepare("select 1 as a, 2 as a, 3 as b").all(), [{ a: 2, b: 3 }]);
    assertEquals(db.prepare("select 1 as a, 2 as a, 3 as b").values(), [[1, 2, 3]]);
  });
});

Deno.test("get() returns a new object each time, one and the same with unsafeConcurrency", () => {
  withDatabase((db) => {
    const statement = db.prepare("select 1 as a");
    assertNotStrictEquals(statement.get(), statement.get());
  });
  withDatabase((db) => {
    const statement = db.prepare("select 1 as a");
    assertStrictEquals(statement.get(), statement.get());
    const bound = db.prepare("select ? as a");
    assertNotStrictEquals(bound.get(1), bound.get(1));
    db.unsafeConcurrency = false;
    assertStrictEquals(statement.get(), statement.get());
  }, { unsafeConcurrency: true });
});

Deno.test("Statement takes positional parameters as arguments and as one array", () => {
  withDatabase((db) => {
    const statement = db.prepare("select ?, ?2, ?");
    assertEquals(statement.bindParameterCount, 3);
    assertEquals(statement.value("a", "b", "c"), ["a", "b", "c"]);
    assertEquals(statement.value(["a", "b", "c"]), ["a", "b", "c"]);
    assertEquals(statement.value(new Uint8Array([1]), 2, 3), [new Uint8Array([1]), 2, 3]);
    assertEquals(statement.value(new Date(0), 2, 3), ["1970-01-01T00:00:00.000Z", 2, 3]);
  });
});

Deno.test("Statement leaves parameters that are not given null, whatever the last run had", () => {
  withDatabase((db) => {
    const statement = db.prepare("select ?, ?, ?");
    statement.value("a", "b", "c");
    assertEquals(statement.value("d"), ["d", null, null]);
    assertEquals(statement.value(null, "e"), [null, "e", null]);
    assertEquals(statement.value(), [null, null, null]);
    const named = db.prepare("select :a, :b");
    named.value({ a: 1, b: 2 });
    assertEquals(named.value({ b: 3 }), [null, 3]);
  });
});

Deno.test("Statement binds what it is given, whatever it was bound to before", () => {
  withDatabase((db) => {
    const echo = db.prepare("select :a, :b, :c, typeof(:a)");
    const bytes = new Uint8Array([1]);
    const date = new Date(0);
    const long = "x".repeat(1000);
    const said = [
      echo.value(1, "a", null),
      echo.value(1, "a", null),
      echo.value("1", "b", null),
      echo.value(1.5, "b", undefined),
      echo.value(1n, "b", true),
      echo.value(null, long, bytes),
      echo.value(null, long),
      echo.value("c"),
      echo.value("c", "b", date),
    ];
    bytes[0] = 2;
    date.setTime(1000);
    said.push(echo.value(null, long, bytes), echo.value("c", "b", date));
    assertThrows(() => echo.value("d", "b", 2n ** 70n), RangeError);
    said.push(
      echo.value("d", "b", "e"),
      echo.value({ a: "f", b: "b" }),
      echo.value("f", "b"),
    );
    assertEquals(said, [
      [1, "a", null, "integer"],
      [1, "a", null, "integer"],
      ["1", "b", null, "text"],
      [1.5, "b", null, "real"],
      [1, "b", 1, "integer"],
      [null, long, new Uint8Array([1]), "null"],
      [null, long, null, "null"],
      ["c", null, null, "text"],
      ["c", "b", "1970-01-01T00:00:00.000Z", "text"],
      [null, long, new Uint8Array([2]), "null"],
      ["c", "b", "1970-01-01T00:00:01.000Z", "text"],
      ["d", "b", "e", "text"],
      ["f", "b", null, "text"],
      ["f", "b", null, "text"],
    ]);
  });
});

Deno.test("Statement takes named parameters with and without their prefix", () => {
  withDatabase((db) => {
    const statement = db.prepare("select :a, @b, $c, :a");
    assertEquals(statement.value({ a: 1, "@b": 2, "$c": 3 }), [1, 2, 3, 1]);
    assertEquals(statement.value({ ":a": 4, "@b": 5 }), [4, 5, null, 4]);
    assertEquals(statement.bindParameterIndex("a"), 1);
    assertEquals(statement.bindParameterIndex("@b"), 2);
    assertEquals(statement.bindParameterIndex("b"), 0);
    assertThrows(() => statement.get({ b: 1 }), Error, 'No such parameter "b"');
    assertThrows(() => statement.get({ unknown: 1 }), Error, 'No such parameter "unknown"');
  });
});

Deno.test("Statement refuses more values than it has parameters", () => {
  withDatabase((db) => {
    const statement = db.prepare("select ?");
    const error = assertThrows(() => statement.get(1, 2), SqliteError, "25: ");
    assertEquals(error.code, 25);
    assertEquals(statement.value(1, null), [1]);
    assertEquals(statement.value(1, undefined), [1]);
    assertEquals(db.prepare("select 1").value(1, 2), [1]);
  });
});

Deno.test("bind() sets the parameters of get() and value() for good", () => {
  withDatabase((db) => {
    const statement = db.prepare("select ?, ?").bind("a", 2);
    assertEquals(statement.value(), ["a", 2]);
    assertEquals(statement.value("ignored"), ["a", 2]);
    assertEquals(statement.toString(), "select 'a', 2");
    for (
      const use of [
        () => statement.bind(1, 2),
        () => statement.run(),
        () => statement.all(),
        () => statement.values(),
        () => [...statement],
      ]
    ) assertThrows(use, Error, "Statement already bound to values");
    assertEquals(statement.value(), ["a", 2]);
  });
});

Deno.test("iter() yields rows one by one and can be had again", () => {
  withDatabase((db) => {
    const count = db.prepare(
      "with recursive n(i) as (select 1 union all select i + 1 from n where i < ?) select i from n",
    );
    assertEquals([...count.iter(3)], [{ i: 1 }, { i: 2 }, { i: 3 }]);
    const seen: number[] = [];
    for (const { i } of count.iter(1_000_000_000)) {
      seen.push(i);
      if (i === 2) break;
    }
    assertEquals(seen, [1, 2]);
    assertEquals([...count.iter(1)], [{ i: 1 }]);
    assertEquals([...db.prepare("select 7 as i")], [{ i: 7 }]);
  });
});

Deno.test("iter() begins with its first row, not when called", () => {
  withDatabase((db) => {
    db.exec("create table t (x)");
    const rows = db.prepare("select x from t").iter();
    db.exec("insert into t values (1)");
    assertEquals([...rows], [{ x: 1 }]);
    const wrong = db.prepare("select ?").iter(1, 2);
    assertThrows(() => wrong.next(), SqliteError, "25: ");
  });
});

Deno.test("Statement tells its SQL, with and without values, and whether it writes", () => {
  withDatabase((db) => {
    db.exec("create table t (x)");
    const insert = db.prepare("insert into t values (?)");
    assertEquals(insert.sql, "insert into t values (?)");
    assertEquals(insert.expandedSql, "insert into t values (NULL)");
    assertEquals(insert.readonly, false);
    assertEquals(db.prepare("select * from t").readonly, true);
    assertStrictEquals(insert.db, db);
  });
});

Deno.test("Statement fails with SQLite's message and works again afterwards", () => {
  withDatabase((db) => {
    db.exec("create table t (x integer primary key) strict");
    const insert = db.prepare("insert into t values (?)");
    insert.run(1);
    const error = assertThrows(() => insert.run(1), Error, "UNIQUE constraint failed: t.x");
    assertEquals(error.name, "Error");
    assertEquals(insert.run(2), 1);
    assertThrows(() => db.prepare("select abs(x) from t where abs(-9223372036854775808)").all());
    assertEquals(db.prepare("select count(*) from t").value(), [2]);
  });
});

Deno.test("finalize() can be repeated and repeats the failure of the last run", () => {
  withDatabase((db) => {
    db.exec("create table t (x unique)");
    const insert = db.prepare("insert into t values (?)");
    insert.run(1);
    assertThrows(() => insert.run(1));
    const error = assertThrows(() => insert.finalize(), SqliteError, "19: constraint failed");
    assertEquals(error.code, 19);
    insert.finalize();
    const recovered = db.prepare("insert into t values (?)");
    assertThrows(() => recovered.run(1));
    recovered.run(2);
    recovered.finalize();
  });
});

Deno.test("Statement is freed at the end of its scope by `using`", () => {
  withDatabase((db) => {
    db.exec("create table t (x)");
    db.exec("insert into t values (1), (2)");
    {
      using statement = db.prepare("select x from t");
      statement.iter().next();
    }
    // A statement in the middle of its rows would keep the table.
    db.exec("drop table t");
    assertEquals(db.prepare("select count(*) from sqlite_master").value(), [0]);
  });
});

Deno.test("prepare() types the rows of get() and all(), which can be typed anew", () => {
  interface Row {
    a: number;
  }
  withDatabase((db) => {
    const typed = db.prepare<Row>("select 1 as a");
    assertType<Same<typeof typed, Statement<Row>>>();
    const row = typed.get();
    assertType<Same<typeof row, Row | undefined>>();
    const rows = typed.all();
    assertType<Same<typeof rows, Row[]>>();
    const anew = typed.get<{ a: string }>();
    assertType<Same<typeof anew, { a: string } | undefined>>();
    const untyped = db.prepare("select 1 as a").get();
    // deno-lint-ignore no-explicit-any -- as in the real package
    assertType<Same<typeof untyped, Record<string, any> | undefined>>();
    const tagged = db.sql<Row>`select 1 as a`;
    assertType<Same<typeof tagged, Row[]>>();
    assertEquals([row, ...rows, anew, untyped, ...tagged], Array(5).fill({ a: 1 }));
  });
});
