import { assert, assertEquals } from "@std/assert";
import { observed, shows } from "../../src/core/observe.ts";
import {
  type Column,
  type Holds,
  LISTED_FIELDS,
  OBSERVED_COLUMNS,
  type ObservedField,
  UNLISTED,
} from "../../src/model/columns.ts";
import type { IndexRow } from "../../src/model/container.ts";
import { container, workload } from "../harness/world.ts";

const claim = { rowId: "w-shop:web", workload: workload("stack", "shop"), role: "web", replica: 1 };
const running = container({ id: "c1" });
const fields = Object.keys(OBSERVED_COLUMNS) as ObservedField[];

/** A value of the same type that the row above does not have. */
const ANOTHER: Readonly<Record<Holds, unknown>> = {
  "boolean": false,
  "text": "another",
  "text or null": "another",
  "integer": 7,
  "integer or null": 7,
  "kind": "site",
  "time": "2026-01-01T00:00:00.000Z",
  "time or null": "2026-01-01T00:00:00.000Z",
  "seconds or null": 7,
  "addresses": '{"bridge":"172.17.0.9"}',
  "object or null": "{}",
};

Deno.test("observed() fills every column that the reconciler owns, and no other", () => {
  const row = observed(running, claim);
  assertEquals(Object.keys(row).sort(), ["id", "confirmed", ...fields].sort());
  for (const field of fields) assert(row[field] !== undefined, field);
});

Deno.test("shows() misses no column", () => {
  const row = observed(running, claim);
  assert(shows(row, running, claim));
  assert(!shows({ ...row, confirmed: false }, running, claim));
  for (const field of fields) {
    const other = { ...row, [field]: ANOTHER[OBSERVED_COLUMNS[field].holds] } as IndexRow;
    assert(other[field] !== row[field], field);
    assert(!shows(other, running, claim), field);
  }
});

Deno.test("UNLISTED says nothing in each column that listings tell, where it can hold that", () => {
  assertEquals(Object.keys(UNLISTED).sort(), LISTED_FIELDS.toSorted());
  for (const field of LISTED_FIELDS) {
    const { holds, nothing }: Column = OBSERVED_COLUMNS[field];
    const expected = holds === "addresses" ? "{}" : holds.endsWith(" or null") ? null : nothing;
    assert(expected !== undefined, `${field} can't hold nothing`);
    assertEquals(UNLISTED[field], expected, field);
  }
});
