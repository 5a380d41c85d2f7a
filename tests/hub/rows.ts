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

/** So many minutes before some moment, RFC 3339 UTC. */
export type Ago = (minutes: number) => string;

/** Minutes before this moment, milliseconds since the Unix epoch. */
export function minutesBefore(now: number): Ago {
  return (minutes) => new Date(now - minutes * 60_000).toISOString();
}

/** A change of row `a` of so many minutes ago, as hosts tell it. */
export function toldChange(
  ago: Ago,
  seq: number,
  minutes: number,
  told: Record<string, unknown> = {},
): Record<string, unknown> {
  const rowId = String(told.rowId ?? "a");
  return {
    ...{ seq, rowId, at: ago(minutes), from: null, to: "running", cause: "pass" },
    ...{ containerId: `c-${rowId}`, containerName: `name-${rowId}`, imageRef: "nginx:1" },
    ...{ exitCode: null, origin: { by: "listing", at: ago(minutes) }, workloadId: "w1" },
    ...{ workloadKind: "project", workloadName: "shop", role: "web", replica: 1 },
    ...{ stageName: null, createdAt: ago(minutes), ...told },
  };
}
