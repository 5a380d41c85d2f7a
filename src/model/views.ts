/**
 * What readers are shown: rows with their names, transitions, the daemon's own state. Does no I/O.
 *
 * @module
 */

import type { VIEW_COLUMNS, ViewOf } from "./columns.ts";
import type { ContainerState } from "./container.ts";
import type { ChangedNumber } from "./problem_settings.ts";
import type { Cause, EngineChange, Origin, PassReport } from "./pass.ts";
import type { WorkloadKind } from "./workload.ts";

/** One entry of a row's story. */
export interface Transition {
  /** Increasing number. */
  readonly seq: number;
  /** Row id. */
  readonly rowId: string;
  /** RFC 3339 UTC. */
  readonly at: string;
  /** State before, null for a new row. */
  readonly from: ContainerState | null;
  /** State after; `removed` when the row went. */
  readonly to: ContainerState;
  /** What caused it. */
  readonly cause: Cause;
  /** Container that the row is bound to, or null. */
  readonly containerId: string | null;
  /** What it was called then; null where a listing has not told. */
  readonly containerName: string | null;
  /** What it was made of; null where nobody told. */
  readonly imageRef: string | null;
  /** Exit code of a stopped container, else null. */
  readonly exitCode: number | null;
  /** Which event, listing or deployer. */
  readonly origin: Origin;
}

/** A {@link Transition} as people and programs are shown it. */
export interface ShownTransition extends Transition {
  /** Its origin in words. */
  readonly detail: string;
}

/** One row of `containers` as readers see it: every column, names joined in. */
export type ContainerView = ViewOf<typeof VIEW_COLUMNS>;

/** Why an index is not what runs now. */
export type StaleReason =
  /** No daemon keeps it. */
  | "no-daemon"
  /** The daemon has not done a good pass yet. */
  | "no-pass"
  /** The Engine does not answer. */
  | "engine-down"
  /** Another Engine answers, and waits to be accepted. */
  | "engine-changed"
  /** The Engine may not be asked who it is, so nothing is marked missing. */
  | "engine-unknown"
  /** Events do not flow: only the passes on the tick see what happens. */
  | "events-down"
  /** What passes find can't be written: a full disk, a locked database. */
  | "writes-fail"
  /** The last good pass is more than two intervals ago. */
  | "late"
  /** Of some of the hosts it is not known what runs there. */
  | "hosts-unsure";

/** Every {@link StaleReason}. */
export const STALE_REASONS: readonly StaleReason[] = [
  "no-daemon",
  "no-pass",
  "engine-down",
  "engine-changed",
  "engine-unknown",
  "events-down",
  "writes-fail",
  "late",
  "hosts-unsure",
];

/** How far an index can be trusted; it stands with whatever is shown of it. */
export interface Freshness {
  /** Whether it is what runs now. */
  readonly fresh: boolean;
  /** The last good full pass, RFC 3339 UTC; null before it. */
  readonly asOf: string | null;
  /** Why it is not fresh; null when it is. */
  readonly reason: StaleReason | null;
}

/** Every kind of thing that keeps a hub from being told. */
export const HUB_TROUBLES = [
  "connection",
  "certificate",
  "not-known",
  "contested",
  "waits",
  "answer",
] as const;

/**
 * What keeps a hub from being told: it can't be reached, its certificate is not trusted, it does not
 * know this host, two processes speak for this host, it waits whether the one before has ended, or it
 * answers something else.
 */
export type HubTrouble = (typeof HUB_TROUBLES)[number];

/** How a hub is told what runs here. */
export interface HubLinkStatus {
  /** Where it is: `https://host:port`. */
  readonly url: string;
  /** What this host is called there. */
  readonly name: string;
  /** When this host joined it, RFC 3339 UTC; null: an older program joined. */
  readonly joinedAt: string | null;
  /** Whether it answered well last time. */
  readonly up: boolean;
  /** What keeps it from being told; null when nothing does, or before the first message. */
  readonly trouble: HubTrouble | null;
  /** The same for people. */
  readonly error: string | null;
  /** When it acknowledged something last, RFC 3339 UTC; null: not since the daemon started. */
  readonly acknowledgedAt: string | null;
  /** Commits that it does not have; null: all rows are to be told, or it did not say. */
  readonly behind: number | null;
}

/** What the daemon says of itself. */
export interface DaemonStatus {
  /** Process id. */
  readonly pid: number;
  /** The program's version. */
  readonly version: string;
  /** RFC 3339 UTC. */
  readonly startedAt: string;
  /** The data directory that it owns. */
  readonly dataDir: string;
  /** Whether a good pass was done and is recent. */
  readonly ready: boolean;
  /** How far the index can be trusted. */
  readonly index: Freshness;
  /** The Engine as last seen. */
  readonly engine: {
    /** Where it is reached, `unix:///…` or `tcp://…`. */
    readonly host: string;
    /** Whether it answered last time, and has since its event stream ended, if that did. */
    readonly up: boolean;
    /** The accepted Engine's id, null before the first pass. */
    readonly id: string | null;
    readonly changed: EngineChange | null;
    /** What the last request to it failed with, null when it answered. */
    readonly error: string | null;
  };
  /** The Engine's event stream. */
  readonly events: {
    readonly up: boolean;
    readonly reconnects: number;
  };
  /** HTTP over TCP; the socket is where this was asked, or there is nobody to ask. */
  readonly tcp: {
    /** `host:port` that is listened on; null without, or while it can't be. */
    readonly address: string | null;
    /** Why nothing listens though it should, null when all is well. */
    readonly error: string | null;
  };
  /** The link to the hub that this host joined; null: it joined none. */
  readonly hub: HubLinkStatus | null;
  /** Seconds between full passes. */
  readonly intervalSeconds: number;
  /** What problems are judged by otherwise than by default. */
  readonly problemSettings: readonly ChangedNumber[];
  /** The last good full pass, null before it. */
  readonly lastPass: PassReport | null;
  /** What the last full pass failed with, null when it was good. */
  readonly lastError: string | null;
  /** Number of rows by kind and state. */
  readonly counts: readonly StateCount[];
}

/** Rows of one kind in one state. */
export interface StateCount {
  /** Kind of their workloads. */
  readonly kind: WorkloadKind;
  /** The state. */
  readonly state: ContainerState;
  /** How many. */
  readonly count: number;
}

/** The same, with what is looked up when somebody asks. */
export interface ShownStatus extends DaemonStatus {
  /** The daily backups; null where none are asked for. */
  readonly backups: {
    /** Where they are kept. */
    readonly folder: string;
    /** When the last one was made and checked, RFC 3339 UTC; null before it. */
    readonly lastAt: string | null;
  } | null;
}
