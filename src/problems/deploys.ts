/**
 * Which workloads are being deployed, and so are left alone for a while. Notices what looks like a
 * deploy; writes nothing.
 *
 * @module
 */

import { extendHold } from "../core/known_time.ts";
import { endsRow, MISSING } from "../model/container.ts";
import type { Hold } from "../model/problem.ts";
import type { ProblemSettings } from "../model/problem_settings.ts";
import type { WrittenRow } from "../model/written.ts";
import type { TransitionTable } from "../store/transitions.ts";

/** The deploys of a host. */
export class Deploys {
  readonly #settings: ProblemSettings;
  readonly #holds: Map<string, Hold>;
  #changed = new Map<string, Hold>();

  /** Goes on from what is remembered. */
  constructor(kept: Map<string, Hold>, settings: ProblemSettings) {
    this.#holds = kept;
    this.#settings = settings;
  }

  /** Deploys by workload id; also those that are long over. */
  get holds(): ReadonlyMap<string, Hold> {
    return this.#holds;
  }

  /** Somebody deploys this workload at `at`. */
  began(workloadId: string, at: number): void {
    const whole = Math.round(at);
    const hold = extendHold(this.#holds.get(workloadId) ?? null, whole, this.#settings);
    this.#holds.set(workloadId, hold);
    this.#changed.set(workloadId, hold);
  }

  /** What changed since the last call. */
  takeChanges(): ReadonlyMap<string, Hold> {
    const changed = this.#changed;
    this.#changed = new Map();
    return changed;
  }
}

/** Ids of those of these rows that got another container, which is how most deploys look. */
export function replacedRows(
  written: readonly WrittenRow[],
  transitions: TransitionTable,
): readonly string[] {
  const may = written.filter(({ to, seq }) => seq !== null && to !== MISSING && !endsRow(to));
  return may.length === 0 ? [] : transitions.replaced(may.map(({ id }) => id));
}
