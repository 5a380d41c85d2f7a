/**
 * What `Statement` of `@db/sqlite` makes of values, on their way in and out, and of its SQL. Must
 * hold for the real package as well.
 *
 * @module
 */

import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import type { BindValue, DatabaseOpenOptions, Statement } from "@db/sqlite";
import { withDatabase } from "./with_database.ts";

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

Deno.test("Statement refuses symbols and functions", () => {
  withDatabase((db) => {
    const statement = db.prepare("select ?");
    for (const value of [Symbol("s"), (() => 1) as unknown as BindValue]) {
      assertThrows(() => statement.get(value), Error, "Value of unsupported type");
    }
    assertEquals(statement.value("still usable"), ["still usable"]);
  });
});

Deno.test("Statement binds undefined as NULL, by position and by name", () => {
  assertEquals(roundTrip(undefined), [null, "null"]);
  withDatabase((db) => {
    const positional = db.prepare("select ?, ?");
    assertEquals(positional.value("a", "b"), ["a", "b"]);
    assertEquals(positional.value(undefined, "c"), [null, "c"]);
    assertEquals(positional.value([undefined, undefined]), [null, null]);
    const named = db.prepare("select :a, :b");
    assertEquals(named.value({ a: 1, b: 2 }), [1, 2]);
    assertEquals(named.value({ a: undefined, b: 3 }), [null, 3]);
    assertThrows(() => named.value({ c: undefined }), Error, 'No such parameter "c"');
    assertEquals(db.prepare("select ?, ?").bind(undefined, 4).value(), [null, 4]);
    db.exec("create table t (x)");
    db.exec("insert into t values (?)", undefined);
    assertEquals(db.sql`select x, ${undefined} as y from t`, [{ x: null, y: null }]);
  });
});

Deno.test("Statement holds any Unicode in its SQL, names of parameters and columns too", () => {
  withDatabase((db) => {
    db.exec("create table größe (größe)");
    assertEquals(db.exec("insert into größe values ('日本語🦕' || ?)", "é"), 1);
    const statement = db.prepare("select größe as 🦕 from größe where größe like :präfix || '%'");
    assertEquals(statement.all({ präfix: "日本" }), [{ "🦕": "日本語🦕é" }]);
    assertEquals(statement.bindParameterIndex("präfix"), 1);
    assertEquals(statement.sql.endsWith("like :präfix || '%'"), true);
    assertEquals(db.sql`select 'naïve' || ${"té"} as "ö"`, [{ "ö": "naïveté" }]);
    // Every byte counts up to the very last one.
    assertEquals(db.prepare(`select '${"é".repeat(100)}' as "ü"`).get(), { "ü": "é".repeat(100) });
    assertThrows(() => db.prepare("select 'é"), Error, 'unrecognized token: "\'é"');
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

/** One row, read in each of the ways there are. */
function readAllWays(statement: Statement<{ x: unknown }>): unknown[] {
  return [
    statement.get()?.x,
    statement.value<[unknown]>()?.[0],
    statement.all()[0]?.x,
    statement.values<[unknown]>()[0]?.[0],
    ...[...statement].map(({ x }) => x),
  ];
}

Deno.test("Statement reads integers as its own int64 says, else as the connection's", () => {
  for (const int64 of [false, true]) {
    withDatabase((db) => {
      const statement = db.prepare<{ x: unknown }>("select 4294967301 as x");
      const other = db.prepare("select 4294967301");
      const asConnection = int64 ? 4294967301 : 5;
      assertEquals(statement.int64, undefined);
      assertEquals(readAllWays(statement), Array(5).fill(asConnection));
      assertStrictEquals(statement.enableInt64(), statement);
      assertEquals(statement.int64, true);
      assertEquals(readAllWays(statement), Array(5).fill(4294967301));
      assertStrictEquals(statement.disableInt64(), statement);
      assertEquals(statement.int64, false);
      assertEquals(readAllWays(statement), Array(5).fill(5));
      assertStrictEquals(statement.defaultInt64(), statement);
      assertEquals(statement.int64, undefined);
      assertEquals(readAllWays(statement), Array(5).fill(asConnection));
      statement.int64 = !int64;
      assertEquals(readAllWays(statement), Array(5).fill(int64 ? 5 : 4294967301));
      assertEquals(other.value(), [asConnection]);
    }, { int64 });
  }
});

Deno.test("Statement parses JSON as its own parseJson says, else as the connection's", () => {
  for (const parseJson of [true, false]) {
    withDatabase((db) => {
      const statement = db.prepare<{ x: unknown }>(`select json('{"a":[1]}') as x`);
      const other = db.prepare("select json_array(1)");
      const asConnection = parseJson ? { a: [1] } : '{"a":[1]}';
      assertEquals(statement.parseJson, undefined);
      assertEquals(readAllWays(statement), Array(5).fill(asConnection));
      assertStrictEquals(statement.enableParseJson(), statement);
      assertEquals(statement.parseJson, true);
      assertEquals(readAllWays(statement), Array(5).fill({ a: [1] }));
      assertStrictEquals(statement.disableParseJson(), statement);
      assertEquals(statement.parseJson, false);
      assertEquals(readAllWays(statement), Array(5).fill('{"a":[1]}'));
      assertStrictEquals(statement.defaultParseJson(), statement);
      assertEquals(statement.parseJson, undefined);
      assertEquals(readAllWays(statement), Array(5).fill(asConnection));
      statement.parseJson = !parseJson;
      assertEquals(readAllWays(statement), Array(5).fill(parseJson ? '{"a":[1]}' : { a: [1] }));
      assertEquals(other.value(), parseJson ? [[1]] : ["[1]"]);
    }, { parseJson });
  }
});
