/**
 * Asks the Engine about containers one after the other, no faster than it bears beside its work.
 * Knows nothing of why anyone asks.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { isForbidden } from "../docker/error.ts";
import type { DockerClient } from "../docker/client.ts";
import type { ContainerDetails } from "../model/details.ts";
import type { Log } from "../telemetry/log.ts";

/** What {@link Inspections} works with. */
export interface InspectionsOptions {
  /** The Engine. */
  readonly docker: Pick<DockerClient, "inspect">;
  /** The time. */
  readonly clock: Clock;
  /** Where it is said that an answer did not come. */
  readonly log: Log;
}

/** Takes what the Engine says; null: the container is not there. */
export type OnDetails = (details: ContainerDetails | null) => void;

/** At most twenty a second. */
const EVERY_MS = 50;

/** Who asks for more than this at once is answered for the first ones. */
const MAX_WAITING = 1000;

/** A proxy that lets no inspect through is tried again after this. */
const FORBIDDEN_MS = 600_000;

/** A queue of questions. */
export class Inspections {
  readonly #o: InspectionsOptions;
  readonly #waiting = new Map<string, OnDetails[]>();
  #asking: Promise<void> | null = null;
  #forbiddenAt = -Infinity;

  /** Asks nothing yet. */
  constructor(options: InspectionsOptions) {
    this.#o = options;
  }

  /** Asks about a container soon; who asks about one that waits shares the answer. */
  ask(containerId: string, take: OnDetails, signal: AbortSignal): void {
    const others = this.#waiting.get(containerId);
    if (others !== undefined) return void others.push(take);
    if (this.#waiting.size >= MAX_WAITING || this.#isForbidden()) return;
    this.#waiting.set(containerId, [take]);
    this.#asking ??= this.#run(signal).finally(() => this.#asking = null);
  }

  /** How many containers wait to be asked about. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Resolves when nothing is being asked. */
  async settled(): Promise<void> {
    await this.#asking;
  }

  #isForbidden(): boolean {
    return this.#o.clock.monotonic() - this.#forbiddenAt < FORBIDDEN_MS;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { docker, clock, log } = this.#o;
    for (const [containerId] of this.#waiting) {
      if (signal.aborted) break;
      try {
        const details = await docker.inspect(containerId, { signal });
        for (const take of this.#waiting.get(containerId) ?? []) take(details);
      } catch (error) {
        // What it would have told is missing, no more: nothing is decided by it alone.
        if (isForbidden(error)) {
          this.#forbiddenAt = clock.monotonic();
          log.info("containers may not be inspected, so their details are not known", { error });
          break;
        }
        if (!signal.aborted) {
          log.debug("container not inspected", { container: containerId, error });
        }
      }
      this.#waiting.delete(containerId);
      await clock.sleep(EVERY_MS, signal);
    }
    this.#waiting.clear();
  }
}
