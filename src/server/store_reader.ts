/**
 * The index of this host as readers ask for it: what stands in the store, told with how far it can be
 * trusted. Answers at once; never writes.
 *
 * @module
 */

import { checkRow, expectsNothing } from "../core/check.ts";
import type { Wanted } from "../core/judged_world.ts";
import { Failure } from "../failure.ts";
import type { CheckedRow, CheckFilter } from "../model/check.ts";
import { type IndexRow, LOCAL_HOST } from "../model/container.ts";
import type {
  CountedWorkload,
  Holdings,
  IndexReader,
  NamedFilters,
  NamedProblem,
  ReadProblems,
  ReadTransitions,
  RowCounts,
  RowPage,
  ViewFilter,
} from "../model/index_reader.ts";
import { ROW_STATES } from "../model/row_states.ts";
import type { ContainerView, Freshness, Transition } from "../model/views.ts";
import type { WorkloadCounts } from "../store/container_views.ts";
import type { Store } from "../store/store.ts";
import { quote } from "../text.ts";

/** What {@link StoreReader} reads. */
export interface StoreReaderOptions {
  /** The open store. */
  readonly store: Store;
  /** How far it can be trusted. */
  freshness(): Freshness;
  /** Says what is expected of any row, for as long as nothing is written. */
  wanted(): (row: IndexRow) => Wanted;
  /** The clock. */
  now(): Date;
}

/** Reads a store. */
export class StoreReader implements IndexReader {
  /** It is the index of this host alone. */
  readonly hosts = null;
  readonly #o: StoreReaderOptions;
  readonly #store: Store;

  /** Reads nothing yet. */
  constructor(options: StoreReaderOptions) {
    this.#o = options;
    this.#store = options.store;
  }

  /** Of the whole database, whoever changes it. */
  version(): string {
    return this.#store.version();
  }

  /** As the daemon says it. */
  freshness(): Freshness {
    return this.#o.freshness();
  }

  /** A state is known that rows can be in, or that one is in. */
  unknown({ host, state, workload, stage }: NamedFilters): (keyof NamedFilters)[] {
    const { views, workloads, stages } = this.#store;
    const unknown: (keyof NamedFilters)[] = [];
    if (host !== undefined && host !== LOCAL_HOST) unknown.push("host");
    if (state !== undefined && !ROW_STATES.has(state)) {
      if (!views.counts().some((count) => count.state === state)) unknown.push("state");
    }
    if (workload !== undefined && workloads.get(workload) === undefined) {
      if (workloads.named(workload).length === 0) unknown.push("workload");
    }
    if (stage !== undefined && !stages.has(stage)) unknown.push("stage");
    return unknown;
  }

  /** Without taking the rows' JSON apart. */
  page(filter: ViewFilter & { readonly limit: number }): RowPage {
    return this.#store.views.page(filter);
  }

  /** Those that are there. */
  rows(ids: readonly string[]): ContainerView[] {
    return this.#store.views.list({ ids });
  }

  /** One, or a failure. */
  row(id: string): ContainerView {
    return this.#store.views.get(id);
  }

  /** Oldest first. */
  story(rowId: string, options?: { readonly limit?: number }): Transition[] {
    return this.#store.transitions.ofRow(rowId, options);
  }

  /** By their numbers, which have no gaps. */
  transitions({ since, from, until, limit }: ReadTransitions): Transition[] {
    return this.#store.transitions.since(since, {
      limit,
      ...(from !== undefined && { from }),
      ...(until !== undefined && { until }),
    });
  }

  /** With the names that their workloads have now. */
  problems({ rowId, all }: ReadProblems): NamedProblem[] {
    const { problems, workloads } = this.#store;
    const found = problems.list({
      ...(rowId !== undefined && { rowId }),
      ...(all !== undefined && { all }),
    });
    // Thousands may be those of few workloads.
    const named = new Map<string, NamedProblem["workload"]>();
    const nameOf = (id: string) => {
      let name = named.get(id);
      if (name === undefined) {
        const known = workloads.get(id);
        named.set(id, name = { id, name: known?.name ?? id, kind: known?.kind ?? null });
      }
      return name;
    };
    return found.map((problem): NamedProblem => {
      const { workloadId: id } = problem;
      return { problem, workload: id === null ? null : nameOf(id) };
    });
  }

  /** By kind and name. */
  workloads(): CountedWorkload[] {
    const counts = this.#store.views.countsByWorkload();
    return this.#store.workloads.list().map((workload) => ({
      ...workload,
      ...countsOf(workload.id, counts),
    }));
  }

  /** With what its last pass found. */
  holdings(): Holdings {
    const { hosts, problems, views, workloads } = this.#store;
    const { engineId, foundEngineId, lastPassAt } = hosts.local();
    const lastPass = hosts.lastPass();
    const registered = { project: 0, stack: 0, site: 0 };
    for (const { kind } of workloads.list()) registered[kind]++;
    return {
      ...{ engineId, foundEngineId, lastPassAt, lastPass, registered },
      counts: views.counts(),
      healths: views.healths(),
      problems: problems.counts(),
    };
  }

  /** By workload. */
  check({ workloads, rows: only, image }: CheckFilter): CheckedRow[] {
    const { containers, expectations, problems } = this.#store;
    const ids = only === undefined ? null : new Set(only);
    for (const id of ids ?? []) {
      if (containers.index().row(id) !== undefined) continue;
      throw new Failure("not-found", `Cannot check row ${quote(id)}: no such row`, {
        data: { thing: "row", id },
      });
    }
    const expected = expectations.roles();
    const named = workloads === undefined ? null : new Set(workloads);
    const times = problems.times();
    const deaths = problems.deaths();
    const wanted = this.#o.wanted();
    const rows = Map.groupBy(containers.index().rows(), ({ workloadId }) => workloadId);
    return this.#store.workloads.list().flatMap(({ id, kind, name }): CheckedRow[] => {
      if (named !== null && !named.has(id)) return [];
      const workload = { id, kind, name };
      const its = rows.get(id) ?? [];
      if (its.length === 0 && ids === null && (named !== null || kind === "site")) {
        if (expectsNothing(expectations.of(id))) return [];
        return [{ workload, ...NO_ROW, why: "no-container" }];
      }
      return its.filter((row) => ids?.has(row.id) ?? true).map((row): CheckedRow => {
        const at = this.#o.now().getTime();
        const told = expected.of(id, kind === "site" ? "" : row.role);
        const checked = checkRow(row, {
          wanted: wanted(row),
          image: image ?? (told?.source === "manual" ? told.image : null),
          times: times.get(row.id) ?? { stateSince: at, healthSince: at },
          deaths: deaths.get(row.id),
        });
        return {
          workload,
          row: row.id,
          state: row.state,
          exitCode: row.exitCode,
          image: row.imageRef,
          expectedImage: checked.why === "image" ? image ?? told?.image ?? null : null,
          why: checked.why,
          since: new Date(checked.since).toISOString(),
        };
      });
    });
  }
}

/** How many rows serve a workload; all zero where none does. */
export function countsOf(id: string, all: ReadonlyMap<string, WorkloadCounts>): RowCounts {
  const { workloadId: _, ...counts } = all.get(id) ?? { workloadId: id, ...NONE };
  return counts;
}

const NONE: RowCounts = {
  ...{ running: 0, stopped: 0, missing: 0, unhealthy: 0, total: 0 },
  states: {},
};

/** Of a workload that no row serves. */
const NO_ROW = {
  row: null,
  state: null,
  exitCode: null,
  image: null,
  expectedImage: null,
  since: null,
} as const;
