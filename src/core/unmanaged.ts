/**
 * What runs on a host where nothing is registered yet, and what can be taken in by name. Pure; the
 * daemon's log and the commands say it in their own words.
 *
 * @module
 */

import type { Listing } from "../model/container.ts";
import type { Refusal, Unmanaged } from "../model/pass.ts";
import type { WorkloadDirectory } from "../model/workload.ts";
import { MemoryIndex } from "./memory_index.ts";
import { plan } from "./plan.ts";

/** What a pass left over. */
export interface LeftOver {
  /** What no workload accounts for. */
  readonly unmanaged: Unmanaged;
  /** Refused containers, or the first of them. */
  readonly refused: readonly Refusal[];
  /** How many were refused; the length of `refused` when absent. */
  readonly refusedCount?: number;
}

const nobody = () => undefined;

/** A registry in which nothing is registered. */
export const NOBODY: WorkloadDirectory = {
  all: () => [],
  byId: nobody,
  bySite: nobody,
  byComposeProject: nobody,
  byContainerName: nobody,
  containerNameOf: () => null,
};

/** Everything that a pass left over: while nothing is registered, what bears our labels is as unmanaged as the rest. */
export function everythingUnmanaged({ unmanaged, refused, refusedCount }: LeftOver): Unmanaged {
  // A project may be called what every object has.
  const projects = new Map(Object.entries(unmanaged.composeProjects));
  for (const { reason, value } of refused) {
    if (reason === "unknown-stack") projects.set(value, (projects.get(value) ?? 0) + 1);
  }
  return {
    count: unmanaged.count + (refusedCount ?? refused.length),
    composeProjects: Object.fromEntries(projects),
  };
}

/** What a listing would leave over, with an empty index and an empty registry. */
export function unmanagedOf(listing: Listing, composePrefix: string): Unmanaged {
  return everythingUnmanaged(plan(listing, {
    index: new MemoryIndex([]),
    directory: NOBODY,
    composePrefix,
    candidates: new Map(),
    sweep: false,
  }));
}
