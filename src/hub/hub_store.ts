/**
 * What hosts told, in PostgreSQL: taken in one transaction each, and read with how long ago it was.
 * Decides no state but one, when it is read: of a host that is silent, everything is unknown. Any
 * number of hubs do this at once; which time it is, the database says.
 *
 * @module
 */

import { type Announcement, Announcements } from "./announcements.ts";
import { ALIVE_MS, claim, type Claims, CONTEST_MS } from "./claims.ts";
import type { Sql } from "./sql.ts";
import { forgetBesides, writeBatch, writePart, writeTransitions } from "./hub_writes.ts";
import {
  type Batch,
  type Heartbeat,
  type Hello,
  type HelloAnswer,
  LEASE_MS,
  MAX_HOST_ROWS,
  SNAPSHOT_ORDER,
  type SnapshotPart,
  type Telling,
  type Told,
} from "./protocol.ts";
import { digestOf, invalid } from "./told_fields.ts";

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
    // A machine that was set back to a snapshot of its disk is in an earlier state than it told. What
    // happened until then it tells again, which is not kept twice.
    const [now] = await tx<
      [{ session: string; seq: string | null; transitions: string; tells: boolean }]
    >`
      UPDATE tinyforge.hosts SET contested = false, run = ${run}, session = session + 1,
        seq = CASE WHEN epoch = ${hello.epoch} AND seq <= ${hello.seq} THEN seq END,
        transition_seq = CASE WHEN epoch = ${hello.epoch} AND coalesce(seq <= ${hello.seq}, true)
          AND transition_seq <= ${hello.transitionSeq ?? 0} THEN transition_seq ELSE 0 END,
        epoch = ${hello.epoch}, snapshot_to = NULL, snapshot_of = NULL, snapshot_up_to = NULL,
        version = ${hello.version}, machine = ${machine}
      WHERE id = ${hostId} RETURNING session, seq, transition_seq AS transitions,
        ${tellsAnybody(sql)} AS tells`;
    const transitions = Number(now.transitions);
    const [last = null] = transitions === 0 ? [] : await tx<{ at: string; rowId: string }[]>`
      SELECT at, row_id AS "rowId" FROM tinyforge.transitions
      WHERE host_id = ${hostId} AND epoch = ${hello.epoch} AND seq = ${transitions}
      ORDER BY id DESC LIMIT 1`;
    return {
      ...{ result: "accepted", session: Number(now.session), seq: numberOrNull(now.seq) },
      ...{ transitions, lastTransition: last, tells: now.tells },
    };
  });
}

/** Takes in what a host tells, of this host alone, whatever it says; and announces it. */
export async function ingest(
  sql: Sql,
  hostId: string,
  told: Batch | SnapshotPart,
  announcements: Announcements = new Announcements(sql),
): Promise<Told> {
  let untold: Announcement | null = null;
  const answer = await sql.begin<Told>(async (tx) => {
    const [host] = await tx<[Kept?]>`
      SELECT session, epoch, seq, snapshot_to, snapshot_of, snapshot_up_to, transition_seq, row_count
      FROM tinyforge.hosts WHERE id = ${hostId} FOR UPDATE`;
    if (host === undefined || Number(host.session) !== told.session) {
      return { result: "superseded" };
    }
    const had = Number(host.transition_seq);
    if (host.epoch !== told.epoch) return { result: "snapshot", transitions: had };
    const news = newTransitions(told.happened, had);
    const transitions = news.at(-1)?.seq ?? had;
    const seq = numberOrNull(host.seq);
    const isReplay = seq !== null && told.to <= seq;
    const next = isReplay
      ? null
      : told.kind === "batch"
      ? batchEnd(seq, told)
      : partEnd(host, told);
    if (next === null && news.length === 0) {
      return isReplay ? { result: "ok", seq, transitions } : { result: "snapshot", transitions };
    }
    let rowCount = Number(host.row_count);
    if (next !== null) {
      rowCount += told.kind === "batch"
        ? await writeBatch(tx, hostId, told)
        : await writePart(tx, hostId, told);
      if (rowCount > MAX_HOST_ROWS) {
        throw invalid(`its host would have more than ${MAX_HOST_ROWS} rows`, "the message");
      }
    }
    const { seq: to, snapshotTo, snapshotOf, snapshotUpTo } = next ?? {
      seq,
      ...{ snapshotTo: numberOrNull(host.snapshot_to), snapshotOf: host.snapshot_of },
      snapshotUpTo: host.snapshot_up_to,
    };
    await tx`
      WITH heard AS (
        UPDATE tinyforge.hosts SET seq = ${to}, snapshot_to = ${snapshotTo},
          snapshot_of = ${snapshotOf}, snapshot_up_to = ${snapshotUpTo},
          transition_seq = ${transitions}, row_count = ${rowCount},
          heard_at = now(), lease_until = now() + ${LEASE_MS} * interval '1 millisecond'
        WHERE id = ${hostId} RETURNING id, run
      )
      UPDATE tinyforge.host_runs SET heard_at = now()
      FROM heard WHERE host_id = heard.id AND host_runs.run = heard.run`;
    if (next !== null && to !== null) {
      const announcement = announcementOf(hostId, told);
      if (!await announcements.within(tx, announcement)) untold = announcement;
    }
    await writeTransitions(tx, hostId, { epoch: told.epoch, transitions: news });
    if (next === null && !isReplay) return { result: "snapshot", transitions };
    return { result: "ok", seq: isReplay ? seq : told.to, transitions };
  });
  if (untold !== null) announcements.later(untold);
  return answer;
}

