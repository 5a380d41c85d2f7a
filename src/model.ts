/**
 * The domain: what a workload, a container row, a listing and a change are.
 * Imports nothing, does no I/O, knows neither Docker's wire format nor SQL.
 *
 * @module
 */

/** What a workload is: deployed project, Compose stack or static site. */
export type WorkloadKind = "project" | "stack" | "site";

/** The kinds in display order. */
export const WORKLOAD_KINDS: readonly WorkloadKind[] = ["project", "stack", "site"];

/** Something that should exist on this host; one for each project, stack or site. */
export interface Workload {
  /** Stable id, unique over all kinds. */
  readonly id: string;
  /** Which table {@link Workload.refId} points into. */
  readonly kind: WorkloadKind;
  /** Id of the project, stack or site. */
  readonly refId: string;
  /** The name people use; unique within its kind. */
  readonly name: string;
}

/**
 * State of a container row. The Engine's own words, with `exited` and `dead` folded into
 * `stopped`, plus two of ours: `missing` (bound to a container the Engine no longer lists) and
 * `pending` (a deployer's row that no listing has confirmed yet). Unknown Engine states pass as
 * they are, hence a string.
 */
export type ContainerState = string;

/** The state of a row whose container is gone. */
export const MISSING = "missing";

/** The state of a deployer's row that no listing has confirmed yet. */
export const PENDING = "pending";

/** Name of the only host today. */
export const LOCAL_HOST = "local";

/** A port of a container as the Engine lists it. */
export interface ListedPort {
  /** Port inside the container, 1–65535. */
  readonly privatePort: number;
  /** Port on the host, or null when it is not published. */
  readonly publicPort: number | null;
  /** `tcp`, `udp` or `sctp`. */
  readonly protocol: string;
}

/** One container of a listing: the fields that are read, decoded and validated. */
export interface ListedContainer {
  /** The Engine's full container id. */
  readonly id: string;
  /** First name without the leading slash, or empty. */
  readonly name: string;
  /** Image reference as the Engine shows it. */
  readonly image: string;
  /** The Engine's own state word, lower case: `running`, `exited`, … */
  readonly state: string;
  /** `healthy`, `unhealthy`, `starting`, or null without a health check. */
  readonly health: string | null;
  /** Exit code of a stopped container as far as the listing tells, else null. */
  readonly exitCode: number | null;
  /** Labels; values are data from anyone who has the socket. */
  readonly labels: Readonly<Record<string, string>>;
  /** Ports in the Engine's (unstable) order. */
  readonly ports: readonly ListedPort[];
  /** Creation time, seconds since the Unix epoch. */
  readonly createdAt: number;
}

/** A complete answer of the Engine to one question. */
export interface Listing {
  /** `all`: every container of the Engine. A set: exactly these ids were asked for. */
  readonly scope: "all" | ReadonlySet<string>;
  /** What the Engine answered. */
  readonly containers: readonly ListedContainer[];
}

/** The columns of `containers` that the reconciler owns. */
export interface ObservedColumns {
  /** The workload that the row belongs to. */
  readonly workloadId: string;
  /** That workload's kind. */
  readonly workloadKind: WorkloadKind;
  /** Role within the workload; empty for a site. */
  readonly role: string;
  /** 1 for the first or only replica. */
  readonly replica: number;
  /** Null until the row is bound. */
  readonly containerId: string | null;
  /** The container's name without its slash. */
  readonly containerName: string;
  /** Image reference as the Engine shows it; empty when never seen. */
  readonly imageRef: string;
  /** Name of the host that it runs on. */
  readonly host: string;
  /** State of the row. */
  readonly state: ContainerState;
  /** `healthy`, `unhealthy`, `starting`, or null. */
  readonly health: string | null;
  /** Exit code of a stopped container, else null. */
  readonly exitCode: number | null;
  /** The container's private port, 0 when it has none. */
  readonly port: number;
  /** Seconds since the Unix epoch, null when never seen. */
  readonly createdAtEngine: number | null;
}

/** A row as the reconciler sees it: its own columns and two marks of the store. */
export interface IndexRow extends ObservedColumns {
  /** Unique id of the row. */
  readonly id: string;
  /**
   * Whether the last pass confirmed this row. A confirmed row is as fresh as its host's last
   * pass; any other row carries its own `last_seen_at`.
   */
  readonly confirmed: boolean;
}

/** The container index as a pass reads it. */
export interface ContainerIndex {
  /** Number of rows. */
  readonly size: number;
  /** The row with this id. */
  row(id: string): IndexRow | undefined;
  /** Rows bound to this container id, ordered by row id. */
  boundTo(containerId: string): readonly IndexRow[];
  /** Every row. */
  rows(): Iterable<IndexRow>;
}

/** Looks workloads up; what labels say is resolved against it. */
export interface WorkloadDirectory {
  /** The workload with this id. */
  byId(workloadId: string): Workload | undefined;
  /** The workload of the site with this id. */
  bySite(siteId: string): Workload | undefined;
  /** The workload of the stack registered under this Compose project name. */
  byComposeProject(projectName: string): Workload | undefined;
}

