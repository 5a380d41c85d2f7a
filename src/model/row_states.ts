/**
 * The states that a row can be in, as far as they are known beforehand. Decides nothing.
 *
 * @module
 */

import { COMPLETED, ENGINE_STATES, MISSING, PENDING, RETIRED } from "./container.ts";
import { ABSENT } from "./problem.ts";

/** States that any row can be in; an Engine may think up others. */
export const ROW_STATES: ReadonlySet<string> = new Set([
  ...ENGINE_STATES,
  MISSING,
  PENDING,
  ABSENT,
  COMPLETED,
  RETIRED,
]);
