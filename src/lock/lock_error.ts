/**
 * Why there is no lock: the failure for each verdict that isn't the lock, with what is known of it.
 *
 * @module
 */
import { Failure, type FailureData, type LockCode } from "../failure.ts";
import { closedBy } from "../system/private.ts";
import { quotePath } from "../text.ts";
import type { LockFile, Verdict } from "./attempt.ts";

/** The lock couldn't be taken; the message is `Cannot lock "<directory>": <reason>`. */
export function lockFailure<Code extends LockCode>(
  code: Code,
  reason: string,
  { cause, ...data }: FailureData[Code] & { readonly cause?: unknown },
): Failure<Code> {
  const { directory } = data as FailureData[LockCode];
  return new Failure(code, `Cannot lock ${quotePath(directory)}: ${reason}`, {
    data: data as unknown as FailureData[Code],
    cause,
  });
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
  const guard = pathOf("guard");
  switch (verdict?.is) {
    case "held": {
      const { pid, guarded } = verdict;
      const reason = pid === null ? "another process holds it" : `process ${pid} holds it`;
      const self = pid === Deno.pid;
      return lockFailure("lock-held", reason, {
        ...{ directory, path, guard, pid, guarded, self },
        restless: false,
      });
    }
    case "restless":
      return lockFailure("lock-held", "other programs keep replacing its lock files", {
        ...{ directory, path, guard },
        ...{ pid: null, guarded: false, self: false, restless: true },
      });
    case "wrong-kind": {
      const file = pathOf(verdict.file);
      const reason = `${quotePath(file)} is a ${verdict.kind}, not a regular file`;
      return lockFailure("lock-path", reason, { directory, path: file, found: "no-file" });
    }
    case "unsupported": {
      const reason = `its file system does not support flock (${verdict.code})`;
      return lockFailure("lock-unsupported", reason, { directory, path: guard, cause });
    }
    case "refused": {
      const { step, code: errno } = verdict;
      const refused = "file" in step ? pathOf(step.file) : path;
      const strangers = strangersOf(refused, errno);
      const why = strangers === null
        ? reasonFor(errno, cause)
        : strangers.file === strangers.directory
        ? `${reasonFor(errno, cause)}, it belongs to user ${strangers.file}`
        : `it belongs to user ${strangers.file}, the directory to user ${strangers.directory}`;
      const reason = "file" in step ? `${quotePath(refused)}: ${why}` : why;
      return lockFailure("lock-refused", reason, {
        ...{ directory, path: refused, errno, strangers, cause },
      });
    }
    default:
      return new Error(`Cannot lock ${quotePath(directory)}: unexpected verdict ${verdict?.is}`);
  }
}

/**
 * Who owns a refused file and its directory, when it is not ours: root's first command leaves such
 * files to the service's user. Null when it isn't that.
 */
function strangersOf(
  path: string,
  errno: string,
): FailureData["lock-refused"]["strangers"] {
  if (errno !== "EACCES" && errno !== "EPERM") return null;
  const closed = closedBy(path);
  const directory = closed === null ? null : Deno.statSync(closed.path).uid;
  if (closed === null || closed.owner === null || directory === null) return null;
  return { file: closed.owner, directory, self: closed.self };
}

/** What a refusal means, by its code. */
function reasonFor(errno: string, cause: unknown): string {
  switch (errno) {
    case "ENOSPC":
      return "no space left on the disk";
    case "EDQUOT":
      return "the disk quota is used up";
    case "EROFS":
      return "the file system is read-only";
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "EMFILE":
    case "ENFILE":
      return "too many open files";
    case "EIO":
      return "input/output error";
    case "NotCapable":
      return "the program was not given the permission";
    default:
      return cause instanceof Error ? cause.message : String(cause);
  }
}
