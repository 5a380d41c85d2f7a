import { assertEquals } from "@std/assert";
import {
  type Columns,
  DEPLOYER_COLUMNS,
  DETAIL_COLUMNS,
  type Holds,
  OBSERVED_COLUMNS,
  VIEW_COLUMNS,
} from "../../src/model/columns.ts";
import { tempStore } from "../harness/temp_store.ts";

const { Database } = await import("@db/sqlite");

/** Written by both owners of a row, or by neither: the store keeps them. */
const OF_THE_STORE = [
  "id",
  "last_seen_at",
  "confirmed",
  "created_at",
  "updated_at",
  "state_since",
  "health_since",
  "inspected",
];

const SQL: Readonly<Record<Holds, string>> = {
  "boolean": "INTEGER NOT NULL",
  "text": "TEXT NOT NULL",
  "text or null": "TEXT",
  "integer": "INTEGER NOT NULL",
  "integer or null": "INTEGER",
  "kind": "TEXT NOT NULL",
  "time": "TEXT NOT NULL",
  "time or null": "TEXT",
  "seconds or null": "TEXT",
  "addresses": "TEXT NOT NULL",
  "object or null": "TEXT",
};

/** Column → type of a table of the database, or of a view, which has no constraints. */
async function inDatabase(table: string): Promise<Record<string, string>> {
  await using temp = await tempStore();
  const db = new Database(temp.path, { readonly: true });
  const columns = db.prepare(`SELECT name, type, "notnull" FROM pragma_table_info(?)`)
    .values<[string, string, number]>(table);
  db.close();
  return Object.fromEntries(
    columns.map(([name, type, required]) => [name, `${type}${required ? " NOT NULL" : ""}`]),
  );
}

const told = (table: Columns) =>
  Object.fromEntries(Object.values(table).map(({ column, holds }) => [column, SQL[holds]]));

Deno.test("every column of containers is told once, as the migrations make it", async () => {
  const made = await inDatabase("containers");
  for (const column of OF_THE_STORE) delete made[column];
  assertEquals(made, {
    ...told(OBSERVED_COLUMNS),
    ...told(DEPLOYER_COLUMNS),
    ...told(DETAIL_COLUMNS),
  });
  const owners = [...Object.keys(OBSERVED_COLUMNS), ...Object.keys(DEPLOYER_COLUMNS)];
  assertEquals(owners.length, new Set(owners).size);
});

Deno.test("container_views has every column that readers are shown", async () => {
  const there = Object.keys(await inDatabase("container_views"));
  assertEquals(Object.keys(told(VIEW_COLUMNS)).filter((column) => !there.includes(column)), []);
  const owned = [...Object.keys(OBSERVED_COLUMNS), ...Object.keys(DEPLOYER_COLUMNS)];
  assertEquals(owned.filter((field) => !(field in VIEW_COLUMNS)), []);
});
