/**
 * The index of many hosts as readers ask for it. Ids of rows and workloads are unique on their host
 * alone, so they are told with its name. Of a host that is not heard of everything is unknown, beside
 * what it said last. Writes nothing.
 *
 * @module
 */

import { utf8 } from "../bytes.ts";
import { Failure } from "../failure.ts";
import type { CheckedRow, CheckFilter } from "../model/check.ts";
import { type Hosted, type HostView, idOverHosts, partsOfId, UNKNOWN } from "../model/hosts.ts";
import type {
  CountedWorkload,
  Holdings,
  IndexReader,
  NamedFilters,
  NamedProblem,
  ReadProblems,
  ReadTransitions,
  RowPage,
  ViewFilter,
} from "../model/index_reader.ts";
import { ROW_STATES } from "../model/row_states.ts";
import type { ContainerView, Freshness, Transition } from "../model/views.ts";
import { quote } from "../text.ts";
import type { Fragment, Sql } from "./sql.ts";
import { checkRows } from "./hub_check.ts";
import {
  containersOf,
  type HubContainer,
  type HubFilter,
  listContainers,
  listHosts,
  placeOf,
} from "./hub_views.ts";
import { silencedIn } from "./hub_silences.ts";
import { countProblems, listProblems, problemOverHosts } from "./problem_views.ts";
import { type CountedHost, hostsNow, RowCounts, stateShown } from "./row_counts.ts";
import { type HostedTransition, listTransitions, storyOf } from "./transition_views.ts";
import { listWorkloads } from "./workload_views.ts";

/** Closed problems that are read at most. */
const MAX_CLOSED = 500;

/** A row of the index of many hosts. */
export type HubRowView = ContainerView & Hosted;

/** Reads what hosts told. */
export class HubReader implements IndexReader {
  readonly #sql: Sql;
  readonly #counts: RowCounts;

  /** From this database. */
  constructor(sql: Sql) {
    this.#sql = sql;
    this.#counts = new RowCounts(sql);
  }

