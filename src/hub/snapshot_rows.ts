/**
 * Rows of a snapshot, most of which are mostly kept already: those that come as the texts that they
 * are kept as are known by their hashes, and only the others are read. Does no I/O; trusts nothing of
 * a row.
 *
 * @module
 */

import { sha256Text } from "../secret.ts";
import { type HubRow, hubRow, type NewRow } from "./row.ts";
import { rowOfText } from "./row_text.ts";
import { invalid } from "./told_fields.ts";

/** How rows are beside those that are kept. */
export interface ComparedRows {
  /** Ids of those that are kept as they are told. */
  readonly same: ReadonlySet<string>;
  /** Those that are kept otherwise, or are not there. */
  readonly others: readonly NewRow[];
}

/** Rows of a snapshot. */
export interface SnapshotRows {
  /**
   * How they are beside rows that are kept: their hashes by their ids.
   *
   * @throws {Failure} `invalid` where one of them is no row, or is there twice.
   */
  compare(kept: ReadonlyMap<string, string>): ComparedRows;
}

/** Rows that were read, none of them twice. */
export function rowsRead(rows: readonly HubRow[]): SnapshotRows {
  return {
    compare(kept) {
      const isKept = ({ id, hash }: HubRow) => kept.get(id) === hash;
      return {
        same: new Set(rows.filter(isKept).map(({ id }) => id)),
        others: rows.filter((row) => !isKept(row)),
      };
    },
  };
}

/** Rows as JSON in this text, with a comma between two; at most `most`. */
export function rowsIn(text: string, { most }: { readonly most: number }): SnapshotRows {
  return {
    compare(kept) {
      const texts = apart(text, most);
      const compared = texts && compareTexts(texts, { kept, isWellFormed: text.isWellFormed() });
      if (compared !== null) return onceEach(texts!.length, compared);
      // Something within a row looks as what is between two, or there are too many.
      const values = parsedAll(text);
      if (values.length > most) throw invalid(`it has more than ${most} rows`);
      const rows = values.map((each) => hubRow(each));
      return onceEach(rows.length, rowsRead(rows).compare(kept));
    },
  };
}

function onceEach(count: number, compared: ComparedRows): ComparedRows {
  const ids = new Set([...compared.same, ...compared.others.map(({ id }) => id)]);
  if (ids.size === count) return compared;
  throw invalid("an id is in it twice");
}

/** Where a row ends and the next one begins, as rows are told. */
const BETWEEN = '},{"id":';

/** Null where they seem to be more than `most`. */
function apart(text: string, most: number): string[] | null {
  const texts: string[] = [];
  for (let at = 0; at < text.length;) {
    if (texts.length === most) return null;
    const next = text.indexOf(BETWEEN, at);
    const end = next < 0 ? text.length : next + 1;
    texts.push(text.slice(at, end));
    at = end + 1;
  }
  return texts;
}

/** Null where one of them is no JSON. */
function compareTexts(
  texts: readonly string[],
  { kept, isWellFormed }: { kept: ReadonlyMap<string, string>; isWellFormed: boolean },
): ComparedRows | null {
  // What has the hash of a row that was read once is the text of that row, whole and nothing else.
  const ids = new Map([...kept].map(([id, hash]) => [hash, id]));
  const same = new Set<string>();
  const others: NewRow[] = [];
  for (const text of texts) {
    const id = ids.size === 0 ? undefined : ids.get(sha256Text(text));
    if (id !== undefined) {
      same.add(id);
      continue;
    }
    const plain = isWellFormed ? rowOfText(text) : null;
    if (plain !== null) {
      others.push(plain);
      continue;
    }
    const value = parsed(text);
    if (value === undefined) return null;
    const row = hubRow(value);
    // Told in another way than it is kept, it may be the same.
    if (kept.get(row.id) === row.hash) same.add(row.id);
    else others.push(row);
  }
  return { same, others };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function parsedAll(text: string): unknown[] {
  try {
    return JSON.parse(`[${text}]`);
  } catch {
    throw invalid("its rows are not JSON");
  }
}
