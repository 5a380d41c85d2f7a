/**
 * What runs unmanaged on a host without an index: a listing is all it needs. Writes nothing.
 *
 * @module
 */

import type { Config } from "../config.ts";
import { discover } from "../core/discover.ts";
import { dispatcher } from "../core/dispatch.ts";
import { MemoryIndex } from "../core/memory_index.ts";
import { NOBODY } from "../core/unmanaged.ts";
import type { DiscoverAnswer } from "../server/adopt_schema.ts";

/**
 * The same as the API answers over an empty index.
 *
 * @throws {Failure} The Engine could not be asked.
 */
export async function discoverWithoutIndex(config: Config): Promise<DiscoverAnswer> {
  const { openDocker } = await import("../daemon.ts");
  using docker = openDocker(config);
  const { containers } = await docker.list();
  const dispatch = dispatcher({
    directory: NOBODY,
    index: new MemoryIndex([]),
    composePrefix: config.composePrefix,
  });
  const found = discover(containers, {
    refusal: (container) => {
      const claim = dispatch(container);
      return "reason" in claim ? claim.reason : null;
    },
    isTaken: () => false,
    isClaimed: () => false,
  });
  return { ...found, registered: [] };
}
