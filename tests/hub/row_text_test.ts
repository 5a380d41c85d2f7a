/** Rows that are read from the text that they are kept as. @module */

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Failure } from "../../src/failure.ts";
import { hubRow, ROW_FIELDS, ROW_HOLDS } from "../../src/hub/row.ts";
import { rowOfText } from "../../src/hub/row_text.ts";
import { shownRow } from "./rows.ts";
import { processorMs } from "../harness/processor_time.ts";

const anyText = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 6 }),
  fc.constantFrom(
    "",
    "a\0b",
    "a\nb",
    'a"b',
    "a\\b",
    "größe 🦊",
    "}",
    "{}",
    "null",
    "x".repeat(1025),
  ),
);

const anyTime = fc.constantFrom(
  "2026-01-01T00:00:00.000Z",
  "2026-12-31T23:59:59Z",
  "2026-02-30T00:00:00Z",
  "0000-01-01T00:00:00.123456789Z",
  "2026-01-01T24:00:00Z",
  "2026-13-01T00:00:00Z",
  "2026-01-01T00:00:60Z",
  "2026-01-01T00:00:00+01:00",
  "yesterday",
);

/** What a field may hold, and now and then what it may not. */
function anyValue(holds: string): fc.Arbitrary<unknown> {
  const right = holds === "boolean"
    ? fc.boolean()
    : holds.startsWith("integer")
    ? fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.constant(0))
    : holds === "addresses" || holds === "object or null"
    ? fc.dictionary(
      fc.constantFrom("net", "2", "1", "größe", "}"),
      fc.oneof(anyText, fc.constant(null), fc.constantFrom({}, [1])),
    )
    : holds.startsWith("time") || holds.startsWith("seconds")
    ? anyTime
    : anyText;
  const wrong = fc.constantFrom<unknown>(1.5, -0, 1e300, [], {}, true, "7", 7);
  return fc.oneof(
    { weight: 60, arbitrary: right },
    { weight: 20, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: wrong },
  );
}

const anyRow = fc.record(
  Object.fromEntries(Object.entries(ROW_HOLDS).map(([field, holds]) => [field, anyValue(holds)])),
);

/** A row of which all but a few fields are ordinary, so that not each is refused. */
const mostlyGood = fc.tuple(anyRow, fc.subarray([...ROW_FIELDS], { maxLength: 3 }))
  .map(([odd, fields]) => ({
    ...shownRow("a"),
    ...Object.fromEntries(fields.map((field) => [field, odd[field]])),
  }));

/** Texts that differ from what JSON.stringify() makes by one character or piece. */
const anyEdit = fc.oneof(
  { weight: 3, arbitrary: fc.constant((text: string) => text) },
  fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(...'"{}[]:,\\ 0-1an\n', ""))
    .map(([at, piece]) => (text: string) => {
      const cut = Math.floor(at * text.length);
      return text.slice(0, cut) + piece + text.slice(cut + 1);
    }),
  fc.constantFrom(
    (text: string) => text.replace(":null", ": null"),
    (text: string) => text.replace('"a"', '"\\u0061"'),
    (text: string) => text.replace(":1,", ":1.0,"),
    (text: string) => text.replace(":1,", ":01,"),
    (text: string) => text.replace('"id":"a"', '"id":"a","id":"b"'),
    (text: string) => text.slice(0, -1),
    (text: string) => `${text}}`,
    (text: string) => text.replace("{}", '{"a":"1","a":"2"}'),
    (text: string) => text.replace("{}", '{"b":"1","1":"2"}'),
    (text: string) => text.replace("{}", '{"a":"}"}'),
  ),
);

Deno.test("rowOfText() is what hubRow() is of the same text, or leaves it to that", () => {
  let read = 0;
  let refused = 0;
  fc.assert(
    fc.property(fc.oneof(mostlyGood, anyRow), anyEdit, (row, edit) => {
      const text = edit(JSON.stringify({ ...row, addresses: row.addresses ?? {} }));
      fc.pre(text.isWellFormed());
      let found;
      try {
        found = rowOfText(text);
      } catch (error) {
        assert(error instanceof Failure && error.code === "invalid", String(error));
        assertThrows(() => hubRow(JSON.parse(text)), Failure, error.message);
        refused++;
        return;
      }
      if (found === null) return;
      read++;
      const { hash: _, ...same } = hubRow(JSON.parse(text));
      assertEquals(found, same);
      assertEquals(found.body, text);
    }),
    { numRuns: 5000 },
  );
  assert(read > 500 && refused > 20, `${read} were read, ${refused} refused`);
});

Deno.test("rowOfText() reads rows as hosts tell them", () => {
  const row = shownRow("größe", {
    ...{ addresses: { bridge: "172.17.0.2", host: null }, exitCode: -1, health: "healthy" },
    ...{ meta: { owner: "me", team: "a b" }, createdAtEngine: "2026-01-01T00:00:00Z" },
  });
  const { body, hash: _, ...names } = hubRow(row);
  assertEquals(rowOfText(body), { ...names, body });
});

Deno.test("rowOfText() takes no longer for a text that it does not know", () => {
  const body = hubRow(shownRow("a", { addresses: {} })).body;
  const tail = body.slice(-200);
  for (const bad of ['"', "\\", "{", "}", '","', '{"'].map((each) => each.repeat(20_000))) {
    const begun = processorMs();
    for (const at of [body.length >> 1, body.length - 30, body.indexOf("{}") + 1]) {
      rowOfText(body.slice(0, at) + bad + tail);
    }
    assert(processorMs() - begun < 500, bad.slice(0, 2));
  }
});
