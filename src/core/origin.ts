/**
 * What a transition goes back to, said for people. Pure; what is kept is data.
 *
 * @module
 */

import { RETIRED } from "../model/container.ts";
import type { ShownTransition, Transition } from "../model/views.ts";

/** The transition with its origin in words. */
export function shownTransition(transition: Transition): ShownTransition {
  return { ...transition, detail: originText(transition) };
}

/**
 * A transition's origin in words; empty where nothing is known of it. Its times (RFC 3339) are as `told` has
 * them, and left out where that is null.
 */
export function originText(
  { cause, origin, to }: Pick<Transition, "cause" | "origin" | "to">,
  told: (at: string) => string | null = (at) => at,
): string {
  const timed = (what: string, join: string, at: string | null) => {
    const time = at === null ? null : told(at);
    return time === null ? what : `${what} ${join} ${time}`;
  };
  switch (origin.by) {
    case "event":
      return timed(origin.action, "at", origin.at);
    case "listing":
      return timed(`${cause === "sweep" ? "absent from the " : ""}listing`, "of", origin.at);
    case "contender":
      return "read together with a container that contends for the row";
    case "deployer": {
      // No deployer removes a row like that: somebody said that it may be gone.
      if (to === RETIRED) return "gone when what runs was accepted";
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
