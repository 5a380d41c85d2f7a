/** `/api/problems` where there are thousands. */

import { assert, assertEquals } from "@std/assert";
import { problem, writeProblems } from "../harness/problems.ts";
import { tempServer } from "../harness/temp_server.ts";

Deno.test("GET /api/problems lets others go between reading thousands, telling and writing them down", async () => {
  await using server = await tempServer();
  const { app, store } = server;
  const { workloadId } = store.registry.create("site", { name: "blog" }).entry;
  const all = Array.from(
    { length: 2000 },
    (_, i) =>
      problem({
        kind: "missing",
        do: { code: "explain", rowId: `row-${i}` },
        workloadId,
        rowId: `row-${i}`,
      }),
  );
  writeProblems(store, ...all);
  let turns = 0;
  let others = setTimeout(function turn() {
    turns++;
    others = setTimeout(turn, 0);
  }, 0);
  const { problems, workloads } = store;
  const { list } = problems;
  const { get } = workloads;
  let readAt = -1;
  let names = 0;
  problems.list = (filter) => {
    readAt = turns;
    return list.call(problems, filter);
  };
  workloads.get = (id) => {
    names++;
    return get.call(workloads, id);
  };
  try {
    const answer = await app.request("/api/problems");
    const answeredAt = turns;
    const told = (await answer.json()).problems;
    assertEquals(told.length, 2000);
    assertEquals(told[0].workload, { id: workloadId, name: "blog", kind: "site" });
    assert(readAt >= 0 && answeredAt - readAt >= 2, `${readAt}, ${answeredAt}`);
    // Of whom they are is looked up once.
    assertEquals(names, 1);
  } finally {
    clearTimeout(others);
  }
});
