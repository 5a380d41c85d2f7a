import { hintForError, hintForProblem } from "../../src/cli/words.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { checkOperands, parseArguments } from "../../src/cli/arguments.ts";
import { type Command, CommandError } from "../../src/cli/command.ts";
import {
  type CommandName,
  COMMANDS,
  type InvocationOf,
  TOLD_COMMANDS,
} from "../../src/cli/commands.ts";
import { LOADERS } from "../../src/cli/loaders.ts";
import { CONFIG_FLAGS } from "../../src/flags.ts";
import { psLines } from "../../src/cli/commands/ps.ts";
import { describeFailure } from "../../src/cli/failure.ts";
import { CHANGES, changeText } from "../../src/cli/change_words.ts";
import { HUB_ROUTES } from "../../src/server/hub_routes.ts";
import { ROUTES } from "../../src/server/routes.ts";
import { nearest } from "../../src/cli/nearest.ts";
import { ago, counted, shortId } from "../../src/cli/phrases.ts";
import { displayWidth, tableLines } from "../../src/cli/table.ts";
import { commandUsage, overview, usage } from "../../src/cli/usage.ts";
import { resolveWorkload } from "../../src/cli/workload_name.ts";
import { Failure, type FailureCode, type FailureData } from "../../src/failure.ts";
import { pass, TestHost } from "../harness/program.ts";
import { row, workload } from "../harness/world.ts";

Deno.test("changeText() has words for whatever can be changed, and a newer version's routes as they are", () => {
  const changing = [...ROUTES, ...HUB_ROUTES].filter(([method]) => method !== "get");
  const actions = changing.map(([method, path]) => `${method.toUpperCase()} ${path}`);
  assertEquals(actions.filter((action) => !Object.hasOwn(CHANGES, action)), []);
  for (const action of actions) {
    const path = action.split(" ")[1]!.replace(/\{(\w+)\}/g, "the-$1");
    const text = changeText({ action, path });
    assertEquals(/[A-Z]{3}|[{}]|api/.test(text), false, text);
  }
  const stage = { action: "PATCH /api/stages/{id}", path: "/tf/api/stages/a%20b" };
  assertEquals(changeText(stage), "changed stage a b");
  assertEquals(changeText({ ...stage, path: "/api/stages/%" }), "changed stage %");
  const newer = { action: "PUT /api/moons/{id}", path: "/api/moons/io" };
  assertEquals(changeText(newer), "PUT /api/moons/io");
  assertEquals(changeText(null), "");
});

const SNAPSHOT = new URL("./usage_snapshot.txt", import.meta.url);

Deno.test("nearest() finds a slip of the fingers and nothing else", () => {
  const names = ["ps", "status", "reconcile", "rename", "labels"];
  assertEquals(nearest("stauts", names), "status");
  assertEquals(nearest("reconcil", names), "reconcile");
  assertEquals(nearest("rec", names), "reconcile");
  assertEquals(nearest("lables", names), "labels");
  assertEquals(nearest("RENAME", names), "rename");
  assertEquals(nearest("pss", names), "ps");
  assertEquals(nearest("docker", names), null);
  assertEquals(nearest("", names), null);
  assertEquals(nearest("x".repeat(10_000), names), null);
});

Deno.test("usage() and commandUsage() say what they said", async () => {
  const text = [usage(), ...TOLD_COMMANDS.map(commandUsage)].join(`${"-".repeat(80)}\n`);
  if (Deno.env.get("UPDATE_SNAPSHOTS")) await Deno.writeTextFile(SNAPSHOT, text);
  assertEquals(text, await Deno.readTextFile(SNAPSHOT));
});

Deno.test("usage() and commandUsage() fit into 80 columns, and what is to be copied goes on below", () => {
  for (const text of [overview(), usage(), ...TOLD_COMMANDS.map(commandUsage)]) {
    for (const line of text.split("\n")) assert(line.length <= 80, line);
  }
  for (const { examples = [], ...command } of TOLD_COMMANDS as readonly Command[]) {
    const [, copied = ""] = commandUsage({ ...command, examples }).split("\nExamples:\n");
    const lines = copied.replaceAll(/ \\\n +/g, " ").split("\n").map((line) => line.trim());
    for (const line of examples) assert(lines.includes(line), line);
  }
  // A summary that needs a second line is none.
  for (const { name, summary } of TOLD_COMMANDS) {
    assert(summary.length <= 80 - 19, name);
  }
  for (const { flags, name } of TOLD_COMMANDS) {
    for (const { values = [], description } of flags) {
      assert(values.length < 2 || !values.every((value) => description.includes(value)), name);
    }
  }
});

