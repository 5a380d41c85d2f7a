/**
 * What happened on many hosts, read page by page from the newest back: of each source no more than a
 * page can hold. Writes nothing.
 *
 * @module
 */

import {
  type Known,
  newest,
  numberBefore,
  type Place,
  type Placed,
  problemEntries,
  RANKS,
  readPlace,
  transitionEntries,
  type WatchedSpan,
  watchEntries,
} from "../core/history.ts";
import { idOverHosts, partsOfId } from "../model/hosts.ts";
import type { HistoryPage, PastSubject } from "../model/past.ts";
import type { HistoryQuery } from "../model/past_port.ts";
import type { Problem } from "../model/problem.ts";
import type { WorkloadKind } from "../model/workload.ts";
import { ofHost } from "./hub_views.ts";
import { goneSubject, liveSubject, toldEvent } from "./hub_stories.ts";
import { type KnownPast, knownPasts, latest } from "./known_pasts.ts";
import { problemOverHosts, silentHosts } from "./problem_views.ts";
import type { Fragment, Sql } from "./sql.ts";
import { problemOf } from "./told_shapes.ts";
import {
  type HostedTransition,
  shownTransition,
  type StoredTransition,
} from "./transition_views.ts";

/** A query with ids taken apart. */
interface Asked extends Omit<HistoryQuery, "before" | "workloadIds" | "rowId"> {
  readonly before: Place | null;
  /** Of each workload the host and its id there. */
  readonly workloads: readonly OnHost[] | null;
  readonly row: OnHost | null;
}

interface OnHost {
  readonly host: string;
  readonly id: string;
}

/** Of so many workloads each is read by itself. */
const FEW = 50;

/** What happened; of each row and workload by its id among all hosts. */
export async function hubHistory(sql: Sql, query: HistoryQuery): Promise<HistoryPage> {
  const { before, workloadIds, rowId, host, ...rest } = query;
  const asked: Asked = {
    ...rest,
    ...host !== undefined && { host },
    before: before === undefined ? null : readPlace(before),
    workloads: workloadIds?.map(partsOfId).filter((parts) => parts !== null) ?? null,
    row: rowId === undefined ? null : partsOfId(rowId),
  };
  const ofAll = asked.workloads === null && asked.row === null;
  const transitions = await transitionsOf(sql, asked);
  const problems = await problemsOf(sql, asked);
  const over = ofAll ? await spansThatAreOver(sql, asked) : [];
  const known = await knownOf(sql, { transitions, problems });
  const names = host !== undefined ? [host] : asked.row !== null ? [asked.row.host] : undefined;
  // After those that are over: a stretch that ends in between is not told twice.
  const hosts = await knownPasts(sql, { ...names !== undefined && { names } });
  const placed: Placed[] = [
    ...transitionEntries(transitions, known),
    ...problemEntries(problems, known),
    ...watchEntries(ofAll ? [...over, ...underWay(hosts)] : []),
  ];
  return {
    ...newest(placed, asked),
    forgottenUntil: latest(hosts.map(({ forgottenUntil }) => forgottenUntil)),
  };
}

async function transitionsOf(sql: Sql, asked: Asked): Promise<HostedTransition[]> {
  const { host, workloads, row, limit } = asked;
  const columns = sql`t.id, t.at, t.body`;
  const which = sql`${window(sql, asked)} ORDER BY t.at DESC, t.id DESC LIMIT ${limit + 1}`;
  const found = row !== null
    ? await sql<StoredTransition[]>`
      SELECT ${columns}, h.name AS host
      FROM tinyforge.hosts AS h JOIN tinyforge.transitions AS t ON t.host_id = h.id
      WHERE h.name = ${row.host} AND t.row_id = ${row.id} AND ${ofHost(sql, host)} AND ${which}`
    : workloads !== null && workloads.length > FEW
    // A name that many hosts have: whatever happens last anywhere is soon of one of them.
    ? await sql<StoredTransition[]>`
      SELECT ${columns}, h.name AS host
      FROM tinyforge.transitions AS t JOIN tinyforge.hosts AS h ON h.id = t.host_id
      WHERE ${ofHost(sql, host)}
        AND (h.name, t.workload_id) IN (SELECT * FROM ${pairs(sql, workloads)}) AND ${which}`
    : workloads !== null
    ? await sql<StoredTransition[]>`
      SELECT t.*, h.name AS host FROM ${pairs(sql, workloads)} AS asked (host, id)
        JOIN tinyforge.hosts AS h ON h.name = asked.host
        CROSS JOIN LATERAL (SELECT ${columns} FROM tinyforge.transitions AS t
          WHERE t.host_id = h.id AND t.workload_id = asked.id AND ${which}) AS t
      WHERE ${ofHost(sql, host)} ORDER BY t.at DESC, t.id DESC LIMIT ${limit + 1}`
    : host !== undefined
    ? await sql<StoredTransition[]>`
      SELECT ${columns}, ${host} AS host FROM tinyforge.transitions AS t
      WHERE t.host_id = (SELECT id FROM tinyforge.hosts WHERE name = ${host}) AND ${which}`
    : await sql<StoredTransition[]>`
      SELECT ${columns}, h.name AS host
      FROM tinyforge.transitions AS t JOIN tinyforge.hosts AS h ON h.id = t.host_id
      WHERE ${which}`;
  return found.map((stored) => {
    const told = shownTransition(stored);
    return { ...told, rowId: idOverHosts(told.host, told.rowId) };
  });
}

