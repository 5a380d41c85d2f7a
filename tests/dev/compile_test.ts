/**
 * The compile task: that the binary may read what the program asks for, and what a person is told
 * when it can't be built.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { ENVIRONMENT, V8_FLAGS } from "../../src/dev/compile.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

/** Names that the sources ask the environment for. */
async function namesAskedFor(folder: string): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for await (const path of sources(folder)) {
    const text = await Deno.readTextFile(path);
    for (const [, name] of text.matchAll(/\benv(?:\.get|\.set)?\("([A-Z_]+)"/g)) {
      names.set(name!, path);
    }
    // Names in constants, as `const PATH_VARIABLE = "DENO_SQLITE_PATH"`.
    for (const [, name] of text.matchAll(/_VARIABLE = "([A-Z_]+)"/g)) names.set(name!, path);
  }
  return names;
}

/** The program's own. */
async function* sources(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory && entry.name !== "dev") yield* sources(path);
    else if (entry.isFile && path.endsWith(".ts")) yield path;
  }
}

Deno.test("ENVIRONMENT lets the binary read every variable that the program asks for", async () => {
  const asked = await namesAskedFor(join(ROOT, "src"));
  assert(asked.has("NOTIFY_SOCKET") && asked.has("DENO_SQLITE_PATH"), "the search finds nothing");
  for (const [name, where] of asked) {
    const allowed = ENVIRONMENT.includes(name) || name.startsWith("TINYFORGE_");
    assert(allowed, `${where} asks for ${name}, which the binary may not read`);
  }
  assert(ENVIRONMENT.includes("TINYFORGE_*"));
});

Deno.test("nothing asks for the whole environment, which the binary may not read", async () => {
  const asks: string[] = [];
  for await (const path of sources(join(ROOT, "src"))) {
    const text = await Deno.readTextFile(path);
    if (/\bDeno\.env\.toObject\b|\bDeno\.env\b(?!\.\w)/.test(text)) asks.push(path);
  }
  assertEquals(asks, []);
});

Deno.test("V8_FLAGS are those of the tasks that run or measure the program", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  for (const name of ["reconcile", "bench"]) {
    assertStringIncludes(tasks[name], ` --v8-flags=${V8_FLAGS} `);
  }
});

/** Runs the task with its own permissions, as `deno task compile` does. */
async function compile(
  args: string[],
  { env = {}, cwd = ROOT }: { env?: Record<string, string>; cwd?: string } = {},
): Promise<{ code: number; text: string }> {
  const { tasks } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  const [, ...command] = (tasks.compile as string).split(" ");
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...command, ...args],
    cwd,
    env: { NO_COLOR: "1", ...env },
    stdout: "null",
  }).output();
  return { code, text: new TextDecoder().decode(stderr) };
}

Deno.test("compile refuses what it can't build for, and says what it can", async () => {
  for (const args of [["--target", "x86_64-pc-windows-msvc"], ["--target=sparc"]]) {
    const { code, text } = await compile(args);
    assertEquals(code, 1);
    assertStringIncludes(text, `Cannot build for "${args.join("=").split("=")[1]}"`);
    assertStringIncludes(
      text,
      "\nhint: one of x86_64-unknown-linux-gnu, aarch64-unknown-linux-gnu",
    );
  }
  for (const args of [["--target"], ["--fast"], ["--target", "a", "b"]]) {
    const { code, text } = await compile(args);
    assertEquals(code, 1);
    assertStringIncludes(text, "Cannot build: unknown arguments");
    assert(!text.includes("    at "), text);
  }
});

Deno.test("compile says how to get a denort where there is none, and leaves no binary", async () => {
  // A copy, because the task removes what was built before.
  const cwd = await Deno.makeTempDir({ prefix: "tinyforge-compile-" });
  try {
    const { success } = await new Deno.Command("cp", {
      args: [
        "-r",
        ...["src", "main.ts", "deno.json", "deno.lock"].map((name) => join(ROOT, name)),
        cwd,
      ],
    }).output();
    assert(success);
    const { code, text } = await compile([], { cwd, env: { DENORT_BIN: "/nonexistent/denort" } });
    assertEquals(code, 1);
    const lines = text.trim().split("\n");
    assertEquals(lines.length, 2, text);
    assertEquals(lines[0], 'Cannot build: no denort at "/nonexistent/denort"');
    assertStringIncludes(lines[1]!, `hint: put the denort of Deno ${Deno.version.deno} for `);
    assertStringIncludes(lines[1]!, "name it with DENORT_BIN");
    const built = (await Array.fromAsync(Deno.readDir(`${cwd}/dist`))).map(({ name }) => name);
    assertEquals(built.sort(), ["assets", "bundle"]);
    // What modules look for beside themselves, and the thread that nothing imports.
    for (const path of ["src/store/migrations/0001_initial.sql", "src/safekeeping/worker.ts"]) {
      assert((await Deno.stat(`${cwd}/dist/bundle/${path}`)).isFile, path);
    }
    await assertIsShort(`${cwd}/dist/bundle`);

    const missing = await compile([], { cwd, env: { SQLITE_LIBRARY: "/nonexistent/lib.so" } });
    assertEquals(missing.code, 1);
    assertStringIncludes(missing.text, 'no "/nonexistent/lib.so" here\nhint: ');
    const other = await compile([], { cwd, env: { SQLITE_LIBRARY: join(ROOT, "main.ts") } });
    assertStringIncludes(other.text, "is not a library for it\nhint: ");
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});

/** All of it is in memory wherever the program runs. */
async function assertIsShort(bundle: string): Promise<void> {
  const names = (await Array.fromAsync(Deno.readDir(bundle))).map(({ name }) => name)
    .filter((name) => name.endsWith(".js"));
  assert(names.length > 20, names.join(", "));
  for (const name of names) {
    const text = await Deno.readTextFile(`${bundle}/${name}`);
    // deno-lint-ignore no-control-regex
    assert(/^[\x00-\x7f]*$/.test(text), `${name}: a text that isn't ASCII takes twice the room`);
    assert(!/^\/\/ /m.test(text), `${name}: a comment`);
    assert(!text.includes("Ongeldige invoer"), `${name}: zod's messages in other languages`);
  }
}
