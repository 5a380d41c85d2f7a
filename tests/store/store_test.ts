import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { hintFor } from "../../src/cli/words.ts";
import { Failure } from "../../src/failure.ts";
import { loadMigrations, migrate } from "../../src/store/migrate.ts";
import { openStore } from "../../src/store/store.ts";
import { tempStore } from "../harness/temp_store.ts";

const { Database } = await import("@db/sqlite");

async function refused(path: string, options = {}): Promise<Failure> {
  return await assertRejects(() => openStore(path, options), Failure);
}

Deno.test("openStore() keeps the database for this user alone", async () => {
  await using temp = await tempStore();
  temp.store.registry.create("site", { name: "blog" });
  for (const file of ["", "-wal", "-shm"]) {
    assertEquals((await Deno.stat(temp.path + file)).mode! & 0o777, 0o600, file);
  }
});

Deno.test("openStore() takes the rights of others on a database that was there", async () => {
  await using temp = await tempStore();
  temp.store.close();
  const modes = async () => (await Deno.stat(temp.path)).mode! & 0o777;
  await Deno.chmod(temp.path, 0o644);
  (await openStore(temp.path, { readonly: true })).close();
  assertEquals(await modes(), 0o644, "who only reads changes nothing");
  using _ = await openStore(temp.path);
  assertEquals(await modes(), 0o600);
});

Deno.test("openStore() uses WAL, full sync and foreign keys", async () => {
  await using temp = await tempStore();
  const db = new Database(temp.path, { readonly: true });
  assertEquals(db.prepare("PRAGMA journal_mode").value(), ["wal"]);
  db.close();
  const error = await assertRejects(
    () =>
      Promise.resolve().then(() =>
        temp.store.deployed.saveDeployedContainer({ workloadId: "nobody" })
      ),
    Failure,
  );
  assertEquals(error.code, "not-found");
});

Deno.test("openStore() opens what it wrote", async () => {
  await using temp = await tempStore();
  const { entry } = temp.store.registry.create("site", { name: "blog", domain: "blog.example" });
  temp.store.close();
  using again = await openStore(temp.path);
  assertEquals(again.registry.named("site", "blog"), entry);
});

Deno.test("openStore() tolerates tables of other tools", async () => {
  await using temp = await tempStore();
  temp.store.close();
  const db = new Database(temp.path);
  db.exec("CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)");
  db.exec("CREATE TABLE _litestream_lock (id INTEGER)");
  db.close();
  using again = await openStore(temp.path);
  assertEquals(again.registry.list("site"), []);
});

Deno.test("openStore() refuses a database of a newer version by name and leaves it", async () => {
  await using temp = await tempStore();
  temp.store.close();
  const db = new Database(temp.path);
  db.exec("INSERT INTO schema_migrations VALUES (99, '0099_future', '2030-01-01T00:00:00Z')");
  db.exec("PRAGMA journal_mode = DELETE");
  db.close();
  const before = await Deno.readFile(temp.path);
  for (const options of [{}, { readonly: true }]) {
    const error = await refused(temp.path, options);
    assertEquals(error.code, "newer");
    assertStringIncludes(error.message, '"0099_future"');
    assertStringIncludes(error.message, temp.path);
  }
  assertEquals((await Deno.readFile(temp.path)).length, before.length);
});

Deno.test("openStore() refuses a corrupted database and leaves it untouched", async () => {
  await using temp = await tempStore();
  for (let i = 0; i < 300; i++) temp.store.registry.create("site", { name: `site ${i}` });
  temp.store.close();
  const good = await Deno.readFile(temp.path);
  const corruptions: [string, (bytes: Uint8Array) => Uint8Array][] = [
    [
      "not a database",
      () => new TextEncoder().encode("hello, I am a text file, not SQLite\n".repeat(200)),
    ],
    ["garbage inside", (b) => b.fill(0xa5, 4096 * 3, 4096 * 20)],
    ["cut short", (b) => b.slice(0, b.length - 4096 * 8)],
    ["a schema that is none", (b) => {
      const at = new TextDecoder("latin1").decode(b).indexOf("CREATE TABLE hosts");
      return b.fill(0x5b, at + 7, at + 9);
    }],
  ];
  for (const [name, corrupt] of corruptions) {
    const bytes = corrupt(good.slice());
    await Deno.writeFile(temp.path, bytes);
    const error = await refused(temp.path);
    assertEquals(error.code, "corrupt", name);
    assertStringIncludes(error.message, temp.path);
    assert(hintFor(error).length > 0);
    assertEquals(await Deno.readFile(temp.path), bytes, name);
  }
});

