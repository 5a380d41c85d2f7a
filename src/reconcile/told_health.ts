/**
 * How healthy containers are where listings don't tell, as with Podman: what its events said last,
 * until the container ends. Pure. Podman 4 says with each check what the one before it found.
 *
 * @module
 */

import type { EngineEvent } from "../docker/events.ts";
import type { ContainerIndex, Listing } from "../model/container.ts";

/** After these a container's health is not known, whatever it was. */
const ENDS: ReadonlySet<string> = new Set(["start", "restart", "die", "stop", "destroy"]);

/** States of a container that goes on living. */
const ALIVE: ReadonlySet<string> = new Set(["running", "paused"]);

/** Remembers what events told of containers' health. */
export class ToldHealth {
  /** By container id; null: it ended or began since its health was told. */
  readonly #told = new Map<string, string | null>();

  /** Something happened to a container. */
  event({ containerId, action, health }: EngineEvent): void {
    if (health !== null) this.#told.set(containerId, health);
    else if (ENDS.has(action)) this.#told.set(containerId, null);
  }

  /**
   * The listing with the health of the containers that live; what was told before this program
   * began stands in their rows.
   */
  complete(listing: Listing, index: ContainerIndex): Listing {
    const listed = new Set<string>();
    const containers = listing.containers.map((container) => {
      const { id, state } = container;
      listed.add(id);
      if (container.health !== null || !ALIVE.has(state)) return container;
      const told = this.#told.get(id);
      const health = told === undefined ? index.boundTo(id)[0]?.health ?? null : told;
      return health === null ? container : { ...container, health };
    });
    if (listing.scope === "all") {
      for (const id of this.#told.keys()) if (!listed.has(id)) this.#told.delete(id);
    }
    return { ...listing, containers };
  }
}
