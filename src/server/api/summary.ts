/**
 * `/api/index`: what the index holds, whether or not a daemon runs.
 *
 * @module
 */

import { json, ok } from "../answer.ts";
import { type Reading, reading } from "../operation.ts";
import { requireKnown } from "../known_filters.ts";
import { HostQuery, type IndexSummary, IndexSummarySchema } from "../schema.ts";

/** The last pass, what is registered, how many rows are in which state. */
export const getIndex: Reading = reading({
  summary: "What the index holds, and as of which pass",
  description: "The same with and without a daemon; of the refused containers the first hundred.",
  query: HostQuery,
  answers: ok("The summary", IndexSummarySchema),
}, async ({ services: { reader }, query: { host } }) => {
  if (host !== undefined) await requireKnown(reader, { host });
  const summary = { ...await reader.freshness(host), ...await reader.holdings(host) };
  return json(summary satisfies IndexSummary);
});
