/**
 * `/hooks`: a deployer or CI says that it changed a workload. Who shows the workload's secret, in the
 * path, in a header or by a signature, is told of that workload's rows and of nothing else.
 *
 * @module
 */

import * as z from "zod";
import type { PassReport } from "../../model/pass.ts";
import type { ContainerView } from "../../model/views.ts";
import type { Workload } from "../../model/workload.ts";
import { looksLikeSecret } from "../../secret.ts";
import { json, ok } from "../answer.ts";
import { type Call, type Operation, operation, type Schema } from "../operation.ts";
import { passNow } from "../pass_now.ts";
import { ProblemDetails } from "../problem_details.ts";
import { ContainerSchema, IdParams, WorkloadSchema } from "../schema.ts";
import type { RateLimit } from "../rate_limit.ts";

/** What a signature looks like, as GitHub, Gitea and others send it. */
const SIGNATURE = /^sha256=([0-9a-f]{64})$/i;

const DESCRIPTION = "The secret is the credential, no token is needed. A body is not looked at. " +
  "Wrong secrets are answered 404, and 429 when there are too many; a right one always works.";

/** What a webhook is answered. */
interface HookAnswer {
  /** The workload whose secret it was. */
  workload: Workload;
  /** Null where no daemon runs. */
  pass: Pick<PassReport, "at" | "durationSeconds"> | null;
  /** The workload's rows after the pass. */
  items: ContainerView[];
}

/** {@link HookAnswer}. */
const HookAnswerSchema: Schema<HookAnswer> = z.object({
  workload: WorkloadSchema as z.ZodType<Workload>,
  pass: z.object({ at: z.string().meta({ format: "date-time" }), durationSeconds: z.number() })
    .nullable()
    .meta({ description: "Null where no daemon runs." }),
  items: z.array(ContainerSchema as z.ZodType<ContainerView>),
}).meta({ id: "HookAnswer" });

const ANSWERS = ok("When the pass was, and the workload's rows after it", HookAnswerSchema);

/** A pass now, and what became of the workload. */
export const callHook: Operation = operation({
  summary: "Say that a workload changed: a pass now",
  description: DESCRIPTION,
  params: z.strictObject({ secret: z.string() }),
  body: "ignored",
  answers: ANSWERS,
}, (call) => callBySecret(call.params.secret, call));

/** The same with the secret where no log of requests has it. */
export const callHookByHeader: Operation = operation({
  summary: "The same, with the secret in a header",
  description: "`X-Tinyforge-Secret: …` or `Authorization: Bearer …`. " + DESCRIPTION,
  body: "ignored",
  answers: ANSWERS,
}, (call) => {
  const { headers } = call;
  const secret = headers.get("x-tinyforge-secret") ??
    /^Bearer +(\S+) *$/i.exec(headers.get("authorization") ?? "")?.[1] ?? "";
  return callBySecret(secret, call);
});

/** The same for who signs what it sends and does not show the secret at all. */
export const callHookBySignature: Operation = operation({
  summary: "The same, signed with the secret",
  description:
    "`X-Hub-Signature-256: sha256=…` is the HMAC-SHA256 of the body with the workload's " +
    "secret. A wrong signature is answered 404 as an unknown workload is; after too many of either " +
    "429, and bodies are not read any more for a while.",
  params: IdParams,
  body: "raw",
  answers: ANSWERS,
}, async (call) => {
  const { services, params, headers, withBody } = call;
  const { store, guesses, wrongSignatures } = services;
  const signature = SIGNATURE.exec(headers.get("x-hub-signature-256") ?? "")?.[1];
  const workload = store.workloads.get(params.id);
  if (workload === undefined || signature === undefined) {
    throw refused(guesses, call);
  }
  // Before the body is read. Of their own, so that who knows no workload's id can't use them up.
  const wait = wrongSignatures.wait();
  if (wait > 0) throw tooMany(wait);
  const secret = store.workloads.secret(workload.id);
  if (!await withBody((body) => isSigned(body, { secret, signature }))) {
    throw refused(wrongSignatures, call);
  }
  return await answer(call, workload);
});

/** How a hook was called. */
type Called = Pick<Call<unknown, unknown, unknown>, "services" | "entrance" | "actAs">;

async function callBySecret(secret: string, called: Called): Promise<Response> {
  const { services } = called;
  // One look into an index: a right secret works however many wrong ones come.
  const workload = looksLikeSecret(secret)
    ? services.store.workloads.byWebhookSecret(secret)
    : undefined;
  if (workload === undefined) throw refused(services.guesses, called);
  return await answer(called, workload);
}

/** Not the pass's report: it tells of other workloads' containers and of the host. */
async function answer(
  { services, entrance, actAs }: Called,
  workload: Workload,
): Promise<Response> {
  actAs({
    who: `${workload.kind}/${workload.name}`,
    via: "webhook",
    remote: entrance.remote,
  });
  services.problems.deploying(workload.id);
  const report = services.reconcileNow === null ? null : await passNow(services);
  const pass = report && { at: report.at, durationSeconds: report.durationSeconds };
  return json({ workload, pass, items: services.store.views.list({ workloadId: workload.id }) });
}

function refused(limit: RateLimit, { services, entrance }: Called): ProblemDetails {
  services.logins.record("webhook", entrance.remote);
  const guess = limit.take();
  return guess.taken
    ? new ProblemDetails("not-found", "Cannot find a workload with this secret")
    : tooMany(guess.retryAfter);
}

function tooMany(retryAfter: number): ProblemDetails {
  return new ProblemDetails(
    "too-many-requests",
    "Cannot look up more secrets: too many were wrong",
    {
      headers: { "retry-after": String(retryAfter) },
    },
  );
}

/** Compared by what takes the same time wherever two differ. */
async function isSigned(
  body: Uint8Array<ArrayBuffer>,
  { secret, signature }: { secret: string; signature: string },
): Promise<boolean> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const bytes = new TextEncoder().encode(secret);
  const key = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["verify"]);
  return await crypto.subtle.verify("HMAC", key, Uint8Array.fromHex(signature), body);
}
