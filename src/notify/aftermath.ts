/**
 * What comes of a delivery and of its channel after an attempt: delivered, tried again and when, given
 * up; the channel well, failing, broken or disabled. Pure.
 *
 * @module
 */

import { type ChannelHealth, HEALTHY, type KeptChannel } from "../store/channels.ts";
import type { DueDelivery, KeptDelivery } from "../store/notice_rows.ts";
import type { Outcome } from "./channel.ts";
import { nextAttempt } from "./schedule.ts";

/** What is to be kept. */
export interface Aftermath {
  /** Of the delivery. */
  readonly attempt: Pick<KeptDelivery, "state" | "nextAt" | "endedAt" | "status" | "answer">;
  /** Of the channel. */
  readonly health: ChannelHealth;
  /** Whether all that waits for the channel is given up. */
  readonly givesUp: boolean;
  /** How the attempt counts. */
  readonly counts: "delivered" | "retried" | "dead";
}

/** Answers by which a gateway says that the receiver is away. */
const AWAY: ReadonlySet<number> = new Set([502, 503, 504]);

/** Decides it. `random` is from 0 to 1. */
export function aftermath(
  outcome: Outcome,
  { channel, due, now, random }: {
    readonly channel: KeptChannel;
    readonly due: Pick<DueDelivery, "queuedAt" | "attempts">;
    readonly now: number;
    readonly random: number;
  },
): Aftermath {
  const { status, answer } = outcome;
  const told = { status, answer };
  if (outcome.result === "delivered") {
    return {
      attempt: { ...told, state: "delivered", nextAt: now, endedAt: now },
      ...{ health: HEALTHY, givesUp: false, counts: "delivered" },
    };
  }
  if (outcome.result !== "retry") {
    const gone = outcome.result === "gone";
    return {
      attempt: { ...told, state: "queued", nextAt: now, endedAt: null },
      health: {
        ...HEALTHY,
        state: gone ? "disabled" : "broken",
        reason: [status, answer].filter((part) => part !== null && part !== "").join(" "),
        since: now,
      },
      ...{ givesUp: gone, counts: gone ? "dead" : "retried" },
    };
  }
  const ofMessage = outcome.cause === "answer" && status !== null && status >= 400 && status < 500;
  const failures = ofMessage ? 0 : channel.failures + 1;
  const nextAt = nextAttempt({
    queuedAt: due.queuedAt,
    attempts: Math.max(due.attempts + 1, failures),
    now,
    retryAfterMs: outcome.retryAfterMs,
    random,
  });
  // One that dislikes all of them, as where the address is another program's, fails too.
  const failingSince = channel.failingSince ?? now;
  // A receiver that answers may only dislike this message: the others have their turn first.
  const disliked = outcome.cause === "answer" && !AWAY.has(status ?? 0);
  return {
    attempt: {
      ...told,
      state: nextAt === null ? "dead" : "queued",
      nextAt: nextAt === null ? now : ofMessage ? nextAt : disliked ? nextAt + 1 : now,
      endedAt: nextAt === null ? now : null,
    },
    health: ofMessage
      ? { ...HEALTHY, failingSince }
      : { ...HEALTHY, failingSince, failures, notBefore: nextAt ?? now },
    ...{ givesUp: false, counts: nextAt === null ? "dead" : "retried" },
  };
}
