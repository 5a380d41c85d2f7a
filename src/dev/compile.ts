/**
 * Builds the binary: `deno task compile [--target TRIPLE]` → `dist/tinyforge` and its SHA-256.
 * Must not give the binary a permission that the program does not use. Not part of the binary.
 *
 * `SQLITE_LIBRARY` names the library to carry, `DENORT_BIN` the runtime to build on.
 *
 * @module
 */

import { basename } from "@std/path";
import { buildWeb } from "./web.ts";
import { sha256Of } from "../secret.ts";
import { CONFIG_ENVIRONMENT } from "../flags.ts";
import { PROXY_VARIABLES } from "../http/client.ts";

/**
 * Every environment variable that the binary may read. A name that is not here reads as if it were
 * not set in the binary only, so a test compares this with what the code asks for.
 */
export const ENVIRONMENT: readonly string[] = [
  ...new Set([
    ...CONFIG_ENVIRONMENT.filter((name) => !name.startsWith("TINYFORGE_")),
    "TINYFORGE_*",
    ...PROXY_VARIABLES,
    "DENO_SQLITE_PATH",
    "XDG_CACHE_HOME",
    "NOTIFY_SOCKET",
    // PostgreSQL's own, which its driver reads.
    "PG*",
    "LISTEN_FDS",
    "LISTEN_PID",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "JOURNAL_STREAM",
    "SYSTEMD_EXEC_PID",
    "NO_COLOR",
    "TERM",
  ]),
];

/**
 * How the program's memory is kept, the same in the tasks and in the binary. A listing is garbage a
 * moment after it came, and by itself V8 lets much of that pile up before it looks.
 */
export const V8_FLAGS: string = [
  // MB; what is young is looked through more often, for a little time.
  "--max-semi-space-size=2",
  // What is old is looked through when there is that much more of it than there was in use.
  "--heap-growing-percent=50",
  // After a first pass V8 would take what every pass makes for something that lasts.
  "--no-allocation-site-pretenuring",
].join(",");

const ROOT = new URL("../../", import.meta.url).pathname;
const DIST = `${ROOT}dist/`;
const BINARY = `${DIST}tinyforge`;
/** Where `src/store/library.ts` looks for the library. */
const ASSETS = `${DIST}assets/`;

/** What the compiler is given instead of the modules. */
const BUNDLE = `${DIST}bundle/`;
/** A thread's module, which nothing imports. */
const WORKER = "src/safekeeping/worker.ts";
/** What the program looks for with `carried()`, besides that. */
const CARRIED: readonly string[] = [
  "src/store/migrations",
  "src/hub/migrations",
  "src/web/dist",
  "dist/assets",
];

/** ELF machine numbers and library folders of the platforms that are built for. */
const TARGETS: Readonly<Record<string, { machine: number; folders: readonly string[] }>> = {
  "x86_64-unknown-linux-gnu": {
    machine: 62,
    folders: ["/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"],
  },
  "aarch64-unknown-linux-gnu": {
    machine: 183,
    folders: ["/usr/lib/aarch64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"],
  },
};

