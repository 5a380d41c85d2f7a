/**
 * Says in the log what a judgement opened and closed: one line each, many as one. Decides nothing.
 *
 * @module
 */

import type { Verdict } from "../core/judge.ts";
import type { Problem } from "../model/problem.ts";
import type { Log } from "../telemetry/log.ts";

/** Of one judgement so many are said one by one. */
const MAX_LINES = 10;

/** How many rows the line of an account names. */
const MAX_NAMED = 10;

/** Says it. */
export function sayVerdict({ opened, closed, digest }: Verdict, log: Log): void {
  if (digest !== null) {
    const { batch, expected, wrong } = digest;
    const fields = { right: expected - wrong.length, expected, wrong: wrong.slice(0, MAX_NAMED) };
    if (batch === "restart") log.warn("containers after the restart", fields);
    else log.info("containers at the first judgement", fields);
  }
  // What an account tells of is not said again one by one.
  const single = digest === null ? opened : opened.filter(({ batch }) => batch !== digest.batch);
  for (const problem of single.slice(0, MAX_LINES)) log.warn("problem opened", fieldsOf(problem));
  if (single.length > MAX_LINES) log.warn("problems opened", { count: single.length });
  for (const problem of closed.slice(0, MAX_LINES)) {
    log.info("problem closed", { ...fieldsOf(problem), outcome: problem.outcome });
  }
  if (closed.length > MAX_LINES) log.info("problems closed", { count: closed.length });
}

function fieldsOf({ kind, severity, rowId, workloadId, containerName }: Problem) {
  return { kind, severity, row: rowId, workload: workloadId, container: containerName };
}
