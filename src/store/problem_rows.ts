/**
 * How problems, and what the judge remembers beside them, are kept and read again. Runs no statement.
 *
 * @module
 */

import {
  type Death,
  type Evidence,
  type HostMemory,
  type Problem,
  type ProblemKind,
  type Remedy,
  type Severity,
  storyRemedy,
} from "../model/problem.ts";
import { type Reading, unlessDamaged } from "./damage.ts";
import { notJson } from "./error.ts";
import { keptJson, keptList } from "./kept_json.ts";

/** The evidence of a problem of which it is left out; of no other. */
export const NOTHING_SEEN: Evidence = {};

/** What is remembered of a host besides its problems. */
export interface KeptJudgement {
  /** The judge's own memory. */
  readonly memory: HostMemory;
  /** Since when the Engine does not answer, milliseconds; null while it does. */
  readonly downSince: number | null;
  /** Since when another Engine answers, milliseconds; null when none does. */
  readonly changedSince: number | null;
}

const COLUMNS = [
  "key",
  "kind",
  "severity",
  "status",
  "host",
  "workload_id",
  "row_id",
  "container_id",
  "container_name",
  "since",
  "due_at",
  "opened_at",
  "closed_at",
  "outcome",
  "evidence",
  "remedy",
  "batch",
  "muted",
  "silenced",
];
/** Reads problems, see {@link problem}. */
export const SELECT: string = `SELECT ${COLUMNS.join(", ")} FROM problems`;
/** Writes one, see {@link values}. */
// The state that it is written in is the next one that a follower hears of.
export const INSERT: string = `INSERT INTO problems (${COLUMNS.join(", ")}, changed)
  VALUES (${COLUMNS.map(() => "?").join(", ")}, coalesce((SELECT seq + 1 FROM replica), 0))`;

/** What {@link SELECT} reads. */
export type Columns = [
  string,
  ProblemKind,
  Severity,
  Problem["status"],
  string,
  string | null,
  string | null,
  string | null,
  string,
  number,
  number | null,
  number | null,
  number | null,
  Problem["outcome"],
  string,
  string,
  Problem["batch"],
  number,
  number,
];

/** What is kept of one. */
export function values(p: Problem): Columns {
  return [
    p.key,
    p.kind,
    p.severity,
    p.status,
    p.host,
    p.workloadId,
    p.rowId,
    p.containerId,
    p.containerName,
    // The columns hold whole milliseconds.
    Math.round(p.since),
    rounded(p.dueAt),
    rounded(p.openedAt),
    rounded(p.closedAt),
    p.outcome,
    JSON.stringify(p.evidence),
    JSON.stringify(p.do),
    p.batch,
    p.muted ? 1 : 0,
    p.silenced ? 1 : 0,
  ];
}

/** What was kept of the host. Throws a Failure, `corrupt`. */
export function judgement(text: string): KeptJudgement {
  const kept = keptJson<KeptJudgement>(text, "hosts.judged");
  const { outages } = kept.memory ?? {};
  if (!Array.isArray(outages)) throw notJson("hosts.judged");
  return kept;
}

/** What was kept of how the containers of a row ended. Throws a Failure, `corrupt`. */
export function ringOf(text: string, rowId: string): Death[] {
  const ring = keptList<Death | null>(text, "deaths.ring", { of: rowId });
  if (ring.every((death) => Number.isFinite(death?.at))) return ring as Death[];
  throw notJson("deaths.ring", { of: rowId });
}

function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms);
}

/** A problem; one whose evidence is left out is known by the rest. */
export function problem(c: Columns, reading: Reading = {}): Problem {
  const [key, kind, severity, status, host, workloadId, rowId, containerId, containerName] = c;
  const [since, dueAt, openedAt, closedAt, outcome, evidence, remedy] = c.slice(9) as [
    number,
    number | null,
    number | null,
    number | null,
    Problem["outcome"],
    string,
    string,
  ];
  const of = { of: key };
  return {
    key,
    kind,
    severity,
    status,
    host,
    workloadId,
    rowId,
    containerId,
    containerName,
    since,
    dueAt,
    openedAt,
    closedAt,
    outcome,
    ...unlessDamaged(
      () => ({
        evidence: keptJson<Evidence>(evidence, "problems.evidence", of),
        do: keptJson<Remedy>(remedy, "problems.remedy", of),
      }),
      {
        evidence: NOTHING_SEEN,
        do: storyRemedy({ rowId, host }),
      },
      reading,
    ),
    batch: c[16],
    muted: c[17] === 1,
    silenced: c[18] === 1,
  };
}
