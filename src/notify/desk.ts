/**
 * Where the rest of the program meets notifications. Holds what is light; whatever sends is loaded
 * when there is a channel or somebody asks for one, because most hosts have none at first.
 *
 * @module
 */

import { aborted, Alarm, type Clock } from "../clock.ts";
import type { Feed } from "../feed.ts";
import type { Problem } from "../model/problem.ts";
import type { RestartAccount } from "../model/restart.ts";
import type { Written } from "../model/written.ts";
import type { KeptChannel } from "../store/channels.ts";
import type { OnDamage } from "../store/damage.ts";
import type { Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import {
  type AskedChannel,
  type ChangedChannel,
  takeInAgain,
  takeInChannel,
} from "./asked_channel.ts";
import type { ChannelSettings, Message, Outcome } from "./channel.ts";
import type { Notifications } from "./notifications.ts";
import { SecretFile } from "./secret_file.ts";

/** What a {@link NotifyDesk} works with. */
export interface DeskOptions {
  /** The index. */
  readonly store: Store;
  /** Says when problems changed. */
  readonly feed: Feed<Written>;
  /** Where secrets are kept. */
  readonly secretsPath: string;
  /** Problems that are not closed, and those that closed at or after a time. */
  readonly problems: (since: number) => readonly Problem[];
  /** The time. */
  readonly clock: Clock;
  /** Where failures are logged. */
  readonly log: Log;
  /** Is told of what can't be read and is left out. */
  readonly onDamage: OnDamage;
  /** What this host is called, or null. */
  readonly host: string | null;
  /** The account of the last restart, or null. */
  readonly account: () => RestartAccount | null;
  /** Whether nobody wants to hear of anything now. */
  readonly isAllSilent: () => boolean;
  /** How messages are worded. */
  readonly wording: Pick<Message, "language" | "baseUrl">;
  /** What requests go through, or null. */
  readonly proxy: URL | null;
  /** Asked while all is well, and while it is not; null: nothing is asked. */
  readonly heartbeat: { readonly url: URL; readonly failUrl: URL | null } | null;
  /** Whether the last full pass is fresh. */
  readonly isFresh: () => boolean;
  /** Is told what came of each attempt. */
  readonly onAttempt: (outcome: "delivered" | "retried" | "dead") => void;
}

/** Takes channels in, and runs what tells them. */
export class NotifyDesk {
  readonly #options: DeskOptions;
  readonly #secrets: SecretFile;
  #notifications: Promise<Notifications> | null = null;
  #running: Notifications | null = null;
  readonly #alarm = new Alarm();
  #hushed = false;

  /** Loads nothing yet. */
  constructor(options: DeskOptions) {
    this.#options = options;
    this.#secrets = new SecretFile(options.secretsPath);
  }

  /**
   * What a channel's URL stands for, what may be shown parted from what may not.
   *
   * @throws {Failure} `invalid`; its message holds no more of the URL than its scheme.
   */
  async takeIn(asked: AskedChannel): Promise<ChannelSettings> {
    return await takeInChannel(asked);
  }

  /**
   * Takes in what changes of where a channel is: another address with its secrets, or another secret.
   * The secrets are on disk when it resolves; `undo` brings back those of before.
   *
   * @throws {Failure} `invalid`, as {@linkcode NotifyDesk.takeIn}.
   */
  async takeInAgain(
    channel: KeptChannel,
    asked: ChangedChannel,
  ): Promise<{ settings: Pick<ChannelSettings, "type" | "config">; undo: () => Promise<void> }> {
    const before = await this.#secrets.get(channel.id);
    const { type, config } = channel;
    const settings = await takeInAgain({ type, config, before }, asked);
    await this.#secrets.set(channel.id, settings.secrets);
    return { settings, undo: () => this.#secrets.set(channel.id, before) };
  }

  /** Keeps the secrets of a channel, on disk when it resolves; null forgets them. */
  async keep(channelId: string, secrets: ChannelSettings["secrets"] | null): Promise<void> {
    await this.#secrets.set(channelId, secrets);
  }

  /** A channel was made, changed or removed. */
  changed(channelId: string): void {
    this.#running?.changed(channelId);
    this.#alarm.ring();
  }

  /** Whether somebody else tells what begins from now on; what was told here is ended here. */
  hush(hushed: boolean): void {
    if (this.#hushed === hushed) return;
    this.#hushed = hushed;
    this.#running?.wake();
  }

  /** Sends a test past the queue, and says what came of it. */
  async test(channel: KeptChannel, options: { signal: AbortSignal }): Promise<Outcome> {
    return await (await this.#load()).test(channel, options);
  }

  /** Has all that waits for a channel, or was given up, tried now; returns how many those are. */
  async retry(channel: KeptChannel): Promise<number> {
    return (await this.#load()).retry(channel);
  }

  /** Tells until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#tell(signal), this.#beat(signal)]);
  }

  async #tell(signal: AbortSignal): Promise<void> {
    const { feed, store } = this.#options;
    while (!signal.aborted && !store.channels.any()) {
      const rung = this.#alarm.set();
      // Not AbortSignal.any: nothing would hold that, and what was collected never fires.
      await Promise.race([aborted(signal), aborted(rung)]);
    }
    if (signal.aborted) return;
    const notifications = this.#running = await this.#load();
    const follow = async () => {
      while (!signal.aborted) {
        const subscription = feed.subscribe({ signal });
        for await (const { data } of subscription) {
          if (data.problems !== undefined) notifications.wake();
        }
        if (subscription.ended !== "dropped") return;
        notifications.wake();
      }
    };
    await Promise.all([follow(), notifications.run(signal)]);
  }

  async #beat(signal: AbortSignal): Promise<void> {
    const { heartbeat, proxy, clock, log, isFresh } = this.#options;
    if (heartbeat === null) return;
    const { beat } = await import("./heartbeat.ts");
    const isWell = () => isFresh() && (this.#running?.moves() ?? true);
    await beat({ ...heartbeat, proxy, clock, log, isWell, signal });
  }

  #load(): Promise<Notifications> {
    this.#notifications ??= (async () => {
      const { Notifications } = await import("./notifications.ts");
      const { rowName } = await import("./told_problem.ts");
      const { store, problems, host, account, clock, log, wording, proxy } = this.#options;
      const { onAttempt, isAllSilent, onDamage } = this.#options;
      const isQuiet = () => this.#hushed;
      return new Notifications({
        ...{ store, problems, host, account, clock, log, proxy, isQuiet, isAllSilent, onAttempt },
        onDamage,
        secrets: this.#secrets,
        wording: { ...wording, timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone },
        names: {
          workload: (id) => store.workloads.get(id)?.name ?? null,
          row: (id) => {
            const row = store.containers.index().row(id);
            return row === undefined ? null : rowName(row);
          },
        },
      });
    })();
    return this.#notifications;
  }
}