/** Transitions of a window that come before a place. */
function window(sql: Sql, { from, until, before }: Asked): Fragment {
  const place = numberBefore(before, RANKS.transition);
  return sql`${from === undefined ? sql`true` : sql`t.at >= ${from}`}
    AND ${until === undefined ? sql`true` : sql`t.at < ${until}`}
    AND ${
    place === undefined ? sql`true` : sql`(t.at, t.id) < (${place.at}, ${place.seq}::bigint)`
  }`;
}

function pairs(sql: Sql, all: readonly OnHost[]): Fragment {
  return sql`unnest(${all.map(({ host }) => host)}::text[], ${all.map(({ id }) => id)}::text[])`;
}

/** Those that opened or closed, the newest of both; all of one moment, so that they have an order. */
async function problemsOf(sql: Sql, asked: Asked): Promise<Problem[]> {
  const { host, workloads, row, from, until, before } = asked;
  const of = row !== null
    ? sql`h.name = ${row.host} AND p.row_id = ${row.id}`
    : workloads !== null
    ? sql`(h.name, p.workload_id) IN (SELECT * FROM ${pairs(sql, workloads)})`
    : null;
  // Few are found first and then put in order: else all are walked through by time, for a few.
  const few = row !== null || workloads !== null && workloads.length <= FEW;
  const fence = few ? sql`OFFSET 0` : sql``;
  const source = sql`SELECT p.*, h.name AS host
    FROM tinyforge.problems AS p JOIN tinyforge.hosts AS h ON h.id = p.host_id
    WHERE ${ofHost(sql, host)} AND ${of ?? sql`true`}
    ${fence}`;
  const newestBy = (time: Fragment, which: Fragment) =>
    newestWithTies(sql, {
      ...{ ...asked, time },
      place: before === null ? null : Date.parse(before.at),
      read: (part) =>
        sql<{ hostId: string; host: string; key: string; openedAt: string; body: string }[]>`
      SELECT p.host_id AS "hostId", p.host, p.key, p.opened_at::text AS "openedAt", p.body
      FROM (${source}) AS p WHERE ${which}
        AND ${from === undefined ? sql`true` : sql`${time} >= ${Date.parse(from)}`}
        AND ${until === undefined ? sql`true` : sql`${time} < ${Date.parse(until)}`}
        AND ${part}`,
    });
  const opened = await newestBy(sql`p.opened_at`, sql`true`);
  const closed = await newestBy(sql`p.closed_at`, sql`p.status = 'closed'`);
  const each = new Map(
    [...opened, ...closed].map((it) => [`${it.hostId} ${it.openedAt} ${it.key}`, it]),
  );
  const kept = [...each.values()].map(({ host, body }): Problem =>
    problemOverHosts(problemOf(body, host))
  );
  if (row !== null || workloads !== null) return kept;
  const silent = await silentHosts(sql, host === undefined ? {} : { host });
  return [...kept, ...silent.map(({ problem }) => problemOverHosts(problem))];
}

/**
 * The newest of a source, of one moment all: those of the moment of the place, some of which come before
 * it and some don't, and of those of before as many as a page can hold, with one more that tells that
 * there is more.
 */
async function newestWithTies<T>(
  sql: Sql,
  { time, place, limit, read }: Pick<Asked, "limit"> & {
    /** What they are ordered by. */
    readonly time: Fragment;
    /** As it is stored there; null: from the newest on. */
    readonly place: string | number | null;
    /** Reads those that fit a condition with which a query ends. */
    readonly read: (part: Fragment) => PromiseLike<readonly T[]>;
  },
): Promise<T[]> {
  const firstOf = (older: Fragment) =>
    read(sql`${older} ORDER BY ${time} DESC FETCH FIRST ${limit + 1} ROWS WITH TIES`);
  if (place === null) return [...await firstOf(sql`true`)];
  return [...await read(sql`${time} = ${place}`), ...await firstOf(sql`${time} < ${place}`)];
}

