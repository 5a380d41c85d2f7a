/**
 * Judgements on their way to the store, in their order: one that can't be written is tried again
 * before the next. Judges nothing.
 *
 * @module
 */

import type { HostMemory, Problem } from "../model/problem.ts";
import type { JudgementWrite, KeptJudgement, ProblemTable } from "../store/problems.ts";
import type { EngineAccount } from "./engine_account.ts";

/** What waits to be written. */
export class Unwritten {
  readonly #problems: ProblemTable;
  #writes: JudgementWrite[] = [];
  #kept: KeptJudgement | null = null;

  /** Nothing waits yet. */
  constructor(problems: ProblemTable) {
    this.#problems = problems;
  }

  /** How many wait. */
  get size(): number {
    return this.#writes.length;
  }

  /** What is remembered of the host as it was read. */
  begin(kept: KeptJudgement | null): void {
    this.#kept = kept;
  }

  /** A judgement waits. */
  add(
    { memory, ...judged }:
      & Omit<JudgementWrite, "kept">
      & { readonly memory: HostMemory },
    { downSince, changedSince }: Pick<EngineAccount, "downSince" | "changedSince">,
  ): void {
    const before = this.#kept;
    const same = before?.memory === memory && before.downSince === downSince &&
      before.changedSince === changedSince;
    if (!same) this.#kept = { memory, downSince, changedSince };
    const { put, dropped, deaths, holds } = judged;
    if (same && put.length + dropped.length + deaths.size + holds.size === 0) return;
    this.#writes.push({ ...judged, kept: same ? null : this.#kept });
  }

  /** More is known of a problem. */
  amend(problem: Problem): void {
    const nothing = { dropped: [], kept: null, deaths: new Map(), holds: new Map() };
    this.#writes.push({ put: [problem], ...nothing });
  }

  /**
   * Writes all that waits.
   *
   * @throws {Failure} What is not written then goes on waiting.
   */
  write(): void {
    for (let write = this.#writes[0]; write !== undefined; write = this.#writes[0]) {
      this.#problems.write(write);
      this.#writes.shift();
    }
  }
}
