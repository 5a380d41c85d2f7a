/**
 * Tells people what is wrong on all hosts. Whom to tell is decided by one hub, which holds a lock for
 * as long as its connection lives; each delivery is sent by the one that wins it. What is told, to
 * whom and how are those of a single host.
 *
 * @module
 */

import { aborted, Alarm, type Clock } from "../clock.ts";
import { newId } from "../core/names.ts";
import { isFailure } from "../failure.ts";
import { HEALTHY, type KeptChannel } from "../store/channels.ts";
import { damageLog, type OnDamage, unlessDamaged } from "../store/damage.ts";
import type { DueDelivery } from "../store/notice_rows.ts";
import { aftermath } from "../notify/aftermath.ts";
import type { Channel, Message, Outcome } from "../notify/channel.ts";
import type { HeartbeatOptions } from "../notify/heartbeat.ts";
import { NoticeBook } from "../notify/notice_book.ts";
import { keptContent } from "../notify/kept_notice.ts";
import { testNotice } from "../notify/notice.ts";
import { Notifier } from "../notify/notifier.ts";
import { openKept } from "../notify/open_kept.ts";
import { type Bucket, fullBucket, takeToken } from "../notify/schedule.ts";
import type { Log } from "../telemetry/log.ts";
import { readAnnouncement } from "./announcements.ts";
import { type Alone, openAlone } from "./database_pool.ts";
import {
  channelNamed,
  type HubChannel,
  listChannels,
  secretsOf,
  setHealth,
  usableChannels,
  type Vaulted,
} from "./hub_channels.ts";
import {
  claimDelivery,
  giveUpUnread,
  pruneNotices,
  readPages,
  recordAttempt,
  unclaim,
  writePages,
} from "./hub_notices.ts";
import { listRules } from "./hub_rules.ts";
import { CHANNEL } from "./hub_writes.ts";
import type { Sql } from "./sql.ts";
import { databaseNow } from "./sql_times.ts";
import { toldProblems } from "./told_problems.ts";

/** What a {@link HubNotifier} works with. */
export interface HubNotifierOptions extends Vaulted {
  /** The database. */
  readonly sql: Sql;
  /** When to look again. */
  readonly clock: Clock;
  /** Where failures are logged. */
  readonly log: Log;
  /** How messages are worded. */
  readonly wording: Pick<Message, "language" | "timeZone" | "baseUrl">;
  /** What requests go through, or null. */
  readonly proxy: URL | null;
  /** Is told what came of each attempt. */
  readonly onAttempt?: (outcome: "delivered" | "retried" | "dead") => void;
}

/** Any number: who holds its lock decides whom to tell. */
const NOTIFY_LOCK = 7_475_018;

/** How often a hub that does not decide asks whether it may, and it is looked at least, milliseconds. */
const LOOK_MS = 5000;

/** A hub that asks nothing for so long stands still, milliseconds: another is to decide then. */
const IDLE_MS = 15_000;

/** Between two looks there is at least this, milliseconds. */
const REST_MS = 100;

/** How often it is looked what is to be sent though nobody said so, milliseconds. */
const SEND_MS = 1000;

/** So many are on their way from one hub at a time, each to another channel. */
const MAX_SENDING = 16;

const PRUNE_MS = 3_600_000;

/** A channel that can't be opened here is left to other hubs for so long, milliseconds. */
const KEYLESS_MS = 60_000;

/** What was not done for so long stands still, milliseconds. */
const STILL_MS = 90_000;

/** Decides, if no other hub does, and sends. */
export class HubNotifier {
  readonly #o: HubNotifierOptions;
  readonly #hub = crypto.randomUUID();
  readonly #sending = new Map<string, Promise<void>>();
  readonly #buckets = new Map<string, Bucket>();
  readonly #full = new Map<string, number>();
  /** When it was last decided, here or elsewhere, and looked what is to be sent. */
  #decidedAt = -Infinity;
  #sentAt = -Infinity;
  /** What can't be read keeps nothing else from being told. */
  readonly #reading: { readonly onDamage: OnDamage };
  readonly #decides = new Alarm();
  readonly #sends = new Alarm();

  /** Nothing runs yet. */
  constructor(options: HubNotifierOptions) {
    this.#o = options;
    this.#reading = { onDamage: damageLog(options.log) };
  }

  /** Asks this for as long as people would be told, and another while they would not; null: nothing. */
  async beat(
    heartbeat: Pick<HeartbeatOptions, "url" | "failUrl"> | null,
    signal: AbortSignal,
  ): Promise<void> {
    if (heartbeat === null) return;
    const { beat } = await import("../notify/heartbeat.ts");
    const { proxy, clock, log } = this.#o;
    await beat({ ...heartbeat, proxy, clock, log, isWell: () => this.moves(), signal });
  }

