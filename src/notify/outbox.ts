/**
 * The sending loop: one delivery of each channel at a time, in order, as fast as the channel may be
 * sent to; so a receiver that hangs delays no other, and of ten thousand deliveries that wait one is
 * in memory. Must not decide what is told.
 *
 * @module
 */

import { aborted, Alarm, type Clock } from "../clock.ts";
import type { KeptChannel } from "../store/channels.ts";
import { type OnDamage, unlessDamaged } from "../store/damage.ts";
import { type DueDelivery, UNREADABLE } from "../store/notice_rows.ts";
import type { Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import { aftermath } from "./aftermath.ts";
import type { Channel, Message, Outcome } from "./channel.ts";
import { keptContent } from "./kept_notice.ts";
import { type Bucket, fullBucket, takeToken } from "./schedule.ts";

/** What an {@link Outbox} works with. */
export interface OutboxOptions {
  /** Channels and deliveries. */
  readonly store: Pick<Store, "channels" | "notices">;
  /** Opens a channel with its secrets. */
  readonly open: (channel: KeptChannel) => Promise<Channel>;
  /** How messages are worded. */
  readonly wording: Pick<Message, "language" | "timeZone" | "baseUrl">;
  /** The time. */
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Where failures are logged. */
  readonly log: Log;
  /** Is told of what can't be read, without which everything else is sent. */
  readonly onDamage: OnDamage;
  /** Is told what came of each attempt. Must not throw. */
  readonly onAttempt: (outcome: "delivered" | "retried" | "dead") => void;
}

/** It looks at least so often, milliseconds, by which it is seen to move. */
const PULSE_MS = 30_000;

/** After a failed look it looks again, milliseconds. */
const AGAIN_MS = 1000;

/** After this without a look it does not move, milliseconds. */
const STILL_MS = 90_000;

/** Sends what is queued. */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #open = new Map<string, Channel>();
  readonly #buckets = new Map<string, Bucket>();
  /** Channel → the delivery that is on its way to it. */
  readonly #sending = new Map<string, { seq: number; ended: Promise<void> }>();
  readonly #alarm = new Alarm();
  #lookedAt: number | null = null;

  /** Over these; sends nothing before it runs. */
  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Whether a delivery is on its way at this moment. */
  isSending(seq: number): boolean {
    return [...this.#sending.values()].some((sending) => sending.seq === seq);
  }

  /** How many deliveries are on their way. */
  get sending(): number {
    return this.#sending.size;
  }

  /** Whether the loop turns. */
  moves(): boolean {
    return this.#lookedAt !== null &&
      this.#options.clock.monotonic() - this.#lookedAt < STILL_MS;
  }

  /** Something was queued, or a channel changed. */
  wake(): void {
    this.#alarm.ring();
  }

  /** Forgets what is open of a channel whose settings or secrets are others now, or gone. */
  forget(channelId: string): void {
    this.#open.delete(channelId);
    this.#buckets.delete(channelId);
    this.wake();
  }

  /** Sends until the signal aborts; what is on its way then is sent again after the next start. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      const rung = this.#alarm.set();
      let next: number;
      try {
        next = this.#start(signal);
        this.#lookedAt = clock.monotonic();
      } catch (error) {
        log.error("cannot see what is to be sent", { error });
        next = clock.now() + AGAIN_MS;
      }
      const woken = AbortSignal.any([signal, rung]);
      await clock.sleep(Math.max(0, Math.min(PULSE_MS, next - clock.now())), woken);
    }
    await Promise.all([...this.#sending.values()].map(({ ended }) => ended));
  }

  /** Starts whatever may be sent now; returns when something else may be. */
  #start(signal: AbortSignal): number {
    const { store: { channels, notices }, clock } = this.#options;
    const now = clock.now();
    let next = Infinity;
    for (const channel of channels.list(this.#options)) {
      if (channel.state !== "ok" || this.#sending.has(channel.id)) continue;
      const due = channel.notBefore > now ? undefined : notices.due(channel.id, now);
      if (due === undefined) {
        const at = notices.nextAt(channel.id);
        if (at !== null) next = Math.min(next, Math.max(at, channel.notBefore));
        continue;
      }
      const waitMs = this.#wait(channel.id, now);
      if (waitMs > 0) {
        next = Math.min(next, now + waitMs);
        continue;
      }
      const ended = this.#send(channel, due, signal).finally(() => {
        this.#sending.delete(channel.id);
        this.wake();
      });
      this.#sending.set(channel.id, { seq: due.seq, ended });
    }
    return next;
  }

  /** Takes the right to send one message; returns how long to wait for it, milliseconds. */
  #wait(channelId: string, now: number): number {
    const rate = this.#open.get(channelId)?.rate;
    // Not open yet: the first message of this run.
    if (rate === undefined) return 0;
    const before = this.#buckets.get(channelId) ?? fullBucket(rate, { now });
    const { bucket, waitMs } = takeToken(before, rate, { now });
    this.#buckets.set(channelId, bucket);
    return waitMs;
  }

  async #send(channel: KeptChannel, due: DueDelivery, signal: AbortSignal): Promise<void> {
    const { log, wording } = this.#options;
    let outcome: Outcome;
    let open: Channel | undefined;
    const content = unlessDamaged(() => keptContent(due), null, this.#options);
    if (content === null) return this.#giveUp(channel.id, due);
    try {
      open = this.#open.get(channel.id) ?? await this.#options.open(channel);
      this.#open.set(channel.id, open);
      outcome = await open.send({ id: due.noticeId, content, ...wording }, { signal });
    } catch (error) {
      if (signal.aborted) return;
      log.error("a notification could not be sent", { channel: channel.name, error });
      outcome = {
        result: "retry",
        status: null,
        answer: "a fault of this program; its log says more",
        cause: "settings",
        retryAfterMs: null,
      };
    }
    // What another address or secret was answered says nothing of the one that there is now.
    if (outcome.result !== "delivered" && this.#open.get(channel.id) !== open) return;
    try {
      this.#record(channel.id, due, outcome);
    } catch (error) {
      // It is sent again, with the same id.
      log.error("what came of a notification could not be kept", { channel: channel.name, error });
      await Promise.race([this.#options.clock.sleep(1000, signal), aborted(signal)]);
    }
  }

  /** Says nothing of the channel; it stays known that there was something. */
  #giveUp(channelId: string, { seq }: DueDelivery): void {
    const { store: { channels, notices }, clock, onAttempt } = this.#options;
    const now = clock.now();
    const told = { state: "dead", nextAt: now, endedAt: now, status: null } as const;
    notices.record(channels, { seq, channelId, ...told, answer: UNREADABLE }, null);
    onAttempt("dead");
  }

  #record(channelId: string, due: DueDelivery, outcome: Outcome): void {
    const { store: { channels, notices }, clock, log, onAttempt } = this.#options;
    const now = clock.now();
    const channel = channels.find(channelId, this.#options);
    // Removed meanwhile: its deliveries are gone too.
    if (channel === undefined) return;
    const { seq, attempts } = due;
    const { attempt, health, givesUp, counts } = aftermath(outcome, {
      ...{ channel, due, now, random: this.#options.random() },
    });
    if (outcome.result !== "delivered") {
      const { status, cause, answer } = outcome;
      const told = { channel: channel.name, status, cause, answer };
      if (outcome.result === "gone") log.warn("a channel wants nothing any more", told);
      else if (outcome.result === "broken") log.warn("a channel does not work", told);
      else if (attempts === 0) log.warn("a notification did not arrive", told);
    }
    notices.record(channels, { seq, channelId, ...attempt }, health);
    if (givesUp) notices.giveUp(channelId, now);
    onAttempt(counts);
  }
}
