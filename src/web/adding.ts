/**
 * What is being added, from the choice to what the server made of it. Must not show anything.
 *
 * @module
 */

import { ask } from "./ask.ts";
import { ENTRY_PATHS } from "./entry_paths.ts";
import type { Candidate } from "../core/discover.ts";
import type { WorkloadKind } from "../model/workload.ts";
import type { AdoptAnswer } from "../server/adopt_schema.ts";
import type { Entry } from "../store/registry.ts";

/** Where a reader is. */
export type Adding =
  | { readonly step: "choose" }
  | { readonly step: "setup" | "review"; readonly what: Wanted }
  | { readonly step: "wait"; readonly made: Made };

/** What is to be added. */
export type Wanted =
  /** What runs already, each under the name that stands beside it. */
  | { readonly by: "taking"; readonly items: readonly Taking[] }
  /** Something new. */
  | { readonly by: "making"; readonly kind: WorkloadKind; readonly fields: Fields };

/** A candidate, and what it is to be called. */
export interface Taking {
  /** What runs. */
  readonly candidate: Candidate;
  /** What it is to be called. */
  readonly as: string;
}

/** What can be entered of something new; what a kind has not is empty. */
export interface Fields {
  /** What it is to be called. */
  readonly name: string;
  /** Of a stack; empty: made from the name. */
  readonly composeProjectName: string;
  /** Of a site. */
  readonly domain: string;
  /** Of a site whose container is claimed by its name. */
  readonly containerName: string;
  /** Separated by commas. */
  readonly stages: string;
}

/** Nothing entered. */
export const NO_FIELDS: Fields = {
  name: "",
  composeProjectName: "",
  domain: "",
  containerName: "",
  stages: "",
};

/** What the server made. */
export interface Made {
  /** What is registered now. */
  readonly workloads: readonly MadeWorkload[];
  /** What could not be. */
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
  /** Whether containers are to be started now. */
  readonly fresh: boolean;
}

/** One workload of these. */
export interface MadeWorkload {
  /** Its id. */
  readonly id: string;
  /** What it is. */
  readonly kind: WorkloadKind;
  /** What it is called. */
  readonly name: string;
  /** Of a stack. */
  readonly composeProjectName: string | null;
  /** It was registered before: to forget it would be more than an undo. */
  readonly again: boolean;
}

/** Names longer than this are refused. */
export const MAX_NAME = 128;

/**
 * Has the server do it.
 *
 * @throws {AskError} It refused; nothing was registered, or the entry without some of its stages.
 */
export function add(what: Wanted): Promise<Made> {
  return what.by === "taking" ? take(what.items) : make(what.kind, what.fields);
}

/** The names of stages in a text. */
export function stagesOf({ stages }: Fields): string[] {
  return [...new Set(stages.split(",").map((name) => name.trim()).filter(Boolean))];
}

async function take(items: readonly Taking[]): Promise<Made> {
  const answer = await ask<AdoptAnswer>("/api/adopt", {
    method: "POST",
    body: {
      items: items.map(({ candidate, as }) => ({
        name: candidate.name,
        ...(as !== candidate.name && { as }),
      })),
    },
  });
  return {
    workloads: answer.adopted.map(({ workloadId, kind, name, again }) => ({
      id: workloadId ?? "",
      kind,
      name,
      composeProjectName: null,
      again,
    })),
    skipped: answer.skipped,
    fresh: false,
  };
}

async function make(kind: WorkloadKind, fields: Fields): Promise<Made> {
  const text = (value: string) => value.trim();
  const entry = await ask<Entry>(ENTRY_PATHS[kind], {
    method: "POST",
    body: {
      name: text(fields.name),
      ...(kind === "stack" && text(fields.composeProjectName) !== "" && {
        composeProjectName: text(fields.composeProjectName),
      }),
      ...(kind === "site" && text(fields.domain) !== "" && { domain: text(fields.domain) }),
      ...(kind === "site" && text(fields.containerName) !== "" && {
        containerName: text(fields.containerName),
      }),
    },
  });
  if (kind === "project") {
    for (const name of stagesOf(fields)) {
      const path = `${ENTRY_PATHS.project}/${encodeURIComponent(entry.id)}/stages`;
      await ask(path, { method: "POST", body: { name } });
    }
  }
  const { workloadId: id, name, composeProjectName } = entry;
  const made = { id, kind, name, composeProjectName, again: false };
  return { workloads: [made], skipped: [], fresh: true };
}
