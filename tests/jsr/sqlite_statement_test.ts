/**
 * `Statement` of `@db/sqlite`: values in, values out, parameters, iteration, the end. Must hold for
 * the real package as well.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertNotStrictEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import type { BindValue, Database as OpenDatabase, DatabaseOpenOptions } from "@db/sqlite";
import { loadSqlite } from "./sqlite_library.ts";

const { Database, SqliteError } = await loadSqlite();

/** Runs `body` on a database in memory. */
function withDatabase(body: (db: OpenDatabase) => void, options: DatabaseOpenOptions = {}): void {
  const db = new Database(":memory:", options);
  try {
    body(db);
  } finally {
    db.close();
  }
}

/** What a value becomes on its way through SQLite, and what SQLite takes it for. */
function roundTrip(value: BindValue, options?: DatabaseOpenOptions): [unknown, string] {
  let row: [unknown, string] | undefined;
  withDatabase((db) => {
    row = db.prepare("select ?1, typeof(?1)").value<[unknown, string]>(value);
  }, options);
  assert(row);
  return row;
}

Deno.test("Statement binds and reads null, booleans, integers and floats", () => {
  assertEquals(roundTrip(null), [null, "null"]);
  assertEquals(roundTrip(true), [1, "integer"]);
  assertEquals(roundTrip(false), [0, "integer"]);
  assertEquals(roundTrip(-7), [-7, "integer"]);
  assertEquals(roundTrip(1.5), [1.5, "real"]);
  assertEquals(roundTrip(-1e-300 / 3), [-1e-300 / 3, "real"]);
  assertEquals(roundTrip(Infinity), [Infinity, "real"]);
  assertEquals(roundTrip(NaN), [null, "null"]);
});

Deno.test("Statement cuts integers to 32 bits unless int64 is set", () => {
  const { MAX_SAFE_INTEGER } = Number;
  assertEquals(roundTrip(2 ** 32 + 5), [5, "integer"]);
  for (const value of [2 ** 31, -(2 ** 31) - 1, 2 ** 32 + 5, MAX_SAFE_INTEGER, -MAX_SAFE_INTEGER]) {
    assertEquals(roundTrip(value, { int64: true }), [value, "integer"]);
  }
});

Deno.test("Statement reads an integer as bigint only where a number is not exact", () => {
  const int64 = { int64: true };
  assertEquals(roundTrip(7n, int64), [7, "integer"]);
  const beyond = BigInt(Number.MAX_SAFE_INTEGER) + 1n;
  for (const value of [beyond, beyond + 1n, -beyond, 2n ** 63n - 1n, -(2n ** 63n)]) {
    assertEquals(roundTrip(value, int64), [value, "integer"]);
  }
});

Deno.test("Statement binds and reads texts of any script and size", () => {
  const texts = [
    "",
    " ",
    "naïve",
    "日本語",
    "🦕👩‍👩‍👧‍👦",
    "\u{10ffff}",
    "x".repeat(70_000),
    "é".repeat(2_500_000),
  ];
  for (const text of texts) {
    const [read, type] = roundTrip(text);
    // Not assertEquals: its message would hold megabytes.
    assert(read === text, `a text of length ${text.length} came back changed`);
    assertEquals(type, "text");
  }
});

Deno.test("Statement stores a text with NULs in full and reads it up to the first", () => {
  withDatabase((db) => {
    const row = db.prepare("select ?1, hex(?1)").value("a\0b\0");
    assertEquals(row, ["a", "61006200"]);
    assertEquals(db.prepare("select ?").value("\0"), [""]);
  });
});

Deno.test("Statement replaces lone surrogates, as UTF-8 has none", () => {
  assertEquals(roundTrip("a\ud83db\udc00"), ["a\ufffdb\ufffd", "text"]);
});

Deno.test("Statement binds and reads blobs, views into larger buffers and empty ones", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  assertEquals(roundTrip(bytes), [bytes, "blob"]);
  assertEquals(roundTrip(bytes.subarray(10, 20)), [bytes.slice(10, 20), "blob"]);
  assertEquals(roundTrip(new Uint8Array()), [new Uint8Array(), "blob"]);
  const large = new Uint8Array(3_000_000).fill(7);
  assertEquals(roundTrip(large), [large, "blob"]);
});

Deno.test("Statement hands out blobs that stay when the row is gone", () => {
  withDatabase((db) => {
    const statement = db.prepare("select ?");
    const [first] = statement.value<[Uint8Array]>(new Uint8Array([1, 2, 3])) ?? [];
    statement.value(new Uint8Array([4, 5, 6]));
    statement.finalize();
    assertEquals(first, new Uint8Array([1, 2, 3]));
  });
});

Deno.test("Statement binds dates as ISO texts, objects and arrays as JSON", () => {
  assertEquals(roundTrip(new Date(0)), ["1970-01-01T00:00:00.000Z", "text"]);
  withDatabase((db) => {
    const row = db.prepare("select ?, ?").value("x", { a: [1, null, "é"] });
    assertEquals(row, ["x", '{"a":[1,null,"é"]}']);
    assertEquals(db.prepare("select ?, ?").value(1, [1, 2]), [1, "[1,2]"]);
  });
});

Deno.test("Statement refuses undefined, symbols and functions", () => {
  withDatabase((db) => {
    const statement = db.prepare("select ?");
    for (const value of [undefined, Symbol("s"), (() => 1) as unknown as BindValue]) {
      assertThrows(() => statement.get(value), Error, "Value of unsupported type");
    }
    assertEquals(statement.value("still usable"), ["still usable"]);
  });
});

Deno.test("Statement parses what SQLite's JSON functions return, and only that", () => {
  withDatabase((db) => {
    const row = db.prepare(
      `select json_array(1, 'a'), json('{"b": null}'), json('true'), json('-1'), '[1]', '{}', ?`,
    ).value("[2]");
    assertEquals(row, [[1, "a"], { b: null }, true, -1, "[1]", "{}", "[2]"]);
  });
});

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
