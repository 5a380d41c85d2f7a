/**
 * `/api/history`, `/api/availability` and the index as it was: what is asked for, held against what
 * is remembered.
 *
 * @module
 */

import { z } from "zod";
import type { PastPort, PastRow } from "../../model/past.ts";
import type { WorkloadKind } from "../../model/workload.ts";
import { mayDo } from "../../model/role.ts";
import { json, ok } from "../answer.ts";
import {
  type Operation,
  operation,
  type ReadServices,
  type Schema,
  type Services,
} from "../operation.ts";
import { AvailabilitySchema, HistoryPageSchema, moment, utc } from "../past_schemas.ts";
import { notHere } from "../not_here.ts";
import type { Problem } from "../problem.ts";
import { optional, wholeNumber } from "../schema.ts";
import { invalidFields } from "../validation.ts";

const DEFAULT_LIMIT = 1000;
const MAX_LIMIT = 10_000;
const DAY_MS = 86_400_000;

const workload = optional(
  z.string().meta({ description: "Id or name of a workload; a removed one's do too." }),
);

/** What happened. */
export const listHistory: Operation = operation({
  summary: "What happened, oldest first",
  description: "The newest entries of the window: changes of rows, ends of containers, problems, " +
    "restores, and from when to when the index was known to be what ran; to admins also who " +
    "changed what.",
  query: z.strictObject({
    from: optional(moment.meta({ description: "At or after." })),
    until: optional(moment.meta({ description: "Before." })),
    workload,
    row: optional(z.string().meta({ description: "Only of this row; a removed one's too." })),
    before: optional(z.string().meta({ description: "`before` of the page after this one." })),
    audit: z.enum(["true", "false"]).default("true").meta({
      description: "`false`: without who changed what.",
    }),
    limit: wholeNumber({ min: 1, max: MAX_LIMIT, fallback: DEFAULT_LIMIT }),
  }) as Schema<HistoryQuery>,
  answers: ok("A page of history", HistoryPageSchema),
}, ({ services, principal, query: { from, until, workload, row, before, audit, limit } }) => {
  const { past } = services;
  requireOrder(from, until);
  if (row !== undefined && !past.knowsRow(row)) throw unknown("row", "No row has this id, or had");
  return json(past.history({
    limit,
    audit: audit === "true" && mayDo(principal.role, "admin"),
    ...(from !== undefined && { from: utc(from) }),
    ...(until !== undefined && { until: utc(until) }),
    ...(workload !== undefined && { workloadId: workloadIdOf(services, workload) }),
    ...(row !== undefined && { rowId: row }),
    ...(before !== undefined && { before }),
  }));
});

interface HistoryQuery {
  from?: string;
  until?: string;
  workload?: string;
  row?: string;
  before?: string;
  audit: "true" | "false";
  limit: number;
}

/** How long things ran. */
export const getAvailability: Operation = operation({
  summary: "How long workloads and rows ran",
  description: "Of the time in which they were there. Time in which nobody watched is counted " +
    "apart. A workload runs while any of its rows does, `partly` while another one does not.",
  query: z.strictObject({
    from: optional(moment.meta({ description: "Begin of the window; in place of `days`." })),
    until: optional(moment.meta({ description: "Its end. Default: now." })),
    days: wholeNumber({ min: 1, max: 3650, fallback: 30 }),
    workload,
    spans: wholeNumber({ min: 0, max: 500, fallback: 0 })
      .meta({ description: "Also tell when which was, in at most so many stretches each." }),
  }) as Schema<AvailabilityQuery>,
  answers: ok("Workloads by kind and name, with their rows", AvailabilitySchema),
}, async ({ services, query: { from, until, days, workload, spans } }) => {
  const { past, now } = services;
  const end = Math.min(until === undefined ? Infinity : Date.parse(until), now().getTime());
  const begin = from === undefined ? end - days * DAY_MS : Date.parse(from);
  requireOrder(new Date(begin).toISOString(), new Date(end).toISOString());
  return json(
    await past.availability({
      from: begin,
      until: end,
      maxSpans: spans,
      ...(workload !== undefined && { workloadId: workloadIdOf(services, workload) }),
    }),
  );
});

interface AvailabilityQuery {
  from?: string;
  until?: string;
  days: number;
  workload?: string;
  spans: number;
}

/** Which rows of the index as it was. */
export interface PastFilter {
  /** Only of workloads of this kind. */
  readonly kind?: WorkloadKind;
  /** Only in this state. */
  readonly state?: string;
  /** Id or name of a workload that is or was. */
  readonly workload?: string;
  /** Name of a stage. */
  readonly stage?: string;
}

/**
 * The index as it was.
 *
 * @throws {Problem} `invalid`: it has not been yet, or no workload is or was called so.
 */
export async function indexAt(
  services: ReadServices,
  at: string,
  { kind, state, workload, stage }: PastFilter,
): Promise<Response> {
  const moment = Date.parse(at);
  const { past } = services;
  if (past === null) throw notHere("tell what was");
  if (moment > services.now().getTime()) throw unknown("at", "This has not been yet");
  const ids = workload === undefined ? null : workloadIds(past, workload);
  const { items, ...known } = await past.at(moment);
  const fits = (row: PastRow) =>
    (kind === undefined || row.workloadKind === kind) &&
    (state === undefined || row.state === state) &&
    (stage === undefined || row.stageName === stage) &&
    (ids === null || row.workloadId !== null && ids.includes(row.workloadId));
  return json({ ...known, items: items.filter(fits) });
}

/** Refuses a window that ends before it begins. */
export function requireOrder(from: string | undefined, until: string | undefined): void {
  if (from === undefined || until === undefined || utc(from) <= utc(until)) return;
  throw unknown("until", "It is before `from`");
}

function workloadIdOf(services: Services, idOrName: string): string {
  const [id, other] = workloadIds(services.past, idOrName);
  if (other !== undefined) throw unknown("workload", "Several have this name: use an id");
  return id!;
}

function workloadIds(past: PastPort, idOrName: string): readonly string[] {
  const ids = past.workloadIds(idOrName);
  if (ids.length > 0) return ids;
  throw unknown("workload", "No workload has this id or name, or had");
}

function unknown(path: string, message: string): Problem {
  return invalidFields([{ path, message }]);
}
