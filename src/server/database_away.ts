/**
 * Whether what was thrown says that a database over a network is not there, as its driver and
 * PostgreSQL itself tell it: a kind of failure that passes. Asks none.
 *
 * @module
 */

/**
 * That a connection ended or was not made, or the server ended one that stood still; that the server
 * starts, stops or has no connection left; and that it can't be written to, as one that another took
 * over from.
 */
const AWAY =
  /^(?:DATABASE_GONE|CONNECTION_(?:CLOSED|DESTROYED|ENDED)|CONNECT_TIMEOUT|08...|57P0[1-5]|53...|25006|25P03)$/;

/** By the error's `code`. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  return typeof code === "string" && AWAY.test(code);
}
