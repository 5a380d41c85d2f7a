/**
 * The JSON that is answered, and what several routes take. Held to the domain model by its types:
 * a field that is missing here does not compile.
 *
 * @module
 */

import * as z from "zod";
import { type Column, type Holds, VIEW_COLUMNS } from "../model/columns.ts";
import type { Hosted } from "../model/hosts.ts";
import type { CountedWorkload, Holdings, RowCounts } from "../model/index_reader.ts";
import { type PassReport, REFUSAL_REASONS } from "../model/pass.ts";
import {
  type ContainerView,
  type Freshness,
  HUB_TROUBLES,
  type ShownStatus,
  STALE_REASONS,
} from "../model/views.ts";
import type { Workload } from "../model/workload.ts";
import { PROBLEM_KINDS } from "../model/problem.ts";
import { WORKLOAD_KINDS } from "../model/workload.ts";
import type { Entry } from "../store/registry.ts";
import type { Schema } from "./operation.ts";
import { type FieldError, PROBLEM_TYPES, type ProblemTypeCode } from "./problem_details.ts";

/**
 * The field may be absent. Like `exactOptional()`, which the generator of the document does not
 * know; JSON has no undefined, so both accept the same.
 *
 * @ignore
 */
export function optional<Type extends z.ZodType>(type: Type): z.ZodExactOptional<Type> {
  return type.optional() as unknown as z.ZodExactOptional<Type>;
}

/**
 * The parameter that asks for what the Engine has now.
 *
 * @ignore
 */
export const fresh: z.ZodExactOptional<z.ZodString> = optional(
  z.string().meta({
    description: "Answer after a listing of the Engine that began after this request.",
  }),
);

/**
 * A whole number in a query string, in plain decimal digits: what else `Number()` takes for one
 * (`0x10`, `1e3`, ` 5`, nothing at all) was meant as something else.
 *
 * @ignore
 */
export function wholeNumber(
  { min, max, fallback }: { min: number; max: number; fallback: number },
): z.ZodType<number> {
  return z.string().regex(/^(?:0|[1-9]\d{0,14})$/, `Not a whole number from ${min} to ${max}`)
    .transform(Number).pipe(z.int().min(min).max(max)).default(fallback)
    // What a client sends is text; what it means is told.
    .meta({
      type: "integer",
      pattern: undefined,
      minimum: min,
      maximum: max,
      default: fallback,
    });
}

const timestamp = z.string().meta({ format: "date-time" });

/** {@link Freshness}, for the answers that show something of the index. */
const freshness = z.object({
  fresh: z.boolean(),
  asOf: timestamp.nullable(),
  reason: z.enum(STALE_REASONS).nullable(),
}).meta({ id: "Freshness" });

/** {@link Freshness}. */
export const FreshnessSchema: Schema<Freshness> = freshness;

/** `{ "index": {…}, "items": […] }`: something of the index, and how far that can be trusted. */
export function indexed<Item>(item: Schema<Item>): Schema<{ index: Freshness; items: Item[] }> {
  return z.object({ index: freshness, items: z.array(zod(item)) });
}

/** `{ "items": […] }`. */
export function listOf<Item>(item: Schema<Item>): Schema<{ items: Item[] }> {
  return z.object({ items: z.array(zod(item)) });
}

const kind = z.enum(WORKLOAD_KINDS);

/** The `{id}` of a path. */
export const IdParams: Schema<{ id: string }> = z.strictObject({ id: z.string() });

/** Which of the hosts. */
export const HostQuery: Schema<{ host?: string }> = z.strictObject({
  host: optional(z.string().meta({ description: "Only of the host of this name." })),
});

/** Whether to remove what others refer to. */
export const ForceQuery: Schema<{ force: "true" | "false" }> = z.strictObject({
  force: z.enum(["true", "false"]).default("false")
    .meta({ description: "Also when something refers to it." }),
});

const HELD: Readonly<Record<Holds, z.ZodType>> = {
  "boolean": z.boolean(),
  "text": z.string(),
  "text or null": z.string().nullable(),
  "integer": z.int(),
  "integer or null": z.int().nullable(),
  "kind": kind,
  "time": timestamp,
  "time or null": timestamp.nullable(),
  "seconds or null": timestamp.nullable(),
  "addresses": z.record(z.string(), z.string().nullable()),
  "object or null": z.record(z.string(), z.unknown()).nullable(),
};

