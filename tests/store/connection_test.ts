/**
 * Transactions: when they take the write lock, what of them is durable, and what belongs into one.
 */

import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { Failure } from "../../src/failure.ts";
import { Feed } from "../../src/feed.ts";
import type { Written } from "../../src/model/written.ts";
import { Connection } from "../../src/store/connection.ts";
import { openStore } from "../../src/store/store.ts";
import { tempStore } from "../harness/temp_store.ts";
import { row } from "../harness/world.ts";

const { Database } = await import("@db/sqlite");

const AT = "2026-01-01T00:00:10.000Z";
const FOUND = {
  listed: 0,
  claimed: 0,
  refused: [],
  unclaimed: [],
  unmanaged: { count: 0, composeProjects: {} },
};

Deno.test("Connection.write() has the write lock before its operation looks at anything", async () => {
  await using temp = await tempStore();
  using connection = open(temp.path);
  using other = open(temp.path);
  let ran = false;
  other.on.write("Cannot write", () => {
    // What it would decide on what it read now, it could not write.
    const error = assertThrows(() => connection.on.write("Cannot do", () => ran = true), Failure);
    assertEquals(error.code, "busy");
  });
  assertEquals(ran, false);
  connection.on.write("Cannot do", () => {
    assertThrows(() => other.on.write("Cannot write", () => {}), Failure);
  });
});

Deno.test("Connection.write() says nothing of what is rolled back, nor of a part before the whole", async () => {
  await using temp = await tempStore();
  const feed = new Feed<Written>();
  using connection = open(temp.path, feed);
  const before = feed.lastId;
  const wrote = (id: string) =>
    connection.on.write(
      "Cannot do",
      (tx) => tx.wrote({ id, from: null, to: "running", seq: null }),
    );
  assertThrows(() =>
    connection.on.write("Cannot do", () => {
      wrote("a");
      throw new TypeError("stop");
    }), TypeError);
  assertEquals(feed.lastId, before);
  connection.on.write("Cannot do", () => {
    wrote("a");
    assertEquals(feed.lastId, before);
    wrote("b");
  });
  assertEquals(feed.lastId, before + 1);

  const said: Written[] = [];
  const subscription = feed.subscribe();
  connection.on.write("Cannot do", () => connection.on.write("Cannot do", (tx) => tx.renamed()));
  for await (const { data } of subscription) {
    said.push(data);
    break;
  }
  assertEquals(said, [{ rows: [], all: true }], "a part's new names are the whole's");
});

Deno.test("openStore() writes so that what is committed outlasts a power failure", async () => {
  await using temp = await tempStore();
  const pragmas = await pragmasOf(temp.path);
  // In WAL mode anything below FULL (2) syncs at checkpoints alone.
  assertEquals(pragmas("journal_mode"), "wal");
  assertEquals(pragmas("synchronous"), 2);
  assertEquals(pragmas("foreign_keys"), 1);
  assertEquals(pragmas("trusted_schema"), 0);
  assertEquals(pragmas("busy_timeout"), 5000);
  // What a burst of writes left of the log goes again, and a first pass need not move it.
  assertEquals(pragmas("journal_size_limit"), 16 * 1024 * 1024);
  assertEquals(pragmas("wal_autocheckpoint"), 4000);
});

Deno.test("Connection.write() need not wait for the disk, unless it is part of what does", async () => {
  await using temp = await tempStore();
  const db = new Database(temp.path, { int64: true });
  db.exec("PRAGMA synchronous = FULL");
  const connection = new Connection(db, { now: () => AT, feed: null });
  using _ = { [Symbol.dispose]: () => connection.close() };
  const unsynced = { synced: false };
  const level = () => synchronous(db);
  assertEquals(connection.write("Cannot do", level), 2);
  assertEquals(connection.write("Cannot do", level, unsynced), 1);
  assertEquals(level(), 2);
  const fail = () => {
    throw new TypeError("stop");
  };
  assertThrows(() => connection.write("Cannot do", fail, unsynced), TypeError);
  assertEquals(level(), 2, "also when it failed");
  const part = () => connection.write("Cannot do", level, unsynced);
  assertEquals(connection.write("Cannot do", part), 2);
  connection.onChange(() => ({ before() {}, after() {} }));
  assertEquals(connection.write("Cannot do", level, unsynced), 2, "who did it is told with it");
});

Deno.test("reconcileContainers() waits for the disk where a row is another than before", async () => {
  await using temp = await tempStore();
  const { workloadId } = temp.store.registry.create("site", { name: "blog" }).entry;
  const levels: number[] = [];
  let opened: InstanceType<typeof Database> | null = null;
  const { exec } = Database.prototype;
  Database.prototype.exec = function (...args) {
    opened = this;
    return exec.apply(this, args);
  };
  // Asked for in the transaction.
  const now = () => (levels.push(synchronous(opened!)), AT);
  try {
    using store = await openStore(temp.path, { now });
    store.containers.index();
    const options = { at: AT, cause: "pass" as const, found: FOUND };
    levels.length = 0;
    const insert = { op: "insert" as const, row: row({ id: "a", workloadId }), from: null };
    store.containers.reconcileContainers([insert], options);
    assertEquals(levels, [2]);
    store.containers.reconcileContainers([], options);
    assertEquals(levels, [2, 1]);
    assertEquals(synchronous(opened!), 2);
  } finally {
    Database.prototype.exec = exec;
  }
});

