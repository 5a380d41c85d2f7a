/**
 * `/api/index`: what the index holds, whether or not a daemon runs.
 *
 * @module
 */

import { json, ok } from "../answer.ts";
import { type Operation, operation } from "../operation.ts";
import { type IndexSummary, IndexSummarySchema } from "../schema.ts";

/** The last pass, what is registered, how many rows are in which state. */
export const getIndex: Operation = operation({
  summary: "What the index holds, and as of which pass",
  description: "The same with and without a daemon; of the refused containers the first hundred.",
  answers: ok("The summary", IndexSummarySchema),
}, ({ services }) => {
  const { store } = services;
  const { index } = services.readiness();
  const { engineId, foundEngineId, lastPassAt, lastPass } = store.hosts.local();
  const registered = { project: 0, stack: 0, site: 0 };
  for (const { kind } of store.workloads.list()) registered[kind]++;
  const counts = store.views.counts();
  const problems = store.problems.counts();
  const kept = { engineId, foundEngineId, lastPassAt, lastPass };
  const healths = store.views.healths();
  const summary = { ...index, ...kept, registered, counts, healths, problems };
  return json(summary satisfies IndexSummary);
});
