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
      `${error.message}; ${error.hint}`,
      { data: {} },
    );
  }
  const config = allowLoopback ? { ...settings.config, allowLoopback } : settings.config;
  await requireDialable(config);
  if (secret === null) return { ...settings, config };
  const secrets = { ...settings.secrets, [besideOf(settings.type)]: secret };
  return { ...settings, config, secrets };
}

/** What changes of where a channel is; null: it stays. */
export interface ChangedChannel extends Omit<AskedChannel, "url" | "allowLoopback"> {
  /** Another address, which comes with its own secrets. */
  readonly url: string | null;
  /** Undefined: that stays. */
  readonly allowLoopback: boolean | undefined;
}

/**
 * What a channel is when that is changed: another address with its secrets, or another secret beside
 * those of `before`.
 *
 * @throws {Failure} `invalid`, as {@linkcode takeInChannel}.
 */
export async function takeInAgain(
  { type, config, before }: {
    readonly type: string;
    readonly config: Readonly<Record<string, unknown>>;
    readonly before: ChannelSettings["secrets"];
  },
  { url, secret, allowLoopback = config["allowLoopback"] === true }: ChangedChannel,
): Promise<ChannelSettings> {
  if (url !== null) return await takeInChannel({ url, secret, allowLoopback });
  const changed = { ...config as unknown as ChannelSettings["config"], allowLoopback };
  await requireDialable(changed);
  return {
    type: type as ChannelSettings["type"],
    config: changed,
    secrets: secret === null ? before : { ...before, ...renewed(type, { before, secret }) },
  };
}

/**
 * Refuses an address that nothing would ever be sent to. What a name stands for is looked at whenever
 * something is.
 *
 * @throws {Failure} `invalid`
 */
async function requireDialable(
  { origin, allowLoopback = false }: ChannelSettings["config"],
): Promise<void> {
  const { isAddress, refusalOf } = await import("./address.ts");
  const hostname = URL.parse(`${origin}`)?.hostname.replace(/^\[(.*)\]$/, "$1") ?? "";
  if (!isAddress(hostname)) return;
  const refusal = refusalOf(hostname, { allowLoopback });
  if (refusal === null) return;
  throw new Failure("invalid", `Cannot use the URL: ${refusal} addresses are refused`, {
    data: refusal === "loopback" ? { need: "allow-loopback" } : {},
  });
}

/** Another secret; of a webhook the one before is used beside it, until there is yet another. */
function renewed(
  type: string,
  { before, secret }: { before: ChannelSettings["secrets"]; secret: string },
): ChannelSettings["secrets"] {
  const { key } = before;
  return {
    [besideOf(type)]: secret,
    ...(type === "webhook" && key !== undefined && { previousKey: key }),
  };
}

/**
 * What a secret that is given beside the URL of such a channel is called.
 *
 * @throws {Failure} `invalid`
 */
function besideOf(type: string): string {
  const name = BESIDE[type];
  if (name !== undefined) return name;
  throw new Failure(
    "invalid",
    `Cannot use a secret beside the URL of a ${type} channel: it is part of the URL`,
    { data: {} },
  );
}
