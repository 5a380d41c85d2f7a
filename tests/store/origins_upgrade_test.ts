import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { shownTransition } from "../../src/core/origin.ts";
import { WORKLOAD_KINDS } from "../../src/model/workload.ts";
import { loadMigrations, migrate } from "../../src/store/migrate.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { row } from "../harness/world.ts";
import "../harness/temp_store.ts";

const { Database } = await import("@db/sqlite");

const fixture = (name: string) => Deno.readTextFile(new URL(`./fixtures/${name}`, import.meta.url));

/** A database as a program at schema 1 left it. */
async function atSchema1(): Promise<{ path: string } & AsyncDisposable> {
  const dir = await Deno.makeTempDir({ prefix: "tinyforge-upgrade-" });
  const path = join(dir, "tinyforge.db");
  const db = new Database(path);
  migrate(db, loadMigrations().slice(0, 1), { path, now: "2026-01-01T00:00:00.000Z" });
  db.exec(await fixture("schema_1.sql"));
  db.close();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }) };
}

function shown(store: Store, rowIds: readonly string[]) {
  const project = store.registry.list("project")[0]!;
  const [stage] = store.stages.list(project.id);
  return {
    containers: store.views.list(),
    routes: store.views.listProxyRoutes(),
    stage: store.views.listContainersByStage(stage!.id).map(({ id }) => id),
    transitions: Object.fromEntries(
      rowIds.map((id) => [
        id,
        store.transitions.ofRow(id).map((t) => {
          const { origin: _, ...rest } = shownTransition(t);
          return rest;
        }),
      ]),
    ),
    host: { ...store.hosts.local(), lastPass: store.hosts.lastPass() },
    workloads: store.workloads.list(),
    entries: WORKLOAD_KINDS.flatMap((kind) => store.registry.list(kind)),
    stages: store.stages.list(project.id),
    index: [...store.containers.index().rows()],
  };
}

/** A row as it is shown since what it has none of is null. */
function withNothing(row: Record<string, unknown>): Record<string, unknown> {
  const nothing = (field: string, value: unknown) =>
    value === "" || (field === "port" && value === 0) ? null : value;
  return Object.fromEntries(
    Object.entries(row).map(([field, value]) => [field, nothing(field, value)]),
  );
}

/** What `actual` has of what `expected` tells: schemas to come add columns. */
function known(actual: unknown, expected: unknown): unknown {
  if (Array.isArray(actual) && Array.isArray(expected)) {
    return actual.map((each, i) => known(each, expected[i]));
  }
  if (typeof actual !== "object" || typeof expected !== "object" || !actual || !expected) {
    return actual;
  }
  const of = actual as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(expected).map(([key, value]) => [key, known(of[key], value)]),
  );
}

Deno.test("openStore() shows all that a program at schema 1 showed, stories in its words", async () => {
  await using old = await atSchema1();
  const before = JSON.parse(await fixture("schema_1.json"));
  const rowIds = Object.keys(before.transitions);
  const expected = {
    ...before,
    containers: before.containers.map(withNothing),
    routes: before.routes.map(withNothing),
  };
  for (let opened = 1; opened <= 2; opened++) {
    using store = await openStore(old.path);
    assertEquals(known(shown(store, rowIds), expected), expected);
  }
});

Deno.test("stories from before origins were data go on as data", async () => {
  await using old = await atSchema1();
  using store = await openStore(old.path);
  const last = store.transitions.since(0).at(-1)!.seq;
  const [web] = [...store.containers.index().rows()].filter(({ role }) => role === "web");
  const at = "2026-01-02T00:00:00.000Z";
  store.containers.reconcileContainers(
    [{ op: "update", row: row({ ...web!, state: "running" }), from: "stopped" }],
    { at, cause: "event", found: null, origin: () => ({ by: "event", action: "start", at }) },
  );
  assertEquals(store.transitions.ofRow(web!.id).map(({ origin }) => origin), [
    { by: "prose", text: "listing of 2026-01-01T00:10:00.000Z" },
    { by: "prose", text: "die at 2026-01-01T00:10:29.123Z" },
    { by: "event", action: "start", at },
  ]);
  assertEquals(store.transitions.since(last).map(({ rowId }) => rowId), [web!.id]);
});
