/**
 * Whether there is room for a whole table. What does not fit is left out of the page, not hidden in it.
 *
 * @module
 */

import { type ReadonlySignal, signal } from "@preact/signals";

/** As in the style sheets. */
const query = matchMedia("(max-width: 48rem)");
const state = signal(query.matches);
query.addEventListener("change", () => state.value = query.matches);

/** True on a telephone, and at 400 % zoom. */
export const narrow: ReadonlySignal<boolean> = state;
