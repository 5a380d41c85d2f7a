/**
 * What was: rows as they were at some moment, what happened to them, and how long they ran. Does no
 * I/O and reckons with nothing.
 *
 * @module
 */

import type { AuditEntry } from "./access.ts";
import type { ContainerState } from "./container.ts";
import type { Cause, Origin } from "./pass.ts";
import type { ProblemKind, Severity } from "./problem.ts";
import type { WorkloadKind } from "./workload.ts";

/** How much of the past is kept. */
export interface Retention {
  /** Seconds. */
  readonly maxAgeSeconds: number;
  /** Number of transitions of all rows together, and of what else happened to them. */
  readonly maxCount: number;
}

/** Thirty days, and never more than a hundred thousand. */
export const RETENTION: Retention = { maxAgeSeconds: 30 * 86_400, maxCount: 100_000 };

/** Who a row is or was. What nobody remembers is null. */
export interface PastSubject {
  /** Row id. */
  readonly id: string;
  /** Name of its host; absent where the index is of one host alone. */
  readonly host?: string;
  /** Its workload, which may be gone. */
  readonly workloadId: string | null;
  /** That workload's kind. */
  readonly workloadKind: WorkloadKind | null;
  /** That workload's name: today's, or its last one. */
  readonly workloadName: string | null;
  /** Role within the workload; null for a site. */
  readonly role: string | null;
  /** 1 for the first or only replica. */
  readonly replica: number | null;
  /** Name of its stage. */
  readonly stageName: string | null;
  /** Whether it is not in the index any more. */
  readonly removed: boolean;
}

/** A row as it was at some moment. What is not known any more is null. */
export interface PastRow extends PastSubject {
  /** Its state; null: what happened then is forgotten. */
  readonly state: ContainerState | null;
  /** Since when it was in that state, RFC 3339 UTC. */
  readonly since: string | null;
  /** Exit code of a stopped container. */
  readonly exitCode: number | null;
  /** The container that it was bound to. */
  readonly containerId: string | null;
  /** That container's name. */
  readonly containerName: string | null;
  /** What that container was made of. */
  readonly imageRef: string | null;
}

/** How far what is said of a moment can be trusted. */
export interface PastMoment {
  /** The moment, RFC 3339 UTC. */
  readonly at: string;
  /** Whether the index was known to be what ran. */
  readonly watched: boolean;
  /** Where it was not: the last moment before at which it was; null: at none that is remembered. */
  readonly asOf: string | null;
  /** What happened up to here may be forgotten; null: nothing is. */
  readonly forgottenUntil: string | null;
}

/** How far it is known what was on one of many hosts. Times are RFC 3339 UTC, by its own clock. */
export interface HostPast {
  /** Its name. */
  readonly host: string;
  /** When it was heard of last, by the database's clock; null: never. */
  readonly heardAt: string | null;
  /** What happened there up to here may be forgotten; null: nothing is. */
  readonly forgottenUntil: string | null;
}

/** How far it is known what was on one of many hosts at a moment. */
export interface HostMoment extends HostPast, Pick<PastMoment, "watched" | "asOf"> {}

/** The index as it was at some moment. */
export interface PastIndex extends PastMoment {
  /** Of many hosts each that these rows are of, or would be; all of them have to be watched. */
  readonly hosts?: readonly HostMoment[];
  /** Rows that were there, by id. */
  readonly items: readonly PastRow[];
  /** Where to go on; null: there are no more. Of one host all rows are told at once. */
  readonly nextCursor: string | null;
}

/** How well something runs: of a row `running`, `down` or `unknown`; of a workload any of them. */
export type Running =
  /** All that is there. */
  | "running"
  /** Some of it. */
  | "partly"
  /** None of it. */
  | "down"
  /** Nobody watched, or it is forgotten. */
  | "unknown";

/** Every {@link Running}, the worst last. */
export const RUNNINGS: readonly Running[] = ["running", "unknown", "partly", "down"];

/** A stretch of time. */
export interface RunningSpan {
  /** RFC 3339 UTC. */
  readonly from: string;
  /** Up to but not including here, RFC 3339 UTC. */
  readonly to: string;
  /** How well it ran. */
  readonly state: Running;
}

/** How long something ran within a window. Milliseconds; while it was not there nothing counts. */
export interface RunningTime {
  /** All of it. */
  readonly runningMs: number;
  /** Some of it, but not all; 0 for a row. */
  readonly partlyMs: number;
  /** None of it. */
  readonly downMs: number;
  /** Counted apart: neither. */
  readonly unknownMs: number;
  /** Of the known time, how much of it something ran: 0 to 1; null where no time is known. */
  readonly share: number | null;
  /** When which was, oldest first; stretches in which it was not there are left out. */
  readonly spans: readonly RunningSpan[];
}

