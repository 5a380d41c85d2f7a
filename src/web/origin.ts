/**
 * What a change goes back to, in the reader's language. What was kept as prose is shown as it is.
 *
 * @module
 */

import type { Cause, Origin } from "../model/pass.ts";
import { format } from "./format.ts";
import { wordOf, words } from "./words/words.ts";

/** An origin in words; empty where nothing is known of it. */
export function originOf(cause: Cause | null, origin: Origin | null): string {
  const t = words.value.origin;
  const time = (at: string) => format.value.exact(Date.parse(at));
  switch (origin?.by) {
    case "event":
      return origin.at === null
        ? t.event(origin.action)
        : t.eventAt(origin.action, time(origin.at));
    case "listing":
      return (cause === "sweep" ? t.sweep : t.listing)(time(origin.at));
    case "contender":
      return t.contender;
    case "deployer": {
      const { action, entry, who } = origin;
      const done = wordOf(t.deployer, action);
      if (entry === null) return t.by(done, who ?? t.someone);
      return t.with(done, `${wordOf(words.value.kind, entry.kind)} ${entry.name}`);
    }
    case "prose":
      return origin.text;
    default:
      // Of none, or of a kind that a newer daemon knows.
      return "";
  }
}
