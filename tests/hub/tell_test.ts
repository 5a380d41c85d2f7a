/** What a host tells its hub, so that the hub takes all of it. @module */

import { assertEquals } from "@std/assert";
import { Telling } from "../../src/hub/tell.ts";
import type { Problem } from "../../src/model/problem.ts";
import { problem, writeProblems } from "../harness/problems.ts";
import { tempStore } from "../harness/temp_store.ts";

Deno.test("Telling tells of a problem that a thousand containers have, and names some of them", async () => {
  await using temp = await tempStore();
  const ids = Array.from({ length: 1000 }, (_, i) => `${i}`.padStart(64, "0"));
  writeProblems(
    temp.store,
    problem({
      kind: "contended",
      evidence: { state: "running", containers: ids.map((id) => ({ id, name: "" })) },
      do: { code: "remove", containers: ids },
    }),
  );
  const refused: string[] = [];
  const telling = new Telling(temp.store.replica, { onRefused: (why) => refused.push(why) });
  const [told] = telling.problems(null) as Problem[];
  assertEquals(refused, []);
  assertEquals(told?.evidence.containers?.length, 50);
  assertEquals(told?.do, { code: "remove", containers: ids.slice(0, 50) });
});
