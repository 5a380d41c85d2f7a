/**
 * The log: what a line looks like, what can't break out of it, and that it never throws.
 *
 * @module
 */

import { assert, assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import { Log, type LogOptions, writesToJournal } from "../../src/telemetry/log.ts";
import { escapeControls } from "../../src/text.ts";

const NOON = "2026-03-01T12:00:00.000Z";

function collect(options: LogOptions = {}): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const log = new Log({
    format: "text",
    now: () => new Date(NOON),
    write: (line) => void lines.push(new TextDecoder().decode(line)),
    ...options,
  });
  return { log, lines };
}

Deno.test("Log writes a text line of time, level, message and fields", () => {
  const { log, lines } = collect();
  log.info("pass done", { listed: 3, scope: "full", ok: true, host: undefined, name: "a b" });
  assertEquals(lines, [`${NOON} INFO  pass done listed=3 scope=full ok=true name="a b"\n`]);
});

Deno.test("Log writes a JSON line that reads back", () => {
  const { log, lines } = collect({ format: "json" });
  log.warn("pass failed", { error: new Error("no socket"), rows: [1, 2], at: new Date(NOON) });
  assertEquals(JSON.parse(lines[0]!), {
    time: NOON,
    level: "warn",
    message: "pass failed",
    error: "no socket",
    rows: [1, 2],
    at: NOON,
  });
  assert(lines[0]!.endsWith("}\n"));
});

Deno.test("Log tells what a person can do about an error, where that is known and not said", () => {
  const hintFor = (error: unknown) => (error as Error).message === "full" ? "free some space" : "";
  const { log, lines } = collect({ hintFor });
  log.warn("pass failed", { error: new Error("full") });
  log.warn("pass failed", { error: new Error("else") });
  log.warn("pass failed", { error: new Error("full"), hint: "wait" });
  log.info("pass done", { rows: 1 });
  assertEquals(lines.map((line) => line.slice(NOON.length)), [
    ' WARN  pass failed error=full hint="free some space"\n',
    " WARN  pass failed error=else\n",
    " WARN  pass failed error=full hint=wait\n",
    " INFO  pass done rows=1\n",
  ]);
});

Deno.test("Log keeps its own keys when a field has the same name", () => {
  const { log, lines } = collect({ format: "json" });
  log.info("kept", { time: "t", level: "l", message: "m" });
  assertEquals(JSON.parse(lines[0]!), {
    time: NOON,
    level: "info",
    message: "kept",
    time_: "t",
    level_: "l",
    message_: "m",
  });
});

Deno.test("Log leaves out what is below its level", () => {
  const { log, lines } = collect({ level: "warn" });
  log.debug("a");
  log.info("b");
  log.warn("c");
  log.error("d");
  assertEquals(lines.map((line) => line.trim().split(/ +/)[1]), ["WARN", "ERROR"]);
  assert(log.enabled("error"));
  assertFalse(log.enabled("info"));
});

Deno.test("Log escapes whatever could forge a line, colour it or reorder it", () => {
  for (const format of ["text", "json"] as const) {
    const { log, lines } = collect({ format });
    log.info("named", { "na\nme": "x\n2026 ERROR forged\u001b[2J\u0085\u202e\r\u0000\u009b31m" });
    assertEquals(lines.length, 1);
    const body = lines[0]!.slice(0, -1);
    // deno-lint-ignore no-control-regex
    assertFalse(/[\x00-\x1f\x7f-\x9f\u2028-\u202e]/.test(body), JSON.stringify(body));
    assertStringIncludes(body, "\\u001b[2J");
  }
});

Deno.test("escapeControls() leaves ordinary text of any language as it is", () => {
  assertEquals(escapeControls("größe 容器 🙂 naïve"), "größe 容器 🙂 naïve");
  assertEquals(escapeControls("a\tb\u001b"), "a\\tb\\u001b");
});

Deno.test("Log shows an error with its causes, and where it was thrown only for fault finding", () => {
  const error = new Error("Cannot list", {
    cause: new Error("refused", { cause: "ECONNREFUSED" }),
  });
  const quiet = collect();
  quiet.log.error("pass failed", { error });
  assertEquals(quiet.lines, [
    `${NOON} ERROR pass failed error="Cannot list: refused: ECONNREFUSED"\n`,
  ]);
  const loud = collect({ level: "debug" });
  loud.log.error("pass failed", { error });
  assertStringIncludes(loud.lines[0]!, "log_test.ts");
});

