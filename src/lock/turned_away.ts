/**
 * What a process does that finds the guard held by another: look for the owner's PID, so that it
 * can be told, and make sure that giving up is right. Changes no file. Pure; see protocol.ts.
 *
 * @module
 */
import type { Attempt, PlaceRule, TurnedAwayPlace } from "./attempt.ts";
import { isOfOurTime, seenPid, unwatch } from "./judge.ts";
import { leave, rule } from "./leave.ts";
import { isRecorded, parsePid, parseRecord } from "./record.ts";

/** The rules of being turned away. Unless the lock names somebody alive, try again a few times. */
export const TURNED_AWAY: Readonly<Record<TurnedAwayPlace, PlaceRule>> = {
  findHolder: rule(
    () => ({ op: "lstat", file: "lock" }),
    (a, r) =>
      r.is === "found" && r.kind === "file" ? { ...a, at: "openHolder" } : askAgain(a, null),
    holderUnknown,
  ),
  openHolder: rule(
    () => ({ op: "open", file: "lock" }),
    (a, r) => r.is === "opened" ? { ...a, at: "readHolder" } : askAgain(a, null),
    holderUnknown,
  ),
  readHolder: rule(
    () => ({ op: "read", file: "lock", through: "peek" }),
    (a, r) => {
      const pid = parsePid(r.sighting.text);
      if (pid === null) return askAgain(a, null);
      if (pid !== a.pid) return { ...a, at: "askForHolder", seen: r.sighting };
      if (isOfOurTime(a, r.sighting, r.now)) return leave(a, { is: "held", pid, guarded: true });
      return { ...a, at: "readHolderRecord", seen: r.sighting };
    },
    holderUnknown,
  ),
  // It names us. If it isn't one of ours, then it is stale and has our PID by chance. But those
  // who have the guard take us for its owner and give up, so we must not: some time it is free.
  readHolderRecord: rule(
    () => ({ op: "read", file: "guard", through: "own" }),
    (a, r) =>
      a.seen !== null && isRecorded(parseRecord(r.sighting.text), a.seen)
        ? leave(a, { is: "held", pid: a.pid, guarded: true })
        : askAgain(a, a.pid, a.patience.graceMs / a.patience.pollMs),
    holderUnknown,
  ),
  // A dead PID is the predecessor's, and the holder is about to replace it; or it is the holder's
  // in another PID namespace: then it stays, and is told all the same.
  askForHolder: rule(
    (a) => ({ op: "alive", pid: seenPid(a) ?? 0 }),
    (a, r) =>
      r.is === "alive"
        ? leave(a, { is: "held", pid: seenPid(a), guarded: true })
        : askAgain(a, seenPid(a)),
    holderUnknown,
  ),
  awaitHolder: rule(
    (a) => ({ op: "sleep", ms: a.patience.pollMs }),
    (a, r) => r.is === "aborted" ? leave(a, { is: "aborted" }) : { ...a, at: "flockGuard" },
  ),
};

/** Somebody else has the guard: the owner, or somebody on the way to that. */
export function turnAway(a: Attempt): Attempt {
  if (a.patience.asks === 0) return leave(a, { is: "held", pid: null, guarded: true });
  return { ...a, at: "findHolder" };
}

function askAgain(a: Attempt, pid: number | null, limit = a.patience.asks): Attempt {
  const asked = a.asked + 1;
  if (asked >= limit) return leave(a, { is: "held", pid, guarded: true });
  return unwatch({ ...a, at: "awaitHolder", asked });
}

function holderUnknown(a: Attempt): Attempt {
  return leave(a, { is: "held", pid: null, guarded: true });
}
