/**
 * What should be and what is wrong: expectations, deaths, problems. Times are milliseconds since
 * the Unix epoch, as the judge needs to reckon with them. Does no I/O and decides nothing.
 *
 * @module
 */

import type { Restart, RestartAccount } from "./restart.ts";

/** The state of a row that is expected and whose container was never seen. */
export const ABSENT = "absent";

/** What an expected container should do: run, end by itself with 0, or merely be there. */
export type Mode = "running" | "completed" | "any";

/** The modes, in the order in which they are shown. */
export const MODES: readonly Mode[] = ["running", "completed", "any"];

/** Who said what is expected: `accept`, a Compose file, or a person by hand. */
export type ExpectationSource = "accepted" | "compose" | "manual";

/** What should run of one role of a workload. */
export interface Expectation {
  /** The workload. */
  readonly workloadId: string;
  /** Role within it; empty for a site. */
  readonly role: string;
  /** What its containers should do. */
  readonly mode: Mode;
  /** How many containers, 0 for none. */
  readonly replicas: number;
  /** Image reference that they should run, or null for any. */
  readonly image: string | null;
  /** Who said so. */
  readonly source: ExpectationSource;
  /** Since when it is expected. */
  readonly setAt: number;
}

/**
 * How a container ended: `stop` and `kill` by an operator, `oom` for want of memory, `crash` by
 * itself with an exit code that is not 0, `exit` by itself with 0.
 */
export type DeathHow = "stop" | "kill" | "oom" | "crash" | "exit";

/** One end of a row's container. */
export interface Death {
  /** When. */
  readonly at: number;
  /** Null when the Engine did not tell. */
  readonly exitCode: number | null;
  /** How long it ran, seconds; null when nobody knows. */
  readonly ranSeconds: number | null;
  /** How it ended. */
  readonly how: DeathHow;
  /** The container that ended. */
  readonly containerId: string;
}

/** The ends that are known of one row. */
export interface Deaths {
  /** How many were counted. */
  readonly count: number;
  /** Whether some may have been missed: then there were at least {@linkcode Deaths.count}. */
  readonly atLeast: boolean;
  /** The last ones, oldest first. */
  readonly ring: readonly Death[];
  /** When events were first missed after the last of them; null when none were. */
  readonly gapAt: number | null;
}

/** What can be wrong with a row, a workload or a host. */
export type ProblemKind =
  | "missing"
  | "absent"
  | "crashed"
  | "stopped"
  | "oom"
  | "unhealthy"
  | "crash-loop"
  | "flapping"
  | "stuck"
  | "engine-down"
  | "index-stale"
  | "engine-changed"
  | "contended"
  | "refused"
  | "backup-failed"
  | "host-unknown";

/** Every kind, in the order of the table. */
export const PROBLEM_KINDS: readonly ProblemKind[] = [
  "missing",
  "absent",
  "crashed",
  "stopped",
  "oom",
  "unhealthy",
  "crash-loop",
  "flapping",
  "stuck",
  "engine-down",
  "index-stale",
  "engine-changed",
  "contended",
  "refused",
  "backup-failed",
  "host-unknown",
];

/** How much it matters. */
export type Severity = "low" | "high";

/** `holding`: it may pass by itself, and is not a problem yet. */
export type ProblemStatus = "holding" | "open" | "closed";

/**
 * Why it closed: the cause went and stayed away; another problem of that row took its place; or
 * its row, workload or host is no longer known.
 */
export type Outcome = "recovered" | "superseded" | "gone";

/** A reason to tell problems together: the first judgement ever, or the one after a restart. */
export type Batch = "baseline" | "restart";

/** What the judge saw when the problem came up; an inspect adds to it when it opens. */
export interface Evidence {
  /** State of the row. */
  readonly state?: string;
  /** Exit code of a stopped container. */
  readonly exitCode?: number | null;
  /** Health of the container. */
  readonly health?: string | null;
  /** How it ended last, as far as it is known. */
  readonly how?: DeathHow;
  /** How many deaths or moves were counted, and since when. */
  readonly count?: number;
  /** Whether there may have been more. */
  readonly atLeast?: boolean;
  /** Containers that lost the row, or that were refused. */
  readonly containers?: readonly { readonly id: string; readonly name: string }[];
  /** Why they were refused. */
  readonly reason?: string;
  /** What the Engine's last answer failed with. */
  readonly error?: string;
  /** The accepted Engine's id. */
  readonly accepted?: string;
  /** The Engine that answers instead. */
  readonly found?: string;
  /** When the host was heard of last. */
  readonly heardAt?: number;
  /** What the machines are called that speak for it, where there are several. */
  readonly machines?: readonly string[];
  /** What one inspect at the opening said; bounded and free of control characters. */
  readonly inspected?: InspectedEvidence;
}

/** What an inspect tells of a container that something is wrong with. */
export interface InspectedEvidence {
  /** `State.Error`, empty without one. */
  readonly error: string;
  /** Whether memory ran out. */
  readonly oomKilled: boolean;
  /** How often its restart policy started it again. */
  readonly restartCount: number;
  /** `no`, `always`, `unless-stopped`, `on-failure`, `on-failure:3`. */
  readonly restartPolicy: string;
  /** Output of the last health check, or null without one. */
  readonly healthOutput: string | null;
}

