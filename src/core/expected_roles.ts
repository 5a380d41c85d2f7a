/**
 * What is expected, looked up by role; and what a claim owes to it: the replica that a container
 * of an expected role gets, and whether a stopped one has done what it should. Pure.
 *
 * @module
 */

import type { Expectation } from "../model/problem.ts";
import type { ContainerIndex, IndexRow, ListedContainer } from "../model/container.ts";
import type { Claim } from "../model/pass.ts";
import type { Workload } from "../model/workload.ts";
import { replicaOf, slotId } from "./expect.ts";
import { endedWithZero } from "./listed.ts";

/** Expectations of every workload. */
export class ExpectedRoles {
  /** Their number. */
  readonly size: number;
  readonly #roles = new Map<string, Map<string, Expectation>>();

  /** Of these. */
  constructor(expectations: readonly Expectation[]) {
    this.size = expectations.length;
    for (const expectation of expectations) {
      const { workloadId, role } = expectation;
      const roles = this.#roles.get(workloadId);
      if (roles === undefined) this.#roles.set(workloadId, new Map([[role, expectation]]));
      else roles.set(role, expectation);
    }
  }

  /** What is expected of a role; undefined where nobody said. */
  of(workloadId: string, role: string): Expectation | undefined {
    return this.size === 0 ? undefined : this.#roles.get(workloadId)?.get(role);
  }

  /** What is expected of a workload, by role. */
  ofWorkload(workloadId: string): ReadonlyMap<string, Expectation> {
    return this.#roles.get(workloadId) ?? NONE;
  }

  /** All of them. */
  *all(): Iterable<Expectation> {
    for (const roles of this.#roles.values()) yield* roles.values();
  }
}

const NONE: ReadonlyMap<string, Expectation> = new Map();

/** What the number of a container is looked up in. */
export interface Numbered {
  /** The rows. */
  readonly index: ContainerIndex;
  /** Rows bound to the container. */
  readonly bound: readonly IndexRow[];
  /** The number that a container's labels give it within this role; null when it is not listed. */
  numberOf(containerId: string): number | null;
}

/** The replica whose row a container with this number claims, where something is expected of its role. */
export function expectedReplica(
  { id: containerId }: ListedContainer,
  at: { readonly workload: Workload; readonly role: string; readonly number: number },
  { index, bound, numberOf }: Numbered,
): number {
  const { workload, role, number } = at;
  return replicaOf(containerId, number, {
    boundTo: () =>
      bound.find((row) =>
        row.workloadId === workload.id && row.role === role &&
        row.id === slotId(workload, role, row.replica)
      )?.replica ?? null,
    // A missing row's too: the container may be back. One that is not listed has no number.
    holderOf: (replica) => index.row(slotId(workload, role, replica))?.containerId ?? null,
    numberOf,
  });
}

/** The claim, marked when the container ended with 0 as it should. */
export function withCompletion(
  claim: Claim,
  container: ListedContainer,
  expected: ExpectedRoles | undefined,
): Claim {
  if (expected === undefined || !endedWithZero(container)) return claim;
  const { mode } = expected.of(claim.workload.id, claim.role) ?? {};
  return mode === "completed" ? { ...claim, completed: true } : claim;
}
