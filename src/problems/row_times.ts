/**
 * Since when rows are as they are, for one judgement: a few are read one by one, many at once.
 *
 * @module
 */

import type { World } from "../core/judged_world.ts";
import type { ProblemTable } from "../store/problems.ts";

/** So many rows are asked for one by one, then all are read. */
const ONE_BY_ONE = 100;

/** Reads times as they are asked for. A row that is not there any more is as new as `now`. */
export function rowTimes(problems: ProblemTable, now: number): World["times"] {
  let asked = 0;
  let all: ReturnType<ProblemTable["times"]> | null = null;
  return ({ id }) => {
    if (all === null && ++asked > ONE_BY_ONE) all = problems.times();
    return (all ?? problems.times(id)).get(id) ?? { stateSince: now, healthSince: now };
  };
}
