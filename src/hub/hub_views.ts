/**
 * What readers are shown of all hosts. A host whose lease is over is unknown, and so is the state of
 * each of its rows, beside the state that it was last in. Writes nothing.
 *
 * @module
 */

import { Failure } from "../failure.ts";
import { VIEW_COLUMNS } from "../model/columns.ts";
import { type HostView, partsOfId, UNKNOWN } from "../model/hosts.ts";
import { keptJson } from "../store/kept_json.ts";
import type { AnySql, Fragment, Sql } from "./sql.ts";
import { rfc3339 } from "./sql_times.ts";

/** Whether a host `h` is the one of this name; any is where none is named. */
export function ofHost(sql: AnySql, host: string | undefined): Fragment {
  return host === undefined ? sql`true` : sql`h.name = ${host}`;
}

/**
 * Where a page before ended; null: there was none.
 *
 * @throws {Failure} `invalid`
 */
export function placeOf(after: string | undefined): { host: string; id: string } | null {
  if (after === undefined) return null;
  const place = partsOfId(after);
  if (place !== null) return place;
  throw new Failure("invalid", "Cannot go on there: it is no `nextCursor` of a page", { data: {} });
}

/** Which rows to show. Ids are those on their hosts. */
export interface HubFilter {
  /** Only rows of the host of this name. */
  readonly host?: string;
  /** Only rows of workloads of this kind. */
  readonly kind?: string;
  /** As it is shown: `unknown` for rows of hosts that are. */
  readonly state?: string;
  /** Name of a workload. */
  readonly workload?: string;
  /** Id of a workload. */
  readonly workloadId?: string;
  /** Name of a stage. */
  readonly stage?: string;
  /** Full id or name of a container. */
  readonly container?: string;
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
      row_count AS rows,
      version,
      CASE WHEN contested THEN ARRAY(SELECT DISTINCT machine FROM tinyforge.host_runs
          WHERE host_id = h.id AND machine <> '' ORDER BY machine LIMIT 10)
        WHEN machine <> '' THEN ARRAY[machine] ELSE ARRAY[]::text[] END AS machines
    FROM tinyforge.hosts AS h ORDER BY name`;
  return hosts.map((host) => ({ ...host, rows: Number(host.rows) }));
}

/** Rows that match, ordered by host and id. */
export async function listContainers(sql: Sql, filter: HubFilter): Promise<HubContainer[]> {
  const { host, state, after, limit } = filter;
  const hosts = [
    ...host === undefined ? [] : [sql`name = ${host}`],
    ...state === undefined ? [] : [state === UNKNOWN ? sql`unknown` : sql`NOT unknown`],
    ...after === undefined ? [] : [sql`name >= ${after.host}`],
  ];
  // One host after the other, and no more of them than fill the page.
  const rows = await sql<Stored[]>`
    SELECT h.name AS host, h.unknown, h.heard, h.passed, c.state AS last, c.body
    FROM (SELECT * FROM (${hostsAsRead(sql)}) AS all_hosts ${where(sql, hosts)}) AS h
    CROSS JOIN LATERAL (
      SELECT c.id, c.state, c.body FROM tinyforge.containers AS c
      ${where(sql, [sql`c.host_id = h.id`, ...conditions(sql, filter)])}
      ORDER BY c.id LIMIT ${limit}
    ) AS c
    ORDER BY h.name, c.id LIMIT ${limit}`;
  return rows.map(shown);
}

/** Those rows of these that are there, each told by its host's name and its id there. */
export async function containersOf(
  sql: Sql,
  ids: readonly { readonly host: string; readonly id: string }[],
): Promise<HubContainer[]> {
  const rows = await sql<Stored[]>`
    SELECT h.name AS host, h.unknown, h.heard, h.passed, c.state AS last, c.body
    FROM unnest(${ids.map(({ host }) => host)}::text[], ${ids.map(({ id }) => id)}::text[])
      AS asked (host, id)
    JOIN (${hostsAsRead(sql)}) AS h ON h.name = asked.host
    JOIN tinyforge.containers AS c ON c.host_id = h.id AND c.id = asked.id
    ORDER BY h.name, c.id`;
  return rows.map(shown);
}

/** Hosts as their rows are read: with whether they are unknown at this moment. */
export function hostsAsRead(sql: Sql): Fragment {
  return sql`SELECT id, name, ${isUnknown(sql)} AS unknown,
    ${rfc3339(sql, "heard_at")} AS heard, last_pass_at AS passed, fresh, epoch, seq, session
    FROM tinyforge.hosts AS h`;
}

/** Whether a host `h` is not heard of at this moment. */
export function isUnknown(sql: Sql): Fragment {
  return sql`(h.lease_until IS NULL OR h.lease_until < now())`;
}

function conditions(sql: Sql, filter: HubFilter): Fragment[] {
  const { kind, state, workload, workloadId, stage, container, after } = filter;
  return [
    ...kind === undefined ? [] : [sql`c.workload_kind = ${kind}`],
    ...state === undefined || state === UNKNOWN ? [] : [sql`c.state = ${state}`],
    ...workload === undefined ? [] : [sql`c.workload_name = ${workload}`],
    ...workloadId === undefined ? [] : [sql`c.workload_id = ${workloadId}`],
    ...stage === undefined ? [] : [sql`c.stage_name = ${stage}`],
    ...container === undefined
      ? []
      // The index has the begin of an id alone.
      : [sql`(c.container_name = ${container}
        OR left(c.container_id, 12) = left(${container}, 12) AND c.container_id = ${container})`],
    ...after === undefined
      ? []
      : [sql`c.id > CASE WHEN h.name = ${after.host} THEN ${after.id} ELSE '' END COLLATE "C"`],
  ];
}

function where(sql: Sql, all: readonly Fragment[]): Fragment {
  const [first, ...rest] = all;
  if (first === undefined) return sql``;
  return rest.reduce((sofar, next) => sql`${sofar} AND ${next}`, sql`WHERE ${first}`);
}

interface Stored {
  host: string;
  last: string;
  unknown: boolean;
  heard: string | null;
  passed: string | null;
  body: string;
}

interface ToldRow extends Record<string, unknown> {
  readonly id: string;
  readonly confirmed?: boolean;
  readonly ownSeenAt?: string | null;
}

/** What readers are shown of fields that a host of another version does not know. */
const UNTOLD = Object.fromEntries(
  Object.keys(VIEW_COLUMNS).map((field) => [field, null]),
);

function shown({ host, last, unknown, heard, passed, body }: Stored): HubContainer {
  const { confirmed, ownSeenAt, ...told } = keptJson<ToldRow>(body, "containers.body");
  const later = confirmed && passed !== null && passed > (ownSeenAt ?? "");
  return {
    ...UNTOLD,
    ...told,
    host,
    state: unknown ? UNKNOWN : last,
    lastState: last,
    lastSeenAt: later ? passed : ownSeenAt ?? null,
    heardAt: heard,
  };
}
