/**
 * Filters that name something: what nobody knows is a mistake in the request, and not an empty list,
 * which would say that all is well. A container is asked for to find out whether it is there.
 *
 * @module
 */

import { COMPLETED, ENGINE_STATES, MISSING, PENDING, RETIRED } from "../model/container.ts";
import { ABSENT } from "../model/problem.ts";
import type { Services } from "./operation.ts";
import type { FieldError } from "./problem.ts";
import { invalidFields } from "./validation.ts";

/** What may be asked for by name. */
export interface NamedFilters {
  /** A state of rows. */
  readonly state?: string;
  /** Id or name of a workload. */
  readonly workload?: string;
  /** Id or name of a stage. */
  readonly stage?: string;
}

/**
 * Refuses a state that no row can be in, and names of what is not registered.
 *
 * @throws {Problem} `invalid`.
 */
export function requireKnown({ store }: Services, filters: NamedFilters): void {
  const { state, workload, stage } = filters;
  const errors: FieldError[] = [];
  if (state !== undefined && !STATES.has(state)) {
    const known = store.views.counts().some((count) => count.state === state);
    if (!known) errors.push({ path: "state", message: "No row can be in this state" });
  }
  if (workload !== undefined && store.workloads.get(workload) === undefined) {
    const known = store.workloads.named(workload).length > 0;
    if (!known) errors.push({ path: "workload", message: "No workload has this id or name" });
  }
  if (stage !== undefined && !store.stages.has(stage)) {
    errors.push({ path: "stage", message: "No stage has this id or name" });
  }
  if (errors.length > 0) throw invalidFields(errors);
}

const STATES: ReadonlySet<string> = new Set([
  ...ENGINE_STATES,
  MISSING,
  PENDING,
  ABSENT,
  COMPLETED,
  RETIRED,
]);
