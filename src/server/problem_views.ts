/**
 * Problems as readers are shown them: names in place of ids, times as text. Reads the store.
 *
 * @module
 */

import type { Problem } from "../model/problem.ts";
import type { Store } from "../store/store.ts";
import type { ShownProblem } from "./api/problems.ts";

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
