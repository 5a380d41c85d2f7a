/**
 * Plans, and does not plan again what is settled: a whole listing that had no changes has none for
 * as long as nothing that goes into the plan is another. Must not decide anything itself.
 *
 * @module
 */

import { type Plan, plan, type PlanOptions } from "../core/plan.ts";
import type { Listing } from "../model/container.ts";

/** Plans one pass after the other. */
export class Planner {
  #settled: { given: Readonly<Record<string, unknown>>; plan: Plan } | null = null;

  /** The same as {@linkcode plan}. */
  plan(listing: Listing, options: PlanOptions): Plan {
    // All that a pure function is given; the index is one object that changes.
    const given = { ...options, ...listing, revision: options.index.revision };
    if (this.#settled !== null && haveSameValues(given, this.#settled.given)) {
      return this.#settled.plan;
    }
    const planned = plan(listing, options);
    // Part of a listing never comes again, and what the whole was settled with may still hold.
    if (listing.scope === "all") {
      this.#settled = planned.changes.length === 0 ? { given, plan: planned } : null;
    }
    return planned;
  }
}

/** Whether both have the very same values under the same names, not only equal ones. */
export function haveSameValues<Values extends object>(a: Values, b: Values): boolean {
  const names = Object.keys(a) as (keyof Values)[];
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
