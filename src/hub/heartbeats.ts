/**
 * Signs of life of many hosts, taken in together: one statement a second, however many hosts there
 * are. Knows no HTTP.
 *
 * @module
 */

import type { Sql } from "./sql.ts";
import { doTogether, onceEach, type Waiting } from "./gathered.ts";
import { beat, type HostBeat } from "./hub_store.ts";
import type { Told } from "./protocol.ts";

/** Gathers them. */
export class Heartbeats {
  readonly #sql: Sql;
  readonly #everyMs: number;
  #waiting: Waiting<HostBeat, Told>[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** `everyMs`: how long one may wait for others, milliseconds. Default 1 s. */
  constructor(sql: Sql, { everyMs = 1000 }: { everyMs?: number } = {}) {
    this.#sql = sql;
    this.#everyMs = everyMs;
  }

  /** What is answered to it; rejects when the database can't be had. */
  take(beat: HostBeat): Promise<Told> {
    const answer = Promise.withResolvers<Told>();
    this.#waiting.push({ asked: beat, answer });
    this.#wait();
    // A process that ends waits for nobody.
    if (beat.ending) void this.close();
    return answer.promise;
  }

  /** Takes in at once what waits. */
  async close(): Promise<void> {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    await this.#flush();
  }

  #wait(): void {
    this.#timer ??= setTimeout(() => void this.#flush(), this.#everyMs);
  }

  async #flush(): Promise<void> {
    this.#timer = null;
    // One statement must not find the same session twice: what comes again waits for the next.
    const { now, later } = onceEach(this.#waiting, {
      keyOf: ({ hostId, session }) => `${session} ${hostId}`,
    });
    this.#waiting = later;
    if (later.length > 0) this.#wait();
    await doTogether(now, (beats) => beat(this.#sql, beats));
    // Its last word, after the one before it.
    if (later.some(({ asked }) => asked.ending)) await this.close();
  }
}
