/**
 * `/livez`, `/readyz`, `/metrics`, `/openapi.json`: for probes and tools.
 *
 * @module
 */

import * as z from "zod";
import { READINESS, type ReadinessCheck, readinessChecks } from "../../doctor/daemon_checks.ts";
import { METRICS_CONTENT_TYPE } from "../../telemetry/metrics.ts";
import { json, jsonText, ok } from "../answer.ts";
import {
  type Operation,
  operation,
  type Reading,
  reading,
  type Schema,
  type Services,
} from "../operation.ts";
import { optional } from "../schema.ts";

/** The event loop turns; nothing else is asked. */
export const livez: Reading = reading({
  summary: "Whether the process turns",
  answers: { 200: { description: "It does", schema: z.string(), mediaType: "text/plain" } },
}, () => new Response("ok\n"));

interface Readiness {
  readonly ready: boolean;
  readonly checks?: readonly ReadinessCheck[];
}

const Readiness: Schema<Readiness> = z.object({
  ready: z.boolean(),
  checks: optional(
    z.array(z.object({ name: z.enum(READINESS), ok: z.boolean(), detail: z.string() })),
  ),
}).meta({ id: "Readiness" });

/** The index can be trusted. A missing workload is no reason for it not to be. */
export const readyz: Operation = operation({
  summary: "Whether the index can be trusted: store open, a good pass done, and recently",
  query: z.looseObject({
    verbose: optional(z.string().meta({ description: "List the checks." })),
  }),
  answers: {
    ...ok("Ready", Readiness),
    503: { description: "Not ready", schema: Readiness },
  },
}, ({ services, query }) => {
  const checks = checksOf(services);
  const ready = checks.every((check) => check.ok);
  return json(
    query.verbose === undefined ? { ready } : { ready, checks },
    { status: ready ? 200 : 503 },
  );
});

/** For Prometheus. */
export const metrics: Reading = reading(
  {
    summary: "Metrics in Prometheus' text format",
    query: z.looseObject({}),
    answers: { 200: { description: "The metrics", schema: z.string(), mediaType: "text/plain" } },
  },
  async ({ services }) =>
    new Response(await services.metrics.render(), {
      headers: { "content-type": METRICS_CONTENT_TYPE },
    }),
);

/** This interface, described. */
export const openApi: Reading = reading({
  summary: "This document",
  query: z.looseObject({}),
  answers: ok("OpenAPI 3.1", z.looseObject({})),
}, ({ services }) => jsonText(services.openApi()));

/** Whether the index can be trusted, as `/readyz` says it. */
export function isReady(services: Services): boolean {
  return checksOf(services).every((check) => check.ok);
}

/** Says nothing that only the token's owner may know. */
function checksOf(services: Services): ReadinessCheck[] {
  const open = storeAnswers(services);
  if (!open) return [{ name: "store", ok: false, detail: "can't be read" }];
  return readinessChecks(services.readiness(), services.now().getTime());
}

function storeAnswers({ store, log }: Services): boolean {
  try {
    store.hosts.local();
    return true;
  } catch (error) {
    log.debug("store not ready", { error });
    return false;
  }
}
