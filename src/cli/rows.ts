/**
 * Rows of the index through the API, page after page.
 *
 * @module
 */

import { joinedBytes, utf8 } from "../bytes.ts";
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
    rows.push(...JSON.parse(`[${textOf(page.items)}]`));
    index ??= page.index;
  }
  return { items: rows, index: index! };
}

/** The same as JSON in UTF-8 with commas between them: ten thousand are not taken apart to be printed. */
export async function readRowsInPieces(
  api: ReadApi,
  filter: RowFilter,
): Promise<IndexedRows<readonly Uint8Array[]>> {
  const all: Uint8Array[] = [];
  let index: Freshness | undefined;
  for await (const { items, ...page } of pages(api, filter)) {
    if (all.length > 0 && items.length > 0) all.push(utf8(","));
    all.push(...items);
    index ??= page.index;
  }
  return { items: all, index: index! };
}

async function* pages(
  api: ReadApi,
  filter: RowFilter,
): AsyncGenerator<IndexedRows<readonly Uint8Array[]>> {
  const query = new URLSearchParams({ limit: `${PAGE}` });
  for (const key of ["host", "container", "kind", "state", "workload"] as const) {
    const value = filter[key];
    if (value !== undefined) query.set(key, value);
  }
  if (filter.fresh) query.set("fresh", "");
  for (;;) {
    const { nextCursor, ...page } = split(await api.getInPieces(`/api/containers?${query}`));
    yield page;
    if (nextCursor === null) return;
    query.delete("fresh");
    query.set("cursor", nextCursor);
  }
}

interface Page extends IndexedRows<readonly Uint8Array[]> {
  readonly nextCursor: string | null;
}

const OPENING = "[".charCodeAt(0);
const BEFORE = ',"items":';
const BEHIND = '],"nextCursor":';

/** `{"index":{…},"items":[…],"nextCursor":…}`, whose rows stay as they are. */
function split(page: readonly Uint8Array[]): Page {
  const pieces = [...page];
  let end: number;
  // Within a JSON string no quote stands without a backslash, so the last one is the field.
  while ((end = bytewise(pieces.at(-1)).lastIndexOf(BEHIND)) < 0 && pieces.length > 1) {
    pieces.splice(-2, 2, joinedBytes(pieces.slice(-2)));
  }
  const last = pieces.at(-1)?.subarray(end + 1);
  if (last === undefined || end < 0) throw unlikePage();
  pieces[pieces.length - 1] = pieces.at(-1)!.subarray(0, end);
  let start: number;
  // What stands before the rows has no lists in it.
  while ((start = pieces[0]!.indexOf(OPENING)) < 0 && pieces.length > 1) {
    pieces.splice(0, 2, joinedBytes(pieces.slice(0, 2)));
  }
  const head = textOf([pieces[0]!.subarray(0, Math.max(0, start))]);
  if (!head.endsWith(BEFORE)) throw unlikePage();
  pieces[0] = pieces[0]!.subarray(start + 1);
  const { index } = JSON.parse(`${head.slice(0, -BEFORE.length)}}`) as { index: Freshness };
  const { nextCursor } = JSON.parse(`{${textOf([last.subarray(1)])}`) as Page;
  return { index, nextCursor, items: pieces.filter(({ length }) => length > 0) };
}

function unlikePage(): TypeError {
  return new TypeError("Cannot read the page of rows: it has no rows or no cursor");
}

/** A unit for each byte, to find ASCII among them. */
function bytewise(bytes: Uint8Array = new Uint8Array()): string {
  return new TextDecoder("latin1").decode(bytes);
}

function textOf(pieces: readonly Uint8Array[]): string {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let text = "";
  for (const piece of pieces) text += decoder.decode(piece, { stream: true });
  return text + decoder.decode();
}
