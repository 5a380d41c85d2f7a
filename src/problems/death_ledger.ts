/**
 * How the containers of each row ended, counted event by event. Keeps what was told of containers
 * that have no row yet until a pass had time to make it. Reads no clock and writes nothing.
 *
 * @module
 */

import { DeathWatch, type DecidedDeath, withDeath, withGap, withOom } from "../core/deaths.ts";
import type { EngineEvent } from "../docker/events.ts";
import type { ContainerIndex } from "../model/container.ts";
import type { Deaths } from "../model/problem.ts";

/** Deaths that wait for their row at most. */
const MAX_UNPLACED = 256;

/** The deaths of an index's rows. */
export class DeathLedger {
  readonly #watch = new DeathWatch();
  readonly #byRow: Map<string, Deaths>;
  #unplaced: DecidedDeath[] = [];
  #changed = new Map<string, Deaths | null>();

  /** Goes on from what is remembered. */
  constructor(kept: Map<string, Deaths>) {
    this.#byRow = kept;
  }

  /** The deaths of a row; undefined when none is known. */
  of(rowId: string): Deaths | undefined {
    return this.#byRow.get(rowId);
  }

  /** When something is decided next, by the clock of `event`; null for never. */
  nextAt(): number | null {
    return this.#watch.nextAt();
  }

  /** An event came at `at`; returns whether it decided something. The index is asked for only then. */
  event(event: EngineEvent, at: number, index: () => ContainerIndex): boolean {
    const { action, containerId, exitCode, signal = null, ranSeconds = null } = event;
    const decided = this.#watch.take({ action, containerId, at, exitCode, signal, ranSeconds });
    if (decided.length === 0) return false;
    this.#place(decided, index());
    return true;
  }

  /** Decides what nothing more was told of by `now`. */
  due(now: number, index: ContainerIndex): void {
    this.#place(this.#watch.due(now), index);
  }

  /** Events were missed, at or after `now`. */
  gap(now: number, index: ContainerIndex): void {
    this.#place(this.#watch.gap(), index);
    for (const [rowId, deaths] of this.#byRow) {
      if (!deaths.atLeast || deaths.gapAt === null) this.#set(rowId, withGap(deaths, now));
    }
  }

  /** A pass was good: what has no row now gets none; with `full`, the watch forgets strangers. */
  passed(index: ContainerIndex, { full }: { full: boolean }): void {
    const waiting = this.#unplaced;
    this.#unplaced = [];
    this.#place(waiting, index);
    this.#unplaced = [];
    if (full) this.#watch.forget((id) => index.boundTo(id).length > 0);
  }

  /**
   * The Engine shut down or the host did, no earlier than `from`: what it stopped then, nobody meant.
   */
  restarted(from: number): void {
    for (const [rowId, deaths] of this.#byRow) {
      const ring = deaths.ring.filter(({ at, how }) =>
        at < from || (how !== "stop" && how !== "kill")
      );
      const fewer = deaths.ring.length - ring.length;
      if (fewer > 0) this.#set(rowId, { ...deaths, ring, count: deaths.count - fewer });
    }
  }

  /** An inspect says that memory ran out at a container's last death. */
  outOfMemory(rowId: string, containerId: string): boolean {
    const before = this.#byRow.get(rowId);
    if (before === undefined) return false;
    const after = withOom(before, containerId);
    if (after === before) return false;
    this.#set(rowId, after);
    return true;
  }

  /** Forgets those of these rows that are no more. */
  forget(rowIds: Iterable<string> | "all", index: Pick<ContainerIndex, "row">): void {
    for (const rowId of rowIds === "all" ? [...this.#byRow.keys()] : rowIds) {
      if (index.row(rowId) !== undefined || !this.#byRow.delete(rowId)) continue;
      this.#changed.set(rowId, null);
    }
  }

  /** What changed since the last call, by row id; null: forgotten. */
  takeChanges(): ReadonlyMap<string, Deaths | null> {
    const changed = this.#changed;
    this.#changed = new Map();
    return changed;
  }

  #place(decided: readonly DecidedDeath[], index: ContainerIndex): void {
    for (const death of decided) {
      const rows = index.boundTo(death.containerId);
      for (const { id } of rows) this.#set(id, withDeath(this.#byRow.get(id), death));
      if (rows.length === 0 && this.#unplaced.length < MAX_UNPLACED) this.#unplaced.push(death);
    }
  }

  #set(rowId: string, deaths: Deaths): void {
    this.#byRow.set(rowId, deaths);
    this.#changed.set(rowId, deaths);
  }
}
