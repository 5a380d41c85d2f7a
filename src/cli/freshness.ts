/**
 * How old it is what a command prints: one line on stderr, the same for all of them, and nothing
 * while it is what runs now. Decides nothing about it.
 *
 * @module
 */

import type { Freshness, StaleReason } from "../model/views.ts";
import { fullTimeText } from "./moments.ts";
import { ago } from "./phrases.ts";
import type { Output } from "./output.ts";

const WHY: Readonly<Record<StaleReason, string>> = {
  "no-daemon": "no daemon keeps it; start `tinyforge reconcile`",
  "no-pass": "the daemon has not listed the Engine's containers yet",
  "engine-down": "the Engine does not answer",
  "engine-changed": "another Engine answers, which `tinyforge engine accept` accepts",
  "engine-unknown": "the Engine may not be asked who it is, so nothing is marked missing",
  "events-down": "the Engine's events are not followed, only its listing now and then",
  "writes-fail": "the daemon can't write it; `tinyforge status` says why",
  "late": "the daemon's last good pass is long ago; its log says why",
  "hosts-unsure":
    "not of every host is it known what runs there; `tinyforge hub list` tells of which",
};

/** What to say of an index that is not fresh; null when it is. */
function freshnessLine({ fresh, asOf, reason }: Freshness, now: Date): string | null {
  if (fresh || reason === null) return null;
  const when = asOf === null
    ? "nothing is known yet"
    : `as of ${fullTimeText(asOf)}, ${ago(asOf, now)}`;
  return `This may be old (${when}): ${WHY[reason]}.`;
}

/** Says it on stderr; of no index at all there is nothing to say. */
export function noteFreshness(out: Output, index: Freshness | null | undefined): void {
  const line = index === null || index === undefined ? null : freshnessLine(index, new Date());
  if (line !== null) out.notes(line);
}
