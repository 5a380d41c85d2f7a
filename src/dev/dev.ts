/**
 * Runs the daemon while somebody works on it: `deno task dev [FLAG…]`. A change in the sources is
 * checked, and the daemon started anew from it; one that doesn't compile leaves the daemon that
 * runs. Its data are kept in `dist/dev` unless `--data-dir` or `TINYFORGE_DATA_DIR` says otherwise.
 * A process of its own for each, and not `deno run --watch`: that starts the program again in the
 * same process, where its lock and its database are still open. Not part of the binary.
 *
 * @module
 */

import { join } from "@std/path";

/** What is run, and what makes it run anew. */
export interface Watched {
  /** Files and folders; what is below them counts too. */
  readonly watch: readonly string[];
  /** What is below here makes nothing run: it is built. */
  readonly ignore?: readonly string[];
  /** Program and arguments: whether a change can be run at all. */
  readonly check: readonly string[];
  /** Program and arguments: what is run before each start; a failure is as one of the check. */
  readonly build?: readonly string[];
  /** Program and arguments: what is run; ended with SIGTERM. */
  readonly run: readonly string[];
  /** Stops it. */
  readonly signal: AbortSignal;
  /** Told what happens, a line each. */
  readonly say: (line: string) => void;
}

/** An editor writes several times and several files; one start is enough for all of them. */
const QUIET_MS = 150;

if (import.meta.main) {
  const root = new URL("../../", import.meta.url).pathname;
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => stopping.abort());
  }
  const { tasks } = JSON.parse(await Deno.readTextFile(join(root, "deno.json")));
  const [build = [], reconcile = []] = (tasks.reconcile as string).split(" && ")
    .map((line) => line.split(" ").slice(1));
  const placed = Deno.args.some((arg) => arg.startsWith("--data-dir")) ||
    Deno.env.get("TINYFORGE_DATA_DIR");
  const dataDir = placed ? [] : [`--data-dir=${join(root, "dist/dev")}`];
  await runOnChange({
    watch: ["src", "main.ts", "deno.json"].map((path) => join(root, path)),
    ignore: [join(root, "src/web/dist")],
    check: [Deno.execPath(), "check", "--quiet", join(root, "main.ts"), join(root, "src/web")],
    build: [Deno.execPath(), ...build],
    run: [Deno.execPath(), ...reconcile, ...dataDir, ...Deno.args],
    signal: stopping.signal,
    // deno-lint-ignore no-console
    say: (line) => console.error(`dev: ${line}`),
  });
}

/** Runs the program until the signal, and anew after each change that passes the check. */
export async function runOnChange(watched: Watched): Promise<void> {
  const { signal, say } = watched;
  if (signal.aborted) return;
  using watcher = Deno.watchFs([...watched.watch]);
  signal.addEventListener("abort", () => watcher.close(), { once: true });
  const changes = watcher[Symbol.asyncIterator]();
  const next = () => nextChange(changes, watched.ignore ?? []);
  let change = next();
  if (watched.build !== undefined) await succeeds(watched.build);
  let running: Deno.ChildProcess | null = start(watched);
  for (;;) {
    const ended = running?.status.then(({ code }) => `it ended with code ${code}`);
    const what = await Promise.race(ended === undefined ? [change] : [change, ended]);
    if (what === null) break;
    if (what !== "changed") {
      say(`${what}; waiting for a change`);
      running = null;
      continue;
    }
    change = (await quiet(next)).next;
    if (!await succeeds(watched.check) || watched.build && !await succeeds(watched.build)) {
      say("the change doesn't compile; what runs is from before it");
      continue;
    }
    say("changed, starting anew");
    await stop(running);
    running = start(watched);
  }
  await stop(running);
}

/** "changed", or null when the watch is over. */
async function nextChange(
  changes: AsyncIterator<Deno.FsEvent>,
  ignore: readonly string[],
): Promise<"changed" | null> {
  for (;;) {
    const { done, value } = await changes.next();
    if (done) return null;
    const counts = value.paths.some((path) => !ignore.some((folder) => path.startsWith(folder)));
    if (value.kind !== "access" && counts) return "changed";
  }
}

/** Resolves when nothing has changed for a moment, with what is waited for next. */
async function quiet(
  nextChange: () => Promise<"changed" | null>,
): Promise<{ next: Promise<"changed" | null> }> {
  for (;;) {
    const next = nextChange();
    const { promise: pause, resolve } = Promise.withResolvers<"quiet">();
    const timer = setTimeout(() => resolve("quiet"), QUIET_MS);
    const first = await Promise.race([next, pause]);
    clearTimeout(timer);
    if (first !== "changed") return { next };
  }
}

async function succeeds(line: readonly string[]): Promise<boolean> {
  return (await command(line).spawn().status).success;
}

function start(watched: Watched): Deno.ChildProcess {
  return command(watched.run).spawn();
}

async function stop(running: Deno.ChildProcess | null): Promise<void> {
  if (running === null) return;
  try {
    running.kill("SIGTERM");
  } catch {
    // It has ended meanwhile.
  }
  await running.status;
}

function command([program, ...args]: readonly string[]): Deno.Command {
  return new Deno.Command(program ?? "", { args, stdin: "null" });
}
