/**
 * Rows of the index as JSON, in pieces, each of which SQLite builds at once: ten thousand rows cost
 * some crossings into it, and neither it nor this process ever holds all of them. Never writes.
 *
 * @module
 */

import { type Column, type Holds, VIEW_COLUMNS } from "../model/columns.ts";
import type { RowPage, ViewFilter } from "../model/index_reader.ts";
import type { Connection } from "./connection.ts";
import { notJson } from "./error.ts";

/** Rows that follow each other in the order of their ids. */
export interface Rows {
  /** As JSON in UTF-8, a comma before each. */
  readonly json: Uint8Array<ArrayBuffer>;
  /** How many; never none. */
  readonly count: number;
  /** Id of the last. */
  readonly lastId: string;
}

/** A part of a statement that reads rows, and what is bound in it. */
interface Where {
  readonly text: string;
  readonly values: readonly (string | number)[];
}

/**
 * Rows of one piece. Smaller ones cost more crossings; what is larger than 128 KiB the C library takes
 * from the system each time, a page fault for every 4 KiB of it, which took a fifth of a page's time.
 */
const ROWS_OF_PIECE = 80;

/** Reads `container_views`. */
export class RowPages {
  readonly #c: Connection;

  /** On this connection. */
  constructor(connection: Connection) {
    this.#c = connection;
  }

  /** Rows that match, ordered by id, all as they are when the first of them are asked for. */
  page(filter: ViewFilter & { readonly limit: number }): RowPage {
    const { limit } = filter;
    const most = limit <= ROWS_OF_PIECE ? limit : Math.min(limit, this.#count());
    return {
      rows: this.#c.steady(this.#page(filter, limit)),
      firsts: Math.max(1, most / ROWS_OF_PIECE),
    };
  }

  /** Rows that match, ordered by id: pieces of what is there now. */
  all(filter: ViewFilter): Rows[] {
    const { ids, limit = ids?.length ?? Infinity } = filter;
    if (limit <= ROWS_OF_PIECE) return this.#some(filter, limit);
    return this.#c.read(() => [...this.#rows(filter, limit)]);
  }

  /** The rows of `container_views` after these words; null where there is none. */
  read(tail: string, values: readonly (string | number)[] = []): Rows | null {
    // As bytes, which are copied; a text would be decoded here and encoded again to be sent.
    const statement = this.#c.sql(
      `SELECT CAST(group_concat(',' || row, '') AS BLOB), count(*), max(id) FROM (
         SELECT json_object(${VIEW_FIELDS}) AS row, id FROM container_views ${tail})`,
    );
    const [json, count, lastId] = naming(
      this.#c,
      () => statement.value<[Uint8Array<ArrayBuffer> | null, number, string]>(...values)!,
    );
    return json === null ? null : { json, count, lastId };
  }

  *#page(filter: ViewFilter, limit: number): Generator<Uint8Array<ArrayBuffer>, string | null> {
    let last: string | null = null;
    let left = limit;
    for (const { json, count, lastId } of this.#rows(filter, limit)) {
      yield last === null ? json.subarray(1) : json;
      last = lastId;
      left -= count;
    }
    return left === 0 && last !== null && this.#hasOthers(filter, last) ? last : null;
  }

  #rows(filter: ViewFilter, limit: number): Iterable<Rows> {
    if (limit <= ROWS_OF_PIECE) return this.#some(filter, limit);
    const indexed = INDEXED.some((key) => filter[key] !== undefined);
    return indexed ? this.#byIds(filter, limit) : this.#inOrder(filter, limit);
  }

  #some(filter: ViewFilter, limit: number): Rows[] {
    const { text, values } = whereOf(filter);
    const rows = this.read(`WHERE ${text} ORDER BY id LIMIT ?`, [...values, limit]);
    return rows === null ? [] : [rows];
  }

  /** Along the ids: whoever asks for what no index knows gets to see each row once. */
  *#inOrder(filter: ViewFilter, limit: number): Generator<Rows> {
    let { after } = filter;
    for (let left = limit; left > 0;) {
      const asked = Math.min(left, ROWS_OF_PIECE);
      const [rows] = this.#some({ ...filter, ...(after !== undefined && { after }) }, asked);
      if (rows === undefined) return;
      yield rows;
      if (rows.count < asked) return;
      left -= asked;
      after = rows.lastId;
    }
  }

  /** What an index finds is found once, and put in order without what it says. */
  *#byIds(filter: ViewFilter, limit: number): Generator<Rows> {
    const { text, values } = whereOf(filter);
    const [json] = this.#c.sql(
      `SELECT json_group_array(id) || '' FROM (
         SELECT id FROM container_views WHERE ${text} ORDER BY id LIMIT ?)`,
    ).value<[string]>(...values, limit === Infinity ? -1 : limit)!;
    const ids: string[] = JSON.parse(json);
    for (let at = 0; at < ids.length; at += ROWS_OF_PIECE) {
      yield* this.#some({ ids: ids.slice(at, at + ROWS_OF_PIECE) }, ROWS_OF_PIECE);
    }
  }

  #hasOthers(filter: ViewFilter, after: string): boolean {
    const { text, values } = whereOf({ ...filter, after });
    return this.#c.sql(`SELECT 1 FROM container_views WHERE ${text} LIMIT 1`)
      .value(...values) !== undefined;
  }

  #count(): number {
    return this.#c.sql("SELECT count(*) FROM containers").value<[number]>()![0];
  }
}