/** Stretches that are over and began or ended, the newest of both; all of one moment. */
async function spansThatAreOver(sql: Sql, asked: Asked): Promise<WatchedSpan[]> {
  const { host, from, until, before } = asked;
  const newestBy = (time: Fragment) =>
    newestWithTies(sql, {
      ...{ ...asked, time },
      place: before?.at ?? null,
      read: (part) =>
        sql<{ host: string; from: string; to: string }[]>`
      SELECT h.name AS host, w.began_at AS from, w.ended_at AS to
      FROM tinyforge.watched AS w JOIN tinyforge.hosts AS h ON h.id = w.host_id
      WHERE ${ofHost(sql, host)}
        AND ${from === undefined ? sql`true` : sql`${time} >= ${from}`}
        AND ${until === undefined ? sql`true` : sql`${time} < ${until}`}
        AND ${part}`,
    });
  const began = await newestBy(sql`w.began_at`);
  const ended = await newestBy(sql`w.ended_at`);
  const each = new Map(
    [...began, ...ended].map(({ host, from, to }) => [`${host} ${from}`, { host, from, to }]),
  );
  return [...each.values()];
}

function underWay(hosts: readonly KnownPast[]): WatchedSpan[] {
  return hosts.flatMap(({ host, watching, goesOn }) =>
    watching === null ? [] : [{ host, from: watching.from, to: goesOn ? null : watching.to }]
  );
}

/** Who the rows are or were, and what their workloads are called. */
async function knownOf(
  sql: Sql,
  { transitions, problems }: {
    readonly transitions: readonly HostedTransition[];
    readonly problems: readonly Problem[];
  },
): Promise<Known> {
  const about = [...transitions.map(({ rowId }) => rowId), ...problems.map(({ rowId }) => rowId)];
  const ids = [...new Set(about.filter((id) => id !== null))];
  const rows = ids.map(partsOfId).filter((parts) => parts !== null);
  const found = await sql<StoredRow[]>`
    SELECT asked.host, asked.id, c.body AS live, t.body AS last, w.name AS "workloadName",
      w.kind AS "workloadKind"
    FROM ${pairs(sql, rows)} AS asked (host, id)
      JOIN tinyforge.hosts AS h ON h.name = asked.host
      LEFT JOIN tinyforge.containers AS c ON c.host_id = h.id AND c.id = asked.id
      LEFT JOIN LATERAL (SELECT t.body, t.workload_id FROM tinyforge.transitions AS t
        WHERE c.id IS NULL AND t.host_id = h.id AND t.row_id = asked.id
        ORDER BY t.id DESC LIMIT 1) AS t ON true
      LEFT JOIN tinyforge.workloads AS w ON w.host_id = h.id AND w.id = t.workload_id`;
  const subjects = new Map<string, PastSubject>();
  for (const { host, id, live, last, workloadName: name, workloadKind: kind } of found) {
    if (live !== null) subjects.set(idOverHosts(host, id), liveSubject(host, live));
    else if (last !== null) {
      const event = toldEvent(last);
      const named = event.of.workloadId;
      const names = new Map(
        named && name !== null && kind !== null ? [[named, { name, kind }]] : [],
      );
      subjects.set(idOverHosts(host, id), goneSubject(host, { id, last: event, names }));
    }
  }
  const named = problems.map(({ workloadId }) => workloadId).filter((id) => id !== null);
  const workloads = await sql<{ host: string; id: string; name: string; kind: WorkloadKind }[]>`
    SELECT asked.host, asked.id, w.name, w.kind
    FROM ${pairs(sql, [...new Set(named)].map(partsOfId).filter((parts) => parts !== null))}
        AS asked (host, id)
      JOIN tinyforge.hosts AS h ON h.name = asked.host
      JOIN tinyforge.workloads AS w ON w.host_id = h.id AND w.id = asked.id`;
  const byId = new Map(
    workloads.map(({ host, id, name, kind }) => {
      const over = idOverHosts(host, id);
      return [over, { id: over, name, kind }];
    }),
  );
  return { subject: (id) => subjects.get(id), workload: (id) => byId.get(id), hosted: true };
}

interface StoredRow {
  host: string;
  id: string;
  live: string | null;
  last: string | null;
  workloadName: string | null;
  workloadKind: WorkloadKind | null;
}