Deno.test("openStore() says where a database is missing that is only to be read", async () => {
  const dir = await Deno.makeTempDir();
  const error = await refused(join(dir, "tinyforge.db"), { readonly: true });
  assertEquals(error.code, "not-found");
  assertEquals(await Array.fromAsync(Deno.readDir(dir)), []);
  await Deno.remove(dir);
});

Deno.test("openStore() for reading can't write", async () => {
  await using temp = await tempStore();
  using reader = await openStore(temp.path, { readonly: true });
  const error = await assertRejects(
    () => Promise.resolve().then(() => reader.registry.create("site", { name: "x" })),
    Failure,
  );
  assertEquals(error.code, "readonly");
});

Deno.test("migrate() leaves the database as it was when a migration fails", async () => {
  await using temp = await tempStore();
  const db = new Database(temp.path);
  const schema = () => db.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").values();
  const before = schema();
  const known = loadMigrations();
  const broken = [...known, {
    version: known.length + 1,
    name: "9999_broken",
    sql: "CREATE TABLE half (id INTEGER); INSERT INTO nowhere VALUES (1);",
  }];
  const error = await assertRejects(
    () =>
      Promise.resolve().then(() =>
        migrate(db, broken, { path: temp.path, now: "2026-01-01T00:00:00Z" })
      ),
    Failure,
  );
  assertStringIncludes(error.message, "9999_broken");
  assertStringIncludes(error.message, "nowhere");
  assertEquals(schema(), before);
  assertEquals(db.prepare("SELECT max(version) FROM schema_migrations").value(), [
    known.length,
  ]);
  db.close();
});

Deno.test("migrate() applies what is new and nothing twice", async () => {
  await using temp = await tempStore();
  const db = new Database(temp.path);
  const known = loadMigrations();
  const more = [...known, {
    version: known.length + 1,
    name: "9999_more",
    sql: "CREATE TABLE more (x)",
  }];
  const options = { path: temp.path, now: "2026-01-01T00:00:00Z" };
  assertEquals([migrate(db, more, options), migrate(db, more, options)], [1, 0]);
  db.close();
});

Deno.test("Registry.create() is busy while another process holds the write lock", async () => {
  await using temp = await tempStore();
  const other = new Database(temp.path);
  other.exec("BEGIN IMMEDIATE");
  const store = temp.store;
  store.setBusyTimeout(50);
  const error = await assertRejects(
    () => Promise.resolve().then(() => store.registry.create("site", { name: "blog" })),
    Failure,
  );
  assertEquals(error.code, "busy");
  other.exec("ROLLBACK");
  other.close();
  store.registry.create("site", { name: "blog" });
  assertEquals(store.registry.list("site").length, 1);
});

Deno.test("Store.version() changes with every write, whoever wrote, and with nothing else", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const versions = [store.version()];
  store.views.list();
  store.hosts.local();
  assertEquals(store.version(), versions[0]);
  store.registry.create("site", { name: "blog" });
  versions.push(store.version());
  const found = {
    listed: 0,
    claimed: 0,
    refused: [],
    unclaimed: [],
    unmanaged: { count: 0, composeProjects: {} },
  };
  const at = "2026-01-01T00:00:00.000Z";
  store.containers.reconcileContainers([], { at, cause: "pass", found });
  versions.push(store.version());
  const other = await openStore(temp.path);
  other.registry.create("site", { name: "shop" });
  other.close();
  versions.push(store.version());
  assertEquals(new Set(versions).size, versions.length);
  assertEquals(store.version(), versions.at(-1));
});

Deno.test("openStore() opens what another process is writing to", async () => {
  await using temp = await tempStore();
  temp.store.close();
  const other = new Database(temp.path);
  other.exec("BEGIN IMMEDIATE");
  using store = await openStore(temp.path);
  assertEquals(store.workloads.list(), []);
  other.exec("ROLLBACK");
  other.close();
  store.registry.create("site", { name: "blog" });
  assertEquals(store.workloads.list().length, 1);
});
