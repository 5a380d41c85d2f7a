/**
 * What there is to do for those who were told that something began which is over now: tell them,
 * say both as one, wait, or nothing. Pure.
 *
 * @module
 */

import type { Problem } from "../model/problem.ts";
import type { Carried, NoticeWrite, Notified, ToldKey } from "../store/notice_rows.ts";
import type { KeptTold } from "./kept_notice.ts";
import { recoveryFor } from "./schedule.ts";
import { carry, crashingRow } from "./stories.ts";
import { idOf, idOfSubject, type Subject } from "./telling.ts";

/** Those that were dealt with and are not open any more. */
export function endedOf(known: Iterable<Notified>, { open, problems, now }: {
  /** What is not over, by {@linkcode idOf}. */
  readonly open: ReadonlyMap<string, unknown>;
  /** Those that are known, of those that are over the last ones. */
  readonly problems: readonly Problem[];
  /** When those are over of which nothing is known. */
  readonly now: number;
}): NonNullable<NoticeWrite["ended"]> {
  const over = [...known].filter((each) => each.closedAt === null && !open.has(idOf(each)));
  if (over.length === 0) return [];
  const byId = new Map(
    problems.flatMap((each) =>
      each.openedAt === null ? [] : [[idOf({ key: each.key, openedAt: each.openedAt }), each]]
    ),
  );
  return over.map(({ key, openedAt }) => {
    const closed = byId.get(idOf({ key, openedAt }));
    const superseded = closed?.outcome === "superseded" || closed?.muted === true;
    return { key, openedAt, closedAt: closed?.closedAt ?? now, superseded };
  });
}

/** Who is to be told of an end, and how. */
export interface Endings {
  /** They were told that it began, and are told that it is over. */
  readonly arrived: KeptTold[];
  /** By the delivery that still waits: they are told both as one. */
  readonly waiting: Map<number, KeptTold[]>;
  /** Their story goes on by another name. */
  readonly carried: Carried[];
  /** They are told nothing. */
  readonly settled: ToldKey[];
}

/** Sorts those who were not told of an end yet; whoever is in none of the parts is to wait. */
export function endingsOf(unsettled: readonly KeptTold[], options: {
  /** What is not over. */
  readonly open: Iterable<Subject>;
  /** Whether this was dealt with, by {@linkcode idOfSubject}. */
  readonly isKnown: (id: string) => boolean;
  /** Channels that are told anything. */
  readonly heard: ReadonlySet<string>;
  /** Whether a delivery is on its way at this moment. */
  readonly isSending: (seq: number) => boolean;
}): Endings {
  const open = [...options.open];
  const troubled = new Set(open.map(({ rowId }) => rowId));
  const crashing = new Map(open.map((each) => [crashingRow(each), each]));
  const endings: Endings = { arrived: [], waiting: new Map(), carried: [], settled: [] };
  const { arrived, waiting, carried, settled } = endings;
  for (const told of unsettled) {
    // A receiver that wants nothing any more is told no end either.
    if (!options.heard.has(told.channelId)) {
      settled.push(told);
      continue;
    }
    const { kept } = told;
    const crash = crashingRow(kept);
    const goesOn = crash === null ? undefined : crashing.get(crash);
    if (goesOn !== undefined) {
      // What nobody was told of yet takes it over when it is told.
      if (!options.isKnown(idOfSubject(goesOn))) continue;
      carried.push(carry(told, goesOn));
      settled.push(told);
      continue;
    }
    // Its successor is not over.
    if (told.superseded && kept.rowId !== null && troubled.has(kept.rowId)) continue;
    const sending = options.isSending(told.delivery);
    switch (recoveryFor(sending ? "sending" : told.deliveryState)) {
      case "nothing":
        settled.push(told);
        break;
      case "combined": {
        const its = waiting.get(told.delivery);
        if (its === undefined) waiting.set(told.delivery, [told]);
        else its.push(told);
        break;
      }
      case "recovered":
        arrived.push(told);
        break;
      case "later":
        break;
    }
  }
  return endings;
}
