/**
 * What happened on all hosts, as readers are shown it. Numbers are the hub's own: they grow in the
 * order in which it was told, so that whoever reads on from one misses nothing. Writes nothing.
 *
 * @module
 */

import type { Transition } from "../model/views.ts";
import type { WorkloadKind } from "../model/workload.ts";
import type { Sql } from "./database.ts";

/** A transition on one of many hosts; its number is the hub's, its row's id unique on its host alone. */
export interface HostedTransition extends Transition {
  /** Name of its host. */
  readonly host: string;
  /** Whose row it is or was, as far as its host remembered. */
  readonly workload: {
    readonly id: string;
    readonly name: string | null;
    readonly kind: WorkloadKind | null;
  } | null;
  /** Role within the workload; null for a site, and where nobody remembers. */
  readonly role: string | null;
  /** 1 for the first or only replica; null where nobody remembers. */
  readonly replica: number | null;
}

/** The newest `limit` transitions of a row (default 1,000), oldest first; of a removed one too. */
export async function storyOf(
  sql: Sql,
  { host, rowId, limit = 1000 }: { host: string; rowId: string; limit?: number },
): Promise<HostedTransition[]> {
  const found = await sql<Stored[]>`
    SELECT t.id, h.name AS host, t.body
    FROM tinyforge.hosts AS h JOIN tinyforge.transitions AS t ON t.host_id = h.id
    WHERE h.name = ${host} AND t.row_id = ${rowId} ORDER BY t.id DESC LIMIT ${limit}`;
  return found.reverse().map(shown);
}

/** Which transitions to read. Times are RFC 3339 UTC, by the hosts' clocks. */
export interface TransitionQuery {
  /** Name of a host. */
  readonly host?: string;
  /** Id of a workload on its host. */
  readonly workloadId?: string;
  /** Only what has a greater number. */
  readonly since?: number;
  /** Only what has a smaller number. */
  readonly before?: number;
  /** At or after. */
  readonly from?: string;
  /** Before. */
  readonly until?: string;
  /** At most this many. */
  readonly limit: number;
  /** Begins with the last; by default with the first. */
  readonly newestFirst?: boolean;
}

/** Transitions of all rows by their number. */
export async function listTransitions(
  sql: Sql,
  query: TransitionQuery,
): Promise<HostedTransition[]> {
  const { host, workloadId, since, before, from, until, limit, newestFirst = false } = query;
  const found = await sql<Stored[]>`
    SELECT t.id, h.name AS host, t.body
    FROM tinyforge.transitions AS t JOIN tinyforge.hosts AS h ON h.id = t.host_id
    WHERE ${host === undefined ? sql`true` : sql`h.name = ${host}`}
      AND ${workloadId === undefined ? sql`true` : sql`t.workload_id = ${workloadId}`}
      AND ${since === undefined ? sql`true` : sql`t.id > ${since}`}
      AND ${before === undefined ? sql`true` : sql`t.id < ${before}`}
      AND ${from === undefined ? sql`true` : sql`t.at >= ${from}`}
      AND ${until === undefined ? sql`true` : sql`t.at < ${until}`}
    ORDER BY t.id ${newestFirst ? sql`DESC` : sql``} LIMIT ${limit}`;
  return found.map(shown);
}

/** Number of the last transition; 0 before the first. */
export async function lastTransition(sql: Sql): Promise<number> {
  const [{ last }] = await sql<[{ last: string }]>`
    SELECT coalesce(max(id), 0) AS last FROM tinyforge.transitions`;
  return Number(last);
}

interface Stored {
  id: string;
  host: string;
  body: string;
}

function shown({ id, host, body }: Stored): HostedTransition {
  const { workloadId, workloadName, workloadKind, ...told } = JSON.parse(body);
  return {
    ...told,
    seq: Number(id),
    host,
    workload: workloadId === null
      ? null
      : { id: workloadId, name: workloadName, kind: workloadKind },
  };
}
