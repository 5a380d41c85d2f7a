/**
 * How long rows and workloads ran within a window. Pure; time in which nobody watched is neither
 * running nor down, and while a row was not there nothing counts.
 *
 * @module
 */

import { COMPLETED } from "../model/container.ts";
import { type Running, RUNNINGS, type RunningSpan, type RunningTime } from "../model/past.ts";
import type { Stretch } from "./story.ts";

/** A stretch of time, milliseconds since the Unix epoch. */
export interface Span {
  /** From here. */
  readonly from: number;
  /** Up to but not including here. */
  readonly to: number;
}

/** A stretch in which something ran so well. */
export interface Ran extends Span {
  /** How well. */
  readonly state: Running;
}

/** A window and what of it was watched. */
export interface Window extends Span {
  /** In order, none overlapping another. */
  readonly watched: readonly Span[];
}

/** Spans in order, those that touch or overlap made one. */
export function joined(spans: readonly Span[]): Span[] {
  const found: Span[] = [];
  for (const { from, to } of spans.toSorted((a, b) => a.from - b.from)) {
    const last = found.at(-1);
    if (last !== undefined && from <= last.to) {
      found[found.length - 1] = { from: last.from, to: Math.max(last.to, to) };
    } else found.push({ from, to });
  }
  return found.filter(({ from, to }) => from < to);
}

/** When a row ran within a window, in order; while it was not there is nothing. */
export function ranRow(story: readonly Stretch[], window: Window): Ran[] {
  const found: Ran[] = [];
  const { watched } = window;
  let next = 0;
  for (const { from, to, state } of story) {
    // A job that is over has done what it was to do: it neither runs nor is it down.
    if (state !== "forgotten" && state.to === COMPLETED) continue;
    const end = Math.min(to, window.to);
    let at = Math.max(from, window.from);
    if (at >= end) continue;
    const known: Running = state === "forgotten"
      ? "unknown"
      : state.to === "running"
      ? "running"
      : "down";
    while (at < end) {
      while (next < watched.length && watched[next]!.to <= at) next++;
      const span = watched[next];
      const isWatched = span !== undefined && span.from <= at;
      const until = Math.min(end, isWatched ? span.to : span?.from ?? Infinity);
      add(found, { from: at, to: until, state: isWatched ? known : "unknown" });
      at = until;
    }
  }
  return found;
}

/** When a workload ran, of how its rows did. */
export function ranTogether(rows: readonly (readonly Ran[])[]): Ran[] {
  const edges = rows.flat().flatMap(({ from, to, state }) => [
    { at: from, state, by: 1 },
    { at: to, state, by: -1 },
  ]).sort((a, b) => a.at - b.at);
  const found: Ran[] = [];
  const count: Record<Running, number> = { running: 0, unknown: 0, partly: 0, down: 0 };
  edges.forEach(({ at, state, by }, i) => {
    count[state] += by;
    const until = edges[i + 1]?.at ?? at;
    const together = stateOf(count);
    if (at < until && together !== null) add(found, { from: at, to: until, state: together });
  });
  return found;
}

/** Null: none of its rows was there. */
function stateOf({ running, unknown, down }: Readonly<Record<Running, number>>): Running | null {
  if (running > 0) return down > 0 ? "partly" : "running";
  // Of what nobody knows any part may have run.
  if (unknown > 0) return "unknown";
  return down > 0 ? "down" : null;
}

/** How long in all, and when, in at most so many spans. */
export function runningTime(
  ran: readonly Ran[],
  { window, maxSpans }: { readonly window: Span; readonly maxSpans: number },
): RunningTime {
  const ms: Record<Running, number> = { running: 0, unknown: 0, partly: 0, down: 0 };
  for (const { from, to, state } of ran) ms[state] += to - from;
  const known = ms.running + ms.partly + ms.down;
  return {
    runningMs: ms.running,
    partlyMs: ms.partly,
    downMs: ms.down,
    unknownMs: ms.unknown,
    share: known === 0 ? null : (ms.running + ms.partly) / known,
    spans: ran.length <= maxSpans
      ? ran.map(shown)
      : coarse(ran, { window, steps: maxSpans }).map(shown),
  };
}

/** How long one step is when a window is told in so many, milliseconds. */
export function stepOf({ from, to }: Span, steps: number): number {
  return steps === 0 ? 0 : Math.ceil((to - from) / steps);
}

/** The same in steps of equal length, the worst of each. */
function coarse(
  ran: readonly Ran[],
  { window, steps }: { readonly window: Span; readonly steps: number },
): Ran[] {
  const step = stepOf(window, steps);
  const worst: (Running | undefined)[] = new Array(steps);
  for (const { from, to, state } of ran) {
    const last = Math.min(steps - 1, Math.ceil((to - window.from) / step) - 1);
    for (let i = Math.floor((from - window.from) / step); i <= last; i++) {
      const before = worst[i];
      if (before === undefined || RUNNINGS.indexOf(state) > RUNNINGS.indexOf(before)) {
        worst[i] = state;
      }
    }
  }
  const found: Ran[] = [];
  worst.forEach((state, i) => {
    if (state === undefined) return;
    const from = window.from + i * step;
    add(found, { from, to: Math.min(from + step, window.to), state });
  });
  return found;
}

/** Adds a stretch, to the last one where it goes on. */
function add(found: Ran[], ran: Ran): void {
  const last = found.at(-1);
  if (last?.to === ran.from && last.state === ran.state) {
    found[found.length - 1] = { ...last, to: ran.to };
  } else found.push(ran);
}

function shown({ from, to, state }: Ran): RunningSpan {
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString(), state };
}
