/**
 * The containers index as readers see it; never writes.
 *
 * @module
 */

import type { RowCounts, RowPage, ViewFilter } from "../model/index_reader.ts";
import type { ContainerView } from "../model/views.ts";
import type { WorkloadKind } from "../model/workload.ts";
import { Failure } from "../failure.ts";
import { quote } from "../text.ts";
import type { Connection } from "./connection.ts";
import { RowPages, type Rows } from "./row_pages.ts";

/** Rows of one workload by what they are doing. */
export interface WorkloadCounts extends RowCounts {
  /** The workload. */
  readonly workloadId: string;
}

/** Reads `container_views`. */
export class ContainerViews {
  readonly #c: Connection;
  readonly #pages: RowPages;

  /** On this connection. */
  constructor(connection: Connection) {
    this.#c = connection;
    this.#pages = new RowPages(connection);
  }

  /** Rows that match, ordered by id. */
  list(filter: ViewFilter = {}): ContainerView[] {
    return this.#pages.all(filter).flatMap(parsed);
  }

  /** The same as JSON that is never taken apart, all as they are when the first are asked for. */
  page(filter: ViewFilter & { readonly limit: number }): RowPage {
    return this.#pages.page(filter);
  }

  /**
   * One row.
   *
   * @throws {Failure} `not-found`.
   */
  get(id: string): ContainerView {
    const [row] = this.list({ ids: [id] });
    if (row !== undefined) return row;
    throw new Failure("not-found", `Cannot find container row ${quote(id)}: no such row`, {
      data: { thing: "row", id },
    });
  }

  /** Rows with a subdomain or a proxy route, with workload and stage names. */
  listProxyRoutes(): ContainerView[] {
    return this.#rows("WHERE subdomain IS NOT NULL OR proxy_route_id IS NOT NULL ORDER BY id");
  }

  /**
   * Rows that have a subdomain, their replicas (of the same workload, role and stage) without one of
   * their own, and rows of sites that have a domain; by id.
   */
  listRouted(): ContainerView[] {
    return this.#rows(
      `WHERE id IN (
         SELECT id FROM containers WHERE host IN (SELECT name FROM hosts) AND subdomain IS NOT NULL
         UNION SELECT other.id FROM containers AS row JOIN containers AS other
           ON other.workload_id = row.workload_id AND other.role = row.role
             AND other.stage_id IS row.stage_id AND other.replica <> row.replica
             AND other.subdomain IS NULL
           WHERE row.host IN (SELECT name FROM hosts) AND row.subdomain IS NOT NULL
         UNION SELECT c.id FROM static_sites AS s
           JOIN workloads AS w ON w.kind = 'site' AND w.ref_id = s.id
           JOIN containers AS c ON c.workload_id = w.id
           WHERE s.domain IS NOT NULL
       ) ORDER BY id`,
    );
  }

  /** Whether a row has one of these subdomains or a site this domain, in whatever case. */
  knowsName(names: { subdomains: readonly string[]; domain: string }): boolean {
    return this.#c.sql(
      `SELECT 1 FROM containers
       WHERE host IN (SELECT name FROM hosts) AND subdomain IS NOT NULL
         AND subdomain COLLATE NOCASE IN (SELECT value FROM json_each(?1))
       UNION ALL SELECT 1 FROM static_sites WHERE domain = ?2 COLLATE NOCASE LIMIT 1`,
    ).value(JSON.stringify(names.subdomains), names.domain) !== undefined;
  }

  /** Rows of a stage: bound to its id, or from before ids and with its name as their role. */
  listContainersByStage(stageId: string): ContainerView[] {
    return this.#rows(
      `WHERE stage_id = ?1 OR (stage_id IS NULL AND workload_kind = 'project' AND EXISTS (
         SELECT 1 FROM stages AS s JOIN workloads AS w ON w.kind = 'project' AND w.ref_id = s.project_id
         WHERE s.id = ?1 AND s.name = role AND w.id = workload_id
       )) ORDER BY id`,
      [stageId],
    );
  }

  /** Number of rows by kind and state. */
  counts(): { kind: WorkloadKind; state: string; count: number }[] {
    return this.#c.sql(
      `SELECT workload_kind, state, count(*) FROM containers
       GROUP BY workload_kind, state ORDER BY workload_kind, state`,
    ).values<[WorkloadKind, string, number]>().map(([kind, state, count]) => ({
      kind,
      state,
      count,
    }));
  }

  /** Number of rows by the health of their containers; of those that have any. */
  healths(): { health: string; count: number }[] {
    return this.#c.sql(
      `SELECT health, count(*) FROM containers WHERE health IS NOT NULL
       GROUP BY health ORDER BY health`,
    ).values<[string, number]>().map(([health, count]) => ({ health, count }));
  }

  /** Rows of each workload that has any, by what they are doing. */
  countsByWorkload(): Map<string, WorkloadCounts> {
    const rows = this.#c.sql(
      `SELECT workload_id, state, count(*), count(*) FILTER (WHERE health = 'unhealthy') FROM containers
       GROUP BY workload_id, state`,
    ).values<[string, string, number, number]>();
    const counts = new Map<string, WorkloadCounts>();
    for (const [workloadId, ofWorkload] of Map.groupBy(rows, ([id]) => id)) {
      const states = Object.fromEntries(ofWorkload.map(([, state, count]) => [state, count]));
      const { running = 0, stopped = 0, missing = 0 } = states;
      const total = ofWorkload.reduce((sum, [, , count]) => sum + count, 0);
      const unhealthy = ofWorkload.reduce((sum, [, , , count]) => sum + count, 0);
      counts.set(workloadId, { workloadId, running, stopped, missing, unhealthy, total, states });
    }
    return counts;
  }

  #rows(tail: string, values: readonly (string | number)[] = []): ContainerView[] {
    const rows = this.#pages.read(tail, values);
    return rows === null ? [] : parsed(rows);
  }
}

function parsed({ json }: Rows): ContainerView[] {
  return JSON.parse(`[${new TextDecoder().decode(json.subarray(1))}]`);
}
