/**
 * Several containers that ask for one row, and which of them gets it. Pure.
 *
 * @module
 */

import type { IndexRow, ListedContainer } from "../model/container.ts";
import type { Claim, Contention } from "../model/pass.ts";
import { rowState } from "./observe.ts";

/** One container's claim on a row. */
export interface Bid {
  /** Who asks. */
  readonly container: ListedContainer;
  /** What for. */
  readonly claim: Claim;
  /** The row as it is, undefined when it is to be made. */
  readonly row: IndexRow | undefined;
}

/** Several claims on one row, by container id. */
export type Contest = Map<string, Bid>;

/** An Engine that lists a container twice says nothing new the second time. */
export function withBid(others: Bid | Contest, bid: Bid): Bid | Contest {
  if (!(others instanceof Map)) {
    if (others.container.id === bid.container.id) return others;
    // However many claim one row, each is added at the same small cost.
    others = new Map([[others.container.id, others]]);
  }
  if (!others.has(bid.container.id)) others.set(bid.container.id, bid);
  return others;
}

/** Container id → id of the row that it asks for. */
export function claimsOf(bids: ReadonlyMap<string, Bid | Contest>): Map<string, string> {
  const claims = new Map<string, string>();
  for (const [rowId, bid] of bids) {
    const all = bid instanceof Map ? bid.values() : [bid];
    for (const { container } of all) claims.set(container.id, rowId);
  }
  return claims;
}

/** Best first: what a state is worth while several containers claim one row. */
const RANK: Readonly<Record<string, number>> = {
  running: 0,
  paused: 1,
  restarting: 1,
  created: 2,
  stopped: 3,
  removing: 4,
};

/** The one that gets the row; who else asked for it is told to `contended`. */
export function pickWinner(bids: Bid | Contest, contended: Contention[]): Bid {
  if (!(bids instanceof Map)) return bids;
  const rank = (bid: Bid) => RANK[rowState(bid.container.state)] ?? 5;
  const renamed = ({ claim }: Bid) => claim.renamed === true ? 1 : 0;
  const bound = ({ container, row }: Bid) => container.id === row?.containerId ? 0 : 1;
  const [winner, ...losers] = [...bids.values()].sort((a, b) =>
    renamed(a) - renamed(b) || rank(a) - rank(b) || bound(a) - bound(b) ||
    b.container.createdAt - a.container.createdAt ||
    (a.container.id > b.container.id ? -1 : 1)
  );
  contended.push({
    rowId: winner!.claim.rowId,
    winner: winner!.container.id,
    losers: losers.map((bid) => bid.container.id),
  });
  return winner!;
}
