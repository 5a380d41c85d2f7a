/**
 * What runs on a host where nothing is registered yet, and what can be taken in by name. Pure; the
 * daemon's log and the commands say it in their own words.
 *
 * @module
 */

import type { Listing } from "../model/container.ts";
import { type Refusal, type Unmanaged, UNREGISTERED } from "../model/pass.ts";
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

/** What could be taken in, and what could not. */
export interface Everything extends Unmanaged {
  /** Containers whose labels speak for what is not there, so that registering takes in none of them. */
  readonly refused: number;
}

/**
 * Everything that a pass left over: while nothing is registered, what is refused only for want of a
 * registration is as unmanaged as the rest.
 */
export function everythingUnmanaged({ unmanaged, refused, refusedCount }: LeftOver): Everything {
  // A project may be called what every object has.
  const projects = new Map(Object.entries(unmanaged.composeProjects));
  let turnedAway = 0;
  for (const { reason, value } of refused) {
    if (reason === "unknown-stack") projects.set(value, (projects.get(value) ?? 0) + 1);
    if (!UNREGISTERED.has(reason)) turnedAway++;
  }
  return {
    // Of those that are only counted it is not known why they are refused.
    count: unmanaged.count + (refusedCount ?? refused.length) - turnedAway,
    composeProjects: Object.fromEntries(projects),
    refused: turnedAway,
  };
}

/** What a listing would leave over, with an empty index and an empty registry. */
export function unmanagedOf(listing: Listing, composePrefix: string): Everything {
  return everythingUnmanaged(plan(listing, {
    index: new MemoryIndex([]),
    directory: NOBODY,
    composePrefix,
    candidates: new Map(),
    sweep: false,
  }));
}
