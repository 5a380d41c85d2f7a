/**
 * Performs the protocol's steps with Deno's API, on the files of one directory. Knows nothing of
 * what the steps are for.
 *
 * @module
 */
import {
  type Attempt,
  type FileKind,
  type LockFile,
  PEEK_BYTES,
  type Result,
  type Step,
} from "./attempt.ts";
import { isProcessAlive } from "../system/libc.ts";
import { advance, nextStep } from "./protocol.ts";

/** What the files are called. */
export const FILE_NAMES: Readonly<Record<LockFile, string>> = {
  lock: "tinyforge.lock",
  guard: "tinyforge.lock.guard",
  reclaim: "tinyforge.lock.reclaim",
};

/** How to perform. */
export interface DriverOptions {
  /** Ends a wait early. */
  readonly signal?: AbortSignal;
  /** Sees each step before it is performed; what it throws, the step is refused with. */
  readonly onStep?: (step: Step) => void;
}

/** The one step that takes its time. */
export type Pause = Extract<Step, { op: "sleep" }>;

/** The descriptors of one process on the files of one lock. */
export class LockDriver {
  readonly #directory: string;
  readonly #options: DriverOptions;
  readonly #own = new Map<LockFile, Deno.FsFile>();
  #peek: Deno.FsFile | null = null;
  #error: unknown = undefined;

  /** For the lock in this directory; opens nothing yet. */
  constructor(directory: string, options: DriverOptions = {}) {
    this.#directory = directory;
    this.#options = options;
  }

  /** What the last refused step threw. */
  get error(): unknown {
    return this.#error;
  }

  /** Where a file of the lock is. */
  path(file: LockFile): string {
    return `${this.#directory}/${FILE_NAMES[file]}`;
  }

  /** Performs a step at once. */
  perform(step: Exclude<Step, Pause>): Result {
    try {
      this.#options.onStep?.(step);
      return this.#perform(step);
    } catch (error) {
      const is = expected(step, error);
      if (is !== null) return { is };
      this.#error = error;
      return { is: "failed", code: codeOf(error) };
    }
  }

  /** Waits, or until the signal. */
  async pause(step: Pause): Promise<Result> {
    const { signal, onStep } = this.#options;
    onStep?.(step);
    if (signal?.aborted) return { is: "aborted" };
    const { promise, resolve } = Promise.withResolvers<Result>();
    const abort = (): void => resolve({ is: "aborted" });
    const timer = setTimeout(() => resolve({ is: "slept" }), step.ms);
    signal?.addEventListener("abort", abort);
    const result = await promise;
    signal?.removeEventListener("abort", abort);
    clearTimeout(timer);
    return result;
  }

