/**
 * The containers index in memory, so that a pass reads SQLite once, or not at all. A copy: the
 * table decides when it is stale. Does no I/O.
 *
 * @module
 */

import type { ContainerIndex, IndexRow } from "../model/container.ts";

const UNBOUND: readonly IndexRow[] = [];

/** The rows bound to one container. */
interface Binding {
  /** Empty once no row is bound to it any more. */
  containerId: string;
  /** Ordered by row id; null: to be made of `byId`, which has changed. */
  rows: readonly IndexRow[] | null;
  /** By row id, once there were several: each comes and goes at the same small cost. */
  byId: Map<string, IndexRow> | null;
  /** What was asked for after this one last time. */
  next: Binding | undefined;
}

/** A {@link ContainerIndex} that can be changed. */
export class MemoryIndex implements ContainerIndex {
  readonly #rows = new Map<string, IndexRow>();
  readonly #bound = new Map<string, Binding>();
  #revision = 0;
  #asked: Binding = { containerId: "", rows: UNBOUND, byId: null, next: undefined };

  /** An index of these rows. */
  constructor(rows: Iterable<IndexRow>) {
    for (const row of rows) this.set(row);
  }

  /** Number of rows. */
  get size(): number {
    return this.#rows.size;
  }

  /** Stays the same for as long as no row changes. */
  get revision(): number {
    return this.#revision;
  }

  /** The row with this id. */
  row(id: string): IndexRow | undefined {
    return this.#rows.get(id);
  }

  /** Rows bound to this container id, ordered by row id. */
  boundTo(containerId: string): readonly IndexRow[] {
    // An Engine lists in the same order every time. Seeing that this is the one to be expected
    // costs a fraction of finding it among ten thousand.
    let binding = this.#asked.next;
    if (binding === undefined || binding.containerId !== containerId) {
      binding = this.#bound.get(containerId);
      if (binding === undefined) return UNBOUND;
      this.#asked.next = binding;
    }
    this.#asked = binding;
    return binding.rows ??= [...binding.byId!.values()].sort((a, b) => a.id < b.id ? -1 : 1);
  }

  /** Every row. */
  rows(): Iterable<IndexRow> {
    return this.#rows.values();
  }

  /** Adds a row or replaces the one with its id. */
  set(row: IndexRow): void {
    this.#revision++;
    this.#unbind(row.id);
    this.#rows.set(row.id, row);
    const { containerId } = row;
    if (containerId === null) return;
    const binding = this.#bound.get(containerId);
    if (binding === undefined) {
      this.#bound.set(containerId, { containerId, rows: [row], byId: null, next: undefined });
      return;
    }
    binding.byId ??= new Map(binding.rows!.map((other) => [other.id, other]));
    binding.byId.set(row.id, row);
    binding.rows = null;
  }

  /** Removes the row with this id, if it is there. */
  delete(id: string): void {
    this.#revision++;
    this.#unbind(id);
    this.#rows.delete(id);
  }

  #unbind(id: string): void {
    const containerId = this.#rows.get(id)?.containerId ?? null;
    if (containerId === null) return;
    const binding = this.#bound.get(containerId)!;
    if (binding.byId !== null) {
      binding.byId.delete(id);
      binding.rows = null;
      if (binding.byId.size > 0) return;
    }
    this.#bound.delete(containerId);
    binding.containerId = "";
  }
}