/** Why a container got no row. `unmanaged` carries no claim at all. */
export type RefusalReason =
  | "unknown-workload"
  | "kind-mismatch"
  | "workload-mismatch"
  | "awaiting-deployer"
  | "unknown-site"
  | "unknown-stack"
  | "one-off"
  | "unmanaged";

/** Every reason, in the order of the dispatch table. */
export const REFUSAL_REASONS: readonly RefusalReason[] = [
  "unknown-workload",
  "kind-mismatch",
  "workload-mismatch",
  "awaiting-deployer",
  "unknown-site",
  "unknown-stack",
  "one-off",
  "unmanaged",
];

/** A container that matched a rule and was turned away by it. */
export interface Refusal {
  /** Which rule turned it away. */
  readonly reason: RefusalReason;
  /** Container that the row is bound to, or null. */
  readonly containerId: string;
  /** The container's name without its slash. */
  readonly containerName: string;
  /** The label value that was refused, or empty for `unmanaged`. */
  readonly value: string;
}

/** A container's claim on a row. */
export interface Claim {
  /** Id of the row. */
  readonly rowId: string;
  /** The workload that it belongs to. */
  readonly workload: Workload;
  /** Role within the workload. */
  readonly role: string;
  /** 1 for the first or only replica. */
  readonly replica: number;
}

/** Several containers claimed one row. */
export interface Contention {
  /** Id of the row. */
  readonly rowId: string;
  /** Container id that got the row. */
  readonly winner: string;
  /** Container ids that did not. */
  readonly losers: readonly string[];
}

/** What caused a transition. */
export type Cause = "event" | "pass" | "sweep" | "deployer";

/** One row to write. */
export interface Change {
  /**
   * `insert`, `update`: the observed columns as they must be. `sweep`: the row becomes
   * `missing`. `unconfirm`: only the confirmation ends; no observed column changes.
   */
  readonly op: "insert" | "update" | "sweep" | "unconfirm";
  /** The row as it must be. */
  readonly row: IndexRow;
  /** The state before, null for an insert. */
  readonly from: ContainerState | null;
}

/** What a pass found and did. */
export interface PassReport {
  /** When the pass's listing was asked for, RFC 3339 UTC. */
  readonly at: string;
  /** `full`: the whole Engine was listed. `partial`: only containers that events named. */
  readonly scope: "full" | "partial";
  /** Containers in the listing. */
  readonly listed: number;
  /** Containers that got their row. */
  readonly claimed: number;
  /** Rows written for the first time. */
  readonly inserted: number;
  /** Rows whose observed columns changed. */
  readonly updated: number;
  /** Rows that became missing. */
  readonly swept: number;
  /** Refused containers without the unmanaged ones, in listing order. */
  readonly refused: readonly Refusal[];
  /** Rows that several containers claimed. */
  readonly contended: readonly Contention[];
  /** What no workload accounts for. */
  readonly unmanaged: Unmanaged;
  /** Set when the Engine's id is not the accepted one; nothing is swept then. */
  readonly engineChanged: EngineChange | null;
  /** Wall time of the pass, seconds. */
  readonly durationSeconds: number;
}

/** What runs on this host that no workload accounts for. */
export interface Unmanaged {
  /** How many. */
  readonly count: number;
  /** Compose projects among them with their container counts, by name. */
  readonly composeProjects: Readonly<Record<string, number>>;
}

/** The Engine answers with another id than the one that was accepted. */
export interface EngineChange {
  /** Id that was accepted. */
  readonly accepted: string;
  /** Id that the Engine answers with. */
  readonly found: string;
}

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
  /** Exit code of a stopped container, else null. */
  readonly exitCode: number | null;
  /** What set the state: the event's action, or which listing. */
  readonly detail: string;
}

/** One row of `containers` as readers see it: every column, names joined in. */
export interface ContainerView extends Omit<ObservedColumns, "createdAtEngine"> {
  /** Unique id of the row. */
  readonly id: string;
  /** RFC 3339 UTC, null when never seen. */
  readonly createdAtEngine: string | null;
  /** Name of the workload. */
  readonly workloadName: string;
  /** RFC 3339 UTC of the last listing that confirmed the row; null when never seen. */
  readonly lastSeenAt: string | null;
  /** The deployer's stage, or null. */
  readonly stageId: string | null;
  /** Name of that stage. */
  readonly stageName: string | null;
  /** Tag of the image that was deployed. */
  readonly imageTag: string | null;
  /** Name under which a proxy serves it. */
  readonly subdomain: string | null;
  /** Id of its route in the proxy. */
  readonly proxyRouteId: string | null;
  /** Id in Nginx Proxy Manager. */
  readonly npmProxyId: number | null;
  /** RFC 3339 UTC. */
  readonly createdAt: string;
  /** RFC 3339 UTC. */
  readonly updatedAt: string;
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
  /** The Engine as last seen. */
  readonly engine: {
    /** Where it is reached, `unix:///…` or `tcp://…`. */
    readonly host: string;
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
  /** Seconds between full passes. */
  readonly intervalSeconds: number;
  /** The last good full pass, null before it. */
  readonly lastPass: PassReport | null;
  /** What the last full pass failed with, null when it was good. */
  readonly lastError: string | null;
  /** Number of rows by kind and state. */
  readonly counts: readonly {
    readonly kind: WorkloadKind;
    readonly state: ContainerState;
    readonly count: number;
  }[];
}
