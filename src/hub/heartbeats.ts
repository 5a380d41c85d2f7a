/**
 * Signs of life of many hosts, taken in together: one statement a second, however many hosts there
 * are. Knows no HTTP.
 *
 * @module
 */

import type { Sql } from "./sql.ts";
import { beat, type HostBeat } from "./hub_store.ts";
import type { Told } from "./protocol.ts";

interface Waiting {
  readonly beat: HostBeat;
  readonly answer: PromiseWithResolvers<Told>;
}

/** Gathers them. */
export class Heartbeats {
  readonly #sql: Sql;
  readonly #everyMs: number;
  #waiting: Waiting[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** `everyMs`: how long one may wait for others, milliseconds. Default 1 s. */
  constructor(sql: Sql, { everyMs = 1000 }: { everyMs?: number } = {}) {
    this.#sql = sql;
    this.#everyMs = everyMs;
  }

  /** What is answered to it; rejects when the database can't be had. */
  take(beat: HostBeat): Promise<Told> {
    const answer = Promise.withResolvers<Told>();
    this.#waiting.push({ beat, answer });
    this.#timer ??= setTimeout(() => void this.#flush(), this.#everyMs);
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

  async #flush(): Promise<void> {
    this.#timer = null;
    const waiting = this.#waiting;
    this.#waiting = [];
    // One statement must not find the same session twice: what comes again waits for the next.
    const seen = new Set<string>();
    const now = waiting.filter(({ beat: { hostId, session } }) => {
      const key = `${session} ${hostId}`;
      return !seen.has(key) && seen.add(key);
    });
    for (const again of waiting.filter((each) => !now.includes(each))) {
      this.take(again.beat).then(again.answer.resolve, again.answer.reject);
    }
    try {
      const told = await beat(this.#sql, now.map(({ beat }) => beat));
      now.forEach(({ answer }, i) => answer.resolve(told[i]!));
    } catch (error) {
      for (const { answer } of now) answer.reject(error);
    }
  }
}