  /** Every host, by name. */
  readonly hosts = (): Promise<HostView[]> => listHosts(this.#sql);

  /** With each sign of life the moment at which a host was heard of is another one. */
  version(): null {
    return null;
  }

  /** Fresh where each host is heard of and says that its index is what runs there. */
  async freshness(host?: string): Promise<Freshness> {
    const hosts = await hostsNow(this.#sql, host);
    const fresh = hosts.every(({ unknown, fresh }) => !unknown && fresh);
    return { fresh, asOf: asOf(hosts), reason: fresh ? null : "hosts-unsure" };
  }

  /** Hosts with their rows counted. */
  counted(): Promise<CountedHost[]> {
    return this.#counts.hosts();
  }

  /** A name of a workload or stage is known where a row is of it. */
  async unknown({ host, state, workload, stage }: NamedFilters): Promise<(keyof NamedFilters)[]> {
    const sql = this.#sql;
    const [found] = await sql<[Record<keyof NamedFilters, boolean>]>`SELECT
      ${
      host === undefined ? sql`true` : sql`EXISTS (
        SELECT FROM tinyforge.hosts WHERE name = ${host})`
    } AS host,
      ${
      state === undefined || ROW_STATES.has(state) || state === UNKNOWN ? sql`true` : this.#hasRow(
        sql`c.state = ${state}`,
      )
    } AS state,
      ${workload === undefined ? sql`true` : this.#hasWorkload(workload)} AS workload,
      ${stage === undefined ? sql`true` : this.#hasRow(sql`c.stage_name = ${stage}`)} AS stage`;
    return (Object.keys(found) as (keyof NamedFilters)[]).filter((name) => !found[name]);
  }

  /** By host and by id there. */
  async page(filter: ViewFilter & { readonly limit: number }): Promise<RowPage> {
    const { limit } = filter;
    const asked = filterOf(filter, await this.#hostOf(filter.workload));
    if (asked === null) return inOnePiece([], null);
    const found = await listContainers(this.#sql, { ...asked, limit: limit + 1 });
    const items = found.slice(0, limit).map(shown);
    const last = found.length > limit ? items.at(-1) : undefined;
    return inOnePiece(items, last?.id ?? null);
  }

  /** Those that are there. */
  async rows(ids: readonly string[]): Promise<HubRowView[]> {
    const asked = ids.map(partsOfId).filter((parts) => parts !== null);
    return (await containersOf(this.#sql, asked)).map(shown);
  }

  /** One, or a failure. */
  async row(id: string): Promise<HubRowView> {
    const [row] = await this.rows([id]);
    if (row !== undefined) return row;
    throw noSuchRow(`Cannot find container row ${quote(id)}`, id);
  }

  /** Also of a row that is no more; the numbers are the hub's own. */
  async story(rowId: string, { limit = 1000 }: { limit?: number } = {}): Promise<Transition[]> {
    const parts = partsOfId(rowId);
    if (parts === null) return [];
    return (await storyOf(this.#sql, { host: parts.host, rowId: parts.id, limit })).map(told);
  }

  /** By the hub's own numbers, in the order in which they were told. */
  async transitions(which: ReadTransitions): Promise<Transition[]> {
    return (await listTransitions(this.#sql, which)).map(told);
  }

  /** As each host judged it when it was heard of; that one is not heard of is a problem itself. */
  async problems({ host, rowId, all = false }: ReadProblems): Promise<NamedProblem[]> {
    const row = rowId === undefined ? null : partsOfId(rowId);
    if (rowId !== undefined && row === null) return [];
    if (row !== null && host !== undefined && row.host !== host) return [];
    const of = row?.host ?? host;
    const found = await listProblems(this.#sql, {
      ...of !== undefined && { host: of },
      ...row !== null && { rowId: row.id },
      ...all && { closed: MAX_CLOSED },
    });
    const { silenced } = await silencedIn(this.#sql);
    return found.map(({ problem, workload, overAt }): NamedProblem => {
      const shown = problemOverHosts(problem);
      return {
        problem: { ...shown, silenced: shown.silenced || silenced(shown, overAt) },
        workload: workload && { ...workload, id: idOverHosts(problem.host, workload.id) },
      };
    });
  }

  /** By kind and name, and then by host. */
  async workloads(host?: string): Promise<CountedWorkload[]> {
    const found = await listWorkloads(this.#sql, host === undefined ? {} : { host });
    return found.map(({ host, id, kind, refId, name, states, unhealthy }): CountedWorkload => {
      const { running = 0, stopped = 0, missing = 0 } = states;
      const total = Object.values(states).reduce((sum, count) => sum + count, 0);
      return {
        ...{ host, id: idOverHosts(host, id), kind, refId, name, states },
        ...{ running, stopped, missing, unhealthy, total },
      };
    });
  }

  /** Engines and passes are each host's own, and not told. */
  async holdings(host?: string): Promise<Holdings> {
    const hosts = await this.#counts.hosts(host);
    const counts = new Map<string, Holdings["counts"][number]>();
    const healths = new Map<string, number>();
    for (const each of hosts) {
      for (const { kind, state, health, count } of each.counts) {
        const shown = stateShown(each, state);
        const key = `${kind} ${shown}`;
        const before = counts.get(key)?.count ?? 0;
        counts.set(key, { kind, state: shown, count: before + count });
        if (health !== null && !each.unknown) {
          healths.set(health, (healths.get(health) ?? 0) + count);
        }
      }
    }
    const sql = this.#sql;
    const registered = { project: 0, stack: 0, site: 0 };
    const kinds = await sql<{ kind: keyof typeof registered; count: number }[]>`
      SELECT w.kind, count(*)::integer AS count
      FROM tinyforge.workloads AS w JOIN tinyforge.hosts AS h ON h.id = w.host_id
      ${host === undefined ? sql`` : sql`WHERE h.name = ${host}`} GROUP BY w.kind`;
    for (const { kind, count } of kinds) registered[kind] = count;
    const problems = await countProblems(sql, host === undefined ? {} : { host });
    const byKey = ([a]: [string, unknown], [b]: [string, unknown]) => a < b ? -1 : 1;
    return {
      ...{
        engineId: null,
        foundEngineId: null,
        lastPassAt: asOf(hosts),
        lastPass: null,
        registered,
      },
      counts: [...counts].sort(byKey).map(([, count]) => count),
      healths: [...healths].sort(byKey).map(([health, count]) => ({ health, count })),
      problems,
    };
  }

  /** By workload and host. */
  check(which: CheckFilter): Promise<CheckedRow[]> {
    return checkRows(this.#sql, which);
  }

  /** The host and the id that this names, if it is an id and no name that reads like one. */
  async #hostOf(workload: string | undefined): Promise<{ host: string; id: string } | null> {
    const parts = workload === undefined ? null : partsOfId(workload);
    if (parts === null) return null;
    const [host] = await this.#sql`SELECT FROM tinyforge.hosts WHERE name = ${parts.host}`;
    return host === undefined ? null : parts;
  }

  /** Whether any host has such a row: one host after the other, as rows are kept. */
  #hasRow(such: Fragment): Fragment {
    return this.#sql`EXISTS (SELECT FROM tinyforge.hosts AS h CROSS JOIN LATERAL (
      SELECT FROM tinyforge.containers AS c WHERE c.host_id = h.id AND ${such} LIMIT 1) AS c)`;
  }

  #hasWorkload(workload: string): Fragment {
    const sql = this.#sql;
    const parts = partsOfId(workload);
    const named = sql`(EXISTS (SELECT FROM tinyforge.workloads WHERE name = ${workload})
      OR ${this.#hasRow(sql`c.workload_name = ${workload}`)})`;
    if (parts === null) return named;
    return sql`(${named}
      OR EXISTS (SELECT FROM tinyforge.hosts AS h JOIN tinyforge.workloads AS w ON w.host_id = h.id
        WHERE h.name = ${parts.host} AND w.id = ${parts.id})
      OR EXISTS (SELECT FROM tinyforge.hosts AS h JOIN tinyforge.containers AS c ON c.host_id = h.id
        WHERE h.name = ${parts.host} AND c.workload_id = ${parts.id}))`;
  }
}

/** The oldest last pass: a host that never did one has nothing that could be old. */
function asOf(hosts: readonly Pick<CountedHost, "passed">[]): string | null {
  return hosts.map(({ passed }) => passed).filter((at) => at !== null).sort()[0] ?? null;
}

function inOnePiece(items: readonly HubRowView[], next: string | null): RowPage {
  function* rows(): RowPage["rows"] {
    if (items.length > 0) yield utf8(JSON.stringify(items).slice(1, -1));
    return next;
  }
  return { rows: rows(), firsts: 1 };
}

/** With ids as they are unique among all hosts. */
function shown(row: HubContainer): HubRowView {
  const { host, id, workloadId } = row;
  return {
    ...row,
    id: idOverHosts(host, id),
    workloadId: idOverHosts(host, String(workloadId)),
  } as unknown as HubRowView;
}

/** A transition of a row by its id among all hosts. */
function told({ host, ...transition }: HostedTransition): Transition {
  const { workload: _, role: __, replica: ___, rowId, ...rest } = transition;
  return { ...rest, rowId: idOverHosts(host, rowId) };
}

/** The same filter with ids as hosts have them; null: nothing can match. */
function filterOf(
  filter: ViewFilter,
  by: { host: string; id: string } | null,
): Omit<HubFilter, "limit"> | null {
  const { host, kind, state, workload, stage, container, after } = filter;
  const wanted = filter.workloadId === undefined ? by : partsOfId(filter.workloadId);
  if (filter.workloadId !== undefined && wanted === null) return null;
  if (wanted !== null && host !== undefined && wanted.host !== host) return null;
  const from = placeOf(after);
  const at = wanted?.host ?? host;
  return {
    ...at !== undefined && { host: at },
    ...kind !== undefined && { kind },
    ...state !== undefined && { state },
    ...wanted !== null ? { workloadId: wanted.id } : workload !== undefined ? { workload } : {},
    ...stage !== undefined && { stage },
    ...container !== undefined && { container },
    ...from !== null && { after: from },
  };
}

function noSuchRow(what: string, id: string): Failure {
  return new Failure("not-found", `${what}: no such row`, { data: { thing: "row", id } });
}
