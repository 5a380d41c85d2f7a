/**
 * The outbox of all hubs: notices, deliveries, and how far problems were told, in PostgreSQL. A step of
 * telling is read and written as a whole; each delivery is won by one hub, which has it to itself for
 * a while. Decides nothing.
 *
 * @module
 */

import type { ChannelHealth } from "../store/channels.ts";
import { LEFT_OUT, unlessDamaged } from "../store/damage.ts";
import { keptContent } from "../notify/kept_notice.ts";
import {
  type Carried,
  type DeliveryState,
  type DueDelivery,
  type KeptDelivery,
  type ListedDelivery,
  type ToldAbout,
  UNREADABLE,
} from "../store/notice_rows.ts";
import type {
  BookedDelivery,
  BookedProblem,
  NoticeChanges,
  NoticePages,
} from "../notify/notice_book.ts";
import { setHealth } from "./hub_channels.ts";
import type { AnySql, Sql } from "./sql.ts";
import { millis } from "./sql_times.ts";

/** A delivery that is on its way, which nobody else sends. */
export interface Claimed {
  /** Those that are. */
  readonly sending: ReadonlySet<number>;
}

/** How long a hub has a delivery to itself, seconds: longer than any attempt takes. */
const CLAIM_SECONDS = 120;

/** How long what is over is kept, milliseconds. */
const KEPT_MS = 30 * 86_400_000;

/** How long a problem that is over is known, milliseconds, so that it is not taken for another. */
const KNOWN_MS = 86_400_000;

/**
 * Reads all that a step needs, within a transaction: until its end nobody begins to send what waits.
 * One step at a time.
 */
export async function readPages(tx: Sql): Promise<NoticePages & Claimed> {
  const waiting = await tx<(BookedDelivery & { claimed: boolean })[]>`
    SELECT ${columns(tx)}, d.subject, n.content,
      coalesce(d.claimed_until > now(), false) AS claimed
    FROM tinyforge.deliveries AS d JOIN tinyforge.notices AS n ON n.id = d.notice_id
    WHERE d.state = 'queued' ORDER BY d.seq FOR UPDATE OF d`;
  const over = await tx<BookedDelivery[]>`
    SELECT ${columns(tx)}, d.subject, n.content
    FROM tinyforge.deliveries AS d JOIN tinyforge.notices AS n ON n.id = d.notice_id
    WHERE d.state <> 'queued' AND EXISTS (
      SELECT FROM tinyforge.told AS t WHERE d.seq IN (t.delivery, t.reminder))`;
  const notified = await tx<BookedProblem[]>`
    SELECT key, opened_at::float8 AS "openedAt", problem, closed_at::float8 AS "closedAt",
      superseded FROM tinyforge.notified`;
  const told = await tx<Carried[]>`
    SELECT key, opened_at::float8 AS "openedAt", channel_id AS "channelId",
      delivery::float8 AS delivery, reminder::float8 AS reminder,
      remind_after_ms::float8 AS "remindAfterMs" FROM tinyforge.told`;
  const [{ looked, last }] = await tx<[{ looked: number | null; last: number }]>`
    SELECT (SELECT looked_at::float8 FROM tinyforge.notify_cursor) AS looked,
      (SELECT coalesce(max(seq), 0)::float8 FROM tinyforge.deliveries) AS last`;
  return {
    ...{ lookedAt: looked, lastSeq: last, notified, told },
    deliveries: [...waiting.map(({ claimed: _, ...each }) => each), ...over],
    sending: new Set(waiting.filter(({ claimed }) => claimed).map(({ seq }) => seq)),
  };
}

