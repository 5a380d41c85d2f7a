/**
 * `POST /hooks/{secret}`: a deployer or CI says that it changed a workload. The secret is the
 * credential, so it stands in no log and no metric.
 *
 * @module
 */

import { z } from "zod";
import { json, ok } from "../answer.ts";
import { type Operation, operation } from "../operation.ts";
import { passNow } from "../pass_now.ts";
import { Problem } from "../problem.ts";
import { HookAnswerSchema } from "../schema.ts";

/** What a secret looks like: 256 bits, URL-safe. Anything else is not looked up. */
const SECRET = /^[A-Za-z0-9_-]{43}$/;

/** A pass now, and what became of the workload. */
export const callHook: Operation = operation({
  summary: "Say that a workload changed: a pass now",
  description: "The secret is the credential, no token is needed. A body is not looked at. Wrong " +
    "secrets are answered 404, and 429 when there are too many; a right one always works.",
  access: "open",
  params: z.strictObject({ secret: z.string() }),
  body: "ignored",
  answers: ok("The pass and the workload's rows after it", HookAnswerSchema),
}, async ({ services, params: { secret }, entrance }) => {
  const { store, reconcileNow } = services;
  // One look into an index: a right secret works however many wrong ones come.
  const workload = SECRET.test(secret) ? store.workloads.byWebhookSecret(secret) : undefined;
  if (workload === undefined) {
    services.logins.record("webhook", entrance.remote);
    const guess = services.guesses.take();
    if (guess.taken) throw new Problem("not-found", "Cannot find a workload with this secret");
    throw new Problem("too-many-requests", "Cannot look up more secrets: too many were wrong", {
      headers: { "retry-after": String(guess.retryAfter) },
    });
  }
  const pass = reconcileNow === null ? null : await passNow(services);
  return json({ workload, pass, items: store.views.list({ workload: workload.id }) });
});
