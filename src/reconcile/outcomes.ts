/**
 * How passes end: counted, said once for each change of cause, remembered for whoever asks. Does
 * not decide what follows.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { isEngineFailure } from "../failure.ts";
import type { Log } from "../telemetry/log.ts";
import type { WrittenRow } from "../model/written.ts";
import type { DonePass } from "./reconciler.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { type Findings, type PassReport, REFUSAL_REASONS } from "../model/pass.ts";

/** What {@link Outcomes} works with. */
export interface OutcomesOptions {
  /** The time. */
  clock: Clock;
  /** Where it is said. */
  log: Log;
  /** Where it is counted. */
  metrics: Metrics;
}

/** How many rows a line of the log names. */
const MAX_NAMED = 5;

/** The outcomes of one loop's passes. */
export class Outcomes {
  readonly #o: OutcomesOptions;
  readonly #first = Promise.withResolvers<PassReport>();
  #lastPass: PassReport | null = null;
  #lastPassAt = -Infinity;
  #answeredAt = -Infinity;
  #lastError: string | null = null;
  #engineError: string | null = null;
  #failures = 0;

  /** Nothing happened yet. */
  constructor(options: OutcomesOptions) {
    this.#o = options;
  }

  /** The last good full pass; what it found is kept current by the partial ones since. */
  get lastPass(): PassReport | null {
    return this.#lastPass;
  }

  /** Milliseconds since the last good full pass ended; infinite before it. */
  get lastPassAgeMs(): number {
    return this.#o.clock.monotonic() - this.#lastPassAt;
  }

  /** When the last good pass ended, full or not, by the monotonic clock; -Infinity before it. */
  get answeredAt(): number {
    return this.#answeredAt;
  }

  /** Resolves with the first good full pass; never rejects. */
  get firstPass(): Promise<PassReport> {
    return this.#first.promise;
  }

  /** What the last pass failed with, null when it was good. */
  get lastError(): string | null {
    return this.#lastError;
  }

  /** What the Engine failed the last pass with, null when it answered. */
  get engineError(): string | null {
    return this.#engineError;
  }

  /** Passes that failed since the last good one. */
  get failures(): number {
    return this.#failures;
  }

  /** A pass succeeded. */
  good({ report, written, found }: DonePass): void {
    const { clock, metrics } = this.#o;
    metrics.passes.inc({ outcome: "ok" });
    metrics.engineUp.set(1);
    this.#say(report, written);
    this.#lastError = null;
    this.#engineError = null;
    this.#failures = 0;
    this.#answeredAt = clock.monotonic();
    if (report.scope === "partial") {
      if (found === null || this.#lastPass === null) return;
      this.#lastPass = { ...this.#lastPass, ...found };
      return this.#countRefused(found);
    }
    this.#lastPass = report;
    this.#lastPassAt = clock.monotonic();
    metrics.lastPass.set(clock.now() / 1000);
    this.#countRefused(report);
    this.#first.resolve(report);
  }

  /** A pass failed. */
  failed(error: unknown): void {
    const { log, metrics } = this.#o;
    metrics.passes.inc({ outcome: "failed" });
    this.#failures++;
    const text = error instanceof Error ? error.message : String(error);
    if (text !== this.#lastError) log.error("pass failed", { error });
    this.#lastError = text;
    if (!isEngineFailure(error)) return;
    metrics.engineUp.set(0);
    this.#engineError = text;
  }

  /** A pass was stopped: neither good nor an error. */
  aborted(): void {
    this.#o.metrics.passes.inc({ outcome: "aborted" });
  }

  #say(report: PassReport, written: readonly WrittenRow[]): void {
    const { log } = this.#o;
    const fields = {
      scope: report.scope,
      listed: report.listed,
      claimed: report.claimed,
      inserted: report.inserted,
      updated: report.updated,
      swept: report.swept,
      retired: report.retired,
      seconds: Math.round(report.durationSeconds * 1e4) / 1e4,
    };
    const changed = report.inserted + report.updated + report.swept + report.retired > 0;
    if (this.#lastError !== null) log.info("passes succeed again", fields);
    else if (this.#lastPass === null) log.info("first pass done", fields);
    else if (changed) log.info("index changed", { ...fields, rows: named(written) });
    else log.debug("index unchanged", fields);
  }

  #countRefused({ refused, unmanaged }: Findings): void {
    const counts = new Map<string, number>([["unmanaged", unmanaged.count]]);
    for (const { reason } of refused) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    for (const reason of REFUSAL_REASONS) {
      this.#o.metrics.refused.set(counts.get(reason) ?? 0, { reason });
    }
  }
}

/** Rows by what became of them, those whose state changed first; no more than a line can hold. */
function named(written: readonly WrittenRow[]): { row: string; from: string | null; to: string }[] {
  const told = written.filter(({ seq }) => seq !== null);
  return (told.length > 0 ? told : written).slice(0, MAX_NAMED)
    .map(({ id, from, to }) => ({ row: id, from, to }));
}
