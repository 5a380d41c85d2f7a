/**
 * What changes of any host, as whoever keeps readers informed is told: heard from the hubs that took
 * it in, over one connection. Looks by itself for what it did not hear, and for hosts that fall
 * silent, of which nobody tells. Writes nothing.
 *
 * @module
 */

import { type Clock, SYSTEM_CLOCK } from "../clock.ts";
import type { Feed } from "../feed.ts";
import { idOverHosts } from "../model/hosts.ts";
import { MAX_WRITTEN_ROWS, type Written, type WrittenHost } from "../model/written.ts";
import type { Log } from "../telemetry/log.ts";
import { type Announcement, readAnnouncement } from "./announcements.ts";
import type { Sql } from "./sql.ts";
import { type Alone, openAlone } from "./database_pool.ts";
import { silentNow } from "./hub_silences.ts";
import { CHANNEL } from "./hub_writes.ts";

/** How often it is looked, milliseconds. */
const LOOK_MS = 1000;

/** What {@link HubFeed} works with. */
export interface HubFeedOptions {
  /** The database. */
  readonly sql: Sql;
  /** Where it is told. */
  readonly feed: Feed<Written>;
  /** Where it is logged that the database can't be had. */
  readonly log: Log;
  /** The time; the system's by default. */
  readonly clock?: Clock;
}

interface Host {
  readonly id: string;
  readonly name: string;
  readonly epoch: string | null;
  readonly seq: number | null;
  /** Whether it is heard of, and by how many. */
  readonly state: string;
}

interface Known extends Host {
  /** What the last look saw of rows that nobody told of; null: nothing. */
  readonly unheard: string | null;
}

/** Follows the hosts of a database. */
export class HubFeed {
  readonly #o: Required<HubFeedOptions>;
  #known: Map<string, Known> | null = null;
  #silent: string | null = null;
  #failing = false;

  /** Does nothing before {@link run}. */
  constructor(options: HubFeedOptions) {
    this.#o = { clock: SYSTEM_CLOCK, ...options };
  }

  /** Follows until the signal aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { sql, clock, log } = this.#o;
    let listening: Alone | null = null;
    while (!signal.aborted) {
      try {
        if (listening?.lost.aborted === true) {
          await listening[Symbol.asyncDispose]();
          listening = null;
        }
        // What was missed meanwhile a look finds.
        listening ??= await listen(sql, (text) => this.#hear(readAnnouncement(text)));
        await this.look();
        if (this.#failing) log.info("database reached again");
        this.#failing = false;
      } catch (error) {
        if (!this.#failing) log.warn("database not reached", { error });
        this.#failing = true;
      }
      await clock.sleep(LOOK_MS, signal);
    }
    await listening?.[Symbol.asyncDispose]();
  }

  /** Looks for what was not told: for {@link run}, and for tests in its place. */
  async look(): Promise<void> {
    const hosts = await this.#o.sql<(Omit<Host, "seq"> & { seq: string | null })[]>`
      SELECT id, name, epoch, seq,
        CASE WHEN contested THEN 'contested' WHEN heard_at IS NULL THEN 'new'
          WHEN lease_until < now() THEN 'unknown' WHEN fresh THEN 'fresh' ELSE 'known' END AS state
      FROM tinyforge.hosts`;
    const before = this.#known;
    const now = new Map<string, Known>();
    const told: WrittenHost[] = [];
    for (const found of hosts) {
      const host = { ...found, seq: found.seq === null ? null : Number(found.seq) };
      const known = before?.get(host.id);
      const mark = `${host.epoch} ${host.seq}`;
      const behind = known !== undefined && mark !== `${known.epoch} ${known.seq}`;
      // It may be on its way: what is not heard of before the next look is not.
      const lost = behind && known.unheard !== null && !isHeard(known);
      const rows = before !== null && (known === undefined || lost && host.seq !== null);
      now.set(host.id, {
        ...host,
        ...behind && !lost && { epoch: known.epoch, seq: known.seq },
        unheard: behind && !lost ? `${known.epoch} ${known.seq}` : null,
      });
      if (rows || known !== undefined && known.state !== host.state) {
        told.push({ name: host.name, rows });
      }
    }
    for (const { id, name } of before?.values() ?? []) {
      if (!now.has(id)) told.push({ name, rows: true });
    }
    this.#known = now;
    if (told.length > 0) this.#tell(told);
    // That one begins or ends nobody tells.
    const silent = await silentNow(this.#o.sql);
    if (this.#silent !== null && this.#silent !== silent) this.#tellProblems([]);
    this.#silent = silent;
  }

  #hear(told: Announcement | null): void {
    // A host is silent, is awaited, or was forgotten: who looks next tells of the host itself.
    if (told === null) return this.#tellProblems([]);
    const known = this.#known?.get(told.hostId);
    // Of a host that is new the next look tells.
    if (known === undefined) return;
    const { epoch, from, to, ids, problems } = told;
    const same = epoch === known.epoch;
    if (same && known.seq !== null && to <= known.seq) return;
    this.#known!.set(known.id, { ...known, epoch, seq: to, unheard: null });
    const keys = (problems ?? []).map((key) => idOverHosts(known.name, key));
    if (problems === null || keys.length > 0) this.#tellProblems(keys);
    if (!same || from === null || from !== known.seq || ids === null) {
      return this.#tell([{ name: known.name, rows: true }]);
    }
    if (ids.length === 0) return;
    if (ids.length > MAX_WRITTEN_ROWS) return this.#tell([{ name: known.name, rows: true }]);
    const rows = ids.map((id) => ({
      ...{ id: idOverHosts(known.name, id), from: null, to: "", seq: null },
    }));
    this.#o.feed.publish({ rows, all: false });
  }

  /** Without a key any may have changed. */
  #tellProblems(problems: readonly string[]): void {
    this.#o.feed.publish({ rows: [], all: false, problems });
  }

  #tell(hosts: readonly WrittenHost[]): void {
    this.#o.feed.publish({ rows: [], all: false, hosts });
  }
}

async function listen(sql: Sql, hear: (text: string) => void): Promise<Alone> {
  const alone = openAlone(sql, hear);
  try {
    await alone.sql`LISTEN ${alone.sql(CHANNEL)}`;
    return alone;
  } catch (error) {
    await alone[Symbol.asyncDispose]();
    throw error;
  }
}

/** Whether something of it was heard since the look that saw it behind. */
function isHeard({ epoch, seq, unheard }: Known): boolean {
  return unheard !== `${epoch} ${seq}`;
}
