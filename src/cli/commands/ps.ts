/**
 * `tinyforge ps`: the index as a table, once or again at each change.
 *
 * @module
 */

import type { ContainerView } from "../../model/views.ts";
import type { WorkloadKind } from "../../model/workload.ts";
import type { Store } from "../../store/store.ts";
import { EXIT, type Invocation, usageError } from "../command.ts";
import { quote } from "../../text.ts";
import { openIndex } from "../data_dir.ts";
import { firstRun, firstRunLines } from "../first_run.ts";
import { nearest } from "../nearest.ts";
import { ago, healthCell, roleText, shortId, stateCell } from "../phrases.ts";
import { type Cell, tableLines } from "../table.ts";
import { resolveWorkload } from "../workload_name.ts";

/** Prints the index; with `--watch` until it is interrupted. */
export async function run(invocation: Invocation): Promise<number> {
  const { out } = invocation;
  if (invocation.on("watch")) {
    if (invocation.on("json")) {
      throw usageError(
        "Cannot watch as JSON: --json prints one document",
        "the daemon's GET /api/events streams changes as JSON",
      );
    }
    return await (await import("../watch.ts")).watch(invocation, {
      read: (store) => listRows(store, invocation),
      fingerprint: (rows) => JSON.stringify(rows.map((row) => ({ ...row, lastSeenAt: null }))),
      draw: (rows, width) => psLines(rows, { width, now: new Date(), paint: out.paint.bind(out) }),
    });
  }
  const config = invocation.config();
  using store = await openIndex(config.dataDir);
  if (invocation.on("json")) {
    out.jsonText(`{"items":${store === null ? "[]" : listJson(store, invocation)}}`);
    sayUnknownState(store, invocation);
    return EXIT.done;
  }
  const rows = store === null ? [] : listRows(store, invocation);
  const width = out.size()?.columns ?? null;
  const lines = psLines(rows, { width, now: new Date(), paint: out.paint.bind(out) });
  out.raw(lines.map((line) => `${line}\n`).join(""));
  if (rows.length === 0) sayUnknownState(store, invocation);
  const first = rows.length > 0 ? null : await firstRun(store, config);
  if (first !== null) out.notes(...firstRunLines(first));
  return EXIT.done;
}

/**
 * An empty table looks the same for a state that no row is in and for one that is misspelt. Not an
 * error: the Engine makes up its states, and none may be the wanted answer.
 */
function sayUnknownState(store: Store | null, { flag, out }: Invocation): void {
  const state = flag("state");
  if (state === undefined || store === null) return;
  const states = [...new Set(store.views.counts().map((counted) => counted.state))].sort();
  if (states.length === 0 || states.includes(state)) return;
  const meant = nearest(state, states);
  out.notes(
    `No row is in state ${quote(state)}` +
      (meant === null ? `; there are: ${states.join(", ")}.` : `; did you mean ${quote(meant)}?`),
  );
}

function psLines(
  rows: readonly ContainerView[],
  options: {
    width: number | null;
    now: Date;
    paint: NonNullable<Parameters<typeof tableLines>[1]>["paint"];
  },
): string[] {
  const { width, now, paint } = options;
  const cells = rows.map((row): Cell[] => [
    row.workloadName,
    row.workloadKind,
    roleText(row) || row.stageName,
    stateCell(row.state, row.exitCode),
    healthCell(row.health),
    row.containerName || shortId(row.containerId),
    row.imageRef,
    row.port === 0 ? null : row.port,
    ago(row.lastSeenAt, now),
    row.id,
  ]);
  return tableLines(cells, { header: HEADER, width, ...(paint !== undefined && { paint }) });
}

const HEADER = [
  "WORKLOAD",
  "KIND",
  "ROLE/STAGE",
  "STATE",
  "HEALTH",
  "CONTAINER",
  "IMAGE",
  "PORT",
  "SEEN",
  "ROW",
];

function listRows(store: Store, invocation: Invocation): ContainerView[] {
  return sorted(store.views.list(filter(store, invocation)));
}

/** Ordered by row id, as the API does: ten thousand rows are not taken apart to be put in order. */
function listJson(store: Store, invocation: Invocation): string {
  return store.views.listJson(filter(store, invocation));
}

function filter(store: Store, invocation: Invocation): Parameters<Store["views"]["list"]>[0] {
  const [kind, state, workload] = ["kind", "state", "workload"].map(invocation.flag);
  return {
    ...(kind !== undefined && { kind: kind as WorkloadKind }),
    ...(state !== undefined && { state }),
    ...(workload !== undefined && {
      workload: resolveWorkload(store.workloads.list(), workload, { action: "list rows" }).id,
    }),
  };
}

/** People look for a name, not for an id. */
function sorted(rows: ContainerView[]): ContainerView[] {
  return rows.sort((a, b) =>
    compare(a.workloadName, b.workloadName) || compare(a.workloadKind, b.workloadKind) ||
    compare(a.role, b.role) || a.replica - b.replica || compare(a.id, b.id)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
