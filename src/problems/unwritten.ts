/**
 * Judgements on their way to the store, in their order: one that can't be written is tried again
 * before the next. Judges nothing.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { HostMemory, Problem } from "../model/problem.ts";
import { type KeptJudgement, NOTHING_SEEN } from "../store/problem_rows.ts";
import type { JudgementWrite, ProblemTable } from "../store/problems.ts";
import type { Log } from "../telemetry/log.ts";
import type { EngineAccount } from "./engine_account.ts";

/** When a write failed it is tried again after this, milliseconds. */
export const RETRY_MS = 1000;

/** What {@link Unwritten} works with. */
export interface UnwrittenOptions {
  /** Where it is written. */
  readonly problems: ProblemTable;
  /** The time. */
  readonly clock: Clock;
  /** Where it is said that nothing can be written. */
  readonly log: Log;
}

/** What waits to be written. */
export class Unwritten {
  readonly #o: UnwrittenOptions;
  readonly #writes: (JudgementWrite & { readonly said: () => void })[] = [];
  /** On the monotonic clock. */
  #againAt = -Infinity;
  #kept: KeptJudgement | null = null;

  /** Nothing waits yet. */
  constructor(options: UnwrittenOptions) {
    this.#o = options;
  }

  /** How many wait. */
  get size(): number {
    return this.#writes.length;
  }

  /**
   * What is remembered as it was read. Returns the problems that are not over and of which nothing is
   * known that was seen: they are to be written anew, so that they can be read.
   */
  begin(kept: KeptJudgement | null, remembered: readonly Problem[]): readonly Problem[] {
    this.#kept = kept;
    const unknown = remembered.filter(({ evidence, status }) =>
      evidence === NOTHING_SEEN && status !== "closed"
    );
    for (const problem of unknown) this.amend(problem);
    return unknown;
  }

  /** A judgement waits; `said` is called once it is written. */
  add(
    { memory, ...judged }:
      & Omit<JudgementWrite, "kept">
      & { readonly memory: HostMemory; readonly said: () => void },
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
    this.#writes.push({ put: [problem], ...nothing, said: () => {} });
  }

  /**
   * Writes all that waits, in its order; returns whether nothing waits any more. What can't be
   * written keeps nobody from judging on: no opening time depends on when it is written. It is tried
   * again no sooner than {@linkcode RETRY_MS} after it failed, unless it must be `now`.
   */
  write({ now }: { readonly now: boolean }): boolean {
    const { problems, clock, log } = this.#o;
    if (clock.monotonic() < this.#againAt && !now) return false;
    try {
      for (let write = this.#writes[0]; write !== undefined; write = this.#writes[0]) {
        const { said, ...judged } = write;
        problems.write(judged);
        this.#writes.shift();
        said();
      }
      return true;
    } catch (error) {
      this.#againAt = clock.monotonic() + RETRY_MS;
      log.error("problems not written", { error });
      return false;
    }
  }
}