/** Why the binary can't be built, and what to do about it. */
class CompileError extends Error {
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

if (import.meta.main) {
  try {
    say(await compile(readTarget(Deno.args)));
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    say(`${error.message}\nhint: ${error.hint}`);
    Deno.exit(1);
  }
}

async function compile(target: string): Promise<string> {
  await Deno.mkdir(ASSETS, { recursive: true });
  for (const stale of [BINARY, `${BINARY}.sha256`]) await Deno.remove(stale).catch(() => {});
  await stageLibrary(target);
  await buildWeb();
  await bundle();
  await runCompiler(target);

  const content = await Deno.readFile(BINARY);
  const sha256 = await sha256Of(content);
  await Deno.writeTextFile(`${BINARY}.sha256`, `${sha256}  tinyforge\n`);
  const took = target === Deno.build.target ? await tryBinary() : null;
  const size = (content.length / 2 ** 20).toFixed(1);
  return `dist/tinyforge: ${size} MiB for ${target}, sha256 ${sha256}` +
    (took === null ? "" : `, starts in ${took.toFixed(0)} ms`);
}

function readTarget(args: readonly string[]): string {
  const [flag = "--target", value = Deno.build.target, ...rest] = args.flatMap((arg) =>
    arg.split("=")
  );
  if (flag !== "--target" || args.length === 1 && args[0] === flag || rest.length > 0) {
    throw new CompileError(
      `Cannot build: unknown arguments ${JSON.stringify(args.join(" "))}`,
      `deno task compile [--target ${Object.keys(TARGETS).join("|")}]`,
    );
  }
  if (TARGETS[value] === undefined) {
    throw new CompileError(
      `Cannot build for ${JSON.stringify(value)}: not a platform this program runs on`,
      `one of ${Object.keys(TARGETS).join(", ")}`,
    );
  }
  return value;
}

/** Copies the library and its SHA-256 to where the binary embeds them from. */
async function stageLibrary(target: string): Promise<void> {
  const known = TARGETS[target]!;
  const named = Deno.env.get("SQLITE_LIBRARY");
  const candidates = named ? [named] : known.folders.map((folder) => `${folder}/libsqlite3.so.0`);
  for (const path of candidates) {
    const content = await Deno.readFile(path).catch(() => null);
    if (content === null) continue;
    if (machineOf(content) !== known.machine) {
      throw new CompileError(
        `Cannot build for ${target}: "${path}" is not a library for it`,
        "name the right one with SQLITE_LIBRARY",
      );
    }
    await Deno.writeFile(`${ASSETS}libsqlite3.so`, content);
    await Deno.writeTextFile(`${ASSETS}libsqlite3.so.sha256`, `${await sha256Of(content)}\n`);
    return;
  }
  throw new CompileError(
    `Cannot build for ${target}: no ${named ? `"${named}"` : "libsqlite3.so.0"} here`,
    "install it (Debian, Ubuntu: apt-get install libsqlite3-0) or name one with SQLITE_LIBRARY",
  );
}

/** `e_machine` of an ELF file, null for anything else. */
function machineOf(content: Uint8Array): number | null {
  const isElf = content.length > 20 && content[0] === 0x7f && content[1] === 0x45 &&
    content[2] === 0x4c && content[3] === 0x46;
  return isElf ? content[18]! | content[19]! << 8 : null;
}

/**
 * One file for each part of the program that is loaded by itself, of what is used of each package:
 * compiled from its modules, the binary would carry every package whole, be 15 % larger and look up
 * some two hundred files before its first pass. What modules look for beside themselves is put there.
 */
async function bundle(): Promise<void> {
  await Deno.remove(BUNDLE, { recursive: true }).catch(() => {});
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "bundle",
      "--quiet",
      "--frozen",
      "--platform=deno",
      "--code-splitting",
      `--outdir=${BUNDLE}`,
      "main.ts",
      WORKER,
    ],
    cwd: ROOT,
    // The bundler comes from the registry; where a proxy stands before it, only the system knows
    // whom to trust.
    env: { NO_COLOR: "1", RUST_BACKTRACE: "0", DENO_TLS_CA_STORE: "system,mozilla" },
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) {
    throw new CompileError(
      `Cannot build: the bundler failed\n${new TextDecoder().decode(stderr).trim()}`,
      "`deno task ok` checks the code; the bundler itself is downloaded from registry.npmjs.org",
    );
  }
  await shorten();
  await Deno.writeTextFile(`${BUNDLE}deno.json`, "{}\n");
  const entry = `./${basename(WORKER, ".ts")}.js`;
  await Deno.writeTextFile(`${BUNDLE}${WORKER}`, `import ${JSON.stringify(entry)};\n`);
  for (const folder of CARRIED) {
    await Deno.mkdir(`${BUNDLE}${folder}`, { recursive: true });
    for await (const { name } of Deno.readDir(`${ROOT}${folder}`)) {
      await Deno.copyFile(`${ROOT}${folder}/${name}`, `${BUNDLE}${folder}/${name}`);
    }
  }
}

