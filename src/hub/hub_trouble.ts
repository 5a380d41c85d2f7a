/**
 * What keeps a host from telling its hub, as an error: why, of which kind, and when to try again. Asks
 * no hub.
 *
 * @module
 */

import { isFailure } from "../failure.ts";
import type { HubTrouble } from "../model/views.ts";

/** A hub that answered, and not as it was asked. */
export class Refused extends Error {
  /** Of which kind it is. */
  readonly trouble: HubTrouble;
  /** How long it wants to be left alone, milliseconds. */
  readonly retryAfterMs: number;

  /** With the reason for people. */
  constructor(message: string, trouble: HubTrouble, retryAfterMs = 0) {
    super(message.trim());
    this.trouble = trouble;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Of which kind an error is. */
export function troubleOf(error: unknown): HubTrouble {
  if (error instanceof Refused) return error.trouble;
  const distrusted = isFailure(error, "hub") && error.data.wrong === "certificate";
  return distrusted ? "certificate" : "connection";
}
