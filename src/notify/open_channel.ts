/**
 * Opens a channel of any kind, and loads no other: a host without channels loads none.
 *
 * @module
 */

import type { Channel, ChannelSettings, ChannelType, Surroundings } from "./channel.ts";

/** What each kind's module exports. */
interface ChannelModule {
  readonly openChannel: (settings: ChannelSettings, surroundings: Surroundings) => Channel;
}

const MODULES: Readonly<Record<ChannelType, () => Promise<ChannelModule>>> = {
  webhook: () => import("./channels/webhook.ts"),
  ntfy: () => import("./channels/ntfy.ts"),
  gotify: () => import("./channels/gotify.ts"),
  discord: () => import("./channels/discord.ts"),
  slack: () => import("./channels/slack.ts"),
  mattermost: () => import("./channels/mattermost.ts"),
  telegram: () => import("./channels/telegram.ts"),
  matrix: () => import("./channels/matrix.ts"),
  apprise: () => import("./channels/apprise.ts"),
  email: () => import("./channels/email.ts"),
};

/** Whether there is such a kind of channel. */
export function isChannelType(text: string): text is ChannelType {
  return Object.hasOwn(MODULES, text);
}

/** Opens a channel. Nothing is dialled before it sends. */
export async function openChannel(
  settings: ChannelSettings,
  surroundings: Surroundings,
): Promise<Channel> {
  const module = await MODULES[settings.type]();
  return module.openChannel(settings, surroundings);
}
