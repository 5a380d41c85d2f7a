/**
 * What a host tells of its index, in messages that a hub takes: no longer than it reads, and without
 * the things that it would refuse, so that one of them never stops the rest. Does no I/O.
 *
 * @module
 */

import type { ReplicaTable } from "../store/replica.ts";
import { hubProblem } from "./hub_problem.ts";
import { hubTransition } from "./hub_transition.ts";
import { hubWorkload } from "./hub_workload.ts";
import { MAX_ROWS, MAX_TOLD, type SnapshotOf } from "./protocol.ts";
import { hubRow } from "./row.ts";
import { digestOf } from "./told_fields.ts";

/** Some of a kind, and up to which id; null: to the end. */
export interface Page {
  /** As they are told. */
  readonly items: readonly unknown[];
  /** Id of the last of them; null: there are no more. */
  readonly upTo: string | null;
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

  /** Rows by id: all, or those with these ids. */
  rows(ids: ReadonlySet<string> | "all"): unknown[] {
    return this.#fitting(this.#replica.rows(ids), hubRow);
  }

  /** Workloads by id. */
  workloads(): unknown[] {
    return this.#fitting(this.#replica.workloads(), hubWorkload);
  }

  /** Problems by key: all that are remembered, or those that were written after a state. */
  problems(after: number | null): unknown[] {
    const problems = this.#replica.problems(after).map((problem) => {
      // What was seen may name as many containers as there are.
      const { containers = [] } = problem.evidence;
      if (containers.length <= MAX_EVIDENCE) return problem;
      const evidence = { ...problem.evidence, containers: containers.slice(0, MAX_EVIDENCE) };
      return { ...problem, evidence };
    });
    return this.#fitting(problems, hubProblem);
  }

  /** What happened after a number, as much as one message holds. */
  transitions(after: number): unknown[] {
    const found = this.#fitting(this.#replica.transitions(after, MAX_ROWS), hubTransition);
    return found.slice(0, fit(found, 0));
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
    return digestOf(this.rows("all").map((row) => hubRow(row).hash));
  }

  /** What workloads and open problems are compared by. */
  besideDigest(): string {
    const open = this.problems(null).map(hubProblem).filter(({ status }) => status === "open");
    const workloads = this.workloads().map(hubWorkload);
    return digestOf([...open, ...workloads].map(({ hash }) => hash));
  }

  #fitting(items: readonly unknown[], read: (item: unknown) => unknown): unknown[] {
    return items.filter((item) => {
      try {
        read(item);
        return true;
      } catch (error) {
        const reason = (error as Error).message;
        if (!this.#refused.has(reason)) this.#onRefused(reason);
        this.#refused.add(reason);
        return false;
      }
    });
  }
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
