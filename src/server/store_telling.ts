/**
 * Whom to tell of what, and of what nobody wants to hear, as a host's index keeps it. Sends nothing.
 *
 * @module
 */

import { newId } from "../core/names.ts";
import { Failure } from "../failure.ts";
import type { KeptSilence } from "../model/silence.ts";
import type { KeptChannel, KeptRule } from "../store/channels.ts";
import { LEFT_OUT } from "../store/damage.ts";
import type { DeliveryState, ListedDelivery } from "../store/notice_rows.ts";
import { quote } from "../text.ts";
import type { ServerDeps } from "./operation.ts";
import type {
  ChannelChanges,
  NewChannel,
  SilencesPort,
  TellingPort,
  TestOutcome,
} from "./telling_port.ts";

/** Channels, rules and deliveries of a host. */
export class StoreTelling implements TellingPort {
  readonly #store: ServerDeps["store"];
  readonly #notify: ServerDeps["notify"];

  /** In this index. */
  constructor({ store, notify }: Pick<ServerDeps, "store" | "notify">) {
    this.#store = store;
    this.#notify = notify;
  }

  /** The oldest first. */
  list(): KeptChannel[] {
    return this.#store.channels.list();
  }

  /** With its secrets beside the index. */
  async add(
    { name, url, secret, allowLoopback, fallback }: NewChannel,
    rule: Omit<KeptRule, "id" | "channels">,
  ): Promise<KeptChannel> {
    const { channels } = this.#store;
    const notify = this.#notify;
    this.#requireWorkloads(rule.workloads);
    const { type, config, secrets } = await notify.takeIn({ url, secret, allowLoopback });
    const id = newId();
    // First, so that no channel is ever without; what is left of a channel that was not kept is no
    // harm.
    await notify.keep(id, secrets);
    let channel: KeptChannel;
    try {
      const fallbackId = fallback === null ? null : channels.get(fallback, LEFT_OUT).id;
      channel = channels.add({ id, name, type, config: { ...config }, fallbackId }, rule);
    } catch (error) {
      await notify.keep(id, null);
      throw error;
    }
    notify.changed(id);
    return channel;
  }

  /** Another address, secret or permission has one that did not work tried anew. */
  async update(
    nameOrId: string,
    { name, url = null, secret = null, allowLoopback, fallback }: ChannelChanges,
  ): Promise<KeptChannel> {
    const { channels } = this.#store;
    const notify = this.#notify;
    const moves = url !== null || secret !== null || allowLoopback !== undefined;
    // What a new address takes the place of need not be readable.
    const channel = channels.get(nameOrId, moves && url === null ? {} : LEFT_OUT);
    const changes = {
      ...(name !== undefined && { name }),
      ...(fallback !== undefined && {
        fallbackId: fallback === null ? null : channels.get(fallback, LEFT_OUT).id,
      }),
    };
    let changed: KeptChannel;
    if (!moves) changed = channels.update(channel.id, changes, { mended: false });
    else {
      const asked = { url, secret, allowLoopback };
      const { settings: { type, config }, undo } = await notify.takeInAgain(channel, asked);
      try {
        const all = { ...changes, type, config: { ...config } };
        changed = channels.update(channel.id, all, { mended: true });
      } catch (error) {
        await undo();
        throw error;
      }
    }
    notify.changed(channel.id);
    return changed;
  }

  /** Its secrets are forgotten. */
  async remove(nameOrId: string): Promise<KeptChannel> {
    const channel = this.#store.channels.get(nameOrId, LEFT_OUT);
    this.#store.channels.remove(channel.id);
    await this.#notify.keep(channel.id, null);
    this.#notify.changed(channel.id);
    return channel;
  }

  /** Past the queue. */
  async test(nameOrId: string): Promise<TestOutcome> {
    const { signal } = new AbortController();
    return await this.#notify.test(this.#store.channels.get(nameOrId), { signal });
  }

  /** All that waits. */
  async retry(nameOrId: string): Promise<number> {
    return await this.#notify.retry(this.#store.channels.get(nameOrId));
  }

  /** The newest first. */
  deliveries(
    { channel, state, limit }: { channel?: string; state?: DeliveryState; limit: number },
  ): ListedDelivery[] {
    const { channels, notices } = this.#store;
    return notices.list({
      limit,
      ...(channel !== undefined && { channelId: channels.get(channel, LEFT_OUT).id }),
      ...(state !== undefined && { state }),
    });
  }

  /** The oldest first. */
  rules(): KeptRule[] {
    return this.#store.channels.rules();
  }

  /** Of workloads and channels that there are. */
  addRule(asked: Omit<KeptRule, "id">): KeptRule {
    this.#requireWorkloads(asked.workloads);
    const channels = this.#idsOf(asked.channels);
    const rule = this.#store.channels.addRule({ ...asked, channels });
    this.#notify.changed("");
    return rule;
  }

  /** The same. */
  updateRule(id: string, changes: Partial<Omit<KeptRule, "id">>): KeptRule {
    this.#requireWorkloads(changes.workloads ?? null);
    const rule = this.#store.channels.updateRule(id, {
      ...changes,
      ...(changes.channels !== undefined && { channels: this.#idsOf(changes.channels) }),
    });
    this.#notify.changed("");
    return rule;
  }

  /** Whoever was told of something is still told that it is over. */
  removeRule(id: string): void {
    this.#store.channels.removeRule(id);
  }

  #requireWorkloads(ids: readonly string[] | null): void {
    for (const id of ids ?? []) {
      if (this.#store.workloads.get(id) !== undefined) continue;
      throw new Failure("not-found", `Cannot tell of workload ${quote(id)}: no such workload`, {
        data: { thing: "workload", id },
      });
    }
  }

  #idsOf(named: readonly string[] | null): readonly string[] | null {
    return named?.map((channel) => this.#store.channels.get(channel, LEFT_OUT).id) ?? null;
  }
}

/** Silences of a host. */
export class StoreSilences implements SilencesPort {
  readonly #deps: Pick<ServerDeps, "store" | "problems" | "now">;

  /** In this index. */
  constructor(deps: Pick<ServerDeps, "store" | "problems" | "now">) {
    this.#deps = deps;
  }

  /** This host's. */
  now(): number {
    return this.#deps.now().getTime();
  }

  /** The oldest first. */
  list(): KeptSilence[] {
    return this.#deps.store.silences.list(this.now());
  }

  /** Of a workload or row that there is. */
  add(asked: Omit<KeptSilence, "id" | "createdAt">, now: number): KeptSilence {
    const { store, problems } = this.#deps;
    const { scope, targetId: id } = asked;
    if (scope === "workload" && store.workloads.get(id) === undefined) {
      throw new Failure("not-found", `Cannot silence workload ${quote(id)}: no such workload`, {
        data: { thing: "workload", id },
      });
    }
    if (scope === "row") store.views.get(id);
    const kept = store.silences.add(asked, now);
    problems.silencesChanged();
    return kept;
  }

  /** At once. */
  remove(id: string): void {
    const { store, problems } = this.#deps;
    store.silences.remove(id);
    problems.silencesChanged();
  }
}
