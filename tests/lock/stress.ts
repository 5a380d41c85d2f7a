/**
 * Many real processes fight for one lock while they are killed and stopped at random; a referee
 * reads what those wrote who got it. `deno task stress:lock` runs it long.
 *
 * @module
 */
import { judge, type Ruling } from "./referee.ts";

/** How hard to try. */
export interface Stress {
  readonly protocol: "ours" | "plain";
  readonly processes: number;
  /** Ends after so many acquisitions … */
  readonly acquisitions: number;
  /** … or after so long, milliseconds. */
  readonly deadlineMs: number;
  /** The chance that a process kills itself before any one step. */
  readonly suicideOdds: number;
  /** The mean time between two kills and between two stops from outside, milliseconds. */
  readonly killEveryMs: number;
  readonly stopEveryMs: number;
  /** Ends as soon as two owned the lock at once. */
  readonly untilOverlap?: boolean;
}

/** What happened. */
export interface StressReport extends Ruling {
  /** Processes that were killed, by others or by themselves, wherever they were. */
  readonly kills: number;
  readonly stops: number;
  readonly seconds: number;
  /** What processes said that were not killed but ended. */
  readonly failures: readonly string[];
}

/** Runs it in a directory of its own. */
export async function stress(options: Stress): Promise<StressReport> {
  const directory = await Deno.makeTempDir({ prefix: "tinyforge-stress-" });
  try {
    return await new Arena(directory, options).fight();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

class Arena {
  readonly #options: Stress;
  readonly #directory: string;
  readonly #logPath: string;
  readonly #over = new AbortController();
  readonly #running = new Map<string, Deno.ChildProcess>();
  readonly #failures: string[] = [];
  #started = 0;
  #kills = 0;
  #stops = 0;

  constructor(directory: string, options: Stress) {
    this.#options = options;
    this.#directory = `${directory}/data`;
    this.#logPath = `${directory}/log`;
  }

  async fight(): Promise<StressReport> {
    const { processes, killEveryMs, stopEveryMs, deadlineMs } = this.#options;
    await Deno.mkdir(this.#directory);
    await Deno.writeTextFile(this.#logPath, "");
    const began = performance.now();
    const timer = setTimeout(() => this.#over.abort(), deadlineMs);
    const slots = Array.from({ length: processes }, () => this.#keepOneRunning());
    await Promise.all([
      this.#everyNowAndThen(killEveryMs, (victim) => this.#kill(victim)),
      this.#everyNowAndThen(stopEveryMs, (victim) => this.#stop(victim)),
      this.#watch(),
    ]);
    clearTimeout(timer);
    const seconds = (performance.now() - began) / 1000;
    const kills = this.#kills;
    for (const name of this.#running.keys()) await this.#kill(name);
    await Promise.all(slots);
    const ruling = judge(await Deno.readTextFile(this.#logPath));
    const failures = this.#failures;
    return { ...ruling, kills, stops: this.#stops, seconds, failures };
  }

  /** A process that ended is replaced by another, until it is over. */
  async #keepOneRunning(): Promise<void> {
    const { protocol, suicideOdds } = this.#options;
    while (!this.#over.signal.aborted) {
      const name = `p${++this.#started}`;
      const worker = new URL("./stress_worker.ts", import.meta.url).href;
      const flags = ["--quiet", "--no-config", "--no-lock", "--no-prompt"];
      const permissions = ["--allow-read", "--allow-write", "--allow-ffi", "--allow-run"];
      const args = [this.#directory, this.#logPath, name, protocol, String(suicideOdds)];
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", ...flags, ...permissions, worker, ...args],
        stdin: "null",
        stdout: "null",
        stderr: "piped",
      }).spawn();
      this.#running.set(name, child);
      const [{ signal }, complaint] = await Promise.all([
        child.status,
        new Response(child.stderr).text(),
      ]);
      this.#running.delete(name);
      this.#kills++;
      if (signal !== "SIGKILL") this.#failures.push(`${name}: ${complaint}`);
    }
  }

  async #everyNowAndThen(
    meanMs: number,
    act: (victim: string) => Promise<void>,
  ): Promise<void> {
    while (!this.#over.signal.aborted) {
      await this.#pause(2 * Math.random() * meanMs);
      const names = [...this.#running.keys()];
      const victim = names[Math.floor(Math.random() * names.length)];
      if (victim !== undefined && !this.#over.signal.aborted) await act(victim);
    }
  }

  async #kill(name: string): Promise<void> {
    await Deno.writeTextFile(this.#logPath, `kill ${name}\n`, { append: true, create: false });
    signal(this.#running.get(name), "SIGKILL");
  }

  async #stop(name: string): Promise<void> {
    const child = this.#running.get(name);
    this.#stops++;
    signal(child, "SIGSTOP");
    await this.#pause(Math.random() * 300);
    signal(child, "SIGCONT");
  }

  async #watch(): Promise<void> {
    const { acquisitions, untilOverlap = false } = this.#options;
    while (!this.#over.signal.aborted) {
      await this.#pause(250);
      const { entries, overlaps } = judge(await Deno.readTextFile(this.#logPath));
      if (entries >= acquisitions || untilOverlap && overlaps.length > 0) this.#over.abort();
    }
  }

  /** Ends early when it is over. */
  #pause(ms: number): Promise<void> {
    const { signal } = this.#over;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    const abort = (): void => resolve();
    signal.addEventListener("abort", abort);
    return promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    });
  }
}

/** One line for people. */
export function summary(report: StressReport): string {
  const { entries, kills, killedInside, stops, overlaps, seconds } = report;
  return `${entries} acquisitions in ${seconds.toFixed(1)} s, ${kills} kills ` +
    `(${killedInside} of owners), ${stops} stops, ${overlaps.length} overlaps`;
}

/** It may have ended of itself meanwhile. */
function signal(child: Deno.ChildProcess | undefined, name: Deno.Signal): void {
  try {
    child?.kill(name);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
  }
}

if (import.meta.main) {
  const report = await stress({
    protocol: "ours",
    processes: 16,
    acquisitions: 5_000,
    deadlineMs: 600_000,
    suicideOdds: 0.0005,
    killEveryMs: 500,
    stopEveryMs: 300,
  });
  const lines = [summary(report), ...report.overlaps, ...report.failures];
  Deno.stdout.writeSync(new TextEncoder().encode(lines.join("\n") + "\n"));
  Deno.exitCode = lines.length > 1 || report.entries < 5_000 ? 1 : 0;
}