/** {@link ContainerView}, as its columns are told. */
export const ContainerSchema: Schema<ContainerView & Partial<Hosted>> = z.object({
  ...Object.fromEntries(
    Object.entries<Column>(VIEW_COLUMNS).map(([field, { holds, nothing, description }]) => {
      const shown = nothing === undefined ? HELD[holds] : HELD[holds].nullable();
      return [field, description === undefined ? shown : shown.meta({ description })];
    }),
  ),
  lastState: optional(
    z.string().meta({
      description:
        "Of a hub: what the host said last; `state` is `unknown` while nothing is heard " +
        "of the host.",
    }),
  ),
  heardAt: optional(
    timestamp.nullable().meta({
      description: "Of a hub: when the host was heard of last.",
    }),
  ),
}).meta({ id: "Container" }) as Schema<unknown> as Schema<ContainerView & Partial<Hosted>>;

const entryFields = {
  id: z.string(),
  kind,
  name: z.string(),
  workloadId: z.string(),
  composeProjectName: z.string().nullable(),
  domain: z.string().nullable(),
  containerName: z.string().nullable(),
  createdAt: timestamp,
  updatedAt: timestamp,
};

const secret = z.string().meta({ description: "What `POST /hooks/{secret}` is called with." });

/** {@link Entry}. */
export const EntrySchema: Schema<Entry> = z.object(entryFields).meta({ id: "Entry" });

/** {@link Entry} and its workload's secret. */
export const NewEntrySchema: Schema<Entry & { secret: string }> = z
  .object({ ...entryFields, secret }).meta({ id: "NewEntry" });

const workloadFields = { id: z.string(), kind, refId: z.string(), name: z.string() };

/** {@link Workload}. */
export const WorkloadSchema: Schema<Workload> = z.object(workloadFields).meta({ id: "Workload" });

/** How many containers serve a workload. */
export type Counts = RowCounts;

const counts = {
  running: z.int(),
  stopped: z.int(),
  missing: z.int(),
  unhealthy: z.int(),
  total: z.int(),
  states: z.record(z.string(), z.int()),
};

/** {@link CountedWorkload}. */
export const CountedWorkloadSchema: Schema<CountedWorkload> = z.object({
  host: optional(z.string().meta({ description: "Where the index is of many hosts." })),
  ...workloadFields,
  ...counts,
}).meta({ id: "CountedWorkload" });

/** {@link Entry} and how many containers serve it. */
export const CountedEntrySchema: Schema<Entry & Counts> = z.object({ ...entryFields, ...counts })
  .meta({ id: "CountedEntry" });

/** A workload's secret. */
export const SecretSchema: Schema<{ id: string; secret: string }> = z
  .object({ id: z.string(), secret }).meta({ id: "Secret" });

const EngineChangeSchema = z.object({ accepted: z.string(), found: z.string() });

const refusal = z.object({
  reason: z.enum(REFUSAL_REASONS),
  containerId: z.string(),
  containerName: z.string(),
  value: z.string(),
  workloadId: optional(z.string()),
});

const unclaimed = z.object({
  rowId: z.string(),
  containerId: z.string(),
  containerName: z.string(),
  reason: z.enum([...REFUSAL_REASONS, "other-row"]),
  value: z.string(),
});

const unmanaged = z.object({ count: z.int(), composeProjects: z.record(z.string(), z.int()) });

/** {@link PassReport}. */
export const PassReportSchema: Schema<PassReport> = z.object({
  at: timestamp,
  scope: z.enum(["full", "partial"]),
  listed: z.int(),
  claimed: z.int(),
  inserted: z.int(),
  updated: z.int(),
  swept: z.int(),
  retired: z.int(),
  refused: z.array(refusal),
  unclaimed: z.array(unclaimed),
  contended: z.array(z.object({
    rowId: z.string(),
    winner: z.string(),
    losers: z.array(z.string()),
  })),
  unmanaged,
  engineChanged: EngineChangeSchema.nullable(),
  durationSeconds: z.number(),
}).meta({ id: "PassReport" });

