/**
 * What somebody changed, as far as an audit entry tells by itself. Pure; whether anything has such
 * an id is not looked up here.
 *
 * @module
 */

import type { AuditEntry } from "../model/access.ts";

/** Ids and names that an audit entry tells; null where it tells none. */
export interface About {
  /** Of a row. */
  readonly row: string | null;
  /** Of a workload, or of its project, stack or site; of a webhook its kind and name. */
  readonly workload: string | null;
}

/** What an entry is about. */
export function aboutOf({ via, who, path, details }: Omit<AuditEntry, "seq" | "at">): About {
  // Who shows a workload's secret acts as that workload.
  if (via === "webhook") return { row: null, workload: who };
  const [, , what = "", ...ids] = path.split("/").map(decoded);
  const [id = null] = ids;
  const told = (name: string) => typeof details[name] === "string" ? `${details[name]}` : null;
  if (what === "instances") return { row: ids.at(-1) ?? null, workload: null };
  if (what === "containers" && id !== "batch") {
    return { row: id ?? told("id"), workload: told("workloadId") };
  }
  return { row: null, workload: WORKLOADS.has(what) ? id : told("workloadId") };
}

const WORKLOADS: ReadonlySet<string> = new Set(["workloads", "projects", "stacks", "sites"]);

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
