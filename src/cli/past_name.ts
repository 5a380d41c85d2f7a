/**
 * Which workload or row of the past a word on the command line means, registered or not. Asks the
 * API.
 *
 * @module
 */

import { idOverHosts, partsOfId } from "../model/hosts.ts";
import type { Workload } from "../model/workload.ts";
import { quote } from "../text.ts";
import type { ReadApi } from "./client.ts";
import { CommandError } from "./command.ts";
import { hostQuery } from "./of_host.ts";
import { readRows } from "./rows.ts";
import { nearest } from "./nearest.ts";
import { resolveWorkload, resolveWorkloads } from "./workload_name.ts";

/** What a word means, as the API is asked for it. */
export interface PastName {
  /** The parameter. */
  readonly key: "workload" | "row";
  /** Its value. */
  readonly id: string;
}

/** How a word is to be understood. */
export interface PastNameOptions {
  /** What can't be done without it, as in "Cannot <action>: …". */
  readonly action: string;
  /** Name of a hub's host; undefined: of all. */
  readonly host?: string | undefined;
}

/**
 * The workload or row that `text` means: a registered workload's name, a row's id, a container's name
 * or the beginning of its id, else whatever is remembered by that name or id. At a hub a name may be
 * that of a workload on each of many hosts; of a container or a row it is the whole name or id.
 *
 * @throws {CommandError} None, or several.
 */
export async function resolvePast(
  api: ReadApi,
  text: string,
  options: PastNameOptions,
): Promise<PastName> {
  if (api.many) return await resolveAtHub(api, text, options);
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
  const kept = await remembered(api, text, options);
  if (kept !== null) return kept;
  throw nothingSuch(text, { workloads, rows: rows.map(({ id }) => id), ...options });
}

/** Rows of all hosts may be a million: only those that a word may mean are asked for. */
async function resolveAtHub(
  api: ReadApi,
  text: string,
  options: PastNameOptions,
): Promise<PastName> {
  const { host } = options;
  const { items: workloads } = await api.get<{ items: Workload[] }>(
    `/api/workloads${hostQuery(host)}`,
  );
  try {
    const [one] = resolveWorkloads(workloads, text, options);
    return { key: "workload", id: one!.id === text ? text : `${one!.kind}/${one!.name}` };
  } catch (error) {
    if (!(error instanceof CommandError) || error.code !== "not-found") throw error;
  }
  const { items: rows } = await readRows(api, { container: text, host });
  if (rows.length === 1) return { key: "row", id: rows[0]!.id };
  if (rows.length > 1) {
    throw new CommandError(
      `Cannot ${options.action}: ${quote(text)} is the name of ${rows.length} containers`,
      { hint: `say which: ${rows.slice(0, MAX_NAMED).map(({ id }) => id).join(", ")}` },
    );
  }
  // An id on a host that is named need not repeat its name.
  const ids = host === undefined || partsOfId(text)?.host === host
    ? [text]
    : [text, idOverHosts(host, text)];
  for (const id of ids) {
    const kept = await remembered(api, id, options);
    if (kept !== null) return kept;
  }
  throw nothingSuch(text, { workloads, rows: [], ...options });
}

/** Rows that are named where several are meant. */
const MAX_NAMED = 10;

function nothingSuch(
  text: string,
  { workloads, rows, action }: PastNameOptions & {
    readonly workloads: readonly Workload[];
    readonly rows: readonly string[];
  },
): CommandError {
  const names = workloads.flatMap(({ kind, name }) => [name, `${kind}/${name}`]);
  const near = nearest(text, [...names, ...rows]);
  return new CommandError(
    `Cannot ${action}: there is and was no workload or row ${quote(text)}`,
    {
      code: "not-found",
      hint: near === null
        ? "`tinyforge list` shows the workloads, `tinyforge ps` the rows"
        : `did you mean ${quote(near)}?`,
    },
  );
}

async function remembered(
  api: ReadApi,
  text: string,
  { host }: PastNameOptions,
): Promise<PastName | null> {
  for (const key of ["workload", "row"] as const) {
    if (await isRemembered(api, { key, id: text }, host)) return { key, id: text };
  }
  return null;
}

async function isRemembered(
  api: ReadApi,
  { key, id }: PastName,
  host: string | undefined,
): Promise<boolean> {
  try {
    await api.get(`/api/history${hostQuery(host, { [key]: id, limit: "1" })}`);
    return true;
  } catch (error) {
    if (error instanceof CommandError && error.code === "invalid") return false;
    throw error;
  }
}
