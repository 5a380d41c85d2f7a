import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Host } from "../harness/program.ts";

/** Runs a test with this shell, or reports it as ignored where the shell is missing. */
async function shellTest(shell: string, name: string, run: () => Promise<void>): Promise<void> {
  const there = await starts(shell);
  Deno.test({
    name: there ? name : `${name} (ignored: no ${shell} here)`,
    ignore: !there,
    fn: run,
  });
}

async function starts(shell: string): Promise<boolean> {
  try {
    return (await new Deno.Command(shell, { args: ["-c", ":"], stdin: "null" }).output()).success;
  } catch {
    // Thrown at once where there is no such program.
    return false;
  }
}

/** Runs a shell script; fails where it says anything on stderr. */
async function script(shell: string, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(shell, { args, stdin: "null" }).output();
  const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assertEquals([code, error], [0, ""]);
  return out!;
}

async function completions(shell: string): Promise<{ file: string } & AsyncDisposable> {
  const host = await Host.make();
  const { code, stdout } = await host.run("completions", shell);
  assertEquals(code, 0);
  const file = `${host.dir}/completions`;
  await Deno.writeTextFile(file, stdout);
  return { file, [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() };
}

for (const shell of ["bash", "zsh", "fish"]) {
  await shellTest(
    shell,
    `completions ${shell} prints a script that ${shell} -n accepts`,
    async () => {
      await using made = await completions(shell);
      await script(shell, ["-n", made.file]);
    },
  );
}

const CASES: [typed: string, words: string[]][] = [
  ["a", ["add"]],
  ["container ", ["add", "rm", "set"]],
  ["help container ", ["add", "rm", "set"]],
  ["--data-dir /x add s", ["site", "stack", "stage"]],
  ["add site ", []],
  ["container add --sta", ["--stage"]],
  ["secret rotate --j", ["--json"]],
  ["ps --kind ", ["project", "site", "stack"]],
  ["reconcile --log-level w", ["warn"]],
  ["completions ", ["bash", "fish", "zsh"]],
];

await shellTest("bash", "completions bash completes commands, flags and values", async () => {
  await using made = await completions("bash");
  const out = await script("bash", [
    "-c",
    `source ${made.file}
    for typed in "\${@}"; do
      COMP_WORDS=(tinyforge $typed); [[ $typed == *" " ]] && COMP_WORDS+=("")
      COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); COMPREPLY=()
      _tinyforge; echo "\${COMPREPLY[*]}"
    done`,
    "bash",
    ...CASES.map(([typed]) => typed),
  ]);
  const found = out.trimEnd().split("\n").map((line) => line.split(" ").filter(Boolean).sort());
  assertEquals(found, CASES.map(([, words]) => words));
});

await shellTest("fish", "completions fish completes commands, flags and values", async () => {
  await using made = await completions("fish");
  for (const [typed, words] of CASES) {
    const out = await script("fish", [
      "-c",
      `source ${made.file}; complete -C "tinyforge ${typed}"`,
    ]);
    const found = out.split("\n").map((line) => line.split("\t")[0]).filter(Boolean).sort();
    assertEquals(found, words, typed);
  }
});

Deno.test("completions refuses a shell it doesn't know", async () => {
  await using host = await Host.make();
  const { code, stdout, stderr } = await host.run("completions", "fihs");
  assertEquals([code, stdout], [2, ""]);
  assertStringIncludes(stderr, 'did you mean "fish"?');
  assert(stderr.startsWith('Cannot run "completions": "fihs" is not one of bash, zsh, fish\n'));
});