/** What to do about a problem, as data; a surface makes the command of it. */
export type Remedy =
  /** Bring a container back, or accept that it is gone. */
  | { readonly code: "bring-back"; readonly workloadId: string; readonly rowId: string }
  /** Start for the first time what was registered, or take it out of the registry. */
  | { readonly code: "deploy"; readonly workloadId: string; readonly rowId: string }
  /** Look at the container's log. */
  | { readonly code: "read-log"; readonly container: string }
  /** Start the container again, or accept that it stays stopped. */
  | { readonly code: "start"; readonly container: string; readonly workloadId: string }
  /** Give it more memory, or find out where it goes. */
  | { readonly code: "raise-memory"; readonly container: string }
  /** Look at what the health check says. */
  | { readonly code: "read-health"; readonly container: string }
  /** Read the row's story. */
  | { readonly code: "explain"; readonly rowId: string }
  /** Go on with a paused container. */
  | { readonly code: "unpause"; readonly container: string }
  /** Remove a container that can't leave its state. */
  | { readonly code: "remove"; readonly containers: readonly string[] }
  /** See whether the Engine runs and may be reached. */
  | { readonly code: "start-engine"; readonly host: string }
  /** See why passes fail though the Engine answers. */
  | { readonly code: "read-own-log"; readonly host: string }
  /** Accept the Engine that answers, or point to the old one. */
  | { readonly code: "accept-engine"; readonly host: string }
  /** Make a backup by hand, which says what is in its way. */
  | { readonly code: "back-up" }
  /** See whether the host runs, and reaches the hub; or forget it there. */
  | { readonly code: "reach-host"; readonly host: string }
  /** Correct the labels of these containers. */
  | { readonly code: "mend-labels"; readonly containers: readonly string[] };

/** What helps with a problem where what was told of that is not known: to read its story. */
export function storyRemedy(
  { rowId, host }: { readonly rowId: string | null; readonly host: string },
): Remedy {
  return rowId === null ? { code: "read-own-log", host } : { code: "explain", rowId };
}

/** Something that is wrong, from before it opens until it is closed. */
export interface Problem {
  /** `<kind>:<id of the row, the workload or the host>`; at most one that is not closed has it. */
  readonly key: string;
  /** What is wrong. */
  readonly kind: ProblemKind;
  /** How much it matters. */
  readonly severity: Severity;
  /** Whether it is a problem yet, or no more. */
  readonly status: ProblemStatus;
  /** Host that it is on. */
  readonly host: string;
  /** Null for a host's problem. */
  readonly workloadId: string | null;
  /** Null for a workload's or a host's problem. */
  readonly rowId: string | null;
  /** Container that the row was bound to, or null. */
  readonly containerId: string | null;
  /** The name of that container, or empty. */
  readonly containerName: string;
  /** When its cause began. */
  readonly since: number;
  /** While it is holding: when it becomes a problem if it lasts and nothing else comes up. */
  readonly dueAt: number | null;
  /** When it became a problem: when its time was up, whoever looked then. Null while holding. */
  readonly openedAt: number | null;
  /** When it was over; null before. */
  readonly closedAt: number | null;
  /** Why it closed; null before. */
  readonly outcome: Outcome | null;
  /** What it was seen by. */
  readonly evidence: Evidence;
  /** What to do about it. */
  readonly do: Remedy;
  /** What it is told together with, or null: by itself. */
  readonly batch: Batch | null;
  /** Whether the row flaps, or did when this was over: shown, told to nobody. */
  readonly muted: boolean;
  /** Whether a silence covers it now, or did when it was over: shown, told to nobody. */
  readonly silenced: boolean;
}

/** A stretch of time in which the index did not know how things are. */
export interface Outage {
  /** The last moment at which it knew. */
  readonly from: number;
  /** The good pass that ended it. */
  readonly to: number;
}

/** What the judge remembers of a host beside its problems. */
export interface HostMemory {
  /** When it was judged for the first time; null before. */
  readonly firstJudgedAt: number | null;
  /** Since when it is not known how things are; null while it is. */
  readonly frozenSince: number | null;
  /** The outages that a timer may still have to leave out, oldest first. */
  readonly outages: readonly Outage[];
  /** The last restart; one that came while another was settling began where that one did. */
  readonly restart: Restart | null;
  /** The {@linkcode Restart.at} that was judged last. */
  readonly settledFor: number | null;
  /** What that judgement found; absent where it is not known. */
  readonly account?: RestartAccount;
}

/** What a host is judged with at first. */
export const NO_MEMORY: HostMemory = {
  firstJudgedAt: null,
  frozenSince: null,
  outages: [],
  restart: null,
  settledFor: null,
};

/** Workload or rows that nobody wants to hear of for a while. One occurrence of a recurring one. */
export interface Silence {
  /** What is silent. */
  readonly scope: "all" | "host" | "workload" | "row";
  /** Id of the workload or row, name of the host; empty for all. */
  readonly id: string;
  /** Kinds of problems; null or absent: all. */
  readonly kinds?: readonly string[] | null;
  /** Silent from here … */
  readonly from: number;
  /** … up to but not including here. */
  readonly until: number;
}

/** Why a workload is left alone for a while: it is being deployed. */
export interface Hold {
  /** The deploy hook, or the first container that was replaced. */
  readonly from: number;
  /** The last such; equal to {@linkcode Hold.from} when there was one. */
  readonly last: number;
}

/** One moment's account of everything that is expected. */
export interface Digest {
  /** What it is the account of. */
  readonly batch: Batch;
  /** The moment that it is of. */
  readonly at: number;
  /** Rows that are expected to be right. */
  readonly expected: number;
  /** Ids of those that are not, sorted. */
  readonly wrong: readonly string[];
}
