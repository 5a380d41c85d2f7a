/**
 * Which backups stay: one for each of the last days and weeks that have one, and always the last
 * that is known to be good. Pure.
 *
 * @module
 */

/** A backup that was made by itself. */
export interface Kept {
  /** Name of its file. */
  readonly name: string;
  /** When it was made, milliseconds since the Unix epoch. */
  readonly at: number;
  /** Whether it is still what was written and checked then. */
  readonly verified: boolean;
}

/** How many of each. */
export interface BackupRetention {
  /** Days that keep their last one. */
  readonly days: number;
  /** Weeks that keep their last one. */
  readonly weeks: number;
}

/** What is kept unless told otherwise. */
const BACKUP_RETENTION: BackupRetention = { days: 7, weeks: 4 };

const DAY_MS = 86_400_000;
/** 1970-01-01 was a Thursday; weeks begin on Monday. */
const FIRST_MONDAY_MS = 4 * DAY_MS;

/**
 * Names of the backups to remove, of those given in the order in which they were made.
 *
 * Counted are days and weeks (UTC) that have a verified backup, not days that went by: a daemon that
 * was off for a year removes nothing for that. Those that are damaged take nobody's place; they
 * stay as long as the days that are kept reach back, for someone to look at.
 */
export function toRemove(
  backups: readonly Kept[],
  { days, weeks }: BackupRetention = BACKUP_RETENTION,
): string[] {
  const good = backups.filter(({ verified }) => verified);
  const last = good.at(-1);
  // Without a good one nothing that is left may be the worst to lose.
  if (last === undefined) return [];
  const newestFirst = good.toSorted((a, b) => b.at - a.at);
  const daily = lastOfEach(newestFirst, days, ({ at }) => Math.floor(at / DAY_MS));
  const weekly = lastOfEach(
    newestFirst,
    weeks,
    ({ at }) => Math.floor((at - FIRST_MONDAY_MS) / (7 * DAY_MS)),
  );
  const keep = new Set([last, ...daily, ...weekly]);
  const since = Math.min(...[last, ...daily].map(({ at }) => at));
  return backups
    .filter((backup) => !keep.has(backup) && (backup.verified || backup.at < since))
    .map(({ name }) => name);
}

function lastOfEach(
  newestFirst: readonly Kept[],
  count: number,
  period: (backup: Kept) => number,
): Kept[] {
  const found = new Map<number, Kept>();
  for (const backup of newestFirst) {
    const at = period(backup);
    if (!found.has(at) && found.size < count) found.set(at, backup);
  }
  return [...found.values()];
}
