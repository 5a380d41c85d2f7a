/**
 * How many rows each host has of which kind, state and health. Counted again only for hosts of which
 * something was taken in since: a million rows are not looked through for each reader. What is kept
 * is no more than a memory of what the database says.
 *
 * @module
 */

import { UNKNOWN } from "../model/hosts.ts";
import type { WorkloadKind } from "../model/workload.ts";
import type { Sql } from "./sql.ts";
import { hostsAsRead } from "./hub_views.ts";

/** Rows of one host that are alike. */
export interface RowCount {
  /** Kind of their workloads. */
  readonly kind: WorkloadKind;
  /** As their host said it last. */
  readonly state: string;
  /** Null: without a health check. */
  readonly health: string | null;
  /** How many. */
  readonly count: number;
}

/** A host at this moment, with its rows counted. */
export interface CountedHost {
  /** Its name. */
  readonly name: string;
  /** Whether it is not heard of. */
  readonly unknown: boolean;
  /** Whether its index was what ran there when it was heard of. */
  readonly fresh: boolean;
  /** Its last good full pass, RFC 3339 UTC; null before. */
  readonly passed: string | null;
  /** Its rows. */
  readonly counts: readonly RowCount[];
}

/** A host at this moment. */
export interface HostNow extends Omit<CountedHost, "counts"> {
  /** Its id. */
  readonly id: string;
  /** The epoch of its index; null before it told any. */
  readonly epoch: string | null;
  /** The state that it told last; null: none as a whole. */
  readonly seq: string | null;
  /** Number of the process that speaks for it. */
  readonly session: string;
}

/** Every host by name, or the one of this name; their rows are not looked at. */
export async function hostsNow(sql: Sql, name?: string): Promise<HostNow[]> {
  return await sql<HostNow[]>`
    SELECT * FROM (${hostsAsRead(sql)}) AS h
    ${name === undefined ? sql`` : sql`WHERE name = ${name}`} ORDER BY name`;
}

/** Counts the rows of hosts. */
export class RowCounts {
  readonly #sql: Sql;
  #known = new Map<string, { mark: string; counts: readonly RowCount[] }>();

  /** Of this database. */
  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Every host by name, or the one of this name. */
  async hosts(name?: string): Promise<CountedHost[]> {
    const hosts = await hostsNow(this.#sql, name);
    const stale = hosts.filter((host) => this.#known.get(host.id)?.mark !== markOf(host));
    const counted = stale.length === 0 ? new Map() : await this.#count(stale, hosts.length);
    // While a snapshot comes the rows change and their number does not say so.
    const known = new Map(name === undefined ? [] : this.#known);
    const all = hosts.map((host): CountedHost => {
      const counts = counted.get(host.id) ??
        (stale.includes(host) ? [] : this.#known.get(host.id)!.counts);
      if (host.seq !== null) known.set(host.id, { mark: markOf(host), counts });
      const { name, unknown, fresh, passed } = host;
      return { name, unknown, fresh, passed, counts };
    });
    this.#known = known;
    return all;
  }

  async #count(hosts: readonly HostNow[], all: number): Promise<Map<string, RowCount[]>> {
    const sql = this.#sql;
    const ids = hosts.map(({ id }) => id);
    const rows = await sql<(RowCount & { host: string })[]>`
      SELECT host_id AS host, workload_kind AS kind, state, health, count(*)::integer AS count
      FROM tinyforge.containers
      ${hosts.length === all ? sql`` : sql`WHERE host_id = ANY(${ids}::text[])`}
      GROUP BY host_id, workload_kind, state, health`;
    return Map.groupBy(rows, ({ host }) => host);
  }
}

/** Another one for every state that is taken in. */
function markOf({ epoch, seq, session }: HostNow): string {
  return seq === null ? "" : `${session} ${epoch} ${seq}`;
}

/** A state as it is shown of a host. */
export function stateShown({ unknown }: Pick<CountedHost, "unknown">, state: string): string {
  return unknown ? UNKNOWN : state;
}