Deno.test("COMMANDS use a flag's name for one sort of flag only, and none of the configuration's", () => {
  const sorts = new Map<string, boolean>();
  for (const command of COMMANDS) {
    for (const { name, placeholder } of command.flags) {
      assert(!CONFIG_FLAGS.some((flag) => flag.name === name), `--${name} of ${command.name}`);
      assertEquals(sorts.get(name) ?? placeholder !== undefined, placeholder !== undefined, name);
      sorts.set(name, placeholder !== undefined);
    }
  }
});

Deno.test("parseArguments() takes flags before and after the command", () => {
  const parsed = parseArguments(["--data-dir", "/x", "ps", "--json", "--kind=site"]);
  assertEquals(parsed.command?.name, "ps");
  assertEquals([...parsed.values], [["data-dir", "/x"], ["kind", "site"]]);
  assertEquals([...parsed.switches], ["json"]);
});

Deno.test("parseArguments() keeps words that look like numbers or stand after -- as they are", () => {
  assertEquals(parseArguments(["add", "site", "007"]).operands, ["site", "007"]);
  assertEquals(parseArguments(["add", "site", "--", "--json"]).operands, ["site", "--json"]);
  assertEquals(
    parseArguments(["container", "add", "api", "--role", "1e3"]).values.get("role"),
    "1e3",
  );
});

Deno.test("parseArguments() knows a command of two words and shorthands for help and version", () => {
  assertEquals(parseArguments(["secret", "rotate", "blog"]).command?.name, "secret rotate");
  assertEquals(parseArguments(["--version"]).command?.name, "version");
  assertEquals(parseArguments(["-V"]).command?.name, "version");
  assert(parseArguments(["ps", "-h"]).switches.has("help"));
  assertEquals(parseArguments(["container", "--help"]).operands, ["container"]);
  assertEquals(parseArguments([]).command, null);
});

Deno.test("a flag, word or command that the table does not have does not compile", () => {
  const asked = (ps: InvocationOf<"ps">, add: InvocationOf<"add">) => {
    const kind: "project" | "stack" | "site" | "stage" = add.operands[0];
    return [
      kind,
      ps.on("json"),
      ps.flag("state"),
      ps.flag("interval"),
      // @ts-expect-error: misspelt
      ps.on("jsn"),
      // @ts-expect-error: a switch has no value
      ps.flag("json"),
      // @ts-expect-error: another command's
      ps.flag("domain"),
      // @ts-expect-error: it takes no words
      ps.operands[0],
      // @ts-expect-error: there are two
      add.operands[2],
    ];
  };
  // @ts-expect-error: no such command
  const name: CommandName = "sp";
  assertEquals([typeof asked, COMMANDS.some((command) => command.name === name)], [
    "function",
    false,
  ]);
  assertEquals(Object.keys(LOADERS).sort(), COMMANDS.map((command) => command.name).sort());
});

const REFUSED: [args: string[], message: string, hint: string][] = [
  [["sp"], 'Cannot run "sp": no such command', 'did you mean "ps"?'],
  [["florb"], 'Cannot run "florb": no such command', "`tinyforge help` lists the commands"],
  [
    ["container"],
    'Cannot run "container": say add, set or rm',
    "`tinyforge help container` explains them",
  ],
  [
    ["container", "ad"],
    'Cannot run "container ad": no such command',
    'did you mean "container add"?',
  ],
  [["ps", "--jsno"], 'Cannot use "--jsno": no such flag', "did you mean --json?"],
  [
    ["ps", "--florb=1"],
    'Cannot use "--florb": no such flag',
    "`tinyforge help ps` lists the flags",
  ],
  [["ps", "-x"], 'Cannot use "-x": no such flag', "`tinyforge help ps` lists the flags"],
  [
    ["--intervall", "5s", "reconcile"],
    'Cannot use "--intervall": no such flag',
    "did you mean --interval?",
  ],
  [
    ["systemd", "--json"],
    'Cannot use --json with "systemd": it does not take it',
    "`tinyforge help systemd` lists the flags",
  ],
  [
    ["list", "--watch"],
    'Cannot use --watch with "list": it is a flag of "ps"',
    "`tinyforge help list` lists the flags",
  ],
  [
    ["ps", "--kind", "stie"],
    'Cannot use --kind "stie": not one of project, stack, site',
    'did you mean "site"?',
  ],
  [["ps", "--kind=site,stack"], 'Cannot use --kind "site,stack": not one of', ""],
  [
    ["ps", "--state"],
    "Cannot use --state: it needs a value",
    "`tinyforge help ps` lists the flags",
  ],
  [
    ["ps", "--state="],
    "Cannot use --state: it needs a value",
    "`tinyforge help ps` lists the flags",
  ],
  [
    ["reconcile", "--data-dir", ""],
    "Cannot use --data-dir: it needs a value",
    "`tinyforge help reconcile` lists the flags",
  ],
  [
    ["container", "set", "r", "--clear", "stage,subdomian"],
    'Cannot use --clear "subdomian"',
    'did you mean "subdomain"?',
  ],
  [
    ["rm", "project", "p", "--force=no"],
    "Cannot use --force with a value: it takes none",
    "`tinyforge help` lists the flags",
  ],
  [["ps", "--no-color=3"], "Cannot use --no-color with a value: it takes none", ""],
  [["ps", "--__proto__=1"], 'Cannot use "--__proto__": no such flag', ""],
  [["ps", "--a.b.c"], 'Cannot use "--a.b.c": no such flag', ""],
];

