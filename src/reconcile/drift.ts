/**
 * Counts what full passes found that no event had announced: the figure that says whether events
 * can be trusted. Pure; the caller brings the time.
 *
 * @module
 */

/** How long an event may lag behind the listing that already shows what it announces. */
const GRACE_MS = 1000;

/** How long before a pass an event still explains what the pass found. */
const RECENT_MS = 5000;

/** Holds what passes found until late events had their chance. */
export class DriftWatch {
  readonly #seen = new Map<string, number>();
  #suspects: { containers: readonly string[]; since: number; at: number }[] = [];

  /** An event named this container. */
  event(containerId: string, now: number): void {
    this.#seen.set(containerId, now);
  }

  /** A pass on the tick, which began at `since`, changed the rows of these containers. */
  suspect(containers: readonly string[], pass: { since: number; now: number }): void {
    if (containers.length > 0) {
      this.#suspects.push({ containers, since: pass.since, at: pass.now });
    }
  }

  /** When {@link DriftWatch.settle} has something to say; null when nothing is held. */
  get nextDueAt(): number | null {
    return this.#suspects.length === 0 ? null : this.#suspects[0]!.at + GRACE_MS;
  }

  /** Number of containers that changed without any event near it. To be called when due. */
  settle(now: number): number {
    let drift = 0;
    const due = this.#suspects.filter(({ at }) => at + GRACE_MS <= now);
    this.#suspects = this.#suspects.filter(({ at }) => at + GRACE_MS > now);
    for (const { containers, since } of due) {
      const unannounced = (id: string) => (this.#seen.get(id) ?? -Infinity) < since - RECENT_MS;
      drift += containers.filter(unannounced).length;
    }
    return drift;
  }

  /** Forgets events that no longer explain anything, once a pass that began at `since` is judged. */
  prune(since: number): void {
    for (const { since: earlier } of this.#suspects) since = Math.min(since, earlier);
    for (const [id, at] of this.#seen) {
      if (at < since - RECENT_MS) this.#seen.delete(id);
    }
  }

  /** Forgets what is held: events did not flow all the time, so they are not to blame. */
  forgive(): void {
    this.#suspects = [];
  }
}