/** Writes what a step made of it, within the same transaction. */
export async function writePages(tx: Sql, changes: NoticeChanges): Promise<void> {
  const { lookedAt, notified, told, settled, notices, deliveries, superseded, dead } = changes;
  if (lookedAt !== null) {
    await tx`INSERT INTO tinyforge.notify_cursor (only_row, looked_at) VALUES (1, ${lookedAt})
      ON CONFLICT (only_row) DO UPDATE SET looked_at = excluded.looked_at`;
  }
  for (const { key, openedAt, problem, closedAt, superseded } of notified) {
    await tx`INSERT INTO tinyforge.notified (key, opened_at, problem, closed_at, superseded)
      VALUES (${key}, ${openedAt}, ${problem}, ${closedAt}, ${superseded})
      ON CONFLICT (key, opened_at) DO UPDATE
        SET problem = excluded.problem, closed_at = excluded.closed_at,
          superseded = excluded.superseded`;
  }
  for (const { id, kind, content, at } of notices) {
    await tx`INSERT INTO tinyforge.notices (id, kind, content, created_at)
      VALUES (${id}, ${kind}, ${content}, ${at})`;
  }
  for (const each of deliveries) {
    await tx`INSERT INTO tinyforge.deliveries
      (seq, notice_id, channel_id, subject, state, queued_at, next_at, ended_at)
      VALUES (${each.seq}, ${each.noticeId}, ${each.channelId}, ${each.subject}, ${each.state},
        ${each.queuedAt}, ${each.nextAt}, ${each.endedAt})`;
  }
  for (const [seq, at] of superseded) {
    await tx`UPDATE tinyforge.deliveries SET state = 'superseded', ended_at = ${at}
      WHERE seq = ${seq} AND state = 'queued'`;
  }
  for (const [seq, at] of dead) {
    await tx`UPDATE tinyforge.deliveries SET state = 'dead', ended_at = ${at}, answer = ${UNREADABLE}
      WHERE seq = ${seq} AND state = 'queued'`;
  }
  for (const { key, openedAt, channelId } of settled) {
    await tx`DELETE FROM tinyforge.told
      WHERE key = ${key} AND opened_at = ${openedAt} AND channel_id = ${channelId}`;
  }
  for (const { key, openedAt, channelId, delivery, reminder, remindAfterMs } of told) {
    await tx`INSERT INTO tinyforge.told
      (key, opened_at, channel_id, delivery, reminder, remind_after_ms)
      VALUES (${key}, ${openedAt}, ${channelId}, ${delivery}, ${reminder}, ${remindAfterMs})
      ON CONFLICT (key, opened_at, channel_id) DO UPDATE SET delivery = excluded.delivery,
        reminder = excluded.reminder, remind_after_ms = excluded.remind_after_ms`;
  }
}

/**
 * Wins the first delivery whose time has come, of a channel that works and to which none of `busy` is
 * on its way; null: there is none that no other hub has.
 */
export async function claimDelivery(
  sql: Sql,
  { hub, busy }: { hub: string; busy: readonly string[] },
): Promise<DueDelivery | null> {
  const [won] = await sql<DueDelivery[]>`
    WITH won AS (
      UPDATE tinyforge.deliveries SET claimed_by = ${hub},
        claimed_until = now() + ${CLAIM_SECONDS} * interval '1 second'
      WHERE seq = (
        SELECT d.seq FROM tinyforge.deliveries AS d
          JOIN tinyforge.channels AS c ON c.id = d.channel_id
        WHERE d.state = 'queued' AND d.next_at <= ${millis(sql, "now()")} AND c.state = 'ok'
          AND c.not_before <= ${millis(sql, "now()")} AND NOT d.channel_id = ANY(${[
    ...busy,
  ]}::text[])
          AND (d.claimed_until IS NULL OR d.claimed_until < now())
          AND NOT EXISTS (SELECT FROM tinyforge.deliveries AS e WHERE e.state = 'queued'
            AND e.channel_id = d.channel_id
            AND (e.claimed_until > now() OR (e.subject = d.subject AND e.seq < d.seq)))
        ORDER BY d.seq FOR UPDATE OF d SKIP LOCKED LIMIT 1)
      RETURNING *)
    SELECT ${columns(sql)}, n.content
    FROM won AS d JOIN tinyforge.notices AS n ON n.id = d.notice_id`;
  return won ?? null;
}

/**
 * Keeps what came of an attempt and how the channel is since; false: it is another hub's by now. Where
 * the channel was changed meanwhile, what its old address refused is to be sent to the new one.
 */
export async function recordAttempt(
  sql: Sql,
  attempt: Pick<
    KeptDelivery,
    "seq" | "channelId" | "state" | "nextAt" | "endedAt" | "status" | "answer"
  >,
  { hub, revision, health, givesUp }: {
    readonly hub: string;
    /** Of the channel that was tried. */
    readonly revision: number;
    readonly health: ChannelHealth | null;
    readonly givesUp: boolean;
  },
): Promise<boolean> {
  const { seq, channelId, state, nextAt, endedAt, status, answer } = attempt;
  return await sql.begin(async (tx) => {
    const [tried] = await tx`SELECT FROM tinyforge.channels
      WHERE id = ${channelId} AND revision = ${revision} FOR UPDATE`;
    if (tried === undefined && state !== "delivered") {
      await unclaim(tx, { seq, hub });
      return true;
    }
    const kept = await tx`UPDATE tinyforge.deliveries SET state = ${state},
        attempts = attempts + 1, next_at = ${nextAt}, ended_at = ${endedAt}, status = ${status},
        answer = ${answer.replaceAll("\0", "")}, claimed_by = NULL, claimed_until = NULL
      WHERE seq = ${seq} AND claimed_by = ${hub} AND state = 'queued'`;
    if (health !== null) await setHealth(tx, channelId, health);
    if (givesUp) {
      await tx`UPDATE tinyforge.deliveries SET state = 'dead', ended_at = ${nextAt}
        WHERE channel_id = ${channelId} AND state = 'queued'`;
    }
    return kept.count > 0;
  });
}