for (const [args, message, hint] of REFUSED) {
  Deno.test(`parseArguments() refuses ${args.join(" ")}`, () => {
    const error = assertThrows(() => parseArguments(args), CommandError);
    assertStringIncludes(error.message, message);
    assertStringIncludes(error.hint, hint);
    assertEquals(error.exitCode, 2);
  });
}

Deno.test("checkOperands() counts words and holds them against their possible values", () => {
  const command = (name: string) => COMMANDS.find((each) => each.name === name)!;
  const refused = (name: string, ...operands: string[]) =>
    assertThrows(() => checkOperands(command(name), operands), CommandError);
  checkOperands(command("add"), ["site", "blog"]);
  checkOperands(command("list"), []);
  assertStringIncludes(
    refused("add").message,
    'Cannot run "add": KIND (project, stack, site, stage) is missing',
  );
  assertStringIncludes(refused("add", "site").message, 'Cannot run "add": NAME is missing');
  assertEquals(refused("add", "sit", "x").hint, 'did you mean "site"?');
  assertStringIncludes(
    refused("list", "things").message,
    'Cannot run "list": "things" is not one of projects',
  );
  // As an unset variable leaves it: in an address it would be no word at all.
  for (const name of ["token rm", "container rm", "notify test", "silence rm", "rm"]) {
    assertMatch(refused(name, "").message, /^Cannot run "[a-z ]+": [A-Z]+ is empty$/);
  }
  assertEquals(
    refused("check", "blog", "").message,
    'Cannot run "check": WORKLOAD is empty',
  );
  // A site's role.
  checkOperands(command("expect"), ["blog", ""]);
  const error = refused("add", "site", "my", "blog");
  assertStringIncludes(error.message, 'Cannot run "add": "blog" is one word too many');
  assertStringIncludes(error.hint, "a name with spaces needs quotes");
  const action = refused("hub", "lst");
  assertEquals(action.message, 'Cannot run "hub lst": no such command');
  assertEquals(action.hint, 'did you mean "hub list"?');
  assertStringIncludes(refused("hub", "qqqqqq").message, "is one word too many");
});

Deno.test("tableLines() aligns by what a terminal shows and shows what it would obey", () => {
  assertEquals(
    tableLines([["ab", "x"], ["日本", "y"], ["é", "z"], [null, ""]], { header: ["A", "B"] }),
    [
      "A     B",
      "ab    x",
      "日本  y",
      "é     z",
      "-     -",
    ],
  );
  assertEquals(tableLines([["\x1b[31mred\x9b0m\n\u202e", 1]]), [
    "\\u001b[31mred\\u009b0m\\n\\u202e  1",
  ]);
});

Deno.test("tableLines() cuts to the width, and not within a wide character", () => {
  const rows = [["container", "image"], ["日本語日本語", "x"]];
  for (const width of [1, 2, 5, 8, 12, 13, 14, 20]) {
    for (const line of tableLines(rows, { width })) {
      assert(displayWidth(line) <= width, `${JSON.stringify(line)} at ${width}`);
    }
  }
  assertEquals(tableLines(rows, { width: 8 }), ["contain…", "日本語…"]);
  assertEquals(tableLines(rows, { width: 18 }), ["container     ima…", "日本語日本語  x"]);
});

