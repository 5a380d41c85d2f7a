/**
 * What was, as readers ask for it, whether it is that of one host or of many. Each method may answer
 * at once or later. Does no I/O.
 *
 * @module
 */

import type { Soon } from "./index_reader.ts";
import type { Availability, HistoryPage, PastIndex } from "./past.ts";
import type { WorkloadKind } from "./workload.ts";

/** Which rows of the index as it was. */
export interface PastFilter {
  /** Name of a host; absent: of all. */
  readonly host?: string;
  /** Only of workloads of this kind. */
  readonly kind?: WorkloadKind;
  /** Only in this state. */
  readonly state?: string;
  /** Name of a stage. */
  readonly stage?: string;
  /** Only of these workloads, by id. */
  readonly workloadIds?: readonly string[];
  /** {@link PastIndex.nextCursor} of the page before. */
  readonly after?: string;
  /** At most so many where they are told in pages. Default 1,000. */
  readonly limit?: number;
}

/** What {@link PastPort.history} is asked for. */
export interface HistoryQuery {
  /** At or after, RFC 3339 UTC. */
  readonly from?: string;
  /** Before, RFC 3339 UTC. */
  readonly until?: string;
  /** Name of a host; absent: of all. */
  readonly host?: string;
  /** Only of these workloads, by id. */
  readonly workloadIds?: readonly string[];
  /** Only of this row. */
  readonly rowId?: string;
  /** Also who changed what. */
  readonly audit: boolean;
  /** {@link HistoryPage.before} of a page. */
  readonly before?: string;
  /** At most so many. */
  readonly limit: number;
}

/** What {@link PastPort.availability} is asked for. */
export interface AvailabilityQuery {
  /** Begin of the window, milliseconds since the Unix epoch. */
  readonly from: number;
  /** Its end. */
  readonly until: number;
  /** Name of a host; absent: of all. */
  readonly host?: string;
  /** Only of these workloads, by id. */
  readonly workloadIds?: readonly string[];
  /** At most so many spans of each; 0: none. */
  readonly maxSpans: number;
  /** {@link Availability.nextCursor} of the page before. */
  readonly after?: string;
}

/** Answers what was. */
export interface PastPort {
  /** The index as it was at a moment, milliseconds since the Unix epoch. */
  at(moment: number, which?: PastFilter): Soon<PastIndex>;
  /** How long things ran. */
  availability(query: AvailabilityQuery): Soon<Availability>;
  /** What happened. Throws a Failure, `invalid`, for a `before` that none of its pages had. */
  history(query: HistoryQuery): Soon<HistoryPage>;
  /** Ids of workloads that are registered by this id or name, on this host; else of such that were. */
  workloadIds(idOrName: string, host?: string): Soon<readonly string[]>;
  /** Whether a row with this id is or was there, as far as anybody remembers. */
  knowsRow(id: string): Soon<boolean>;
}
