/**
 * `/api/workloads`: what should run, how much of it does, and the secrets.
 *
 * @module
 */

import { json, ok } from "../answer.ts";
import { type Operation, operation } from "../operation.ts";
import type { WorkloadCounts } from "../../store/container_views.ts";
import {
  type CountedWorkload,
  CountedWorkloadSchema,
  type Counts,
  IdParams,
  indexed,
  SecretSchema,
} from "../schema.ts";

/** Every workload with what serves it. */
export const listWorkloads: Operation = operation({
  summary: "Every workload with its containers counted",
  answers: ok("The workloads by kind and name", indexed(CountedWorkloadSchema)),
}, ({ services }) => {
  const { store } = services;
  const counts = store.views.countsByWorkload();
  const items = store.workloads.list().map((workload): CountedWorkload => {
    return { ...workload, ...countsOf(workload.id, counts) };
  });
  return json({ index: services.readiness().index, items });
});

/** How many rows serve a workload; all zero where none does. */
export function countsOf(id: string, all: ReadonlyMap<string, WorkloadCounts>): Counts {
  const { workloadId: _, ...counts } = all.get(id) ?? { workloadId: id, ...NONE };
  return counts;
}

const NONE: Counts = {
  ...{ running: 0, stopped: 0, missing: 0, unhealthy: 0, total: 0 },
  states: {},
};

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