  #perform(step: Exclude<Step, Pause>): Result {
    switch (step.op) {
      case "create":
        return this.#keep(step.file, { createNew: true, mode: 0o600 }, "created");
      case "open":
        if (step.file === "guard") return this.#keep("guard", {}, "opened");
        this.#closePeek();
        this.#peek = Deno.openSync(this.path(step.file), { read: true });
        return { is: "opened", id: idOf(this.#peek.statSync()) };
      case "flock":
        return { is: this.#file("guard").tryLockSync(true) ? "locked" : "busy" };
      case "lstat": {
        const info = Deno.lstatSync(this.path(step.file));
        return { is: "found", kind: kindOf(info), id: idOf(info) };
      }
      case "read":
        return step.through === "own" ? see(this.#file(step.file)) : this.#seePeek();
      case "write":
        overwrite(this.#file(step.file), step.text);
        if (step.sync) this.#file(step.file).syncDataSync();
        return { is: "done" };
      case "remove":
        try {
          Deno.removeSync(this.path(step.file));
        } finally {
          this.#close(step.file);
        }
        return { is: "done" };
      case "alive":
        return { is: isProcessAlive(step.pid) ? "alive" : "dead" };
      case "close":
        this.#closePeek();
        for (const file of ["reclaim", "lock", "guard"] as const) this.#close(file);
        return { is: "done" };
    }
  }

  #keep<Is extends "created" | "opened">(
    file: LockFile,
    options: Deno.OpenOptions,
    is: Is,
  ): { is: Is; id: string } {
    const opened = Deno.openSync(this.path(file), { read: true, write: true, ...options });
    this.#close(file);
    this.#own.set(file, opened);
    return { is, id: idOf(opened.statSync()) };
  }

  #file(file: LockFile): Deno.FsFile {
    const opened = this.#own.get(file);
    if (opened === undefined) throw new Error(`No descriptor of the ${file}`);
    return opened;
  }

  #seePeek(): Result {
    if (this.#peek === null) throw new Error("Nothing is open to peek");
    try {
      return see(this.#peek);
    } finally {
      this.#closePeek();
    }
  }

  #closePeek(): void {
    this.#peek?.close();
    this.#peek = null;
  }

  #close(file: LockFile): void {
    this.#own.get(file)?.close();
    this.#own.delete(file);
  }
}

/** Performs an attempt to its end. */
export async function run(attempt: Attempt, driver: LockDriver): Promise<Attempt> {
  for (let step = nextStep(attempt); step !== null; step = nextStep(attempt)) {
    const result = step.op === "sleep" ? await driver.pause(step) : driver.perform(step);
    attempt = advance(attempt, result);
  }
  return attempt;
}

/** Performs to its end an attempt that never waits: a release, a check. */
export function runAtOnce(attempt: Attempt, driver: LockDriver): Attempt {
  for (let step = nextStep(attempt); step !== null; step = nextStep(attempt)) {
    if (step.op === "sleep") throw new Error(`Waiting at ${attempt.at}`);
    attempt = advance(attempt, driver.perform(step));
  }
  return attempt;
}

/** The answer that an error of the system is to this step; null when it is a refusal. */
function expected(step: Step, error: unknown): "exists" | "missing" | "done" | null {
  if (step.op === "create" && error instanceof Deno.errors.AlreadyExists) return "exists";
  if (!(error instanceof Deno.errors.NotFound)) return null;
  if (step.op === "open" || step.op === "lstat") return "missing";
  return step.op === "remove" ? "done" : null;
}

/** What Deno has no code for, by the number at the end of its message. */
const CODES: Readonly<Record<string, string>> = {
  "37": "ENOLCK",
  "38": "ENOSYS",
  "116": "ESTALE",
  "122": "EDQUOT",
};

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ("code" in error && typeof error.code === "string") return error.code;
  const number = /\(os error (\d+)\)/.exec(error.message)?.[1];
  return number === undefined ? error.name : CODES[number] ?? `os error ${number}`;
}

function idOf({ dev, ino }: Deno.FileInfo): string {
  return `${dev}:${ino}`;
}

function kindOf(info: Deno.FileInfo): FileKind {
  if (info.isFile) return "file";
  if (info.isDirectory) return "directory";
  if (info.isSymlink) return "symlink";
  if (info.isFifo) return "fifo";
  return info.isSocket ? "socket" : "device";
}

/** Looks at the time last: a file that changes while it is read is then seen as changed later. */
function see(file: Deno.FsFile): Result<"read"> {
  const bytes = new Uint8Array(PEEK_BYTES);
  file.seekSync(0, Deno.SeekMode.Start);
  const text = String.fromCharCode(...bytes.subarray(0, file.readSync(bytes) ?? 0));
  const info = file.statSync();
  const sighting = { id: idOf(info), text, mtime: info.mtime?.getTime() ?? 0 };
  return { is: "read", sighting, now: Date.now() };
}

function overwrite(file: Deno.FsFile, text: string): void {
  const bytes = new TextEncoder().encode(text);
  file.seekSync(0, Deno.SeekMode.Start);
  for (let written = 0; written < bytes.length;) {
    written += file.writeSync(bytes.subarray(written));
  }
}
