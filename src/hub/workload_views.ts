/**
 * What should run on all hosts and how much of it does, as readers are shown it. Rows of a host that
 * is not heard of are unknown, whatever they were. Writes nothing.
 *
 * @module
 */

import type { Expectation } from "../model/problem.ts";
import type { Workload } from "../model/workload.ts";
import { keptJson } from "../store/kept_json.ts";
import { isUnknown, ofHost } from "./hub_views.ts";
import type { Sql } from "./sql.ts";

/** A workload of one of many hosts; its id is unique there alone. */
export interface HostedWorkload extends Workload {
  /** Name of its host. */
  readonly host: string;
  /** Whether its host is not heard of. */
  readonly unknown: boolean;
  /** What should run of it, by role; empty: what was ever seen. */
  readonly expectations: readonly Omit<Expectation, "workloadId">[];
  /** Its rows by state, `unknown` those of a host that is. */
  readonly states: Readonly<Record<string, number>>;
  /** Its rows whose container is `unhealthy`, as far as that is known. */
  readonly unhealthy: number;
}

/** Every workload by kind and name, then by host; or those of one host, or of one id or name. */
export async function listWorkloads(
  sql: Sql,
  { host, workload }: { host?: string; workload?: string } = {},
): Promise<HostedWorkload[]> {
  const found = await sql<Stored[]>`
    SELECT h.name AS host, ${isUnknown(sql)} AS unknown, w.body, counts.states, counts.unhealthy
    FROM tinyforge.hosts AS h JOIN tinyforge.workloads AS w ON w.host_id = h.id
      LEFT JOIN (SELECT host_id, workload_id, jsonb_object_agg(state, count) AS states,
          sum(unhealthy)::integer AS unhealthy
        FROM (SELECT host_id, workload_id, state, count(*),
            count(*) FILTER (WHERE health = 'unhealthy') AS unhealthy
          FROM tinyforge.containers WHERE ${
    host === undefined
      ? sql`true`
      : sql`host_id = (SELECT id FROM tinyforge.hosts WHERE name = ${host})`
  }
          GROUP BY host_id, workload_id, state) AS by_state
        GROUP BY host_id, workload_id) AS counts
        ON counts.host_id = w.host_id AND counts.workload_id = w.id
    WHERE ${ofHost(sql, host)}
      AND ${workload === undefined ? sql`true` : sql`(w.id = ${workload} OR w.name = ${workload})`}
    ORDER BY w.kind, w.name, h.name`;
  return found.map(({ host, unknown, body, states, unhealthy }) => {
    const rows = Object.values(states ?? {}).reduce((sum, count) => sum + count, 0);
    return {
      ...keptJson<Workload & Pick<HostedWorkload, "expectations">>(body, "workloads.body"),
      ...{ host, unknown },
      states: unknown ? (rows === 0 ? {} : { unknown: rows }) : states ?? {},
      unhealthy: unknown ? 0 : unhealthy ?? 0,
    };
  });
}

interface Stored {
  host: string;
  unknown: boolean;
  body: string;
  states: Record<string, number> | null;
  unhealthy: number | null;
}
