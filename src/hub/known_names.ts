/**
 * Whether there is what somebody names of all hosts. Reads, no more.
 *
 * @module
 */

import { Failure } from "../failure.ts";
import { idOverHosts, partsOfId } from "../model/hosts.ts";
import { quote } from "../text.ts";
import type { AnySql } from "./sql.ts";

/** What can't be done without them, as in "Cannot <action> …". */
export interface Wanted {
  /** A verb. */
  readonly action: string;
}

/**
 * Holds these to be names of hosts.
 *
 * @throws {Failure} `not-found`
 */
export async function requireHosts(
  sql: AnySql,
  names: readonly string[],
  { action }: Wanted,
): Promise<void> {
  if (names.length === 0) return;
  const found = await sql<{ name: string }[]>`
    SELECT name FROM tinyforge.hosts WHERE name = ANY(${[...names]}::text[])`;
  const known = new Set(found.map(({ name }) => name));
  const missing = names.find((name) => !known.has(name));
  if (missing !== undefined) throw none("host", missing, action);
}

/**
 * Holds these to be ids of workloads over all hosts.
 *
 * @throws {Failure} `not-found`
 */
export async function requireWorkloads(
  sql: AnySql,
  ids: readonly string[],
  { action }: Wanted,
): Promise<void> {
  if (ids.length === 0) return;
  const parts = ids.map((id) => partsOfId(id) ?? { host: "", id: "" });
  const found = await sql<{ host: string; id: string }[]>`
    SELECT h.name AS host, w.id FROM unnest(${parts.map(({ host }) => host)}::text[],
        ${parts.map(({ id }) => id)}::text[]) AS asked (host, id)
      JOIN tinyforge.hosts AS h ON h.name = asked.host
      JOIN tinyforge.workloads AS w ON w.host_id = h.id AND w.id = asked.id`;
  const known = new Set(found.map(({ host, id }) => idOverHosts(host, id)));
  const missing = ids.find((id) => !known.has(id));
  if (missing !== undefined) throw none("workload", missing, action);
}

/**
 * Holds this to be the id of a row over all hosts.
 *
 * @throws {Failure} `not-found`
 */
export async function requireRow(sql: AnySql, id: string, { action }: Wanted): Promise<void> {
  const parts = partsOfId(id);
  const found = parts === null ? [] : await sql`
    SELECT FROM tinyforge.hosts AS h JOIN tinyforge.containers AS c ON c.host_id = h.id
    WHERE h.name = ${parts.host} AND c.id = ${parts.id}`;
  if (found.length === 0) throw none("row", id, action);
}

function none(thing: "host" | "workload" | "row", id: string, action: string): Failure {
  return new Failure("not-found", `Cannot ${action} ${thing} ${quote(id)}: no such ${thing}`, {
    data: { thing, id },
  });
}
