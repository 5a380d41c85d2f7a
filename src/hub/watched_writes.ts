/**
 * Statements that keep in which time it was known what ran on each host, as that tells it. Decides
 * nothing; reads no clock.
 *
 * @module
 */

import type { Sql, TransactionSql } from "./sql.ts";
import type { ToldPast } from "./told_past.ts";

/** What of a sign of life tells how far what was is known. */
export interface PastBeat {
  /** Id of the host. */
  readonly hostId: string;
  /** As the hub gave it. */
  readonly session: number;
  /** As the host told it. */
  readonly past: ToldPast | null;
}

/** Keeps stretches that are over, of hosts that speak with these session numbers. */
export async function keepWatched(sql: Sql, beats: readonly PastBeat[]): Promise<void> {
  const told = beats.flatMap(({ hostId, session, past }) =>
    (past?.watched ?? []).map(({ from, to }) => ({ hostId, session, from, to }))
  );
  // Most signs of life tell of none.
  if (told.length === 0) return;
  const column = <T>(of: (stretch: (typeof told)[number]) => T) => told.map(of);
  await sql`
    INSERT INTO tinyforge.watched AS w (host_id, began_at, ended_at)
    SELECT h.id, told.began_at, max(told.ended_at COLLATE "C")
    FROM unnest(${column(({ hostId }) => hostId)}::text[],
        ${column(({ session }) => session)}::bigint[], ${column(({ from }) => from)}::text[],
        ${column(({ to }) => to)}::text[]) AS told (host_id, session, began_at, ended_at)
      JOIN tinyforge.hosts AS h ON h.id = told.host_id AND h.session = told.session
    GROUP BY h.id, told.began_at
    ON CONFLICT (host_id, began_at) DO UPDATE SET ended_at = excluded.ended_at
    WHERE w.ended_at < excluded.ended_at`;
}

/**
 * The stretch under way of a host whose index begins another life is over: that life does not know
 * up to when it went.
 */
export async function endWatched(tx: TransactionSql, hostId: string): Promise<void> {
  await tx`
    INSERT INTO tinyforge.watched AS w (host_id, began_at, ended_at)
    SELECT id, watching_from, watching_to FROM tinyforge.hosts
    WHERE id = ${hostId} AND watching_from IS NOT NULL
    ON CONFLICT (host_id, began_at) DO UPDATE SET ended_at = excluded.ended_at
    WHERE w.ended_at < excluded.ended_at`;
  await tx`UPDATE tinyforge.hosts SET watching_from = NULL, watching_to = NULL WHERE id = ${hostId}`;
}
