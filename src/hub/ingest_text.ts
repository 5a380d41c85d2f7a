/**
 * What a host tells, from the text that it comes as: rows of a snapshot are left as they are until
 * they are compared with those that are kept. Does no I/O.
 *
 * @module
 */

import { type Batch, readIngest, type SnapshotPart } from "./protocol.ts";
import { rowsIn } from "./snapshot_rows.ts";
import { MAX_ROWS } from "./told_values.ts";

/** From so many characters on it is worth it not to read what is kept already. */
const LONG = 4096;

/**
 * What {@link readIngest} reads, from a text of JSON. Rows of a snapshot are not looked at yet: whether
 * they are any shows when they are compared.
 *
 * @throws {Failure} `invalid`
 * @throws {SyntaxError} where it is no JSON.
 */
export function readIngestText(text: string): Batch | SnapshotPart {
  const apart = text.length < LONG ? null : rowsApart(text);
  const told = apart === null ? null : readIngest(apart.message);
  if (told?.kind !== "snapshot") return readIngest(JSON.parse(text));
  return { ...told, rows: rowsIn(apart!.rows, { most: MAX_ROWS }) };
}

const ROWS = '"rows":[';
const END = "]}";

/** What is told after a list, of which there is none in a row as hosts tell them. */
const MORE = /\]\s*,\s*"/;

/** A message whose last field are its rows, without them, and these; null: it is another one. */
function rowsApart(text: string): { message: unknown; rows: string } | null {
  const at = text.indexOf(ROWS);
  // What a text in it says comes after a backslash.
  if (at < 1 || !"{,".includes(text[at - 1]!) || !text.endsWith(END)) return null;
  const rows = text.slice(at + ROWS.length, -END.length);
  if (MORE.test(rows)) return null;
  try {
    // Only where they are a field of the message itself this is JSON.
    return { message: JSON.parse(`${text.slice(0, at)}${ROWS}${END}`), rows };
  } catch {
    return null;
  }
}
