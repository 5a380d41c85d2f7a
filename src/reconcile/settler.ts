/**
 * Settles one pass after the other, and looks at what is settled already only where a pass touches
 * it, for as long as nothing that settling goes by is another. Must not decide anything itself.
 *
 * @module
 */

import { settle, type SettleWorld } from "../core/settle.ts";
import type { Change } from "../model/pass.ts";
import type { Store } from "../store/store.ts";
import { haveSameValues } from "./planner.ts";

interface SettledBy extends Pick<SettleWorld, "index" | "directory" | "expected"> {
  readonly revision: number;
}

/** Holds what passes make of one index against what is expected. */
export class Settler {
  readonly #store: Store;
  /** What everything was settled by; null: something is not. */
  #by: SettledBy | null = null;

  /** Of this index. */
  constructor(store: Store) {
    this.#store = store;
  }

  /** The same as {@linkcode settle}. */
  settle(changes: readonly Change[]): readonly Change[] {
    const by = this.#world();
    let deployed: ReadonlySet<string> | null = null;
    return settle(changes, {
      ...by,
      onlyTouched: this.#by !== null && haveSameValues(by, this.#by),
      isDeployed: (rowId) => (deployed ??= this.#store.containers.deployedRows()).has(rowId),
    });
  }

  /** A pass is written. Unless it was `settled`, not everything is from now on. */
  written({ settled }: { readonly settled: boolean }): void {
    this.#by = settled ? this.#world() : null;
  }

  /** All that settling goes by: what a deployer writes of a row makes the index another as well. */
  #world(): SettledBy {
    const { containers, workloads, expectations } = this.#store;
    const index = containers.index();
    return {
      index,
      // The index is one object that changes.
      revision: index.revision,
      directory: workloads.directory(),
      expected: expectations.roles(),
    };
  }
}
