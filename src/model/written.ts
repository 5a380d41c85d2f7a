/**
 * What a commit changed, as those are told who keep others informed. Does no I/O.
 *
 * @module
 */

import type { ContainerState } from "./container.ts";
import { partsOfId } from "./hosts.ts";

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

/** A host of many that is told of as a whole. */
export interface WrittenHost {
  /** Its name. */
  readonly name: string;
  /** Whether any of its rows may be another; else only whether it is heard of. */
  readonly rows: boolean;
}

/** What a commit changed. */
export interface Written {
  /** Rows that it wrote or removed; none of them when they were more than {@link MAX_WRITTEN_ROWS}. */
  readonly rows: readonly WrittenRow[];
  /** Any row may be shown otherwise: so many were written, or names of workloads or stages changed. */
  readonly all: boolean;
  /** Of an index of many hosts: those that are told of as a whole; absent when none is. */
  readonly hosts?: readonly WrittenHost[];
  /** Keys of problems that opened, changed or closed; absent when none did. */
  readonly problems?: readonly string[];
}

/** What of it is of this host of many, or all of it; null: nothing. */
export function writtenOf(written: Written, host: string | undefined): Written | null {
  const { rows, all, hosts, problems } = written;
  if (host === undefined || all) return written;
  const its = rows.filter(({ id }) => partsOfId(id)?.host === host);
  const told = hosts?.filter(({ name }) => name === host) ?? [];
  if (its.length === 0 && told.length === 0 && problems === undefined) return null;
  return {
    ...{ rows: its, all },
    ...(told.length > 0 && { hosts: told }),
    ...(problems !== undefined && { problems }),
  };
}
