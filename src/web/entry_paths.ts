/**
 * Where the API keeps projects, stacks and sites.
 *
 * @module
 */

import type { WorkloadKind } from "../model/workload.ts";

/** The path of a kind's entries. */
export const ENTRY_PATHS: Readonly<Record<WorkloadKind, string>> = {
  project: "/api/projects",
  stack: "/api/stacks",
  site: "/api/sites",
};
