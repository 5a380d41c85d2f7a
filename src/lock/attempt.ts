/**
 * What a process knows while it acquires, checks or releases the lock: plain data, so that a
 * test can store, compare and print every state. Decides nothing about files.
 *
 * @module
 */
import type { GuardRecord } from "./record.ts";
import type { Failure, FileKind, LockFile, Result, Sighting, Step } from "./steps.ts";

/** Where an attempt can be: the name of the step that it takes next. */
export type Place = AcquirePlace | TurnedAwayPlace | LeavePlace | CheckPlace | "over";

/** Places on the way to the lock, in the order in which an undisturbed attempt passes them. */
export type AcquirePlace =
  | ("createGuard" | "inspectGuard" | "openGuard" | "flockGuard" | "verifyGuard" | "readRecord")
  | ("lookAtLock" | "openLock" | "readLock" | "askForOwner" | "watchLock")
  | ("createReclaim" | "inspectReclaim" | "openReclaim" | "readReclaim" | "askForReclaimer")
  | ("watchReclaim" | "removeReclaim" | "writeReclaim")
  | ("removeStale" | "createLock" | "recordInode" | "writeLock" | "readBack" | "recordTime")
  | "confirmLock";

/** Places of a process that finds the guard held by another. */
export type TurnedAwayPlace =
  | ("findHolder" | "openHolder" | "readHolder" | "readHolderRecord" | "askForHolder")
  | "awaitHolder";

/** Places on the way out, with the lock or without. */
export type LeavePlace =
  | ("inspectOwnLock" | "readOwnLock" | "removeOwnLock")
  | ("inspectOwnReclaim" | "removeOwnReclaim")
  | "clearRecord"
  | ("inspectOwnGuard" | "removeOwnGuard")
  | "close";

/** Places of an owner who asks whether it still is one. */
export type CheckPlace =
  | "checkLock"
  | "checkText"
  | "checkGuard"
  | "openSuccessor"
  | "readSuccessor";

/** How patient an attempt is. */
export interface Patience {
  /** How long something suspicious must stand still before it counts as abandoned, ms. */
  readonly graceMs: number;
  /** How often it is looked at meanwhile, ms. */
  readonly pollMs: number;
  /** How often to look for the owner's PID when somebody else has the guard. */
  readonly asks: number;
  /** How often files may change under us before we give up. */
  readonly retries: number;
}

/** How an attempt, a release or a check ended. */
export type Verdict =
  | { readonly is: "acquired" }
  /**
   * Somebody alive owns it; the PID is null when it can't be told. `guarded`: by the flock on the
   * guard, which only a live process has; else the lock file alone says so.
   */
  | { readonly is: "held"; readonly pid: number | null; readonly guarded: boolean }
  /** The files kept changing: other programs fight over them. */
  | { readonly is: "restless" }
  | { readonly is: "aborted" }
  | { readonly is: "released" }
  | { readonly is: "wrong-kind"; readonly file: LockFile; readonly kind: FileKind }
  /** The file system has no flock. */
  | { readonly is: "unsupported"; readonly code: string }
  | { readonly is: "refused"; readonly step: Step; readonly code: string }
  /** A check found the lock still ours. */
  | { readonly is: "kept" }
  /** A check found that it isn't; the owner is null when the lock names nobody. */
  | { readonly is: "lost"; readonly reason: string; readonly owner: number | null };

/** A process's whole knowledge. */
export interface Attempt {
  /** The step that comes next. */
  readonly at: Place;
  /** Our PID. */
  readonly pid: number;
  /** When this process started, milliseconds since the Unix epoch. */
  readonly startedAt: number;
  /** How patient we are. */
  readonly patience: Patience;
  /** Set once it is decided; what follows is tidying up. */
  readonly verdict: Verdict | null;
  /** Id of the guard behind our descriptor. */
  readonly guard: string | null;
  /** We created that guard; whether it is unused is to be seen. */
  readonly guardIsNew: boolean;
  /** We created it, and nobody has used it before us: it was empty when we held the flock. */
  readonly guardIsUnused: boolean;
  /** We hold the flock on it. */
  readonly flocked: boolean;
  /** What it told of its last owner. */
  readonly record: GuardRecord | null;
  /** It tells of us now, or may. */
  readonly recorded: boolean;
  /** Id of the lock file that we created. */
  readonly lock: string | null;
  /** Id of the reclaim file that we created. */
  readonly reclaim: string | null;
  /** The lock file that was judged stale. */
  readonly stale: Sighting | null;
  /** What is being watched, or whose PID is asked for. */
  readonly seen: Sighting | null;
  /** How long it has stood still, ms. */
  readonly stillMs: number;
  /** How often the holder was looked for. */
  readonly asked: number;
  /** How often something changed under us. */
  readonly retries: number;
}

/** One row of the protocol: the step at a place, and what follows from its answer. */
export interface PlaceRule {
  /** The step to take. */
  step(attempt: Attempt): Step;
  /** What follows from its answer. */
  then(attempt: Attempt, answer: Result): Attempt;
  /** What follows from its refusal. */
  refused(attempt: Attempt, failure: Failure): Attempt;
}
