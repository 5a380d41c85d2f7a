/**
 * A channel as it is asked for: what its URL and what is given beside it stand for, what may be shown
 * parted from what may not. Loads how URLs are read when one is.
 *
 * @module
 */

import { Failure } from "../failure.ts";
import type { ChannelSettings } from "./channel.ts";

/** A channel as it is asked for. */
export interface AskedChannel {
  /** Its URL, in one of the forms that people have. */
  readonly url: string;
  /** A key, password or token that the URL does not hold, or null. */
  readonly secret: string | null;
  /** Whether the receiver may be on this machine. */
  readonly allowLoopback: boolean;
}

/** Which secret is meant by one that is given beside a URL. */
const BESIDE: Readonly<Record<string, string>> = {
  webhook: "key",
  ntfy: "token",
  gotify: "token",
  matrix: "token",
  telegram: "token",
  email: "password",
};

/**
 * What it stands for.
 *
 * @throws {Failure} `invalid`; its message holds no more of the URL than its scheme.
 */
export async function takeInChannel(
  { url, secret, allowLoopback }: AskedChannel,
): Promise<ChannelSettings> {
  const { takeInUrl, ChannelUrlError } = await import("./urls.ts");
  let settings: ChannelSettings;
  try {
    settings = takeInUrl(url);
  } catch (error) {
    if (!(error instanceof ChannelUrlError)) throw error;
    // No cause: it may hold more.
    throw new Failure(
      "invalid",
      `Cannot take the channel's URL: ${error.message}; ${error.hint}`,
      { data: {} },
    );
  }
  const config = allowLoopback ? { ...settings.config, allowLoopback } : settings.config;
  if (secret === null) return { ...settings, config };
  const secrets = { ...settings.secrets, [besideOf(settings.type)]: secret };
  return { ...settings, config, secrets };
}

/**
 * What a secret that is given beside the URL of such a channel is called.
 *
 * @throws {Failure} `invalid`
 */
export function besideOf(type: string): string {
  const name = BESIDE[type];
  if (name !== undefined) return name;
  throw new Failure(
    "invalid",
    `Cannot use a secret beside the URL of a ${type} channel: it is part of the URL`,
    { data: {} },
  );
}
