/**
 * Answers what was, from what the store keeps of it. Reads only; what is reckoned is pure and stands
 * beside.
 *
 * @module
 */

import { endOf } from "../bytes.ts";
import { ranRow } from "../core/availability.ts";
import {
  auditEntries,
  type Changed,
  deathEntries,
  type Known,
  newest,
  numberBefore,
  type Place,
  problemEntries,
  RANKS,
  readPlace,
  transitionEntries,
  watchEntries,
} from "../core/history.ts";
import { pastRowFits } from "../core/past_filter.ts";
import { rowAt, stretches } from "../core/story.ts";
import {
  type RanSubject,
  spansOfEach,
  watchedWithin,
  workloadTimes,
} from "../core/workload_times.ts";
import { othersTurn } from "../http/body.ts";
import type { Availability, HistoryPage, PastIndex, PastRow } from "../model/past.ts";
import type { AvailabilityQuery, HistoryQuery, PastFilter, PastPort } from "../model/past_port.ts";
import type { KeptSubject, Story } from "../model/story.ts";
import type { Store } from "../store/store.ts";
import { aboutOf } from "./about.ts";

/** What a {@link Past} reads. */
export interface PastOptions {
  /** The index. */
  readonly store: Store;
  /** The time, milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Whether the index is what runs now, so that what is watched goes on. */
  readonly isFresh: () => boolean;
}

/** So many rows' stories are read at once at most, and no more than there is {@linkcode SLICE_MS} for. */
const AT_ONCE = 500;

/** Of at most so many entries rows are asked for one by one. */
const FEW = 1000;

/** So long, milliseconds, is read before others get their turn. */
const SLICE_MS = 10;

/** Reads the past. */
export class Past implements PastPort {
  readonly #o: PastOptions;

  /** Over an open store. */
  constructor(options: PastOptions) {
    this.#o = options;
  }

  /** The index as it was. */
  async at(moment: number, which: PastFilter = {}): Promise<PastIndex> {
    const forgottenUntil = this.#forgottenUntil();
    const items: PastRow[] = [];
    for await (const story of this.#stories()) {
      const row = rowAt(story, { at: moment, forgottenUntil });
      if (row !== null && pastRowFits(row, which)) items.push(row);
    }
    const at = new Date(moment).toISOString();
    const watched = this.#watched({ from: moment, until: moment + 1 })
      .some(({ from, to }) => from <= moment && moment < to);
    return {
      at,
      watched,
      asOf: watched ? at : this.#o.store.hosts.watched.lastBefore(at),
      forgottenUntil: textOf(forgottenUntil),
      items,
      nextCursor: null,
    };
  }

