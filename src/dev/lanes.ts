/**
 * All tests in several processes, some at a time: most tests wait, most of the time. Those that use
 * this machine's Engine stay in one process, because they see each other's containers. What is
 * printed comes a test file at a time, and one summary at the end, as `deno test` words it. What
 * failed beside the others runs once more by itself. Must not know how a process is started. Not
 * part of the binary.
 *
 * @module
 */

import { dirname, join, normalize } from "@std/path";

/** Test files that run one after another. */
export interface Lane {
  /** What they have in common, for who reads the output. */
  readonly name: string;
  /** Paths from the top of the checkout. */
  readonly files: readonly string[];
  /** Names of the only tests of theirs that are to run; absent: all. */
  readonly only?: readonly string[];
}

/** A test that failed. */
interface Failed {
  /** Path from the top of the checkout. */
  readonly file: string;
  readonly name: string;
}

/** What a lane's process came to. */
export interface Result {
  /** Tests, as the process counted them; null: it ended before it did. */
  readonly counts:
    | { readonly passed: number; readonly steps: number; readonly failed: number }
    | null;
  /** Its exit code. */
  readonly code: number;
  /** Names of what failed, each with its file and line. */
  readonly failures: readonly string[];
}

/** Runs a lane and hands on what it prints, as it comes. Resolves with the exit code. */
export type Start = (lane: Lane, print: (text: string) => void) => Promise<number>;

/** How many processes run at once: two cores have something to do while one of three waits. */
const AT_ONCE = 3;

/** What finds the machine's own Engine; whoever imports it, by whatever way, uses that. */
const MACHINES_ENGINE = "tests/engines/docker.ts";

/** How much longer a test takes, for each letter, that waits for a program which it started. */
const PROGRAM_COSTS = 6;

/** What a lane may cost, in letters: some half a minute. */
const LANE_COSTS = 150_000;

/** Tests that run again: where more failed, it is not for want of a core. */
const MOST_AGAIN = 8;

/**
 * The lanes of these test files: first that of those that use the machine's Engine; then the others
 * of a folder or of neighbouring ones, none long, so that no process is left alone at the end, and
 * those that cost most first.
 *
 * @param read gives a file's text by its path from the top of the checkout; nothing where a test only
 *   quotes an import.
 */
export function lanesOf(files: readonly string[], read: (path: string) => string): Lane[] {
  const usesEngine = reaching((path) => path === MACHINES_ENGINE, read);
  const startsPrograms = reaching((path) => read(path).includes("new Deno.Command("), read);
  const cost = (file: string) => read(file).length * (startsPrograms(file) ? PROGRAM_COSTS : 1);
  const lanes: { name: string; files: string[]; cost: number }[] = [];
  for (const file of files.filter((file) => !usesEngine(file))) {
    const last = lanes.at(-1);
    if (last === undefined || last.cost + cost(file) > LANE_COSTS) {
      lanes.push({ name: file, files: [file], cost: cost(file) });
    } else {
      last.files.push(file);
      last.name = `${last.files[0]} to ${file}`;
      last.cost += cost(file);
    }
  }
  const engine = { name: "the Engine", files: files.filter(usesEngine) };
  return [
    ...engine.files.length === 0 ? [] : [engine],
    ...lanes.sort((a, b) => b.cost - a.cost).map(({ name, files }) => ({ name, files })),
  ];
}

/**
 * Runs the lanes and prints what they say. Resolves with whether all tests passed, beside others or,
 * where few did not, once more with the machine to themselves: a bound in milliseconds means
 * something there only. Both are told. A lane that ended before it counted its tests did not pass.
 */
