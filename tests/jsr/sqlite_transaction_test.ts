/**
 * `transaction()` of `@db/sqlite`: commit, undo, nesting, variants. Must hold for the real package
 * as well.
 *
 * @module
 */

import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import type { Database as OpenDatabase } from "@db/sqlite";
import { loadSqlite } from "./sqlite_library.ts";

const { Database } = await loadSqlite();

/** Runs `body` on a database with a table and hands it what it needs to look at it. */
function withTable(
  body: (db: OpenDatabase, table: { insert(x: unknown): void; rows(): unknown[] }) => void,
): void {
  const db = new Database(":memory:");
  db.exec("create table t (x unique)");
  const insert = db.prepare("insert into t values (?)");
  const select = db.prepare("select x from t order by x");
  try {
    body(db, {
      insert: (x) => void insert.run(x as number),
      rows: () => select.values<[unknown]>().map(([x]) => x),
    });
  } finally {
    db.close();
  }
}

Deno.test("transaction() commits what its function did and returns what it returned", () => {
  withTable((db, { insert, rows }) => {
    const add = db.transaction((x: number, y: number): number => {
      assertEquals(db.inTransaction, true);
      insert(x);
      insert(y);
      return x + y;
    });
    const sum: number = add(1, 2);
    assertEquals(sum, 3);
    assertEquals(db.inTransaction, false);
    assertEquals(rows(), [1, 2]);
    assertStrictEquals(add.database, db);
  });
});

Deno.test("transaction() undoes everything when its function throws, and throws the same", () => {
  withTable((db, { insert, rows }) => {
    insert(1);
    const reason = new TypeError("no");
    const fail = db.transaction(() => {
      insert(2);
      throw reason;
    });
    assertStrictEquals(assertThrows(() => fail()), reason);
    assertEquals(db.inTransaction, false);
    assertEquals(rows(), [1]);
    assertThrows(
      () =>
        db.transaction(() => {
          insert(2);
          insert(1);
        })(),
      Error,
      "UNIQUE constraint failed",
    );
    assertEquals(rows(), [1]);
  });
});

Deno.test("transaction() inside of one undoes only its own part, at any depth", () => {
  withTable((db, { insert, rows }) => {
    const failing = (x: number) =>
      db.transaction(() => {
        insert(x);
        throw new Error("inner");
      });
    db.transaction(() => {
      insert(1);
      assertThrows(() => failing(2)(), Error, "inner");
      db.transaction(() => {
        insert(3);
        assertThrows(() => failing(4)(), Error, "inner");
        insert(5);
      })();
      assertEquals(rows(), [1, 3, 5]);
      assertEquals(db.inTransaction, true);
    })();
    assertEquals(rows(), [1, 3, 5]);
  });
});

Deno.test("transaction() undoes inner ones that succeeded when the outer one throws", () => {
  withTable((db, { insert, rows }) => {
    assertThrows(
      () =>
        db.transaction(() => {
          db.transaction(() => insert(1))();
          db.transaction(() => insert(2))();
          throw new Error("outer");
        })(),
      Error,
      "outer",
    );
    assertEquals(rows(), []);
  });
});

Deno.test("transaction() joins one that was begun by SQL", () => {
  withTable((db, { insert, rows }) => {
    db.exec("begin");
    db.transaction(() => insert(1))();
    assertEquals(db.inTransaction, true);
    db.exec("rollback");
    assertEquals(rows(), []);
  });
});

Deno.test("transaction() copes with a failure that has rolled back everything already", () => {
  withTable((db, { insert, rows }) => {
    assertThrows(
      () =>
        db.transaction(() => {
          insert(1);
          db.exec("insert or rollback into t values (1)");
        })(),
      Error,
      "UNIQUE constraint failed",
    );
    assertEquals(db.inTransaction, false);
    db.transaction(() => insert(2))();
    assertEquals(rows(), [2]);
  });
});

Deno.test("transaction() undoes when the commit itself fails", () => {
  withTable((db, { insert, rows }) => {
    db.exec("pragma foreign_keys = on");
    db.exec("create table c (x references t (x) deferrable initially deferred)");
    assertThrows(
      () =>
        db.transaction(() => {
          insert(1);
          db.exec("insert into c values (99)");
        })(),
      Error,
      "FOREIGN KEY constraint failed",
    );
    assertEquals(db.inTransaction, false);
    assertEquals(rows(), []);
  });
});

Deno.test("transaction() begins as its variant says", () => {
  const path = Deno.makeTempFileSync({ suffix: ".db" });
  const db = new Database(path);
  const other = new Database(path);
  try {
    db.exec("create table t (x)");
    other.exec("pragma busy_timeout = 0");
    const canWrite = (): boolean => {
      try {
        other.exec("begin immediate; rollback");
        return true;
      } catch {
        return false;
      }
    };
    const canRead = (): boolean => {
      try {
        other.exec("select * from t");
        return true;
      } catch {
        return false;
      }
    };
    const probe = db.transaction(() => [canRead(), canWrite()]);
    assertEquals(probe(), [true, true]);
    assertEquals(probe.default(), [true, true]);
    assertEquals(probe.deferred(), [true, true]);
    assertEquals(probe.immediate(), [true, false]);
    assertEquals(probe.exclusive(), [false, false]);
    assertEquals(probe.immediate.deferred(), [true, true]);
  } finally {
    other.close();
    db.close();
    Deno.removeSync(path);
  }
});

Deno.test("transaction() hands `this` and the arguments through", () => {
  withTable((db) => {
    const owner = {
      factor: 3,
      times: db.transaction(function (this: unknown, x: number): number {
        return (this as { factor: number }).factor * x;
      }),
    };
    assertEquals(owner.times(5) as unknown, 15);
  });
});
