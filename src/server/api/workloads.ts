/**
 * `/api/workloads`: what should run, how much of it does, and the secrets.
 *
 * @module
 */

import { json, ok } from "../answer.ts";
import { type Operation, operation, type Reading, reading } from "../operation.ts";
import { requireKnown } from "../known_filters.ts";
import { CountedWorkloadSchema, HostQuery, IdParams, indexed, SecretSchema } from "../schema.ts";

/** Every workload with what serves it. */
export const listWorkloads: Reading = reading({
  summary: "Every workload with its containers counted",
  query: HostQuery,
  answers: ok("The workloads by kind and name", indexed(CountedWorkloadSchema)),
}, async ({ services: { reader }, query: { host } }) => {
  if (host !== undefined) await requireKnown(reader, { host });
  return json({ index: await reader.freshness(host), items: await reader.workloads(host) });
});

/** The secret. */
export const getSecret: Operation = operation(
  {
    summary: "A workload's webhook secret",
    params: IdParams,
    answers: ok("The secret", SecretSchema),
  },
  ({ services: { store }, params }) =>
    json({ id: params.id, secret: store.workloads.secret(params.id) }),
);

/** Another secret. */
export const rotateSecret: Operation = operation(
  {
    summary: "Replace a workload's webhook secret",
    description: "The old one stops working when this answers.",
    params: IdParams,
    answers: ok("The new secret", SecretSchema),
  },
  ({ services: { store }, params }) =>
    json({ id: params.id, secret: store.workloads.rotateSecret(params.id) }),
);
