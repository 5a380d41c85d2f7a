/**
 * How long workloads ran, of how their rows did, for whoever asks for it. Pure.
 *
 * @module
 */

import type { RowAvailability, WorkloadAvailability } from "../model/past.ts";
import type { KeptSubject } from "../model/story.ts";
import type { Workload } from "../model/workload.ts";
import { joined, type Ran, ranTogether, runningTime, type Span, stepOf } from "./availability.ts";

/** So many spans are told in one answer; where there are more rows, each is told in fewer. */
const MAX_SPANS = 200_000;

/** A row and when it ran. */
export interface RanSubject {
  /** Who it is or was. */
  readonly subject: KeptSubject;
  /** In order. */
  readonly ran: readonly Ran[];
}

/** What times are told by. */
export interface TimesOptions {
  /** The window. */
  readonly window: Span;
  /** At most so many spans of each. */
  readonly maxSpans: number;
  /** Workloads that are told whether they have rows or not, in their order. */
  readonly registered: readonly Pick<Workload, "id" | "kind" | "name">[];
  /** Name of their host, where there are many. */
  readonly host?: string;
}

/** At most so many spans are told of each of so many rows and of their workloads, where `asked` are. */
export function spansOfEach(asked: number, rows: number): number {
  return Math.min(asked, Math.floor(MAX_SPANS / Math.max(1, 2 * rows)));
}

/** Workloads with the rows that they have or had, after them those that are not registered any more. */
export function workloadTimes(
  rows: readonly RanSubject[],
  { window, maxSpans, registered, host }: TimesOptions,
): { workloads: WorkloadAvailability[]; resolutionMs: number } {
  const time = (each: readonly Ran[]) => runningTime(each, { window, maxSpans });
  const byWorkload = Map.groupBy(rows, ({ subject }) => subject.workloadId);
  const hosted = host === undefined ? {} : { host };
  let coarse = false;
  const of = (id: string | null) => {
    const its = byWorkload.get(id) ?? [];
    const together = ranTogether(its.map(({ ran }) => ran));
    coarse ||= [together, ...its.map(({ ran }) => ran)].some(({ length }) => length > maxSpans);
    return {
      ...time(together),
      rows: its.map((
        { subject: { now: _, createdAt: __, ...subject }, ran },
      ): RowAvailability => ({ ...subject, ...time(ran) })),
    };
  };
  const here = registered.map(({ id, name, kind }): WorkloadAvailability => ({
    ...hosted,
    ...{ id, name, kind, removed: false },
    ...of(id),
  }));
  const known = new Set<string | null>(registered.map(({ id }) => id));
  const gone = [...byWorkload].filter(([id]) => !known.has(id)).map(([id, [first]]) => {
    const { workloadName: name, workloadKind: kind } = first!.subject;
    return { ...hosted, id, name, kind, removed: true, ...of(id) };
  });
  return { workloads: [...here, ...gone], resolutionMs: coarse ? stepOf(window, maxSpans) : 0 };
}

/**
 * What of a window was watched, of stretches in order; `until` is up to when the last of them goes on,
 * null: it does not.
 */
export function watchedWithin(
  spans: readonly Span[],
  { from, to, until }: Span & { readonly until: number | null },
): Span[] {
  const last = spans.at(-1);
  const all = last === undefined || until === null
    ? spans
    : [...spans.slice(0, -1), { ...last, to: Math.max(last.to, until) }];
  return joined(all).filter((span) => span.to > from && span.from < to);
}