Deno.test("Log says a cause once when the message repeats it", () => {
  const { log, lines } = collect();
  log.error("failed", {
    error: new Error("Cannot list: refused", { cause: new Error("refused") }),
  });
  assertEquals(lines, [`${NOON} ERROR failed error="Cannot list: refused"\n`]);
});

Deno.test("Log writes any value without throwing", () => {
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  const hostile = {
    toJSON(): never {
      throw new Error("no");
    },
  };
  const endless = new Error("outer");
  endless.cause = endless;
  for (const format of ["text", "json"] as const) {
    const { log, lines } = collect({ format });
    const values = [loop, hostile, endless, 10n, Symbol("s"), () => 1, null, NaN, new Map()];
    for (const value of values) log.info("value", { value });
    log.info("nested", { value: { big: 1n, error: new Error("inner") } });
    assertEquals(lines.length, values.length + 1);
    assertStringIncludes(lines.at(-1)!, "inner");
  }
});

Deno.test("Log cuts a field of a megabyte", () => {
  for (const format of ["text", "json"] as const) {
    const { log, lines } = collect({ format });
    log.info("long", { text: "x".repeat(1 << 20), list: new Array(1 << 18).fill("y") });
    assert(lines[0]!.length < 20_000, String(lines[0]!.length));
    if (format === "json") assertEquals(JSON.parse(lines[0]!).message, "long");
  }
});

Deno.test("Log begins a line for the journal with its priority", () => {
  const { log, lines } = collect({ journal: true, level: "debug" });
  log.debug("a");
  log.info("b");
  log.warn("c");
  log.error("d");
  assertEquals(lines, ["<7>DEBUG a\n", "<6>INFO  b\n", "<4>WARN  c\n", "<3>ERROR d\n"]);
});

Deno.test("writesToJournal() is true only for the process that systemd itself started", () => {
  const env = (variables: Record<string, string>) => (name: string) => variables[name];
  const JOURNAL_STREAM = "8:1234";
  assert(writesToJournal(env({ JOURNAL_STREAM, SYSTEMD_EXEC_PID: String(Deno.pid) })));
  assertFalse(writesToJournal(env({ JOURNAL_STREAM, SYSTEMD_EXEC_PID: "1" })));
  assertFalse(writesToJournal(env({ JOURNAL_STREAM })));
  assertFalse(writesToJournal(env({ SYSTEMD_EXEC_PID: String(Deno.pid) })));
});

Deno.test("Log does not throw when its writer does", () => {
  const { log } = collect({
    write: () => {
      throw new Deno.errors.BrokenPipe("gone");
    },
  });
  log.error("nobody reads");
});

Deno.test("Log survives a closed stderr and writes whole lines to an open one", async () => {
  const source = `
    import { Log } from ${
    JSON.stringify(new URL("../../src/telemetry/log.ts", import.meta.url).href)
  };
    const log = new Log();
    await Deno.stdin.readable.pipeTo(new WritableStream());
    for (let i = 0; i < 3; i++) log.info("line", { i, text: "x".repeat(4000) });
    console.log("alive");
  `;
  const run = async (closed: boolean) => {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-config", `data:application/typescript;base64,${btoa(source)}`],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    // The child logs only after its input ends, so stderr is closed before the first line.
    const stderr = closed
      ? child.stderr.cancel().then(() => "")
      : new Response(child.stderr).text();
    if (closed) await stderr;
    await child.stdin.close();
    const [stdout, { code }] = await Promise.all([
      new Response(child.stdout).text(),
      child.status,
    ]);
    return { stdout, code, stderr: await stderr };
  };
  const open = await run(false);
  assertEquals(open.code, 0, open.stderr);
  assertEquals(open.stderr.trim().split("\n").map((line) => JSON.parse(line).i), [0, 1, 2]);
  assertEquals(await run(true), { stdout: "alive\n", code: 0, stderr: "" });
});
