/**
 * How an owner finds out whether it still is one. Changes no file. Pure; see protocol.ts.
 *
 * @module
 */
import type { Attempt, CheckPlace, PlaceRule } from "./attempt.ts";
import { rule } from "./leave.ts";
import { parsePid, pidText } from "./record.ts";

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
