/**
 * Which containers events have named and when each should be read: at once as a rule, later for a
 * container that keeps asking. Pure; the caller brings the time.
 *
 * @module
 */

import type { EngineEvent } from "../docker/events.ts";

/** How soon and how often containers are read, milliseconds and reads. */
export interface DirtyOptions {
  /** How long the first event of a quiet moment waits for others. */
  windowMs?: number;
  /** Reads that one container may cause in quick succession. */
  burst?: number;
  /** Then it is read at most once in this time. */
  refillMs?: number;
}

/** A container to be read. */
interface Entry {
  event: EngineEvent;
  dueAt: number;
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
  readonly #entries = new Map<string, Entry>();
  readonly #buckets = new Map<string, Bucket>();

  /** An empty set. */
  constructor({ windowMs = 3, burst = 6, refillMs = 400 }: DirtyOptions = {}) {
    this.#windowMs = windowMs;
    this.#burst = burst;
    this.#refillMs = refillMs;
  }

  /** Number of dirty containers, due or not. */
  get size(): number {
    return this.#entries.size;
  }

  /** When the next container is due; null when none is dirty. */
  get nextDueAt(): number | null {
    let next: number | null = null;
    for (const { dueAt } of this.#entries.values()) {
      if (next === null || dueAt < next) next = dueAt;
    }
    return next;
  }

  /** Marks the event's container. A later event of a dirty container only replaces the earlier. */
  mark(event: EngineEvent, now: number): void {
    const entry = this.#entries.get(event.containerId);
    if (entry !== undefined) {
      entry.event = event;
      return;
    }
    const used = this.#usedAt(event.containerId, now);
    const waitMs = used + 1 <= this.#burst ? 0 : (used + 1 - this.#burst) * this.#refillMs;
    this.#entries.set(event.containerId, { event, dueAt: now + Math.max(this.#windowMs, waitMs) });
  }

  /** Takes the containers that are due, with the event that named each last. */
  takeDue(now: number): Map<string, EngineEvent> {
    const due = new Map<string, EngineEvent>();
    for (const [id, { event, dueAt }] of this.#entries) {
      if (dueAt > now) continue;
      due.set(id, event);
      this.#entries.delete(id);
      this.#buckets.set(id, { used: this.#usedAt(id, now) + 1, at: now });
    }
    return due;
  }

  /** Takes every dirty container, due or not: a full listing is about to show them all. */
  takeAll(now: number): Map<string, EngineEvent> {
    const all = new Map<string, EngineEvent>();
    for (const [id, { event }] of this.#entries) all.set(id, event);
    this.#entries.clear();
    for (const id of this.#buckets.keys()) {
      if (this.#usedAt(id, now) === 0) this.#buckets.delete(id);
    }
    return all;
  }

  #usedAt(id: string, now: number): number {
    const bucket = this.#buckets.get(id);
    if (bucket === undefined) return 0;
    return Math.max(0, bucket.used - (now - bucket.at) / this.#refillMs);
  }
}
