/**
 * Which of a hub's hosts tell of moments that are long over by everyone else's clock: their clocks are
 * behind, or they were not heard of for a while. Goes by the hub's own numbers, which grow whatever the
 * clocks say.
 *
 * @module
 */

import { partsOfId } from "../model/hosts.ts";
import type { HistoryEntry, HistoryPage } from "../model/past.ts";
import type { ShownTransition } from "../model/views.ts";
import type { ReadApi } from "./client.ts";

/** What happened last, among which the greatest number is looked for. */
const LAST = 500;
const PAGE = 10_000;
/** So many clocks that are behind are remembered; of more hosts only what just came is told. */
const MAX_BEHIND = 20;

/** Where the past of one or more hosts is to be read from. */
export interface LateWindow {
  /** The one host; undefined: all that are late. */
  readonly host?: string;
  /** RFC 3339 UTC. */
  readonly from: string;
}

/** Hosts that tell late, as far as what happened after it was made shows. */
export class LateHosts {
  readonly #lateMs: number;
  readonly #behind = new Map<string, number>();
  #froms = new Map<string, string>();
  #since: number;

  private constructor(since: number, lateMs: number) {
    this.#since = since;
    this.#lateMs = lateMs;
  }

  /** From now on; what is told no later than `lateMs` milliseconds after it happened is not late. */
  static async from(api: ReadApi, { lateMs }: { lateMs: number }): Promise<LateHosts> {
    const { items } = await api.get<HistoryPage>(`/api/history?audit=false&limit=${LAST}`);
    const numbers = items.map(({ key }) => Number(/^transition-(\d+)$/.exec(key)?.[1] ?? 0));
    const hosts = new LateHosts(Math.max(0, ...numbers), lateMs);
    await hosts.#readOn(api);
    return hosts;
  }

  /** Reads what was told since the last time; `host`: of that one alone. */
  async look(api: ReadApi, { host, now }: { host: string | null; now: number }): Promise<void> {
    const told = Map.groupBy(await this.#readOn(api), ({ rowId }) => partsOfId(rowId)?.host ?? "");
    this.#froms = new Map();
    for (const [of, changes] of told) {
      if (host !== null && of !== host) continue;
      const times = changes.map(({ at }) => at).sort();
      // The last that it told is from just now, by its clock.
      const behind = now - Date.parse(times.at(-1)!);
      if (behind > this.#lateMs && (this.#behind.has(of) || this.#behind.size < MAX_BEHIND)) {
        this.#behind.set(of, behind);
      } else this.#behind.delete(of);
      if (now - Date.parse(times[0]!) > this.#lateMs) this.#froms.set(of, times[0]!);
    }
    for (const [of, behind] of this.#behind) {
      const from = new Date(now - behind - this.#lateMs).toISOString();
      const told = this.#froms.get(of);
      if (told === undefined || from < told) this.#froms.set(of, from);
    }
  }

  /** What to read of the late ones; `apart`: one after the other, where they are few. */
  windows({ apart }: { apart: boolean }): LateWindow[] {
    const all = [...this.#froms].map(([host, from]) => ({ host, from }));
    if (all.length === 0 || apart && all.length <= MAX_BEHIND) return all;
    return [{ from: all.map(({ from }) => from).sort()[0]! }];
  }

  /** Whether it happened on a late one, since that is. */
  tells({ host, at }: HistoryEntry): boolean {
    const from = this.#froms.get(host ?? "");
    return from !== undefined && at >= from;
  }

  /** There is no such host any more. */
  forget(host: string | undefined): void {
    if (host !== undefined) this.#behind.delete(host);
  }

  async #readOn(api: ReadApi): Promise<ShownTransition[]> {
    const found: ShownTransition[] = [];
    for (let more = true; more;) {
      const { items, nextSince } = await api.get<
        { items: ShownTransition[]; nextSince: number | null }
      >(`/api/transitions?since=${this.#since}&limit=${PAGE}`);
      found.push(...items);
      this.#since = items.at(-1)?.seq ?? this.#since;
      more = nextSince !== null;
    }
    return found;
  }
}
