/**
 * Starts processes that acquire the lock, and the directories they do it in.
 *
 * @module
 */
import { acquireLock, type Lock } from "../../src/lock/lock.ts";
import { until } from "../harness/until.ts";
import type { Outcome, Task } from "./contender.ts";

/** Longer than anything here should take, milliseconds. */
const PATIENCE_MS = 30_000;

/** A process that runs `contender.ts`. Disposal kills it. */
export class Contender implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;

  /** Starts it; with `prefix`, under another command, which must pass its arguments on. */
  constructor(task: Task, prefix: readonly string[] = []) {
    const [command = "", ...args] = [...prefix, Deno.execPath(), ...contenderArgs(task)];
    this.#child = new Deno.Command(command, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#lines = this.#child.stdout
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(lines())
      .getReader();
  }

  /** Of the command that was started: the process itself unless there is a prefix. */
  get pid(): number {
    return this.#child.pid;
  }

  /** What it says next; null when it ended without a word. */
  async outcome(): Promise<Outcome | null> {
    const timer = setTimeout(() => this.signal("SIGKILL"), PATIENCE_MS);
    const { done, value } = await this.#lines.read();
    clearTimeout(timer);
    const outcome: Outcome | null = done ? null : JSON.parse(value);
    // It says so before it does: what is to wake it must not come before that.
    if (outcome?.is === "stopping") await until("it is stopped", () => isStopped(this.pid));
    return outcome;
  }

  /** Lets it release, and says what it said to that. */
  async release(): Promise<Outcome | null> {
    await this.#child.stdin.close();
    return await this.outcome();
  }

  /** Sends it a signal. */
  signal(name: Deno.Signal): void {
    this.#child.kill(name);
  }

  /** Resolves when it has ended. */
  async ended(): Promise<Deno.CommandStatus> {
    return await this.#child.status;
  }

  /** Ends it, whatever it does. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // It has ended already.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
    await this.#child.status;
    await this.#lines.cancel();
    await this.#child.stdin.close().catch(() => {});
  }
}

/** A directory for one test. Disposal removes it. */
export class TestDirectory implements AsyncDisposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "tinyforge-lock-" });

  /** Where the lock file is. */
  get lock(): string {
    return `${this.path}/tinyforge.lock`;
  }

  /** Where the guard is. */
  get guard(): string {
    return `${this.lock}.guard`;
  }

  /** Where the reclaim file is. */
  get reclaim(): string {
    return `${this.lock}.reclaim`;
  }

  /** The names of what is in it, sorted. */
  list(): string[] {
    return [...Deno.readDirSync(this.path)].map(({ name }) => name).sort();
  }

  /** Removes it with all that is in it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** Acquires the lock of a directory; throws where it had to wait for it. */
export async function acquireAtOnce(directory: string): Promise<Lock> {
  let sleeps = 0;
  const lock = await acquireLock(directory, {
    onStep: ({ op }) => sleeps += op === "sleep" ? 1 : 0,
  });
  if (sleeps === 0) return lock;
  lock.release();
  throw new Error(`It waited ${sleeps} times`);
}

/** A PID that belonged to a process that has ended. */
export async function deadPid(): Promise<number> {
  const child = new Deno.Command("true", { stdin: "null" }).spawn();
  await child.status;
  return child.pid;
}

/** Whether a process is stopped, by what the kernel says of it; `ps` may read what Deno may not. */
async function isStopped(pid: number): Promise<boolean> {
  const args = ["-o", "stat=", "-p", String(pid)];
  const { stdout } = await new Deno.Command("ps", { args, stdin: "null" }).output();
  return new TextDecoder().decode(stdout).startsWith("T");
}

function contenderArgs(task: Task): string[] {
  const script = new URL("./contender.ts", import.meta.url).pathname;
  const flags = ["--quiet", "--no-config", "--no-lock", "--no-prompt"];
  const permissions = ["--allow-read", "--allow-write", "--allow-ffi", "--allow-run"];
  return ["run", ...flags, ...permissions, script, JSON.stringify(task)];
}

function lines(): TransformStream<string, string> {
  let rest = "";
  return new TransformStream({
    transform(chunk, controller) {
      const [...complete] = (rest + chunk).split("\n");
      rest = complete.pop() ?? "";
      for (const line of complete) controller.enqueue(line);
    },
  });
}
