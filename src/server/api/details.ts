/**
 * `/api/containers/{id}/details`: what is known of a row's container beyond listings, how its
 * containers ended, and what else happened to the row.
 *
 * @module
 */

import * as z from "zod";
import type { ContainerDetails, RowChange } from "../../model/details.ts";
import type { Death } from "../../model/problem.ts";
import { json, ok } from "../answer.ts";
import { type Operation, operation, type Schema } from "../operation.ts";
import { IdParams } from "../schema.ts";

/** An end of a row's container as readers are shown it. */
export interface ShownDeath extends Omit<Death, "at"> {
  /** RFC 3339 UTC. */
  readonly at: string;
}

/** What is known of a row besides what listings tell. */
export interface RowDetails {
  /** What an inspect told of its container; null: nothing yet. */
  readonly details: ContainerDetails | null;
  /** How its containers ended. */
  readonly deaths: {
    /** How many were counted. */
    readonly count: number;
    /** Whether some may have been missed. */
    readonly atLeast: boolean;
    /** The last ones, oldest first. */
    readonly last: readonly ShownDeath[];
  };
  /** Other health, another image: the newest hundred, oldest first. */
  readonly changes: readonly RowChange[];
}

const time = z.string().meta({ format: "date-time" });

const DetailsSchema: Schema<RowDetails> = z.object({
  details: z.object({
    startedAt: time.nullable(),
    finishedAt: time.nullable(),
    restartCount: z.int(),
    restartPolicy: z.string(),
    oomKilled: z.boolean(),
    error: z.string(),
    healthOutput: z.string().nullable(),
    healthCheck: z.boolean(),
    publishes: z.array(z.string()),
  }).nullable().meta({ description: "Null until the container was inspected." }),
  deaths: z.object({
    count: z.int(),
    atLeast: z.boolean().meta({ description: "Some may have been missed." }),
    last: z.array(z.object({
      at: time,
      exitCode: z.int().nullable(),
      ranSeconds: z.number().nullable(),
      how: z.enum(["stop", "kill", "oom", "crash", "exit"]),
      containerId: z.string(),
    })),
  }),
  changes: z.array(z.object({
    seq: z.int(),
    rowId: z.string(),
    at: time,
    field: z.enum(["health", "image"]),
    from: z.string().nullable(),
    to: z.string().nullable(),
    containerId: z.string().nullable(),
  })),
}).meta({ id: "RowDetails" });

/** What is known of a row's container. */
export const getDetails: Operation = operation({
  summary: "What is known of a row's container beyond listings",
  description: "Told by an inspect after something happened to it; deaths are counted by events.",
  params: IdParams,
  answers: ok("The details", DetailsSchema),
}, ({ services: { store }, params: { id } }) => {
  // Of a row that is no more its changes are kept for a while.
  const changes = store.changes.ofRow(id);
  if (changes.length === 0 && store.transitions.ofRow(id, { limit: 1 }).length === 0) {
    store.views.get(id);
  }
  const { count, atLeast, ring } = store.problems.deathsOf(id) ??
    { count: 0, atLeast: false, ring: [] };
  const last = ring.map((death) => ({ ...death, at: new Date(death.at).toISOString() }));
  const details = store.details.of(id);
  return json({ details, deaths: { count, atLeast, last }, changes } satisfies RowDetails);
});
