/** Rows of a snapshot, read only where they are not kept already. @module */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Failure } from "../../src/failure.ts";
import { readIngestText } from "../../src/hub/ingest_text.ts";
import { readIngest } from "../../src/hub/protocol.ts";
import { hubRow, ROW_FIELDS } from "../../src/hub/row.ts";
import { type ComparedRows, rowsIn, rowsRead } from "../../src/hub/snapshot_rows.ts";
import { shownRow } from "./rows.ts";

/** Texts that have in them what stands between two rows, and around all. */
const anyText = fc.oneof(
  fc.constantFrom('},{"id":', '"rows":[', "]}", '\\"rows\\":[', "\u001f", "größe 🦊", "\ud800"),
  fc.string({ unit: "binary", maxLength: 5 }).filter((text) => !text.includes("\0")),
);

const anyNested = fc.constantFrom<Record<string, unknown>>(
  {},
  { net: "10.0.0.2" },
  { net: [{ id: 1 }, { id: 2 }] },
  { rows: [{ id: 1 }] },
);

/** Rows as hosts tell them, as other programs may, and now and then what is none. */
const anyRow = fc.record({
  id: fc.constantFrom("a", "b", "c", "größe", '},{"id":'),
  imageRef: anyText,
  addresses: anyNested,
  // As it is kept; with more; in another order; with less; no row.
  form: fc.oneof({ weight: 20, arbitrary: fc.constant("kept") }, fc.constantFrom("more", "order")),
  wrong: fc.oneof({ weight: 40, arbitrary: fc.constant(null) }, fc.constantFrom("state", "exit")),
}).map(({ form, wrong, ...changes }): Record<string, unknown> => {
  const row = shownRow(changes.id, changes);
  const kept = JSON.parse(JSON.stringify(row));
  if (wrong === "state") return { ...kept, state: 7 };
  if (wrong === "exit") return { ...kept, exitCode: "three" };
  if (form === "more") return { ...kept, ofTheFuture: [{ id: 1 }, { id: 2 }] };
  return form === "order" ? Object.fromEntries(Object.entries(kept).reverse()) : kept;
});

const read = (rows: readonly unknown[]) => rows.map((row) => hubRow(row));

/** Of some it was never asked. */
function withoutHashes({ same, others }: ComparedRows) {
  return { same, others: others.map((row) => ({ ...row, hash: null })) };
}

/** What comes of it, or why nothing does. */
function outcome<T>(act: () => T): T | string {
  try {
    return act();
  } catch (error) {
    assert(error instanceof Failure && error.code === "invalid", String(error));
    return "refused";
  }
}

Deno.test("rowsIn() is what reading each row is, whatever is kept", () => {
  let known = 0;
  fc.assert(
    fc.property(
      fc.array(anyRow, { maxLength: 5 }),
      fc.array(anyRow, { maxLength: 2 }),
      fc.array(fc.nat({ max: 4 }), { maxLength: 3 }),
      fc.boolean(),
      (rows, others, asBefore, spaced) => {
        const before = [...others, ...asBefore.flatMap((i) => rows[i] ?? [])];
        const kept = new Map(
          before.flatMap((row) => {
            const found = outcome(() => hubRow(row));
            return typeof found === "string" ? [] : [[found.id, found.hash] as const];
          }),
        );
        const text = rows.map((row) => JSON.stringify(row, null, spaced ? 1 : 0)).join();
        const found = outcome(() => withoutHashes(rowsIn(text, { most: 4 }).compare(kept)));
        const expected = outcome(() => {
          const all = read(rows);
          if (new Set(all.map(({ id }) => id)).size < all.length || all.length > 4) {
            return "refused";
          }
          return withoutHashes(rowsRead(all).compare(kept));
        });
        assertEquals(found, expected);
        if (typeof found !== "string") known += found.same.size;
      },
    ),
    { numRuns: 3000 },
  );
  assert(known > 50, `${known} were known`);
});

