/**
 * That a host is not heard of, as a problem: one for each host, whatever it has rows of, opened and
 * closed by the database's clock by whichever hub looks first. Rows and their problems stay as they
 * were. Only silence that a hub listened to counts: after an outage of all hubs each host has the time
 * of a lease to come back.
 *
 * @module
 */

import type { Problem } from "../model/problem.ts";
import type { Sql } from "./sql.ts";
import { CHANNEL } from "./hub_writes.ts";
import { LEASE_MS } from "./protocol.ts";
import { millis } from "./sql_times.ts";

/** Hubs that did not look for so long, milliseconds, were not listening. */
const DEAF_MS = 15_000;

/** Its kind, and what its key begins with. */
export const HOST_UNKNOWN = "host-unknown";

/** Looks once. To be done every few seconds, by each hub. */
export async function watchSilence(sql: Sql): Promise<void> {
  await sql.begin(async (tx) => {
    const [{ judges }] = await tx<[{ judges: boolean }]>`
      INSERT INTO tinyforge.listening AS l (only_row, since, until) VALUES (1, now(), now())
      ON CONFLICT (only_row) DO UPDATE SET until = now(),
        since = CASE WHEN l.until < now() - ${DEAF_MS} * interval '1 millisecond'
          THEN now() ELSE l.since END
      RETURNING since <= now() - ${LEASE_MS} * interval '1 millisecond' AS judges`;
    // Whoever tells something just now is passed over: two that wait for each other would both fail.
    const opened = judges
      ? await tx<{ id: string }[]>`
        UPDATE tinyforge.hosts SET silent_at = now(), silent_since = heard_at
        WHERE id IN (SELECT id FROM tinyforge.hosts
          WHERE silent_at IS NULL AND lease_until < now() FOR UPDATE SKIP LOCKED)
        RETURNING id`
      : [];
    const closed = await tx<Silent[]>`
      SELECT id, ${millis(sql, "silent_at")} AS "openedAt", ${millis(sql, "silent_since")} AS since,
        ${millis(sql, "now()")} AS now
      FROM tinyforge.hosts WHERE silent_at IS NOT NULL AND lease_until >= now()
      FOR UPDATE SKIP LOCKED`;
    for (const { id, ...times } of closed) {
      const body = JSON.stringify(overBody(id, times));
      await tx`
        INSERT INTO tinyforge.problems
          (host_id, key, opened_at, kind, severity, status, closed_at, body, hash)
        VALUES (${id}, ${keyOf(id)}, ${times.openedAt}, ${HOST_UNKNOWN}, 'high', 'closed',
          ${times.now}, ${body}, '') ON CONFLICT DO NOTHING`;
      await tx`UPDATE tinyforge.hosts SET silent_at = NULL, silent_since = NULL WHERE id = ${id}`;
    }
    for (const { id } of [...opened, ...closed]) await tx`SELECT pg_notify(${CHANNEL}, ${id})`;
  });
}

/** What the problem is known by. */
export function keyOf(hostId: string): string {
  return `${HOST_UNKNOWN}:${hostId}`;
}

/** What the problem says besides its key, its times and how it ended. */
export function silenceBody(
  { heardAt, machines, host }: { heardAt: number; machines: readonly string[]; host: string },
): Omit<Problem, "key" | "status" | "openedAt" | "closedAt" | "outcome"> {
  return {
    ...{ kind: HOST_UNKNOWN, severity: "high", host, workloadId: null, rowId: null },
    ...{ containerId: null, containerName: "", since: heardAt, dueAt: null, batch: null },
    evidence: { heardAt, ...(machines.length > 1 && { machines }) },
    do: { code: "reach-host", host },
    ...{ muted: false, silenced: false },
  };
}

interface Silent {
  id: string;
  openedAt: number;
  since: number;
  now: number;
}

function overBody(id: string, { openedAt, since, now }: Omit<Silent, "id">) {
  return {
    ...{ key: keyOf(id), status: "closed", openedAt, closedAt: now, outcome: "recovered" },
    ...silenceBody({ heardAt: since, machines: [], host: "" }),
  };
}
