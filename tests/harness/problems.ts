/**
 * Problems as the judge would have found them, of which a test says what matters to it, and their
 * way into a store. Judges nothing.
 *
 * @module
 */

import type { Problem } from "../../src/model/problem.ts";
import type { Store } from "../../src/store/store.ts";

/** An open problem of the host's; with a row, its key is that row's. */
export function problem(fields: Partial<Problem> & Pick<Problem, "kind" | "do">): Problem {
  const since = fields.since ?? 0;
  return {
    key: `${fields.kind}:${fields.rowId ?? null}`,
    severity: "high",
    status: "open",
    host: "local",
    workloadId: null,
    rowId: null,
    containerId: null,
    containerName: "",
    since,
    dueAt: null,
    openedAt: since,
    closedAt: null,
    outcome: null,
    evidence: {},
    batch: null,
    muted: false,
    silenced: false,
    ...fields,
  };
}

/** Puts problems where the judge puts them. */
export function writeProblems(store: Store, ...put: Problem[]): void {
  store.problems.write({ put, dropped: [], kept: null, deaths: new Map(), holds: new Map() });
}
