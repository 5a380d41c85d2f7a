/**
 * `/api/transitions` and `/api/containers/{id}/transitions`: what happened.
 *
 * @module
 */

import * as z from "zod";
import { shownTransition } from "../../core/origin.ts";
import type { ShownTransition } from "../../model/views.ts";
import { json, ok } from "../answer.ts";
import { requireKnown } from "../known_filters.ts";
import { type Reading, reading, type Schema } from "../operation.ts";
import { moment, TransitionSchema, utc } from "../past_schemas.ts";
import { IdParams, listOf, optional, wholeNumber } from "../schema.ts";
import { requireOrder } from "./past.ts";

/** Transitions in one page. */
const DEFAULT_LIMIT = 1000;
const MAX_LIMIT = 10_000;

/** A row's story. */
export const listTransitions: Reading = reading({
  summary: "What happened to a row, oldest first",
  description: "Also of a row that was removed, for as long as its story is kept.",
  params: IdParams,
  answers: ok("The newest thousand transitions", listOf(TransitionSchema)),
}, async ({ services: { reader }, params }) => {
  const items = await reader.story(params.id);
  // Without a story only the row itself can tell that it exists.
  if (items.length === 0) await reader.row(params.id);
  return json({ items: items.map(shownTransition) });
});

interface TransitionsPage {
  /** Ordered by `seq`. */
  items: ShownTransition[];
  nextSince: number | null;
}

const PageSchema: Schema<TransitionsPage> = z.object({
  items: z.array(TransitionSchema as z.ZodType<ShownTransition>),
  nextSince: z.int().nullable().meta({
    description: "`since` of the next page, null on the last; what happens later comes after " +
      "its last `seq`.",
  }),
}).meta({ id: "TransitionPage" });

/** Everybody's story. */
export const listAllTransitions: Reading = reading({
  summary: "What happened to all rows, oldest first",
  description: "Numbers have no gaps: where the first `seq` is above `since` + 1, those between " +
    "are forgotten already (by default they are kept for thirty days, and at most 100,000), or " +
    "not within `from` and `until`.",
  query: z.strictObject({
    since: wholeNumber({ min: 0, max: Number.MAX_SAFE_INTEGER, fallback: 0 })
      .meta({ description: "Only what has a greater `seq`." }),
    from: optional(moment.meta({ description: "Only at or after this moment." })),
    until: optional(moment.meta({ description: "Only before this moment." })),
    host: optional(z.string().meta({ description: "Only of the host of this name." })),
    limit: wholeNumber({ min: 1, max: MAX_LIMIT, fallback: DEFAULT_LIMIT }),
  }) as Schema<{ since: number; limit: number; from?: string; until?: string; host?: string }>,
  answers: ok("A page of transitions", PageSchema),
}, async ({ services: { reader }, query: { since, from, until, host, limit } }) => {
  requireOrder(from, until);
  if (host !== undefined) await requireKnown(reader, { host });
  const found = await reader.transitions({
    since,
    ...(host !== undefined && { host }),
    // One more than asked for tells whether others follow.
    limit: limit + 1,
    ...(from !== undefined && { from: utc(from) }),
    ...(until !== undefined && { until: utc(until) }),
  });
  const items = found.slice(0, limit);
  const nextSince = found.length > limit ? items.at(-1)!.seq : null;
  return json({ items: items.map(shownTransition), nextSince });
});
