/**
 * What waits for a channel that has failed for long goes to the one that stands in for it. Sends
 * nothing.
 *
 * @module
 */

import { type Reading, unlessDamaged } from "../store/damage.ts";
import { keptContent } from "./kept_notice.ts";
import type { NotifierStore } from "./notifier_store.ts";
import { fallbackAt } from "./schedule.ts";
import { type Audience, tellAgain } from "./telling.ts";

/** So many deliveries of a channel go to its fallback at a time. */
const HANDED_OVER = 100;

/** Has them told there; returns when to look again, milliseconds since the Unix epoch, or null. */
export function handOver(
  audience: Audience,
  { store: { channels, notices }, isSending, ...reading }: Reading & {
    readonly store: NotifierStore;
    readonly isSending: (seq: number) => boolean;
  },
): number | null {
  const { now } = audience;
  let next: number | null = null;
  for (const { id, fallbackId, failingSince, since } of channels.list(reading)) {
    const at = fallbackAt(failingSince ?? since);
    const fallback = audience.channels.find((channel) => channel.id === fallbackId);
    if (at === null || fallback === undefined || fallback.state !== "ok") continue;
    if (at > now) {
      next = Math.min(next ?? at, at);
      continue;
    }
    const waiting = notices.queuedFor(id, HANDED_OVER).filter(({ seq }) => !isSending(seq));
    if (waiting.length === 0) continue;
    if (waiting.length === HANDED_OVER) next = now;
    const dead: number[] = [];
    const made = waiting.flatMap((delivery) => {
      const { seq } = delivery;
      const content = unlessDamaged(() => keptContent(delivery), null, reading);
      if (content !== null) {
        const to = { channelId: fallback.id, queuedAt: now, supersedes: [seq] };
        return [tellAgain(content, to, audience)];
      }
      dead.push(seq);
      return [];
    });
    notices.write({ lookedAt: now, notices: made, dead });
  }
  return next;
}
