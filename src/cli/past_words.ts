/**
 * Rows of the past in words for a terminal, and how far they can be trusted. Pure but for what it
 * notes.
 *
 * @module
 */

import type { HostMoment, HostPast, PastIndex, PastMoment, PastRow } from "../model/past.ts";
import { fullTimeText } from "./moments.ts";
import type { Output } from "./output.ts";
import { stateCell } from "./phrases.ts";
import type { Cell } from "./table.ts";

/** The state of a row then. */
export function pastStateCell({ state, exitCode }: PastRow): Cell {
  return state === null ? { text: "? forgotten", style: "faint" } : stateCell(state, exitCode);
}

/** What is told of a moment, of one host or of many. */
export type ToldMoment = PastMoment & Pick<PastIndex, "hosts">;

/** Says on stderr what of a moment is not known; nothing where all of it is. */
export function notePast(out: Output, past: ToldMoment): void {
  const { at, watched, asOf, forgottenUntil, hosts } = past;
  if (hosts !== undefined) return noteHosts(out, { at, hosts });
  if (forgottenUntil !== null && at < forgottenUntil) {
    const until = fullTimeText(forgottenUntil);
    out.notes(`What happened up to ${until} is forgotten: rows may be missing here.`);
  }
  if (watched) return;
  out.notes(
    asOf === null
      ? "Nobody is known to have watched then: this is what was told of it, and may be wrong."
      : `Nobody watched then: this is as it was last seen at ${fullTimeText(asOf)}.`,
  );
}

/** Says on stderr which of many hosts have not been heard of lately. */
export function noteUnheard(out: Output, hosts: readonly HostPast[], now: number): void {
  const unheard = hosts.filter(({ heardAt }) =>
    heardAt === null || now - Date.parse(heardAt) > UNHEARD_MS
  );
  if (unheard.length === 0) return;
  out.notes(
    `Not heard of: ${named(unheard, ({ heardAt }) => heardAt)}. What happened there since ` +
      "is unknown until it is told.",
  );
}

/** A host that was not heard of for so long is not heard of; some more than a hub grants it. */
const UNHEARD_MS = 60_000;

/** So many hosts are named. */
const MAX_NAMED = 10;

function noteHosts(
  out: Output,
  { at, hosts }: { readonly at: string; readonly hosts: readonly HostMoment[] },
): void {
  const forgotten = hosts.filter(({ forgottenUntil }) =>
    forgottenUntil !== null && at < forgottenUntil
  );
  if (forgotten.length > 0) {
    const which = named(forgotten, ({ forgottenUntil }) => forgottenUntil);
    out.notes(`What happened may be forgotten, up to: ${which}. Rows may be missing here.`);
  }
  const blind = hosts.filter(({ watched }) => !watched);
  if (blind.length === 0) return;
  const which = named(blind, ({ asOf }) => asOf);
  out.notes(`Not known to be what ran then: of ${which}, as it was last seen there.`);
}

/** `alpha (2026-11-26 02:00:00 +01:00), beta (never), …`. */
function named<Host extends HostPast>(
  hosts: readonly Host[],
  at: (host: Host) => string | null,
): string {
  const all = hosts.slice(0, MAX_NAMED).map((host) => {
    const moment = at(host);
    return `${host.host} (${moment === null ? "never" : fullTimeText(moment)})`;
  });
  const more = hosts.length - all.length;
  return `${all.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
