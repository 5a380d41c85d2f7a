/**
 * `/api/silences`: of what nobody wants to hear for a while, once or again and again.
 *
 * @module
 */

import { z } from "zod";
import { Failure } from "../../failure.ts";
import type { Silence } from "../../model/problem.ts";
import { checkRecurrence } from "../../recurrence.ts";
import type { KeptSilence } from "../../store/silences.ts";
import { created, json, ok } from "../answer.ts";
import { type Operation, operation, type Schema, type Services } from "../operation.ts";
import { IdParams, listOf, optional } from "../schema.ts";

/** A silence as readers are shown it. Times are RFC 3339 UTC. */
export interface ShownSilence {
  /** Its id. */
  readonly id: string;
  /** What is silent. */
  readonly scope: Silence["scope"];
  /** Id of the workload or row; empty for all. */
  readonly target: string;
  /** Why. */
  readonly reason: string;
  /** The first moment. */
  readonly from: string;
  /** The moment after the last; null: it recurs without end. */
  readonly until: string | null;
  /** When it comes again; null: once. */
  readonly cron: string | null;
  /** The zone that this is read in. */
  readonly timeZone: string | null;
  /** How long it lasts each time, seconds. */
  readonly seconds: number;
}

const time = z.string().meta({ format: "date-time" });
const scope = z.enum(["all", "workload", "row"]);

const ShownSilenceSchema: Schema<ShownSilence> = z.object({
  id: z.string(),
  scope,
  target: z.string(),
  reason: z.string(),
  from: time,
  until: time.nullable(),
  cron: z.string().nullable(),
  timeZone: z.string().nullable(),
  seconds: z.number(),
}).meta({ id: "Silence" });

/** What is asked for. */
export interface NewSilence {
  /** What shall be silent. */
  scope: Silence["scope"];
  /** Id of the workload or row. */
  target?: string;
  /** Why. */
  reason?: string;
  /** RFC 3339; now when absent. */
  from?: string;
  /** RFC 3339. */
  until?: string;
  /** How long, or how long each time. */
  seconds?: number;
  /** When it comes again. */
  cron?: string;
  /** The zone that this is read in; UTC when absent. */
  timeZone?: string;
}

const NewSilenceSchema: Schema<NewSilence> = z.strictObject({
  scope,
  target: optional(z.string().meta({ description: "Id of the workload or row; not for `all`." })),
  reason: optional(z.string().max(500)),
  from: optional(time.meta({ description: "Now when absent." })),
  until: optional(time.meta({ description: "This or `seconds`; of a recurring one: its end." })),
  seconds: optional(z.number().positive().max(366 * 86_400)),
  cron: optional(z.string().max(200).meta({ description: "It recurs, `seconds` long each time." })),
  timeZone: optional(z.string().max(64).meta({ example: "Europe/Berlin" })),
}).meta({ id: "NewSilence" });

/** Those that may still come. */
export const listSilences: Operation = operation(
  {
    summary: "Silences that are not over",
    answers: ok("The silences", listOf(ShownSilenceSchema)),
  },
  ({ services: { store, now } }) =>
    json({ items: store.silences.list(now().getTime()).map(shown) }),
);

/** Another one. */
export const createSilence: Operation = operation({
  summary: "Silence a workload, a row or everything for a while",
  description: "Problems still show, marked; they notify nobody.",
  body: NewSilenceSchema,
  answers: { 201: { description: "The silence", schema: ShownSilenceSchema } },
}, async ({ services, body }) => {
  const now = services.now().getTime();
  const asked = await checked(body, services, now);
  const kept = services.store.silences.add(asked, now);
  services.problems.silencesChanged();
  return created(`/api/silences/${kept.id}`, shown(kept));
});

/** No more. */
export const removeSilence: Operation = operation({
  summary: "End a silence",
  params: IdParams,
  answers: { 204: { description: "It is over" } },
}, ({ services, params }) => {
  services.store.silences.remove(params.id);
  services.problems.silencesChanged();
  return new Response(null, { status: 204 });
});

/** What is to be kept, or why it can't be. */
async function checked(
  { scope, target = "", reason = "", from, until, seconds, cron, timeZone }: NewSilence,
  { store }: Services,
  now: number,
): Promise<Omit<KeptSilence, "id" | "createdAt">> {
  const targetId = scope === "all" ? "" : target;
  if (scope === "all" ? target !== "" : target === "") {
    throw refused(scope === "all" ? "`all` takes no target" : `which ${scope} is not told`);
  }
  if (scope === "workload" && store.workloads.get(target) === undefined) {
    throw new Failure("not-found", `Cannot silence workload "${target}": no such workload`, {
      data: { thing: "workload", id: target },
    });
  }
  if (scope === "row") store.views.get(target);
  const startsAt = from === undefined ? now : timeOf(from, "from");
  const told = until === undefined ? null : timeOf(until, "until");
  if (told !== null && told <= now) throw refused(`it would be over already (${until})`);
  if (told !== null && told <= startsAt) throw refused("it would end before it begins");
  const shared = { scope, targetId, reason, startsAt };
  if (cron !== undefined) {
    if (seconds === undefined) throw refused("how long it lasts each time is not told");
    const zone = timeZone ?? "UTC";
    await checkRecurrence({ cron, timeZone: zone }, Math.max(now, startsAt));
    return { ...shared, endsAt: told, cron, timeZone: zone, lastsMs: seconds * 1000 };
  }
  if (timeZone !== undefined) throw refused("a time zone goes with a cron expression");
  if (told !== null && seconds !== undefined) throw refused("its end is told twice");
  const endsAt = told ?? (seconds === undefined ? null : startsAt + seconds * 1000);
  if (endsAt === null) throw refused("it would have no end");
  if (endsAt <= now) throw refused("it would be over already");
  return { ...shared, endsAt, cron: null, timeZone: null, lastsMs: endsAt - startsAt };
}

function timeOf(text: string, field: string): number {
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(ms)) throw refused(`\`${field}\` is no RFC 3339 time`);
  return ms;
}

function refused(why: string): Failure {
  return new Failure("invalid", `Cannot keep this silence: ${why}`, { data: {} });
}

function shown(kept: KeptSilence): ShownSilence {
  const { id, scope, targetId, reason, startsAt, endsAt, cron, timeZone, lastsMs } = kept;
  return {
    id,
    scope,
    target: targetId,
    reason,
    from: new Date(startsAt).toISOString(),
    until: endsAt === null ? null : new Date(endsAt).toISOString(),
    cron,
    timeZone,
    seconds: lastsMs / 1000,
  };
}
