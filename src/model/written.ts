/**
 * What a commit changed, as those are told who keep others informed. Does no I/O.
 *
 * @module
 */

import type { ContainerState } from "./container.ts";

/** A row that a commit wrote or removed. */
export interface WrittenRow {
  /** Its id. */
  readonly id: string;
  /** Its state before, null for a new row. */
  readonly from: ContainerState | null;
  /** Its state after, `removed` when it went; may be the one before. */
  readonly to: ContainerState;
  /** Number of the transition that tells of it, null when none does: another column changed. */
  readonly seq: number | null;
  /** False: nothing that a pass observes changed, only what is known besides. */
  readonly observed?: false;
}

/** Most rows that are told one by one, so that what is kept of the past for readers stays small. */
export const MAX_WRITTEN_ROWS = 1000;

/** What a commit changed. */
export interface Written {
  /** Rows that it wrote or removed; none of them when they were more than {@link MAX_WRITTEN_ROWS}. */
  readonly rows: readonly WrittenRow[];
  /** Any row may be shown otherwise: so many were written, or names of workloads or stages changed. */
  readonly all: boolean;
  /** Keys of problems that opened, changed or closed; absent when none did. */
  readonly problems?: readonly string[];
}
