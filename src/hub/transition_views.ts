/**
 * What happened on all hosts, as readers are shown it. Numbers are the hub's own: they grow in the
 * order in which it was told, so that whoever reads on from one misses nothing. Writes nothing.
 *
 * @module
 */

import type { Transition } from "../model/views.ts";
import type { WorkloadKind } from "../model/workload.ts";
import { keptJson } from "../store/kept_json.ts";
import { ofHost } from "./hub_views.ts";
import type { Sql } from "./sql.ts";
import { originOf } from "./told_shapes.ts";

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
  const found = await sql<StoredTransition[]>`
    SELECT t.id, h.name AS host, t.body
    FROM tinyforge.hosts AS h JOIN tinyforge.transitions AS t ON t.host_id = h.id
    WHERE h.name = ${host} AND t.row_id = ${rowId} ORDER BY t.id DESC LIMIT ${limit}`;
  return found.reverse().map(shownTransition);
}

/** Which transitions to read. Times are RFC 3339 UTC, by the hosts' clocks. */
export interface TransitionQuery {
  /** Name of a host. */
  readonly host?: string;
  /** Only what has a greater number. */
  readonly since?: number;
  /** At or after. */
  readonly from?: string;
  /** Before. */
  readonly until?: string;
  /** At most this many. */
  readonly limit: number;
}

/** Transitions of all rows by their number. */
export async function listTransitions(
  sql: Sql,
  query: TransitionQuery,
): Promise<HostedTransition[]> {
  const { host, since, from, until, limit } = query;
  const found = await sql<StoredTransition[]>`
    SELECT t.id, h.name AS host, t.body
    FROM tinyforge.transitions AS t JOIN tinyforge.hosts AS h ON h.id = t.host_id
    WHERE ${ofHost(sql, host)}
      AND ${since === undefined ? sql`true` : sql`t.id > ${since}`}
      AND ${from === undefined ? sql`true` : sql`t.at >= ${from}`}
      AND ${until === undefined ? sql`true` : sql`t.at < ${until}`}
    ORDER BY t.id LIMIT ${limit}`;
  return found.map(shownTransition);
}

/** A transition as it is stored. */
export interface StoredTransition {
  /** The hub's number. */
  readonly id: string;
  /** Name of its host. */
  readonly host: string;
  /** As its host told it. */
  readonly body: string;
}

interface ToldTransition extends Omit<HostedTransition, "seq" | "host" | "workload"> {
  readonly workloadId: string | null;
  readonly workloadName: string | null;
  readonly workloadKind: WorkloadKind | null;
  readonly stageName?: unknown;
  readonly createdAt?: unknown;
}

/** The same as readers are shown it. */
export function shownTransition({ id, host, body }: StoredTransition): HostedTransition {
  const { workloadId, workloadName, workloadKind, stageName: _, createdAt: __, ...told } = keptJson<
    ToldTransition
  >(body, "transitions.body", { of: id });
  return {
    ...told,
    origin: originOf(told.origin),
    seq: Number(id),
    host,
    workload: workloadId === null
      ? null
      : { id: workloadId, name: workloadName, kind: workloadKind },
  };
}
