/**
 * The outbox: `notices`, `deliveries`, and how far problems were told. What is to be told, to whom,
 * and that it was looked at are written in one transaction, so that a crash loses none of them and
 * tells nothing twice. Decides nothing.
 *
 * @module
 */

import type { ChannelHealth, ChannelTable } from "./channels.ts";
import type { Connection } from "./connection.ts";
import {
  type Carried,
  type DeliveryState,
  type DueColumns,
  type DueDelivery,
  dueOf,
  type KeptDelivery,
  type ListedDelivery,
  listedOf,
  type NewNotice,
  type NoticeWrite,
  type Notified,
  SELECT_DUE,
  SELECT_LISTED,
  SELECT_TOLD,
  type Told,
  type ToldColumns,
  type ToldKey,
  toldOf,
  UNREADABLE,
} from "./notice_rows.ts";

/** How long what is over is kept, milliseconds, and how many deliveries at most. */
const KEPT_MS = 30 * 86_400_000;
const KEPT_COUNT = 20_000;

/** How long a problem that is over is known, milliseconds, so that it is not taken for another. */
const KNOWN_MS = 86_400_000;

/** The outbox. */
export class NoticeTable {
  readonly #c: Connection;

  /** On this connection. */
  constructor(connection: Connection) {
    this.#c = connection;
  }

  /** How far problems were looked at; null before the first time. */
  lookedAt(): number | null {
    return this.#c.sql("SELECT looked_at FROM notify_cursor").value<[number]>()?.[0] ?? null;
  }

  /** Every problem that is or lately was dealt with. */
  notified(): Notified[] {
    return this.#c.sql("SELECT key, opened_at, problem, closed_at FROM notified")
      .values<[string, number, string, number | null]>()
      .map(([key, openedAt, problem, closedAt]) => ({ key, openedAt, problem, closedAt }));
  }

  /** Who is still to be told of the end of what is over. */
  unsettled(): Told[] {
    return this.#told("p.closed_at IS NOT NULL");
  }

  /** Who was or is to be told of anything whose end they were not told yet. */
  told(): Told[] {
    return this.#told("TRUE");
  }

  /** Who may be reminded of what is not over. */
  remindable(): Told[] {
    return this.#told("p.closed_at IS NULL AND t.remind_after_ms IS NOT NULL");
  }

