/**
 * What all channels over HTTP have in common: every failure is an outcome, none tells a secret.
 * Must not know any receiver.
 *
 * @module
 */

import type { Channel, ChannelSettings, Message, Outcome, Rate, Surroundings } from "./channel.ts";
import { DialError } from "./dial.ts";
import { type Answer, type Asking, exchange } from "./exchange.ts";
import { outcomeWithoutAnswer, presentable } from "./outcome.ts";

/** Asks the receiver once. */
export type Ask = (asking: Omit<Asking, "allowLoopback">) => Promise<Answer>;

/** How one kind of receiver is spoken to. */
export interface Receiver {
  /** How many messages it may be sent. */
  readonly rate: Rate;
  /** Sends one message and judges the answer; what `ask` throws may pass. */
  readonly deliver: (message: Message, ask: Ask) => Promise<Outcome>;
}

/** A channel over HTTP. */
export function httpChannel(
  settings: ChannelSettings,
  surroundings: Surroundings,
  receiver: Receiver,
): Channel {
  const allowLoopback = settings.config.allowLoopback ?? false;
  return {
    type: settings.type,
    rate: receiver.rate,
    send: async (message, { signal }) => {
      const ask: Ask = (asking) =>
        exchange(surroundings.dialer, { ...asking, allowLoopback }, { signal });
      let outcome: Outcome;
      try {
        outcome = await receiver.deliver(message, ask);
      } catch (error) {
        signal.throwIfAborted();
        outcome = outcomeWithoutAnswer(error);
      }
      return presentable(outcome, settings.secrets);
    },
  };
}

/** A secret that a channel can't do without. Throws `DialError` of cause `settings`. */
export function secretOf({ secrets }: ChannelSettings, name: string): string {
  const value = secrets[name];
  if (value !== undefined && value !== "") return value;
  throw new DialError("settings", `Cannot send: the channel has no ${JSON.stringify(name)}`);
}

/** A secret that is a whole address. Throws `DialError` of cause `settings`. */
export function urlOf(settings: ChannelSettings, name = "url"): URL {
  const url = URL.parse(secretOf(settings, name));
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw new DialError("settings", `Cannot send: the channel's ${JSON.stringify(name)} is no URL`);
}

/** The URL with this added to its path, whether or not that ends with a slash. */
export function below(base: URL, path: string): URL {
  const url = new URL(base);
  url.pathname = `${base.pathname.replace(/\/+$/, "")}/${path}`;
  return url;
}

/** A POST of JSON. */
export function postJson(
  url: URL,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Omit<Asking, "allowLoopback"> {
  return {
    method: "POST",
    url,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  };
}
