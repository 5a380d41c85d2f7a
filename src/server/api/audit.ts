/**
 * `/api/audit`: who changed what.
 *
 * @module
 */

import * as z from "zod";
import type { AuditEntry } from "../../model/access.ts";
import { json, ok } from "../answer.ts";
import { type Reading, reading } from "../operation.ts";
import { AuditEntrySchema } from "../past_schemas.ts";
import { optional, wholeNumber } from "../schema.ts";

const number = z.string().regex(/^(?:0|[1-9]\d{0,14})$/, "Not a whole number");

/** Who changed what. */
export const listAudit: Reading = reading({
  summary: "Who changed what, the newest first; the last 10,000 changes are kept",
  query: z.strictObject({
    before: optional(number.meta({ description: "Only what has a smaller `seq`." })),
    since: optional(number.meta({
      description: "Only what has a greater `seq`, the oldest first; not with `before`.",
    })),
    limit: wholeNumber({ min: 1, max: 1000, fallback: 100 }),
  }),
  answers: ok(
    "A page of entries",
    z.object({
      items: z.array(AuditEntrySchema as z.ZodType<AuditEntry>),
      next: z.int().nullable().meta({
        description: "`before` (or `since`) of the next page; null on the last.",
      }),
    }).meta({ id: "AuditPage" }),
  ),
}, async ({ services: { access: { audit } }, query: { before, since, limit } }) => {
  // One more than asked for tells whether others follow.
  const found = since === undefined
    ? await audit.newest({ before: before === undefined ? null : Number(before), limit: limit + 1 })
    : await audit.since(Number(since), { limit: limit + 1 });
  const items = found.slice(0, limit);
  return json({ items, next: found.length > limit ? items.at(-1)!.seq : null });
});
