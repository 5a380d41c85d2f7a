/**
 * The lock on a data directory: one process owns it, or none. Two that reconcile one database
 * would do everything twice, so everything that writes there acquires it first. Must not create
 * the directory, and touches nothing in it but its own three files.
 *
 * @module
 */
import type { Attempt } from "./attempt.ts";
import { type DriverOptions, FILE_NAMES, LockDriver, run, runAtOnce } from "./driver.ts";
import { lockErrorFor, lockFailure } from "./lock_error.ts";
import { beginAcquire, beginCheck, beginRelease } from "./protocol.ts";
import { parsePid } from "./record.ts";

/** The lock, held by this process. */
export interface Lock extends Disposable {
  /** The lock file's path, absolute. */
  readonly path: string;
  /** The PID that it names: ours. */
  readonly pid: number;
  /** Whether it is still ours. Reads three files, changes none, doesn't throw. */
  check(): LockStatus;
  /**
   * Gives it up, at once. Does nothing the second time, and doesn't throw: a file that can't be
   * removed is stale when we are gone, and the next start knows it for ours.
   */
  release(): void;
}

/** What {@link Lock.check} found. */
export type LockStatus =
  | { readonly held: true }
  | {
    readonly held: false;
    /** What happened to it. */
    readonly reason: string;
    /** The PID that the lock file names now; null when it names nobody. */
    readonly owner: number | null;
  };

/** How to acquire. */
export interface AcquireOptions extends DriverOptions {
  /**
   * How long something that looks unfinished must stand still before it counts as abandoned,
   * milliseconds; 2000 unless told. Nothing waits that long unless a malformed file, or another
   * implementation's reclaim file, is found.
   */
  readonly graceMs?: number;
}

const GRACE_MS = 2_000;

/** So many looks make up the grace time. */
const POLLS = 20;

/**
 * Takes the data directory for this process, until it releases it or ends, however it ends.
 *
 * @throws {Failure} `lock-held` when another process has it, `lock-path` when it is no directory or
 *   something odd stands in the lock's place, `lock-unsupported` when the file system has no flock,
 *   another of the lock's codes when the system refuses; and the signal's reason.
 */
export async function acquireLock(dataDir: string, options: AcquireOptions = {}): Promise<Lock> {
  options.signal?.throwIfAborted();
  const driver = new LockDriver(resolve(dataDir), options);
  const graceMs = options.graceMs ?? GRACE_MS;
  const attempt = await run(
    beginAcquire({
      pid: Deno.pid,
      startedAt: performance.timeOrigin,
      patience: { graceMs, pollMs: Math.max(1, graceMs / POLLS), asks: 3, retries: 50 },
    }),
    driver,
  );
  if (attempt.verdict?.is === "acquired") return new HeldLock(attempt, driver);
  if (attempt.verdict?.is === "aborted") options.signal?.throwIfAborted();
  throw lockErrorFor(attempt.verdict, {
    directory: dataDir,
    pathOf: (file) => driver.path(file),
    cause: driver.error,
  });
}

/** Who holds the lock. */
export interface LockOwner {
  /** The PID that the lock file names; null when it is malformed, can't be read, or isn't there. */
  readonly pid: number | null;
  /** Whether it is held, by that process as far as it can be told; null when that can't be told. */
  readonly live: boolean | null;
}

/**
 * Who holds the lock, as far as its files tell; null when nobody does. For showing: it may be wrong
 * about a PID that was given out again. Where the lock file names nobody who lives it tries the
 * guard, which somebody may hold all the same, with a shared flock for a moment: a start that meets
 * it tries again. Doesn't throw.
 */
export function readOwner(dataDir: string): LockOwner | null {
  const named = readNamed(dataDir);
  if (named?.live === true) return named;
  if (lookAtGuard(dataDir) !== "held") return named;
  return { pid: null, live: true };
}

/**
 * What the process that says that it is `pid` lost the lock by; null where it has it, or where this
 * user may not look. Whether there is such a PID is not asked: it may be one of another namespace.
 * What {@link Lock.check} finds within that process, as far as its files tell others. Doesn't throw.
 */
export function lossOf(dataDir: string, pid: number): string | null {
  const named = lookAtLock(dataDir);
  if (named === "missing") return "the lock file is gone";
  if (named === "refused") return null;
  if (named !== pid) return "the lock file was replaced or overwritten";
  return lookAtGuard(dataDir) === "free" ? "the guard file was removed or replaced" : null;
}

function readNamed(dataDir: string): LockOwner | null {
  const pid = lookAtLock(dataDir);
  if (pid === "missing") return null;
  if (pid === "refused" || pid === null) return { pid: null, live: null };
  const asked = new LockDriver(dataDir).perform({ op: "alive", pid });
  return { pid, live: asked.is === "failed" ? null : asked.is === "alive" };
}

/** The PID in the lock file; null when it names none. */
function lookAtLock(dataDir: string): number | null | "missing" | "refused" {
  const driver = new LockDriver(dataDir);
  try {
    const found = driver.perform({ op: "lstat", file: "lock" });
    if (found.is === "missing") return "missing";
    if (found.is === "failed") return "refused";
    if (found.is === "found" && found.kind !== "file") return null;
    const opened = driver.perform({ op: "open", file: "lock" });
    if (opened.is === "missing") return "missing";
    if (opened.is === "failed") return "refused";
    const read = driver.perform({ op: "read", file: "lock", through: "peek" });
    return read.is === "read" ? parsePid(read.sighting.text) : null;
  } finally {
    driver.perform({ op: "close" });
  }
}

function lookAtGuard(dataDir: string): "held" | "free" | "refused" {
  const path = `${dataDir}/${FILE_NAMES.guard}`;
  try {
    // Looked at before it is opened: opening a FIFO can wait for ever.
    if (!Deno.lstatSync(path).isFile) return "free";
    using guard = Deno.openSync(path, { read: true });
    return guard.tryLockSync(false) ? "free" : "held";
  } catch (error) {
    return error instanceof Deno.errors.NotFound ? "free" : "refused";
  }
}

class HeldLock implements Lock {
  readonly path: string;
  readonly pid: number;
  readonly #driver: LockDriver;
  #attempt: Attempt | null;

  constructor(attempt: Attempt, driver: LockDriver) {
    this.path = driver.path("lock");
    this.pid = attempt.pid;
    this.#driver = driver;
    this.#attempt = attempt;
  }

  check(): LockStatus {
    if (this.#attempt === null) return { held: false, reason: "it was released", owner: null };
    const { verdict } = runAtOnce(beginCheck(this.#attempt), this.#driver);
    if (verdict?.is !== "lost") return { held: true };
    return { held: false, reason: verdict.reason, owner: verdict.owner };
  }

  release(): void {
    if (this.#attempt === null) return;
    runAtOnce(beginRelease(this.#attempt), this.#driver);
    this.#attempt = null;
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/** The directory by its real, absolute path: what we find later must not depend on where we are. */
function resolve(dataDir: string): string {
  const at = { directory: dataDir, path: dataDir };
  try {
    const path = Deno.realPathSync(dataDir);
    if (Deno.statSync(path).isDirectory) return path;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      throw lockFailure("lock-path", "there is no such directory", {
        ...at,
        found: "nothing",
        cause,
      });
    }
    if (!(cause instanceof Deno.errors.NotADirectory)) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw lockFailure("lock-refused", reason, { ...at, errno: "", strangers: null, cause });
    }
  }
  throw lockFailure("lock-path", "it is not a directory", { ...at, found: "no-directory" });
}
