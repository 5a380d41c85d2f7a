/**
 * `/api/history`, `/api/availability` and the index as it was: what is asked for, held against what
 * is remembered.
 *
 * @module
 */

import * as z from "zod";
import type { PastFilter } from "../../model/past_port.ts";
import { mayDo } from "../../model/role.ts";
import { json, ok } from "../answer.ts";
import { requireKnown } from "../known_filters.ts";
import { type Reading, reading, type ReadServices, type Schema } from "../operation.ts";
import { AvailabilitySchema, HistoryPageSchema, moment, utc } from "../past_schemas.ts";
import type { ProblemDetails } from "../problem_details.ts";
import { optional, wholeNumber } from "../schema.ts";
import { invalidFields } from "../validation.ts";

const DEFAULT_LIMIT = 1000;
const MAX_LIMIT = 10_000;
const DAY_MS = 86_400_000;

const workload = optional(
  z.string().meta({ description: "Id or name of a workload; a removed one's do too." }),
);

const host = optional(z.string().meta({ description: "Only of the host of this name." }));

/** What happened. */
export const listHistory: Reading = reading({
  summary: "What happened, oldest first",
  description: "The newest entries of the window: changes of rows, ends of containers, problems, " +
    "restores, and from when to when the index was known to be what ran; to admins also who " +
    "changed what. A hub knows of changes, problems and what was watched.",
  query: z.strictObject({
    from: optional(moment.meta({ description: "At or after." })),
    until: optional(moment.meta({ description: "Before." })),
    host,
    workload,
    row: optional(z.string().meta({ description: "Only of this row; a removed one's too." })),
    before: optional(z.string().meta({ description: "`before` of the page after this one." })),
    audit: z.enum(["true", "false"]).default("true").meta({
      description: "`false`: without who changed what.",
    }),
    limit: wholeNumber({ min: 1, max: MAX_LIMIT, fallback: DEFAULT_LIMIT }),
  }) as Schema<HistoryQuery>,
  answers: ok("A page of history", HistoryPageSchema),
}, async ({ services, principal, query }) => {
  const { from, until, host, workload, row, before, audit, limit } = query;
  const { past } = services;
  requireOrder(from, until);
  if (host !== undefined) await requireKnown(services.reader, { host });
  if (row !== undefined && !await past.knowsRow(row)) {
    throw unknown("row", "No row has this id, or had");
  }
  return json(
    await past.history({
      limit,
      audit: audit === "true" && mayDo(principal.role, "admin"),
      ...(from !== undefined && { from: utc(from) }),
      ...(until !== undefined && { until: utc(until) }),
      ...(host !== undefined && { host }),
      ...(workload !== undefined && { workloadIds: await meant(services, { workload, host }) }),
      ...(row !== undefined && { rowId: row }),
      ...(before !== undefined && { before }),
    }),
  );
});

interface HistoryQuery {
  from?: string;
  until?: string;
  host?: string;
  workload?: string;
  row?: string;
  before?: string;
  audit: "true" | "false";
  limit: number;
}

/** How long things ran. */
export const getAvailability: Reading = reading({
  summary: "How long workloads and rows ran",
  description: "Of the time in which they were there. Time in which nobody watched is counted " +
    "apart. A workload runs while any of its rows does, `partly` while another one does not. " +
    "A hub goes by what each host watched, as far as that was told to it.",
  query: z.strictObject({
    from: optional(moment.meta({ description: "Begin of the window; in place of `days`." })),
    until: optional(moment.meta({ description: "Its end. Default: now." })),
    days: wholeNumber({ min: 1, max: 3650, fallback: 30 }),
    host,
    workload,
    cursor: optional(
      z.string().meta({ description: "`nextCursor` of the page before: a hub answers in pages." }),
    ),
    spans: wholeNumber({ min: 0, max: 500, fallback: 0 })
      .meta({ description: "Also tell when which was, in at most so many stretches each." }),
  }) as Schema<AvailabilityQuery>,
  answers: ok("Workloads by kind and name, with their rows", AvailabilitySchema),
}, async ({ services, query: { from, until, days, host, workload, cursor, spans } }) => {
  const { past, now } = services;
  const end = Math.min(until === undefined ? Infinity : Date.parse(until), now().getTime());
  const begin = from === undefined ? end - days * DAY_MS : Date.parse(from);
  requireOrder(new Date(begin).toISOString(), new Date(end).toISOString());
  if (host !== undefined) await requireKnown(services.reader, { host });
  requireManyHosts(services, cursor);
  return json(
    await past.availability({
      from: begin,
      until: end,
      maxSpans: spans,
      ...(host !== undefined && { host }),
      ...(workload !== undefined && { workloadIds: await meant(services, { workload, host }) }),
      ...(cursor !== undefined && { after: cursor }),
    }),
  );
});

interface AvailabilityQuery {
  from?: string;
  until?: string;
  days: number;
  host?: string;
  workload?: string;
  cursor?: string;
  spans: number;
}

/** Which rows of the index as it was. */
export interface AskedThen extends Pick<PastFilter, "host" | "kind" | "state" | "stage" | "limit"> {
  /** Id or name of a workload that is or was. */
  readonly workload?: string;
  /** `nextCursor` of the page before. */
  readonly cursor?: string;
}

/**
 * The index as it was.
 *
 * @throws {ProblemDetails} `invalid`: it has not been yet, or no workload is or was called so.
 */
export async function indexAt(
  services: ReadServices,
  at: string,
  { workload, cursor, ...asked }: AskedThen,
): Promise<Response> {
  const moment = Date.parse(at);
  const { past, reader } = services;
  const { host } = asked;
  if (moment > services.now().getTime()) throw unknown("at", "This has not been yet");
  if (host !== undefined) await requireKnown(reader, { host });
  requireManyHosts(services, cursor);
  return json(
    await past.at(moment, {
      ...asked,
      ...(workload !== undefined && {
        workloadIds: await idsOf(services, { workload, host }),
      }),
      ...(cursor !== undefined && { after: cursor }),
    }),
  );
}

/** Refuses a window that ends before it begins. */
export function requireOrder(from: string | undefined, until: string | undefined): void {
  if (from === undefined || until === undefined || utc(from) <= utc(until)) return;
  throw unknown("until", "It is before `from`");
}

/** Where there is one host, all of its past is told at once. */
function requireManyHosts({ reader }: ReadServices, cursor: string | undefined): void {
  if (cursor === undefined || reader.hosts !== null) return;
  throw unknown("cursor", "All of it is told in one page");
}

interface AskedWorkload {
  readonly workload: string;
  readonly host: string | undefined;
}

/** Several hosts may each have one of this name; of one host one is meant. */
async function meant(services: ReadServices, asked: AskedWorkload): Promise<readonly string[]> {
  const ids = await idsOf(services, asked);
  if (ids.length === 1 || services.reader.hosts !== null) return ids;
  throw unknown("workload", "Several have this name: use an id");
}

async function idsOf(
  { past }: ReadServices,
  { workload, host }: AskedWorkload,
): Promise<readonly string[]> {
  const ids = await past.workloadIds(workload, host);
  if (ids.length > 0) return ids;
  throw unknown("workload", "No workload has this id or name, or had");
}

function unknown(path: string, message: string): ProblemDetails {
  return invalidFields([{ path, message }]);
}
