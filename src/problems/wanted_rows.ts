/**
 * What is expected of rows, read from the expectations of their roles as they are now; and which
 * rows something else is expected of because another row of their role came or went. Writes
 * nothing.
 *
 * @module
 */

import { wantedOf } from "../core/expect.ts";
import type { ExpectedRoles } from "../core/expected_roles.ts";
import { type Wanted, WANTED_BY_DEFAULT } from "../core/judged_world.ts";
import type { ContainerIndex, IndexRow } from "../model/container.ts";
import type { ContainerTable } from "../store/containers.ts";
import type { ExpectationTable } from "../store/expectations.ts";

/** The rows of so many workloads are looked for one by one, then those of all. */
const ONE_BY_ONE = 20;

/** What is known while neither the index nor an expectation changes. */
interface Known {
  readonly index: ContainerIndex;
  readonly revision: number;
  readonly expected: ExpectedRoles;
  /** By workload; of those that were asked for. */
  readonly workloads: Map<string, ReadonlyMap<string, Wanted>>;
  /** The rows of every workload, once many were asked for. */
  rows: Map<string, IndexRow[]> | null;
  deployed: ReadonlySet<string> | null;
}

/** Says what is expected of rows. */
export class WantedRows {
  readonly #containers: ContainerTable;
  readonly #expectations: ExpectationTable;
  #known: Known | null = null;
  /** What was said of rows that may be wrong. */
  readonly #said = new Map<string, Wanted>();
  /** What that was held against last. */
  #heldAgainst: Known | null = null;

  /** Over the index and what is expected of it. */
  constructor({ containers, expectations }: {
    readonly containers: ContainerTable;
    readonly expectations: ExpectationTable;
  }) {
    this.#containers = containers;
    this.#expectations = expectations;
  }

  /** Says it of any row for as long as nothing is written. */
  now(): (row: IndexRow) => Wanted {
    const known = this.#upToDate();
    if (known.expected.size === 0) return () => WANTED_BY_DEFAULT;
    return (row) => this.#wantedOf(row, known);
  }

  /** As {@linkcode now}, and remembers for {@linkcode others} what it said. */
  remembering(): (row: IndexRow) => Wanted {
    const now = this.now();
    return (row) => {
      const wanted = now(row);
      // A row that runs is right, whether it is wanted or beyond what is.
      if (wanted === WANTED_BY_DEFAULT || row.state === "running") this.#said.delete(row.id);
      else this.#said.set(row.id, wanted);
      return wanted;
    };
  }

  /** Ids of rows of which something else is expected now than was said last. */
  *others(): Iterable<string> {
    if (this.#said.size === 0) return;
    const known = this.#upToDate();
    if (known === this.#heldAgainst) return;
    this.#heldAgainst = known;
    const { index } = known;
    const now = this.now();
    for (const [id, { mode, source, since }] of this.#said) {
      const row = index.row(id);
      if (row === undefined) {
        this.#said.delete(id);
        continue;
      }
      const wanted = now(row);
      if (wanted.mode !== mode || wanted.source !== source || wanted.since !== since) yield id;
    }
  }

  #upToDate(): Known {
    const index = this.#containers.index();
    const expected = this.#expectations.roles();
    const known = this.#known;
    const same = known !== null && known.index === index && known.revision === index.revision &&
      known.expected === expected;
    if (same) return known;
    return this.#known = {
      index,
      revision: index.revision,
      expected,
      workloads: new Map(),
      rows: null,
      deployed: null,
    };
  }

  #wantedOf(row: IndexRow, known: Known): Wanted {
    const { id, workloadId } = row;
    if (known.expected.ofWorkload(workloadId).size === 0) return WANTED_BY_DEFAULT;
    let rows = known.workloads.get(workloadId);
    if (rows === undefined) {
      rows = this.#wantedOfWorkload(workloadId, known);
      known.workloads.set(workloadId, rows);
    }
    return rows.get(id) ?? WANTED_BY_DEFAULT;
  }

  #wantedOfWorkload(workloadId: string, known: Known): ReadonlyMap<string, Wanted> {
    const wanted = new Map<string, Wanted>();
    const isDeployed = (rowId: string) =>
      (known.deployed ??= this.#containers.deployedRows()).has(rowId);
    // A site has one role, whatever a deployer called his rows.
    const byRole = Map.groupBy(
      rowsOf(workloadId, known),
      ({ workloadKind, role }) => workloadKind === "site" ? "" : role,
    );
    for (const [role, rows] of byRole) {
      const expectation = known.expected.of(workloadId, role);
      if (expectation === undefined) continue;
      for (const [id, its] of wantedOf(rows, { expectation, isDeployed })) wanted.set(id, its);
    }
    return wanted;
  }
}

function rowsOf(workloadId: string, known: Known): readonly IndexRow[] {
  const { index, workloads } = known;
  if (known.rows === null && workloads.size < ONE_BY_ONE) {
    const rows: IndexRow[] = [];
    for (const row of index.rows()) if (row.workloadId === workloadId) rows.push(row);
    return rows;
  }
  known.rows ??= Map.groupBy(index.rows(), (row) => row.workloadId);
  return known.rows.get(workloadId) ?? [];
}
