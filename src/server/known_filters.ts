/**
 * Filters that name something: what nobody knows is a mistake in the request, and not an empty list,
 * which would say that all is well. A container is asked for to find out whether it is there.
 *
 * @module
 */

import type { IndexReader, NamedFilters } from "../model/index_reader.ts";
import { quote } from "../text.ts";
import { invalidFields } from "./validation.ts";

/**
 * Refuses a state that no row can be in, and names of what is not there.
 *
 * @throws {ProblemDetails} `invalid`.
 */
export async function requireKnown(
  reader: Pick<IndexReader, "unknown" | "hosts">,
  filters: NamedFilters,
): Promise<void> {
  const unknown = await reader.unknown(filters);
  if (unknown.length === 0) return;
  const hosts = unknown.includes("host") && reader.hosts !== null ? await reader.hosts() : null;
  throw invalidFields(unknown.map((path) => ({
    path,
    message: MESSAGES[path] + (path === "host" && hosts !== null ? namesOf(hosts) : ""),
  })));
}

const MESSAGES: Readonly<Record<keyof NamedFilters, string>> = {
  host: "No host has this name",
  state: "No row can be in this state",
  workload: "No workload has this id or name",
  stage: "No stage has this id or name",
};

/** Most that are named; who has more looks into the list. */
const MAX_NAMED = 20;

function namesOf(hosts: readonly { readonly name: string }[]): string {
  if (hosts.length === 0) return ": there are none yet";
  const named = hosts.slice(0, MAX_NAMED).map(({ name }) => quote(name)).join(", ");
  return `: there are ${named}${hosts.length > MAX_NAMED ? ", …" : ""}`;
}