function whereOf(filter: ViewFilter): Where {
  const conditions = CONDITIONS.filter(([key]) => filter[key] !== undefined);
  const values = conditions.flatMap(([key]) => {
    const value = key === "ids" ? JSON.stringify(filter.ids) : filter[key] as string;
    return TWICE.has(key) ? [value, value] : [value];
  });
  return { text: conditions.map(([, condition]) => condition).join(" AND ") || "1", values };
}

const CONDITIONS: readonly (readonly [keyof ViewFilter, string])[] = [
  ["host", "host = ?"],
  ["kind", "workload_kind = ?"],
  ["state", "state = ?"],
  ["workload", "(workload_id = ? OR workload_name = ?)"],
  ["workloadId", "workload_id = ?"],
  ["stage", "(stage_id = ? OR stage_name = ?)"],
  ["container", "(container_id = ? OR container_name = ?)"],
  ["ids", "id IN (SELECT value FROM json_each(?))"],
  ["after", "id > ?"],
];

/** Names that stand for an id or a name. */
const TWICE: ReadonlySet<keyof ViewFilter> = new Set(["workload", "stage", "container"] as const);

/** What SQLite may find by another index than that of the ids, and would then sort for each piece. */
const INDEXED: readonly (keyof ViewFilter)[] = [
  "state",
  "workload",
  "workloadId",
  "stage",
  "container",
  "ids",
];

/** Kept as text, shown as what it says. */
const JSON_COLUMNS: ReadonlySet<Holds> = new Set<Holds>(["addresses", "object or null"]);

/** What `read` returns; where SQLite finds that a row holds something else than JSON, says which row. */
export function naming<T>(c: Connection, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const damaged = c.sql(DAMAGED).value<[column: string, id: string]>();
    if (damaged === undefined) throw cause;
    const [column, of] = damaged;
    throw notJson(`containers.${column}`, { of, cause });
  }
}

const DAMAGED = Object.values<Column>(VIEW_COLUMNS).filter(({ holds }) => JSON_COLUMNS.has(holds))
  .map(({ column }) => `SELECT '${column}', id FROM containers WHERE NOT json_valid(${column})`)
  .join(" UNION ALL ") + " LIMIT 1";

/** What `json_object` makes of `container_views` what readers are shown. */
export const VIEW_FIELDS: string = Object.entries<Column>(VIEW_COLUMNS)
  .map(([field, column]) => `'${field}', ${shown(column)}`).join(", ");

// What is not a call of SQLite's, or not for each row, is not one: a tenth of the time.
function shown({ column, holds, nothing }: Column): string {
  if (nothing !== undefined) {
    return `iif(${column} = ${nothing === "" ? "''" : nothing}, NULL, ${column})`;
  }
  if (JSON_COLUMNS.has(holds)) return `iif(${column} IS NULL, NULL, json(${column}))`;
  return holds === "boolean" ? `iif(${column}, json('true'), json('false'))` : column;
}
