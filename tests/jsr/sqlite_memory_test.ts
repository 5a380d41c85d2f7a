/**
 * Our own `@db/sqlite` keeps nothing of what it binds, reads, prepares and reports: resident memory
 * stays flat, and SQLite's own count of its memory comes back to where it was. The real package
 * leaves some of that to the garbage collector, so ours is imported by its path.
 *
 * @module
 */

import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { loadSqlite } from "./sqlite_library.ts";

await loadSqlite();
const { Database } = await import("../../src/jsr/db-sqlite/mod.ts");

const MEBIBYTE = 2 ** 20;

/** Bytes that SQLite has allocated and not freed, in this process. */
function sqliteMemory(): number {
  const library = Deno.dlopen(Deno.env.get("DENO_SQLITE_PATH") ?? "", {
    sqlite3_memory_used: { parameters: [], result: "i64" },
  });
  try {
    return Number(library.symbols.sqlite3_memory_used());
  } finally {
    library.close();
  }
}

/** Bytes by which resident memory rises over `rounds` of `work`, after a fifth more to warm up. */
function growth(rounds: number, work: (round: number) => void): number {
  const warm = rounds / 5;
  for (let round = 0; round < warm; round++) work(round);
  const before = Deno.memoryUsage().rss;
  for (let round = warm; round < warm + rounds; round++) work(round);
  return Deno.memoryUsage().rss - before;
}

Deno.test("Statement leaks nothing over a million binds of texts and blobs", () => {
  const unused = sqliteMemory();
  const db = new Database(":memory:");
  const statement = db.prepare("select ?1, ?2, ?3, ?4 where ?1 is ?3");
  const blob = new Uint8Array(300);
  const padding = "x".repeat(200);
  const bind = (round: number): void => {
    statement.run(`text ${round} ${padding}`, blob, `längerer Text 🦕 ${round}`, { round });
  };
  bind(1_000_000);
  const bound = sqliteMemory();
  assertGreater(bound, unused);
  // A leak of 16 bytes a bind would show.
  assertLess(growth(250_000, bind), 15 * MEBIBYTE);
  bind(1_000_000);
  assertEquals(sqliteMemory(), bound);
  db.close();
  assertEquals(sqliteMemory(), unused);
});

Deno.test("Statement leaks nothing over texts and blobs of megabytes", () => {
  const unused = sqliteMemory();
  const db = new Database(":memory:");
  const statement = db.prepare("select ?, ?");
  const text = "é".repeat(500_000);
  const blob = new Uint8Array(MEBIBYTE);
  // Two megabytes go in and out in each round; some of them are collected late.
  assertLess(growth(200, () => void statement.value(text, blob)), 60 * MEBIBYTE);
  statement.value("", null);
  assertLess(sqliteMemory() - unused, MEBIBYTE);
  db.close();
  assertEquals(sqliteMemory(), unused);
});

Deno.test("Database leaks nothing over statements finalized, failed and written out", () => {
  const db = new Database(":memory:");
  db.exec("create table t (x unique)");
  db.exec("insert into t values (1)");
  const round = (): void => {
    const statement = db.prepare("select ? as x");
    statement.get("x".repeat(500));
    `${statement}`;
    statement.finalize();
    try {
      db.exec("insert into t values (1)");
    } catch {
      // The message of the failure is what might leak.
    }
    try {
      db.prepare("select nothing");
    } catch {
      // As above.
    }
  };
  round();
  const before = sqliteMemory();
  for (let i = 0; i < 5000; i++) round();
  assertEquals(sqliteMemory(), before);
  db.close();
});

Deno.test("exec() and sql`` free their statements at once", () => {
  const db = new Database(":memory:");
  db.exec("create table t (x)");
  const round = (): void => {
    db.exec("update t set x = ?", "x".repeat(500));
    db.sql`select ${"x".repeat(500)}`;
    try {
      db.exec("insert into t values (abs(?))", -(2n ** 63n));
    } catch {
      // Also a statement that failed.
    }
  };
  round();
  const before = sqliteMemory();
  for (let i = 0; i < 1000; i++) round();
  assertEquals(sqliteMemory(), before);
  db.close();
});

Deno.test("close() frees the connection with all its statements", () => {
  const before = sqliteMemory();
  for (let i = 0; i < 200; i++) {
    const db = new Database(":memory:");
    db.exec("create table t (x)");
    db.prepare("insert into t values (?)").run("x".repeat(1000));
    db.prepare("select x from t").iter().next();
    db.transaction(() => db.exec("delete from t"))();
    db.close();
  }
  assertEquals(sqliteMemory(), before);
});

Deno.test("Database frees a connection that could not be opened", () => {
  const before = sqliteMemory();
  for (let i = 0; i < 200; i++) {
    try {
      new Database("/nowhere/at/all.db").close();
    } catch {
      // Expected: what is looked at is what remains.
    }
  }
  assertEquals(sqliteMemory(), before);
});

Deno.test("Statement is freed when it is collected without finalize()", async () => {
  const db = new Database(":memory:");
  const before = sqliteMemory();
  for (let i = 0; i < 1000; i++) db.prepare("select ?").get("x".repeat(500));
  const peak = sqliteMemory();
  assertGreater(peak, before);
  const deadline = Date.now() + 20_000;
  while (sqliteMemory() - before > (peak - before) / 2 && Date.now() < deadline) {
    // Garbage makes the collector run; finalizers run between tasks.
    Array.from({ length: 200_000 }, (_, i) => ({ i }));
    await new Promise((resolve) => setTimeout(resolve));
  }
  assertLess(sqliteMemory() - before, (peak - before) / 2);
  db.close();
});
