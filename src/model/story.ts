/**
 * A row of the past, and what is kept of its story. Does no I/O and reckons with nothing.
 *
 * @module
 */

import type { ContainerState } from "./container.ts";
import type { PastSubject } from "./past.ts";

/** A row that is or was, and how it is now. */
export interface KeptSubject extends PastSubject {
  /** When it was made, RFC 3339 UTC; null: nobody remembers. */
  readonly createdAt: string | null;
  /** As it is; null for one that was removed. */
  readonly now: Omit<StoryEvent, "at"> | null;
}

/** One entry of a row's story. */
export interface StoryEvent {
  /** RFC 3339 UTC. */
  readonly at: string;
  /** State before, null for a new row. */
  readonly from: ContainerState | null;
  /** State after. */
  readonly to: ContainerState;
  /** Container that it was bound to. */
  readonly containerId: string | null;
  /** Its name; null where nobody knows. */
  readonly containerName: string | null;
  /** Its image; null where nobody knows. */
  readonly imageRef: string | null;
  /** Exit code of a stopped one. */
  readonly exitCode: number | null;
}

/** A row and what is kept of its story. */
export interface Story {
  /** Who it is or was. */
  readonly subject: KeptSubject;
  /** What happened to it, oldest first. */
  readonly events: readonly StoryEvent[];
  /**
   * Where the last of it is not told: from when on nobody knows how the row was, and from when on it
   * was not there or, of one that is there, as it is now. Milliseconds since the Unix epoch.
   */
  readonly lost?: { readonly from: number; readonly until: number };
  /**
   * Events after which others were forgotten before they were told: from when on nothing is forgotten
   * the row was as the next one found it.
   */
  readonly holes?: ReadonlySet<StoryEvent>;
}
