/**
 * Pages of the index: the rows that match and no others, in pieces that are one JSON array whatever
 * the rows say, and of one moment whatever is written while they are read.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { isFailure } from "../../src/failure.ts";
import type { RowPage, ViewFilter } from "../../src/model/index_reader.ts";
import { type Column, VIEW_COLUMNS } from "../../src/model/columns.ts";
import type { ContainerView } from "../../src/model/views.ts";
import { VIEW_FIELDS } from "../../src/store/row_pages.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { row } from "../harness/world.ts";
import { type TempStore, tempStore } from "../harness/temp_store.ts";

const { Database } = await import("@db/sqlite");

const AT = "2026-01-01T00:00:10.000Z";

/** Enough for several pieces. */
const MANY = 700;

/** A store with rows of two workloads in four states. */
async function manyRows(count = MANY): Promise<TempStore & { readonly workloads: string[] }> {
  const temp = await tempStore();
  const workloads = ["shop", "blog"].map((name) =>
    temp.store.registry.create("stack", { name, composeProjectName: name }).entry.workloadId
  );
  const states = ["running", "stopped", "paused", "created"];
  const rows = Array.from({ length: count }, (_, i) =>
    row({
      id: `r${(i * 7919 % count).toString(36)}`,
      workloadId: workloads[i % 10 === 0 ? 1 : 0]!,
      containerId: `c${i}`,
      containerName: `name-${i}`,
      state: states[i % 4]!,
    }));
  temp.store.containers.reconcileContainers(
    rows.map((each) => ({ op: "insert", row: each, from: null })),
    { at: AT, cause: "pass", found: null },
  );
  return Object.assign(temp, { workloads });
}

interface Read {
  readonly items: ContainerView[];
  readonly next: string | null;
  readonly text: string;
}

/** What a page says; `meanwhile` runs after its first piece. */
function read({ rows }: RowPage, meanwhile = () => {}): Read {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "[";
  for (let first = true;; first = false) {
    const { done, value } = rows.next();
    if (done) return { items: JSON.parse(`${text}]`), next: value, text: `${text}]` };
    text += decoder.decode(value);
    if (first) meanwhile();
  }
}

const page = (store: Store, filter: ViewFilter & { limit: number }) =>
  read(store.views.page(filter));

Deno.test("page() has the rows that match by their ids, and says where others follow", async () => {
  await using temp = await manyRows();
  const { store, workloads } = temp;
  const all = store.views.list();
  assertEquals(all.length, MANY);
  assertEquals(all.map(({ id }) => id), all.map(({ id }) => id).toSorted());
  const asked: [ViewFilter, (view: ContainerView) => boolean][] = [
    [{}, () => true],
    [{ kind: "stack" }, () => true],
    [{ kind: "site" }, () => false],
    [{ host: "local" }, () => true],
    [{ state: "paused" }, ({ state }) => state === "paused"],
    [{ state: "missing" }, () => false],
    [{ workload: "shop" }, ({ workloadName }) => workloadName === "shop"],
    [{ workloadId: workloads[1]! }, ({ workloadId }) => workloadId === workloads[1]],
    [
      { workload: "shop", state: "stopped" },
      ({ workloadName, state }) => workloadName === "shop" && state === "stopped",
    ],
    [{ container: "name-3" }, ({ containerName }) => containerName === "name-3"],
    [{ after: all[300]!.id }, ({ id }) => id > all[300]!.id],
    [
      { after: all[300]!.id, state: "running" },
      ({ id, state }) => id > all[300]!.id && state === "running",
    ],
  ];
  for (const [filter, matches] of asked) {
    const wanted = all.filter(matches);
    assertEquals(store.views.list(filter), wanted, JSON.stringify(filter));
    for (const limit of [1, 79, 80, 81, 160, 175, MANY - 1, MANY, MANY + 1, 10_000]) {
      const { items, next } = page(store, { ...filter, limit });
      const what = `${JSON.stringify(filter)} ${limit}`;
      assertEquals(items, wanted.slice(0, limit), what);
      assertEquals(next, wanted.length > limit ? wanted[limit - 1]!.id : null, what);
    }
  }
});

Deno.test("page() is of one moment, whatever is written while it is read", async () => {
  for (const filter of [{}, { state: "running" }, { workload: "shop" }]) {
    await using temp = await manyRows();
    const { store, workloads } = temp;
    const asked = { ...filter, limit: MANY / 10 * 9 };
    const before = page(store, asked);
    const among = before.items;
    const changed = read(store.views.page(asked), () => {
      const gone = among.at(-1)!;
      const other = among.at(-2)!;
      store.atOnce("Cannot change", () => {
        store.deployed.deleteDeployedContainer(gone.id);
        store.deployed.updateDeployedContainer(other.id, { imageTag: "2" });
        store.deployed.saveDeployedContainer({ id: `${other.id}0`, workloadId: workloads[0]! });
      });
      store.registry.update("stack", store.registry.named("stack", "shop")!.id, {
        name: "renamed",
      });
    });
    assertEquals(changed, before);
    const after = page(store, { limit: 10_000 });
    assert(after.items.some(({ imageTag }) => imageTag === "2"), "it was written meanwhile");
  }
});

