/**
 * What time it is, for words such as "3 minutes ago". Ticks while the page is seen.
 *
 * @module
 */

import type { Readable } from "./readable.ts";
import { signal } from "@preact/signals";

const ticking = signal(Date.now());

/** Milliseconds since the Unix epoch, a few seconds old at most. */
export const now: Readable<number> = ticking;

const TICK_MS = 5000;

/** Begins to tick; called once. */
export function startClock(): void {
  const tick = () => {
    if (!document.hidden) ticking.value = Date.now();
  };
  setInterval(tick, TICK_MS);
  document.addEventListener("visibilitychange", tick);
}
