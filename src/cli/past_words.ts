/**
 * Rows of the past in words for a terminal, and how far they can be trusted. Pure but for what it
 * notes.
 *
 * @module
 */

import type { PastMoment, PastRow } from "../model/past.ts";
import { fullLocalText } from "./moments.ts";
import type { Output } from "./output.ts";
import { stateCell } from "./phrases.ts";
import type { Cell } from "./table.ts";

/** The state of a row then. */
export function pastStateCell({ state, exitCode }: PastRow): Cell {
  return state === null ? { text: "? forgotten", style: "faint" } : stateCell(state, exitCode);
}

/** Says on stderr what of a moment is not known; nothing where all of it is. */
export function notePast(out: Output, { at, watched, asOf, forgottenUntil }: PastMoment): void {
  if (forgottenUntil !== null && at < forgottenUntil) {
    const until = fullLocalText(Date.parse(forgottenUntil));
    out.notes(`What happened up to ${until} is forgotten: rows may be missing here.`);
  }
  if (watched) return;
  out.notes(
    asOf === null
      ? "Nobody is known to have watched then: this is what was told of it, and may be wrong."
      : `Nobody watched then: this is as it was last seen at ${fullLocalText(Date.parse(asOf))}.`,
  );
}
