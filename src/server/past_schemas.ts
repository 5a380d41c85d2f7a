/**
 * The JSON of what was, and the moments that are asked for. Held to the domain model by its types.
 *
 * @module
 */

import * as z from "zod";
import { type AuditEntry, WAYS_IN } from "../model/access.ts";
import {
  type Availability,
  HISTORY_KINDS,
  type HistoryPage,
  type PastIndex,
  RUNNINGS,
} from "../model/past.ts";
import type { Origin } from "../model/pass.ts";
import { PROBLEM_KINDS } from "../model/problem.ts";
import type { ShownTransition } from "../model/views.ts";
import { WORKLOAD_KINDS } from "../model/workload.ts";
import type { Schema } from "./operation.ts";
import { optional } from "./schema.ts";

const time = z.string().meta({ format: "date-time" });
const kind = z.enum(WORKLOAD_KINDS);

/** RFC 3339 with its zone; a date alone would be another one in each place. */
const MOMENT =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])[Tt](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/**
 * A moment in a query string.
 *
 * @ignore
 */
export const moment: z.ZodString = z.string()
  .regex(MOMENT, "Not a time with its zone, as in 2026-11-26T02:00:00Z")
  .refine((text) => !Number.isNaN(Date.parse(text)), "There is no such day")
  .meta({ format: "date-time", pattern: undefined });

/** The moment as everything here is kept: UTC, in milliseconds. */
export function utc(moment: string): string {
  return new Date(moment).toISOString();
}

const OriginSchema: z.ZodType<Origin> = z.discriminatedUnion("by", [
  z.object({ by: z.literal("event"), action: z.string(), at: time.nullable() }),
  z.object({ by: z.literal("listing"), at: time }),
  z.object({ by: z.literal("contender"), at: time }),
  z.object({
    by: z.literal("deployer"),
    who: z.string().nullable(),
    action: z.enum(["created", "bound", "unbound", "removed"]),
    entry: z.object({ kind, name: z.string() }).nullable(),
  }),
  z.object({ by: z.literal("prose"), text: z.string() }),
]);

const cause = z.enum(["event", "pass", "sweep", "deployer"]);

/** {@link ShownTransition}. */
export const TransitionSchema: Schema<ShownTransition> = z.object({
  seq: z.int(),
  rowId: z.string(),
  at: time,
  from: z.string().nullable(),
  to: z.string(),
  cause,
  containerId: z.string().nullable(),
  containerName: z.string().nullable(),
  imageRef: z.string().nullable(),
  exitCode: z.int().nullable(),
  origin: OriginSchema,
  detail: z.string().meta({ description: "`origin` in words." }),
}).meta({ id: "Transition" });

const forgottenUntil = time.nullable().meta({
  description: "What happened up to here may be forgotten; null: nothing is.",
});

const host = optional(
  z.string().meta({
    description: "Name of its host; absent where the index is of one host alone.",
  }),
);

const nextCursor = z.string().nullable().meta({
  description: "`cursor` of the next page, null on the last; of one host there is one page.",
});

const hostPast = {
  host: z.string(),
  heardAt: time.nullable(),
  forgottenUntil,
};

const subject = {
  id: z.string(),
  host,
  workloadId: z.string().nullable(),
  workloadKind: kind.nullable(),
  workloadName: z.string().nullable()
    .meta({ description: "Today's, or its last one; null: nobody remembers." }),
  role: z.string().nullable(),
  replica: z.int().nullable(),
  stageName: z.string().nullable(),
  removed: z.boolean().meta({ description: "It is not in the index any more." }),
};

/** {@link PastIndex}. */
export const PastIndexSchema: Schema<PastIndex> = z.object({
  at: time,
  watched: z.boolean().meta({ description: "Whether the index was known to be what ran." }),
  asOf: time.nullable().meta({
    description: "Where it was not: the last moment before at which it was.",
  }),
  forgottenUntil,
  hosts: optional(
    z.array(
      z.object({
        ...hostPast,
        watched: z.boolean(),
        asOf: time.nullable(),
      }).meta({ id: "HostMoment" }),
    ).meta({ description: "Of a hub: how far each host's past is known." }),
  ),
  items: z.array(
    z.object({
      ...subject,
      state: z.string().nullable().meta({ description: "Null: forgotten." }),
      since: time.nullable(),
      exitCode: z.int().nullable(),
      containerId: z.string().nullable(),
      containerName: z.string().nullable(),
      imageRef: z.string().nullable(),
    }).meta({ id: "PastRow" }),
  ),
  nextCursor,
}).meta({ id: "PastIndex" });

const running = {
  runningMs: z.number(),
  partlyMs: z.number(),
  downMs: z.number(),
  unknownMs: z.number().meta({ description: "Nobody watched, or it is forgotten." }),
  share: z.number().nullable().meta({
    description: "How much of the known time something ran, 0 to 1; null: no time is known.",
  }),
  spans: z.array(z.object({ from: time, to: time, state: z.enum(RUNNINGS) }).meta({ id: "Ran" })),
};

/** {@link Availability}. */
export const AvailabilitySchema: Schema<Availability> = z.object({
  from: time,
  until: time,
  forgottenUntil,
  resolutionMs: z.number().meta({
    description: "Spans are told no finer, the worst of each wins; 0: as they were.",
  }),
  hosts: optional(
    z.array(z.object(hostPast).meta({ id: "HostPast" }))
      .meta({ description: "Of a hub: how far each host's past is known." }),
  ),
  workloads: z.array(
    z.object({
      host,
      id: z.string().nullable(),
      name: z.string().nullable(),
      kind: kind.nullable(),
      removed: z.boolean(),
      ...running,
      rows: z.array(z.object({ ...subject, ...running }).meta({ id: "RowAvailability" })),
    }).meta({ id: "WorkloadAvailability" }),
  ),
  nextCursor,
}).meta({ id: "Availability" });

const audited = {
  at: time,
  who: z.string().meta({ description: "A token's name, a user of this host, a workload." }),
  via: z.enum(WAYS_IN),
  remote: z.string().nullable().meta({ description: "IP address." }),
  action: z.string().meta({
    description: "Method and path of the route; `restore` where a backup took the index's place.",
    example: "POST /api/projects",
  }),
  path: z.string().meta({ description: "As it was asked, secrets left out." }),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
    .meta({ description: "What of the request may be shown." }),
};

/** {@link AuditEntry}. */
export const AuditEntrySchema: Schema<AuditEntry> = z.object({ seq: z.int(), ...audited })
  .meta({ id: "AuditEntry" });

/** {@link HistoryPage}. */
export const HistoryPageSchema: Schema<HistoryPage> = z.object({
  items: z.array(
    z.object({
      key: z.string().meta({ description: "The same whenever it is asked for." }),
      at: time,
      what: z.enum(HISTORY_KINDS),
      host,
      workload: z.object({
        id: z.string(),
        name: z.string().nullable(),
        kind: kind.nullable(),
      }).nullable(),
      row: z.string().nullable(),
      role: z.string().nullable(),
      replica: z.int().nullable(),
      from: z.string().nullable(),
      to: z.string().nullable(),
      containerId: z.string().nullable(),
      containerName: z.string().nullable(),
      imageRef: z.string().nullable(),
      exitCode: z.int().nullable(),
      problem: z.object({ kind: z.enum(PROBLEM_KINDS), severity: z.enum(["low", "high"]) })
        .nullable(),
      cause: cause.nullable(),
      origin: OriginSchema.nullable(),
      audit: z.object(audited).omit({ at: true }).nullable().meta({
        description: "Who changed what; null where that is not told to who asks.",
      }),
      detail: z.string(),
    }).meta({ id: "HistoryEntry" }),
  ),
  before: z.string().nullable().meta({ description: "`before` of the page before this one." }),
  forgottenUntil,
}).meta({ id: "HistoryPage" });
