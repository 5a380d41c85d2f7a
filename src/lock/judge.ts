/**
 * How a process that holds the guard judges the files that it didn't make. Pure; see protocol.ts.
 *
 * @module
 */
import type { AcquirePlace, Answers, Attempt, Sighting } from "./attempt.ts";
import { leave } from "./leave.ts";
import {
  isComplete,
  isCopied,
  isCopiedAlong,
  isRecorded,
  isUnchanged,
  parsePid,
} from "./record.ts";

/** What a lock file that isn't ours is: stale, owned, or suspicious. */
export function judgeLock(a: Attempt, seen: Sighting, now: number): Attempt {
  if (a.reclaim !== null && isUnchanged(a.stale, seen)) return unwatch({ ...a, at: "removeStale" });
  const isOurKinds = isCopied(a.record, a.guard) ? isCopiedAlong : isRecorded;
  if (isOurKinds(a.record, seen)) return lockIsStale({ ...a, seen });
  const pid = parsePid(seen.text);
  // Another implementation may be between creating it and writing its PID.
  const mayBeUnfinished = pid === null || !isComplete(seen.text);
  if (mayBeUnfinished && !hasStoodStill(a, seen)) return watch(a, seen, "watchLock");
  if (pid === null) return lockIsStale({ ...a, seen });
  if (pid !== a.pid) return { ...a, at: "askForOwner", seen };
  // It names us, but we didn't write it: our PID's former bearer did, or, if it was written since
  // we started, somebody in another PID namespace.
  if (isOfOurTime(a, seen, now)) return leave(a, { is: "held", pid, guarded: false });
  return lockIsStale({ ...a, seen });
}

/**
 * Whether a file was written since this process started. Not if that is still to come: then the
 * clock was wrong.
 */
export function isOfOurTime(a: Attempt, seen: Sighting, now: number): boolean {
  return seen.mtime >= a.startedAt && seen.mtime <= now;
}

/** On to replacing the lock that was seen. */
export function lockIsStale(a: Attempt): Attempt {
  const at = a.reclaim === null ? "createReclaim" : "removeStale";
  return unwatch({ ...a, at, stale: a.seen });
}

/** On to creating the lock where none is. */
export function lockIsVacant(a: Attempt): Attempt {
  const at = a.reclaim === null ? "createReclaim" : "createLock";
  return unwatch({ ...a, at, stale: null });
}

/** What a reclaim file that isn't ours is: abandoned, in use, or suspicious. */
export function judgeReclaim(a: Attempt, seen: Sighting): Attempt {
  const pid = parsePid(seen.text);
  // It names us and we have none: a predecessor of the same PID crashed. And nobody who lives
  // takes this long: its owner crashed, and its PID was given out again.
  if (pid === a.pid || hasStoodStill(a, seen)) return unwatch({ ...a, at: "removeReclaim" });
  const watching = watch(a, seen, "watchReclaim");
  const mayAsk = pid !== null && isComplete(seen.text) && watching.at === "watchReclaim";
  return mayAsk ? { ...watching, at: "askForReclaimer" } : watching;
}

function watch(a: Attempt, seen: Sighting, at: "watchLock" | "watchReclaim"): Attempt {
  if (isUnchanged(a.seen, seen)) return { ...a, at };
  const fresh = { ...a, at, seen, stillMs: 0 };
  return a.seen === null ? fresh : retry(fresh, at);
}

/** After a wait, back to another look. */
export function watched(a: Attempt, slept: Answers["sleep"], at: AcquirePlace): Attempt {
  if (slept.is === "aborted") return leave(a, { is: "aborted" });
  return { ...a, at, stillMs: a.stillMs + a.patience.pollMs };
}

/** Forgets what was seen. */
export function unwatch(a: Attempt): Attempt {
  return { ...a, seen: null, stillMs: 0 };
}

function hasStoodStill(a: Attempt, seen: Sighting): boolean {
  return isUnchanged(a.seen, seen) && a.stillMs >= a.patience.graceMs;
}

/** The PID that the file seen last names, or null. */
export function seenPid(a: Attempt): number | null {
  return parsePid(a.seen?.text ?? "");
}

/** Back to an earlier place since something changed under us; not for ever. */
export function retry(a: Attempt, at: AcquirePlace): Attempt {
  if (a.retries >= a.patience.retries) return leave(a, { is: "restless" });
  return { ...a, at, retries: a.retries + 1 };
}
