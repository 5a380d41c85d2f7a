/**
 * The containers index in memory, so that a pass reads SQLite once, or not at all. A copy: the
 * table decides when it is stale. Does no I/O.
 *
 * @module
 */

import type { ContainerIndex, IndexRow } from "../model.ts";

const NONE: readonly IndexRow[] = [];

/** A {@link ContainerIndex} that can be changed. */
export class MemoryIndex implements ContainerIndex {
  readonly #rows = new Map<string, IndexRow>();
  readonly #bound = new Map<string, readonly IndexRow[]>();

  /** An index of these rows. */
  constructor(rows: Iterable<IndexRow>) {
    for (const row of rows) this.set(row);
  }

  /** Number of rows. */
  get size(): number {
    return this.#rows.size;
  }

  /** The row with this id. */
  row(id: string): IndexRow | undefined {
    return this.#rows.get(id);
  }

  /** Rows bound to this container id, ordered by row id. */
  boundTo(containerId: string): readonly IndexRow[] {
    return this.#bound.get(containerId) ?? NONE;
  }

  /** Every row. */
  rows(): Iterable<IndexRow> {
    return this.#rows.values();
  }

  /** Adds a row or replaces the one with its id. */
  set(row: IndexRow): void {
    this.delete(row.id);
    this.#rows.set(row.id, row);
    if (row.containerId === null) return;
    const others = this.#bound.get(row.containerId);
    this.#bound.set(
      row.containerId,
      others === undefined ? [row] : [...others, row].sort((a, b) => a.id < b.id ? -1 : 1),
    );
  }

  /** Removes the row with this id, if it is there. */
  delete(id: string): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    this.#rows.delete(id);
    if (row.containerId === null) return;
    const others = this.boundTo(row.containerId).filter((other) => other.id !== id);
    if (others.length === 0) this.#bound.delete(row.containerId);
    else this.#bound.set(row.containerId, others);
  }
}
