/**
 * What hosts told, in PostgreSQL: taken in one transaction each, and read with how long ago it was.
 * Decides no state but one, when it is read: of a host that is silent, everything is unknown. Any
 * number of hubs do this at once; which time it is, the database says.
 *
 * @module
 */

import { claim, CONTEST_MS } from "./claims.ts";
import type { Sql, TransactionSql } from "./database.ts";
import { type Batch, type Heartbeat, type Hello, type HelloAnswer, LEASE_MS } from "./protocol.ts";
import type { SnapshotPart, Told } from "./protocol.ts";
import { digestOf, type HubRow } from "./row.ts";

/** Where is told that rows of a host changed: its id is the payload. */
export const CHANNEL = "tinyforge_hosts";

/** A process of a host begins to speak. */
export function greet(sql: Sql, hostId: string, hello: Hello): Promise<HelloAnswer> {
  return sql.begin<HelloAnswer>(async (tx) => {
    const [host] = await tx<[{ run: string | null; contested: boolean; epoch: string | null }?]>`
      SELECT run, contested, epoch FROM tinyforge.hosts WHERE id = ${hostId} FOR UPDATE`;
    if (host === undefined) return { result: "stale" };
    const { run, attempt, machine } = hello;
    const [known] = await tx<[{ attempt: string | null; others: boolean }]>`
      SELECT (SELECT attempt FROM tinyforge.host_runs WHERE host_id = ${hostId} AND run = ${run}) AS attempt,
        EXISTS (SELECT FROM tinyforge.host_runs WHERE host_id = ${hostId} AND run <> ${run}
          AND heard_at > now() - ${CONTEST_MS} * interval '1 millisecond') AS others`;
    const decided = claim({
      run: host.run,
      contested: host.contested,
      knownAttempt: known.attempt === null ? null : Number(known.attempt),
      othersAlive: known.others,
    }, hello);
    if (decided === "stale") return { result: "stale" };
    await tx`
      INSERT INTO tinyforge.host_runs (host_id, run, attempt, machine, heard_at)
      VALUES (${hostId}, ${run}, ${attempt}, ${machine}, now())
      ON CONFLICT (host_id, run) DO UPDATE SET attempt = excluded.attempt, heard_at = now()`;
    await tx`DELETE FROM tinyforge.host_runs
      WHERE host_id = ${hostId} AND heard_at < now() - interval '1 day'`;
    if (decided === "contested") {
      // Nobody has the new number, so that nobody is listened to; and what is known grows old.
      await tx`UPDATE tinyforge.hosts SET contested = true, run = NULL, session = session + 1,
        lease_until = now() WHERE id = ${hostId}`;
      return { result: "contested" };
    }
    // A machine that was set back to a snapshot of its disk is in an earlier state than it told.
    const [{ session, seq }] = await tx<[{ session: string; seq: string | null }]>`
      UPDATE tinyforge.hosts SET contested = false, run = ${run}, session = session + 1,
        seq = CASE WHEN epoch = ${hello.epoch} AND seq <= ${hello.seq} THEN seq END, epoch = ${hello.epoch},
        snapshot_to = NULL, snapshot_up_to = NULL,
        version = ${hello.version}, machine = ${machine}
      WHERE id = ${hostId} RETURNING session, seq`;
    return { result: "accepted", session: Number(session), seq: numberOrNull(seq) };
  });
}

/** Takes rows in; of this host alone, whatever they say. */
export function ingest(sql: Sql, hostId: string, told: Batch | SnapshotPart): Promise<Told> {
  return sql.begin<Told>(async (tx) => {
    const [host] = await tx<[Kept?]>`
      SELECT session, epoch, seq, snapshot_to, snapshot_up_to FROM tinyforge.hosts
      WHERE id = ${hostId} FOR UPDATE`;
    if (host === undefined || Number(host.session) !== told.session) {
      return { result: "superseded" };
    }
    if (host.epoch !== told.epoch) return { result: "snapshot" };
    const seq = numberOrNull(host.seq);
    if (seq !== null && told.to <= seq) return { result: "ok", seq };
    const next = told.kind === "batch" ? batchEnd(seq, told) : partEnd(host, told);
    if (next === null) return { result: "snapshot" };
    await write(tx, hostId, told);
    await tx`
      UPDATE tinyforge.hosts SET seq = ${next.seq}, snapshot_to = ${next.snapshotTo},
        snapshot_up_to = ${next.snapshotUpTo},
        heard_at = now(), lease_until = now() + ${LEASE_MS} * interval '1 millisecond'
      WHERE id = ${hostId}`;
    await tx`UPDATE tinyforge.host_runs SET heard_at = now()
      FROM tinyforge.hosts AS h WHERE h.id = ${hostId} AND host_id = h.id AND host_runs.run = h.run`;
    await tx`SELECT pg_notify(${CHANNEL}, ${hostId})`;
    return { result: "ok", seq: told.to };
  });
}

/** Of one host, with its id. */
export interface HostBeat extends Heartbeat {
  /** Id of the host. */
  readonly hostId: string;
}

/**
 * Takes signs of life, of many hosts in one statement; answers in the order in which they are given.
 * Of one host there may be several only if their session numbers differ.
 */