export async function runLanes(
  lanes: readonly Lane[],
  { start, print }: { start: Start; print: (text: string) => void },
): Promise<boolean> {
  const began = Date.now();
  const waiting = [...lanes];
  const run = async (lane: Lane): Promise<Ran> => {
    const files = new ByFile(print);
    const code = await start(lane, (text) => files.take(text));
    files.end();
    return { lane, failed: files.failed, ...resultOf(files.tail, code) };
  };
  const ran: Ran[] = [];
  const worker = async () => {
    for (let lane = waiting.shift(); lane !== undefined; lane = waiting.shift()) {
      ran.push(await run(lane));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const again = laneAgain(ran);
  if (again !== null) print(`\nOnce more, by themselves: ${again.only!.length} that failed\n`);
  const { text, failed } = summary(ran, again && await run(again), Date.now() - began);
  print(text);
  return failed === 0;
}

/** What the end of a process's output and its exit code tell. */
export function resultOf(tail: string, code: number): Result {
  const found = tail.match(/^(?:ok|FAILED) \| (\d+) passed(?: \((\d+) steps?\))? \| (\d+) failed/m);
  const named = tail.match(/^ FAILURES \n\n([\s\S]*?)\n\n/m)?.[1] ?? "";
  return {
    counts: found === null
      ? null
      : { passed: Number(found[1]), steps: Number(found[2] ?? 0), failed: Number(found[3]) },
    code,
    failures: named.split("\n").filter((line) => line.includes(" => ")),
  };
}

interface Ran extends Result {
  readonly lane: Lane;
  readonly failed: readonly Failed[];
}

/** What failed, as a lane of its own; null where that is nothing, too much, or not all of it. */
function laneAgain(ran: readonly Ran[]): Lane | null {
  const failed = ran.flatMap(({ failed }) => failed);
  const counted = ran.reduce((sum, { counts }) => sum + (counts?.failed ?? 0), 0);
  if (failed.length === 0 || failed.length > MOST_AGAIN || failed.length !== counted) return null;
  return {
    name: "what failed",
    files: [...new Set(failed.map(({ file }) => file))],
    only: failed.map(({ name }) => name),
  };
}

function summary(
  ran: readonly Ran[],
  again: Ran | null,
  tookMs: number,
): { text: string; failed: number } {
  let [passed, steps, failed] = [0, 0, 0];
  const wrong: string[] = [];
  for (const { lane, counts, code, failures } of ran) {
    passed += counts?.passed ?? 0;
    steps += counts?.steps ?? 0;
    failed += counts?.failed ?? 0;
    wrong.push(...failures);
    // Killed, or failed outside of any test: a failure that nothing else counts.
    if (counts === null || (code !== 0 && counts.failed === 0)) {
      failed++;
      wrong.push(`the tests of ${lane.name} ended with code ${code}`);
    }
  }
  const now = passedAlone(again);
  const isMended = isOf(now);
  const lines = now.length === 0
    ? []
    : ["", " FAILED BESIDE OTHERS, PASSED ALONE ", "", ...wrong.filter(isMended)];
  const still = wrong.filter((line) => !isMended(line));
  passed += now.length;
  failed -= now.length;
  const seconds = Math.round(tookMs / 1000);
  const took = seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
  const counted = `${passed} passed (${steps} ${
    steps === 1 ? "step" : "steps"
  }) | ${failed} failed`;
  if (still.length > 0) lines.push("", " FAILURES ", "", ...still);
  lines.push("", `${failed === 0 ? "ok" : "FAILED"} | ${counted} (${took})`, "");
  return { text: lines.join("\n"), failed };
}

/** The tests that passed when they ran again; none where their process says nothing sure. */
function passedAlone(again: Ran | null): readonly string[] {
  if (again === null || again.counts === null) return [];
  const only = again.lane.only ?? [];
  if (again.code !== 0 && again.counts.failed === 0) return [];
  if (again.counts.passed + again.counts.failed < only.length) return [];
  const failed = new Set(again.failed.map(({ name }) => name));
  return only.filter((name) => !failed.has(name));
}

/** Whether a line such as `name => ./tests/a_test.ts:3:6` is of one of these tests. */
function isOf(names: readonly string[]): (failure: string) => boolean {
  return (failure) => names.includes(failure.slice(0, failure.lastIndexOf(" => ")));
}

/** Hands on text when a file's tests are through, so that two processes' lines don't mix. */
class ByFile {
  /** Tests that failed, by what their files' lines said. */
  readonly failed: Failed[] = [];
  readonly #print: (text: string) => void;
  #kept = "";

  constructor(print: (text: string) => void) {
    this.#print = print;
  }

  /** What was printed last: of the last file, and what all came to. */
  get tail(): string {
    return this.#kept;
  }

  take(text: string): void {
    this.#kept += text;
    const next = this.#kept.lastIndexOf("\nrunning ");
    if (next === -1) return;
    this.#through(this.#kept.slice(0, next + 1));
    this.#kept = this.#kept.slice(next + 1);
  }

  end(): void {
    this.#through(this.#kept);
  }

  /** One file's tests, or several's. */
  #through(text: string): void {
    this.#print(text);
    let [file, slow] = ["", ""];
    for (const line of text.split("\n")) {
      file = line.match(/^running \d+ tests? from \.\/(\S+)$/)?.[1] ?? file;
      // Of one that takes a minute it is said on the same line, and how it went on the next.
      slow = line.match(/^(\S.*) \.\.\.'.*' has been running /)?.[1] ?? slow;
      const name = line.match(/^(\S.*) \.\.\. FAILED \(/)?.[1] ??
        (line.startsWith(" FAILED (") ? slow : "");
      if (name !== "") this.failed.push({ file, name });
    }
  }
}

/** Tells of a file of the tests whether it is `such`, or imports one that is, by whatever way. */
function reaching(
  such: (path: string) => boolean,
  read: (path: string) => string,
): (file: string) => boolean {
  const known = new Map<string, boolean>();
  const reaches = (file: string): boolean => {
    const before = known.get(file);
    if (before !== undefined) return before;
    known.set(file, false);
    const answer = such(file) || imports(file).some(reaches);
    known.set(file, answer);
    return answer;
  };
  const imports = (file: string) =>
    [...read(file).matchAll(/from\s+"(\.[^"]+\.tsx?)"/g)]
      .map(([, path]) => normalize(join(dirname(file), path!)))
      .filter((path) => path.startsWith("tests/"));
  return reaches;
}
