/**
 * The channels as they are known here: asked for when somebody looks, with what went wrong last. Must
 * not show anything.
 *
 * @module
 */

import { ask } from "./ask.ts";
import { Latest } from "./latest.ts";

/** A channel as the API shows it. */
export interface ShownChannel {
  /** Its id. */
  readonly id: string;
  /** What people call it. */
  readonly name: string;
  /** The kind of receiver. */
  readonly type: string;
  /** Scheme and host of its address. */
  readonly origin: string;
  /** Whether it may be on this host. */
  readonly allowLoopback: boolean;
  /** Id of the channel that stands in for it. */
  readonly fallback: string | null;
  /** Whether it is used. */
  readonly state: "ok" | "broken" | "disabled";
  /** Why it is not; else empty. */
  readonly reason: string;
  /** Since when it is not, RFC 3339 UTC. */
  readonly since: string | null;
  /** The first failure after the last success, RFC 3339 UTC. */
  readonly failingSince: string | null;
  /** What the last delivery failed with; null where none did lately. */
  readonly lastError: string | null;
}

/** What of a delivery tells why it failed. */
interface Attempted {
  readonly state: string;
  readonly attempts: number;
  readonly status: number | null;
  readonly answer: string;
}

/** The channels. */
export const channels: Latest<readonly ShownChannel[]> = new Latest(async (_, signal) => {
  const { items } = await ask<{ items: ShownChannel[] }>("/api/channels", { signal });
  return await Promise.all(items.map(async (channel) => ({
    ...channel,
    lastError: channel.failingSince === null ? null : await lastErrorOf(channel, signal),
  })));
});

/** Why the newest delivery that was tried has not arrived. */
async function lastErrorOf({ id }: ShownChannel, signal: AbortSignal): Promise<string | null> {
  const query = new URLSearchParams({ channel: id, limit: "20" });
  const { items } = await ask<{ items: Attempted[] }>(`/api/deliveries?${query}`, { signal });
  const failed = items.find(({ state, attempts }) => state !== "delivered" && attempts > 0);
  if (failed === undefined) return null;
  return [failed.status, failed.answer].filter(Boolean).join(": ") || null;
}

/** Asks for them anew. */
export function loadChannels(): void {
  channels.ask("all", { again: true });
}
