/**
 * Opens a channel as it is kept, with its secrets and the way out that all of them share.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { KeptChannel } from "../store/channels.ts";
import type { Channel, ChannelConfig, ChannelSettings } from "./channel.ts";
import { createDialer } from "./dial.ts";
import { isChannelType, openChannel } from "./open_channel.ts";

/** Opens it; `proxy`: what requests go through, or null. Nothing is dialled before it sends. */
export async function openKept(
  { type, config }: Pick<KeptChannel, "type" | "config">,
  { secrets, clock, proxy }: {
    readonly secrets: ChannelSettings["secrets"];
    readonly clock: Pick<Clock, "now">;
    readonly proxy: URL | null;
  },
): Promise<Channel> {
  if (!isChannelType(type)) throw new Error(`Cannot open a channel of type ${type}`);
  return await openChannel({ type, config: config as unknown as ChannelConfig, secrets }, {
    dialer: createDialer(proxy === null ? {} : { proxy }),
    now: () => clock.now(),
  });
}
