/**
 * What a problem is about, in names. Pure.
 *
 * @module
 */

import type { ShownProblem } from "../server/problem_views.ts";

/** `shop, web-1`; `host` where it is about all of it. */
export function subjectOf(
  { workload, container, row }: Pick<ShownProblem, "workload" | "container" | "row">,
  host: string,
): string {
  if (workload === null) return host;
  const which = placeOf({ workload, container, row });
  return which === null ? workload.name : `${workload.name}, ${which}`;
}

/** Which of the workload's containers; null where it has but one, or all are meant. */
export function placeOf(
  { workload, container, row }: Pick<ShownProblem, "workload" | "container" | "row">,
): string | null {
  const which = container?.name || row;
  return which === null || which === workload?.name ? null : which;
}