/** A row's availability. */
export interface RowAvailability extends PastSubject, RunningTime {}

/** A workload's availability, and its rows'. */
export interface WorkloadAvailability extends RunningTime {
  /** Name of its host; absent where the index is of one host alone. */
  readonly host?: string;
  /** Its id; null: of rows whose workload nobody remembers. */
  readonly id: string | null;
  /** Its name: today's, or its last one. */
  readonly name: string | null;
  /** Its kind. */
  readonly kind: WorkloadKind | null;
  /** Whether it is not registered any more. */
  readonly removed: boolean;
  /** Its rows, by id. */
  readonly rows: readonly RowAvailability[];
}

/** How long things ran. */
export interface Availability {
  /** Begin of the window, RFC 3339 UTC. */
  readonly from: string;
  /** Its end. */
  readonly until: string;
  /** What happened up to here may be forgotten; null: nothing is. */
  readonly forgottenUntil: string | null;
  /** Spans are told no finer than this, milliseconds; 0: as they were. The worst of each wins. */
  readonly resolutionMs: number;
  /** By kind and name; of many hosts those of one after those of another. */
  readonly workloads: readonly WorkloadAvailability[];
  /** Of many hosts each that these are of. */
  readonly hosts?: readonly HostPast[];
  /** Where to go on; null: there are no more. Of one host all is told at once. */
  readonly nextCursor: string | null;
}

/** What can happen. */
export type HistoryKind =
  /** A row's state or container changed. */
  | "transition"
  /** A container ended. */
  | "death"
  /** Somebody changed something through the API; told to admins alone. */
  | "audit"
  /** A backup took the place of the index. */
  | "restored"
  /** Something became a problem. */
  | "problem-opened"
  /** It was over. */
  | "problem-closed"
  /** From here on the index was known to be what runs. */
  | "watch-began"
  /** It was no longer: the daemon ended, or the Engine did not answer. */
  | "watch-ended";

/** Every {@link HistoryKind}. */
export const HISTORY_KINDS: readonly HistoryKind[] = [
  "transition",
  "death",
  "audit",
  "restored",
  "problem-opened",
  "problem-closed",
  "watch-began",
  "watch-ended",
];

/** One thing that happened. What its kind does not tell is null. */
export interface HistoryEntry {
  /** Unique, and the same whenever it is asked for. */
  readonly key: string;
  /** RFC 3339 UTC. */
  readonly at: string;
  /** What it is. */
  readonly what: HistoryKind;
  /** Name of its host; absent where the index is of one host alone. */
  readonly host?: string;
  /** Whose it is; null: of the host. */
  readonly workload: {
    readonly id: string;
    readonly name: string | null;
    readonly kind: WorkloadKind | null;
  } | null;
  /** Row id. */
  readonly row: string | null;
  /** Role within the workload. */
  readonly role: string | null;
  /** 1 for the first or only replica. */
  readonly replica: number | null;
  /** State before; null for a new row. */
  readonly from: ContainerState | null;
  /** State after. */
  readonly to: ContainerState | null;
  /** The container. */
  readonly containerId: string | null;
  /** What it was called. */
  readonly containerName: string | null;
  /** What it was made of. */
  readonly imageRef: string | null;
  /** What it ended with. */
  readonly exitCode: number | null;
  /** What was wrong. */
  readonly problem: { readonly kind: ProblemKind; readonly severity: Severity } | null;
  /** What set the state. */
  readonly cause: Cause | null;
  /** Which event, listing or deployer. */
  readonly origin: Origin | null;
  /** Who changed what; null where that is not told to who asks. */
  readonly audit: Omit<AuditEntry, "seq" | "at"> | null;
  /**
   * What it goes back to, in words; of an end how, of what is over why, of a restore when its backup
   * was made (RFC 3339 UTC). May be empty.
   */
  readonly detail: string;
}

/** Some of what happened, oldest first. */
export interface HistoryPage {
  /** The newest that were asked for. */
  readonly items: readonly HistoryEntry[];
  /** `before` of the page with what happened before these; null: nothing did in this window. */
  readonly before: string | null;
  /** What happened up to here may be forgotten; null: nothing is. */
  readonly forgottenUntil: string | null;
}
