/**
 * Which workload or row of the past a word on the command line means, registered or not. Asks the
 * API.
 *
 * @module
 */

import type { Workload } from "../model/workload.ts";
import { quote } from "../text.ts";
import type { ReadApi } from "./client.ts";
import { CommandError } from "./command.ts";
import { readRows } from "./rows.ts";
import { nearest } from "./nearest.ts";
import { resolveWorkload } from "./workload_name.ts";

/** What a word means, as the API is asked for it. */
export interface PastName {
  /** The parameter. */
  readonly key: "workload" | "row";
  /** Its value. */
  readonly id: string;
}

/**
 * The workload or row that `text` means: a registered workload's name, a row's id, a container's name
 * or the beginning of its id, else whatever is remembered by that name or id.
 *
 * @param options `action`: what can't be done without it, as in "Cannot <action>: …".
 * @throws {CommandError} None, or several.
 */
export async function resolvePast(
  api: ReadApi,
  text: string,
  options: { action: string },
): Promise<PastName> {
  const { items: workloads } = await api.get<{ items: Workload[] }>("/api/workloads");
  const { items: rows } = await readRows(api);
  const row = rows.find(({ id }) => id === text);
  if (row !== undefined) return { key: "row", id: row.id };
  try {
    return { key: "workload", id: resolveWorkload(workloads, text, options).id };
  } catch (error) {
    if (!(error instanceof CommandError) || error.code !== "not-found") throw error;
  }
  const meant = rows.filter(({ containerId, containerName }) =>
    containerName === text || text.length >= 8 && containerId?.startsWith(text)
  );
  if (meant.length === 1) return { key: "row", id: meant[0]!.id };
  for (const key of ["workload", "row"] as const) {
    if (await isRemembered(api, key, text)) return { key, id: text };
  }
  const names = workloads.flatMap(({ kind, name }) => [name, `${kind}/${name}`]);
  const near = nearest(text, [...names, ...rows.map(({ id }) => id)]);
  throw new CommandError(
    `Cannot ${options.action}: there is and was no workload or row ${quote(text)}`,
    {
      code: "not-found",
      hint: near === null
        ? "`tinyforge list` shows the workloads, `tinyforge ps` the rows"
        : `did you mean ${quote(near)}?`,
    },
  );
}

async function isRemembered(api: ReadApi, key: PastName["key"], text: string): Promise<boolean> {
  try {
    await api.get(`/api/history?${new URLSearchParams({ [key]: text, limit: "1" })}`);
    return true;
  } catch (error) {
    if (error instanceof CommandError && error.code === "invalid") return false;
    throw error;
  }
}
