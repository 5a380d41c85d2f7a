/**
 * Which row or container a word of `tinyforge explain` means: a row's id, or what its container or
 * workload is called. Prints nothing.
 *
 * @module
 */

import { idOverHosts } from "../model/hosts.ts";
import { MISSING } from "../model/container.ts";
import type { Dispatched } from "../model/pass.ts";
import type { ContainerView, Freshness, ShownTransition } from "../model/views.ts";
import { quote } from "../text.ts";
import type { ReadApi } from "./client.ts";
import { CommandError, EXIT } from "./command.ts";
import { findContainer } from "./dispatched.ts";
import { nearest } from "./nearest.ts";
import { readRows } from "./rows.ts";

/** A row and its story. */
export interface Found {
  /** Its id. */
  readonly rowId: string;
  /** Null: it was removed, and its story is still kept. */
  readonly row: ContainerView | null;
  /** Oldest first. */
  readonly transitions: readonly ShownTransition[];
}

/**
 * The row that `text` means and, where it can be told, its container; or a container without one.
 *
 * @throws {CommandError} There is none, or several.
 */
export async function find(
  api: ReadApi,
  text: string,
  { reason }: Freshness,
): Promise<
  { found: Found; container: Dispatched | null } | { found: null; container: Dispatched }
> {
  const found = await findRow(api, text);
  const named = found?.row?.state === MISSING && found.row.containerName === text;
  if (found !== null && !named) {
    const { containerId, state } = found.row ?? { containerId: null, state: MISSING };
    // Without a daemon the Engine would have to be asked for what is only good to know.
    const asks = containerId !== null && state !== MISSING && reason !== "no-daemon";
    return { found, container: asks ? await containerOf(api, containerId) : null };
  }
  // One that has the name of a row's container that is gone, or no row at all.
  let untold = "";
  const container = await containerOf(api, text).catch((error: unknown) => {
    if (!(error instanceof CommandError) || error.exitCode !== EXIT.unreachable) throw error;
    untold = error.message;
    return null;
  });
  if (container !== null && container.rowId === null) return { found: null, container };
  if (found !== null) return { found, container: null };
  if (container !== null) return { found: null, container };
  throw await noSuch(api, text, untold);
}

/**
 * The row that `text` means at a hub, which knows no container without one.
 *
 * @throws {CommandError} There is none, or several.
 */
export async function findAtHub(
  api: ReadApi,
  text: string,
  host: string | undefined,
): Promise<{ found: Found; container: null }> {
  const id = host === undefined || text.startsWith(`${host}:`) ? text : idOverHosts(host, text);
  const transitions = await storyOf(api, id);
  if (transitions !== null) {
    const row = await orNull(api.get<ContainerView>(`/api/containers/${encodeURIComponent(id)}`));
    return { found: { rowId: id, row, transitions }, container: null };
  }
  const [, , name = text] = /^(project|stack|site)\/(.+)$/.exec(text) ?? [];
  const asked = [
    readRows(api, { host, container: text }),
    readRows(api, { host, workload: name }).catch(noneIfUnknown),
  ];
  const all = (await Promise.all(asked)).flatMap(({ items }) => items)
    .filter((row) => name === text || `${row.workloadKind}/${row.workloadName}` === text);
  const rows = [...new Map(all.map((row) => [row.id, row])).values()];
  const [row] = rows;
  if (row === undefined) {
    throw new CommandError(`Cannot explain ${quote(text)}: no such row`, {
      code: "not-found",
      hint: "`tinyforge ps` shows the rows; of a container without one only its host knows",
    });
  }
  if (rows.length > 1) throw severalRows(text, rows);
  return {
    found: { rowId: row.id, row, transitions: await storyOf(api, row.id) ?? [] },
    container: null,
  };
}

/** A workload that nobody has is no mistake where the word may be a container's. */
function noneIfUnknown(error: unknown): { items: ContainerView[] } {
  if (error instanceof CommandError && error.code === "invalid") return { items: [] };
  throw error;
}

function containerOf(api: ReadApi, reference: string): Promise<Dispatched | null> {
  return findContainer(api, reference, { action: "explain" });
}

/** @param untold Why the Engine did not tell whether a container is called so; empty: it did. */
async function noSuch(api: ReadApi, text: string, untold: string): Promise<CommandError> {
  const { items } = await readRows(api);
  const names = items.flatMap((row) => [row.id, row.containerName ?? "", row.workloadName]);
  const near = nearest(text, names);
  const what = untold === "" ? "row or container" : "row";
  return new CommandError(`Cannot explain ${quote(text)}: no such ${what}`, {
    code: "not-found",
    hint: near !== null
      ? `did you mean ${quote(near)}?`
      : untold === ""
      ? "`tinyforge ps` shows the rows"
      : `\`tinyforge ps\` shows the rows; of a container nothing is known: ${untold}`,
  });
}

/** The row that `text` means: its id, or the one row whose container or workload it names. */
async function findRow(api: ReadApi, text: string): Promise<Found | null> {
  const transitions = await storyOf(api, text);
  // A removed row's story stays, so an id is an id even where no row has it.
  if (transitions !== null) {
    const row = await orNull(api.get<ContainerView>(`/api/containers/${encodeURIComponent(text)}`));
    return { rowId: text, row, transitions };
  }
  const { items: all } = await readRows(api);
  const meant = all.filter((row) =>
    row.containerName === text || row.workloadName === text ||
    `${row.workloadKind}/${row.workloadName}` === text ||
    (text.length >= 8 && row.containerId?.startsWith(text))
  );
  const [row] = meant;
  if (row !== undefined && meant.length === 1) {
    return { rowId: row.id, row, transitions: await storyOf(api, row.id) ?? [] };
  }
  if (row !== undefined) {
    throw severalRows(text, meant);
  }
  return null;
}

function severalRows(text: string, rows: readonly ContainerView[]): CommandError {
  return new CommandError(`Cannot explain ${quote(text)}: it means ${rows.length} rows`, {
    hint: `say which: ${rows.slice(0, 8).map((row) => row.id).join(", ")}`,
  });
}

/** Null: there is no row with this id, and there was none. */
async function storyOf(api: ReadApi, rowId: string): Promise<readonly ShownTransition[] | null> {
  const path = `/api/containers/${encodeURIComponent(rowId)}/transitions`;
  return (await orNull(api.get<{ items: ShownTransition[] }>(path)))?.items ?? null;
}

async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof CommandError && error.code === "not-found") return null;
    throw error;
  }
}
