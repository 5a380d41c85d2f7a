/**
 * Why there is no lock, in words: what happened, and what a person can do about it.
 *
 * @module
 */
import type { Verdict } from "./attempt.ts";
import type { LockFile } from "./steps.ts";

/** The lock couldn't be taken: the system refused a step. The cause is what it threw. */
export class LockError extends Error {
  /** The name of the class. */
  override name = "LockError";
  /** What a person can do about it. */
  readonly hint: string;
  /** The file that it is about. */
  readonly path: string;

  /** The message is `Cannot lock "<directory>": <reason>`. */
  constructor(directory: string, { reason, hint, path, cause }: LockErrorDetails) {
    super(`Cannot lock ${quoted(directory)}: ${reason}`, cause === undefined ? {} : { cause });
    this.hint = hint;
    this.path = path;
  }
}

/** What a {@link LockError} tells. */
export interface LockErrorDetails {
  /** Why, as the end of the message. */
  readonly reason: string;
  /** What a person can do about it. */
  readonly hint: string;
  /** The file that it is about. */
  readonly path: string;
  /** What the system threw. */
  readonly cause?: unknown;
}

/** Another process owns the data directory. */
export class LockHeldError extends LockError {
  /** The name of the class. */
  override name = "LockHeldError";
  /** Its PID, as it sees itself; null when it can't be told. */
  readonly pid: number | null;

  /** As {@link LockError}, with the owner's PID. */
  constructor(directory: string, details: LockErrorDetails & { readonly pid: number | null }) {
    super(directory, details);
    this.pid = details.pid;
  }
}

/** The file system doesn't support flock, without which there is no safe lock. */
export class LockUnsupportedError extends LockError {
  /** The name of the class. */
  override name = "LockUnsupportedError";
}

/** Something else stands where the data directory or a file of the lock should be. */
export class LockPathError extends LockError {
  /** The name of the class. */
  override name = "LockPathError";
}

/** The error for a verdict that isn't the lock; `cause` is what the last refused step threw. */
export function lockErrorFor(
  verdict: Verdict | null,
  { directory, pathOf, cause }: {
    readonly directory: string;
    readonly pathOf: (file: LockFile) => string;
    readonly cause: unknown;
  },
): Error {
  const path = pathOf("lock");
  switch (verdict?.is) {
    case "held":
      return new LockHeldError(directory, {
        reason: verdict.pid === null
          ? "another process holds it"
          : `process ${verdict.pid} holds it`,
        hint: holderHint(verdict, { lock: path, guard: pathOf("guard") }),
        path,
        pid: verdict.pid,
      });
    case "restless":
      return new LockHeldError(directory, {
        reason: "other programs keep replacing its lock files",
        hint: `find out what else writes ${quoted(path)} and stop it`,
        path,
        pid: null,
      });
    case "wrong-kind":
      return new LockPathError(directory, {
        reason: `${quoted(pathOf(verdict.file))} is a ${verdict.kind}, not a regular file`,
        hint: "find out what put it there, and remove it",
        path: pathOf(verdict.file),
      });
    case "unsupported":
      return new LockUnsupportedError(directory, {
        reason: `its file system does not support flock (${verdict.code})`,
        hint: "choose a data directory on a local disk",
        path: pathOf("guard"),
        cause,
      });
    case "refused": {
      const { step, code } = verdict;
      const refused = "file" in step ? pathOf(step.file) : path;
      const { reason, hint } = explain(code, cause);
      const what = "file" in step ? `${quoted(refused)}: ${reason}` : reason;
      return new LockError(directory, { reason: what, hint, path: refused, cause });
    }
    default:
      return new Error(`Cannot lock ${quoted(directory)}: unexpected verdict ${verdict?.is}`);
  }
}

/** A value in a message: quoted, with nothing in it that a terminal would obey. */
export function quoted(value: string): string {
  return JSON.stringify(value);
}

function holderHint(
  { pid, guarded }: { readonly pid: number | null; readonly guarded: boolean },
  { lock, guard }: { readonly lock: string; readonly guard: string },
): string {
  const elsewhere = "or choose another data directory";
  if (!guarded) {
    return `stop process ${pid}, ${elsewhere}; ` +
      `if it is not Tinyforge, its PID is there by accident: remove ${quoted(lock)}`;
  }
  const who = pid === null ? "the process" : `process ${pid}`;
  const where = pid === null || pid === Deno.pid ? "" : " (in its container, if it runs in one)";
  return `stop ${who}${where}, ${elsewhere}; "fuser -v ${guard}" shows who has it`;
}

/** What a refusal means, and what to do, by its code. */
function explain(code: string, cause: unknown): { reason: string; hint: string } {
  const elsewhere = "choose another data directory";
  switch (code) {
    case "ENOSPC":
      return { reason: "no space left on the disk", hint: `free some space, or ${elsewhere}` };
    case "EDQUOT":
      return { reason: "the disk quota is used up", hint: `free some space, or ${elsewhere}` };
    case "EROFS":
      return {
        reason: "the file system is read-only",
        hint: `mount it writable, or ${elsewhere}`,
      };
    case "EACCES":
    case "EPERM":
      return {
        reason: "permission denied",
        hint: `run as the user who owns the directory, or ${elsewhere}`,
      };
    case "EMFILE":
    case "ENFILE":
      return { reason: "too many open files", hint: 'raise the limit ("ulimit -n")' };
    case "EIO":
      return { reason: "input/output error", hint: 'look at the kernel\'s log ("dmesg")' };
    case "NotCapable":
      return {
        reason: "the program was not given the permission",
        hint: "run it with --allow-read, --allow-write and --allow-ffi",
      };
    default: {
      const message = cause instanceof Error ? cause.message : String(cause);
      return { reason: message, hint: `look at the directory, or ${elsewhere}` };
    }
  }
}
