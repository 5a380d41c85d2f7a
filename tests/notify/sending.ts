/**
 * Opens a channel to a receiver on loopback, and sends.
 *
 * @module
 */

import type {
  Channel,
  ChannelConfig,
  ChannelSecrets,
  ChannelType,
  Message,
  Outcome,
} from "../../src/notify/channel.ts";
import { createDialer, type DialerOptions } from "../../src/notify/dial.ts";
import { openChannel } from "../../src/notify/open_channel.ts";
import { message, TEN } from "./notices.ts";

/** How a test opens a channel. */
export interface Opening {
  readonly secrets: ChannelSecrets;
  readonly config?: Partial<ChannelConfig>;
  readonly dialer?: DialerOptions;
  /** Wall time. Default: 10:00. */
  readonly now?: number;
}

/** A channel that may reach this machine. */
export function opened(type: ChannelType, opening: Opening): Promise<Channel> {
  const config = { origin: "http://receiver.test", allowLoopback: true, ...opening.config };
  return openChannel({ type, config, secrets: opening.secrets }, {
    dialer: createDialer(opening.dialer),
    now: () => opening.now ?? TEN,
  });
}

/** Sends one message. */
export function send(channel: Channel, sent: Message = message()): Promise<Outcome> {
  return channel.send(sent, { signal: new AbortController().signal });
}

/** An outcome on one line: result, status, cause, wait. */
export function said(outcome: Outcome): string {
  const { result, status } = outcome;
  return outcome.result === "delivered"
    ? `${result} ${status}`
    : `${result} ${status} ${outcome.cause} ${outcome.retryAfterMs}`;
}
