/**
 * What a check of rows says: whether each is as expected at this moment. Does no I/O; checks nothing
 * itself.
 *
 * @module
 */

import type { Workload } from "./workload.ts";

/** Why a row is not as expected. */
export type NotRight =
  | "no-container"
  | "gone"
  | "not-running"
  | "starting"
  | "unhealthy"
  | "not-completed"
  | "image"
  /** Its host is not heard of: nobody knows. */
  | "unknown";

/** Every reason. */
export const NOT_RIGHT: readonly NotRight[] = [
  "no-container",
  "gone",
  "not-running",
  "starting",
  "unhealthy",
  "not-completed",
  "image",
  "unknown",
];

/** One row, or a workload that has none yet, held against what is expected. */
export interface CheckedRow {
  /** Name of its host; absent where the index is of one host alone. */
  readonly host?: string;
  /** Its workload. */
  readonly workload: Pick<Workload, "id" | "kind" | "name">;
  /** Its id; null: the workload has no row yet. */
  readonly row: string | null;
  /** Its state; null without a row. */
  readonly state: string | null;
  /** Exit code of a stopped container. */
  readonly exitCode: number | null;
  /** The image that it shows; null without a row. */
  readonly image: string | null;
  /** The image that it should show, where that is what is wrong; else null. */
  readonly expectedImage: string | null;
  /** Why it is not as expected; null: it is. */
  readonly why: NotRight | null;
  /** Since when, RFC 3339 UTC; null without a row. */
  readonly since: string | null;
}

/** What is to be checked. */
export interface CheckFilter {
  /** Name of a host; absent: all. */
  readonly host?: string;
  /** Ids of workloads; absent: all. One without a row yet is not as expected. */
  readonly workloads?: readonly string[];
  /** Ids of rows; absent: all. */
  readonly rows?: readonly string[];
  /** The image that they should show; absent: what somebody set by hand. */
  readonly image?: string;
}
