/**
 * What is wrong on all hosts, as readers are shown it: what each host judged, as of when it was heard
 * of last, and for each that is not heard of that it is not. Writes nothing.
 *
 * @module
 */

import { idOverHosts } from "../model/hosts.ts";
import { type Problem, type ProblemKind, type Severity, storyRemedy } from "../model/problem.ts";
import type { WorkloadKind } from "../model/workload.ts";
import { type Reading, unlessDamaged } from "../store/damage.ts";
import { isUnknown, ofHost } from "./hub_views.ts";
import type { Fragment, Sql } from "./sql.ts";
import { HOST_UNKNOWN, keyOf, silenceBody } from "./silence.ts";
import { millis, rfc3339 } from "./sql_times.ts";
import { problemOf } from "./told_shapes.ts";

/** A problem of one of many hosts. */
export interface HostedProblem {
  /** As its host judged it; its host is that one's name here, its ids and key are unique there alone. */
  readonly problem: Problem;
  /** Id of its host. */
  readonly hostId: string;
  /** Null for a host's; a workload that is gone has its id for a name, and no kind. */
  readonly workload: {
    readonly id: string;
    readonly name: string;
    readonly kind: WorkloadKind | null;
  } | null;
  /** Whether its host is not heard of: it is told as of {@link HostedProblem.heardAt}. */
  readonly unknown: boolean;
  /** When its host was heard of last, RFC 3339 UTC. */
  readonly heardAt: string | null;
  /** When it was told as it is, by the database's clock; null while it is open. */
  readonly overAt: number | null;
}

/** By its ids over all hosts; its host is that one's name here. */
export function problemOverHosts(problem: Problem): Problem {
  const { host, key, rowId, workloadId } = problem;
  return {
    ...problem,
    key: idOverHosts(host, key),
    rowId: rowId === null ? null : idOverHosts(host, rowId),
    workloadId: workloadId === null ? null : idOverHosts(host, workloadId),
  };
}

/** Which to read. */
export interface ProblemQuery {
  /** Name of a host. */
  readonly host?: string;
  /** Id of a row on its host. */
  readonly rowId?: string;
  /** Of those that are over only such that closed at or after a time by their hosts' clocks … */
  readonly closedSince?: number;
  /** … and that this was told at or after a time. Milliseconds since the Unix epoch. */
  readonly toldSince?: number;
  /** So many of those that are over; none by default. */
  readonly closed?: number;
  /** So many of those that are open; all by default. */
  readonly limit?: number;
}

/**
 * The open ones, newest first; after them those that are over, the last one first. Of one whose body is
 * left out it is known what it is of whom, and nothing that was seen.
 */
export async function listProblems(
  sql: Sql,
  { onDamage, ...query }: ProblemQuery & Reading = {},
): Promise<HostedProblem[]> {
  const reading = { onDamage };
  const { closed = 0, closedSince = 0, toldSince = 0, limit } = query;
  const silent = await silentHosts(sql, query);
  const open = await stored(sql, { ...query, ...reading }, {
    where: sql`p.status = 'open'`,
    order: sql`p.opened_at DESC, h.name, p.key ${
      limit === undefined ? sql`` : sql`LIMIT ${limit}`
    }`,
  });
  const all = [...silent, ...open]
    .sort((a, b) => b.problem.openedAt! - a.problem.openedAt!).slice(0, limit);
  if (closed === 0) return all;
  const over = await stored(sql, { ...query, ...reading }, {
    where: sql`p.status = 'closed' AND p.closed_at >= ${closedSince}
      AND p.told_at >= to_timestamp(${toldSince}::float8 / 1000)`,
    order: sql`p.closed_at DESC, h.name, p.key LIMIT ${closed}`,
  });
  return [...all, ...over];
}

/** How many are open, by kind and severity; of all hosts or one. */
export async function countProblems(
  sql: Sql,
  { host }: { host?: string } = {},
): Promise<{ kind: ProblemKind; severity: Severity; count: number }[]> {
  const named = ofHost(sql, host);
  const counts = await sql<{ kind: ProblemKind; severity: Severity; count: number }[]>`
    SELECT kind, severity, sum(count)::integer AS count FROM (
      SELECT p.kind, p.severity, count(*) FROM tinyforge.problems AS p
        JOIN tinyforge.hosts AS h ON h.id = p.host_id
      WHERE p.status = 'open' AND ${named} GROUP BY p.kind, p.severity
      UNION ALL
      SELECT ${HOST_UNKNOWN}, 'high', count(*) FROM tinyforge.hosts AS h
      WHERE ${isSilent(sql)} AND ${named} HAVING count(*) > 0) AS counts
    GROUP BY kind, severity ORDER BY kind, severity`;
  return [...counts];
}

