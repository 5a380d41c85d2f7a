/**
 * Who has a name already, in whatever case: people take `Blog` and `blog` for one. And who has what
 * else one alone may have. Must not compare in SQL what SQL can't: its NOCASE knows ASCII alone.
 *
 * @module
 */

import { foldName } from "../core/names.ts";
import { Failure } from "../failure.ts";
import { quote } from "../text.ts";
import type { Connection } from "./connection.ts";

/** What has the name. */
export interface TakenName {
  /** Its id. */
  readonly id: string;
  /** Its name, as it is written. */
  readonly name: string;
}

/**
 * The first of `table` that has this name, in whatever case; the one that has it to the letter goes
 * first. Of a stage's name: within its project.
 *
 * @param name In NFC.
 * @param except The id of the one that asks; null: a new one.
 */
export function takenName(
  c: Connection,
  name: string,
  { table, except, projectId = null }: {
    table: "projects" | "stacks" | "static_sites" | "stages";
    except: string | null;
    projectId?: string | null;
  },
): TakenName | undefined {
  const within = table === "stages" ? "project_id = ?2 AND" : "?2 IS NULL AND";
  const isAscii = /^[ -~]*$/.test(name);
  // The few names that are not ASCII are compared here.
  const candidates = isAscii ? "name = ?1 COLLATE NOCASE" : "(name = ?1 OR name GLOB '*[^ -~]*')";
  const wanted = foldName(name);
  return c.sql(
    `SELECT id, name FROM ${table} WHERE ${within} ${candidates} ORDER BY name = ?1 DESC, name`,
  ).values<[string, string]>(name, projectId)
    .map(([id, name]) => ({ id, name }))
    .find((each) => each.id !== except && foldName(each.name) === wanted);
}

/** What one stack or site alone may have, besides its name and id. */
export type OwnValue = "compose-project" | "domain" | "container-name";

const OWN_VALUES = {
  "compose-project": {
    ...{ table: "stacks", column: "compose_project_name" },
    ...{ what: "Compose project", of: "stack" },
  },
  "domain": {
    ...{ table: "static_sites", column: "domain COLLATE NOCASE" },
    ...{ what: "domain", of: "site" },
  },
  "container-name": {
    ...{ table: "static_sites", column: "container_name" },
    ...{ what: "container", of: "site" },
  },
} as const satisfies Record<OwnValue, unknown>;

/**
 * The value, which no other has.
 *
 * @param except The id of the one that asks; null: a new one.
 * @throws {Failure} `conflict`: it belongs to another.
 */
export function freeValue(
  c: Connection,
  value: string,
  { over, action, except }: { over: OwnValue; action: string; except: string | null },
): string {
  const { table, column, what, of } = OWN_VALUES[over];
  const taken = c.sql(`SELECT name FROM ${table} WHERE ${column} = ?1 AND id IS NOT ?2`)
    .value<[string]>(value, except);
  if (taken === undefined) return value;
  throw new Failure(
    "conflict",
    `${action}: ${what} ${quote(value)} belongs to ${of} ${quote(taken[0])} already`,
    { data: { over } },
  );
}