  /** Whether the database answers it, and it does what it is there for. */
  moves(): boolean {
    return this.#o.clock.monotonic() - Math.min(this.#decidedAt, this.#sentAt) < STILL_MS;
  }

  /** Tells until the signal aborts; never rejects for the database's sake. */
  async run(signal: AbortSignal): Promise<void> {
    const { log, clock } = this.#o;
    const lasting = async (what: string, act: (signal: AbortSignal) => Promise<void>) => {
      let failed = false;
      while (!signal.aborted) {
        try {
          await act(signal);
          failed = false;
        } catch (error) {
          if (signal.aborted) return;
          if (!failed) log.error(what, { error });
          failed = true;
          await clock.sleep(LOOK_MS, signal);
        }
      }
    };
    await Promise.all([
      lasting("cannot see what is to be told", (signal) => this.#decide(signal)),
      lasting("cannot see what is to be sent", (signal) => this.#deliver(signal)),
    ]);
    await Promise.all(this.#sending.values());
  }

  /** Sends a test past the queue, and says what came of it; where it arrives, what waits goes on. */
  async test(name: string, { signal }: { signal: AbortSignal }): Promise<Outcome> {
    const { sql, wording } = this.#o;
    const channel = await channelNamed(sql, name);
    const open = await this.#open(channel);
    const content = testNotice(await databaseNow(sql), null);
    const outcome = await open.send({ id: `msg_test_${newId()}`, content, ...wording }, { signal });
    if (outcome.result === "delivered" && channel.state !== "ok") {
      await setHealth(sql, channel.id, HEALTHY);
    }
    return outcome;
  }

  /** Decides for as long as this hub is the one that does. */
  async #decide(signal: AbortSignal): Promise<void> {
    const { sql, clock } = this.#o;
    await using held = openAlone(sql, (text) => {
      const problems = readAnnouncement(text)?.problems ?? null;
      if (problems === null || problems.length > 0) this.#decides.ring();
    }, { idleMs: IDLE_MS });
    const either = AbortSignal.any([signal, held.lost]);
    while (!signal.aborted) {
      const [{ mine }] = await held.sql<[{ mine: boolean }]>`
        SELECT pg_try_advisory_lock(${NOTIFY_LOCK}) AS mine`;
      if (mine) break;
      this.#decidedAt = clock.monotonic();
      await clock.sleep(LOOK_MS, either);
      held.lost.throwIfAborted();
    }
    if (signal.aborted) return;
    await held.sql`LISTEN ${held.sql(CHANNEL)}`;
    await this.#decideWith(held, signal);
  }

  async #decideWith({ sql: held, lost }: Alone, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#o;
    const either = AbortSignal.any([signal, lost]);
    log.info("this hub notifies");
    const step = this.#stepper(held);
    let prunedAt = -Infinity;
    while (!signal.aborted) {
      // Over another connection this hub would decide though it does not hold the lock.
      lost.throwIfAborted();
      const rung = this.#decides.set();
      const waitMs = await step();
      this.#decidedAt = clock.monotonic();
      this.#sends.ring();
      if (clock.monotonic() - prunedAt >= PRUNE_MS) {
        await pruneNotices(held, await databaseNow(held));
        prunedAt = clock.monotonic();
      }
      // However many hosts there are of which something changes: a look reads all that is wrong.
      await clock.sleep(REST_MS, either);
      const left = Math.min(LOOK_MS, waitMs ?? LOOK_MS) - REST_MS;
      if (left > 0) {
        await clock.sleep(left, AbortSignal.any([either, rung]));
      }
    }
  }

  /** Does a step in one transaction; says when to do the next, milliseconds, or null. */
  #stepper(held: Sql): () => Promise<number | null> {
    const { wording: { language }, clock } = this.#o;
    const reading = this.#reading;
    let now = 0;
    let book: NoticeBook;
    let sending: ReadonlySet<number>;
    let channels: readonly KeptChannel[];
    let rules: Awaited<ReturnType<typeof listRules>>;
    let told: Awaited<ReturnType<typeof toldProblems>>;
    // One for all steps: it remembers what came together.
    const notifier = new Notifier({
      store: {
        channels: {
          any: () => channels.length > 0,
          list: () => [...channels],
          rules: () => rules,
        },
        get notices() {
          return book;
        },
      },
      problems: () => told.problems,
      names: {
        workload: (id) => told.names.workload(id),
        row: (id) => told.names.row(id),
        host: (problem) => told.names.host!(problem),
      },
      clock: { ...clock, now: () => now },
      ...{ host: null, account: () => null, language },
      isSending: (seq) => sending.has(seq),
      isAllSilent: () => told.allSilent,
      ...reading,
    });
    return async () => {
      await held`BEGIN`;
      try {
        now = await databaseNow(held);
        channels = await usableChannels(held, { now, ...reading });
        rules = await listRules(held, reading);
        if (channels.length === 0) {
          await held`COMMIT`;
          return null;
        }
        const pages = await readPages(held);
        ({ sending } = pages);
        book = new NoticeBook(pages);
        told = await toldProblems(held, { since: pages.lookedAt ?? now, now, ...reading });
        const next = notifier.step();
        await writePages(held, book.changes());
        await held`COMMIT`;
        return next === null ? null : next - now;
      } catch (error) {
        await held`ROLLBACK`.catch(() => {});
        throw error;
      }
    };
  }

