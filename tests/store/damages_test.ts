/**
 * What is found damaged of a database that is in use, by whom nobody is kept waiting.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { Failure } from "../../src/failure.ts";
import { readBeside } from "../../src/store/beside.ts";
import { damagedBy } from "../harness/damaged.ts";
import { problem, writeProblems } from "../harness/problems.ts";
import { tempStore } from "../harness/temp_store.ts";

Deno.test("Store.damages() lets others have their turn, and what is written meanwhile is", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  using db = damagedBy(temp.path);
  db.write(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
     INSERT INTO audit (at, who, via, action, path, details)
     SELECT '2026-01-01T00:00:00.000Z', 'me', 'socket', 'POST', hex(randomblob(100)), '{}' FROM n`,
  );
  let over = false;
  const asked = [store.damages(), store.damages()];
  const looked = Promise.all(asked).finally(() => over = true);
  let turns = 0;
  for (; !over; turns++) {
    store.registry.create("site", { name: `s${turns}` });
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  assert(turns > 2, `${turns}`);
  assertEquals(await looked, [{ database: null, values: [] }, { database: null, values: [] }]);
  assertEquals(store.registry.list("site").length, turns);
});

Deno.test("Store.damages() names kept values that are not what was kept, not what stands there", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const found = problem({ kind: "engine-down", do: { code: "start-engine", host: "local" } });
  writeProblems(store, found);
  store.channels.add({ id: "c", name: "ops", type: "webhook", config: {}, fallbackId: null }, {
    ...{ workloads: null, kinds: null, minSeverity: "high", remindAfterMs: null },
  });
  const at = { key: "a", openedAt: 1, closedAt: null };
  store.notices.write({
    lookedAt: 1,
    notified: [{ ...at, problem: '{"told":{"key":"a"},"rowId":null}' }],
    notices: ["sent", "waits"].map((id) => ({
      ...{ id, kind: "test", content: '{"problems":[]}', subject: null, at: 1 },
      deliveries: [{ channelId: "c", queuedAt: 1 }],
    })),
  });
  using db = damagedBy(temp.path);
  db.write("UPDATE deliveries SET state = 'delivered' WHERE notice_id = 'sent'");
  assertEquals(await store.damages(), { database: null, values: [] });
  const columns: [column: string, of: string, ...damages: string[]][] = [
    ["hosts.last_pass", "", "[]"],
    ["hosts.judged", "", "5"],
    ["problems.evidence", ` of "${found.key}"`, "[]"],
    ["problems.remedy", ` of "${found.key}"`, ""],
    ["channels.config", ' of "ops"', "null"],
    ["notified.problem", ' of "a"', "{}", '{"told":5}', "[]"],
    ["notices.content", ' of "waits"', "{}", '{"problems":5}', "{"],
  ];
  for (const [column, of, ...damages] of columns) {
    const [table, name] = column.split(".");
    for (const damage of ["{s3cret", ...damages]) {
      db.write(`UPDATE ${table} SET ${name} = ?`, damage);
      assertEquals(await store.damages(), { database: null, values: [column + of] }, damage);
    }
    db.write(
      `UPDATE ${table} SET ${name} = ?`,
      table === "notified" ? '{"told":{"key":"a"}}' : '{"problems":[]}',
    );
  }
  db.write(`UPDATE rules SET kinds = '{}'`);
  const { id } = store.channels.rules({ onDamage: () => {} })[0]!;
  assertEquals((await store.damages()).values, [`rules.kinds of "${id}"`]);
});

Deno.test("readBeside() says what can't be read, and where", async () => {
  await using temp = await tempStore();
  await assertRejects(() => readBeside(temp.path, "SELECT x FROM nowhere"), Failure, temp.path);
  await assertRejects(() => readBeside(`${temp.dir}/none.db`, "SELECT 1"), Failure, "none.db");
  await assertRejects(
    () => readBeside(temp.path, "DELETE FROM hosts"),
    Failure,
    "can't be written",
  );
  assertEquals(await readBeside(temp.path, "VALUES ('é'), (NULL), (5)"), ["é", "", "5"]);
});
