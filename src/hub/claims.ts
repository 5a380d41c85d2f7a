/**
 * Who may speak for a host: one process at a time, the one that came last. A process that was taken
 * the place of and speaks again is alive, and so is the other: somebody copied the data directory.
 * Then nobody is listened to until all but one have fallen silent. Does no I/O.
 *
 * @module
 */

/** What is known of a host's processes. */
export interface Claims {
  /** The process that is listened to; null: none was yet, or it is contested. */
  readonly run: string | null;
  /** Whether two were seen alive, and may be still. */
  readonly contested: boolean;
  /** How often the one that speaks now had said hello before; null: it never did. */
  readonly knownAttempt: number | null;
  /** Whether another than it was heard of within {@link CONTEST_MS}. */
  readonly othersAlive: boolean;
}

/** How long a process must have been silent, milliseconds, to count as gone from a contest. */
export const CONTEST_MS = 90_000;

/** What becomes of a hello. */
export type Claim = "accepted" | "stale" | "contested";

/** Decides on the hello of the process `run`, which says it for the `attempt`th time. */
export function claim(
  { run, contested, knownAttempt, othersAlive }: Claims,
  hello: { readonly run: string; readonly attempt: number },
): Claim {
  // The network may bring it twice, and late: that nobody sent it now shows its number.
  if (knownAttempt !== null && hello.attempt <= knownAttempt) return "stale";
  if (contested) return othersAlive ? "contested" : "accepted";
  if (run === null || run === hello.run || knownAttempt === null) return "accepted";
  return "contested";
}
