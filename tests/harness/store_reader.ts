/**
 * The index of a test's store as readers ask for it, where no daemon says how far it can be trusted.
 *
 * @module
 */

import { unkept } from "../../src/core/freshness.ts";
import { StoreReader } from "../../src/server/store_reader.ts";
import type { Store } from "../../src/store/store.ts";

/** Reads this store. */
export function readerOf(store: Store): StoreReader {
  return new StoreReader({
    store,
    freshness: () => unkept(null),
    wanted: () => () => {
      throw new Error("nothing is expected here");
    },
    now: () => new Date(),
  });
}
