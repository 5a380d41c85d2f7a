/**
 * A problem as a host tells it and a hub keeps it: as it was judged, nothing added. Does no I/O;
 * trusts nothing of it.
 *
 * @module
 */

import {
  invalid,
  MAX_TIME,
  MAX_WORD,
  nameOf,
  nameOrNull,
  toldBody,
  type ToldFields,
} from "./told_fields.ts";

/** A problem as a hub keeps it. Times are milliseconds since the Unix epoch. */
export interface HubProblem {
  /** What it is known by on its host; of those that are open only one has it. */
  readonly key: string;
  /** When it opened: tells it from an earlier one with its key. */
  readonly openedAt: number;
  /** What is wrong. */
  readonly kind: string;
  /** How much it matters. */
  readonly severity: string;
  /** Whether it is over. */
  readonly status: "open" | "closed";
  /** Null for a host's. */
  readonly workloadId: string | null;
  /** Null for a workload's or a host's. */
  readonly rowId: string | null;
  /** When it was over; null while it is open. */
  readonly closedAt: number | null;
  /** All of it as JSON, its fields always in the same order. */
  readonly body: string;
  /** Of the body; tells it from every other one. */
  readonly hash: string;
}

/** Fields of a body, in their order: those of `Problem`, but for its host. */
const TOLD: ToldFields = {
  key: "text",
  kind: "text",
  severity: "text",
  status: "text",
  workloadId: "text or null",
  rowId: "text or null",
  containerId: "text or null",
  containerName: "text",
  since: "integer",
  dueAt: "integer or null",
  openedAt: "integer or null",
  closedAt: "integer or null",
  outcome: "text or null",
  evidence: "object or null",
  do: "object or null",
  batch: "text or null",
  muted: "boolean",
  silenced: "boolean",
};

const THING = "a problem";

/**
 * The problem that a JSON value is.
 *
 * @throws {Failure} `invalid`
 */
export function hubProblem(value: unknown): HubProblem {
  const problem = toldBody(value, { fields: TOLD, thing: THING });
  const { told, body, hash } = problem;
  const name = (field: string, most?: number) =>
    nameOf(problem, { field, thing: THING, ...most !== undefined && { most } });
  const { severity, status, evidence, do: remedy } = told;
  if (severity !== "low" && severity !== "high") throw invalid("its severity is none", THING);
  if (status !== "open" && status !== "closed") throw invalid("its status is none", THING);
  if (evidence === null || remedy === null) throw invalid("its evidence is missing", THING);
  for (const field of ["since", "dueAt", "openedAt", "closedAt"]) {
    if (Math.abs(told[field] as number ?? 0) > MAX_TIME) {
      throw invalid(`its ${field} is no time`, THING);
    }
  }
  const { since, openedAt, closedAt } = told as Record<string, number | null>;
  const opened = openedAt ?? since;
  if (opened === null || opened === undefined) throw invalid("its since is no time", THING);
  if ((status === "closed") !== (closedAt !== null)) throw invalid("its end is missing", THING);
  return {
    ...{ key: name("key"), kind: name("kind", MAX_WORD), openedAt: opened, severity, status },
    workloadId: nameOrNull(problem, { field: "workloadId", thing: THING }),
    rowId: nameOrNull(problem, { field: "rowId", thing: THING }),
    ...{ closedAt: closedAt!, body, hash },
  };
}
