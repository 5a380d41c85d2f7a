/**
 * Whether there is room for a whole table. What does not fit is left out of the page, not hidden in it.
 *
 * @module
 */

import type { Readable } from "./readable.ts";
import { signal } from "@preact/signals";

/** True on a telephone and a small tablet; the width is that of the style sheets. */
export const narrow: Readable<boolean> = matching("(max-width: 48rem)");

/** True where a table that tells of workloads has no room for ports. */
export const crowded: Readable<boolean> = matching("(max-width: 78rem)");

/** True where one that tells of hosts, too, has none. */
export const cramped: Readable<boolean> = matching("(max-width: 90rem)");

/** True on a telephone held upright, and at 400 % zoom. */
export const slim: Readable<boolean> = matching("(max-width: 30rem)");

function matching(condition: string): Readable<boolean> {
  const query = matchMedia(condition);
  const state = signal(query.matches);
  query.addEventListener("change", () => state.value = query.matches);
  return state;
}
