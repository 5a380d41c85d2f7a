/**
 * `/api/silences`: of what nobody wants to hear for a while, once or again and again.
 *
 * @module
 */

import * as z from "zod";
import { Failure } from "../../failure.ts";
import { PROBLEM_KINDS, type Silence } from "../../model/problem.ts";
import { checkRecurrence } from "../../recurrence.ts";
import type { KeptSilence } from "../../model/silence.ts";
import { created, json, ok } from "../answer.ts";
import { type Operation, type Schema, served, type TellingServices } from "../operation.ts";
import { IdParams, listOf, optional } from "../schema.ts";

/** A silence as readers are shown it. Times are RFC 3339 UTC. */
export interface ShownSilence {
  /** Its id. */
  readonly id: string;
  /** What is silent. */
  readonly scope: Silence["scope"];
  /** Id of the workload or row, name of the host; empty for all. */
  readonly target: string;
  /** Kinds of problems; null: all. */
  readonly kinds: readonly string[] | null;
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

/** What is asked for. */
export interface NewSilence {
  /** What shall be silent. */
  scope: Silence["scope"];
  /** Id of the workload or row, name of the host. */
  target?: string;
  /** Kinds of problems; all when null or absent. */
  kinds?: readonly string[] | null;
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

const SHOWN = {
  target: z.string(),
  kinds: z.array(z.string()).nullable(),
  reason: z.string(),
  from: time,
  until: time.nullable(),
  cron: z.string().nullable(),
  timeZone: z.string().nullable(),
  seconds: z.number(),
};
const FIELDS = {
  // What is not among the problems, as a broken channel, is told whatever is silent.
  kinds: optional(
    z.array(z.enum(PROBLEM_KINDS)).nullable().meta({
      description: "Kinds of problems; null: all.",
    }),
  ),
  reason: optional(z.string().max(500)),
  from: optional(time.meta({ description: "Now when absent." })),
  until: optional(time.meta({ description: "This or `seconds`; of a recurring one: its end." })),
  seconds: optional(z.number().positive().max(366 * 86_400)),
  cron: optional(z.string().max(200).meta({ description: "It recurs, `seconds` long each time." })),
  timeZone: optional(z.string().max(64).meta({ example: "Europe/Berlin" })),
};
const scope = z.enum(["all", "workload", "row"]);
const hubScope = z.enum(["all", "host", "workload", "row"]);

/** What is asked about silences. */
export interface SilenceOperations {
  /** Those that may still come. */
  readonly list: Operation<TellingServices>;
  /** Another one. */
  readonly create: Operation<TellingServices>;
}

/** Of a host. */
export const SILENCES: SilenceOperations = silencesOver({
  what: "a workload, a row or everything, or some kinds of it,",
  shown: z.object({ id: z.string(), scope, ...SHOWN }).meta({ id: "Silence" }) as Schema<unknown>,
  fields: z.strictObject({
    scope,
    target: optional(z.string().meta({ description: "Id of the workload or row; not for `all`." })),
    ...FIELDS,
  }).meta({ id: "NewSilence" }) as Schema<unknown>,
});

/** Of many hosts. */
export const HUB_SILENCES: SilenceOperations = silencesOver({
  what: "a host, a workload, a row or everything, or some kinds of it,",
  shown: z.object({ id: z.string(), scope: hubScope, ...SHOWN })
    .meta({ id: "HubSilence" }) as Schema<unknown>,
  fields: z.strictObject({
    scope: hubScope,
    target: optional(
      z.string().meta({
        description: "Name of the host, id of the workload or row; not for `all`.",
      }),
    ),
    ...FIELDS,
  }).meta({ id: "NewHubSilence" }) as Schema<unknown>,
});

function silencesOver(
  { what, shown: one, fields }: { what: string; shown: Schema<unknown>; fields: Schema<unknown> },
): SilenceOperations {
  return {
    list: served({
      summary: "Silences that are not over",
      answers: ok("The silences", listOf(one as Schema<ShownSilence>)),
    }, async ({ services: { silences } }) => {
      const items = await silences.list();
      return json({ items: items.map(shown) });
    }),
    create: served({
      summary: `Silence ${what} for a while`,
      description: "Problems still show, marked; they notify nobody.",
      body: fields as Schema<NewSilence>,
      answers: { 201: { description: "The silence", schema: one } },
    }, async ({ services: { silences }, body }) => {
      const now = await silences.now();
      const kept = await silences.add(await checked(body, now), now);
      return created(`/api/silences/${kept.id}`, shown(kept));
    }),
  };
}

/** No more. */
export const removeSilence: Operation<TellingServices> = served({
  summary: "End a silence",
  params: IdParams,
  answers: { 204: { description: "It is over" } },
}, async ({ services: { silences }, params }) => {
  await silences.remove(params.id);
  return new Response(null, { status: 204 });
});

/** What is to be kept, or why it can't be. */
async function checked(
  { scope, target = "", kinds = null, reason = "", from, until, seconds, cron, timeZone }:
    NewSilence,
  now: number,
): Promise<Omit<KeptSilence, "id" | "createdAt">> {
  const targetId = scope === "all" ? "" : target;
  if (scope === "all" ? target !== "" : target === "") {
    throw refused(scope === "all" ? "`all` takes no target" : `which ${scope} is not told`);
  }
  if (kinds?.length === 0) throw refused("of no kind of problem");
  const startsAt = from === undefined ? now : timeOf(from, "from");
  const told = until === undefined ? null : timeOf(until, "until");
  if (told !== null && told <= now) throw refused(`it would be over already (${until})`);
  if (told !== null && told <= startsAt) throw refused("it would end before it begins");
  const shared = { scope, targetId, kinds, reason, startsAt };
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
  const { id, scope, targetId, kinds, reason, startsAt, endsAt, cron, timeZone, lastsMs } = kept;
  return {
    id,
    scope,
    target: targetId,
    kinds,
    reason,
    from: new Date(startsAt).toISOString(),
    until: endsAt === null ? null : new Date(endsAt).toISOString(),
    cron,
    timeZone,
    seconds: lastsMs / 1000,
  };
}
