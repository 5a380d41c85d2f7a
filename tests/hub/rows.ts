/** Rows as hosts tell them. @module */

import { ROW_FIELDS } from "../../src/hub/row.ts";

/** A row of this id that runs, with `changes`. */
export function shownRow(
  id: string,
  changes: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    ...Object.fromEntries(ROW_FIELDS.map((field) => [field, null])),
    ...{ id, workloadId: "w", workloadKind: "project", workloadName: "shop", role: "web" },
    ...{ replica: 1, containerId: `c-${id}`, imageRef: "nginx:1", state: "running" },
    ...{ claimed: true, confirmed: true, stateSince: "2026-01-01T00:00:00.000Z", ...changes },
  };
}
