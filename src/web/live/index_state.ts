/**
 * What the whole dashboard shows of the index, kept up to date by one live feed: rows, problems,
 * workloads, the daemon's own state. Must not know a page.
 *
 * @module
 */

import type { Readable } from "../readable.ts";
import { computed } from "@preact/signals";
import type { ShownStatus } from "../../model/views.ts";
import type { Workload } from "../../model/workload.ts";
import type { ShownProblem } from "../../server/problem_views.ts";
import { access, ask, send } from "../ask.ts";
import { LiveFeed } from "./feed.ts";
import { hosts, many, tooMany } from "./many.ts";
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
export const status: Refreshed<ShownStatus> = new Refreshed(
  () => ask<ShownStatus>("/api/status"),
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

/** Whether the first rows were drawn. */
let shown = false;
/** Whether all of them have come once: what came with them need not be asked for again. */
let known = false;

/** The host whose rows are followed where all are too many; empty: none is chosen. */
let followed = "";

/** Follows the rows of this host, where those of all are too many. */
export function followHost(name: string): void {
  if (followed === name) return;
  followed = name;
  if (!tooMany.peek() || poll === null) return;
  feed.stop();
  rows.forget();
  feed.start();
}

/** The one live feed. */
export const feed: LiveFeed = new LiveFeed({
  open: (options) => {
    if (!tooMany.peek()) return send("/api/events", options);
    if (followed === "") return Promise.reject(new Error("No host is chosen"));
    return send(`/api/events?host=${encodeURIComponent(followed)}`, options);
  },
  onEvent: (event) => {
    if (event.name === "hosts") hosts.refresh();
    if (rows.take(event)) return event.name === "snapshot" ? arrived() : changed();
    if (event.name !== "problems") return undefined;
    problems.refresh();
    lookAround();
    return undefined;
  },
  onLost: () => access.onLost(),
});

/** Rows changed. */
function changed(): undefined {
  if (mentionsUnknown()) workloads.refresh();
}

/** A part of a snapshot came. */
function arrived(): Promise<void> | undefined {
  const first = !shown;
  shown = true;
  if (known) refreshAll();
  known = rows.complete.peek();
  // Drawn before the other parts are read, which takes longer than a reader wants to wait.
  return first && !known ? painted() : undefined;
}

/** Everything that is asked for, asked for again. */
export function refreshAll(): void {
  problems.refresh();
  workloads.refresh();
  lookAround();
}

/** What is around the rows, asked for again: the daemon or, of a hub, the hosts. */
export function lookAround(): void {
  if (many.peek() === null) return;
  if (many.peek()) hosts.refresh();
  else status.refresh();
}

let poll: ReturnType<typeof setInterval> | null = null;

/** Begins to keep everything up to date. */
export function follow(): void {
  if (poll !== null) return;
  shown = false;
  known = false;
  feed.start();
  refreshAll();
  poll = setInterval(() => {
    if (!document.hidden) lookAround();
  }, STATUS_EVERY_MS);
}

/** Ends that and forgets what is known. */
export function unfollow(): void {
  if (poll !== null) clearInterval(poll);
  poll = null;
  feed.stop();
  rows.forget();
  for (const each of [problems, workloads, status, hosts]) each.forget();
}

/** Resolves when what was changed until now has been drawn. */
function painted(): Promise<void> {
  return new Promise((resolve) => {
    // Two frames: the rows are drawn in one, and on the screen with the next.
    const drawn = () => setTimeout(resolve);
    requestAnimationFrame(() => requestAnimationFrame(drawn));
    // A hidden page has no frames.
    setTimeout(resolve, 250);
  });
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
