/**
 * Problems as readers are shown them: names in place of ids, times as text. Reads the store.
 *
 * @module
 */

import type {
  Batch,
  Evidence,
  Outcome,
  Problem,
  ProblemKind,
  ProblemStatus,
  Remedy,
  Severity,
} from "../model/problem.ts";
import type { Workload, WorkloadKind } from "../model/workload.ts";
import type { Store } from "../store/store.ts";

/** A problem as people and programs are shown it. Times are RFC 3339 UTC. */
export interface ShownProblem {
  /** The same for as long as it is the same problem; one that comes again has it too. */
  readonly key: string;
  /** What is wrong. */
  readonly kind: ProblemKind;
  /** How much it matters. */
  readonly severity: Severity;
  /** Whether it is a problem yet, or no more. */
  readonly status: ProblemStatus;
  /** Null for a host's; a workload that is gone has its id for a name. */
  readonly workload: Pick<Workload, "id" | "name"> & { readonly kind: WorkloadKind | null } | null;
  /** Id of the row, or null. */
  readonly row: string | null;
  /** The container that it was seen by, or null. */
  readonly container: { readonly id: string; readonly name: string } | null;
  /** When its cause began. */
  readonly since: string;
  /** While it is holding: when it becomes a problem. */
  readonly dueAt: string | null;
  /** When it became one. */
  readonly openedAt: string | null;
  /** When it was over. */
  readonly closedAt: string | null;
  /** Why it closed. */
  readonly outcome: Outcome | null;
  /** What it was seen by. */
  readonly evidence: Evidence;
  /** What to do about it. */
  readonly do: Remedy;
  /** What it is told together with. */
  readonly batch: Batch | null;
  /** Its row flaps: told to nobody. */
  readonly muted: boolean;
  /** A silence covers it: told to nobody. */
  readonly silenced: boolean;
}

/** Shows problems, in their order. */
export function shownProblems(
  { workloads }: Pick<Store, "workloads">,
  problems: readonly Problem[],
): ShownProblem[] {
  return problems.map((problem) => {
    const { key, kind, severity, status, workloadId, rowId, containerId, containerName } = problem;
    const known = workloadId === null ? undefined : workloads.get(workloadId);
    return {
      key,
      kind,
      severity,
      status,
      workload: workloadId === null ? null : {
        id: workloadId,
        name: known?.name ?? workloadId,
        kind: known?.kind ?? null,
      },
      row: rowId,
      container: containerId === null ? null : { id: containerId, name: containerName },
      since: textOf(problem.since)!,
      dueAt: textOf(problem.dueAt),
      openedAt: textOf(problem.openedAt),
      closedAt: textOf(problem.closedAt),
      outcome: problem.outcome,
      evidence: problem.evidence,
      do: problem.do,
      batch: problem.batch,
      muted: problem.muted,
      silenced: problem.silenced,
    };
  });
}

function textOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
