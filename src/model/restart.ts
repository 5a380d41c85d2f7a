/**
 * Restarts of the host or its Engine, and how they came out. Times are milliseconds since the Unix
 * epoch. Does no I/O and decides nothing.
 *
 * @module
 */

/** The host booted or its Engine was restarted. */
export interface Restart {
  /** The last moment at which the Engine was known to run before; at most {@linkcode Restart.at}. */
  readonly from: number;
  /** The first good pass after it. */
  readonly at: number;
}

/** How a restart came out. */
export interface RestartAccount {
  /** The moment that it is of. */
  readonly at: number;
  /** Rows that should have come back. */
  readonly expected: number;
  /** Those that did not. */
  readonly wrong: number;
}