Deno.test("tableLines() cuts what is long, then leaves columns out, and never cuts what is kept", () => {
  const header = ["NAME", "IMAGE", "STATE", "ID"];
  const rows = [[
    "a-long-name-of-a-thing",
    "registry.example/team/app:1.2.3",
    "● running",
    "row-1",
  ]];
  const fit = { keep: ["STATE", "ID"], drop: ["IMAGE"] };
  const at = (width: number | null) => tableLines(rows, { header, width, fit })[1];
  const whole = "a-long-name-of-a-thing  registry.example/team/app:1.2.3  ● running  row-1";
  assertEquals([at(null), at(80), at(73)], [whole, whole, whole]);
  assertEquals(at(60), "a-long-name-of-a-th…  registry.example/te…  ● running  row-1");
  assertEquals(at(36), "a-long-…  registr…  ● running  row-1");
  assertEquals(at(35), "a-long-name-of-a…  ● running  row-1");
  assertEquals(at(26), "a-long-…  ● running  row-1");
  assertEquals(at(20), "a-long-…  ● running", "where nothing more can go, it is cut at the end");
  for (let width = 1; width < 80; width++) {
    for (const line of tableLines(rows, { header, width, fit })) {
      assert(displayWidth(line) <= width, `${JSON.stringify(line)} at ${width}`);
    }
  }
});

Deno.test("ps keeps each row's id and state whole at 80 columns", async () => {
  let workloadId = "";
  await using host = await TestHost.seeded((store) => {
    workloadId = store.registry.create("stack", {
      name: "shop-with-a-long-name",
      composeProjectName: "shop",
    }).entry.workloadId;
    pass(store, [row({
      id: `${workloadId}:background-worker:2`,
      workloadId,
      role: "background-worker",
      replica: 2,
      containerName: "shop-with-a-long-name-background-worker-2",
      imageRef: "registry.example.org/team/background-worker:1.2.3",
      state: "stopped",
      exitCode: 137,
      health: "unhealthy",
    })]);
  });
  const { items } = await host.json("ps");
  const lines = psLines(items, { width: 80, now: new Date(), paint: (text) => text });
  assert(lines.every((line) => displayWidth(line) <= 80), lines.join("\n"));
  assertStringIncludes(lines[1]!, "○ stopped (137)");
  assert(lines[1]!.endsWith(`  ${workloadId}:background-worker:2`), lines[1]);
});

Deno.test("tableLines() styles the text and not the padding", () => {
  const lines = tableLines([[{ text: "up", style: "good" }, "x"], ["longer", "y"]], {
    paint: (text, style) => style === undefined ? text : `<${text}>`,
  });
  assertEquals(lines, ["<up>      x", "longer  y"]);
});

Deno.test("resolveWorkload() takes a name, KIND/NAME or an id, and says which when there are several", () => {
  const workloads = [
    workload("site", "blog"),
    { ...workload("stack", "blog"), id: "w-2" },
    workload("project", "api"),
  ];
  const resolve = (text: string) => resolveWorkload(workloads, text, { action: "print labels" });
  assertEquals(resolve("api").kind, "project");
  assertEquals(resolve("site/blog").id, "w-blog");
  assertEquals(resolve("stack/blog").id, "w-2");
  assertEquals(resolve("w-2").kind, "stack");
  const several = assertThrows(() => resolve("blog"), CommandError);
  assertEquals(several.message, 'Cannot print labels: "blog" is the name of 2 workloads');
  assertEquals(several.hint, "say which: site/blog, stack/blog");
  const none = assertThrows(() => resolve("blgo"), CommandError);
  assertEquals([none.hint, none.exitCode], ['did you mean "blog"?', 1]);
  assertThrows(() => resolve("project/blog"), CommandError);
});

Deno.test("ago(), counted() and shortId() say small things", () => {
  const now = new Date("2026-01-02T00:00:00Z");
  assertEquals(ago("2026-01-01T23:59:57Z", now), "3s ago");
  assertEquals(ago("2026-01-01T23:01:00Z", now), "59m ago");
  assertEquals(ago("2025-12-31T00:00:00Z", now), "2d ago");
  assertEquals(ago("2026-01-02T00:00:05Z", now), "0s ago");
  assertEquals(ago(null, now), "never");
  assertEquals([counted(1, "row"), counted(0, "row")], ["1 row", "0 rows"]);
  assertEquals(shortId("ab".repeat(32)), "ab".repeat(6));
  assertEquals(shortId("a-name"), "a-name");
});

const CHANGE_ROW =
  "change that row with `tinyforge container set`, or remove it with `tinyforge container rm`";

