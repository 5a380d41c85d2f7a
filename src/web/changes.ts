/**
 * What somebody changed, in words: by the route that it was done with, and by what its path names.
 *
 * @module
 */

import type { AuditEntry } from "../model/access.ts";
import type { Dictionary } from "./words/words.ts";

/** In words, and the ids that its path holds; of a route that a newer version has, the route. */
export function changeOf(
  { action, path }: Pick<AuditEntry, "action" | "path">,
  { verbs, things, acts }: Dictionary["history"]["changes"],
): string {
  const places = action.split(/[ /]/);
  const last = places.findLast((place) => !place.startsWith("{"))!;
  const word = (table: Readonly<Record<string, string>>, key: string) =>
    Object.hasOwn(table, key) ? table[key]! : null;
  const [verb, thing] = [word(verbs, places[0]!), word(things, last)];
  const text = word(acts, last) ?? (verb && thing && `${verb}: ${thing}`);
  if (!text) return `${places[0]} ${path}`;
  const told = path.split("/");
  // From the end: the one begins with a method, the other perhaps with a proxy's prefix.
  const ids = places.flatMap((place, at) =>
    place.startsWith("{") ? told.at(at - places.length) ?? [] : []
  );
  return [text, ...ids].join(" ");
}
