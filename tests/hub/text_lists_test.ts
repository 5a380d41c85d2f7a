/** Long lists of texts as one parameter. @module */

import { assertEquals } from "@std/assert";
import { joinedTexts, textList } from "../../src/hub/text_lists.ts";
import { openTestDatabase, startCluster } from "../harness/postgres.ts";

Deno.test("textList() is the list that it is given, whatever is in it", async () => {
  await using cluster = await startCluster();
  await using database = await openTestDatabase(cluster, { connections: 1 });
  const lists: (string | null)[][] = [
    [],
    [""],
    [null],
    ["a"],
    ["a", null, "", "b"],
    ['{"a":"\\"\\\\,{}"}', "NULL", "null", "größe 🦊", "\n\t'$1;--"],
    ["a\x1fb", "c"],
    ["a", "\x1e"],
    ["\x1f"],
    Array.from({ length: 3000 }, (_, i) => `row ${i}`),
  ];
  for (const list of lists) {
    await database.sql.begin(async (tx) => {
      const [{ back }] = await tx<[{ back: (string | null)[] }]>`
        SELECT to_json(${textList(tx, list)}) AS back`;
      assertEquals(back, list);
    });
  }
});

Deno.test("joinedTexts() says which lists can't be told so", () => {
  assertEquals(joinedTexts(["a", null]), "a\x1f\x1e");
  for (const list of [[], [""], ["a\x1fb"], ["\x1e", null]]) assertEquals(joinedTexts(list), null);
});
