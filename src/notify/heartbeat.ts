/**
 * The dead man's switch: a URL that is asked only while all is well, so that somebody else notices
 * when nobody is left here to tell. Must not log the URL, which is a secret.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Log } from "../telemetry/log.ts";
import { createDialer } from "./dial.ts";
import { exchange } from "./exchange.ts";

/** What {@linkcode beat} works with. */
export interface HeartbeatOptions {
  /** Asked while all is well. */
  readonly url: URL;
  /** Asked while it is not; null: then nothing is asked. */
  readonly failUrl: URL | null;
  /** Whether all is well. */
  readonly isWell: () => boolean;
  /** What requests go through, or null. */
  readonly proxy: URL | null;
  /** The time. */
  readonly clock: Clock;
  /** Where it is logged that nobody answers. */
  readonly log: Log;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** It is asked so often, milliseconds. */
export const HEARTBEAT_MS = 60_000;

/** A daemon that has just started is looked at so often, milliseconds. */
const STARTING_MS = 1000;

/** Asks until the signal aborts. */
export async function beat(options: HeartbeatOptions): Promise<void> {
  const { url, failUrl, clock, log, proxy, signal } = options;
  const dialer = createDialer(proxy === null ? {} : { proxy });
  let answered = true;
  await startedOrLate(options);
  while (!signal.aborted) {
    const asked = options.isWell() ? url : failUrl;
    if (asked !== null) {
      const failure = await ask(asked);
      if (failure !== null && answered && !signal.aborted) {
        log.warn("the heartbeat is not answered", { failure });
      }
      answered = failure === null;
    }
    await clock.sleep(HEARTBEAT_MS, signal);
  }

  async function ask(asked: URL): Promise<string | null> {
    try {
      // Whoever configures the daemon may have it ask this machine.
      const { status } = await exchange(
        dialer,
        { method: "GET", url: asked, allowLoopback: true },
        { signal },
      );
      return status < 300 ? null : `status ${status}`;
    } catch (error) {
      // The messages of the dialler hold no more of the URL than its host.
      return error instanceof Error ? error.message : "unknown error";
    }
  }
}

/**
 * Waits until all is well, a minute at most: before the first pass nothing is known, and a restart is
 * no reason to call for help.
 */
async function startedOrLate({ isWell, clock, signal }: HeartbeatOptions): Promise<void> {
  const end = clock.monotonic() + HEARTBEAT_MS;
  while (!signal.aborted && !isWell() && clock.monotonic() < end) {
    await clock.sleep(STARTING_MS, signal);
  }
}
