/**
 * Which rows of the past are asked for. Pure.
 *
 * @module
 */

import type { PastRow } from "../model/past.ts";
import type { PastFilter } from "../model/past_port.ts";

/** Whether a row is one of those, wherever its page begins. */
export function pastRowFits(
  row: PastRow,
  { kind, state, stage, workloadIds }: Omit<PastFilter, "host">,
): boolean {
  return (kind === undefined || row.workloadKind === kind) &&
    (state === undefined || row.state === state) &&
    (stage === undefined || row.stageName === stage) &&
    (workloadIds === undefined ||
      row.workloadId !== null && workloadIds.includes(row.workloadId));
}
