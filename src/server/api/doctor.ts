/**
 * `/api/doctor`: what the index shows that will go wrong some day. Asks the Engine nothing.
 *
 * @module
 */

import * as z from "zod";
import { type Finding, GROUPS, SEVERITIES } from "../../doctor/finding.ts";
import { indexFindings } from "../../doctor/index_checks.ts";
import { LEFT_OUT } from "../../store/damage.ts";
import { json, ok } from "../answer.ts";
import type { Principal } from "../credentials.ts";
import { type Operation, operation, type Schema, type Services } from "../operation.ts";
import { reasonFor } from "./channels.ts";

/** {@link Finding}. */
const FindingSchema: Schema<Finding> = z.object({
  code: z.string(),
  severity: z.enum(SEVERITIES),
  group: z.enum(GROUPS),
  what: z.string(),
  why: z.string(),
  do: z.string().meta({ description: "The command that helps, where there is one." }),
}).meta({ id: "Finding" });

/** What will go wrong. */
export const getFindings: Operation = operation({
  summary: "What the index shows that will go wrong some day",
  description: "What needs the Engine or the host's files is found by the command alone.",
  answers: ok(
    "What was found",
    z.object({ findings: z.array(FindingSchema as z.ZodType<Finding>) }),
  ),
}, async ({ services, principal }) => json({ findings: await findings(services, principal) }));

async function findings(
  { store, problems, now, backups }: Services,
  principal: Principal,
): Promise<Finding[]> {
  const names = new Map(
    store.workloads.list().map(({ id, kind, name }) => [id, `${kind}/${name}`]),
  );
  const details = store.details.all(LEFT_OUT);
  const wanted = problems.wanted();
  return indexFindings({
    now: now().getTime(),
    rows: [...store.containers.index().rows()].map((row) => ({
      id: row.id,
      workload: names.get(row.workloadId) ?? row.workloadId,
      state: row.state,
      container: row.containerName,
      wanted: wanted(row).mode,
      details: details.get(row.id) ?? null,
    })),
    problems: store.problems.list({}, LEFT_OUT),
    channels: store.channels.list(LEFT_OUT)
      .map((each) => ({ ...each, reason: reasonFor(principal, each.reason) })),
    damages: await store.damages(),
    backups: await backups(),
  });
}
