/**
 * Who speaks for each host, and which state the hub has of it: how a process begins to speak, and its
 * signs of life. Takes no rows in. Any number of hubs do this at once; which time it is, the database
 * says.
 *
 * @module
 */

import { ALIVE_MS, claim, type Claims, CONTEST_MS } from "./claims.ts";
import type { Sql } from "./sql.ts";
import { forgetBesides } from "./hub_writes.ts";
import { type Heartbeat, type Hello, type HelloAnswer, LEASE_MS, type Told } from "./protocol.ts";
import { digestOf } from "./told_fields.ts";
import { endWatched, keepWatched } from "./watched_writes.ts";

/** A process of a host begins to speak. */
export function greet(sql: Sql, hostId: string, hello: Hello): Promise<HelloAnswer> {
  return sql.begin<HelloAnswer>(async (tx) => {
    const [host] = await tx<[{ run: string | null; contested: boolean; epoch: string | null }?]>`
      SELECT run, contested, epoch FROM tinyforge.hosts WHERE id = ${hostId} FOR UPDATE`;
    if (host === undefined) return { result: "stale" };
    const { run, attempt, machine } = hello;
    const ms = (column: string) =>
      sql.unsafe(`(extract(epoch FROM now() - ${column}) * 1000)::float8`);
    const [known = null] = await tx<NonNullable<Claims["known"]>[]>`
      SELECT attempt::float8 AS attempt, accepted, ${ms("first_at")} AS "firstMs"
      FROM tinyforge.host_runs WHERE host_id = ${hostId} AND run = ${run}`;
    const [{ silentMs, others }] = await tx<[{ silentMs: number | null; others: boolean }]>`
      SELECT (SELECT ${ms("heard_at")} FROM tinyforge.host_runs
          WHERE host_id = ${hostId} AND run = ${host.run}) AS "silentMs",
        EXISTS (SELECT FROM tinyforge.host_runs WHERE host_id = ${hostId} AND run <> ${run}
          AND heard_at > now() - ${CONTEST_MS} * interval '1 millisecond') AS others`;
    const decided = claim({
      run: host.run,
      contested: host.contested,
      silentMs: silentMs ?? Infinity,
      known,
      othersAlive: others,
    }, hello);
    if (decided === "stale") return { result: "stale" };
    await tx`
      INSERT INTO tinyforge.host_runs AS r (host_id, run, attempt, machine, accepted, heard_at)
      VALUES (${hostId}, ${run}, ${attempt}, ${machine}, ${decided === "accepted"}, now())
      ON CONFLICT (host_id, run) DO UPDATE SET attempt = excluded.attempt, heard_at = now(),
        accepted = r.accepted OR excluded.accepted`;
    await tx`DELETE FROM tinyforge.host_runs
      WHERE host_id = ${hostId} AND heard_at < now() - interval '1 day'`;
    if (decided === "waits") {
      return { result: "waits", seconds: Math.ceil((ALIVE_MS - silentMs!) / 1000) };
    }
    if (decided === "contested") {
      // Nobody has the new number, so that nobody is listened to; and what is known grows old.
      await tx`UPDATE tinyforge.hosts SET contested = true, run = NULL, session = session + 1,
        lease_until = now() WHERE id = ${hostId}`;
      return { result: "contested" };
    }
    if (hello.transitionSeq === null) await forgetBesides(tx, hostId);
    if (host.epoch !== hello.epoch) await endWatched(tx, hostId);
    // A machine that was set back to a snapshot of its disk is in an earlier state than it told. What
    // happened until then it tells again, which is not kept twice.
    const [now] = await tx<
      [{ session: string; seq: string | null; transitions: string; tells: boolean }]
    >`
      UPDATE tinyforge.hosts AS h SET contested = false, run = ${run}, session = session + 1,
        seq = CASE WHEN epoch = ${hello.epoch} AND seq <= ${hello.seq} THEN seq END,
        transition_seq = CASE WHEN epoch = ${hello.epoch} AND coalesce(seq <= ${hello.seq}, true)
          AND transition_seq <= ${hello.transitionSeq ?? 0} THEN transition_seq ELSE 0 END,
        epoch = ${hello.epoch}, snapshot_to = NULL, snapshot_of = NULL, snapshot_up_to = NULL,
        watched_seq = 0, version = ${hello.version}, machine = ${machine}
      WHERE id = ${hostId} RETURNING session, seq, transition_seq AS transitions,
        ${tellsOfIt(sql)} AS tells`;
    const transitions = Number(now.transitions);
    const [last = null] = transitions === 0 ? [] : await tx<{ at: string; rowId: string }[]>`
      SELECT at, row_id AS "rowId" FROM tinyforge.transitions
      WHERE host_id = ${hostId} AND epoch = ${hello.epoch} AND seq = ${transitions}
      ORDER BY id DESC LIMIT 1`;
    return {
      ...{ result: "accepted", session: Number(now.session), seq: numberOrNull(now.seq) },
      ...{ transitions, lastTransition: last, tells: now.tells, watched: 0 },
    };
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
  // Before they are said to be there.
  await keepWatched(sql, beats);
  const kept = await sql<Kept[]>`
    WITH beats AS (
      SELECT * FROM unnest(
        ${column(({ hostId }) => hostId)}::text[], ${column(({ session }) => session)}::bigint[],
        ${column(({ lastPassAt }) => lastPassAt)}::text[], ${
    column(({ fresh }) => String(fresh))
  }::text[]::boolean[], ${column(({ ending }) => String(ending))}::text[]::boolean[],
        ${column(({ past }) => String(past !== null))}::text[]::boolean[],
        ${column(({ past }) => past?.after ?? 0)}::bigint[],
        ${column(({ past }) => past?.watched.at(-1)?.seq ?? past?.after ?? 0)}::bigint[],
        ${column(({ past }) => past?.watching?.from ?? null)}::text[],
        ${column(({ past }) => past?.watching?.to ?? null)}::text[],
        ${column(({ past }) => past?.forgottenUntil ?? null)}::text[]
      ) AS beat (id, session, last_pass_at, fresh, ending, tells_past, watched_after, watched_seq,
        watching_from, watching_to, forgotten_until)
    ), runs AS (
      UPDATE tinyforge.host_runs SET heard_at = now() FROM beats, tinyforge.hosts AS h
      WHERE h.id = beats.id AND h.session = beats.session
        AND host_runs.host_id = h.id AND host_runs.run = h.run
    )
    UPDATE tinyforge.hosts AS h SET heard_at = now(), last_pass_at = beats.last_pass_at,
      fresh = beats.fresh, past_told = beats.tells_past,
      watched_seq = CASE WHEN beats.tells_past AND beats.watched_after <= h.watched_seq
        THEN beats.watched_seq ELSE h.watched_seq END,
      watching_from = CASE WHEN beats.tells_past THEN beats.watching_from ELSE h.watching_from END,
      watching_to = CASE WHEN beats.tells_past THEN beats.watching_to ELSE h.watching_to END,
      forgotten_until =
        CASE WHEN beats.tells_past THEN beats.forgotten_until ELSE h.forgotten_until END,
      run = CASE WHEN NOT beats.ending THEN h.run END, lease_until = now() + ${LEASE_MS} * interval '1 millisecond'
    FROM beats WHERE h.id = beats.id AND h.session = beats.session
    RETURNING h.id, h.session, h.epoch, h.seq, h.transition_seq, h.watched_seq,
      ${tellsOfIt(sql)} AS tells`;
  const byHost = new Map(kept.map((host) => [`${host.session} ${host.id}`, host]));
  return await Promise.all(beats.map(async (beat): Promise<Told> => {
    const host = byHost.get(`${beat.session} ${beat.hostId}`);
    if (host === undefined) return { result: "superseded" };
    const seq = numberOrNull(host.seq);
    const transitions = Number(host.transition_seq);
    if (seq === null || host.epoch !== beat.epoch) return { result: "snapshot", transitions };
    const same = beat.digest === null || beat.seq !== seq || await compare(sql, beat);
    return same
      ? { result: "ok", seq, transitions, tells: host.tells, watched: Number(host.watched_seq) }
      : { result: "snapshot", transitions };
  }));
}

/** Whether hubs tell people of the host `h`: by some channel, and of all hosts or of this one too. */
function tellsOfIt(sql: Sql) {
  return sql`EXISTS (SELECT FROM tinyforge.channels AS ch WHERE ch.state <> 'disabled' AND (
    NOT EXISTS (SELECT FROM tinyforge.rules)
    OR EXISTS (SELECT FROM tinyforge.rules AS r
      WHERE (r.hosts IS NULL OR r.hosts::jsonb ? h.name)
        AND (r.channels IS NULL OR r.channels::jsonb ? ch.id))))`;
}

/** Whether all is as the host has it; if not, it is said to be of no state. */
function compare(sql: Sql, beat: HostBeat): Promise<boolean> {
  const { hostId, session, seq, digest, besideDigest } = beat;
  return sql.begin(async (tx) => {
    const [host] = await tx<[{ id: string }?]>`
      SELECT id FROM tinyforge.hosts
      WHERE id = ${hostId} AND session = ${session} AND seq = ${seq} FOR UPDATE`;
    // Something came in between.
    if (host === undefined) return true;
    const rows = await tx<Hashed[]>`
      SELECT hash FROM tinyforge.containers WHERE host_id = ${hostId}`;
    const besides = besideDigest === null ? null : await tx<Hashed[]>`
      SELECT hash FROM tinyforge.workloads WHERE host_id = ${hostId} UNION ALL
      SELECT hash FROM tinyforge.problems WHERE host_id = ${hostId} AND status = 'open'`;
    const hashes = (found: readonly Hashed[]) => digestOf(found.map(({ hash }) => hash));
    if (hashes(rows) === digest && (besides === null || hashes(besides) === besideDigest)) {
      return true;
    }
    await tx`UPDATE tinyforge.hosts SET seq = NULL WHERE id = ${hostId}`;
    return false;
  });
}

interface Hashed {
  hash: string;
}

interface Kept {
  id: string;
  session: string;
  epoch: string | null;
  seq: string | null;
  transition_seq: string;
  watched_seq: string;
  tells: boolean;
}

function numberOrNull(value: string | null): number | null {
  return value === null ? null : Number(value);
}
