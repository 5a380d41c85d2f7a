/**
 * The way to the lock: for each place the step to take, and what its answer means. And what a
 * process does that finds the guard held by another: look for the owner's PID, so that it can be
 * told, and make sure that giving up is right. Pure; see protocol.ts.
 *
 * @module
 */
import type { AcquirePlace, Attempt, PlaceRule, TurnedAwayPlace } from "./attempt.ts";
import {
  isOfOurTime,
  judgeLock,
  judgeReclaim,
  lockIsStale,
  lockIsVacant,
  retry,
  seenPid,
  unwatch,
  watched,
} from "./judge.ts";
import { leave, rule } from "./leave.ts";
import { inodeOf, isRecorded, parsePid, parseRecord, pidText, recordText } from "./record.ts";

/** Codes by which a file system says that it has no flock. */
const NO_FLOCK = new Set(["ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EINVAL", "ENOLCK"]);

/** The rules of acquiring. */
export const ACQUIRE: Readonly<Record<AcquirePlace, PlaceRule>> = {
  // The guard: open it, flock it, and be sure that what we flocked is what the others find.
  createGuard: rule(
    () => ({ op: "create", file: "guard" }),
    (a, r) =>
      r.is === "created"
        ? { ...a, at: "flockGuard", guard: r.id, guardIsNew: true }
        : { ...a, at: "inspectGuard", guardIsNew: false },
  ),
  // Looked at before it is opened: opening a FIFO can wait for ever.
  inspectGuard: rule(
    () => ({ op: "lstat", file: "guard" }),
    (a, r) => {
      if (r.is === "missing") return retry(a, "createGuard");
      if (r.kind !== "file") return leave(a, { is: "wrong-kind", file: "guard", kind: r.kind });
      return { ...a, at: "openGuard" };
    },
  ),
  openGuard: rule(
    () => ({ op: "open", file: "guard" }),
    (a, r) => r.is === "opened" ? { ...a, at: "flockGuard", guard: r.id } : retry(a, "createGuard"),
  ),
  flockGuard: rule(
    () => ({ op: "flock", file: "guard" }),
    (a, r) => r.is === "locked" ? { ...a, at: "verifyGuard", flocked: true } : turnAway(a),
    (a, { code }) =>
      leave(
        a,
        NO_FLOCK.has(code)
          ? { is: "unsupported", code }
          : { is: "refused", step: { op: "flock", file: "guard" }, code },
      ),
  ),
  // Who made the guard and was then refused something has removed it: ours may be that one.
  verifyGuard: rule(
    () => ({ op: "lstat", file: "guard" }),
    (a, r) =>
      r.is === "found" && r.id === a.guard
        ? { ...a, at: "readRecord" }
        : retry({ ...a, guard: null, guardIsNew: false, flocked: false }, "createGuard"),
  ),
  readRecord: rule(
    () => ({ op: "read", file: "guard", through: "own" }),
    (a, { sighting: { text } }) => ({
      ...a,
      at: "lookAtLock",
      record: parseRecord(text),
      guardIsNew: false,
      guardIsUnused: a.guardIsNew && text === "",
    }),
  ),

  // Alone among our own kind. What stands at the lock's path?
  lookAtLock: rule(
    () => ({ op: "lstat", file: "lock" }),
    (a, r) => {
      if (r.is === "missing") return lockIsVacant(a);
      if (r.kind !== "file") return leave(a, { is: "wrong-kind", file: "lock", kind: r.kind });
      return { ...a, at: "openLock" };
    },
  ),
  openLock: rule(
    () => ({ op: "open", file: "lock" }),
    (a, r) => r.is === "missing" ? lockIsVacant(a) : { ...a, at: "readLock" },
  ),
  readLock: rule(
    () => ({ op: "read", file: "lock", through: "peek" }),
    (a, r) => judgeLock(a, r.sighting, r.now),
  ),
  askForOwner: rule(
    (a) => ({ op: "alive", pid: seenPid(a) ?? 0 }),
    (a, r) =>
      r.is === "dead" ? lockIsStale(a) : leave(a, { is: "held", pid: seenPid(a), guarded: false }),
  ),
  watchLock: rule(
    (a) => ({ op: "sleep", ms: a.patience.pollMs }),
    (a, r) => watched(a, r, "lookAtLock"),
  ),

  // The reclaim file: taken before anything about the lock is changed, so that nobody who minds
  // it takes the lock that we are just writing for a malformed one.
  createReclaim: rule(
    () => ({ op: "create", file: "reclaim" }),
    (a, r) =>
      r.is === "created"
        ? unwatch({ ...a, at: "writeReclaim", reclaim: r.id })
        : { ...a, at: "inspectReclaim" },
  ),
  inspectReclaim: rule(
    () => ({ op: "lstat", file: "reclaim" }),
    (a, r) => {
      if (r.is === "missing") return retry(unwatch(a), "createReclaim");
      if (r.kind !== "file") return leave(a, { is: "wrong-kind", file: "reclaim", kind: r.kind });
      return { ...a, at: "openReclaim" };
    },
  ),
  openReclaim: rule(
    () => ({ op: "open", file: "reclaim" }),
    (a, r) => r.is === "missing" ? retry(unwatch(a), "createReclaim") : { ...a, at: "readReclaim" },
  ),
  readReclaim: rule(
    () => ({ op: "read", file: "reclaim", through: "peek" }),
    (a, r) => judgeReclaim(a, r.sighting),
  ),
  askForReclaimer: rule(
    (a) => ({ op: "alive", pid: seenPid(a) ?? 0 }),
    (a, r) => ({ ...a, at: r.is === "dead" ? "removeReclaim" : "watchReclaim" }),
  ),
  watchReclaim: rule(
    (a) => ({ op: "sleep", ms: a.patience.pollMs }),
    (a, r) => watched(a, r, "inspectReclaim"),
  ),
  removeReclaim: rule(
    () => ({ op: "remove", file: "reclaim" }),
    (a) => retry(unwatch(a), "createReclaim"),
  ),
  // From here the lock is looked at once more, and judged anew unless it is the one judged stale.
  writeReclaim: rule(
    (a) => ({ op: "write", file: "reclaim", text: pidText(a.pid), sync: false }),
    (a) => ({ ...a, at: "lookAtLock" }),
  ),

  removeStale: rule(
    () => ({ op: "remove", file: "lock" }),
    (a) => ({ ...a, at: "createLock", stale: null, record: null }),
  ),
  createLock: rule(
    () => ({ op: "create", file: "lock" }),
    (a, r) =>
      r.is === "created"
        ? { ...a, at: "recordInode", lock: r.id, record: null, recorded: true }
        : retry(a, "lookAtLock"),
  ),
  // On the disk before the PID is in the lock: from then on a lock file that names us is known
  // for ours, whatever crashes, even when another process has our PID by then.
  recordInode: rule(
    (a) => ({ op: "write", file: "guard", text: ownRecord(a, null), sync: true }),
    (a) => ({ ...a, at: "writeLock" }),
  ),
  writeLock: rule(
    (a) => ({ op: "write", file: "lock", text: pidText(a.pid), sync: true }),
    (a) => ({ ...a, at: "readBack" }),
  ),
  readBack: rule(
    () => ({ op: "read", file: "lock", through: "own" }),
    (a, r) => ({ ...a, at: "recordTime", seen: r.sighting }),
  ),
  // Inodes are given out again, so a complete lock is told by its time.
  recordTime: rule(
    (a) => ({ op: "write", file: "guard", text: ownRecord(a, a.seen?.mtime ?? 0), sync: false }),
    (a) => unwatch({ ...a, at: "confirmLock" }),
  ),
  // Somebody who minds neither guard nor reclaim file may have removed it.
  confirmLock: rule(
    () => ({ op: "lstat", file: "lock" }),
    (a, r) =>
      r.is === "found" && r.id === a.lock
        ? leave(a, { is: "acquired" })
        : retry({ ...a, lock: null }, "lookAtLock"),
  ),
};

function ownRecord(a: Attempt, mtime: number | null): string {
  const { pid, lock, guard } = a;
  return recordText({ pid, mtime, inode: inodeOf(lock ?? ""), guard: inodeOf(guard ?? "") });
}

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
function turnAway(a: Attempt): Attempt {
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
