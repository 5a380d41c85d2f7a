/**
 * How many connections each entrance may have, of the file descriptors that there are. Pure.
 *
 * @module
 */

/** What each entrance may have. */
export interface ConnectionShares {
  /** Connections at once over TCP. */
  readonly tcp: number;
  /** Connections at once over the unix socket, whatever happens on TCP. */
  readonly socket: number;
  /** Live feeds at once over each of them, so that there is room for requests beside them. */
  readonly feeds: number;
}

/** For the database, the Engine, the lock, the log, and connections that are about to be closed. */
const OWN_DESCRIPTORS = 96;
const MOST = { tcp: 512, socket: 384, feeds: 256 } as const;
const LEAST = 8;

/** Shares out what is left of this many descriptors; null: nobody knows how many there are. */
export function connectionShares(descriptors: number | null): ConnectionShares {
  const spare = Math.max((descriptors ?? 1024) - OWN_DESCRIPTORS, 0);
  const tcp = Math.max(LEAST, Math.min(MOST.tcp, Math.floor(spare * 0.45)));
  const socket = Math.max(LEAST, Math.min(MOST.socket, Math.floor(spare * 0.3)));
  return { tcp, socket, feeds: Math.min(MOST.feeds, Math.floor(Math.min(tcp, socket) * 0.75)) };
}
