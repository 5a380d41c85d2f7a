/**
 * What the whole dashboard shows of the index, kept up to date by one live feed: rows, problems,
 * workloads, the daemon's own state. Must not know a page.
 *
 * @module
 */

import type { Readable } from "../readable.ts";
import { computed } from "@preact/signals";
import type { DaemonStatus } from "../../model/views.ts";
import type { Workload } from "../../model/workload.ts";
import type { ShownProblem } from "../../server/problem_views.ts";
import { access, ask, send } from "../ask.ts";
import { LiveFeed } from "./feed.ts";
import { Refreshed } from "./refreshed.ts";
import { Rows } from "./rows.ts";

/** The rows. */
export const rows: Rows = new Rows();

/** Problems that are open, that may pass by themselves, and the newest that are over. */
export const problems: Refreshed<readonly ShownProblem[]> = new Refreshed(
  async () => (await ask<{ problems: ShownProblem[] }>("/api/problems?all=true")).problems,
);

/** Every workload, also those without a row. */
export const workloads: Refreshed<readonly Workload[]> = new Refreshed(
  async () => (await ask<{ items: Workload[] }>("/api/workloads")).items,
  { everyMs: 2000 },
);

/** The daemon. */
export const status: Refreshed<DaemonStatus> = new Refreshed(
  () => ask<DaemonStatus>("/api/status"),
  { everyMs: 2000 },
);

/** The problems that are open, those that matter most and are newest first. */
export const openProblems: Readable<readonly ShownProblem[] | null> = computed(() =>
  problems.value.value?.filter((problem) => problem.status === "open")
    .sort((a, b) => rank(a) - rank(b) || (a.since < b.since ? 1 : -1)) ?? null
);

/** Ids of rows that an open problem is about. */
export const troubledRows: Readable<ReadonlySet<string>> = computed(() =>
  new Set(openProblems.value?.map(({ row }) => row).filter((row) => row !== null))
);

/** How the daemon's own state is looked at, since no event tells of it. */
const STATUS_EVERY_MS = 15_000;

/** The one live feed. */
export const feed: LiveFeed = new LiveFeed({
  open: (options) => send("/api/events", options),
  onEvent: (event) => {
    if (rows.take(event)) {
      if (event.name === "snapshot") refreshAll();
      else if (mentionsUnknown()) workloads.refresh();
    } else if (event.name === "problems") {
      problems.refresh();
      status.refresh();
    }
  },
  onLost: () => access.onLost(),
});

/** Everything that is asked for, asked for again. */
export function refreshAll(): void {
  problems.refresh();
  workloads.refresh();
  status.refresh();
}

let poll: ReturnType<typeof setInterval> | null = null;

/** Begins to keep everything up to date. */
export function follow(): void {
  feed.start();
  refreshAll();
  poll ??= setInterval(() => {
    if (!document.hidden) status.refresh();
  }, STATUS_EVERY_MS);
}

/** Ends that and forgets what is known. */
export function unfollow(): void {
  if (poll !== null) clearInterval(poll);
  poll = null;
  feed.stop();
  rows.forget();
  for (const each of [problems, workloads, status]) each.forget();
}

/** Whether there are rows of a workload that came after the list of them. */
function mentionsUnknown(): boolean {
  const known = workloads.value.peek();
  if (known === null || known.length > 500) return false;
  const ids = new Set(known.map(({ id }) => id));
  for (const row of rows.all.values()) if (!ids.has(row.workloadId)) return true;
  return false;
}

function rank({ severity, silenced }: ShownProblem): number {
  return (severity === "high" ? 0 : 1) + (silenced ? 2 : 0);
}