const stateCounts = z.array(z.object({ kind, state: z.string(), count: z.int() }));

/** {@link ShownStatus}. */
export const StatusSchema: Schema<ShownStatus> = z.object({
  pid: z.int(),
  version: z.string(),
  startedAt: timestamp,
  dataDir: z.string(),
  ready: z.boolean(),
  index: freshness,
  engine: z.object({
    host: z.string(),
    up: z.boolean(),
    id: z.string().nullable(),
    changed: EngineChangeSchema.nullable(),
    error: z.string().nullable(),
  }),
  events: z.object({ up: z.boolean(), reconnects: z.int() }),
  tcp: z.object({ address: z.string().nullable(), error: z.string().nullable() }),
  hub: z.object({
    url: z.string(),
    name: z.string(),
    joinedAt: timestamp.nullable(),
    up: z.boolean(),
    trouble: z.enum(HUB_TROUBLES).nullable(),
    error: z.string().nullable(),
    acknowledgedAt: timestamp.nullable(),
    behind: z.int().nullable(),
  }).nullable(),
  intervalSeconds: z.number(),
  problemSettings: z.array(
    z.object({ name: z.string(), value: z.string(), default: z.string() }),
  ),
  lastPass: zod(PassReportSchema).nullable(),
  lastError: z.string().nullable(),
  counts: stateCounts,
  backups: z.object({
    folder: z.string(),
    lastAt: timestamp.nullable().meta({ description: "When the last was made and checked." }),
  }).nullable().meta({ description: "The daily ones; null where none are asked for." }),
}).meta({ id: "Status" });

/** What the index holds, whether or not a daemon runs, and how far it can be trusted. */
export interface IndexSummary extends Freshness, Holdings {}

/** {@link IndexSummary}. */
export const IndexSummarySchema: Schema<IndexSummary> = z.object({
  ...freshness.shape,
  engineId: z.string().nullable(),
  foundEngineId: z.string().nullable(),
  lastPassAt: timestamp.nullable(),
  lastPass: z.object({
    listed: z.int(),
    claimed: z.int(),
    refused: z.array(refusal),
    refusedCount: z.int(),
    unclaimed: z.array(unclaimed),
    unmanaged,
  }).nullable(),
  registered: z.object({ project: z.int(), stack: z.int(), site: z.int() }),
  counts: stateCounts,
  healths: z.array(z.object({ health: z.string(), count: z.int() })),
  problems: z.array(z.object({
    kind: z.enum(PROBLEM_KINDS),
    severity: z.enum(["low", "high"]),
    count: z.int(),
  })),
}).meta({ id: "IndexSummary" });

/** A page of the index. */
export interface ContainerPage {
  /** How far it can be trusted. */
  index: Freshness;
  /** Ordered by id. */
  items: ContainerView[];
  /** Where the next page begins, null on the last. */
  nextCursor: string | null;
}

/** {@link ContainerPage}. */
export const PageSchema: Schema<ContainerPage> = z.object({
  index: freshness,
  items: z.array(zod(ContainerSchema)),
  nextCursor: z.string().nullable(),
});

/** A failure, as every route answers it. */
export interface ProblemDetailsBody {
  /** `/problems/` and the code. */
  type: string;
  /** Constant for each code. */
  title: string;
  /** HTTP status. */
  status: number;
  /** What programs tell failures apart by. */
  code: ProblemTypeCode;
  /** What can't be done and why. */
  detail: string;
  /** What a person can do about it. */
  hint?: string;
  /** What is known of it, by the code. */
  data?: Readonly<Record<string, unknown>>;
  /** One for each field at fault. */
  errors?: FieldError[];
}

/** {@link ProblemDetailsBody}. */
export const ProblemDetailsSchema: Schema<ProblemDetailsBody> = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum(Object.keys(PROBLEM_TYPES) as ProblemTypeCode[]),
  detail: z.string(),
  hint: optional(z.string()),
  data: optional(z.record(z.string(), z.unknown())),
  errors: optional(z.array(z.object({ path: z.string(), message: z.string() }))),
}).meta({ id: "Problem" });

/** Every schema here is made with zod, whatever its type says. */
function zod<Value>(schema: Schema<Value>): z.ZodType<Value> {
  return schema as z.ZodType<Value>;
}
