/**
 * The way out of an attempt, with the lock or without, and of an owner: what we made is taken
 * away again, as far as it is still what we made. And how an owner finds out whether it still is
 * one, which changes no file. Pure; see protocol.ts.
 *
 * @module
 */
import type {
  Answers,
  Attempt,
  CheckPlace,
  Failure,
  LeavePlace,
  PlaceRule,
  Step,
  Verdict,
} from "./attempt.ts";
import { parsePid, pidText, recordText } from "./record.ts";

/**
 * Decides an attempt, and goes to what must be tidied up next. A refusal on the way doesn't
 * replace the verdict.
 */
export function leave(attempt: Attempt, verdict: Verdict | null = attempt.verdict): Attempt {
  const a = { ...attempt, verdict, stale: null, seen: null, stillMs: 0 };
  const acquired = verdict?.is === "acquired";
  if (a.lock !== null && !acquired) return { ...a, at: "inspectOwnLock" };
  if (a.reclaim !== null) return { ...a, at: "inspectOwnReclaim" };
  if (acquired) return { ...a, at: "over", guardIsUnused: false };
  if (a.recorded) return { ...a, at: "clearRecord" };
  if (mayRemoveGuard(a)) return { ...a, at: "inspectOwnGuard" };
  return { ...a, at: "close" };
}

/**
 * Makes a rule for the table of places. Unless told otherwise, a refused step decides the attempt.
 */
export function rule<S extends Step>(
  step: (attempt: Attempt) => S,
  then: (attempt: Attempt, answer: Answers[S["op"]]) => Attempt,
  refused: (attempt: Attempt, failure: Failure) => Attempt = (attempt, { code }) =>
    leave(attempt, { is: "refused", step: step(attempt), code }),
): PlaceRule {
  // The table can't say that each place gets the answers of its own step; the driver sees to it.
  return { step, then: then as PlaceRule["then"], refused };
}

/** The rules of the way out. */
export const LEAVE: Readonly<Record<LeavePlace, PlaceRule>> = {
  inspectOwnLock: rule(
    () => ({ op: "lstat", file: "lock" }),
    (a, r) => r.is === "found" && r.id === a.lock ? { ...a, at: "readOwnLock" } : forgetLock(a),
    leaveLockBehind,
  ),
  readOwnLock: rule(
    () => ({ op: "read", file: "lock", through: "own" }),
    (a, r) =>
      // What a refused write left there may be a part of it.
      r.sighting.text === pidText(a.pid) || a.verdict?.is !== "released"
        ? { ...a, at: "removeOwnLock" }
        : forgetLock(a),
    leaveLockBehind,
  ),
  removeOwnLock: rule(() => ({ op: "remove", file: "lock" }), forgetLock, leaveLockBehind),
  inspectOwnReclaim: rule(
    () => ({ op: "lstat", file: "reclaim" }),
    (a, r) =>
      r.is === "found" && r.id === a.reclaim
        ? { ...a, at: "removeOwnReclaim" }
        : leave({ ...a, reclaim: null }),
    (a) => leave({ ...a, reclaim: null }),
  ),
  removeOwnReclaim: rule(
    () => ({ op: "remove", file: "reclaim" }),
    (a) => leave({ ...a, reclaim: null }),
    (a) => leave({ ...a, reclaim: null }),
  ),
  clearRecord: rule(
    () => ({ op: "write", file: "guard", text: recordText(null), sync: false }),
    (a) => leave({ ...a, recorded: false }),
    (a) => leave({ ...a, recorded: false }),
  ),
  inspectOwnGuard: rule(
    () => ({ op: "lstat", file: "guard" }),
    (a, r) =>
      r.is === "found" && r.id === a.guard
        ? { ...a, at: "removeOwnGuard" }
        : leave({ ...a, guardIsNew: false, guardIsUnused: false }),
    (a) => leave({ ...a, guardIsNew: false, guardIsUnused: false }),
  ),
  removeOwnGuard: rule(
    () => ({ op: "remove", file: "guard" }),
    (a) => leave({ ...a, guardIsNew: false, guardIsUnused: false }),
    (a) => leave({ ...a, guardIsNew: false, guardIsUnused: false }),
  ),
  close: rule(() => ({ op: "close" }), over, over),
};

function forgetLock(a: Attempt): Attempt {
  return leave({ ...a, lock: null });
}

/** The record stays with it: so the next start knows it for ours. */
function leaveLockBehind(a: Attempt): Attempt {
  return leave({ ...a, lock: null, recorded: false });
}

/**
 * The guard stays for ever, but an attempt that was refused leaves nothing behind: it takes the
 * guard that it had created away with it, if nobody has used that since. Whoever has it open
 * finds out after the flock. Where flock is unsupported nobody can use it.
 */
function mayRemoveGuard(a: Attempt): boolean {
  switch (a.verdict?.is) {
    case "unsupported":
      return a.guardIsNew;
    case "refused":
    case "wrong-kind":
    case "aborted":
      return a.guardIsUnused;
    default:
      return false;
  }
}

function over(a: Attempt): Attempt {
  return { ...a, at: "over", guard: null, flocked: false };
}

/** The rules of checking: three looks, and two more for who took it. */
export const CHECK: Readonly<Record<CheckPlace, PlaceRule>> = {
  checkLock: rule(
    () => ({ op: "lstat", file: "lock" }),
    (a, r) => {
      if (r.is === "missing") return lost(a, "the lock file is gone");
      if (r.id === a.lock) return { ...a, at: "checkText" };
      return r.kind === "file"
        ? { ...a, at: "openSuccessor" }
        : lost(a, `a ${r.kind} has taken the lock file's place`);
    },
    (a, { code }) => lost(a, `the lock file can't be looked at (${code})`),
  ),
  checkText: rule(
    () => ({ op: "read", file: "lock", through: "own" }),
    (a, r) =>
      r.sighting.text === pidText(a.pid)
        ? { ...a, at: "checkGuard" }
        : lost(a, "the lock file was overwritten", parsePid(r.sighting.text)),
    (a, { code }) => lost(a, `the lock file can't be read (${code})`),
  ),
  // With another guard in its place, a process that follows the protocol no longer meets us there.
  checkGuard: rule(
    () => ({ op: "lstat", file: "guard" }),
    (a, r) =>
      r.is === "found" && r.id === a.guard
        ? { ...a, at: "over", verdict: { is: "kept" } }
        : lost(a, "the guard file was removed or replaced"),
    (a, { code }) => lost(a, `the guard file can't be looked at (${code})`),
  ),
  openSuccessor: rule(
    () => ({ op: "open", file: "lock" }),
    (a, r) => r.is === "opened" ? { ...a, at: "readSuccessor" } : lost(a, "the lock file is gone"),
    (a) => lost(a, "the lock file was replaced"),
  ),
  readSuccessor: rule(
    () => ({ op: "read", file: "lock", through: "peek" }),
    (a, r) => lost(a, "the lock file was replaced", parsePid(r.sighting.text)),
    (a) => lost(a, "the lock file was replaced"),
  ),
};

function lost(a: Attempt, reason: string, owner: number | null = null): Attempt {
  return { ...a, at: "over", verdict: { is: "lost", reason, owner } };
}
