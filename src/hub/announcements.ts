/**
 * What hubs tell each other of what they took in: of which host, between which states, which rows.
 * Told with the commit; where there are too many of them, together and a little later. One that is
 * lost is noticed by its number, which is in the database.
 *
 * @module
 */

import type { Sql, TransactionSql } from "./sql.ts";
import { CHANNEL } from "./hub_writes.ts";

/** That something of a host was taken in. */
export interface Announcement {
  /** Id of the host. */
  readonly hostId: string;
  /** Life of its data directory. */
  readonly epoch: string;
  /** The state before; null: there was none. */
  readonly from: number | null;
  /** The state after. */
  readonly to: number;
  /** Ids of rows that were written or removed; null: they may be any. */
  readonly ids: readonly string[] | null;
  /** Keys of problems that opened, changed or closed; null: they may be any. */
  readonly problems: readonly string[] | null;
}

/** Of what PostgreSQL takes. */
const MAX_BYTES = 7000;

/** From so many a second on they are told together … */
const CROWD = 1000;
/** … this often, milliseconds. */
const TOGETHER_MS = 100;

/** Tells what one hub took in. */
export class Announcements {
  readonly #sql: Sql;
  readonly #now: () => number;
  #waiting = new Map<string, Announcement>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #second = 0;
  #count = 0;
  #before = 0;

  /** `now`: milliseconds, of a clock that only goes forward. */
  constructor(sql: Sql, { now = () => performance.now() }: { now?: () => number } = {}) {
    this.#sql = sql;
    this.#now = now;
  }

  /** Tells them with the commit of this transaction, but those of a crowd: these, {@link later}. */
  async within(
    tx: TransactionSql,
    told: readonly Announcement[],
  ): Promise<readonly Announcement[]> {
    const { now = [], later = [] } = Object.groupBy(
      told,
      () => this.#crowded() ? "later" : "now",
    );
    if (now.length > 0) await notify(tx, now);
    return later;
  }

  /** Tells what was committed, together with others. */
  later(told: Announcement): void {
    const { hostId, epoch, from, to, ids, problems } = told;
    const before = this.#waiting.get(hostId);
    const follows = before !== undefined && before.epoch === epoch && before.to === from;
    this.#waiting.set(
      hostId,
      !follows ? told : {
        ...{ hostId, epoch, to, from: before.from },
        ids: both(before.ids, ids),
        problems: both(before.problems, problems),
      },
    );
    this.#timer ??= setTimeout(() => void this.flush(), TOGETHER_MS);
  }

  /** Tells at once what waits. Never rejects: what is lost is noticed. */
  async flush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const told = [...this.#waiting.values()];
    this.#waiting = new Map();
    if (told.length > 0) await notify(this.#sql, told).catch(() => {});
  }

  #crowded(): boolean {
    const second = Math.floor(this.#now() / 1000);
    if (second !== this.#second) {
      this.#before = second === this.#second + 1 ? this.#count : 0;
      this.#second = second;
      this.#count = 0;
    }
    this.#count++;
    return this.#count > CROWD || this.#before > CROWD;
  }
}

async function notify(sql: Sql | TransactionSql, told: readonly Announcement[]): Promise<void> {
  const texts = told.map(textOf);
  await sql`SELECT pg_notify(${CHANNEL}, told) FROM unnest(${texts}::text[]) AS told`;
}

function both(
  some: readonly string[] | null,
  others: readonly string[] | null,
): readonly string[] | null {
  return some === null || others === null ? null : [...new Set([...some, ...others])];
}

function textOf({ hostId, epoch, from, to, ids, problems }: Announcement): string {
  const whole = JSON.stringify([hostId, epoch, from, to, ids, problems]);
  return new TextEncoder().encode(whole).length <= MAX_BYTES
    ? whole
    : JSON.stringify([hostId, epoch, from, to, null, null]);
}

/** What was told; null where it is an id alone: something else of that host is another. */
export function readAnnouncement(text: string): Announcement | null {
  try {
    const [hostId, epoch, from, to, ids, problems] = JSON.parse(text);
    return { hostId, epoch, from, to, ids, problems };
  } catch {
    return null;
  }
}
