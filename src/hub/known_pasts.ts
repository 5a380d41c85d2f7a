/**
 * How far it is known what was on each host: what was watched there, by its own clock, as far as it
 * told, and what may be forgotten, there or here. Writes nothing.
 *
 * @module
 */

import type { Span } from "../core/availability.ts";
import type { HostPast } from "../model/past.ts";
import { KEPT_DAYS } from "./partitions.ts";
import type { Sql } from "./sql.ts";
import { rfc3339 } from "./sql_times.ts";

/** A host and how far its past is known. */
export interface KnownPast extends HostPast {
  /** Its id. */
  readonly id: string;
  /** The stretch that it watched when it told last, RFC 3339 UTC; null: none was under way. */
  readonly watching: { readonly from: string; readonly to: string } | null;
  /** Whether that one goes on: it is heard of, and says that its index is what runs. */
  readonly goesOn: boolean;
}

/** Which hosts. */
export interface WhichHosts {
  /** Only those of these names. */
  readonly names?: readonly string[];
  /** Only from this name on. */
  readonly from?: string;
  /** At most so many. Default: all. */
  readonly limit?: number;
}

/** As many stretches of a host as are read, the newest: it keeps no more itself. */
const MAX_SPANS = 10_000;

/** The hosts by name. */
export async function knownPasts(
  sql: Sql,
  { names, from = "", limit }: WhichHosts,
): Promise<KnownPast[]> {
  const found = await sql<Stored[]>`
    SELECT id, name AS host, ${rfc3339(sql, "heard_at")} AS "heardAt", watching_from, watching_to,
      forgotten_until, ${rfc3339(sql, "enrolled_at")} AS enrolled, past_told,
      ${rfc3339(sql, "kept.since")} AS kept, enrolled_at < kept.since AS dropped,
      past_told AND fresh AND NOT contested AND lease_until >= now() AS watches
    FROM tinyforge.hosts, (SELECT date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
      - ${KEPT_DAYS} * interval '1 day' AS since) AS kept
    WHERE name >= ${from} AND ${names === undefined ? sql`true` : sql`name = ANY(${names}::text[])`}
    ORDER BY name ${limit === undefined ? sql`` : sql`LIMIT ${limit}`}`;
  return found.map((host) => ({
    ...{ id: host.id, host: host.host, heardAt: host.heardAt },
    watching: host.watching_from === null
      ? null
      : { from: host.watching_from, to: host.watching_to! },
    goesOn: host.watching_from !== null && host.watches === true,
    forgottenUntil: latest([
      host.forgotten_until,
      host.dropped ? host.kept : null,
      // One that does not tell what it had forgotten may have forgotten all that was before.
      host.past_told || host.forgotten_until !== null ? null : host.enrolled,
    ]),
  }));
}

/** The latest of moments; null where there is none. */
export function latest(moments: readonly (string | null)[]): string | null {
  return moments.filter((at) => at !== null).sort().at(-1) ?? null;
}

/** What was watched on a host: in order, the one under way last. */
export async function watchedOf(
  sql: Sql,
  { id, watching }: KnownPast,
): Promise<Span[]> {
  const found = await sql<{ began_at: string; ended_at: string }[]>`
    SELECT began_at, ended_at FROM tinyforge.watched
    WHERE host_id = ${id}
    ORDER BY began_at DESC LIMIT ${MAX_SPANS}`;
  const over = found.reverse().map(({ began_at: from, ended_at: to }) => ({ from, to }));
  return [...over, ...watching === null ? [] : [watching]]
    .map(({ from, to }) => ({ from: Date.parse(from), to: Date.parse(to) }));
}

/** The last moment up to one at which a host watched, RFC 3339 UTC; null: none that is known. */
export function lastWatched(spans: readonly Span[], at: number): string | null {
  const last = spans.reduce(
    (last, { from, to }) => from <= at ? Math.max(last, Math.min(to, at)) : last,
    -Infinity,
  );
  return last === -Infinity ? null : new Date(last).toISOString();
}

interface Stored {
  id: string;
  host: string;
  heardAt: string | null;
  watching_from: string | null;
  watching_to: string | null;
  forgotten_until: string | null;
  enrolled: string;
  past_told: boolean;
  kept: string;
  dropped: boolean;
  watches: boolean | null;
}
