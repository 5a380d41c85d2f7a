/**
 * Notifications at work: the notifier, the outbox, and what people ask of channels. Loaded when there
 * is a channel; must not be loaded before.
 *
 * @module
 */

import { endOf } from "../bytes.ts";
import { Alarm, type Clock } from "../clock.ts";
import { newId } from "../core/names.ts";
import type { Problem } from "../model/problem.ts";
import type { RestartAccount } from "../model/restart.ts";
import { othersTurn } from "../http/body.ts";
import { HEALTHY, type KeptChannel } from "../store/channels.ts";
import { damageLog, type OnDamage } from "../store/damage.ts";
import type { Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import type { Channel, Message, Outcome } from "./channel.ts";
import { testNotice } from "./notice.ts";
import { Notifier } from "./notifier.ts";
import { openKept } from "./open_kept.ts";
import { Outbox } from "./outbox.ts";
import { GIVE_UP_MS } from "./schedule.ts";
import type { SecretFile } from "./secret_file.ts";
import type { Names } from "./told_problem.ts";

/** What {@link Notifications} work with. */
export interface NotificationsOptions {
  /** Channels, rules and the outbox. */
  readonly store: Pick<Store, "channels" | "notices">;
  /** What nobody is shown of channels. */
  readonly secrets: SecretFile;
  /** Problems that are not closed, and those that closed at or after a time. */
  readonly problems: (since: number) => readonly Problem[];
  /** What things are called. */
  readonly names: Names;
  /** What this host is called, or null. */
  readonly host: string | null;
  /** The account of the last restart, or null. */
  readonly account: () => RestartAccount | null;
  /** The time. */
  readonly clock: Clock;
  /** Where failures are logged. */
  readonly log: Log;
  /** Is told of what can't be read; by default it is logged. */
  readonly onDamage?: OnDamage;
  /** How messages are worded. */
  readonly wording: Pick<Message, "language" | "timeZone" | "baseUrl">;
  /** What requests go through, or null. */
  readonly proxy: URL | null;
  /** Whether somebody else tells what begins now. */
  readonly isQuiet?: () => boolean;
  /** Whether nobody wants to hear of anything now. */
  readonly isAllSilent?: () => boolean;
  /** Is told what came of each attempt. */
  readonly onAttempt: (outcome: "delivered" | "retried" | "dead") => void;
  /** From 0 to 1. */
  readonly random?: () => number;
}

/** After a failed look it is looked again, milliseconds. */
const AGAIN_MS = 1000;

/** It is looked at least so often, milliseconds. */
const LOOK_MS = 60_000;

const PRUNE_MS = 3_600_000;

/** Of so many problems a step takes long enough to let others go first. */
const MANY = 100;

/** The loops and what people ask of them. */
export class Notifications {
  readonly #options: NotificationsOptions;
  readonly #onDamage: OnDamage;
  readonly #outbox: Outbox;
  readonly #notifier: Notifier;
  readonly #alarm = new Alarm();
  #dirty = true;
  #looking = false;

  /** Over these; nothing runs yet. */
  constructor(options: NotificationsOptions) {
    this.#options = options;
    const { store, clock, log, wording, random = Math.random } = options;
    const onDamage = this.#onDamage = options.onDamage ?? damageLog(log);
    this.#outbox = new Outbox({
      ...{ store, clock, log, wording, random, onDamage },
      open: (channel) => this.#open(channel),
      onAttempt: (outcome) => {
        options.onAttempt(outcome);
        this.wake();
      },
    });
    this.#notifier = new Notifier({
      ...{ store, clock, problems: options.problems, names: options.names, onDamage },
      ...{ host: options.host, account: options.account, language: wording.language },
      isSending: (seq) => this.#outbox.isSending(seq),
      ...options.isQuiet !== undefined && { isQuiet: options.isQuiet },
      ...options.isAllSilent !== undefined && { isAllSilent: options.isAllSilent },
    });
  }

  /** How many deliveries are on their way; a look that takes long counts, too. */
  get underWay(): number {
    return this.#outbox.sending + (this.#looking ? 1 : 0);
  }

  /** Whether the outbox's loop turns. */
  moves(): boolean {
    return this.#outbox.moves();
  }

  /** Problems changed, or what came of a delivery is known. */
  wake(): void {
    this.#dirty = true;
    this.#alarm.ring();
  }

  /** A channel was made, changed or removed. */
  changed(channelId: string): void {
    this.#outbox.forget(channelId);
    this.wake();
  }

  /** Looks and sends until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#outbox.run(signal), this.#look(signal)]);
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { clock, log, store } = this.#options;
    let prunedAt = -Infinity;
    while (!signal.aborted) {
      const rung = this.#alarm.set();
      this.#dirty = false;
      let next: number | null;
      try {
        this.#keepBroken();
        next = await this.#step();
        if (clock.monotonic() - prunedAt >= PRUNE_MS) {
          // Months of it would come at once when the channel is mended; what lasts goes on waiting.
          store.notices.giveUpOver(clock.now() - GIVE_UP_MS, clock.now());
          store.notices.prune(clock.now());
          prunedAt = clock.monotonic();
        }
      } catch (error) {
        log.error("cannot see what is to be told", { error });
        next = clock.now() + AGAIN_MS;
      }
      this.#outbox.wake();
      if (this.#dirty) continue;
      const wait = next === null ? LOOK_MS : Math.min(LOOK_MS, Math.max(1, next - clock.now()));
      await clock.sleep(wait, AbortSignal.any([signal, rung]));
    }
  }

  /** A channel that can't be read is broken since that was seen: until somebody mends it. */
  #keepBroken(): void {
    const { store: { channels }, clock } = this.#options;
    for (const channel of channels.list({ onDamage: this.#onDamage })) {
      if (channel.state !== "broken" || channel.since !== null) continue;
      channels.setHealth(channel.id, { ...channel, since: clock.now() });
    }
  }

  /** Others get their turn where there is much to look at. */
  #step(): Promise<number | null> {
    return endOf(this.#notifier.steps(), async (count) => {
      if (count <= MANY) return;
      this.#looking = true;
      await othersTurn();
      this.#looking = false;
    });
  }

  async #open(channel: KeptChannel): Promise<Channel> {
    const { secrets, clock, proxy } = this.#options;
    return await openKept(channel, { secrets: await secrets.get(channel.id), clock, proxy });
  }

  /** Sends a test past the queue, and says what came of it; where it arrives, what waits goes on. */
  async test(channel: KeptChannel, { signal }: { signal: AbortSignal }): Promise<Outcome> {
    const { clock, store, wording } = this.#options;
    const open = await this.#open(channel);
    const content = testNotice(clock.now(), this.#options.host);
    const outcome = await open.send({ id: `msg_test_${newId()}`, content, ...wording }, { signal });
    if (outcome.result === "delivered" && channel.state !== "ok") {
      store.channels.setHealth(channel.id, HEALTHY);
      this.changed(channel.id);
    }
    return outcome;
  }

  /** Has all that waits for a channel, or was given up, tried now; returns how many those are. */
  retry(channel: KeptChannel): number {
    const { clock, store } = this.#options;
    store.channels.setHealth(channel.id, HEALTHY);
    const count = store.notices.retry(channel.id, clock.now());
    this.changed(channel.id);
    return count;
  }
}
