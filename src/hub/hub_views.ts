/**
 * What readers are shown of all hosts. A host whose lease is over is unknown, and so is the state of
 * each of its rows, beside the state that it was last in. Writes nothing.
 *
 * @module
 */

import type { HostView } from "../model/hosts.ts";
import type { Sql } from "./database.ts";
import { rfc3339 } from "./sql_times.ts";

/** Which rows to show. */
export interface HubFilter {
  /** Only rows of the host of this name. */
  readonly host?: string;
  /** Only rows of workloads of this kind. */
  readonly kind?: string;
  /** As it is shown: `unknown` for rows of hosts that are. */
  readonly state?: string;
  /** Name of a workload. */
  readonly workload?: string;
  /** Where the page before ended. */
  readonly after?: { readonly host: string; readonly id: string };
  /** At most this many. */
  readonly limit: number;
}

/** A row as readers see it: as its host shows it, but for what the hub has to say. */
export interface HubContainer extends Record<string, unknown> {
  /** Unique among the rows of its host. */
  readonly id: string;
  /** Name of its host. */
  readonly host: string;
  /** `unknown` while its host is. */
  readonly state: string;
  /** What the host said last. */
  readonly lastState: string;
  /** When its host was heard of last, RFC 3339 UTC. */
  readonly heardAt: string | null;
}

/** Every host, by name. */
export async function listHosts(sql: Sql): Promise<HostView[]> {
  const hosts = await sql<(Omit<HostView, "rows"> & { rows: string })[]>`
    SELECT name,
      CASE WHEN contested THEN 'contested' WHEN heard_at IS NULL THEN 'new'
        WHEN lease_until < now() THEN 'unknown' ELSE 'known' END AS state,
      ${rfc3339(sql, "heard_at")} AS "heardAt",
      floor(extract(epoch FROM now() - heard_at))::integer AS "ageSeconds",
      CASE WHEN lease_until >= now() AND NOT contested THEN fresh END AS fresh,
      last_pass_at AS "lastPassAt",
      (SELECT count(*) FROM tinyforge.containers WHERE host_id = h.id) AS rows,
      version,
      CASE WHEN contested THEN ARRAY(SELECT DISTINCT machine FROM tinyforge.host_runs
          WHERE host_id = h.id AND machine <> '' ORDER BY machine)
        WHEN machine <> '' THEN ARRAY[machine] ELSE ARRAY[]::text[] END AS machines
    FROM tinyforge.hosts AS h ORDER BY name`;
  return hosts.map((host) => ({ ...host, rows: Number(host.rows) }));
}

/** Rows that match, ordered by host and id. */
export async function listContainers(sql: Sql, filter: HubFilter): Promise<HubContainer[]> {
  const { host, kind, state, workload, after, limit } = filter;
  const unknown = sql`(h.lease_until IS NULL OR h.lease_until < now())`;
  const rows = await sql<Stored[]>`
    SELECT h.name AS host, c.state AS last, ${unknown} AS unknown,
      ${rfc3339(sql, "h.heard_at")} AS heard, h.last_pass_at AS passed, c.body
    FROM tinyforge.hosts AS h JOIN tinyforge.containers AS c ON c.host_id = h.id
    WHERE ${host === undefined ? sql`true` : sql`h.name = ${host}`}
      AND ${kind === undefined ? sql`true` : sql`c.workload_kind = ${kind}`}
      AND ${workload === undefined ? sql`true` : sql`c.workload_name = ${workload}`}
      AND ${
    state === undefined
      ? sql`true`
      : state === "unknown"
      ? unknown
      : sql`NOT ${unknown} AND c.state = ${state}`
  }
      AND ${
    // The first of both lets the index on names be used.
    after === undefined ? sql`true` : sql`h.name >= ${after.host}
      AND (h.name, c.id) > (${after.host}, ${after.id} COLLATE "C")`}
    ORDER BY h.name, c.id LIMIT ${limit}`;
  return rows.map(shown);
}

interface Stored {
  host: string;
  last: string;
  unknown: boolean;
  heard: string | null;
  passed: string | null;
  body: string;
}

function shown({ host, last, unknown, heard, passed, body }: Stored): HubContainer {
  const { confirmed, ownSeenAt, ...told } = JSON.parse(body);
  const later = confirmed && passed !== null && passed > (ownSeenAt ?? "");
  return {
    ...told,
    host,
    state: unknown ? "unknown" : last,
    lastState: last,
    lastSeenAt: later ? passed : ownSeenAt,
    heardAt: heard,
  };
}
