/**
 * Which containers events have named and when each should be read: at once as a rule, later for a
 * container that keeps asking. Pure; the caller brings the time.
 *
 * @module
 */

import { type EngineEvent, NETWORK_ACTIONS } from "../docker/events.ts";

/** How soon and how often containers are read, milliseconds and reads. */
export interface DirtyOptions {
  /** How long the first event of a quiet moment waits for others. */
  windowMs?: number;
  /** Reads that one container may cause in quick succession. */
  burst?: number;
  /** Then it is read at most once in this time. */
  refillMs?: number;
  /** How long after a read a container is read once more. */
  verifyMs?: number;
  /** How long after it left a network a container that has ended is listed so. */
  leaveMs?: number;
  /** The same where the read showed nothing new of a quiet container, besides. */
  soonMs?: number;
}

/** A container to be read. */
interface Entry {
  event: EngineEvent;
  dueAt: number;
  /** Nothing new is known of it: it is only read again to be sure, and then perhaps once more. */
  again: false | "soon" | "at last";
}

/** What one container has used up: reads taken, and when that was so. */
interface Bucket {
  used: number;
  at: number;
}

/**
 * The set of dirty containers. Each container has a bucket of reads that refills, so that a crash
 * loop can't turn every event into a request, and never delays another container.
 */
export class DirtySet {
  readonly #windowMs: number;
  readonly #burst: number;
  readonly #refillMs: number;
  readonly #verifyMs: number;
  readonly #leaveMs: number;
  readonly #entries = new Map<string, Entry>();
  readonly #buckets = new Map<string, Bucket>();
  readonly #soonMs: number;
  /** Of the containers taken last, those that are read to be sure. */
  readonly #verified = new Map<string, "soon" | "at last">();
  /** Containers that left a network after they were read, to be read once more besides. */
  readonly #leaving = new Map<string, Omit<Entry, "again">>();

  /** An empty set. */
  constructor(options: DirtyOptions = {}) {
    const { windowMs = 3, burst = 8, refillMs = 400, verifyMs = 200 } = options;
    const { leaveMs = 30, soonMs = 15 } = options;
    this.#leaveMs = leaveMs;
    this.#windowMs = windowMs;
    this.#burst = burst;
    this.#refillMs = refillMs;
    this.#verifyMs = verifyMs;
    this.#soonMs = soonMs;
  }

  /** Number of dirty containers, due or not. */
  get size(): number {
    return this.#entries.size;
  }

  /** When the next container is due; null when none is dirty. */
  get nextDueAt(): number | null {
    let next: number | null = null;
    for (const entries of [this.#entries, this.#leaving]) {
      for (const { dueAt } of entries.values()) if (next === null || dueAt < next) next = dueAt;
    }
    return next;
  }

  /**
   * Marks the event's container. A later event of a dirty container only replaces the earlier.
   * A network's event comes along with each start and stop, whose own event says more: it waits for
   * that, uses up nothing, and only sees to it that the container is read. One that leaves its
   * networks after its own event has ended: between that event and the listing that shows it the
   * Engine takes its networks down, for a tenth of a second.
   */
  mark(event: EngineEvent, now: number): void {
    const entry = this.#entries.get(event.containerId);
    if (NETWORK_ACTIONS.has(event.action)) {
      if (entry?.again && event.action === "disconnect") {
        const dueAt = now + this.#leaveMs;
        this.#leaving.set(event.containerId, { event: entry.event, dueAt });
      }
      if (entry !== undefined) return;
      const dueAt = now + this.#verifyMs;
      this.#entries.set(event.containerId, { event, dueAt, again: "at last" });
      return;
    }
    this.#leaving.delete(event.containerId);
    if (entry?.again === false) {
      entry.event = event;
      return;
    }
    const used = this.#usedAt(event.containerId, now);
    const waitMs = used + 1 <= this.#burst ? 0 : (used + 1 - this.#burst) * this.#refillMs;
    const dueAt = now + Math.max(this.#windowMs, waitMs);
    this.#entries.set(event.containerId, { event, dueAt, again: false });
  }

  /**
   * Has containers that were just read read once more, unless an event does so before: the Engine
   * sends some events, such as `die`, a moment before its listing shows what they tell. A quiet
   * container of which the read showed nothing new (`isStale`) is also read in that moment.
   * Returns the events that are read by now, each once.
   */
  verify(
    read: ReadonlyMap<string, EngineEvent>,
    { now, isStale = () => false }: { now: number; isStale?: (containerId: string) => boolean },
  ): EngineEvent[] {
    const done: EngineEvent[] = [];
    for (const [id, event] of read) {
      const verified = this.#verified.get(id);
      this.#verified.delete(id);
      if (verified === "at last") continue;
      const soon = verified === undefined && movesState(event) && this.#isQuiet(id, now) &&
        isStale(id);
      if (!soon) done.push(event);
      if (this.#entries.has(id)) continue;
      const dueAt = now + (soon ? this.#soonMs : this.#verifyMs);
      this.#entries.set(id, { event, dueAt, again: soon ? "soon" : "at last" });
    }
    return done;
  }

  /** Takes the containers that are due, with the event that named each last. */
  takeDue(now: number): Map<string, EngineEvent> {
    const due = new Map<string, EngineEvent>();
    this.#verified.clear();
    for (const [id, { event, dueAt, again }] of this.#entries) {
      if (dueAt > now) continue;
      due.set(id, event);
      this.#entries.delete(id);
      // To be sure is free: a loop's next event comes before it.
      if (again !== false) this.#verified.set(id, again);
      else this.#buckets.set(id, { used: this.#usedAt(id, now) + 1, at: now });
    }
    for (const [id, { event, dueAt }] of this.#leaving) {
      if (dueAt > now) continue;
      this.#leaving.delete(id);
      if (due.has(id)) continue;
      due.set(id, event);
      // Whatever this shows, it is read to be sure later.
      this.#verified.set(id, "at last");
    }
    return due;
  }

  /** Takes every dirty container, due or not: a full listing is about to show them all. */
  takeAll(now: number): Map<string, EngineEvent> {
    const all = new Map<string, EngineEvent>();
    this.#verified.clear();
    for (const [id, { event, again }] of this.#entries) {
      all.set(id, event);
      if (again !== false) this.#verified.set(id, again);
    }
    this.#entries.clear();
    this.#leaving.clear();
    for (const id of this.#buckets.keys()) {
      if (this.#usedAt(id, now) === 0) this.#buckets.delete(id);
    }
    return all;
  }

  /** Whether no more than its last read was taken of late. */
  #isQuiet(id: string, now: number): boolean {
    return this.#usedAt(id, now) <= 1;
  }

  #usedAt(id: string, now: number): number {
    const bucket = this.#buckets.get(id);
    if (bucket === undefined) return 0;
    return Math.max(0, bucket.used - (now - bucket.at) / this.#refillMs);
  }
}

/** Whether a row can be expected to change by it: a health check may say the same for ever. */
function movesState({ action }: EngineEvent): boolean {
  return action !== "health_status" && !NETWORK_ACTIONS.has(action);
}