Deno.test("describeFailure() has a hint on its own line, and traces only when asked", () => {
  const error = new Failure("conflict", 'Cannot add site "x": taken', {
    data: { over: "container" },
    cause: new Error("the cause"),
  });
  assertEquals(describeFailure(error, { traces: false }), {
    lines: ['Cannot add site "x": taken', `hint: ${CHANGE_ROW}`],
    json: {
      error: {
        code: "conflict",
        message: 'Cannot add site "x": taken',
        hint: CHANGE_ROW,
      },
    },
    exitCode: 1,
  });
  const { lines } = describeFailure(error, { traces: true });
  assert(lines.some((line) => line.includes("words_test.ts")));
  assert(lines.some((line) => line.startsWith("caused by Error: the cause")));
});

const INTERVAL = { setting: "interval", variable: null, value: "a", reason: "b" };

const HELD: FailureData["lock-held"] = {
  directory: "/d",
  path: "/d/lock",
  guard: "/d/guard",
  pid: 7,
  guarded: true,
  restless: false,
  self: false,
};

Deno.test("describeFailure() maps each kind of error to its exit code", () => {
  const code = (error: unknown) => describeFailure(error, { traces: false }).exitCode;
  const failure = <Code extends FailureCode>(code: Code, data: FailureData[Code]) =>
    new Failure(code, "Cannot x", { data });
  assertEquals(code(failure("config", { problems: [INTERVAL] })), 2);
  assertEquals(code(failure("invalid", {})), 2);
  assertEquals(code(failure("corrupt", { found: "damage" })), 1);
  assertEquals(code(failure("engine-no-socket", { endpoint: "list" })), 4);
  assertEquals(code(failure("engine-host", { wrong: "form", better: "x" })), 2);
  assertEquals(code(failure("lock-held", HELD)), 5);
  assertEquals(code("a string"), 1);
  const { lines } = describeFailure(new TypeError("x is not a function"), { traces: false });
  assertEquals(lines[0], "Cannot go on: x is not a function");
  assertStringIncludes(lines[1]!, "--log-level debug");
});

Deno.test("hintForError() has flags for what can't be listened on, and a way out of a damaged database", () => {
  const hint = <Code extends FailureCode>(code: Code, data: FailureData[Code]) =>
    hintForError(new Failure(code, "Cannot x", { data }));
  assertStringIncludes(hint("listen", { wrong: "long" }), "--data-dir");
  assertStringIncludes(hint("listen", { wrong: "taken" }), "end it, or choose another address");
  assertStringIncludes(hint("listen", { wrong: "address" }), "--listen none");
  assertStringIncludes(hint("listen", { wrong: "group" }), "member of the group");
  assertStringIncludes(hint("unit", { wrong: "address" }), "--listen");
  assertStringIncludes(hint("token", { ours: true }), "remove the file");
  assertStringIncludes(hint("token", { ours: false }), "openssl rand");
  for (const found of ["damage", "malformed", "no-database"] as const) {
    assertStringIncludes(hint("corrupt", { found }), "`tinyforge restore FILE`");
  }
  assertEquals(hintForError(new Error("Cannot x")), "");
  assertEquals(hintForError("thrown"), "");
});

Deno.test("hintForProblem() has commands for what it knows, and no words for the rest", () => {
  assertStringIncludes(hintForProblem("conflict", { over: "name" })!, "`tinyforge rename`");
  assertStringIncludes(hintForProblem("not-found", { thing: "site", id: "x" })!, "list sites");
  assertStringIncludes(hintForProblem("no-daemon", undefined)!, "`tinyforge reconcile`");
  const failed = { failure: "engine-http", endpoint: "list", status: 503 };
  assertStringIncludes(hintForProblem("pass-failed", failed)!, "journalctl -u docker");
  // A daemon of another version may say anything.
  for (
    const code of ["not-found", "conflict", "invalid", "busy", "io", "new-code", "__proto__", 7]
  ) {
    for (const data of [{}, { thing: "new", over: 7, need: [] }, null, "x", undefined]) {
      assertEquals(hintForProblem(code, data), null, `${code} ${JSON.stringify(data)}`);
    }
  }
});

Deno.test("describeFailure() lists every problem of a configuration", () => {
  const problems = [INTERVAL, { ...INTERVAL, variable: "TINYFORGE_INTERVAL" }];
  const { lines } = describeFailure(new Failure("config", "Cannot x", { data: { problems } }), {
    traces: false,
  });
  assertEquals(lines.slice(0, 3), [
    "Cannot use the configuration: 2 problems",
    '  - Cannot use --interval "a": b',
    '  - Cannot use TINYFORGE_INTERVAL "a": b',
  ]);
});
