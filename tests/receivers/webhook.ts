/**
 * A webhook's receiver that accepts only what the Standard Webhooks library verifies, and drops
 * doubles by their id.
 *
 * @module
 */

import { Webhook } from "standardwebhooks";
import { json, Receiver } from "./receiver.ts";

/** A key as such receivers give it. */
export const WEBHOOK_KEY = `whsec_${btoa("an old key of thirty-two bytes!!")}`;

/** Another. */
export const NEXT_WEBHOOK_KEY = `whsec_${btoa("the next key of thirty-two bytes")}`;

/** A receiver with a key. */
export class WebhookReceiver extends Receiver {
  /** What was accepted, by id. */
  readonly accepted: Map<string, unknown> = new Map();

  /** Verifies with this key. */
  constructor(key: string = WEBHOOK_KEY) {
    const webhook = new Webhook(key);
    super(({ headers, body }) => {
      if (headers.get("content-type") !== "application/json") return json({}, 415);
      try {
        this.accepted.set(
          headers.get("webhook-id")!,
          webhook.verify(body, Object.fromEntries(headers)),
        );
      } catch (error) {
        return json({ error: String(error) }, 400);
      }
      return new Response(null, { status: 204 });
    });
  }
}
