/**
 * What belongs together though the judge has several problems of it: a container that crashes, again
 * and again or for want of memory, is one story, told once and once that it is over. Pure.
 *
 * @module
 */

import type { Carried, Told } from "../store/notice_rows.ts";
import type { Closing } from "./combine.ts";
import type { KeptTold } from "./kept_notice.ts";
import { idOf, type Subject } from "./telling.ts";

/** The kinds by which a container ends by itself: one becomes another while the story goes on. */
const CRASHES: ReadonlySet<string> = new Set(["crashed", "crash-loop", "oom"]);

/** The row whose story of crashes this is a part of, or null. */
export function crashingRow({ told, rowId }: Pick<Subject, "told" | "rowId">): string | null {
  return CRASHES.has(told.kind) ? rowId : null;
}

/** Stories that go on. */
export interface Continued {
  /** What began, since when its story did. */
  readonly subjects: Subject[];
  /** Who was told of it by an earlier part, instead of being told anew. */
  readonly carried: Carried[];
  /** By which parts: of their ends nobody is told. */
  readonly settled: Told[];
}

/** Finds who was told the beginning of what seems to begin; `told` is asked where crashes begin. */
export function continuing(
  subjects: readonly Subject[],
  told: () => readonly KeptTold[],
): Continued {
  const carried: Carried[] = [];
  const settled: Told[] = [];
  // Once for all of them.
  let parts: ReadonlyMap<string | null, readonly KeptTold[]> | null = null;
  const continued = subjects.map((subject): Subject => {
    const row = crashingRow(subject);
    if (row === null) return subject;
    let { since } = subject.told;
    parts ??= Map.groupBy(told(), ({ kept }) => crashingRow(kept));
    for (const one of parts.get(row) ?? []) {
      const before = one.kept;
      // Whoever was told nothing is told anew.
      if (one.deliveryState !== "delivered" && one.deliveryState !== "queued") continue;
      if (before.told.severity === "low" && subject.told.severity === "high") continue;
      since = Math.min(since, before.told.since);
      carried.push(carry(one, subject));
      settled.push(one);
    }
    return { ...subject, told: { ...subject.told, since } };
  });
  return { subjects: continued, carried, settled };
}

/** Who was told of a part is to be told of the story's end when another is over. */
export function carry(
  { channelId, delivery, reminder, remindAfterMs }: Told,
  { told: { key }, openedAt }: Pick<Subject, "told" | "openedAt">,
): Carried {
  return { key, openedAt, channelId, delivery, reminder, remindAfterMs };
}

/** Names one who is to be told of one problem. */
export function carriedId(one: Pick<Carried, "key" | "openedAt" | "channelId">): string {
  return `${one.channelId} ${idOf(one)}`;
}

/** The ends of what waits to be told, by whichever part it was to be told. */
export function closingsOf(ended: readonly KeptTold[]): Closing[] {
  return ended.flatMap((one) => {
    const closedAt = one.closedAt!;
    const before = one.kept;
    return crashingRow(before) === null
      ? [{ key: one.key, closedAt }]
      : [...CRASHES].map((kind) => ({
        // Of many hosts it has more before it.
        key: one.key.replace(`${before.told.kind}:`, `${kind}:`),
        closedAt,
      }));
  });
}