Deno.test("reconcileContainers() writes rows and the time of the pass, or neither", async () => {
  await using temp = await tempStore();
  const { workloadId } = temp.store.registry.create("site", { name: "blog" }).entry;
  const insert = { op: "insert" as const, row: row({ id: "a", workloadId }), from: null };
  const orphan = { ...insert, row: row({ id: "b", workloadId: "nobody" }) };
  const options = { at: AT, cause: "pass" as const, found: FOUND };
  const left = () => [
    temp.store.hosts.lastPassAt(),
    temp.store.views.list().length,
    temp.store.transitions.ofRow("a").length,
  ];
  assertThrows(() => temp.store.containers.reconcileContainers([insert, orphan], options));
  assertEquals(left(), [null, 0, 0], "a row can't be written");

  const other = new Database(temp.path);
  other.exec(
    "CREATE TRIGGER full BEFORE UPDATE ON hosts BEGIN SELECT RAISE(ABORT, 'no room'); END",
  );
  temp.store.containers.index();
  const error = assertThrows(() => temp.store.containers.reconcileContainers([insert], options));
  assertStringIncludes((error as Error).message, "no room");
  assertEquals(left(), [null, 0, 0], "the time can't be written");

  other.exec("DROP TRIGGER full");
  other.close();
  temp.store.containers.index();
  temp.store.containers.reconcileContainers([insert], options);
  assertEquals(left(), [AT, 1, 1]);
});

Deno.test("reconcileContainers() writes a row and that its health changed, or neither", async () => {
  await using temp = await tempStore();
  const { containers, registry, changes, views } = temp.store;
  const { workloadId } = registry.create("site", { name: "blog" }).entry;
  const well = row({ id: "a", workloadId, health: "healthy" });
  const options = { at: AT, cause: "event" as const, found: null };
  containers.index();
  containers.reconcileContainers([{ op: "insert", row: well, from: null }], options);
  const update = {
    op: "update" as const,
    row: { ...well, health: "unhealthy" as const },
    from: well.state,
  };
  const left = () => [views.get("a").health, changes.ofRow("a").map(({ to }) => to)];

  const other = new Database(temp.path);
  const refuseOn = (table: string, when: string) =>
    other.exec(
      `CREATE TRIGGER full AFTER ${when} ON ${table} BEGIN SELECT RAISE(ABORT, 'no room'); END`,
    );
  for (const [table, when] of [["row_changes", "INSERT"], ["containers", "UPDATE"]] as const) {
    refuseOn(table, when);
    containers.index();
    assertThrows(() => containers.reconcileContainers([update], options), Error, "no room");
    assertEquals(left(), ["healthy", []], `${table} can't be written`);
    other.exec("DROP TRIGGER full");
  }
  other.close();
  containers.index();
  containers.reconcileContainers([update], options);
  assertEquals(left(), ["unhealthy", ["unhealthy"]]);
});

Deno.test("rotateSecret() leaves the secret as it was when it can't be replaced, and says so", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const { entry, secret } = store.registry.create("site", { name: "blog" });
  store.setBusyTimeout(0);
  using other = open(temp.path);
  other.on.write("Cannot write", () => {
    const error = assertThrows(() => store.workloads.rotateSecret(entry.workloadId), Failure);
    assertEquals(error.code, "busy");
    assertStringIncludes(error.message, `Cannot rotate the secret of workload`);
  });
  assertEquals(store.workloads.secret(entry.workloadId), secret);
  assertEquals(store.workloads.byWebhookSecret(secret)?.id, entry.workloadId);
});

/** A connection of its own, which waits for nobody. */
function open(path: string, feed: Feed<Written> | null = null): Disposable & { on: Connection } {
  const db = new Database(path, { int64: true });
  const on = new Connection(db, { now: () => AT, feed });
  on.setBusyTimeout(0);
  return { on, [Symbol.dispose]: () => on.close() };
}

/** How a connection waits for the disk: 2 with each commit, 1 with a checkpoint. */
function synchronous(db: InstanceType<typeof Database>): number {
  // Prepared each time: what is prepared keeps the answer that it had then.
  using statement = db.prepare("PRAGMA synchronous");
  return statement.value<[number]>()![0];
}

/** What the settings are of the connection that a store opens; no other connection can see them. */
async function pragmasOf(path: string): Promise<(name: string) => unknown> {
  const { exec } = Database.prototype;
  let opened: InstanceType<typeof Database> | null = null;
  Database.prototype.exec = function (...args) {
    opened = this;
    return exec.apply(this, args);
  };
  const values = new Map<string, unknown>();
  try {
    using _ = await openStore(path);
    for (
      const name of [
        "journal_mode",
        "synchronous",
        "foreign_keys",
        "trusted_schema",
        "busy_timeout",
        "journal_size_limit",
        "wal_autocheckpoint",
      ]
    ) values.set(name, opened!.prepare(`PRAGMA ${name}`).value<[unknown]>()![0]);
  } finally {
    Database.prototype.exec = exec;
  }
  return (name) => values.get(name);
}
