/**
 * Databases that earlier releases wrote, one for each schema, kept as they were written. Each has
 * rows in every table.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { hashSecret } from "../../src/secret.ts";
import { loadMigrations } from "../../src/store/migrate.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { tempStore } from "../harness/temp_store.ts";

const { Database } = await import("@db/sqlite");

/** The secrets that the release made for what it wrote. */
const SECRETS = {
  api: "yc-4mHXF9TtRCcgsrn1w_gjblBOLY2-pSX5o5hbbV9o",
  shop: "Ipa4hlcz3jl2l-RX6IISwVQjW9jGsgGIMY4UKUoq0Dg",
  blog: "bfHcyWN11kcHvtnYCa7WYuqLFa9SFW6wQNE32aK9SM8",
};

/** Opens a copy of the database that was written with this schema. */
async function upgraded(schema: number, use: (store: Store, path: string) => void): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "tinyforge-upgrade-" });
  try {
    const path = join(dir, "tinyforge.db");
    await Deno.copyFile(
      fromFileUrl(new URL(`./fixtures/schema_${schema}.db`, import.meta.url)),
      path,
    );
    using store = await openStore(path);
    use(store, path);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Tables, indexes and views as SQLite describes them, whatever made them. */
function shapeOf(path: string): unknown {
  const db = new Database(path, { readonly: true });
  try {
    const tables = db.prepare(
      "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name",
    ).values<[string]>();
    return tables.map(([name]) => ({
      name,
      columns: db.prepare(`SELECT * FROM pragma_table_xinfo('${name}')`).values(),
      indexes: db.prepare(
        `SELECT l.name, l."unique", i.name FROM pragma_index_list('${name}') AS l,
           pragma_index_info(l.name) AS i ORDER BY l.name, i.seqno`,
      ).values(),
    }));
  } finally {
    db.close();
  }
}

Deno.test("the database of schema 1 has rows in every table", () => {
  const path = fromFileUrl(new URL("./fixtures/schema_1.db", import.meta.url));
  const db = new Database(`file:${path}?immutable=1`, { readonly: true, create: false });
  const tables = db.prepare(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
  ).values<[string]>();
  assertEquals(tables.length, 9);
  for (const [name] of tables) {
    assert(db.prepare(`SELECT count(*) FROM ${name}`).value<[number]>()![0] > 0, name);
  }
  assertEquals(db.prepare("SELECT max(version) FROM schema_migrations").value(), [1]);
  db.close();
});

Deno.test("openStore() opens a database of schema 1 and keeps what stands in it", async () => {
  await upgraded(1, (store) => {
    assertEquals(store.workloads.list().map(({ name }) => name), ["api", "blog", "shop"].sort());
    assertEquals(store.registry.named("site", "blog")?.domain, "blog.example.org");
    assertEquals(store.registry.named("stack", "shop")?.composeProjectName, "shop");
    const [stage] = store.stages.list(store.registry.named("project", "api")!.id);
    assertEquals([stage?.name, stage?.maxInstances], ["production", 3]);
    const rows = store.views.list().map(({ workloadName, state, subdomain, exitCode }) => ({
      workloadName,
      state,
      subdomain,
      exitCode,
    })).sort((a, b) => a.workloadName < b.workloadName ? -1 : 1);
    assertEquals(rows, [
      { workloadName: "api", state: "pending", subdomain: "api", exitCode: null },
      { workloadName: "blog", state: "stopped", subdomain: null, exitCode: 137 },
      { workloadName: "shop", state: "running", subdomain: null, exitCode: null },
    ]);
    const { engineId, foundEngineId } = store.hosts.local();
    assertEquals([engineId, foundEngineId, store.hosts.lastPass()?.listed], [
      "ENGINE-A",
      "ENGINE-B",
      1,
    ]);
    const blog = store.views.list().find(({ workloadName }) => workloadName === "blog")!;
    assertEquals(store.transitions.ofRow(blog.id).map(({ to }) => to), ["running", "stopped"]);
  });
});

Deno.test("openStore() gives a database of schema 1 the shape of a new one", async () => {
  await using fresh = await tempStore();
  const wanted = shapeOf(fresh.path);
  await upgraded(1, (_, path) => assertEquals(shapeOf(path), wanted));
});

Deno.test("openStore() opens a database of schema 14 and keeps what stands in it", async () => {
  await using fresh = await tempStore();
  const wanted = shapeOf(fresh.path);
  await upgraded(14, (store, path) => {
    assertEquals(shapeOf(path), wanted);
    const rows = store.views.list().map(({ workloadName, state }) => `${workloadName} ${state}`);
    assertEquals(rows.sort(), ["api pending", "blog stopped", "shop running"]);
    const [blog] = store.workloads.named("blog");
    assertEquals(store.expectations.of(blog!.id).map(({ mode }) => mode), ["running"]);
    assertEquals(store.problems.remembered(0).map(({ kind }) => kind).sort(), [
      "absent",
      "stopped",
    ]);
    assertEquals(store.channels.list().map(({ name }) => name), ["ops"]);
    assertEquals(store.tokens.list().map(({ name, role }) => `${name} ${role}`), ["ci deploy"]);
    assertEquals(store.silences.list(Date.now()).map(({ kinds }) => kinds), [null]);
    // Nobody follows it: nothing is counted.
    assertEquals(store.replica.lastTransition(), 5);
  });
});

Deno.test("openStore() takes silences of schema 15, which knew no kinds, for ones of all", async () => {
  await using fresh = await tempStore();
  const wanted = shapeOf(fresh.path);
  await upgraded(15, (store, path) => {
    assertEquals(shapeOf(path), wanted);
    assertEquals(store.workloads.named("wiki").length, 1);
    const now = Date.now();
    store.silences.add({
      ...{ scope: "all", targetId: "", kinds: ["stuck"], reason: "", cron: null, timeZone: null },
      ...{ startsAt: now, endsAt: now + 1000, lastsMs: 1000 },
    }, now);
    assertEquals(
      store.silences.list(now).map(({ reason, kinds }) => [reason, kinds]).sort(),
      [["", ["stuck"]], ["kept", null], ["moving", null]],
    );
    // What a hub was told goes on from where it was.
    assertEquals(store.replica.lastTransition(), 5);
  });
});

Deno.test("openStore() finds the secrets of a database of schema 1, and rotates them", async () => {
  await upgraded(1, ({ workloads }) => {
    for (const [name, secret] of Object.entries(SECRETS)) {
      assertEquals(workloads.byWebhookSecret(secret)?.name, name);
    }
    const { id } = workloads.byWebhookSecret(SECRETS.api)!;
    const rotated = workloads.rotateSecret(id);
    assertEquals(workloads.byWebhookSecret(SECRETS.api), undefined);
    assertEquals(workloads.byWebhookSecret(rotated)?.id, id);
  });
});

Deno.test("a database of schema 1 that was opened is opened again without a migration", async () => {
  await upgraded(1, (store, path) => {
    store.close();
    const db = new Database(path);
    const applied = db.prepare("SELECT count(*) FROM schema_migrations").value<[number]>()![0];
    const hashes = db.prepare("SELECT webhook_secret, webhook_secret_hash FROM workloads")
      .values<[string, string]>();
    db.close();
    assertEquals(applied, loadMigrations().length);
    for (const [secret, hash] of hashes) assertEquals(hash, hashSecret(secret));
  });
});

Deno.test("WorkloadTable.byWebhookSecret() asks an index, not every workload", async () => {
  await using temp = await tempStore();
  const db = new Database(temp.path, { readonly: true });
  const plan = db.prepare(
    "EXPLAIN QUERY PLAN SELECT id FROM workloads WHERE webhook_secret_hash = ?",
  )
    .values("x").flat().join(" ");
  db.close();
  assert(/SEARCH workloads USING .*INDEX workloads_webhook_secret_hash/.test(plan), plan);
});

Deno.test("WorkloadTable.byWebhookSecret() compares in full what the hash found", async () => {
  await using temp = await tempStore();
  const { secret } = temp.store.registry.create("site", { name: "blog" });
  const db = new Database(temp.path);
  db.exec("UPDATE workloads SET webhook_secret = 'another'");
  db.close();
  assertEquals(temp.store.workloads.byWebhookSecret(secret), undefined);
});
