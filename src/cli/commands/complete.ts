/**
 * `tinyforge complete WHAT [KIND]`: what there is to name, one word a line, for the scripts of
 * `tinyforge completions`. Silent whatever is wrong, and quick: somebody's fingers wait for it.
 *
 * @module
 */

import type { Workload } from "../../model/workload.ts";
import type { IndexSummary } from "../../server/schema.ts";
import type { NamedStage } from "../../server/stage_schemas.ts";
import { escapeControls } from "../../text.ts";
import { type ReadApi, withIndex } from "../client.ts";
import { EXIT } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { KNOWN_STATES } from "../phrases.ts";
import { readRows } from "../rows.ts";

/** A daemon that has not answered by then is not waited for, milliseconds. */
const TIMEOUT_MS = 500;

/** Prints the words. */
export async function run(invocation: InvocationOf<"complete">): Promise<number> {
  const { operands: [what, kind], out } = invocation;
  const offered: Readonly<Record<typeof what, (api: ReadApi) => Promise<string[]>>> = {
    workloads,
    rows: async (api) => (await readRows(api)).items.map(({ id }) => id),
    states,
    stages: async (api) => (await stages(api)).map(({ name }) => name),
    channels: async (api) => (await listed<{ name: string }>(api, "channels")).map(nameOf),
    silences: async (api) => (await listed<{ id: string }>(api, "silences")).map(({ id }) => id),
    hosts: async (api) =>
      api.many ? (await listed<{ name: string }>(api, "hosts")).map(nameOf) : [],
    entries: (api) => entries(api, kind ?? ""),
  };
  try {
    const words = await withIndex(
      invocation,
      async (api) => api === null ? [] : await offered[what](api),
      { timeoutMs: TIMEOUT_MS, silent: true },
    );
    // A word that can't be shown as it is can't be typed either.
    out.lines(...new Set(words.filter((word) => word !== "" && escapeControls(word) === word)));
    return EXIT.done;
  } catch {
    return EXIT.failed;
  }
}

/** Names, with the kind in front where several kinds have one. */
async function workloads(api: ReadApi): Promise<string[]> {
  const { items } = await api.get<{ items: Workload[] }>("/api/workloads");
  const byName = Map.groupBy(items, ({ name }) => name);
  return items.map(({ kind, name }) => byName.get(name)!.length > 1 ? `${kind}/${name}` : name);
}

async function states(api: ReadApi): Promise<string[]> {
  const { counts } = await api.get<IndexSummary>("/api/index");
  return [...KNOWN_STATES, ...counts.map(({ state }) => state)];
}

async function stages(api: ReadApi): Promise<NamedStage[]> {
  return (await api.get<{ items: NamedStage[] }>("/api/stages")).items;
}

async function entries(api: ReadApi, kind: string): Promise<string[]> {
  if (kind === "stage") {
    return (await stages(api)).map(({ project, name }) => `${project}/${name}`);
  }
  if (!["project", "stack", "site"].includes(kind)) return [];
  return (await listed<{ name: string }>(api, `${kind}s`)).map(nameOf);
}

async function listed<Item>(api: ReadApi, what: string): Promise<Item[]> {
  return (await api.get<{ items: Item[] }>(`/api/${what}`)).items;
}

function nameOf({ name }: { name: string }): string {
  return name;
}
