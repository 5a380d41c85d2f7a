/**
 * What a host tells of its index, in messages that a hub takes: no longer than it reads, and without
 * the things that it would refuse, so that one of them never stops the rest. Does no I/O.
 *
 * @module
 */

import type { ReplicaChange, ReplicaTable } from "../store/replica.ts";
import { type HubProblem, hubProblem } from "./hub_problem.ts";
import { hubTransition } from "./hub_transition.ts";
import { type HubWorkload, hubWorkload } from "./hub_workload.ts";
import { MAX_TOLD, type SnapshotOf } from "./protocol.ts";
import { type HubRow, hubRow } from "./row.ts";
import { digestOf } from "./told_fields.ts";
import { MAX_ROWS } from "./told_values.ts";

/** Some of a kind, and up to which id; null: to the end. */
export interface Page {
  /** As they are told. */
  readonly items: readonly unknown[];
  /** Id of the last of them; null: there are no more. */
  readonly upTo: string | null;
}

/** What a batch tells besides rows. */
export interface Besides {
  /** Problems that changed. */
  readonly problems: readonly unknown[];
  /** Keys of which nothing is open any more that is not among them. */
  readonly problemsGone: readonly string[];
  /** All workloads; null: as they were. */
  readonly workloads: readonly unknown[] | null;
}

/** What a message tells of what happened; empty: nothing. */
export interface News {
  /** Number of the one before. */
  readonly transitionsAfter?: number;
  /** Whether what the hub has is of another past. */
  readonly transitionsAnew?: boolean;
  /** By their number. */
  readonly transitions?: readonly unknown[];
}

/** Reads an index as it is told. */
export class Telling {
  readonly #replica: ReplicaTable;
  /** What was left out already: it is said once. */
  readonly #refused = new Set<string>();
  readonly #onRefused: (reason: string) => void;

  /** `onRefused` hears, once for each reason, why something is not told. */
  constructor(replica: ReplicaTable, { onRefused }: { onRefused: (reason: string) => void }) {
    this.#replica = replica;
    this.#onRefused = onRefused;
  }

  /** Rows by id, each as a hub keeps it, so that it knows it by its hash: all, or those of these ids. */
  rows(ids: ReadonlySet<string> | "all"): unknown[] {
    return this.#rows(ids).map(({ read }) => JSON.parse(read.body));
  }

  /** Workloads by id. */
  workloads(): unknown[] {
    return this.#workloads().map(({ item }) => item);
  }

  /** Problems by key: all that are remembered, or those that were written after a state. */
  problems(after: number | null): unknown[] {
    return this.#problems(after).map(({ item }) => item);
  }

  #rows(ids: ReadonlySet<string> | "all"): Read<HubRow>[] {
    return this.#fitting(this.#replica.rows(ids), hubRow);
  }

  #workloads(): Read<HubWorkload>[] {
    return this.#fitting(this.#replica.workloads(), hubWorkload);
  }

  #problems(after: number | null): Read<HubProblem>[] {
    const problems = this.#replica.problems(after).map((problem) => {
      // What was seen, and what to do about it, may name as many containers as there are.
      const { evidence: { containers = [] }, do: remedy } = problem;
      if (containers.length <= MAX_EVIDENCE) return problem;
      return {
        ...problem,
        evidence: { ...problem.evidence, containers: containers.slice(0, MAX_EVIDENCE) },
        do: "containers" in remedy
          ? { ...remedy, containers: remedy.containers.slice(0, MAX_EVIDENCE) }
          : remedy,
      };
    });
    return this.#fitting(problems, hubProblem);
  }

  /** What changed besides rows after a state, as a batch has it. */
  besides({ problems: keys, expectations }: ReplicaChange, after: number): Besides {
    const problems = keys.size === 0 ? [] : this.problems(after) as { key: string }[];
    const problemsGone = [...keys.difference(new Set(problems.map(({ key }) => key)))];
    return { problems, problemsGone, workloads: expectations ? this.workloads() : null };
  }

  /**
   * What happened after the last that the hub has, as a message has it and as much as one holds; empty
   * where it has all or takes none. `anew`: all of it, for what it has is of another past.
   */
  news(had: number | null, { anew }: { anew: boolean }): News {
    const after = anew ? 0 : had;
    if (had === null || after === null || this.#replica.lastTransition() <= after) return {};
    const found = this.#fitting(this.#replica.transitions(after, MAX_ROWS), hubTransition)
      .map(({ item }) => item);
    const transitions = found.slice(0, fit(found, 0));
    return transitions.length === 0 ? {} : {
      ...{ transitionsAfter: after, transitionsAnew: anew, transitions },
    };
  }

  /** Whether the disk was set back, and what happened since has numbers that were used before. */
  isOtherPast(
    { transitions, lastTransition = null }: {
      readonly transitions?: number;
      readonly lastTransition?: { readonly at: string; readonly rowId: string } | null;
    },
  ): boolean {
    if (transitions === undefined || lastTransition === null) return false;
    const [own] = this.#replica.transitions(transitions - 1, 1) as OwnTransition[];
    return own?.seq === transitions &&
      (own.at !== lastTransition.at || own.rowId !== lastTransition.rowId);
  }

  /** All of a kind in pages; at least one. */
  pages(of: SnapshotOf): Page[] {
    const items = of === "rows"
      ? this.rows("all")
      : of === "problems"
      ? this.problems(null)
      : this.workloads();
    const pages: Page[] = [];
    for (let at = 0; at === 0 || at < items.length;) {
      const end = Math.max(fit(items, at), Math.min(at + 1, items.length));
      const last = items[end - 1] as { id: string; key: string } | undefined;
      const upTo = end >= items.length ? null : of === "problems" ? last!.key : last!.id;
      pages.push({ items: items.slice(at, end), upTo });
      if (end === at) break;
      at = end;
    }
    return pages;
  }

  /** What rows are compared by. */
  digest(): string {
    return digestOf(this.#rows("all").map(({ read }) => read.hash));
  }

  /** What workloads and open problems are compared by. */
  besideDigest(): string {
    const open = this.#problems(null).filter(({ read }) => read.status === "open");
    return digestOf([...open, ...this.#workloads()].map(({ read }) => read.hash));
  }

  #fitting<T>(items: readonly unknown[], read: (item: unknown) => T): Read<T>[] {
    return items.flatMap((item) => {
      try {
        return [{ item, read: read(item) }];
      } catch (error) {
        const reason = (error as Error).message;
        if (!this.#refused.has(reason)) this.#onRefused(reason);
        this.#refused.add(reason);
        return [];
      }
    });
  }
}

/** A thing as it is told, and as a hub reads it. */
interface Read<T> {
  readonly item: unknown;
  readonly read: T;
}

/** What tells a transition from another one of its number. */
interface OwnTransition {
  readonly seq: number;
  readonly at: string;
  readonly rowId: string;
}

/** So many containers are told of a problem. */
const MAX_EVIDENCE = 50;

/** Whether these are as much as one message holds, or less. */
export function fitsOne(items: readonly unknown[]): boolean {
  return fit(items, 0) === items.length;
}

/** Up to which, from one on, they fit into a message. */
function fit(items: readonly unknown[], from: number): number {
  let length = 0;
  let end = from;
  for (; end < items.length && end - from < MAX_ROWS; end++) {
    length += JSON.stringify(items[end]).length;
    if (length > MAX_TOLD) break;
  }
  return end;
}
