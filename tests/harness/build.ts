/**
 * The binary as it is shipped, built by the compile task for tests that run it. Only where a denort
 * for this machine is at hand; elsewhere the reason is in the tests' names.
 *
 * @module
 */

import { dirname, fromFileUrl, join } from "@std/path";
import { ENGINE } from "../engines/docker.ts";
import type { EngineScope } from "../engines/real.ts";
import { run } from "../engines/run.ts";
import { missing } from "./missing.ts";

/** The project's directory. */
export const ROOT: string = fromFileUrl(new URL("../..", import.meta.url));
const TOOL = join(ROOT, "../shared/tools/denort.sh");

/** A Deno and, for it to find, a denort of the same version. */
interface Compiler {
  readonly deno: string;
  readonly denort: string;
}

const compiler = await findCompiler();
const unavailable = compiler === null
  ? "no denort here: name one with DENORT_BIN, and its Deno with DENO_COMPILE"
  : await run("id", ["-u"]) === "0"
  ? null
  : "needs root for a chroot";

async function findCompiler(): Promise<Compiler | null> {
  const named = { deno: Deno.env.get("DENO_COMPILE"), denort: Deno.env.get("DENORT_BIN") };
  if (named.deno && named.denort) return { deno: named.deno, denort: named.denort };
  if (await Deno.stat(TOOL).then(() => false, () => true)) return null;
  const exports = await run("bash", [TOOL]).catch(() => null);
  if (exports === null) return null;
  const value = (name: string) => new RegExp(`${name}='([^']+)'`).exec(exports)![1]!;
  return { deno: value("DENO_COMPILE"), denort: value("DENORT_BIN") };
}

/** Like `engineTest()` with steps; ignored where no binary can be built, also in CI. */
export function binaryTest(
  name: string,
  test: (scope: EngineScope, t: Deno.TestContext) => Promise<void>,
): void {
  if (unavailable !== null) {
    Deno.test({ name: `${name} (${unavailable})`, ignore: true, fn: () => {} });
  } else if (typeof ENGINE === "string") {
    missing(name, ENGINE);
  } else {
    const engine = ENGINE;
    Deno.test(name, async (t) => {
      await using scope = await engine.scope();
      await test(scope, t);
    });
  }
}

/** A copy of the project, because the task writes beside the sources; and what it built there. */
export class Build implements AsyncDisposable {
  /** Where it was built. */
  readonly directory: string;
  /** Its path. */
  readonly binary: string;
  /** What the task said. */
  readonly said: string;

  private constructor(directory: string, said: string) {
    this.directory = directory;
    this.binary = `${directory}/dist/tinyforge`;
    this.said = said;
  }

  /** Builds it, which takes some ten seconds. */
  static async make(): Promise<Build> {
    const directory = await Deno.makeTempDir({ prefix: "tinyforge-build-" });
    try {
      for (const name of ["src", "main.ts", "deno.json", "deno.lock"]) {
        await run("cp", ["-r", join(ROOT, name), directory]);
      }
      const { success, stderr } = await new Deno.Command(compiler!.deno, {
        args: ["task", "--quiet", "compile"],
        cwd: directory,
        env: { DENORT_BIN: compiler!.denort, NO_COLOR: "1" },
      }).output();
      const said = new TextDecoder().decode(stderr).trim();
      if (!success) throw new Error(said);
      return new Build(directory, said);
    } catch (error) {
      await Deno.remove(directory, { recursive: true });
      throw error;
    }
  }

  /** Removes what was built. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.directory, { recursive: true });
  }
}

/** Copies what a program is linked to below `root`, where it lies as it does here. */
export async function copyLinked(program: string, root: string): Promise<void> {
  for (const path of await linkedTo(program)) {
    await Deno.mkdir(join(root, dirname(path)), { recursive: true });
    await run("cp", ["-L", path, join(root, path)]);
  }
}

/** The libraries that a program is linked to, as `ldd` names them. */
async function linkedTo(program: string): Promise<string[]> {
  // `libc.so.6 => /lib/…/libc.so.6 (0x…)` and the loader's own line.
  const linked = await run("ldd", [program]);
  return [...linked.matchAll(/\/\S+(?= \(0x)/g)].map(([path]) => path);
}
