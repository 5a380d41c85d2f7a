/**
 * What should run on all hosts and how much of it does, as readers are shown it. Rows of a host that
 * is not heard of are unknown, whatever they were. Writes nothing.
 *
 * @module
 */

import type { Expectation } from "../model/problem.ts";
import type { Workload, WorkloadKind } from "../model/workload.ts";
import type { Sql } from "./database.ts";

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
    SELECT h.name AS host, ${unknown(sql)} AS unknown, w.body, counts.states, counts.unhealthy
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
    WHERE ${host === undefined ? sql`true` : sql`h.name = ${host}`}
      AND ${workload === undefined ? sql`true` : sql`(w.id = ${workload} OR w.name = ${workload})`}
    ORDER BY w.kind, w.name, h.name`;
  return found.map(({ host, unknown, body, states, unhealthy }) => {
    const rows = Object.values(states ?? {}).reduce((sum, count) => sum + count, 0);
    return {
      ...JSON.parse(body),
      ...{ host, unknown },
      states: unknown ? (rows === 0 ? {} : { unknown: rows }) : states ?? {},
      unhealthy: unknown ? 0 : unhealthy ?? 0,
    };
  });
}

/** So many rows of hosts are in a state. */
export interface HostedCount {
  /** Name of the host. */
  readonly host: string;
  /** Kind of their workloads. */
  readonly kind: WorkloadKind;
  /** `unknown` where their host is. */
  readonly state: string;
  /** Of their containers; null: it has no check, or nobody knows. */
  readonly health: string | null;
  /** How many. */
  readonly count: number;
}

/** Rows by host, kind, state and health; of one host, or of all. */
export async function countRows(
  sql: Sql,
  { host }: { host?: string } = {},
): Promise<HostedCount[]> {
  const counts = await sql<HostedCount[]>`
    SELECT h.name AS host, counts.kind, CASE WHEN ${
    unknown(sql)
  } THEN 'unknown' ELSE state END AS state,
      CASE WHEN NOT ${unknown(sql)} THEN health END AS health, sum(count)::integer AS count
    FROM tinyforge.hosts AS h JOIN (SELECT host_id, workload_kind AS kind, state, health, count(*)
        FROM tinyforge.containers GROUP BY host_id, workload_kind, state, health) AS counts
      ON counts.host_id = h.id
    WHERE ${host === undefined ? sql`true` : sql`h.name = ${host}`}
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`;
  return [...counts];
}

interface Stored {
  host: string;
  unknown: boolean;
  body: string;
  states: Record<string, number> | null;
  unhealthy: number | null;
}

function unknown(sql: Sql) {
  return sql`(h.lease_until IS NULL OR h.lease_until < now())`;
}
