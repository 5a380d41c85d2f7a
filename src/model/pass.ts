/**
 * What a pass decides and reports: claims, refusals, changes. Does no I/O.
 *
 * @module
 */

import type { ContainerState, IndexRow } from "./container.ts";
import type { Workload, WorkloadKind } from "./workload.ts";

/** Why a container got no row. `unmanaged` carries no claim at all. */
export type RefusalReason =
  | "unknown-workload"
  | "kind-mismatch"
  | "workload-mismatch"
  | "awaiting-deployer"
  | "unknown-site"
  | "unknown-stack"
  | "one-off"
  | "inherited"
  | "unmanaged";

/** Why a row is not claimed by the container that it is bound to. */
export type UnclaimedReason =
  /** The container is refused, or bears no label of ours. */
  | RefusalReason
  /** Its labels ask for another row. */
  | "other-row";

/** A row that follows its container though that does not claim it. */
export interface Unclaimed {
  /** Id of the row. */
  readonly rowId: string;
  /** Id of the container. */
  readonly containerId: string;
  /** Its name without the slash. */
  readonly containerName: string;
  /** Why. */
  readonly reason: UnclaimedReason;
  /** The label value or row that decided it; empty for `unmanaged`. */
  readonly value: string;
}

/** Every reason, in the order of the dispatch table. */
export const REFUSAL_REASONS: readonly RefusalReason[] = [
  "unknown-workload",
  "kind-mismatch",
  "workload-mismatch",
  "awaiting-deployer",
  "unknown-site",
  "unknown-stack",
  "one-off",
  "inherited",
  "unmanaged",
];

/** Refusals that registering the right thing would end. */
export const UNREGISTERED: ReadonlySet<string> = new Set<RefusalReason>([
  "unmanaged",
  "unknown-stack",
  "inherited",
]);

/** Why a container has no claim. */
export interface NoClaim {
  /** Which rule turned it away. */
  readonly reason: RefusalReason;
  /** The label value that decided it, or empty for `unmanaged`. */
  readonly value: string;
  /** Id of the workload that was claimed, where it is a known one of another kind. */
  readonly workloadId?: string;
}

/** A container that matched a rule and was turned away by it. */
export interface Refusal extends NoClaim {
  /** Its id. */
  readonly containerId: string;
  /** Its name without the slash. */
  readonly containerName: string;
}

/** Why a container has no row. */
export type UnindexedReason =
  | RefusalReason
  /** Another container has the row that it asks for. */
  | "contended";

/** A container that has no row. */
export interface Unindexed {
  /** Its id. */
  readonly containerId: string;
  /** Its name without the slash. */
  readonly containerName: string;
  /** Why. */
  readonly reason: UnindexedReason;
  /** The label value that decided it, or the row that it asks for; empty for `unmanaged`. */
  readonly value: string;
  /** Its Compose project where nothing of ours claims it, else empty. */
  readonly composeProject: string;
}

/** What became of one container of the Engine. */
export interface Dispatched {
  /** Its id. */
  readonly containerId: string;
  /** Its name without the slash. */
  readonly containerName: string;
  /** The row that shows it; of a `contended` one the row that it asks for; else null. */
  readonly rowId: string | null;
  /** Why it has no row, or does not claim the one that follows it; null: it has its row. */
  readonly reason: UnindexedReason | UnclaimedReason | null;
  /** The label that decided; null where none did. */
  readonly label: string | null;
  /** What decided: the label's value, another row's id or a name; empty where nothing did. */
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
  /** Only the name speaks for it: the row's container had the same one, and is gone. */
  readonly byName?: true;
  /** It ended with 0, and that is what is expected of it. */
  readonly completed?: true;
  /** It only keeps the row it has: any container that bears the name is the better claim. */
  readonly renamed?: true;
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

/** What a transition goes back to. Times are RFC 3339 UTC. */
export type Origin =
  /** An event named the container; `at` by the Engine's clock, null when it was not told. */
  | { readonly by: "event"; readonly action: string; readonly at: string | null }
  /** A full listing, asked for at `at`, had the container or lacked it. */
  | { readonly by: "listing"; readonly at: string }
  /** A partial listing, asked for at `at`, because of another container that wants the row. */
  | { readonly by: "contender"; readonly at: string }
  /** A deployer, by its name where requests bear one; `entry`: what the row went with. */
  | {
    readonly by: "deployer";
    readonly who: string | null;
    readonly action: "created" | "bound" | "unbound" | "removed";
    readonly entry: { readonly kind: WorkloadKind; readonly name: string } | null;
  }
  /** From before origins were kept as data. */
  | { readonly by: "prose"; readonly text: string };

/** One row to write. */
export interface Change {
  /**
   * `insert`, `update`: the observed columns as they must be. `sweep`: the row becomes
   * `missing`. `unconfirm`: only the confirmation ends; no observed column changes. `absent`: a row
   * that is expected and was never seen. `retire`: the row goes, nobody expects it any more.
   */
  readonly op: "insert" | "update" | "sweep" | "unconfirm" | "absent" | "retire";
  /** The row as it must be. */
  readonly row: IndexRow;
  /** The state before, null for an insert. */
  readonly from: ContainerState | null;
}

/** What a plan finds in a listing. */
export interface Findings {
  /** Containers that got their row. */
  readonly claimed: number;
  /** Refused containers without the unmanaged ones, in listing order. */
  readonly refused: readonly Refusal[];
  /** Rows that follow a container which does not claim them. */
  readonly unclaimed: readonly Unclaimed[];
  /** What no workload accounts for. */
  readonly unmanaged: Unmanaged;
}

/** What a pass found and did. */
export interface PassReport extends Findings {
  /** When the pass's listing was asked for, RFC 3339 UTC. */
  readonly at: string;
  /** `full`: the whole Engine was listed. `partial`: only containers that events named. */
  readonly scope: "full" | "partial";
  /** Containers in the listing. */
  readonly listed: number;
  /** Rows written for the first time. */
  readonly inserted: number;
  /** Rows whose observed columns changed. */
  readonly updated: number;
  /** Rows that became missing. */
  readonly swept: number;
  /** Rows that went because nobody expects them any more. */
  readonly retired: number;
  /** Rows that several containers claimed. */
  readonly contended: readonly Contention[];
  /** Set when the Engine's id is not the accepted one; nothing is swept then. */
  readonly engineChanged: EngineChange | null;
  /** Wall time of the pass, seconds. */
  readonly durationSeconds: number;
}

/** What the last full pass found, kept current by partial ones, as readers are told of it. */
export interface KeptPass extends Findings {
  /** Containers in the listing. */
  readonly listed: number;
  /** How many were refused; of these, and of the unclaimed rows, the first hundred are kept. */
  readonly refusedCount: number;
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