Deno.test("rowsIn() does not read what it knows", () => {
  const rows = ["a", "b", "c"].map((id) => JSON.parse(hubRow(shownRow(id)).body));
  const kept = new Map(read(rows).map(({ id, hash }) => [id, hash]));
  const texts = rows.map((row) => JSON.stringify(row));
  const parse = JSON.parse;
  const looked: string[] = [];
  try {
    JSON.parse = (text: string) => {
      looked.push(text);
      return parse(text);
    };
    const changed = texts[1]!.replace("running", "stopped").replace(/\}$/, ',"ofTheFuture":1}');
    const { same, others } = rowsIn([texts[0], changed, texts[2]].join(), { most: 5 }).compare(
      kept,
    );
    assertEquals([[...same], others.map(({ id, state }) => `${id} ${state}`)], [
      ["a", "c"],
      ["b stopped"],
    ]);
    assertEquals(looked, [changed]);
  } finally {
    JSON.parse = parse;
  }
});

Deno.test("rowsIn() refuses more rows than a message may have before it looks at any", () => {
  const rows = Array.from({ length: 12 }, (_, i) => `{"id":"${i}","workloadId":7}`).join(",");
  const refused = (most: number) =>
    assertThrows(() => rowsIn(rows, { most }).compare(new Map()), Error).message;
  assertEquals(refused(11), "Cannot take the message: it has more than 11 rows");
  assertStringIncludes(refused(12), "Cannot take a row");
});

Deno.test("readIngestText() is what readIngest() is of the same JSON", () => {
  const said = { session: 1, epoch: "e", to: 4 };
  const rows = Array.from({ length: 6 }, (_, i) => JSON.parse(hubRow(shownRow(`row-${i}`)).body));
  const texts: string[] = [
    JSON.stringify({ ...said, from: null, of: "rows", after: "a", upTo: null, rows }),
    JSON.stringify({ ...said, rows }),
    JSON.stringify({ rows, ...said }),
    JSON.stringify({ ...said, rows }, null, 2),
    JSON.stringify({ ...said, from: 3, gone: ["x"], rows }),
    JSON.stringify({ ...said, of: "workloads", workloads: [], more: { rows } }),
    JSON.stringify({ more: [{ rows }], ...said, rows: [] }),
    JSON.stringify({ ...said, 'x"rows': [], rows }),
    JSON.stringify({ ...said, rows: [], 'x"rows': rows }),
    JSON.stringify({ ...said, rows: [], x: { '"rows":[': 1, rows } }),
    `{"rows":[],${JSON.stringify({ ...said, rows }).slice(1)}`,
    JSON.stringify({ ...said, rows, problems: [] }),
    JSON.stringify({ ...said, rows, problems: [] }, null, 1),
    JSON.stringify({ session: 1, epoch: "e", rows, to: 4, workloads: [] }),
    JSON.stringify({ ...said, rows, upTo: "row-5", x: [{ id: 1 }, { id: 2 }] }),
    JSON.stringify({ ...said, rows: [{ ...rows[0], imageRef: "a]," }, ...rows.slice(1)] }),
    JSON.stringify({ ...said, epoch: "", rows }),
    JSON.stringify({ ...said, rows: [...rows, rows[0]] }),
    JSON.stringify({ ...said, rows: [...rows, 7] }),
    JSON.stringify({ ...said, rows }).replace('},{"id"', '}],"to":9,"rows":[{"id"'),
  ];
  const seen = (act: () => ReturnType<typeof readIngest>) =>
    outcome(() => {
      const told = act();
      return told.kind === "batch"
        ? told
        : { ...told, rows: withoutHashes(told.rows.compare(new Map())) };
    });
  for (const text of texts) {
    assert(text.length > 4096);
    assertEquals(seen(() => readIngestText(text)), seen(() => readIngest(JSON.parse(text))), text);
  }
  for (const text of [`${texts[0]}}`, texts[0]!.slice(0, -1), "x".repeat(9000), ""]) {
    assertThrows(() => readIngestText(text), SyntaxError);
  }
  // What is no JSON among the rows shows when they are looked at.
  const broken = readIngestText(texts[0]!.replace('"running"', "running"));
  assert(broken.kind === "snapshot");
  assertThrows(() => broken.rows.compare(new Map()), Failure, "not JSON");
  assertEquals(ROW_FIELDS[0], "id");
});
