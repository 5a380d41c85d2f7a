/**
 * Rows of a host that are or were, with what is kept of their stories, one after the other: however
 * many there are, a few hundred are in memory. Ids are those among all hosts. Writes nothing.
 *
 * @module
 */

import { endsRow } from "../model/container.ts";
import { idOverHosts } from "../model/hosts.ts";
import type { PastSubject } from "../model/past.ts";
import type { KeptSubject, Story, StoryEvent } from "../model/story.ts";
import type { WorkloadKind } from "../model/workload.ts";
import type { Span } from "../core/availability.ts";
import { keptJson } from "../store/kept_json.ts";
import type { KnownPast } from "./known_pasts.ts";
import type { Fragment, Sql } from "./sql.ts";

/** A story and how far it can be trusted. */
export interface HubStory {
  /** Unique on its host alone. */
  readonly rowId: string;
  /** Of a row by its id among all hosts. */
  readonly story: Story;
  /** What happened to it up to here may be missing, milliseconds since the Unix epoch; null: nothing is. */
  readonly forgottenUntil: number | null;
}

/** Whose stories to read. */
export interface WhichStories {
  /** Only of rows whose id on the host is greater. */
  readonly after?: string;
  /** Only of rows of these workloads, by their ids there. */
  readonly workloadIds?: readonly string[];
  /** What the host watched, in order. */
  readonly watched: readonly Span[];
  /** What its workloads are called. */
  readonly names: WorkloadNames;
}

/** Names of a host's workloads, by their ids there. */
export type WorkloadNames = ReadonlyMap<
  string,
  { readonly name: string; readonly kind: WorkloadKind }
>;

/** Rows and events that are read at once. */
const ROWS_AT_ONCE = 500;
const EVENTS_AT_ONCE = 20_000;

/** The stories of a host's rows, by row id. */
export async function* storiesOf(
  sql: Sql,
  host: KnownPast,
  { after = "", workloadIds, watched, names }: WhichStories,
): AsyncGenerator<HubStory> {
  const only = workloadIds === undefined ? null : await rowsOf(sql, host.id, workloadIds);
  const forgotten = host.forgottenUntil === null ? null : Date.parse(host.forgottenUntil);
  for (let from: string | null = after; from !== null;) {
    const read: Chunk = await readChunk(sql, host.id, { after: from, only });
    for (const { id, live, events, cut } of read.rows) {
      const last = events.at(-1);
      const subject = live === null
        ? goneSubject(host.host, { id, last: last ?? null, names })
        : liveSubject(host.host, live);
      const lost = last === undefined
        ? undefined
        : subject.now !== null
        ? changeLost(last, { now: subject.now, forgotten })
        : endsRow(last.to)
        ? undefined
        : lostOf(last, { watched, forgotten });
      yield {
        rowId: id,
        story: {
          ...{ subject, events, holes: holesOf(events, forgotten) },
          ...lost !== undefined && { lost },
        },
        forgottenUntil: cut ? Math.max(forgotten ?? 0, Date.parse(events[0]!.at)) : forgotten,
      };
    }
    from = read.upTo;
  }
}

/** Names of a host's workloads, by kind and name as the host itself has them. */
export async function namesOf(sql: Sql, hostId: string): Promise<WorkloadNames> {
  const found = await sql<{ id: string; name: string; kind: WorkloadKind }[]>`
    SELECT id, name, kind FROM tinyforge.workloads WHERE host_id = ${hostId}
    ORDER BY kind COLLATE "C", name COLLATE "C"`;
  return new Map(found.map(({ id, name, kind }) => [id, { name, kind }]));
}

/** A row that is there, of what its host told of it. */
export function liveSubject(host: string, body: string): KeptSubject {
  const row = keptJson<ToldSubject & StoryEvent & { readonly state: string }>(
    body,
    "containers.body",
  );
  return {
    ...subjectOf(host, row),
    removed: false,
    createdAt: row.createdAt ?? null,
    now: {
      from: null,
      to: row.state,
      containerId: row.containerId ?? null,
      containerName: row.containerName || null,
      imageRef: row.imageRef || null,
      exitCode: row.exitCode ?? null,
    },
  };
}

