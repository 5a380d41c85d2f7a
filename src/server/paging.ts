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
  const { json, lastId } = views.listText(filter);
  const more = lastId !== null && views.listJson({ ...filter, after: lastId, limit: 1 }) !== "[]";
  return { json, next: more ? lastId : null };
}