function announcementOf(hostId: string, told: Batch | SnapshotPart): Announcement {
  const { epoch, to } = told;
  if (told.kind === "snapshot") {
    return { hostId, epoch, from: null, to, ids: null, problems: null };
  }
  const { from, rows, gone, problems, problemsGone } = told;
  return {
    ...{ hostId, epoch, from, to },
    ids: [...rows.map(({ id }) => id), ...gone],
    problems: [...new Set([...problems.map(({ key }) => key), ...problemsGone])],
  };
}

/** What of it is not kept; nothing where something between is missing. */
function newTransitions(happened: Telling["happened"], had: number) {
  if (happened === null || happened.after > had) return [];
  return happened.anew ? happened.transitions : happened.transitions.filter(({ seq }) => seq > had);
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
  const kept = await sql<
    (Pick<Kept, "session" | "epoch" | "seq" | "transition_seq"> & { id: string; tells: boolean })[]
  >`
    WITH beats AS (
      SELECT * FROM unnest(
        ${column(({ hostId }) => hostId)}::text[], ${column(({ session }) => session)}::bigint[],
        ${column(({ lastPassAt }) => lastPassAt)}::text[], ${
    column(({ fresh }) => String(fresh))
  }::text[]::boolean[], ${column(({ ending }) => String(ending))}::text[]::boolean[]
      ) AS beat (id, session, last_pass_at, fresh, ending)
    ), runs AS (
      UPDATE tinyforge.host_runs SET heard_at = now() FROM beats, tinyforge.hosts AS h
      WHERE h.id = beats.id AND h.session = beats.session
        AND host_runs.host_id = h.id AND host_runs.run = h.run
    )
    UPDATE tinyforge.hosts AS h SET heard_at = now(), last_pass_at = beats.last_pass_at,
      fresh = beats.fresh, run = CASE WHEN NOT beats.ending THEN h.run END, lease_until = now() + ${LEASE_MS} * interval '1 millisecond'
    FROM beats WHERE h.id = beats.id AND h.session = beats.session
    RETURNING h.id, h.session, h.epoch, h.seq, h.transition_seq, ${tellsAnybody(sql)} AS tells`;
  const byHost = new Map(kept.map((host) => [`${host.session} ${host.id}`, host]));
  return await Promise.all(beats.map(async (beat): Promise<Told> => {
    const host = byHost.get(`${beat.session} ${beat.hostId}`);
    if (host === undefined) return { result: "superseded" };
    const seq = numberOrNull(host.seq);
    const transitions = Number(host.transition_seq);
    if (seq === null || host.epoch !== beat.epoch) return { result: "snapshot", transitions };
    const same = beat.digest === null || beat.seq !== seq || await compare(sql, beat);
    return same
      ? { result: "ok", seq, transitions, tells: host.tells }
      : { result: "snapshot", transitions };
  }));
}

/** Whether people are told by hubs. */
function tellsAnybody(sql: Sql) {
  return sql`EXISTS (SELECT FROM tinyforge.channels AS ch WHERE ch.state <> 'disabled')`;
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
  session: string;
  epoch: string | null;
  seq: string | null;
  snapshot_to: string | null;
  snapshot_of: string | null;
  snapshot_up_to: string | null;
  transition_seq: string;
  row_count: string;
}

/** What a host has taken in afterwards. */
interface Next {
  readonly seq: number | null;
  readonly snapshotTo: number | null;
  readonly snapshotOf: string | null;
  readonly snapshotUpTo: string | null;
}

const NO_SNAPSHOT = { snapshotTo: null, snapshotOf: null, snapshotUpTo: null };

function batchEnd(seq: number | null, { from, to }: Batch): Next | null {
  return seq === null || from !== seq ? null : { seq: to, ...NO_SNAPSHOT };
}

function partEnd(host: Kept, { to, of, after, upTo }: SnapshotPart): Next | null {
  if (!follows(host, { to, of, after })) return null;
  // Until the last part has come what is kept is of two states, which is none.
  if (upTo === null && (of === null || of === SNAPSHOT_ORDER.at(-1))) {
    return { seq: to, ...NO_SNAPSHOT };
  }
  return { seq: null, snapshotTo: to, snapshotOf: of, snapshotUpTo: upTo };
}

/** Whether a part begins where the one that was kept last ended. */
function follows(
  { snapshot_to: lastTo, snapshot_of: lastOf, snapshot_up_to: lastUpTo }: Kept,
  { to, of, after }: Pick<SnapshotPart, "to" | "of" | "after">,
): boolean {
  const goesOn = numberOrNull(lastTo) === to;
  if (after !== null) return goesOn && lastOf === of && lastUpTo === after;
  const before = of === null ? undefined : SNAPSHOT_ORDER[SNAPSHOT_ORDER.indexOf(of) - 1];
  return before === undefined || (goesOn && lastOf === before && lastUpTo === null);
}

function numberOrNull(value: string | null): number | null {
  return value === null ? null : Number(value);
}