  #told(where: string): Told[] {
    return this.#c.sql(`${SELECT_TOLD} WHERE ${where} ORDER BY t.delivery, t.key`)
      .values<ToldColumns>().map(toldOf);
  }

  /** Writes a step, in one transaction. */
  write(step: NoticeWrite): void {
    this.#c.write("Cannot write what is to be told", () => {
      this.#c.sql(
        `INSERT INTO notify_cursor (id, looked_at) VALUES (1, ?1)
         ON CONFLICT (id) DO UPDATE SET looked_at = ?1`,
      ).run(step.lookedAt);
      for (const { key, openedAt, problem, closedAt } of step.notified ?? []) {
        this.#c.sql(
          `INSERT INTO notified (key, opened_at, problem, closed_at) VALUES (?, ?, ?, ?)
           ON CONFLICT DO NOTHING`,
        ).run(key, openedAt, problem, closedAt);
      }
      for (const { key, openedAt, closedAt, superseded } of step.ended ?? []) {
        this.#c.sql(
          "UPDATE notified SET closed_at = ?, superseded = ? WHERE key = ? AND opened_at = ?",
        ).run(closedAt, superseded ? 1 : 0, key, openedAt);
      }
      for (const notice of step.notices ?? []) this.#add(notice);
      for (const one of step.carried ?? []) this.#carry(one);
      for (const key of step.settled ?? []) this.#settle(key);
      for (const seq of step.superseded ?? []) this.#supersede(seq, step.lookedAt);
      for (const seq of step.dead ?? []) {
        this.#c.sql(
          `UPDATE deliveries SET state = 'dead', ended_at = ?, answer = ?
           WHERE seq = ? AND state = 'queued'`,
        ).run(step.lookedAt, UNREADABLE, seq);
      }
      for (const { key, openedAt, problem } of step.mended ?? []) {
        this.#c.sql("UPDATE notified SET problem = ? WHERE key = ? AND opened_at = ?")
          .run(problem, key, openedAt);
      }
    });
  }

  #add({ id, kind, content, subject, at, deliveries }: NewNotice): void {
    this.#c.sql("INSERT INTO notices (id, kind, content, created_at) VALUES (?, ?, ?, ?)")
      .run(id, kind, content, at);
    for (const delivery of deliveries) {
      const { channelId, queuedAt, nextAt = queuedAt } = delivery;
      const [seq] = this.#c.sql(
        `INSERT INTO deliveries (notice_id, channel_id, subject, queued_at, next_at)
         VALUES (?, ?, ?, ?, ?) RETURNING seq`,
      ).value<[number]>(id, channelId, subject, queuedAt, nextAt)!;
      for (const { key, openedAt, remindAfterMs } of delivery.opens ?? []) {
        this.#c.sql(
          `INSERT INTO told (key, opened_at, channel_id, delivery, remind_after_ms)
           VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET delivery = ?4`,
        ).run(key, openedAt, channelId, seq, remindAfterMs);
      }
      for (const { key, openedAt } of delivery.reminds ?? []) {
        this.#c.sql(
          "UPDATE told SET reminder = ? WHERE key = ? AND opened_at = ? AND channel_id = ?",
        ).run(seq, key, openedAt, channelId);
      }
      for (const old of delivery.supersedes ?? []) {
        this.#supersede(old, at);
        this.#c.sql(
          "UPDATE OR REPLACE told SET delivery = ?, channel_id = ? WHERE delivery = ?",
        ).run(seq, channelId, old);
      }
    }
  }

  #supersede(seq: number, at: number): void {
    this.#c.sql(
      "UPDATE deliveries SET state = 'superseded', ended_at = ? WHERE seq = ? AND state = 'queued'",
    ).run(at, seq);
  }

  #carry({ key, openedAt, channelId, delivery, reminder, remindAfterMs }: Carried): void {
    this.#c.sql(
      `INSERT INTO told (key, opened_at, channel_id, delivery, reminder, remind_after_ms)
       VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    ).run(key, openedAt, channelId, delivery, reminder, remindAfterMs);
  }

  #settle({ key, openedAt, channelId }: ToldKey): void {
    this.#c.sql("DELETE FROM told WHERE key = ? AND opened_at = ? AND channel_id = ?")
      .run(key, openedAt, channelId);
  }

  /** The first delivery of a channel whose time has come, unless its problem has an earlier one. */
  due(channelId: string, now: number): DueDelivery | undefined {
    const found = this.#c.sql(
      `${SELECT_DUE} WHERE d.state = 'queued' AND d.channel_id = ?1 AND d.next_at <= ?2
         AND ${FIRST_OF_ITS_PROBLEM} ORDER BY d.seq LIMIT 1`,
    ).value<DueColumns>(channelId, now);
    return found && dueOf(found);
  }

  /**
   * When the next delivery of a channel is to be tried; null when none is queued. What waits for an
   * earlier one of its problem has its turn when that is over.
   */
  nextAt(channelId: string): number | null {
    return this.#c.sql(
      `SELECT min(d.next_at) FROM deliveries d WHERE d.state = 'queued' AND d.channel_id = ?1
         AND ${FIRST_OF_ITS_PROBLEM}`,
    ).value<[number | null]>(channelId)![0];
  }

  /** One delivery; undefined when it is not known any more. */
  get(seq: number): DueDelivery | undefined {
    const found = this.#c.sql(`${SELECT_DUE} WHERE d.seq = ?`)
      .value<DueColumns>(seq);
    return found && dueOf(found);
  }

  /** What waits for a channel, the oldest first, at most so many. */
  queuedFor(channelId: string, limit: number): DueDelivery[] {
    return this.#c.sql(
      `${SELECT_DUE} WHERE d.state = 'queued' AND d.channel_id = ? ORDER BY d.seq LIMIT ?`,
    ).values<DueColumns>(channelId, limit)
      .map(dueOf);
  }

  /** Deliveries, the newest first, at most so many. */
  list(filter: { channelId?: string; state?: DeliveryState; limit: number }): ListedDelivery[] {
    return this.#c.sql(
      `${SELECT_LISTED} WHERE (?1 IS NULL OR d.channel_id = ?1) AND (?2 IS NULL OR d.state = ?2)
       ORDER BY d.seq DESC LIMIT ?3`,
    ).values<DueColumns>(filter.channelId ?? null, filter.state ?? null, filter.limit)
      .map(listedOf);
  }

  /** Keeps what came of an attempt, and how the channel is since. */
  record(
    channels: ChannelTable,
    attempt: Pick<
      KeptDelivery,
      "seq" | "channelId" | "state" | "nextAt" | "endedAt" | "status" | "answer"
    >,
    health: ChannelHealth | null,
  ): void {
    this.#c.write("Cannot keep what came of a delivery", () => {
      this.#c.sql(
        `UPDATE deliveries SET state = ?, attempts = attempts + 1, next_at = ?, ended_at = ?,
           status = ?, answer = ? WHERE seq = ?`,
      ).run(
        attempt.state,
        attempt.nextAt,
        attempt.endedAt,
        attempt.status,
        attempt.answer,
        attempt.seq,
      );
      if (health !== null) channels.setHealth(attempt.channelId, health);
    });
  }

  /** Gives up all that waits for a channel. */
  giveUp(channelId: string, at: number): void {
    this.#c.write("Cannot give up deliveries", () =>
      this.#c.sql(
        `UPDATE deliveries SET state = 'dead', ended_at = ? WHERE state = 'queued'
           AND channel_id = ?`,
      ).run(at, channelId));
  }

  /**
   * Gives up what has waited since before `queuedBefore` for a channel that does not work and is over
   * without anybody having been told that it began; returns how many.
   */
  giveUpOver(queuedBefore: number, at: number): number {
    return this.#c.write("Cannot give up what is over", () =>
      this.#c.sql(
        `UPDATE deliveries SET state = 'dead', ended_at = ?1
         WHERE state = 'queued' AND queued_at < ?2
           AND channel_id IN (SELECT id FROM channels WHERE state = 'broken')
           AND notice_id IN (SELECT id FROM notices WHERE kind = 'combined')`,
      ).run(at, queuedBefore));
  }

  /** Has all that waits for a channel tried at once, and what was given up queued again. */
  retry(channelId: string, now: number): number {
    return this.#c.write("Cannot retry deliveries", () =>
      this.#c.sql(
        `UPDATE deliveries SET state = 'queued', next_at = ?1, queued_at = ?1, ended_at = NULL
         WHERE channel_id = ?2 AND state IN ('queued', 'dead')`,
      ).run(now, channelId));
  }

  /** How many deliveries are queued, and since when the oldest of them is. */
  queue(): { length: number; oldest: number | null } {
    const [length, oldest] = this.#c.sql(
      "SELECT count(*), min(queued_at) FROM deliveries WHERE state = 'queued'",
    ).value<[number, number | null]>()!;
    return { length, oldest };
  }

  /** Forgets what is long over. */
  prune(now: number): void {
    this.#c.write("Cannot prune notices", () => {
      const unneeded =
        "NOT EXISTS (SELECT 1 FROM told WHERE deliveries.seq IN (delivery, reminder))";
      this.#c.sql(`DELETE FROM deliveries WHERE ended_at < ? AND ${unneeded}`).run(now - KEPT_MS);
      this.#c.sql(
        `DELETE FROM deliveries WHERE seq IN (SELECT seq FROM deliveries WHERE ended_at IS NOT NULL
           ORDER BY seq DESC LIMIT -1 OFFSET ?) AND ${unneeded}`,
      ).run(KEPT_COUNT);
      this.#c.sql(
        `DELETE FROM notices WHERE NOT EXISTS (
           SELECT 1 FROM deliveries WHERE notice_id = notices.id)`,
      ).run();
      // What was not looked at yet must still be known.
      this.#c.sql(
        `DELETE FROM notified WHERE closed_at < (SELECT looked_at FROM notify_cursor) - ?
           AND NOT EXISTS (SELECT 1 FROM told
           WHERE told.key = notified.key AND told.opened_at = notified.opened_at)`,
      ).run(KNOWN_MS);
    });
  }
}

/** Of a delivery `d` of channel `?1`. */
const FIRST_OF_ITS_PROBLEM = `NOT EXISTS (SELECT 1 FROM deliveries e WHERE e.state = 'queued'
           AND e.channel_id = ?1 AND e.subject = d.subject AND e.seq < d.seq)`;
