/**
 * Runs the tests: `deno task test [FILE…] [--filter TEXT] …`. The files that are named, as `deno
 * test` runs them, with whatever else is given; without any, all of `tests/` in lanes, whose types
 * are checked at once by `deno check` before a commit and in CI, and not by each process anew.
 * Not part of the binary.
 *
 * @module
 */

import { type Lane, lanesOf, runLanes } from "./lanes.ts";

/** What the tests may do, and that what they leave open is a fault. */
const PERMISSIONS: readonly string[] = [
  "--allow-read",
  "--allow-write",
  "--allow-net",
  "--allow-ffi",
  "--allow-env",
  "--allow-run",
  "--allow-sys",
];
const SANITIZERS = { DENO_TEST_SANITIZE_OPS: "1", DENO_TEST_SANITIZE_RESOURCES: "1" };

if (import.meta.main) {
  // A terminal interrupts both; what the tests clean up must be waited for.
  Deno.addSignalListener("SIGINT", () => {});
  Deno.exit(Deno.args.length === 0 ? await testAll() : await testThese(Deno.args));
}

async function testAll(): Promise<number> {
  const passed = await runLanes(allLanes(), {
    start: startLane,
    print: writeOut,
  });
  return passed ? 0 : 1;
}

function allLanes(): Lane[] {
  const read = (path: string) => isThere(path) ? Deno.readTextFileSync(path) : "";
  return lanesOf([...testFiles("tests")], read);
}

async function testThese(args: readonly string[]): Promise<number> {
  return (await denoTest(targets(args, isThere), "inherit").status).code;
}

async function startLane({ files, only }: Lane, print: (text: string) => void): Promise<number> {
  const filter = only === undefined ? [] : ["--filter", filterOf(only)];
  const process = denoTest(["--no-check", ...filter, ...files], "piped");
  const follow = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) print(text);
  };
  await Promise.all([follow(process.stdout), follow(process.stderr)]);
  return (await process.status).code;
}

/** What has `deno test --filter` run the tests of these names alone. */
export function filterOf(names: readonly string[]): string {
  const literal = (name: string) => name.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  return `/^(${names.map(literal).join("|")})$/`;
}

function denoTest(args: readonly string[], output: "inherit" | "piped"): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["test", "--quiet", ...PERMISSIONS, ...args],
    env: SANITIZERS,
    stdin: "null",
    stdout: output,
    stderr: output,
  }).spawn();
}

function writeOut(text: string): void {
  for (let left = new TextEncoder().encode(text); left.length > 0;) {
    left = left.subarray(Deno.stdout.writeSync(left));
  }
}

function* testFiles(folder: string): Generator<string> {
  const entries = [...Deno.readDirSync(folder)].sort((a, b) => a.name < b.name ? -1 : 1);
  for (const { name, isDirectory } of entries) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* testFiles(path);
    else if (/_test\.tsx?$/.test(name)) yield path;
  }
}

/**
 * The arguments of `deno test` for those of the task: what follows a flag, such as a filter's text,
 * is no file unless `exists` says so.
 */
export function targets(
  args: readonly string[],
  exists: (path: string) => boolean,
): readonly string[] {
  const isText = (arg: string) => !arg.startsWith("-");
  // A misspelled file is not all of them: Deno says that there is no such thing.
  const namesFiles = args.some((arg, i) =>
    isText(arg) && (exists(arg) || isText(args[i - 1] ?? "first"))
  );
  return namesFiles ? args : [...args, "tests/"];
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