/** A row that is no more, of what was told with its last transition. */
export function goneSubject(
  host: string,
  { id, last, names }: { id: string; last: ToldEvent | null; names: WorkloadNames },
): KeptSubject {
  const workloadId = last?.of.workloadId ?? null;
  // A workload that is still registered has today's name.
  const workloadName = names.get(workloadId ?? "")?.name ?? last?.of.workloadName ?? null;
  return {
    ...subjectOf(host, { ...last?.of, id, workloadName }),
    removed: true,
    createdAt: last?.of.createdAt ?? null,
    now: null,
  };
}

/** What happened to a row, with what was told of the row besides. */
export interface ToldEvent extends StoryEvent {
  /** As the host remembered it then. */
  readonly of: ToldSubject;
}

/** A row as its host remembered it when it told of it. */
export interface ToldSubject extends Partial<Omit<PastSubject, "host" | "removed">> {
  /** When it was made, RFC 3339 UTC. */
  readonly createdAt?: string | null;
}

/** An event of the body of a transition. */
export function toldEvent(body: string): ToldEvent {
  const { at, from, to, containerId, containerName, imageRef, exitCode, ...of } = keptJson<
    StoryEvent & ToldSubject
  >(body, "transitions.body");
  return { at, from, to, containerId, containerName, imageRef, exitCode, of };
}

function subjectOf(host: string, of: ToldSubject): Omit<PastSubject, "removed"> {
  const { id = "", workloadId = null } = of;
  return {
    id: idOverHosts(host, id),
    host,
    workloadId: workloadId === null ? null : idOverHosts(host, workloadId),
    workloadKind: of.workloadKind ?? null,
    workloadName: of.workloadName ?? null,
    role: of.role || null,
    replica: of.replica ?? null,
    stageName: of.stageName ?? null,
  };
}

/** What changed of a row that is there was forgotten before it was told: up to where that may be. */
function changeLost(
  last: StoryEvent,
  { now, forgotten }: { now: Omit<StoryEvent, "at">; forgotten: number | null },
): Story["lost"] {
  const at = Date.parse(last.at);
  if (now.to === last.to && now.containerId === last.containerId) return undefined;
  return forgotten !== null && forgotten >= at ? { from: at, until: forgotten } : undefined;
}

/** Events that the next one does not follow on: what was between was forgotten before it was told. */
function holesOf(
  events: readonly StoryEvent[],
  forgotten: number | null,
): ReadonlySet<StoryEvent> {
  if (forgotten === null) return new Set();
  return new Set(events.filter((event, i) => {
    const next = events[i + 1];
    if (next === undefined || Date.parse(event.at) > forgotten) return false;
    const follows = (endsRow(event.to) ? null : event.to) === next.from;
    const changes = next.from !== next.to || next.containerId !== event.containerId;
    return !follows || !changes;
  }));
}

/**
 * What became of a row of whose end nothing was told: its host's index was set back to a backup without
 * it, and was watched again from then on; or its end was forgotten before it was told.
 */
function lostOf(
  last: StoryEvent,
  { watched, forgotten }: { watched: readonly Span[]; forgotten: number | null },
): Required<Story>["lost"] {
  const at = Date.parse(last.at);
  const again = watched.find(({ from }) => from > at)?.from ?? Infinity;
  const until = forgotten !== null && forgotten > at ? forgotten : Infinity;
  if (until < again) return { from: at, until };
  return again === Infinity ? { from: at, until: at } : { from: again, until: again };
}

interface Chunk {
  readonly rows: readonly ChunkRow[];
  /** Id of the last row; null: there are no more. */
  readonly upTo: string | null;
}