/**
 * Takes out of the bundle what is for people. A running binary has all that it carries in memory, and
 * once more the text of each module that it loads, a byte for a character where that is ASCII, two
 * where not. Names stay: an error's stack is read by people.
 */
async function shorten(): Promise<void> {
  const { transform, stop } = await import("esbuild");
  try {
    for await (const { name } of Deno.readDir(BUNDLE)) {
      if (!name.endsWith(".js")) continue;
      const { code } = await transform(await Deno.readTextFile(`${BUNDLE}${name}`), {
        minifySyntax: true,
        minifyWhitespace: true,
        // Their authors' terms.
        legalComments: "inline",
        charset: "ascii",
        lineLimit: 120,
        target: "esnext",
      });
      await Deno.writeTextFile(`${BUNDLE}${name}`, code);
    }
  } finally {
    await stop();
  }
}

async function runCompiler(target: string): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "compile",
      "--quiet",
      `--config=${BUNDLE}deno.json`,
      "--no-lock",
      "--no-check",
      `--output=${BINARY}`,
      `--target=${target}`,
      "--no-prompt",
      // The cache would be a file with a known name in the shared temporary directory, made of
      // machine code, and read without asking who wrote it.
      "--no-code-cache",
      `--v8-flags=${V8_FLAGS}`,
      "--allow-net",
      "--allow-read",
      "--allow-write",
      "--allow-ffi",
      `--allow-env=${ENVIRONMENT.join(",")}`,
      // Libraries look for switches of their own, at moments that no test of theirs would be at: to
      // be refused one would end what they were asked for.
      "--ignore-env",
      ...CARRIED.map((folder) => `--include=${BUNDLE}${folder}`),
      // A thread's module is named in a way that the compiler does not follow.
      `--include=${BUNDLE}${WORKER}`,
      `${BUNDLE}main.js`,
    ],
    cwd: ROOT,
    env: { NO_COLOR: "1", RUST_BACKTRACE: "0" },
    stdout: "inherit",
    stderr: "piped",
  }).output();
  if (success) return;
  const text = new TextDecoder().decode(stderr).trim();
  if (/denort/.test(text)) {
    const named = Deno.env.get("DENORT_BIN");
    throw new CompileError(
      `Cannot build: ${
        named ? `no denort at "${named}"` : "denort, the runtime to build on, can't be downloaded"
      }`,
      `put the denort of Deno ${Deno.version.deno} for ${target} on this machine ` +
        `(https://dl.deno.land/release/v${Deno.version.deno}/denort-${target}.zip) and name it ` +
        "with DENORT_BIN",
    );
  }
  throw new CompileError(
    `Cannot build: the compiler failed\n${text}`,
    "`deno task ok` checks the code",
  );
}

/** Runs the new binary once; milliseconds it took. A denort of another version fails here. */
async function tryBinary(): Promise<number> {
  const started = performance.now();
  const { success, stdout, stderr } = await new Deno.Command(BINARY, {
    args: ["help"],
    env: { NO_COLOR: "1" },
  }).output();
  const took = performance.now() - started;
  if (success && stdout.length > 0) return took;
  await Deno.rename(BINARY, `${BINARY}.broken`);
  throw new CompileError(
    `Cannot use the binary: it does not start\n${new TextDecoder().decode(stderr).trim()}`,
    Deno.env.get("DENORT_BIN")
      ? `DENORT_BIN must be the denort of this Deno, ${Deno.version.deno}`
      : "it was moved to dist/tinyforge.broken",
  );
}

function say(text: string): void {
  // deno-lint-ignore no-console
  console.error(text);
}
