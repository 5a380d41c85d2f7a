import { assertEquals, assertRejects } from "@std/assert";
import { joinedBytes, utf8 } from "../../src/bytes.ts";
import type { ReadApi } from "../../src/cli/client.ts";
import { readRows, readRowsInPieces } from "../../src/cli/rows.ts";

const INDEX = { fresh: false, asOf: null, reason: "no-pass" };

/** Rows that say what documents of rows are told apart by. */
const ROWS = [
  { id: "a", meta: { items: [], nextCursor: "x" }, role: '],"nextCursor":null}' },
  { id: "ü", meta: null, role: '","items":[' },
  { id: "[", meta: { a: [[1], [2]], nextCursor: null }, role: "🎈\\" },
];

const document = (items: unknown[], nextCursor: string | null) =>
  utf8(JSON.stringify({ index: INDEX, items, nextCursor }));

/** Answers with these documents, one after the other, and writes down what was asked. */
function answering(...documents: Uint8Array[][]): ReadApi & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    many: false,
    asked,
    get: () => Promise.reject(new Error("nothing else is asked")),
    getInPieces: (path) => {
      asked.push(path);
      return Promise.resolve(documents[asked.length - 1]!);
    },
  };
}

const textOf = (pieces: readonly Uint8Array[]) => new TextDecoder().decode(joinedBytes(pieces));

Deno.test("readRowsInPieces() finds the rows wherever an answer is cut", async () => {
  for (const items of [ROWS, []]) {
    const bytes = document(items, null);
    const rows = JSON.stringify(items).slice(1, -1);
    for (let first = 0; first <= bytes.length; first++) {
      for (const second of [first, first + 1, first + 9, bytes.length]) {
        const pieces = [
          bytes.subarray(0, first),
          bytes.subarray(first, second),
          bytes.subarray(second),
        ];
        const read = await readRowsInPieces(answering(pieces), {});
        assertEquals([textOf(read.items), read.index], [rows, INDEX], `${first} ${second}`);
      }
    }
  }
});

Deno.test("readRowsInPieces() and readRows() go on with the next page until there is none", async () => {
  const cursor = '],"nextCursor":"b&c';
  const [a, b, c] = ROWS;
  const pages = () =>
    answering([document([a, b], cursor)], [document([], "d")], [document([c], null)]);
  const api = pages();
  const read = await readRowsInPieces(api, { kind: "stack", fresh: true });
  assertEquals(JSON.parse(`[${textOf(read.items)}]`), ROWS);
  assertEquals(api.asked.map((path) => [...new URL(path, "http://x").searchParams]), [
    [["limit", "10000"], ["kind", "stack"], ["fresh", ""]],
    [["limit", "10000"], ["kind", "stack"], ["cursor", cursor]],
    [["limit", "10000"], ["kind", "stack"], ["cursor", "d"]],
  ]);
  assertEquals((await readRows(pages())).items as unknown, ROWS);
});

Deno.test("readRowsInPieces() refuses what is no page of rows", async () => {
  for (const text of ["", "{}", "[]", '{"items":[]}', '{"items":[],"nextCursor":null}', '"],"']) {
    await assertRejects(() => readRowsInPieces(answering([utf8(text)]), {}), TypeError);
  }
  await assertRejects(() => readRowsInPieces(answering([]), {}), TypeError);
});
