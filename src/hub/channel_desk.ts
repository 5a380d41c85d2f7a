/**
 * What people ask of a hub about where they are told, and who of what: takes channels and rules in,
 * tries them, shows what became of what was told. Shows nothing secret of them.
 *
 * @module
 */

import { type AskedChannel, takeInAgain, takeInChannel } from "../notify/asked_channel.ts";
import type { Outcome } from "../notify/channel.ts";
import { HEALTHY, type KeptChannel, type KeptRule } from "../store/channels.ts";
import { LEFT_OUT } from "../store/damage.ts";
import type { DeliveryState, ListedDelivery } from "../store/notice_rows.ts";
import {
  addChannel,
  channelIds,
  channelNamed,
  listChannels,
  removeChannel,
  setHealth,
  updateChannel,
  type Vaulted,
} from "./hub_channels.ts";
import { listDeliveries, retryDeliveries } from "./hub_notices.ts";
import type { HubNotifier } from "./hub_notifier.ts";
import { addRule, listRules, type NewRule, removeRule, updateRule } from "./hub_rules.ts";
import { requireHosts, requireWorkloads } from "./known_names.ts";
import type { Sql } from "./sql.ts";
import { databaseNow } from "./sql_times.ts";

/** A channel as it is asked for. */
export interface NewChannel extends AskedChannel {
  /** What people call it. */
  readonly name: string;
  /** Name or id of the channel that stands in for it, or null. */
  readonly fallback: string | null;
}

/** What changes of one; what is absent, or null for an address, stays. */
export interface ChannelChanges extends Partial<Omit<NewChannel, "url">> {
  /** Another address. */
  readonly url?: string | null;
}

/** Over one database. */
export class ChannelDesk {
  readonly #sql: Sql;
  readonly #notifier: Pick<HubNotifier, "test">;
  readonly #vault: Vaulted;

  /** `notifier` sends the tests. */
  constructor(
    sql: Sql,
    { notifier, ...vault }: Vaulted & { notifier: Pick<HubNotifier, "test"> },
  ) {
    this.#sql = sql;
    this.#notifier = notifier;
    this.#vault = vault;
  }

  /** Every channel, the oldest first. */
  list(): Promise<KeptChannel[]> {
    return listChannels(this.#sql);
  }

  /**
   * Adds one with the rule that says what it is told.
   *
   * @throws {Failure} `invalid`, `conflict`, `not-found`
   */
  async add(
    { name, fallback, ...asked }: NewChannel,
    rule: Omit<NewRule, "channels">,
  ): Promise<KeptChannel> {
    await this.#requireKnown(rule);
    const { type, config, secrets } = await takeInChannel(asked);
    const fallbackId = await this.#idOf(fallback);
    const channel = { name, type, config: { ...config }, secrets, fallbackId };
    return await addChannel(this.#sql, channel, { rule, ...this.#vault });
  }

  /**
   * Changes one; another address, secret or permission has one that did not work tried anew.
   *
   * @throws {Failure} `invalid`, `conflict`, `not-found`
   */
  async update(
    nameOrId: string,
    { name, url = null, secret = null, allowLoopback, fallback }: ChannelChanges,
  ): Promise<KeptChannel> {
    const moves = url !== null || secret !== null || allowLoopback !== undefined;
    return await updateChannel(this.#sql, nameOrId, {
      ...this.#vault,
      ...(name !== undefined && { name }),
      ...(fallback !== undefined && { fallbackId: await this.#idOf(fallback) }),
      ...(moves && {
        moves: url !== null,
        settings: ({ secrets: before, ...channel }) =>
          takeInAgain({ ...channel, before }, { url, secret, allowLoopback }),
      }),
    });
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
    const now = await databaseNow(this.#sql);
    return await retryDeliveries(this.#sql, { channelId: id, now });
  }

  /**
   * Deliveries, the newest first.
   *
   * @throws {Failure} `not-found`
   */
  async deliveries(
    { channel, state, limit }: { channel?: string; state?: DeliveryState; limit: number },
  ): Promise<ListedDelivery[]> {
    return await listDeliveries(this.#sql, {
      ...channel !== undefined &&
        { channelId: (await channelNamed(this.#sql, channel, LEFT_OUT)).id },
      ...state !== undefined && { state },
      limit,
    });
  }

  /** Every rule, the oldest first. */
  rules(): Promise<KeptRule[]> {
    return listRules(this.#sql);
  }

  /**
   * Makes one, of hosts, workloads and channels that there are.
   *
   * @throws {Failure} `not-found`
   */
  async addRule(asked: NewRule): Promise<KeptRule> {
    return await addRule(this.#sql, { ...asked, ...await this.#known(asked) });
  }

  /**
   * Changes one; the same.
   *
   * @throws {Failure} `not-found`
   */
  async updateRule(id: string, changes: Partial<NewRule>): Promise<KeptRule> {
    return await updateRule(this.#sql, id, { ...changes, ...await this.#known(changes) });
  }

  /**
   * Removes one.
   *
   * @throws {Failure} `not-found`
   */
  removeRule(id: string): Promise<void> {
    return removeRule(this.#sql, id);
  }

  async #known(rule: Partial<NewRule>): Promise<Partial<NewRule>> {
    await this.#requireKnown(rule);
    const { channels } = rule;
    if (channels === undefined || channels === null) return {};
    return { channels: await channelIds(this.#sql, channels) };
  }

  async #requireKnown({ hosts, workloads }: Partial<NewRule>): Promise<void> {
    await requireHosts(this.#sql, hosts ?? [], { action: "tell of" });
    await requireWorkloads(this.#sql, workloads ?? [], { action: "tell of" });
  }

  async #idOf(name: string | null): Promise<string | null> {
    return name === null ? null : (await channelNamed(this.#sql, name, LEFT_OUT)).id;
  }
}