interface ChunkRow {
  readonly id: string;
  /** Null: it is no more. */
  readonly live: string | null;
  readonly events: readonly ToldEvent[];
  /** Whether the first of them is not the first that is kept. */
  readonly cut: boolean;
}

async function readChunk(
  sql: Sql,
  hostId: string,
  { after, only }: { after: string; only: readonly string[] | null },
): Promise<Chunk> {
  const among = (column: Fragment) =>
    only === null ? sql`true` : sql`${column} = ANY(${only}::text[])`;
  const live = await sql<{ id: string; body: string }[]>`
    SELECT id, body FROM tinyforge.containers
    WHERE host_id = ${hostId} AND id > ${after} AND ${among(sql`id`)}
    ORDER BY id LIMIT ${ROWS_AT_ONCE}`;
  const lastLive = live.length === ROWS_AT_ONCE ? live.at(-1)!.id : null;
  const told = await sql<{ rowId: string; body: string }[]>`
    SELECT row_id AS "rowId", body FROM tinyforge.transitions
    WHERE host_id = ${hostId} AND row_id > ${after} AND ${among(sql`row_id`)}
      AND ${lastLive === null ? sql`true` : sql`row_id <= ${lastLive}`}
    ORDER BY row_id, id LIMIT ${EVENTS_AT_ONCE}`;
  const events = new Map<string, ToldEvent[]>();
  for (const { rowId, body } of told) {
    const its = events.get(rowId);
    if (its === undefined) events.set(rowId, [toldEvent(body)]);
    else its.push(toldEvent(body));
  }
  let upTo = lastLive;
  let cut: string | null = null;
  if (told.length === EVENTS_AT_ONCE) {
    const last = told.at(-1)!.rowId;
    if (events.size > 1) {
      // Of the last one there may be more: it is read with the next.
      events.delete(last);
      upTo = [...events.keys()].at(-1)!;
    } else {
      // Of one row so many: the newest are what is known of it.
      events.set(last, await newestEvents(sql, hostId, last));
      upTo = cut = last;
    }
  }
  const rows: ChunkRow[] = [];
  const bodies = new Map(live.map(({ id, body }) => [id, body]));
  const ids = merged(live.map(({ id }) => id), [...events.keys()]);
  for (const id of ids) {
    rows.push({
      id,
      live: bodies.get(id) ?? null,
      events: events.get(id) ?? [],
      cut: id === cut,
    });
    if (id === upTo) break;
  }
  return { rows, upTo };
}

async function newestEvents(sql: Sql, hostId: string, rowId: string): Promise<ToldEvent[]> {
  const found = await sql<{ body: string }[]>`
    SELECT body FROM tinyforge.transitions WHERE host_id = ${hostId} AND row_id = ${rowId}
    ORDER BY id DESC LIMIT ${EVENTS_AT_ONCE}`;
  return found.reverse().map(({ body }) => toldEvent(body));
}

/** Rows that are or were of some workloads. */
async function rowsOf(
  sql: Sql,
  hostId: string,
  workloadIds: readonly string[],
): Promise<string[]> {
  const found = await sql<{ id: string }[]>`
    SELECT id FROM tinyforge.containers
    WHERE host_id = ${hostId} AND workload_id = ANY(${workloadIds}::text[])
    UNION SELECT row_id FROM tinyforge.transitions
    WHERE host_id = ${hostId} AND workload_id = ANY(${workloadIds}::text[])`;
  return found.map(({ id }) => id);
}

/** Two lists in the order of PostgreSQL's "C", as one without what is twice. */
function merged(a: readonly string[], b: readonly string[]): string[] {
  const all = [...new Set([...a, ...b])];
  const bytes = new Map(all.map((id) => [id, UTF8.encode(id)]));
  return all.sort((x, y) => compare(bytes.get(x)!, bytes.get(y)!));
}

const UTF8 = new TextEncoder();

function compare(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a[i] !== b[i]) return a[i]! - b[i]!;
  }
  return a.length - b.length;
}
