/**
 * How long to wait before trying again. Pure but for the dice it is given.
 *
 * @module
 */

/** Bounds of a backoff, milliseconds. */
export interface BackoffOptions {
  /** The first wait. */
  baseMs: number;
  /** The longest wait. */
  maxMs: number;
  /** Returns a number from 0 to 1; for tests. */
  random?: () => number;
}

/**
 * The wait before attempt `attempt` (1 is the first retry): doubles from `baseMs` to `maxMs`, then
 * takes off up to half, so that many daemons don't come back to one Engine in step.
 */
export function backoff(attempt: number, options: BackoffOptions): number {
  const { baseMs, maxMs, random = Math.random } = options;
  const full = Math.min(maxMs, baseMs * 2 ** Math.min(attempt - 1, 30));
  return full * (1 - random() / 2);
}
