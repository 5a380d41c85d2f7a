/**
 * Rows of the index through the API, page after page.
 *
 * @module
 */

import type { ContainerView, Freshness } from "../model/views.ts";
import type { ReadApi } from "./client.ts";

/** Which rows; ids and words as the API takes them. */
export interface RowFilter {
  /** Name of a hub's host. */
  readonly host?: string | undefined;
  /** Name or id of a container. */
  readonly container?: string | undefined;
  /** Kind of workload. */
  readonly kind?: string | undefined;
  /** State of the row. */
  readonly state?: string | undefined;
  /** Id or name of the workload. */
  readonly workload?: string | undefined;
  /** Whether to have the Engine listed first. */
  readonly fresh?: boolean | undefined;
}

/** Rows, and how far they can be trusted. */
export interface IndexedRows<Rows> {
  /** The rows. */
  readonly items: Rows;
  /** How far they can be trusted: as far as the first page. */
  readonly index: Freshness;
}

/** The greatest page that the API gives. */
const PAGE = 10_000;

/** The rows that match, ordered by id. */
export async function readRows(
  api: ReadApi,
  filter: RowFilter = {},
): Promise<IndexedRows<ContainerView[]>> {
  const rows: ContainerView[] = [];
  let index: Freshness | undefined;
  for await (const page of pages(api, filter)) {
    rows.push(...JSON.parse(page.items));
    index ??= page.index;
  }
  return { items: rows, index: index! };
}

/** The same as the text of a JSON array: ten thousand rows are not taken apart to be printed. */
export async function readRowsText(
  api: ReadApi,
  filter: RowFilter,
): Promise<IndexedRows<string>> {
  const arrays: string[] = [];
  let index: Freshness | undefined;
  for await (const page of pages(api, filter)) {
    arrays.push(page.items.slice(1, -1));
    index ??= page.index;
  }
  return { items: `[${arrays.filter((rows) => rows !== "").join(",")}]`, index: index! };
}

async function* pages(api: ReadApi, filter: RowFilter): AsyncGenerator<IndexedRows<string>> {
  const query = new URLSearchParams({ limit: `${PAGE}` });
  for (const key of ["host", "container", "kind", "state", "workload"] as const) {
    const value = filter[key];
    if (value !== undefined) query.set(key, value);
  }
  if (filter.fresh) query.set("fresh", "");
  for (;;) {
    const { nextCursor, ...page } = split(await api.getText(`/api/containers?${query}`));
    yield page;
    if (nextCursor === null) return;
    query.delete("fresh");
    query.set("cursor", nextCursor);
  }
}

/** `{"index":{…},"items":[…],"nextCursor":…}`, whose rows stay text. */
function split(page: string): IndexedRows<string> & { nextCursor: string | null } {
  // Within a JSON string no quote stands without a backslash, so the last one is the field.
  const end = page.lastIndexOf(',"nextCursor":');
  // What stands before the rows has no lists in it.
  const start = page.indexOf("[");
  const before = page.lastIndexOf(',"items":', start);
  if (end < 0 || start < 0 || before < 0) {
    throw new TypeError("Cannot read the page of rows: it has no cursor");
  }
  const { index } = JSON.parse(`${page.slice(0, before)}}`) as { index: Freshness };
  return {
    index,
    items: page.slice(start, end),
    nextCursor: (JSON.parse(`{${page.slice(end + 1)}`) as { nextCursor: string | null }).nextCursor,
  };
}
