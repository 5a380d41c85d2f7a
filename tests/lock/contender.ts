/**
 * A process that acquires the lock once, as a test tells it to: says how that went, holds the
 * lock until its standard input ends, releases it. Its first argument is a {@link Task} as JSON.
 *
 * @module
 */
import { hintFor } from "../../src/cli/words.ts";
import { isFailure, isLockFailure } from "../../src/failure.ts";
import { acquireLock } from "../../src/lock/lock.ts";
import type { Step } from "../../src/lock/attempt.ts";

/** What to do. */
export interface Task {
  readonly directory: string;
  readonly graceMs?: number;
  /** Becomes this user first. */
  readonly uid?: number;
  /** Sends itself this signal … */
  readonly signal?: "SIGKILL" | "SIGSTOP";
  /** … before the step of this number, counted from 0. */
  readonly atStep?: number;
  /** … or before the first such step. */
  readonly before?: Pick<Step, "op"> & { readonly file?: string };
}

/** How it went. */
export type Outcome =
  | { readonly is: "acquired"; readonly pid: number; readonly ms: number; readonly sleeps: number }
  | {
    readonly is: "failed";
    readonly code: string;
    readonly message: string;
    readonly hint: string | null;
    readonly path: string | null;
    readonly pid: number | null;
    readonly sleeps: number;
  }
  /** It is about to stop itself. */
  | { readonly is: "stopping" }
  | { readonly is: "released" };

if (import.meta.main) await contend(JSON.parse(Deno.args[0] ?? "{}"));

async function contend(task: Task): Promise<void> {
  if (task.uid !== undefined) become(task.uid);
  let step = 0;
  let sleeps = 0;
  let signal = task.signal;
  const began = performance.now();
  try {
    const lock = await acquireLock(task.directory, {
      ...(task.graceMs === undefined ? {} : { graceMs: task.graceMs }),
      onStep: (taken) => {
        if (taken.op === "sleep") sleeps++;
        const isAt = step++ === task.atStep || isSame(taken, task.before);
        if (!isAt || signal === undefined) return;
        if (signal === "SIGSTOP") tell({ is: "stopping" });
        Deno.kill(Deno.pid, signal);
        signal = undefined;
      },
    });
    tell({ is: "acquired", pid: Deno.pid, ms: performance.now() - began, sleeps });
    await new Response(Deno.stdin.readable).text();
    lock.release();
    tell({ is: "released" });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { name, message } = error;
    const code = isFailure(error) ? error.code : name;
    const hint = isLockFailure(error) ? hintFor(error) : null;
    const path = isLockFailure(error) ? error.data.path : null;
    const pid = isFailure(error, "lock-held") ? error.data.pid : null;
    tell({ is: "failed", code, message, hint, path, pid, sleeps });
  }
}

function isSame(step: Step, wanted: Task["before"]): boolean {
  return step.op === wanted?.op &&
    (wanted.file === undefined || "file" in step && step.file === wanted.file);
}

/** Root's rights end here; what is loaded stays loaded. */
function become(uid: number): void {
  const libc = Deno.dlopen("libc.so.6", {
    setgroups: { parameters: ["usize", "pointer"], result: "i32" },
    setgid: { parameters: ["u32"], result: "i32" },
    setuid: { parameters: ["u32"], result: "i32" },
  });
  const { setgroups, setgid, setuid } = libc.symbols;
  const failed = setgroups(0n, null) !== 0 || setgid(uid) !== 0 || setuid(uid) !== 0;
  libc.close();
  if (failed) throw new Error(`Cannot become user ${uid}`);
}

function tell(outcome: Outcome): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(outcome)}\n`));
}
