/**
 * The protocol's vocabulary: the file-system steps it takes, one at a time, what each may answer,
 * and what a process knows meanwhile. Plain data, so that a test can store, compare and print every
 * state. Decides nothing, and must not reach the system.
 *
 * @module
 */

/** The three files of a lock, by role. */
export type LockFile = "guard" | "lock" | "reclaim";

/** What stands at a path. */
export type FileKind = "file" | "directory" | "symlink" | "fifo" | "socket" | "device";

/** One thing to do. Each is small enough that nothing of ours depends on it being atomic. */
export type Step =
  /** Create a file that must not exist (O_CREAT|O_EXCL, 0600) and keep its descriptor. */
  | { readonly op: "create"; readonly file: LockFile }
  /** Open what stands there: the guard for reading and writing, and it is kept; others to peek. */
  | { readonly op: "open"; readonly file: LockFile }
  /** Take the exclusive flock on the guard's descriptor without waiting. */
  | { readonly op: "flock"; readonly file: "guard" }
  /** Look at a path without following a link. */
  | { readonly op: "lstat"; readonly file: LockFile }
  /** Read through a descriptor: our own, or the one just opened to peek, which this closes. */
  | { readonly op: "read"; readonly file: LockFile; readonly through: "own" | "peek" }
  /** Write from the beginning of our own descriptor; `sync` waits until it is on the disk. */
  | { readonly op: "write"; readonly file: LockFile; readonly text: string; readonly sync: boolean }
  /** Remove a path and give up our own descriptor of it, if there is one. */
  | { readonly op: "remove"; readonly file: LockFile }
  /** Ask whether a process with this PID exists. */
  | { readonly op: "alive"; readonly pid: number }
  /** Let others run for a while. */
  | { readonly op: "sleep"; readonly ms: number }
  /** Close every descriptor; the guard last, since that gives up the flock. */
  | { readonly op: "close" };

/** The system refused a step. */
export interface Failure {
  /** Tells it from an answer. */
  readonly is: "failed";
  /** The error's code, such as `ENOSPC`. */
  readonly code: string;
}

/** What was seen of a file through a descriptor. */
export interface Sighting {
  /** Device and inode, `dev:ino`; identifies a file only while it exists. */
  readonly id: string;
  /** Its first {@link PEEK_BYTES} bytes, one character for each. */
  readonly text: string;
  /** Last modification, milliseconds since the Unix epoch. */
  readonly mtime: number;
}

/** How much of a file is read; a PID needs at most eleven bytes, the guard's record a few more. */
export const PEEK_BYTES = 96;

/** What each step answers when it is not refused. */
export interface Answers {
  /** `exists`: whatever it is that stands there. */
  readonly create: { readonly is: "created"; readonly id: string } | { readonly is: "exists" };
  /** The id is that of the file behind the descriptor. */
  readonly open: { readonly is: "opened"; readonly id: string } | { readonly is: "missing" };
  /** `busy`: another descriptor has it. */
  readonly flock: { readonly is: "locked" } | { readonly is: "busy" };
  /** The id is that of what stands at the path. */
  readonly lstat:
    | { readonly is: "found"; readonly kind: FileKind; readonly id: string }
    | { readonly is: "missing" };
  /** `now`: the clock when it was read, milliseconds since the Unix epoch. */
  readonly read: { readonly is: "read"; readonly sighting: Sighting; readonly now: number };
  /** All of it is written. */
  readonly write: { readonly is: "done" };
  /** It is gone, or was already. */
  readonly remove: { readonly is: "done" };
  /** Any doubt is life. */
  readonly alive: { readonly is: "alive" } | { readonly is: "dead" };
  /** `aborted`: the caller gave up. */
  readonly sleep: { readonly is: "slept" } | { readonly is: "aborted" };
  /** Always. */
  readonly close: { readonly is: "done" };
}

/** The answer to a step of this kind, or its refusal. */
export type Result<Op extends Step["op"] = Step["op"]> = Answers[Op] | Failure;

/**
 * What the guard's owner noted about the files that it made: enough to know them again when it is
 * gone, and to tell whether they are still those that it made or copies.
 */
export interface GuardRecord {
  /** Its PID. */
  readonly pid: number;
  /** Modification time of the complete lock, ms; null while the PID may not be in it yet. */
  readonly mtime: number | null;
  /** The lock's inode; null in a record of a version that didn't note it. */
  readonly inode: string | null;
  /** The guard's own inode; null in a record of a version that didn't note it. */
  readonly guard: string | null;
}

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
