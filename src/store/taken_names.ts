/**
 * Who has a name already, in whatever case: people take `Blog` and `blog` for one. Must not compare
 * in SQL what SQL can't: its NOCASE knows ASCII alone.
 *
 * @module
 */

import { foldName } from "../core/names.ts";
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
