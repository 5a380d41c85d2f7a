/**
 * A container of the Engine, whether it has a row or not: looked up by id or name, and told with
 * what decided and what to do. Decides nothing about it.
 *
 * @module
 */

import type { Dispatched } from "../model/pass.ts";
import { quote } from "../text.ts";
import type { ReadApi } from "./client.ts";
import { CommandError } from "./command.ts";
import { shortId } from "./phrases.ts";
import type { Cell } from "./table.ts";
import { wayOut } from "./way_out.ts";

/** How many of several containers are named. */
const MAX_NAMED = 8;

/**
 * The container that `reference` (an id, its beginning, or a name) means; null: there is none.
 *
 * @param options `action`: what can't be done otherwise. `fresh`: it may be a moment old.
 * @throws {CommandError} It means several, or nobody can tell.
 */
export async function findContainer(
  api: ReadApi,
  reference: string,
  { action, fresh = false }: { action: string; fresh?: boolean },
): Promise<Dispatched | null> {
  const query = new URLSearchParams({ container: reference, ...(fresh && { fresh: "" }) });
  const { items } = await api.get<{ items: Dispatched[] }>(`/api/dispatch?${query}`);
  if (items.length <= 1) return items[0] ?? null;
  throw new CommandError(
    `Cannot ${action} ${quote(reference)}: it means ${items.length} containers`,
    {
      hint: `say which: ${
        items.slice(0, MAX_NAMED)
          .map(({ containerId, containerName }) => containerName || shortId(containerId)).join(", ")
      }`,
    },
  );
}

/** What became of a container that has no row, and what to do about it. */
export function dispatchedCells(container: Dispatched): Cell[][] {
  const { containerId, containerName, reason, value } = container;
  const name = containerName === "" ? "" : ` ${containerName}`;
  return [
    ["container", `${shortId(containerId)}${name}`],
    ["row", reason === null ? "not yet: the next pass gives it one" : WORDS[reason]],
    ["rule", ruleText(container)],
    ...(reason === null ? [] : [["to do", wayOut(reason, value)]]),
  ];
}

/** What decided: a label with its value, or that there was none. */
export function ruleText({ label, reason, value }: Dispatched): string {
  if (label !== null) return `label ${label}, ${quote(value, 256)}`;
  return reason === null
    ? "its name"
    : "no label of Tinyforge's, and no registered Compose project";
}

const NONE = "none: ";
const WORDS: Readonly<Record<NonNullable<Dispatched["reason"]>, string>> = {
  "unknown-workload": `${NONE}refused, there is no workload of this id`,
  "kind-mismatch": `${NONE}refused, its workload is of another kind`,
  "workload-mismatch": `${NONE}refused, the row that it has or asks for is another workload's`,
  "awaiting-deployer": `${NONE}refused, its project's deployer has made no row for it`,
  "unknown-site": `${NONE}refused, there is no site of this id`,
  "unknown-stack": `${NONE}refused, no stack has this Compose project`,
  "one-off": `${NONE}refused, Compose ran it once`,
  "inherited": `${NONE}refused, the labels are its image's`,
  "unmanaged": `${NONE}unmanaged`,
  "contended": `${NONE}another container has the row that it asks for`,
  "other-row": "follows one that it does not ask for",
};
