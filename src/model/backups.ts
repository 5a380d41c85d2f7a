/**
 * The backups that the daemon makes by itself, as far as it knows of them. Does no I/O and decides
 * nothing.
 *
 * @module
 */

/** How they are. Times are milliseconds since the Unix epoch. */
export interface BackupFacts {
  /** When the last one was made and verified, of whatever run; null where none is there. */
  readonly lastAt: number | null;
  /** Since when they fail, as far as this run knows; null where the last one did not. */
  readonly failedSince: number | null;
  /** What the last one failed with, empty where it did not. */
  readonly error: string;
}
