import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { pass, siteRow, TestHost } from "../harness/program.ts";

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
async function script(
  shell: string,
  args: string[],
  options: Deno.CommandOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(shell, {
    args,
    stdin: "null",
    ...options,
  }).output();
  const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assertEquals([code, error], [0, ""]);
  return out!;
}

async function completions(shell: string): Promise<{ file: string } & AsyncDisposable> {
  const host = await TestHost.make();
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
  ["a", ["accept", "add", "adopt", "audit", "availability"]],
  ["container ", ["add", "rm", "set"]],
  ["help container ", ["add", "rm", "set"]],
  ["--data-dir /x add s", ["site", "stack", "stage"]],
  ["add site ", []],
  ["container add --sta", ["--stage"]],
  ["secret rotate --j", ["--json"]],
  ["ps --kind ", ["project", "site", "stack"]],
  // The same flag of another command has other values.
  ["silence blog --kind fl", ["flapping"]],
  ["reconcile --log-level w", ["warn"]],
  ["completions ", ["bash", "fish", "zsh"]],
  // A command by itself, and the beginning of another one.
  ["bac", ["backup"]],
  ["backup v", ["verify"]],
  ["backup verify --id", ["--identity"]],
  ["backup x --rec", ["--recipient"]],
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

const HOSTILE = "$(touch pwned)";

/** A host with names to complete, on whose PATH the program is. */
async function namedHost(): Promise<TestHost> {
  const host = await TestHost.seeded((store) => {
    const { workloadId } = store.registry.create("site", { name: HOSTILE }).entry;
    for (const name of ["it's", "my blog", "shop"]) store.registry.create("site", { name });
    store.registry.create("stack", { name: "shop", composeProjectName: "shop" });
    const { id } = store.registry.create("project", { name: "api" }).entry;
    store.stages.create(id, { name: "live" });
    store.channels.add(
      { id: "c1", name: "phone", type: "ntfy", config: { origin: "http://x" }, fallbackId: null },
      { workloads: null, kinds: null, minSeverity: "high", remindAfterMs: null },
    );
    pass(store, [
      siteRow(workloadId, { id: "w1:web:2" }),
      siteRow(workloadId, { id: `w1:${HOSTILE}`, containerId: "c2", state: "florb" }),
    ]);
  });
  host.env["PATH"] = `${await host.installed()}:${host.env["PATH"]}`;
  for (const shell of ["bash", "zsh", "fish"]) {
    const { stdout } = await host.run("completions", shell);
    await Deno.writeTextFile(`${host.dir}/completions.${shell}`, stdout);
  }
  return host;
}

const NAMED: [typed: string[], words: string[]][] = [
  [["labels", ""], [HOSTILE, "api", "it's", "my blog", "site/shop", "stack/shop"]],
  [["rename", "site", "i"], ["it's"]],
  [["set", "stack", ""], ["shop"]],
  [["rm", "stage", ""], ["api/live"]],
  [["notify", "test", ""], ["phone"]],
  [["notify", "log", "p"], ["phone"]],
  [["container", "add", "api", "--stage", ""], ["live"]],
  [["explain", "w1:"], [`w1:${HOSTILE}`, "w1:web:2"]],
  [["ps", "--state", "pa"], ["paused"]],
  [["ps", "--state", "fl"], ["florb"]],
  [["--data-dir", "/nowhere", "labels", ""], []],
];

const single = (word: string) => `'${word}'`;
const linesOf = (out: string) => out.split("\n").filter(Boolean);

const FILES: [typed: string[], words: string[]][] = [
  [["restore", "on"], ["one.tar"]],
  [["backup", "on"], ["one.tar"]],
  [["backup", "verify", "on"], ["one.tar"]],
  [["restore", "one.tar", "--identity", "on"], ["one.tar"]],
  [["restore", "one.tar", "on"], []],
];

for (
  const [shell, lines] of [
    [
      "bash",
      (typed: string[]) =>
        `COMP_WORDS=(tinyforge ${typed.map(single).join(" ")})
      COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); COMPREPLY=(); _tinyforge
      ((\${#COMPREPLY[@]})) && printf '%s\n' "\${COMPREPLY[@]}"; true`,
    ],
    [
      "zsh",
      (typed: string[]) =>
        `words=(tinyforge ${typed.map(single).join(" ")}); CURRENT=$#words; _tinyforge`,
    ],
    ["fish", (typed: string[]) => `complete -C "tinyforge ${typed.join(" ")}"`],
  ] as const
) {
  await shellTest(shell, `completions ${shell} offers files where one is named`, async () => {
    await using host = await namedHost();
    await Deno.writeTextFile(`${host.dir}/one.tar`, "");
    const zsh = `compdef() { :; }; _describe() { :; }; _files() { print -rl -- on*(N) }\n`;
    for (const [typed, words] of FILES) {
      const begin = shell === "zsh" ? zsh : "";
      const out = await script(
        shell,
        ["-c", `${begin}source ${host.dir}/completions.${shell}\n${lines(typed)}`],
        { clearEnv: true, env: host.env, cwd: host.dir },
      );
      assertEquals(linesOf(out), words, typed.join(" "));
    }
  });
}

/** Runs a shell's script for one line after the other; words as the shell would put them there. */
async function named(
  shell: string,
  lines: (typed: string[]) => string,
  read: (out: string) => string[],
): Promise<void> {
  await using host = await namedHost();
  for (const [typed, words] of NAMED) {
    const out = await script(
      shell,
      ["-c", `source ${host.dir}/completions.${shell}\n${lines(typed)}`],
      { clearEnv: true, env: host.env, cwd: host.dir },
    );
    assertEquals(read(out).sort(), words, typed.join(" "));
  }
  assert(await Deno.lstat(`${host.dir}/pwned`).then(() => false, () => true), "it was run");
}

await shellTest(
  "bash",
  "completions bash offers names, rows and states, and runs none of them",
  () =>
    named(
      "bash",
      (typed) => {
        // As bash hands it over: a colon is a word of its own.
        const words = typed.flatMap((word) => word.match(/:|[^:]+/g) ?? [""]);
        return `COMP_WORDS=(tinyforge ${words.map(single).join(" ")})
        COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); COMPREPLY=()
        _tinyforge
        # Read back by the shell, as when the line is run.
        for reply in "\${COMPREPLY[@]}"; do eval "set -- $reply"; printf '%s\n' "${
          typed.at(-1)!.includes(":") ? "w1:" : ""
        }$1"; done`;
      },
      linesOf,
    ),
);

await shellTest(
  "zsh",
  "completions zsh offers names, rows and states, and runs none of them",
  async () => {
    await using host = await namedHost();
    for (const [typed, words] of NAMED) {
      const out = await script("zsh", [
        "-f",
        "-c",
        `compdef() { :; }; compadd() { shift; (($#)) && print -rl -- "$@"; return 0 }
      _describe() { :; }
      source ${host.dir}/completions.zsh
      words=(tinyforge ${typed.map(single).join(" ")}); CURRENT=$#words
      _tinyforge`,
      ], { clearEnv: true, env: host.env, cwd: host.dir });
      const prefix = typed.at(-1)!;
      assertEquals(
        // What does not begin as what was typed is left out by compadd itself.
        linesOf(out).filter((word) => word.startsWith(prefix)).sort(),
        words,
        typed.join(" "),
      );
    }
    assert(await Deno.lstat(`${host.dir}/pwned`).then(() => false, () => true), "it was run");
  },
);

await shellTest(
  "fish",
  "completions fish offers names, rows and states, and runs none of them",
  () =>
    named(
      "fish",
      (typed) => `complete -C "tinyforge ${typed.join(" ")}"`,
      (out) => linesOf(out).map((line) => line.split("\t")[0]!.replaceAll(/\\(.)/g, "$1")),
    ),
);

Deno.test("complete is silent whatever is wrong", async () => {
  await using host = await TestHost.make();
  await Deno.writeTextFile(host.dataDir, "no directory");
  for (const what of ["workloads", "rows", "states", "stages", "channels", "silences"]) {
    assertEquals(await host.run("complete", what), { code: 1, stdout: "", stderr: "" });
  }
});

Deno.test("completions refuses a shell it doesn't know", async () => {
  await using host = await TestHost.make();
  const { code, stdout, stderr } = await host.run("completions", "fihs");
  assertEquals([code, stdout], [2, ""]);
  assertStringIncludes(stderr, 'did you mean "fish"?');
  assert(stderr.startsWith('Cannot run "completions": "fihs" is not one of bash, zsh, fish\n'));
});
