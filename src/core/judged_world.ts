/**
 * What the judge is told: the index and what is remembered beside it, as it is now. Decides
 * nothing.
 *
 * @module
 */

import type { BackupFacts } from "../model/backups.ts";
import type { ContainerIndex, IndexRow } from "../model/container.ts";
import type { Deaths, ExpectationSource, Hold, Mode, Silence } from "../model/problem.ts";
import type { Restart } from "../model/restart.ts";

/** Everything that is judged. The functions are asked only about rows that may be wrong. */
export interface World {
  /** Name of the host. */
  readonly host: string;
  /** The rows, those in state `absent` among them. */
  readonly index: Pick<ContainerIndex, "row" | "rows">;
  /** What is expected of the row. */
  wanted(row: IndexRow): Wanted;
  /** Since when the row is as it is. */
  times(row: IndexRow): RowTimes;
  /** The ends of the row's containers, if any is known. */
  deaths(rowId: string): Deaths | undefined;
  /** The Engine and the passes. */
  readonly engine: EngineFacts;
  /** Rows that several containers claimed in the last full pass, by row id. */
  readonly contended: ReadonlyMap<string, ContendedRow>;
  /** Containers that the last full pass refused for their kind or workload, by workload id. */
  readonly refused: ReadonlyMap<string, RefusedClaims>;
  /** Backups; null where none are to be made, undefined while nothing is known of them. */
  readonly backups?: BackupFacts | null | undefined;
  /** Deploys, by workload id; also those that are long over. */
  readonly holds: ReadonlyMap<string, Hold>;
  /** Silences that are not over, the occurrences of recurring ones among them. */
  readonly silences: readonly Silence[];
}

/** What is expected of one row. */
export interface Wanted {
  /** What it should do; null when it is beyond what is expected. */
  readonly mode: Mode | null;
  /** Who says so; null without an expectation. */
  readonly source: ExpectationSource | null;
  /** Since when it is said; null without an expectation. */
  readonly since: number | null;
}

/** What is expected of every row about which nobody said anything. */
export const WANTED_BY_DEFAULT: Wanted = { mode: "running", source: null, since: null };

/** Since when a row is as it is. */
export interface RowTimes {
  /** When its state was first seen: its last transition, or when the row was made. */
  readonly stateSince: number;
  /** When its health, or that it has none, was first seen. */
  readonly healthSince: number;
}

/** The Engine as the index knows it. */
export interface EngineFacts {
  /** When this run of the daemon began. */
  readonly startedAt: number;
  /**
   * Whether this run has done a good full pass. Before that nothing is judged, and no time is
   * left out either: the daemon's absence stops no timer.
   */
  readonly known: boolean;
  /** Since when it does not answer; null while it does. */
  readonly downSince: number | null;
  /** What its last answer failed with, empty while it answers. */
  readonly error: string;
  /** The last good full pass, of whatever run; null before it. */
  readonly lastPassAt: number | null;
  /** How old the last good full pass may be before the index is stale, milliseconds. */
  readonly staleAfter: number;
  /** Another Engine answers than was accepted. */
  readonly changed: {
    readonly accepted: string;
    readonly found: string;
    readonly since: number;
  } | null;
  /** The last boot or restart of the Engine that is known; null when none is. */
  readonly restart: Restart | null;
}

/** A row that several containers claim. */
export interface ContendedRow {
  /** The full pass that saw it last or, if it is known, first. */
  readonly seenAt: number;
  /** Those that did not get it. */
  readonly losers: readonly { readonly id: string; readonly name: string }[];
}

/** Containers that claim a workload and are refused. */
export interface RefusedClaims {
  /** The full pass that saw it last or, if it is known, first. */
  readonly seenAt: number;
  /** `kind-mismatch` or `workload-mismatch`. */
  readonly reason: string;
  /** The containers. */
  readonly containers: readonly { readonly id: string; readonly name: string }[];
}
