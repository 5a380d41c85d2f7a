/**
 * Runs the tests: `deno task test [FILE…] [--filter TEXT] …`. The files that are named, and all of
 * `tests/` where none is; everything else goes to `deno test` as it stands. The exit code is its.
 * Must not read what the tests say. Not part of the binary.
 *
 * @module
 */

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
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "--quiet", ...PERMISSIONS, ...targets(Deno.args, isThere)],
    env: SANITIZERS,
    stdin: "null",
  }).spawn().status;
  Deno.exit(code);
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
