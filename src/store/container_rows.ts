/**
 * The statements that read and write observed columns, made from the table of columns: adding one
 * there is all that they need. Runs none of them.
 *
 * @module
 */

import type { BindValue } from "@db/sqlite";
import {
  type Column,
  DETAIL_COLUMNS,
  type Holds,
  OBSERVED_COLUMNS,
  type ObservedField,
} from "../model/columns.ts";
import type { IndexRow } from "../model/container.ts";

/** How what a row holds goes into its column and comes back, where that is not as it is. */
interface Codec {
  /** The value to bind. */
  readonly encode: (value: never) => BindValue;
  /** An expression for the value of this column. */
  readonly decode: (column: string) => string;
}

const CODECS: Readonly<Partial<Record<Holds, Codec>>> = {
  "seconds or null": {
    encode: (seconds: number | null) =>
      seconds === null ? null : new Date(seconds * 1000).toISOString(),
    decode: (column) => `CAST(strftime('%s', ${column}) AS INTEGER)`,
  },
};

const OBSERVED = Object.entries<Column>(OBSERVED_COLUMNS) as [ObservedField, Column][];
const COLUMNS = OBSERVED.map(([, { column }]) => column);
const ENCODERS = OBSERVED.map(([field, { holds }]) => ({ field, encode: CODECS[holds]?.encode }));

/** Number of the parameter of the first observed column; the row's id comes before it. */
const FIRST = 2;
const AT = FIRST + COLUMNS.length;
const NOW = AT + 1;

/** The parameter that a field is bound to. */
function parameterOf(field: ObservedField): string {
  return `?${FIRST + OBSERVED.findIndex(([each]) => each === field)}`;
}

/** What {@link INSERT} and {@link UPDATE} are run with. */
export function bindings(row: IndexRow, times: { at: string; now: string }): BindValue[] {
  const values: BindValue[] = [row.id];
  for (const { field, encode } of ENCODERS) {
    values.push(encode === undefined ? row[field] : encode(row[field] as never));
  }
  values.push(times.at, times.now);
  return values;
}

/** Makes a row that a listing confirms, unless there is one with its id. */
// Two statements, since one with ON CONFLICT DO UPDATE takes twice as long for a new row.
export const INSERT: string = `
  INSERT INTO containers (
    id, ${COLUMNS.join(", ")}, last_seen_at, created_at, updated_at, confirmed,
    state_since, health_since
  ) VALUES (
    ?1, ${COLUMNS.map((_, i) => `?${FIRST + i}`).join(", ")}, ?${AT}, ?${NOW}, ?${NOW}, 1,
    ?${NOW}, ?${NOW}
  ) ON CONFLICT (id) DO NOTHING`;

/** What was told of a container by inspects says nothing of another. */
const DETAILS = [...Object.values(DETAIL_COLUMNS).map(({ column }) => column), "inspected"];
const SAME_CONTAINER = `container_id IS ${parameterOf("containerId")}`;

/** Writes a row that a listing confirms, if it is there. */
export const UPDATE: string = `
  UPDATE containers SET
    ${COLUMNS.map((column, i) => `${column} = ?${FIRST + i}`).join(", ")},
    state_since = iif(
      state = ${parameterOf("state")} AND ${SAME_CONTAINER},
      state_since, ?${NOW}
    ),
    health_since = iif(health IS ${parameterOf("health")}, health_since, ?${NOW}),
    ${DETAILS.map((column) => `${column} = iif(${SAME_CONTAINER}, ${column}, NULL)`).join(", ")},
    last_seen_at = ?${AT}, updated_at = ?${NOW}, confirmed = 1
  WHERE id = ?1`;

/** The row `?1` gets another container: nothing is known of that one yet. */
export const FORGET_DETAILS: string = `
  UPDATE containers SET ${DETAILS.map((column) => `${column} = NULL`).join(", ")} WHERE id = ?1`;

/** A row's container is gone: `?1` is its state from now on, `?2` now. */
export const SWEEP: string = `
  UPDATE containers SET
    state_since = iif(state = ?1, state_since, ?2), state = ?1, updated_at = ?2
  WHERE id = ?3`;

const FIELDS: readonly string[] = ["id", ...OBSERVED.map(([field]) => field), "confirmed"];

// A list, not an object: ten thousand rows with the names of their fields take half as long again.
const ROW = `json_array(id, ${
  OBSERVED.map(([, { column, holds }]) => CODECS[holds]?.decode(column) ?? column).join(", ")
}, json(iif(confirmed = 1, 'true', 'false')))`;

/** Values of one row as JSON, for {@link indexRow}. */
// The empty text makes it text: @db/sqlite would parse what SQLite marks as JSON.
export const SELECT_ROW: string = `SELECT ${ROW} || '' FROM containers WHERE id = ?`;

/** Those of every row in one list: crossing into SQLite for each would cost more. */
export const SELECT_ROWS: string =
  `SELECT '[' || coalesce(group_concat(${ROW}), '') || ']' FROM containers`;

/** A row from its values. */
export function indexRow(values: readonly unknown[]): IndexRow {
  const row: Record<string, unknown> = {};
  for (let i = 0; i < FIELDS.length; i++) row[FIELDS[i]!] = values[i];
  return row as object as IndexRow;
}

/**
 * Ends the confirmation of the row `?2`, which then carries the later of its own time and that of
 * the pass which was its host's last (`?1`), so that readers see no difference at this moment.
 */
export const END_CONFIRMATION = `
  UPDATE containers
  SET last_seen_at = max(coalesce(last_seen_at, ''), coalesce(?1, '')), confirmed = 0
  WHERE id = ?2 AND confirmed = 1`;
