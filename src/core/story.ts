/**
 * A row's story as stretches of time in which nothing changed, and the index at a moment. Pure; must
 * not take what is forgotten for something that was not.
 *
 * @module
 */

import { endsRow } from "../model/container.ts";
import type { PastRow } from "../model/past.ts";
import type { Story, StoryEvent } from "../model/story.ts";

/** A stretch in which a row did not change. Milliseconds since the Unix epoch. */
export interface Stretch {
  /** From here; -Infinity where nobody knows since when. */
  readonly from: number;
  /** Up to but not including here; Infinity: it is so now. */
  readonly to: number;
  /** How it was; `forgotten`: it may have been there, nobody knows how. */
  readonly state: "forgotten" | Omit<StoryEvent, "at" | "from">;
}

/**
 * The stretches of a row's story, in order; while the row was not there is none. What happened up to
 * `forgottenUntil` may be missing from the story; null: nothing is. A row that is told to be new was
 * not there before, as far as anybody knows.
 */
export function stretches(
  { subject, events, lost, holes }: Story,
  { forgottenUntil }: { readonly forgottenUntil: number | null },
): Stretch[] {
  const found: Stretch[] = [];
  const add = (from: number, to: number, state: Stretch["state"]) => {
    if (from < to) found.push({ from, to, state });
  };
  const first = events[0];
  const beforeFirst = first === undefined ? subject.now : stateBefore(first);
  const begins = first === undefined ? Infinity : Date.parse(first.at);
  if (beforeFirst !== null) {
    const made = subject.createdAt === null ? -Infinity : Date.parse(subject.createdAt);
    // One that is there again was made after what is told of it.
    const createdAt = made <= begins ? made : -Infinity;
    const known = Math.min(Math.max(forgottenUntil ?? createdAt, createdAt), begins);
    if (known === -Infinity) add(-Infinity, begins, "forgotten");
    else {
      add(createdAt, known, "forgotten");
      add(known, begins, beforeFirst);
    }
  }
  let at = begins;
  events.forEach((event, i) => {
    const { to, containerId, containerName, imageRef, exitCode } = event;
    const next = events[i + 1];
    // A clock that was set back does not turn the story round.
    const until = next === undefined ? lost?.from ?? Infinity : Math.max(at, Date.parse(next.at));
    if (next !== undefined && holes?.has(event)) {
      const again = Math.min(Math.max(at, forgottenUntil ?? at), until);
      const then = stateBefore(next);
      add(at, again, "forgotten");
      if (then !== null) add(again, until, then);
    } else if (!endsRow(to)) {
      add(at, until, { to, containerId, containerName, imageRef, exitCode });
    }
    at = until;
  });
  if (lost !== undefined) {
    add(lost.from, lost.until, "forgotten");
    if (subject.now !== null) add(lost.until, Infinity, subject.now);
  }
  return found;
}

/** The row at a moment, null when it was not there. */
export function rowAt(
  story: Story,
  { at, forgottenUntil }: { readonly at: number; readonly forgottenUntil: number | null },
): PastRow | null {
  const stretch = stretches(story, { forgottenUntil }).find(({ from, to }) =>
    from <= at && at < to
  );
  if (stretch === undefined) return null;
  const { now, createdAt: _, ...subject } = story.subject;
  if (stretch.state === "forgotten") {
    const nothing = { since: null, exitCode: null, containerId: null, containerName: null };
    return { ...subject, state: null, ...nothing, imageRef: null };
  }
  const { to: state, containerId, exitCode } = stretch.state;
  // What today's row tells of its container holds of the same container then.
  const same = now !== null && now.containerId !== null && now.containerId === containerId;
  const { from } = stretch;
  return {
    ...subject,
    state,
    since: from === -Infinity ? null : new Date(from).toISOString(),
    exitCode,
    containerId,
    containerName: stretch.state.containerName ?? (same ? now.containerName : null),
    imageRef: stretch.state.imageRef ?? (same ? now.imageRef : null),
  };
}

/** What is known of the state before the first event that is kept; null: the row was not there. */
function stateBefore({ from }: StoryEvent): Omit<StoryEvent, "at" | "from"> | null {
  if (from === null || endsRow(from)) return null;
  return { to: from, containerId: null, containerName: null, imageRef: null, exitCode: null };
}