  async #deliver(signal: AbortSignal): Promise<void> {
    const { sql, clock } = this.#o;
    while (!signal.aborted) {
      const rung = this.#sends.set();
      while (this.#sending.size < MAX_SENDING) {
        const now = clock.now();
        const busy = [...this.#sending.keys()];
        // Those that were sent as much as they may be have their turn later.
        for (const [id, until] of this.#full) if (until > now) busy.push(id);
        const due = await claimDelivery(sql, { hub: this.#hub, busy });
        if (due === null) break;
        const sent = this.#attempt(due, signal).finally(() => {
          this.#sending.delete(due.channelId);
          this.#sends.ring();
        });
        this.#sending.set(due.channelId, sent);
      }
      this.#sentAt = clock.monotonic();
      await clock.sleep(SEND_MS, AbortSignal.any([signal, rung]));
    }
  }

  /** Never rejects: what fails is tried again, by whoever wins it next. */
  async #attempt(due: DueDelivery, signal: AbortSignal): Promise<void> {
    const { sql, log, wording } = this.#o;
    const { seq, channelId } = due;
    const hub = this.#hub;
    try {
      const reading = this.#reading;
      const channel = (await listChannels(sql, reading)).find(({ id }) => id === channelId);
      // Removed meanwhile: its deliveries are gone too.
      if (channel === undefined) return;
      const content = unlessDamaged(() => keptContent(due), null, reading);
      if (content === null) return await giveUpUnread(sql, { seq, hub });
      // Not before it can be: as of then no hub wins what is for it.
      if (channel.state !== "ok") return await unclaim(sql, { seq, hub });
      const open = await this.#open(channel);
      if (this.#isFull(channelId, open)) return await unclaim(sql, { seq, hub });
      let outcome: Outcome;
      try {
        outcome = await open.send({ id: due.noticeId, content, ...wording }, { signal });
      } catch (error) {
        if (!signal.aborted) throw error;
        return await unclaim(sql, { seq, hub });
      }
      await this.#record(channel, due, outcome);
    } catch (error) {
      // It is sent again with the same id, once the claim is over.
      log.error("a notification could not be sent", { error });
      if (isFailure(error, "hub-database")) {
        // Other hubs have the key of its channel.
        this.#full.set(channelId, this.#o.clock.now() + KEYLESS_MS);
        await unclaim(sql, { seq, hub }).catch(() => {});
      }
      await Promise.race([this.#o.clock.sleep(SEND_MS, signal), aborted(signal)]);
    }
  }

  async #record(channel: HubChannel, due: DueDelivery, outcome: Outcome): Promise<void> {
    const { sql, log } = this.#o;
    const now = await databaseNow(sql);
    const { attempt, health, givesUp, counts } = aftermath(outcome, {
      ...{ channel, due, now, random: Math.random() },
    });
    if (outcome.result !== "delivered") {
      const { status, cause, answer } = outcome;
      const told = { channel: channel.name, status, cause, answer };
      if (outcome.result !== "retry") log.warn("a channel does not work", told);
      else if (due.attempts === 0) log.warn("a notification did not arrive", told);
    }
    const { seq, channelId } = due;
    const { revision } = channel;
    await recordAttempt(sql, { seq, channelId, ...attempt }, {
      ...{ hub: this.#hub, revision, health, givesUp },
    });
    this.#o.onAttempt?.(counts);
  }

  #isFull(channelId: string, { rate }: Channel): boolean {
    const now = this.#o.clock.now();
    const before = this.#buckets.get(channelId) ?? fullBucket(rate, { now });
    const { bucket, waitMs } = takeToken(before, rate, { now });
    this.#buckets.set(channelId, bucket);
    this.#full.set(channelId, now + waitMs);
    return waitMs > 0;
  }

  async #open(channel: KeptChannel): Promise<Channel> {
    const { sql, clock, proxy } = this.#o;
    const secrets = await secretsOf(sql, channel.id, this.#o);
    return await openKept(channel, { secrets, clock, proxy });
  }
}