/** What it was to tell can't be read. Says nothing of its channel; it stays known that there was it. */
export async function giveUpUnread(
  sql: AnySql,
  { seq, hub }: { seq: number; hub: string },
): Promise<void> {
  await sql`UPDATE tinyforge.deliveries SET state = 'dead', answer = ${UNREADABLE},
      ended_at = ${millis(sql, "now()")}, claimed_by = NULL, claimed_until = NULL
    WHERE seq = ${seq} AND claimed_by = ${hub} AND state = 'queued'`;
}

/** An attempt was ended before anything came of it: any hub may try again. */
export async function unclaim(
  sql: AnySql,
  { seq, hub }: { seq: number; hub: string },
): Promise<void> {
  await sql`UPDATE tinyforge.deliveries SET claimed_by = NULL, claimed_until = NULL
    WHERE seq = ${seq} AND claimed_by = ${hub}`;
}

/** Deliveries, the newest first, at most so many. */
export async function listDeliveries(
  sql: Sql,
  { channelId, state, limit }: { channelId?: string; state?: DeliveryState; limit: number },
): Promise<ListedDelivery[]> {
  // Not cast to JSON there: one that is none would take all the others with it.
  const listed = await sql<DueDelivery[]>`
    SELECT ${columns(sql)}, n.content
      FROM tinyforge.deliveries AS d JOIN tinyforge.notices AS n ON n.id = d.notice_id
      WHERE ${channelId === undefined ? sql`true` : sql`d.channel_id = ${channelId}`}
        AND ${state === undefined ? sql`true` : sql`d.state = ${state}`}
      ORDER BY d.seq DESC LIMIT ${limit}`;
  return listed.map((due) => {
    const { content: _, ...delivery } = due;
    return { ...delivery, about: aboutContent(due) };
  });
}

function aboutContent(delivery: DueDelivery): ToldAbout | null {
  const content = unlessDamaged(() => keptContent(delivery), null, LEFT_OUT);
  const [first] = content?.problems ?? [];
  return first === undefined
    ? null
    : { total: content!.total, kind: first.kind, workload: first.workload, row: first.row };
}

/** Has all that waits for a channel tried at once, and what was given up queued again. */
export async function retryDeliveries(
  sql: Sql,
  { channelId, now }: { channelId: string; now: number },
): Promise<number> {
  const queued = await sql`UPDATE tinyforge.deliveries
    SET state = 'queued', next_at = ${now}, queued_at = ${now}, ended_at = NULL
    WHERE channel_id = ${channelId} AND state IN ('queued', 'dead')`;
  return queued.count;
}

/** Forgets what is long over. */
export async function pruneNotices(sql: Sql, now: number): Promise<void> {
  await sql`DELETE FROM tinyforge.deliveries AS d WHERE ended_at < ${now - KEPT_MS}
    AND NOT EXISTS (SELECT FROM tinyforge.told AS t WHERE d.seq IN (t.delivery, t.reminder))`;
  await sql`DELETE FROM tinyforge.notices AS n WHERE created_at < ${now - KEPT_MS} AND NOT EXISTS (
    SELECT FROM tinyforge.deliveries AS d WHERE d.notice_id = n.id)`;
  await sql`DELETE FROM tinyforge.notified AS p WHERE closed_at < ${now - KNOWN_MS}
    AND NOT EXISTS (SELECT FROM tinyforge.told AS t
      WHERE t.key = p.key AND t.opened_at = p.opened_at)`;
}

function columns(sql: Sql) {
  return sql`d.seq::float8 AS seq, d.notice_id AS "noticeId", d.channel_id AS "channelId",
    n.kind, d.state, d.attempts, d.queued_at::float8 AS "queuedAt",
    d.next_at::float8 AS "nextAt", d.ended_at::float8 AS "endedAt", d.status, d.answer`;
}
