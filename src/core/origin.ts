/**
 * What a transition goes back to, said for people. Pure; what is kept is data.
 *
 * @module
 */

import type { Cause, Origin } from "../model/pass.ts";
import type { ShownTransition, Transition } from "../model/views.ts";

/** The transition with its origin in words. */
export function shownTransition(transition: Transition): ShownTransition {
  return { ...transition, detail: originText(transition.cause, transition.origin) };
}

/** An origin in words; empty where nothing is known of it. */
export function originText(cause: Cause, origin: Origin): string {
  switch (origin.by) {
    case "event":
      return origin.at === null ? origin.action : `${origin.action} at ${origin.at}`;
    case "listing":
      return `${cause === "sweep" ? "absent from the " : ""}listing of ${origin.at}`;
    case "contender":
      return "read together with a container that contends for the row";
    case "deployer": {
      const who = origin.who ?? "the deployer";
      const { action, entry } = origin;
      return entry === null
        ? `${action} by ${who}`
        : `${action} with ${entry.kind} ${JSON.stringify(entry.name)}`;
    }
    case "prose":
      return origin.text;
  }
}