Deno.test("pages that are read at once are each of their own moment", async () => {
  await using temp = await manyRows();
  const { store } = temp;
  const tag = (imageTag: string) => {
    for (const { id } of [store.views.list()[200]!, store.views.list().at(-1)!]) {
      store.deployed.updateDeployedContainer(id, { imageTag });
    }
  };
  const tags = ({ items }: Read) => items.map(({ imageTag }) => imageTag).filter((tag) => tag);
  let second: Read | undefined;
  let third: Read | undefined;
  const first = read(store.views.page({ limit: MANY }), () => {
    tag("1");
    second = read(store.views.page({ limit: MANY }), () => {
      tag("2");
      third = page(store, { limit: MANY });
    });
  });
  assertEquals([first, second!, third!].map(tags), [[], ["1", "1"], ["2", "2"]]);
});

Deno.test("page() of an index that another process writes is of one moment as well", async () => {
  await using temp = await manyRows();
  using reader = await openStore(temp.path, { readonly: true });
  const before = page(reader, { limit: MANY });
  const { id } = before.items.at(-1)!;
  const changed = read(reader.views.page({ limit: MANY }), () => {
    temp.store.deployed.updateDeployedContainer(id, { imageTag: "2" });
  });
  assertEquals(changed, before);
  assertEquals(page(reader, { limit: MANY }).items.at(-1)!.imageTag, "2");
});

Deno.test("a page that nobody reads on keeps no write waiting", async () => {
  await using temp = await manyRows();
  const { rows } = temp.store.views.page({ limit: MANY });
  assertEquals(rows.next().done, false);
  rows.return(null);
  temp.store.deployed.updateDeployedContainer(temp.store.views.list()[0]!.id, { imageTag: "2" });
  assertEquals(rows.next().done, true);
});

Deno.test("a row that can't be read fails its page, not what is written meanwhile", async () => {
  await using temp = await manyRows();
  const { store } = temp;
  const views = store.views.list();
  const { rows } = store.views.page({ limit: MANY });
  assertEquals(rows.next().done, false);
  // As somebody's hand would leave it, from within this process so that it is seen at once.
  const db = new Database(temp.path);
  db.exec("UPDATE containers SET addresses = '{' WHERE id = ?", views.at(-1)!.id);
  db.close();
  store.deployed.updateDeployedContainer(views[0]!.id, { imageTag: "2" });
  let failure: unknown = null;
  let pieces = 0;
  try {
    while (!rows.next().done) pieces++;
  } catch (error) {
    failure = error;
  }
  assert(isFailure(failure, "corrupt"), `${failure}`);
  assertMatch(failure.message, new RegExp(`containers.addresses of "${views.at(-1)!.id}" is not`));
  assertEquals(pieces, Math.ceil(MANY / 80) - 2);
  assertEquals(store.views.get(views[0]!.id).imageTag, "2");
});

/** What breaks JSON where it is not escaped, terminals, or an encoder. */
const NASTY: readonly string[] = [
  "",
  '"',
  "\\",
  '\\"',
  '","id":"forged',
  "'; DROP TABLE containers; --",
  "\u0000",
  "a\u0000b",
  "\u0001\u0008\t\n\u000b\f\r\u001b[31m\u001f",
  "\u007f\u0080\u009f",
  "\u2028\u2029",
  "\u202e\u200b\ufeff",
  "🎈𝕏\u{10ffff}",
  "ü ß ﷽",
  "\ud7ff\ue000\uffff",
  "null",
  "true",
  "0",
  "-1e999",
  "{}",
  "[1,2",
  "%s%n%%",
  "x".repeat(5000),
  'ü"\n'.repeat(2000),
];

Deno.test("page() tells every text as it is, as one array that is JSON", async () => {
  await using temp = await manyRows(300);
  const { store } = temp;
  const columns = Object.entries<Column>(VIEW_COLUMNS).filter(([, { column, holds }]) =>
    holds.startsWith("text") &&
    !["id", "workload_id", "workload_name", "stage_id", "stage_name", "host"].includes(column)
  );
  const ids = store.views.list().map(({ id }) => id);
  const db = new Database(temp.path);
  // Any text in any column, as no statement of this program writes it; numbers at their ends.
  ids.forEach((id, i) => {
    const values = columns.map((_, at) => NASTY[(i + at) % NASTY.length]!);
    const set = columns.map(([, { column }]) => `${column} = ?`).join(", ");
    db.exec(
      `UPDATE containers SET ${set}, meta = ?, addresses = ?, exit_code = ?, port = ?, npm_proxy_id = ?,
         restart_count = ? WHERE id = ?`,
      ...values,
      i % 3 === 0 ? null : JSON.stringify({ [NASTY[i % NASTY.length]!]: [values[0]!, null, 1.5] }),
      JSON.stringify({ [values[1]!]: values[2]!, none: null }),
      ...[[0, 0, null, -1], [-(2 ** 53) + 1, 65_535, 2 ** 53 - 1, 2 ** 31]][i % 2]!,
      id,
    );
  });
  const [old] = db.prepare(
    `SELECT CAST('[' || group_concat(row) || ']' AS BLOB) FROM (
       SELECT json_object(${VIEW_FIELDS}) AS row FROM container_views ORDER BY id)`,
  ).value<[Uint8Array]>()!;
  db.close();
  const { items, text } = page(store, { limit: 10_000 });
  assertEquals(text, new TextDecoder().decode(old));
  assertEquals(store.views.list(), items);
  items.forEach((item, i) => {
    const shown = columns.map(([field, { nothing }], at) => {
      const value = NASTY[(i + at) % NASTY.length]!;
      return [field, value === "" && nothing === "" ? null : value];
    });
    assertEquals({ ...item, ...Object.fromEntries(shown) }, item);
    assertEquals(Object.keys(item), Object.keys(VIEW_COLUMNS));
  });
});
