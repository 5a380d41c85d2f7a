/**
 * Whether what was thrown says that a database over a network is not there, as its driver and
 * PostgreSQL itself tell it: a kind of failure that passes. Asks none.
 *
 * @module
 */

/**
 * That a connection ended or was not made, or the server ended one that stood still; that the server
 * starts, stops, lets nobody in or has no connection or room left; that it took too long, waited for
 * others that waited for it, or its disk failed; and that it can't be written to, as one that another
 * took over from.
 */
const AWAY = new RegExp(
  `^(?:${
    [
      "DATABASE_GONE",
      "CONNECTION_(?:CLOSED|DESTROYED|ENDED)",
      "CONNECT_TIMEOUT",
      ...["08...", "25006", "25P03", "28...", "40001", "40P01", "53..."],
      ...["55000", "55P03", "57014", "57P0[1-5]", "58..."],
    ].join("|")
  })$`,
);

/** By the error's `code`. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  return typeof code === "string" && AWAY.test(code);
}
