/**
 * Problems as readers are shown them: times as text. Reads nothing.
 *
 * @module
 */

import type {
  Batch,
  Evidence,
  Outcome,
  ProblemKind,
  ProblemStatus,
  Remedy,
  Severity,
} from "../model/problem.ts";
import type { NamedProblem } from "../model/index_reader.ts";
import type { Workload, WorkloadKind } from "../model/workload.ts";

/** A problem as people and programs are shown it. Times are RFC 3339 UTC. */
export interface ShownProblem {
  /** Name of its host; absent where the index is of one host alone. */
  readonly host?: string;
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

/** Shows problems, in their order; with `hosts` which host each is on. */
export function shownProblems(
  problems: readonly NamedProblem[],
  { hosts }: { readonly hosts: boolean },
): ShownProblem[] {
  return problems.map(({ problem, workload }) => {
    const { key, host, kind, severity, status, rowId, containerId, containerName } = problem;
    return {
      ...(hosts && { host }),
      key,
      kind,
      severity,
      status,
      workload,
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