export async function beat(sql: Sql, beats: readonly HostBeat[]): Promise<Told[]> {
  const column = <T>(of: (beat: HostBeat) => T) => beats.map(of);
  const kept = await sql<{ id: string; session: string; epoch: string; seq: string | null }[]>`
    WITH beats AS (
      SELECT * FROM unnest(
        ${column(({ hostId }) => hostId)}::text[], ${column(({ session }) => session)}::bigint[],
        ${column(({ lastPassAt }) => lastPassAt)}::text[], ${
    column(({ fresh }) => String(fresh))
  }::text[]::boolean[]
      ) AS beat (id, session, last_pass_at, fresh)
    ), runs AS (
      UPDATE tinyforge.host_runs SET heard_at = now() FROM beats, tinyforge.hosts AS h
      WHERE h.id = beats.id AND h.session = beats.session
        AND host_runs.host_id = h.id AND host_runs.run = h.run
    )
    UPDATE tinyforge.hosts AS h SET heard_at = now(), last_pass_at = beats.last_pass_at,
      fresh = beats.fresh, lease_until = now() + ${LEASE_MS} * interval '1 millisecond'
    FROM beats WHERE h.id = beats.id AND h.session = beats.session
    RETURNING h.id, h.session, h.epoch, h.seq`;
  const byHost = new Map(kept.map((host) => [`${host.session} ${host.id}`, host]));
  return await Promise.all(beats.map(async (beat): Promise<Told> => {
    const host = byHost.get(`${beat.session} ${beat.hostId}`);
    if (host === undefined) return { result: "superseded" };
    const seq = numberOrNull(host.seq);
    if (seq === null || host.epoch !== beat.epoch) return { result: "snapshot" };
    if (beat.digest === null || beat.seq !== seq) return { result: "ok", seq };
    return await compare(sql, beat) ? { result: "ok", seq } : { result: "snapshot" };
  }));
}

/** Whether all rows are those that the host has; if not, they are said to be of no state. */
function compare(sql: Sql, { hostId, session, seq, digest }: HostBeat): Promise<boolean> {
  return sql.begin(async (tx) => {
    const [host] = await tx<[{ id: string }?]>`
      SELECT id FROM tinyforge.hosts
      WHERE id = ${hostId} AND session = ${session} AND seq = ${seq} FOR UPDATE`;
    // Something came in between.
    if (host === undefined) return true;
    const rows = await tx<{ hash: string }[]>`
      SELECT hash FROM tinyforge.containers WHERE host_id = ${hostId}`;
    if (digestOf(rows.map(({ hash }) => hash)) === digest) return true;
    await tx`UPDATE tinyforge.hosts SET seq = NULL WHERE id = ${hostId}`;
    return false;
  });
}

interface Kept {
  session: string;
  epoch: string | null;
  seq: string | null;
  snapshot_to: string | null;
  snapshot_up_to: string | null;
}

/** What a host has taken in afterwards. */
interface Next {
  readonly seq: number | null;
  readonly snapshotTo: number | null;
  readonly snapshotUpTo: string | null;
}

function batchEnd(seq: number | null, { from, to }: Batch): Next | null {
  return seq === null || from !== seq ? null : { seq: to, snapshotTo: null, snapshotUpTo: null };
}

function partEnd(host: Kept, { to, after, upTo }: SnapshotPart): Next | null {
  const follows = numberOrNull(host.snapshot_to) === to && host.snapshot_up_to === after;
  if (after !== null && !follows) return null;
  // Until the last part has come the rows are of two states, which is none.
  return upTo === null
    ? { seq: to, snapshotTo: null, snapshotUpTo: null }
    : { seq: null, snapshotTo: to, snapshotUpTo: upTo };
}

async function write(
  tx: TransactionSql,
  hostId: string,
  told: Batch | SnapshotPart,
): Promise<void> {
  const { rows } = told;
  const ids = rows.map(({ id }) => id);
  if (told.kind === "batch") {
    if (told.gone.length > 0) {
      await tx`DELETE FROM tinyforge.containers
        WHERE host_id = ${hostId} AND id = ANY(${[...told.gone]}::text[])`;
    }
  } else {
    const { after, upTo } = told;
    await tx`DELETE FROM tinyforge.containers AS c WHERE host_id = ${hostId}
      AND (${after}::text IS NULL OR id > ${after}::text)
      AND (${upTo}::text IS NULL OR id <= ${upTo}::text)
      AND NOT EXISTS (SELECT FROM unnest(${ids}::text[]) AS told (id) WHERE told.id = c.id)`;
  }
  if (rows.length === 0) return;
  const column = (of: (row: HubRow) => string) => rows.map(of);
  await tx`
    INSERT INTO tinyforge.containers AS c
      (host_id, id, workload_id, workload_kind, workload_name, state, body, hash)
    SELECT ${hostId}, told.* FROM unnest(
      ${ids}::text[], ${column((row) => row.workloadId)}::text[],
      ${column((row) => row.workloadKind)}::text[], ${column((row) => row.workloadName)}::text[],
      ${column((row) => row.state)}::text[], ${column((row) => row.body)}::text[],
      ${column((row) => row.hash)}::text[]) AS told
    ON CONFLICT (host_id, id) DO UPDATE SET workload_id = excluded.workload_id,
      workload_kind = excluded.workload_kind, workload_name = excluded.workload_name,
      state = excluded.state, body = excluded.body, hash = excluded.hash
    WHERE c.hash IS DISTINCT FROM excluded.hash`;
}

function numberOrNull(value: string | null): number | null {
  return value === null ? null : Number(value);
}