interface Stored {
  hostId: string;
  host: string;
  heardAt: string | null;
  unknown: boolean;
  overAt: number | null;
  body: string;
  key: string;
  openedAt: number;
  kind: ProblemKind;
  severity: Severity;
  status: "open" | "closed";
  workloadId: string | null;
  rowId: string | null;
  closedAt: number | null;
  workloadName: string | null;
  workloadKind: WorkloadKind | null;
}

async function stored(
  sql: Sql,
  { host, rowId, ...reading }: Pick<ProblemQuery, "host" | "rowId"> & Reading,
  { where, order }: { where: Fragment; order: Fragment },
): Promise<HostedProblem[]> {
  const found = await sql<Stored[]>`
    SELECT h.id AS "hostId", h.name AS host, ${rfc3339(sql, "h.heard_at")} AS "heardAt",
      ${isUnknown(sql)} AS unknown, p.body, p.key, p.kind, p.severity, p.status,
      p.opened_at::float8 AS "openedAt", p.closed_at::float8 AS "closedAt",
      p.workload_id AS "workloadId", p.row_id AS "rowId",
      CASE WHEN p.status = 'closed' THEN ${millis(sql, "p.told_at")} END AS "overAt",
      w.name AS "workloadName", w.kind AS "workloadKind"
    FROM tinyforge.problems AS p JOIN tinyforge.hosts AS h ON h.id = p.host_id
      LEFT JOIN tinyforge.workloads AS w ON w.host_id = p.host_id AND w.id = p.workload_id
    WHERE ${where} AND ${ofHost(sql, host)}
      AND ${rowId === undefined ? sql`true` : sql`p.row_id = ${rowId}`}
    ORDER BY ${order}`;
  return found.map(({ body, workloadName, workloadKind, ...of }) => {
    const told = unlessDamaged(
      () => problemOf(body, of.host, { of: `${of.host}/${of.key}` }),
      bareProblem(of),
      reading,
    );
    // What a hub wrote of a host that was silent does not know what that is called now.
    const problem: Problem = told.kind === HOST_UNKNOWN
      ? { ...told, do: { code: "reach-host", host: of.host } }
      : told;
    const { workloadId } = problem;
    return {
      problem,
      hostId: of.hostId,
      workload: workloadId === null
        ? null
        : { id: workloadId, name: workloadName ?? workloadId, kind: workloadKind },
      ...{ unknown: of.unknown, heardAt: of.heardAt, overAt: of.overAt },
    };
  });
}

/** What is known of one without what it was told with. */
function bareProblem(of: Omit<Stored, "body" | "workloadName" | "workloadKind">): Problem {
  const { host, key, openedAt, kind, severity, status, workloadId, rowId, closedAt } = of;
  return {
    ...{ key, kind, severity, status, host, workloadId, rowId, openedAt, closedAt },
    ...{ containerId: null, containerName: "", since: openedAt, dueAt: null },
    outcome: status === "closed" ? "gone" : null,
    evidence: {},
    do: storyRemedy({ rowId, host }),
    ...{ batch: null, muted: false, silenced: false },
  };
}

/** Its lease may be renewed while no hub has looked since. */
function isSilent(sql: Sql): Fragment {
  return sql`h.silent_at IS NOT NULL AND h.lease_until < now()`;
}

/** Of each host that is not heard of that it is not; of a row none. */
export async function silentHosts(
  sql: Sql,
  { host, rowId }: ProblemQuery,
): Promise<HostedProblem[]> {
  if (rowId !== undefined) return [];
  const found = await sql<{
    id: string;
    name: string;
    heardAt: string;
    openedAt: number;
    since: number;
    machines: string[];
  }[]>`
    SELECT h.id, h.name, ${rfc3339(sql, "h.heard_at")} AS "heardAt",
      ${millis(sql, "h.silent_at")} AS "openedAt", ${millis(sql, "h.silent_since")} AS since,
      CASE WHEN h.contested THEN ARRAY(SELECT DISTINCT machine FROM tinyforge.host_runs AS r
        WHERE r.host_id = h.id AND machine <> '' ORDER BY machine LIMIT 10) ELSE ARRAY[]::text[] END AS machines
    FROM tinyforge.hosts AS h
    WHERE ${isSilent(sql)} AND ${ofHost(sql, host)}`;
  return found.map(({ id, name, heardAt, openedAt, since, machines }) => ({
    problem: {
      ...silenceBody({ heardAt: since, machines, host: name }),
      ...{ key: keyOf(id), status: "open", openedAt, closedAt: null, outcome: null },
    },
    ...{ hostId: id, workload: null, unknown: true, heardAt, overAt: null },
  }));
}
