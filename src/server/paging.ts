/**
 * Pages through the index without taking its JSON apart.
 *
 * @module
 */

import type { ContainerViews, ViewFilter } from "../store/container_views.ts";

/** Some rows, and where to go on. */
export interface Page {
  /** A JSON array of rows. */
  readonly json: string;
  /** Id of the last row when others follow, else null. */
  readonly next: string | null;
}

/** The rows that match, at most `limit` of them. */
export function pageOfViews(
  views: ContainerViews,
  filter: ViewFilter & { readonly limit: number },
): Page {
  const json = views.listJson(filter);
  const last = lastId(json);
  const more = last !== null && views.listJson({ ...filter, after: last, limit: 1 }) !== "[]";
  return { json, next: more ? last : null };
}

/**
 * Id of the last row. Rows begin with their id and have no objects inside, and within a JSON
 * string no quote stands without a backslash, so this text is nowhere but where a row begins.
 */
function lastId(json: string): string | null {
  const start = json.lastIndexOf('{"id":"');
  return start < 0 ? null : (JSON.parse(json.slice(start, -1)) as { id: string }).id;
}
