/**
 * Which containers events have named and when each should be read: at once as a rule, later for a
 * container that keeps asking. Pure; the caller brings the time.
 *
 * @module
 */

import { type EngineEvent, NETWORK_ACTIONS } from "../docker/events.ts";
import { type Announced, announcedBy, lags } from "./announced.ts";

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
  /** How long after it left a network a container that has ended is read besides, if it is not quiet. */
  leaveMs?: number;
  /**
   * How long after a read that did not show of a quiet container what its event told the next is, and
   * the first after it left a network.
   */
  soonMs?: number;
}

/** How a container is read again: which time it is, or for the last time since it is as announced. */
type Again = number | "at last";

/** A container to be read. */
interface Entry {
  event: EngineEvent;
  dueAt: number;
  /** Nothing new is known of it: it is only read again to be sure. */
  again: false | Again;
  /** What its events say of its state. */
  announced: Announced | null;
  /** Whether its event has been said to be read. */
  done: boolean;
  /** When it is read besides, since it left a network. */
  leftAt: number;
  /** How long that read waits. */
  leftMs: number;
}

/** What rows show after a read; asked by container id. */
export interface Shown {
  /** The state of its row; null when it has none. Default null. */
  stateOf?: (containerId: string) => string | null;
  /** Whether the read changed nothing of its row. Default false. */
  isStale?: (containerId: string) => boolean;
}

