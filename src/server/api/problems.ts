/**
 * `/api/problems`, `/api/check`: what is wrong, and whether all is as it should be at this moment.
 *
 * @module
 */

import * as z from "zod";
import { othersTurn } from "../../http/body.ts";
import { type CheckedRow, NOT_RIGHT } from "../../model/check.ts";
import { PROBLEM_KINDS } from "../../model/problem.ts";
import type { Freshness } from "../../model/views.ts";
import { WORKLOAD_KINDS } from "../../model/workload.ts";
import { json, ok } from "../answer.ts";
import { type Reading, reading, type Schema } from "../operation.ts";
import { requireKnown } from "../known_filters.ts";
import { type ShownProblem, shownProblems } from "../problem_views.ts";
import { fresh, FreshnessSchema, optional } from "../schema.ts";

const time = z.string().meta({ format: "date-time" });

/** {@link ShownProblem}. */
const ShownProblemSchema: Schema<ShownProblem> = z.object({
  host: optional(z.string().meta({ description: "Where the index is of many hosts." })),
  key: z.string(),
  kind: z.enum(PROBLEM_KINDS),
  severity: z.enum(["low", "high"]),
  status: z.enum(["holding", "open", "closed"]),
  workload: z.object({ id: z.string(), name: z.string(), kind: z.enum(WORKLOAD_KINDS).nullable() })
    .nullable(),
  row: z.string().nullable(),
  container: z.object({ id: z.string(), name: z.string() }).nullable(),
  since: time,
  dueAt: time.nullable(),
  openedAt: time.nullable(),
  closedAt: time.nullable(),
  outcome: z.enum(["recovered", "superseded", "gone"]).nullable(),
  evidence: z.looseObject({}).meta({ description: "What it was seen by; all members optional." }),
  do: z.looseObject({ code: z.string() }).meta({ description: "What to do about it, as data." }),
  batch: z.enum(["baseline", "restart"]).nullable(),
  muted: z.boolean(),
  silenced: z.boolean(),
}).meta({ id: "FoundProblem" }) as Schema<unknown> as Schema<ShownProblem>;

/** What is wrong. */
export const listProblems: Reading = reading({
  summary: "What is wrong",
  description: "The open problems, newest first. Without a daemon: as it left them.",
  query: z.strictObject({
    all: z.enum(["true", "false"]).default("false").meta({
      description: "Also those that may pass by themselves, and the newest that are over.",
    }),
    row: optional(z.string().meta({ description: "Only of this row." })),
    host: optional(z.string().meta({ description: "Only of the host of this name." })),
  }) as Schema<{ all: "true" | "false"; row?: string; host?: string }>,
  answers: ok(
    "The problems",
    z.object({
      index: FreshnessSchema as z.ZodType<Freshness>,
      problems: z.array(ShownProblemSchema as z.ZodType<ShownProblem>),
    }),
  ),
}, async ({ services: { reader }, query: { all, row, host } }) => {
  if (host !== undefined) await requireKnown(reader, { host });
  const found = await reader.problems({
    all: all === "true",
    ...(row !== undefined && { rowId: row }),
    ...(host !== undefined && { host }),
  });
  const many = found.length > MANY;
  if (many) await othersTurn();
  const problems = shownProblems(found, { hosts: reader.hosts !== null });
  const index = await reader.freshness(host);
  if (many) await othersTurn();
  return json({ index, problems });
});

/** To read so many, to put them into words and to write these down takes each long enough for a turn. */
const MANY = 500;

const CheckedRowSchema: Schema<CheckedRow> = z.object({
  host: optional(z.string().meta({ description: "Where the index is of many hosts." })),
  workload: z.object({ id: z.string(), kind: z.enum(WORKLOAD_KINDS), name: z.string() }),
  row: z.string().nullable(),
  state: z.string().nullable(),
  exitCode: z.int().nullable(),
  image: z.string().nullable(),
  expectedImage: z.string().nullable(),
  why: z.enum(NOT_RIGHT).nullable(),
  since: time.nullable(),
}).meta({ id: "CheckedRow" });

/** Whether rows are as they should be. */
export const check: Reading = reading({
  summary: "Whether rows are as expected at this moment",
  description: "Of the index as it is, or after a pass. No time to settle is given.",
  query: z.strictObject({
    workloads: optional(
      z.string().meta({
        description: "Ids, separated by commas; one without a row yet is not as expected.",
      }),
    ),
    rows: optional(z.string().meta({ description: "Ids, separated by commas: these alone." })),
    image: optional(
      z.string().meta({
        description: "The image that they should show; by default what somebody set by hand.",
      }),
    ),
    host: optional(z.string().meta({ description: "Only of the host of this name." })),
    fresh,
  }) as Schema<CheckQuery>,
  answers: ok(
    "Every row",
    z.object({ checked: z.array(CheckedRowSchema as z.ZodType<CheckedRow>) }),
  ),
}, async ({ services, query: { fresh, workloads, rows, ...rest } }) => {
  if (fresh !== undefined) await services.listNow();
  const { reader } = services;
  if (rest.host !== undefined) await requireKnown(reader, { host: rest.host });
  const checked = await reader.check({
    ...rest,
    ...(workloads !== undefined && { workloads: workloads.split(",") }),
    ...(rows !== undefined && { rows: rows.split(",") }),
  });
  return json({ checked });
});

interface CheckQuery {
  workloads?: string;
  rows?: string;
  image?: string;
  host?: string;
  fresh?: string;
}
