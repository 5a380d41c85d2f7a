/**
 * Who may speak for a host: one process at a time. Another is listened to when the one before has
 * said that it ends, or has been silent for longer than it would be while it lives; until then it
 * waits. If that one speaks meanwhile both are alive: somebody copied the data directory. Then nobody
 * is listened to until all but one have fallen silent. Does no I/O.
 *
 * @module
 */

/** What is known of a host's processes. Times are milliseconds. */
export interface Claims {
  /** The process that is listened to; null: none is, or it is contested. */
  readonly run: string | null;
  /** Whether two were seen alive, and may be still. */
  readonly contested: boolean;
  /** How long ago the one that is listened to was heard of. */
  readonly silentMs: number;
  /** The one that speaks now, if it said hello before. */
  readonly known: {
    /** How often. */
    readonly attempt: number;
    /** Whether it was ever listened to. */
    readonly accepted: boolean;
    /** How long ago it did for the first time. */
    readonly firstMs: number;
  } | null;
  /** Whether another than it was heard of within {@link CONTEST_MS}. */
  readonly othersAlive: boolean;
}

/** How long a process must have been silent, milliseconds, to count as gone from a contest. */
export const CONTEST_MS = 90_000;

/** A process that lives is heard of more often than this, milliseconds. */
export const ALIVE_MS = 20_000;

/** What a process sent before its end comes no later than this after it, milliseconds. */
const UNDER_WAY_MS = 5000;

/** What becomes of a hello. */
export type Claim = "accepted" | "stale" | "waits" | "contested";

/** Decides on the hello of the process `run`, which says it for the `attempt`th time. */
export function claim(
  { run, contested, silentMs, known, othersAlive }: Claims,
  hello: { readonly run: string; readonly attempt: number },
): Claim {
  // The network may bring it twice, and late: that nobody sent it now shows its number.
  if (known !== null && hello.attempt <= known.attempt) return "stale";
  if (contested) return othersAlive ? "contested" : "accepted";
  if (run === null || run === hello.run) return "accepted";
  // It was taken the place of, and is alive.
  if (known?.accepted === true) return "contested";
  if (silentMs >= ALIVE_MS) return "accepted";
  const heardSince = known !== null && silentMs < known.firstMs - UNDER_WAY_MS;
  return heardSince ? "contested" : "waits";
}
