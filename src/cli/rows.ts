/**
 * Rows of the index through the API, page after page.
 *
 * @module
 */

import type { ContainerView } from "../model/views.ts";
import type { ReadApi } from "./client.ts";

/** Which rows; ids and words as the API takes them. */
export interface RowFilter {
  /** Kind of workload. */
  readonly kind?: string | undefined;
  /** State of the row. */
  readonly state?: string | undefined;
  /** Id of the workload. */
  readonly workload?: string | undefined;
}

/** The greatest page that the API gives. */
const PAGE = 10_000;

/** The rows that match, ordered by id. */
export async function readRows(api: ReadApi, filter: RowFilter = {}): Promise<ContainerView[]> {
  const rows: ContainerView[] = [];
  for await (const text of pages(api, filter)) rows.push(...JSON.parse(text));
  return rows;
}

/** The same as the text of a JSON array: ten thousand rows are not taken apart to be printed. */
export async function readRowsText(api: ReadApi, filter: RowFilter): Promise<string> {
  const arrays: string[] = [];
  for await (const text of pages(api, filter)) arrays.push(text.slice(1, -1));
  return `[${arrays.filter((rows) => rows !== "").join(",")}]`;
}

async function* pages(api: ReadApi, filter: RowFilter): AsyncGenerator<string> {
  const query = new URLSearchParams({ limit: `${PAGE}` });
  for (const key of ["kind", "state", "workload"] as const) {
    const value = filter[key];
    if (value !== undefined) query.set(key, value);
  }
  for (;;) {
    const { items, nextCursor } = split(await api.getText(`/api/containers?${query}`));
    yield items;
    if (nextCursor === null) return;
    query.set("cursor", nextCursor);
  }
}

/** `{"items":[…],"nextCursor":…}`, whose first part stays text. */
function split(page: string): { items: string; nextCursor: string | null } {
  // Within a JSON string no quote stands without a backslash, so the last one is the field.
  const end = page.lastIndexOf(',"nextCursor":');
  const start = page.indexOf("[");
  if (end < 0 || start < 0) throw new TypeError("Cannot read the page of rows: it has no cursor");
  return {
    items: page.slice(start, end),
    nextCursor: (JSON.parse(`{${page.slice(end + 1)}`) as { nextCursor: string | null }).nextCursor,
  };
}
