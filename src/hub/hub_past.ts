/**
 * Answers what was on many hosts, as each of them would: by the same reckoning, of what it told. One
 * host is read after the other, some rows at a time, and no more than makes a page. Writes nothing.
 *
 * @module
 */

import { ranRow } from "../core/availability.ts";
import { pastRowFits } from "../core/past_filter.ts";
import { rowAt, stretches } from "../core/story.ts";
import {
  type RanSubject,
  spansOfEach,
  watchedWithin,
  workloadTimes,
} from "../core/workload_times.ts";
import { Failure } from "../failure.ts";
import { idOverHosts, partsOfId } from "../model/hosts.ts";
import type { Availability, HistoryPage, HostMoment, PastIndex, PastRow } from "../model/past.ts";
import type { AvailabilityQuery, HistoryQuery, PastFilter, PastPort } from "../model/past_port.ts";
import { quote } from "../text.ts";
import { ofHost, placeOf } from "./hub_views.ts";
import { hubHistory } from "./hub_history.ts";
import { namesOf, storiesOf, type WorkloadNames } from "./hub_stories.ts";
import { type KnownPast, knownPasts, lastWatched, latest, watchedOf } from "./known_pasts.ts";
import type { Sql } from "./sql.ts";

/** What a page reads at most before it ends: hosts, rows and what happened to those. */
const MOST_HOSTS = 100;
const MOST_ROWS = 5000;
const MOST_EVENTS = 200_000;

/** Rows that a page of the index tells by default. */
const DEFAULT_LIMIT = 1000;

/** What a {@link HubPast} reads. */
export interface HubPastOptions {
  /** The database. */
  readonly sql: Sql;
  /** The time, milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** Reads the past of many hosts. */
export class HubPast implements PastPort {
  readonly #sql: Sql;
  readonly #now: () => number;

  /** From this database. */
  constructor({ sql, now }: HubPastOptions) {
    this.#sql = sql;
    this.#now = now;
  }

