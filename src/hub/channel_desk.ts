/**
 * What people ask of a hub about where they are told: takes channels in, tries them, shows what became
 * of what was told. Shows nothing secret of them.
 *
 * @module
 */

import type { Severity } from "../model/problem.ts";
import { type AskedChannel, takeInChannel } from "../notify/asked_channel.ts";
import type { Outcome } from "../notify/channel.ts";
import { HEALTHY, type KeptChannel } from "../store/channels.ts";
import type { DeliveryState, KeptDelivery } from "../store/notice_rows.ts";
import {
  addChannel,
  channelNamed,
  listChannels,
  removeChannel,
  setHealth,
} from "./hub_channels.ts";
import { listDeliveries, retryDeliveries } from "./hub_notices.ts";
import type { HubNotifier } from "./hub_notifier.ts";
import type { Sql } from "./sql.ts";

/** Over one database. */
export class ChannelDesk {
  readonly #sql: Sql;
  readonly #notifier: Pick<HubNotifier, "test">;

  /** `notifier` sends the tests. */
  constructor(sql: Sql, { notifier }: { notifier: Pick<HubNotifier, "test"> }) {
    this.#sql = sql;
    this.#notifier = notifier;
  }

  /** Every channel, the oldest first. */
  list(): Promise<KeptChannel[]> {
    return listChannels(this.#sql);
  }

  /**
   * Adds one.
   *
   * @throws {Failure} `invalid`, `conflict`
   */
  async add(
    { name, minSeverity, remindAfterMs, ...asked }: AskedChannel & {
      readonly name: string;
      readonly minSeverity: Severity;
      readonly remindAfterMs: number | null;
    },
  ): Promise<KeptChannel> {
    const { type, config, secrets } = await takeInChannel(asked);
    const told = { kinds: null, minSeverity, remindAfterMs };
    return await addChannel(this.#sql, { name, type, config: { ...config }, secrets, ...told });
  }

  /**
   * Removes one; as it was.
   *
   * @throws {Failure} `not-found`
   */
  remove(nameOrId: string): Promise<KeptChannel> {
    return removeChannel(this.#sql, nameOrId);
  }

  /**
   * Sends a test past the queue, and says what came of it.
   *
   * @throws {Failure} `not-found`
   */
  test(nameOrId: string): Promise<Outcome> {
    const { signal } = new AbortController();
    return this.#notifier.test(nameOrId, { signal });
  }

  /**
   * Has all that waits for it, or was given up, tried now; how many those are.
   *
   * @throws {Failure} `not-found`
   */
  async retry(nameOrId: string): Promise<number> {
    const { id } = await channelNamed(this.#sql, nameOrId);
    await setHealth(this.#sql, id, HEALTHY);
    return await retryDeliveries(this.#sql, { channelId: id, now: Date.now() });
  }

  /**
   * Deliveries, the newest first.
   *
   * @throws {Failure} `not-found`
   */
  async deliveries(
    { channel, state, limit }: { channel?: string; state?: DeliveryState; limit: number },
  ): Promise<KeptDelivery[]> {
    return await listDeliveries(this.#sql, {
      ...channel !== undefined && { channelId: (await channelNamed(this.#sql, channel)).id },
      ...state !== undefined && { state },
      limit,
    });
  }
}
