/**
 * The vocabulary between the lock's protocol and whoever performs it: one file-system step at a
 * time, and what each may answer. Data only; the protocol must not reach the system another way.
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