  /** How long things ran. */
  async availability(query: AvailabilityQuery): Promise<Availability> {
    const { from, workloadIds } = query;
    const until = Math.min(query.until, this.#o.now());
    const forgottenUntil = this.#forgottenUntil();
    const window = { from, to: until, watched: this.#watched({ from, until }) };
    const rows: RanSubject[] = [];
    for await (const story of this.#stories(workloadIds)) {
      const ran = ranRow(stretches(story, { forgottenUntil }), window);
      const { subject } = story;
      if (ran.length > 0 || !subject.removed) rows.push({ subject, ran });
    }
    const registered = this.#o.store.workloads.list()
      .filter(({ id }) => workloadIds?.includes(id) ?? true);
    const maxSpans = spansOfEach(query.maxSpans, rows.length);
    const times = workloadTimes(rows, { window, registered, maxSpans });
    // To write it down takes as long.
    if (rows.length > AT_ONCE) await othersTurn();
    return {
      from: new Date(from).toISOString(),
      until: new Date(until).toISOString(),
      forgottenUntil: textOf(forgottenUntil),
      ...times,
      nextCursor: null,
    };
  }

  /** What happened. */
  async history(query: HistoryQuery): Promise<HistoryPage> {
    const { store } = this.#o;
    const { workloadIds, rowId, from, until, limit } = query;
    const before = query.before === undefined ? null : readPlace(query.before);
    const known = this.#known(query);
    const mine = (id: string | null) => id !== null && known.subject(id) !== undefined;
    const ofAll = workloadIds === undefined && rowId === undefined;
    const turn = turns();
    const transitions = await endOf(
      store.past.transitions({
        ...{ from, until, workloadIds, rowId },
        // One more than asked for tells whether others come before.
        limit: limit + 1,
        before: numberBefore(before, RANKS.transition),
      }),
      turn,
    );
    await turn();
    const deaths = new Map([...store.problems.deaths()].filter(([id]) => ofAll || mine(id)));
    await turn();
    const problems = store.problems.opened({ from, until, workloadIds, rowId });
    await turn();
    const placed = [
      ...transitionEntries(transitions, known),
      ...deathEntries(deaths, { ...known, from }),
      ...auditEntries(this.#changed(query, { before, known }), { ...known, audit: query.audit }),
      ...problemEntries(problems, known),
      ...ofAll ? this.#watchEntries() : [],
    ];
    await turn();
    return {
      ...newest(placed, { ...query, before }),
      forgottenUntil: store.transitions.forgottenUntil(),
    };
  }

  /** Ids of a workload that is or was registered. */
  workloadIds(idOrName: string): readonly string[] {
    const { workloads, past } = this.#o.store;
    if (workloads.get(idOrName) !== undefined) return [idOrName];
    const named = workloads.named(idOrName).map(({ id }) => id);
    return named.length > 0 ? named : past.goneWorkloads(idOrName);
  }

  /** Whether there is or was such a row. */
  knowsRow(id: string): boolean {
    return this.#o.store.past.subjects({ rowId: id }).length > 0;
  }

  /** Who changed what of that which is asked for; without `audit` of all that happened only restores. */
  #changed(
    { from, until, workloadIds, rowId, audit, limit }: HistoryQuery,
    { before, known }: { before: Place | null; known: Known },
  ): Changed[] {
    const ofAll = workloadIds === undefined && rowId === undefined;
    if (!ofAll && !audit) return [];
    const { store } = this.#o;
    const entries = store.audit.within({
      ...{ from, until, restores: !audit },
      before: numberBefore(before, RANKS.audit),
      // Whose they are is found out here, so of one workload's all are looked through.
      ...ofAll && { limit: limit + 1 },
    });
    if (entries.length === 0) return [];
    // A project and its workload have each an id of their own, and webhooks are told by names.
    const registered = new Map(
      store.workloads.list().flatMap(({ id, refId, kind, name }) =>
        [id, refId, `${kind}/${name}`].map((each) => [each, id] as const)
      ),
    );
    const changed = entries.map((entry): Changed => {
      const about = aboutOf(entry);
      const row = about.row === null ? undefined : known.subject(about.row);
      const workloadId = row?.workloadId ?? registered.get(about.workload ?? "") ?? null;
      return { entry, rowId: row?.id ?? null, workloadId };
    });
    return changed.filter((each) =>
      ofAll ||
      (rowId !== undefined
        ? each.rowId === rowId
        : each.workloadId !== null && workloadIds!.includes(each.workloadId))
    );
  }

  async *#stories(workloadIds?: readonly string[]): AsyncGenerator<Story> {
    const { past } = this.#o.store;
    const subjects = past.subjects({ workloadIds });
    // The first tell how long the others' are.
    let count = Math.ceil(AT_ONCE / 10);
    for (let i = 0; i < subjects.length;) {
      if (i > 0) await othersTurn();
      const began = performance.now();
      const some = subjects.slice(i, i + count);
      const stories = past.stories(some.map(({ id }) => id));
      for (const subject of some) yield { subject, events: stories.get(subject.id) ?? [] };
      i += count;
      const fit = count * SLICE_MS / Math.max(0.1, performance.now() - began);
      count = Math.max(1, Math.min(AT_ONCE, 2 * count, Math.round(fit)));
    }
    // What is made of all of them takes long, too.
    if (subjects.length > AT_ONCE) await othersTurn();
  }

  /** Who rows are: all of them at once where many are told, else one after the other. */
  #known({ workloadIds, rowId, limit }: HistoryQuery): Known {
    const { past, workloads } = this.#o.store;
    const workload = (id: string) => workloads.get(id);
    const found = new Map<string, KeptSubject | undefined>();
    const few = workloadIds === undefined && rowId === undefined && limit <= FEW;
    if (!few) {
      for (const subject of past.subjects({ workloadIds, rowId })) found.set(subject.id, subject);
      return { subject: (id) => found.get(id), workload };
    }
    const subject = (id: string) => {
      if (!found.has(id)) found.set(id, past.subjects({ rowId: id })[0]);
      return found.get(id);
    };
    return { subject, workload };
  }

  #watchEntries() {
    const { hosts } = this.#o.store;
    const spans = hosts.watched.list();
    const open = hosts.watched.isOpen() && this.#o.isFresh();
    return watchEntries(
      spans.map((span, i) => open && i === spans.length - 1 ? { ...span, to: null } : span),
    );
  }

  #forgottenUntil(): number | null {
    const at = this.#o.store.transitions.forgottenUntil();
    return at === null ? null : Date.parse(at);
  }

  /** What of a window was watched. */
  #watched({ from, until }: { from: number; until: number }) {
    const { hosts } = this.#o.store;
    const spans = hosts.watched.list(new Date(from).toISOString())
      .map((span) => ({ from: Date.parse(span.from), to: Date.parse(span.to) }));
    const goesOn = hosts.watched.isOpen() && this.#o.isFresh();
    return watchedWithin(spans, { from, to: until, until: goesOn ? this.#o.now() + 1 : null });
  }
}

/** Gives others their turn where the last one was long enough ago. */
function turns(): () => Promise<void> {
  let began = performance.now();
  return async () => {
    if (performance.now() - began < SLICE_MS) return;
    await othersTurn();
    began = performance.now();
  };
}

function textOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
