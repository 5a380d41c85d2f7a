/**
 * The index as readers ask for it, whether it is that of one host or of many: what the API, the
 * dashboard and commands show is asked here. Each method may answer at once or later. Does no I/O.
 *
 * @module
 */

import type { CheckedRow, CheckFilter } from "./check.ts";
import type { HostView } from "./hosts.ts";
import type { KeptPass } from "./pass.ts";
import type { Problem, ProblemKind, Severity } from "./problem.ts";
import type { ContainerView, Freshness, StateCount, Transition } from "./views.ts";
import type { Workload, WorkloadKind } from "./workload.ts";

/** At once, or later. */
export type Soon<T> = T | Promise<T>;

/** Which rows to show. */
export interface ViewFilter {
  /** Only rows of the host of this name. */
  host?: string;
  /** Only rows of workloads of this kind. */
  kind?: WorkloadKind;
  /** Only rows in this state. */
  state?: string;
  /** Id or name of a workload. */
  workload?: string;
  /** Id of a workload, and no name that happens to read like it. */
  workloadId?: string;
  /** Id or name of a stage; rows from before stages had ids name it in their role. */
  stage?: string;
  /** Full id or name of a container. */
  container?: string;
  /** Only rows with these ids. */
  ids?: readonly string[];
  /** Only rows whose id is greater; for paging. */
  after?: string;
  /** At most this many rows. */
  limit?: number;
}

/** Some rows, and where to go on. */
export interface RowPage {
  /**
   * The rows as JSON in UTF-8 with commas between them, in pieces that go out as they are, then the
   * id of the last row when others follow, else null. All are as they were when the first piece was
   * asked for. Whoever leaves early has to `return()`.
   */
  readonly rows: Generator<Uint8Array<ArrayBuffer>, string | null, undefined>;
  /** How many times as long as the first piece all are together, at most and about; 1: it is the only one. */
  readonly firsts: number;
}

/** Names that may be asked for and must be known. */
export interface NamedFilters {
  /** Name of a host. */
  readonly host?: string;
  /** A state of rows. */
  readonly state?: string;
  /** Id or name of a workload. */
  readonly workload?: string;
  /** Id or name of a stage. */
  readonly stage?: string;
}

/** Rows of a workload by what they are doing. */
export interface RowCounts {
  /** Rows in state `running`. */
  readonly running: number;
  /** Rows in state `stopped`. */
  readonly stopped: number;
  /** Rows in state `missing`. */
  readonly missing: number;
  /** Rows whose container is `unhealthy`; some of those that run. */
  readonly unhealthy: number;
  /** Every row, whatever its state. */
  readonly total: number;
  /** Rows by state, the three above among them; only states that a row is in. */
  readonly states: Readonly<Record<string, number>>;
}

/** A workload and how many containers serve it. */
export interface CountedWorkload extends Workload, RowCounts {
  /** Name of its host; absent where the index is of one host alone. */
  readonly host?: string;
}

/** Open problems of one kind. */
export interface ProblemCount {
  /** What is wrong. */
  readonly kind: ProblemKind;
  /** How much it matters. */
  readonly severity: Severity;
  /** How many are open. */
  readonly count: number;
}

/** What an index holds. */
export interface Holdings {
  /** The Engine whose listings may sweep; null before the first pass, and of many hosts. */
  readonly engineId: string | null;
  /** Another Engine that answered and waits to be accepted, else null. */
  readonly foundEngineId: string | null;
  /** RFC 3339 UTC, null before the first pass; of many hosts the earliest one. */
  readonly lastPassAt: string | null;
  /** What the last full pass found, kept current by partial ones; null before the first, and of many. */
  readonly lastPass: KeptPass | null;
  /** Workloads by kind. */
  readonly registered: Readonly<Record<WorkloadKind, number>>;
  /** Rows by kind and state. */
  readonly counts: readonly StateCount[];
  /** Rows by the health of their containers; of those that have any. */
  readonly healths: readonly { readonly health: string; readonly count: number }[];
  /** Open problems by kind and severity. */
  readonly problems: readonly ProblemCount[];
}

/** Which problems to read. */
export interface ReadProblems {
  /** Name of a host; absent: of all. */
  readonly host?: string;
  /** Only of this row. */
  readonly rowId?: string;
  /** Also those that are not open: holding, and the newest that closed. */
  readonly all?: boolean;
}

/** A problem with what its workload is called. */
export interface NamedProblem {
  /** What is wrong. */
  readonly problem: Problem;
  /** Null for a host's; a workload that is gone has its id for a name, and no kind. */
  readonly workload: {
    readonly id: string;
    readonly name: string;
    readonly kind: WorkloadKind | null;
  } | null;
}

/** Transitions of all rows: which. Times are RFC 3339 UTC. */
export interface ReadTransitions {
  /** Name of a host; absent: of all. */
  readonly host?: string;
  /** Only what has a greater number. */
  readonly since: number;
  /** At or after. */
  readonly from?: string;
  /** Before. */
  readonly until?: string;
  /** At most this many. */
  readonly limit: number;
}

/** Reads an index. */
export interface IndexReader {
  /**
   * The hosts that the index is of, by name, where it is of many; null: it is the index of one host,
   * whose rows and problems do not say which.
   */
  readonly hosts: (() => Soon<readonly HostView[]>) | null;
  /**
   * Stays the same for as long as nothing that is read changes; null where that can't be told for
   * less than it costs to read.
   */
  version(): Soon<string | null>;
  /** How far it can be trusted; of one of its hosts, where that is named. */
  freshness(host?: string): Soon<Freshness>;
  /** Which of these names nobody knows. */
  unknown(names: NamedFilters): Soon<readonly (keyof NamedFilters)[]>;
  /** The rows that match by id, at most `limit` of them. */
  page(filter: ViewFilter & { readonly limit: number }): Soon<RowPage>;
  /** The rows that have one of these ids. */
  rows(ids: readonly string[]): Soon<readonly ContainerView[]>;
  /** One row. Throws a Failure, `not-found`. */
  row(id: string): Soon<ContainerView>;
  /** The newest `limit` transitions of a row (default 1,000), oldest first; of a removed one too. */
  story(rowId: string, options?: { readonly limit?: number }): Soon<readonly Transition[]>;
  /** Transitions of all rows by their number. */
  transitions(which: ReadTransitions): Soon<readonly Transition[]>;
  /** What is wrong: the open ones, newest first; with `all` the others after them. */
  problems(which: ReadProblems): Soon<readonly NamedProblem[]>;
  /** Workloads with what serves them, by kind and name; of one host, where that is named. */
  workloads(host?: string): Soon<readonly CountedWorkload[]>;
  /** What it holds; of one of its hosts, where that is named. */
  holdings(host?: string): Soon<Holdings>;
  /** Rows held against what is expected. Throws a Failure, `not-found`. */
  check(which: CheckFilter): Soon<readonly CheckedRow[]>;
}
