/**
 * `/api/problems`, `/api/check`: what is wrong, and whether all is as it should be at this moment.
 *
 * @module
 */

import { z } from "zod";
import { checkRow, NOT_RIGHT, type NotRight } from "../../core/check.ts";
import { Failure } from "../../failure.ts";
import { PROBLEM_KINDS } from "../../model/problem.ts";
import type { Workload } from "../../model/workload.ts";
import { WORKLOAD_KINDS } from "../../model/workload.ts";
import { quote } from "../../text.ts";
import { json, ok } from "../answer.ts";
import { type Operation, operation, type Schema, type Services } from "../operation.ts";
import { passNow } from "../pass_now.ts";
import { type ShownProblem, shownProblems } from "../problem_views.ts";
import { fresh, optional } from "../schema.ts";

const time = z.string().meta({ format: "date-time" });

/** {@link ShownProblem}. */
export const ShownProblemSchema: Schema<ShownProblem> = z.object({
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
export const listProblems: Operation = operation({
  summary: "What is wrong",
  description: "The open problems, newest first. Without a daemon: as it left them.",
  query: z.strictObject({
    all: z.enum(["true", "false"]).default("false").meta({
      description: "Also those that may pass by themselves, and the newest that are over.",
    }),
    row: optional(z.string().meta({ description: "Only of this row." })),
  }) as Schema<{ all: "true" | "false"; row?: string }>,
  answers: ok(
    "The problems",
    z.object({ problems: z.array(ShownProblemSchema as z.ZodType<ShownProblem>) }),
  ),
}, ({ services: { store }, query: { all, row } }) => {
  const filter = { all: all === "true", ...(row !== undefined && { rowId: row }) };
  return json({ problems: shownProblems(store, store.problems.list(filter)) });
});

/** One row, or a workload that has none yet, held against what is expected. */
export interface CheckedRow {
  /** Its workload. */
  readonly workload: Pick<Workload, "id" | "kind" | "name">;
  /** Its id; null: the workload has no row yet. */
  readonly row: string | null;
  /** Its state; null without a row. */
  readonly state: string | null;
  /** Exit code of a stopped container. */
  readonly exitCode: number | null;
  /** The image that it shows; null without a row. */
  readonly image: string | null;
  /** The image that it should show, where that is what is wrong; else null. */
  readonly expectedImage: string | null;
  /** Why it is not as expected; null: it is. */
  readonly why: NotRight | null;
  /** Since when, RFC 3339 UTC; null without a row. */
  readonly since: string | null;
}

const CheckedRowSchema = z.object({
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
export const check: Operation = operation({
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
    fresh,
  }) as Schema<{ workloads?: string; rows?: string; image?: string; fresh?: string }>,
  answers: ok("Every row", z.object({ checked: z.array(CheckedRowSchema) })),
}, async ({ services, query: { fresh, ...wanted } }) => {
  if (fresh !== undefined) await passNow(services);
  return json({ checked: checkedRows(services, wanted) });
});

function checkedRows(
  { store, problems, now }: Services,
  { workloads, rows: only, image }: { workloads?: string; rows?: string; image?: string },
): CheckedRow[] {
  const ids = only === undefined ? null : new Set(only.split(","));
  for (const id of ids ?? []) {
    if (store.containers.index().row(id) !== undefined) continue;
    throw new Failure("not-found", `Cannot check row ${quote(id)}: no such row`, {
      data: { thing: "row", id },
    });
  }
  const expected = store.expectations.roles();
  const named = workloads === undefined ? null : new Set(workloads.split(","));
  const times = store.problems.times();
  const deaths = store.problems.deaths();
  const wanted = problems.wanted();
  const rows = Map.groupBy(store.containers.index().rows(), ({ workloadId }) => workloadId);
  return store.workloads.list().flatMap(({ id, kind, name }): CheckedRow[] => {
    if (named !== null && !named.has(id)) return [];
    const workload = { id, kind, name };
    const its = rows.get(id) ?? [];
    if (its.length === 0 && ids === null && (named !== null || kind === "site")) {
      const nothing = {
        row: null,
        state: null,
        exitCode: null,
        image: null,
        expectedImage: null,
        since: null,
      };
      return [{ workload, ...nothing, why: "no-container" }];
    }
    return its.filter((row) => ids?.has(row.id) ?? true).map((row): CheckedRow => {
      const at = now().getTime();
      const told = expected.of(id, kind === "site" ? "" : row.role);
      const checked = checkRow(row, {
        wanted: wanted(row),
        image: image ?? (told?.source === "manual" ? told.image : null),
        times: times.get(row.id) ?? { stateSince: at, healthSince: at },
        deaths: deaths.get(row.id),
      });
      return {
        workload,
        row: row.id,
        state: row.state,
        exitCode: row.exitCode,
        image: row.imageRef,
        expectedImage: checked.why === "image" ? image ?? told?.image ?? null : null,
        why: checked.why,
        since: new Date(checked.since).toISOString(),
      };
    });
  });
}
