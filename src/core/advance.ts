/**
 * Takes what is wrong with a host or a workload one judgement further: from holding to open to
 * closed. Pure.
 *
 * @module
 */

import type { Problem } from "../model/problem.ts";
import type { Condition } from "./conditions.ts";
import type { Judged } from "./judge_row.ts";
import { closed, holding, opened } from "./opening.ts";

/** Takes a problem one judgement further. */
export function advance(
  prior: Problem | undefined,
  { found, overAt, unknown, now }: {
    found: Problem | null;
    overAt: number | null;
    unknown: boolean;
    now: number;
  },
): Judged {
  if (prior?.status === "open") {
    if (overAt === null || overAt > now) return { problems: [prior], nextAt: overAt };
    return { problems: [closed(prior, overAt, "recovered")], nextAt: null };
  }
  if (found === null) {
    return { problems: prior !== undefined && unknown ? [prior] : [], nextAt: null };
  }
  const { since, batch } = found;
  const waits = prior?.since === since ? prior : undefined;
  // Other settings don't open what waits sooner than was said of it.
  const dueAt = Math.max(found.dueAt!, waits?.dueAt ?? 0);
  const problem = { ...found, dueAt };
  if (dueAt <= now) return { problems: [opened(problem)], nextAt: null };
  const same = waits?.batch === batch && waits.dueAt === dueAt;
  return { problems: [same ? waits : problem], nextAt: dueAt };
}

/** What is wrong with a host, before it opens. */
export function ofHost(
  host: string,
  found: Pick<Condition, "kind" | "since" | "due" | "evidence" | "do">,
): Problem {
  const subject = { host, workloadId: null, rowId: null, containerId: null, containerName: "" };
  return holding({ ...found, severity: "high" }, { at: found.due, batch: null, subject });
}