/** Which wait is the first for a container that is not quiet: the next event comes before. */
const BUSY_FROM = 2;

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
  readonly #soonMs: number;
  readonly #entries = new Map<string, Entry>();
  readonly #buckets = new Map<string, Bucket>();
  /** How long after a read that did not show what was announced the next one follows. */
  readonly #waitsMs: readonly number[];
  /** What the containers taken last were. */
  readonly #taken = new Map<string, Entry>();

  /** An empty set. */
  constructor(options: DirtyOptions = {}) {
    const { windowMs = 2, burst = 8, refillMs = 400, verifyMs = 200 } = options;
    const { leaveMs = 30, soonMs = 15 } = options;
    this.#leaveMs = leaveMs;
    this.#soonMs = soonMs;
    this.#windowMs = windowMs;
    this.#burst = burst;
    this.#refillMs = refillMs;
    this.#verifyMs = verifyMs;
    this.#waitsMs = [soonMs, 4 * soonMs, verifyMs, 5 * verifyMs, 25 * verifyMs, 75 * verifyMs];
  }

  /** Number of dirty containers, due or not. */
  get size(): number {
    return this.#entries.size;
  }

  /** When the next container is due; null when none is dirty. */
  get nextDueAt(): number | null {
    let next: number | null = null;
    for (const entry of this.#entries.values()) {
      const at = dueAtOf(entry);
      if (next === null || at < next) next = at;
    }
    return next;
  }

  /**
   * Marks the event's container. A later event of a dirty container only replaces the earlier.
   * A network's event comes along with each start and stop, whose own event says more: it waits for
   * that, uses up nothing, and only sees to it that the container is read. One that leaves its
   * networks after its own event has ended: between that event and the listing that shows it the
   * Engine takes its networks down, for a tenth of a second, and is soon done then. Returns when the
   * container is due.
   */
  mark(event: EngineEvent, now: number): number {
    const id = event.containerId;
    const entry = this.#entries.get(id);
    if (NETWORK_ACTIONS.has(event.action)) {
      if (entry !== undefined) {
        const left = entry.again !== false && event.action === "disconnect";
        if (left) Object.assign(entry, this.#left(id, now));
        return dueAtOf(entry);
      }
      const leaver = this.#leaver(event, now);
      this.#entries.set(id, leaver);
      return dueAtOf(leaver);
    }
    const announced = announcedBy(event.action) ??
      (entry ?? this.#taken.get(id))?.announced ?? null;
    if (entry?.again === false) {
      entry.event = event;
      entry.announced = announced;
      return dueAtOf(entry);
    }
    const used = this.#usedAt(id, now);
    const waitMs = used + 1 <= this.#burst ? 0 : (used + 1 - this.#burst) * this.#refillMs;
    const dueAt = now + Math.max(this.#windowMs, waitMs);
    this.#entries.set(id, { ...fresh(event, dueAt), announced });
    return dueAt;
  }

  /**
   * Has containers that were just read read again, unless an event does so before: the Engine
   * sends some events, such as `die`, before its listing shows what they tell; it may take its
   * networks down first, which can last. While the row (`stateOf`) does not show what was announced,
   * it is read ever later, a few times; one that shows it is read once more. So is, in a moment, a
   * quiet container whose event says nothing of its state and whose row did not change (`isStale`).
   * Returns the events that are read by now, each once.
   */
  verify(read: ReadonlyMap<string, EngineEvent>, shown: Shown & { now: number }): EngineEvent[] {
    const { now, isStale = () => false, stateOf = () => null } = shown;
    const done: EngineEvent[] = [];
    for (const [id, event] of read) {
      const entry = this.#taken.get(id) ?? fresh(event, now);
      this.#taken.delete(id);
      const lagging = lags(stateOf(id), entry.announced);
      const stale = entry.announced === null && movesState(event) && isStale(id);
      const next = this.#nextRead(entry, { lagging, stale, now });
      const waits = next !== null && next.again !== "at last";
      if (!entry.done && !waits) done.push(event);
      if (next === null || this.#entries.has(id)) continue;
      const left = this.#leftNext(entry, { lagging, now });
      this.#entries.set(id, { ...entry, event, ...left, ...next, done: entry.done || !waits });
    }
    return done;
  }

  /** Takes the containers that are due, with the event that named each last. */
  takeDue(now: number): Map<string, EngineEvent> {
    const due = new Map<string, EngineEvent>();
    this.#taken.clear();
    for (const [id, entry] of this.#entries) {
      if (dueAtOf(entry) > now) continue;
      due.set(id, entry.event);
      this.#entries.delete(id);
      this.#taken.set(id, entry);
      // To be sure is free: a loop's next event comes before it.
      if (entry.again === false) {
        this.#buckets.set(id, { used: this.#usedAt(id, now) + 1, at: now });
      }
    }
    return due;
  }

  /** Takes every dirty container, due or not: a full listing is about to show them all. */
  takeAll(now: number): Map<string, EngineEvent> {
    const all = new Map<string, EngineEvent>();
    this.#taken.clear();
    for (const [id, entry] of this.#entries) {
      all.set(id, entry.event);
      // What is as announced need not be read again after this.
      this.#taken.set(id, entry.again === "at last" ? { ...entry, dueAt: now } : entry);
    }
    this.#entries.clear();
    for (const id of this.#buckets.keys()) {
      if (this.#usedAt(id, now) === 0) this.#buckets.delete(id);
    }
    return all;
  }

  /** A read for a network's event alone; sooner where the container's end is being read. */
  #leaver(event: EngineEvent, now: number): Entry {
    const id = event.containerId;
    const taken = this.#taken.get(id);
    const ends = event.action === "disconnect" && taken?.announced === "ended";
    const next = ends ? this.#nextRead(taken, { lagging: true, stale: false, now }) : null;
    if (taken !== undefined && next !== null) return { ...taken, ...next, ...this.#left(id, now) };
    const entry = fresh(event, now + this.#verifyMs);
    return { ...entry, again: "at last", done: true };
  }

  /** A read besides for a container that leaves a network now. */
  #left(id: string, now: number): Pick<Entry, "leftAt" | "leftMs"> {
    const leftMs = this.#isQuiet(id, now) ? this.#soonMs : this.#leaveMs;
    return { leftAt: now + leftMs, leftMs };
  }

  /** The read besides that follows one: ever later, a few times, while a quiet row lags. */
  #leftNext(
    { event, leftAt, leftMs }: Entry,
    { lagging, now }: { lagging: boolean; now: number },
  ): Pick<Entry, "leftAt" | "leftMs"> {
    if (leftAt > now) return { leftAt, leftMs };
    const nextMs = 2 * leftMs;
    const more = lagging && nextMs <= this.#verifyMs && this.#isQuiet(event.containerId, now);
    return { leftAt: more ? now + nextMs : Infinity, leftMs: nextMs };
  }

  /** When a container that was read is read again; null: not before something happens to it. */
  #nextRead(
    { event, again, dueAt }: Entry,
    { lagging, stale, now }: { lagging: boolean; stale: boolean; now: number },
  ): Pick<Entry, "again" | "dueAt"> | null {
    // It was read before its time, and has it still.
    const early = again !== false && dueAt > now;
    if (early && (lagging || again === "at last")) return { again, dueAt };
    if (again === "at last") return null;
    const quiet = this.#isQuiet(event.containerId, now);
    if (lagging || (stale && quiet && again === false)) {
      const next = Math.max(again === false ? 0 : again + 1, quiet ? 0 : BUSY_FROM);
      const waitMs = this.#waitsMs[next];
      return waitMs === undefined ? null : { again: next, dueAt: now + waitMs };
    }
    return { again: "at last", dueAt: now + this.#verifyMs };
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

function fresh(event: EngineEvent, dueAt: number): Entry {
  const announced = announcedBy(event.action);
  return { event, dueAt, again: false, announced, done: false, leftAt: Infinity, leftMs: 0 };
}

function dueAtOf({ dueAt, leftAt }: Entry): number {
  return Math.min(dueAt, leftAt);
}

/** Whether a row can be expected to change by it: a health check may say the same for ever. */
function movesState({ action }: EngineEvent): boolean {
  return action !== "health_status" && !NETWORK_ACTIONS.has(action);
}