  /** By host and by id there. */
  async at(moment: number, which: PastFilter = {}): Promise<PastIndex> {
    const { limit = DEFAULT_LIMIT } = which;
    const items: PastRow[] = [];
    const hosts: HostMoment[] = [];
    const read = new Reading();
    let nextCursor: string | null = null;
    for await (const { host, after, following, only } of this.#hosts(which)) {
      const watched = await watchedOf(this.#sql, host);
      hosts.push(this.#moment(host, { moment, watched }));
      const names = await namesOf(this.#sql, host.id);
      const stories = storiesOf(this.#sql, host, {
        ...{ after, watched, names },
        ...only !== undefined && { workloadIds: only },
      });
      for await (const { rowId, story, forgottenUntil } of stories) {
        const row = rowAt(story, { at: moment, forgottenUntil });
        if (row !== null && pastRowFits(row, which)) items.push(row);
        if (!read.row(story.events.length) && items.length < limit) continue;
        nextCursor = idOverHosts(host.host, rowId);
        break;
      }
      if (nextCursor !== null) break;
      if (!read.host() || following === null) continue;
      nextCursor = idOverHosts(following, "");
      break;
    }
    const at = new Date(moment).toISOString();
    const blind = hosts.filter(({ watched }) => !watched).map(({ asOf }) => asOf);
    const watched = hosts.length > 0 && blind.length === 0;
    return {
      at,
      watched,
      asOf: watched ? at : blind.includes(null) ? null : blind.sort()[0] ?? null,
      forgottenUntil: latest(hosts.map(({ forgottenUntil }) => forgottenUntil)),
      hosts,
      items,
      nextCursor,
    };
  }

  /** By host, and there by kind and name. */
  async availability(query: AvailabilityQuery): Promise<Availability> {
    const { from } = query;
    const until = Math.min(query.until, this.#now());
    const window = { from, to: until };
    const asked = query.workloadIds && new Set(query.workloadIds);
    const found: { host: KnownPast; names: WorkloadNames; rows: RanSubject[] }[] = [];
    const read = new Reading();
    let nextCursor: string | null = null;
    for await (const { host, following, only } of this.#hosts(query)) {
      const spans = await watchedOf(this.#sql, host);
      const names = await namesOf(this.#sql, host.id);
      const watched = watchedWithin(spans, {
        ...window,
        until: host.goesOn ? this.#now() + 1 : null,
      });
      const rows: RanSubject[] = [];
      const all = only === undefined;
      let happened = 0;
      for await (
        const { story, forgottenUntil } of storiesOf(this.#sql, host, {
          ...!all && { workloadIds: only },
          ...{ watched: spans, names },
        })
      ) {
        const { subject, events } = story;
        const ran = ranRow(stretches(story, { forgottenUntil }), { ...window, watched });
        if (ran.length > 0 || !subject.removed) rows.push({ subject, ran });
        read.row(events.length);
        happened += events.length;
        if (all && happened > MOST_OF_A_HOST) throw tooMuch(host.host);
      }
      found.push({ host, names, rows });
      if (!read.host() || following === null) continue;
      nextCursor = idOverHosts(following, "");
      break;
    }
    const count = found.reduce((sum, { rows }) => sum + rows.length, 0);
    const maxSpans = spansOfEach(query.maxSpans, count);
    const told = found.map(({ host: { host }, names, rows }) => {
      const registered = [...names]
        .map(([id, { kind, name }]) => ({ id: idOverHosts(host, id), kind, name }))
        .filter(({ id }) => asked?.has(id) ?? true);
      return workloadTimes(rows, { window, maxSpans, registered, host });
    });
    const hosts = found.map(({ host: { host, heardAt, forgottenUntil } }) => ({
      ...{ host, heardAt, forgottenUntil },
    }));
    return {
      from: new Date(from).toISOString(),
      until: new Date(until).toISOString(),
      forgottenUntil: latest(hosts.map(({ forgottenUntil }) => forgottenUntil)),
      resolutionMs: Math.max(0, ...told.map(({ resolutionMs }) => resolutionMs)),
      hosts,
      workloads: told.flatMap(({ workloads }) => workloads),
      nextCursor,
    };
  }

  /** By the hosts' clocks. */
  history(query: HistoryQuery): Promise<HistoryPage> {
    return hubHistory(this.#sql, query);
  }

  /** Of a workload that is gone the name is known only on a host that is named. */
  async workloadIds(idOrName: string, host?: string): Promise<string[]> {
    const sql = this.#sql;
    const parts = partsOfId(idOrName);
    const on = ofHost(sql, host);
    if (parts !== null && (host === undefined || host === parts.host)) {
      const [{ known }] = await sql<[{ known: boolean }]>`SELECT EXISTS (
        SELECT FROM tinyforge.hosts AS h WHERE h.name = ${parts.host} AND (
          EXISTS (SELECT FROM tinyforge.workloads WHERE host_id = h.id AND id = ${parts.id})
          OR EXISTS (SELECT FROM tinyforge.transitions
            WHERE host_id = h.id AND workload_id = ${parts.id}))) AS known`;
      if (known) return [idOrName];
    }
    const named = await sql<{ host: string; id: string }[]>`
      SELECT h.name AS host, w.id FROM tinyforge.workloads AS w
        JOIN tinyforge.hosts AS h ON h.id = w.host_id
      WHERE (w.name = ${idOrName} OR w.kind || '/' || w.name = ${idOrName}) AND ${on}
      ORDER BY w.kind, h.name LIMIT ${MOST_NAMED + 1}`;
    const gone = named.length > 0 || host === undefined ? [] : await sql<typeof named>`
      SELECT DISTINCT h.name AS host, t.workload_id AS id
      FROM tinyforge.hosts AS h JOIN tinyforge.transitions AS t ON t.host_id = h.id
      WHERE h.name = ${host} AND t.workload_id IS NOT NULL
        AND ${idOrName} IN (t.body::json ->> 'workloadName',
          (t.body::json ->> 'workloadKind') || '/' || (t.body::json ->> 'workloadName'))
        AND NOT EXISTS (SELECT FROM tinyforge.workloads AS w
          WHERE w.host_id = h.id AND w.id = t.workload_id)
      ORDER BY 2 LIMIT ${MOST_NAMED + 1}`;
    const all = [...named, ...gone];
    if (all.length > MOST_NAMED) throw tooMany(idOrName, host);
    return all.map(({ host, id }) => idOverHosts(host, id));
  }

  /** Also of a row that is no more, as long as something that happened to it is kept. */
  async knowsRow(id: string): Promise<boolean> {
    const parts = partsOfId(id);
    if (parts === null) return false;
    const [{ known }] = await this.#sql<[{ known: boolean }]>`SELECT EXISTS (
      SELECT FROM tinyforge.hosts AS h WHERE h.name = ${parts.host} AND (
        EXISTS (SELECT FROM tinyforge.containers WHERE host_id = h.id AND id = ${parts.id})
        OR EXISTS (SELECT FROM tinyforge.transitions
          WHERE host_id = h.id AND row_id = ${parts.id}))) AS known`;
    return known;
  }

  #moment(
    host: KnownPast,
    { moment, watched: spans }: { moment: number; watched: Awaited<ReturnType<typeof watchedOf>> },
  ): HostMoment {
    const until = host.goesOn ? this.#now() + 1 : null;
    const watched = watchedWithin(spans, { from: moment, to: moment + 1, until })
      .some(({ from, to }) => from <= moment && moment < to);
    return {
      ...{ host: host.host, heardAt: host.heardAt, forgottenUntil: host.forgottenUntil },
      watched,
      asOf: watched ? new Date(moment).toISOString() : lastWatched(spans, moment),
    };
  }

  /** The hosts that are asked for, from a place on; each with the name of the one that follows. */
  async *#hosts(
    { host, workloadIds, after }: Pick<PastFilter, "host" | "workloadIds" | "after">,
  ): AsyncGenerator<Turn> {
    const from = placeOf(after) ?? { host: "", id: "" };
    const byHost = workloadIds === undefined ? null : Map.groupBy(
      workloadIds.map(partsOfId).filter((parts) => parts !== null),
      ({ host }) => host,
    );
    const names = host !== undefined ? [host] : byHost === null ? null : [...byHost.keys()];
    const hosts = await knownPasts(this.#sql, {
      from: from.host,
      // One more than a page has tells which one follows.
      limit: MOST_HOSTS + 1,
      ...names !== null && { names },
    });
    for (const [i, each] of hosts.entries()) {
      yield {
        host: each,
        after: each.host === from.host ? from.id : "",
        following: hosts[i + 1]?.host ?? null,
        only: byHost === null ? undefined : byHost.get(each.host)?.map(({ id }) => id) ?? [],
      };
    }
  }
}

/** Workloads of one name that are meant at most: one on each of very many hosts. */
const MOST_NAMED = 20_000;

/** So many changes of one host are reckoned with at once. */
const MOST_OF_A_HOST = 2_000_000;

interface Turn {
  readonly host: KnownPast;
  /** Only rows whose id there is greater. */
  readonly after: string;
  /** The host after this one; null: there is none. */
  readonly following: string | null;
  /** Only of these workloads, by their ids there. */
  readonly only: readonly string[] | undefined;
}

/** Counts what a page reads, and says when that is enough. */
class Reading {
  #hosts = 0;
  #rows = 0;
  #events = 0;

  /** A row with so many events was read. */
  row(events: number): boolean {
    this.#rows++;
    this.#events += events;
    return this.#isFull;
  }

  /** A host was. */
  host(): boolean {
    this.#hosts++;
    return this.#hosts >= MOST_HOSTS || this.#isFull;
  }

  get #isFull(): boolean {
    return this.#rows >= MOST_ROWS || this.#events >= MOST_EVENTS;
  }
}

function tooMuch(host: string): Failure {
  return new Failure(
    "invalid",
    `Cannot tell the availability of all of host ${host}: too much happened there; name a workload`,
    { data: {} },
  );
}

function tooMany(name: string, host: string | undefined): Failure {
  const way = host === undefined ? "name a host" : "use an id";
  return new Failure(
    "invalid",
    `Cannot tell the past of all workloads ${
      quote(name)
    }: there are more than ${MOST_NAMED}; ${way}`,
    { data: {} },
  );
}
