import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { displayWidth } from "../../src/cli/table.ts";
import { daemonHost } from "../harness/engine_host.ts";
import { pass, siteRow, TestHost } from "../harness/program.ts";
import { problem, writeProblems } from "../harness/problems.ts";
import { onTerminal, terminalTest } from "../harness/terminal.ts";
import { until } from "../harness/until.ts";

async function blogHost(): Promise<{ host: TestHost; workloadId: string }> {
  let workloadId = "";
  const host = await TestHost.seeded((store) => {
    workloadId = store.registry.create("site", { name: "blog" }).entry.workloadId;
    pass(store, [siteRow(workloadId, { containerName: "a-name-that-is-rather-long" })]);
  });
  return { host, workloadId };
}

// deno-lint-ignore no-control-regex -- these are what is looked for
const SGR = /\x1b\[\d+m/g;

terminalTest("ps is coloured and cut to a terminal, and only there", async () => {
  const { host, workloadId } = await blogHost();
  await using _ = host;
  await using running = onTerminal(host, "ps");
  await running.process.stdin.close();
  const { code, stdout } = await running.ended();
  assertEquals(code, 0);
  assertStringIncludes(stdout, "\x1b[32m● running\x1b[0m");
  // What stderr says of the index's age is a sentence, which a terminal wraps.
  const lines = stdout.replaceAll(SGR, "").trimEnd().split("\r\n")
    .filter((line) => !line.startsWith("This may be old"));
  assert(lines.every((line) => displayWidth(line) <= 60), stdout);
  assertEquals(lines.length, 2);
  assert(lines[1]?.includes("…"), "the container's name is cut");
  assert(lines[1]?.endsWith(`  ${workloadId}:site`), "the row's id is not");
  assertStringIncludes((await host.run("ps")).stdout, "a-name-that-is-rather-long  busybox:1");
});

terminalTest("commands colour what they show, and never show what colours it", async () => {
  const { host, workloadId } = await blogHost();
  await using _ = host;
  const rowId = `${workloadId}:site`;
  await host.seed((store) =>
    writeProblems(
      store,
      problem({
        kind: "missing",
        ...{ workloadId, rowId, do: { code: "bring-back", workloadId, rowId } },
      }),
    )
  );
  const coloured = [["doctor"], ["problems"], ["ps"], ["list"], ["explain", rowId], ["history"]];
  for (const args of [...coloured, ["expect", "blog"], ["status"], ["silence", "list"]]) {
    await using running = onTerminal(host, ...args);
    await running.process.stdin.close();
    const { stdout } = await running.ended();
    assert(!stdout.includes("u001b"), `${args.join(" ")}: ${stdout}`);
    if (coloured.includes(args)) assert(SGR.test(stdout), `${args.join(" ")}: ${stdout}`);
    SGR.lastIndex = 0;
  }
});

terminalTest("NO_COLOR and --no-color leave the symbols and words", async () => {
  const { host } = await blogHost();
  await using _ = host;
  for (const args of [["ps", "--no-color"], ["ps"]]) {
    if (args.length === 1) host.env["NO_COLOR"] = "1";
    await using running = onTerminal(host, ...args);
    await running.process.stdin.close();
    const { stdout } = await running.ended();
    assertStringIncludes(stdout, "● running");
    assert(!stdout.includes("\x1b"), args.join(" "));
  }
});

terminalTest(
  "ps --watch draws over what it drew, and leaves on SIGINT without a trace",
  async () => {
    const { host, workloadId } = await blogHost();
    await using _ = host;
    await using running = onTerminal(host, "ps", "--watch", "--no-color");
    await until("the first picture", () => running.stdout.includes("● running"));
    await host.seed((store) =>
      pass(store, [siteRow(workloadId, { state: "stopped", exitCode: 2 })])
    );
    const picture = () => running.stdout.slice(running.stdout.lastIndexOf("\x1b[2A"));
    await until(
      "the second picture, to its end",
      () => picture().includes("○ stopped (2)") && picture().endsWith("\x1b[J"),
    );
    const second = picture();
    assert(second.startsWith("\x1b[2A\r") && second.includes("\x1b[K\r\n\x1b[J"), second);
    // What ^C is on a terminal: the signal goes to the program, not to script.
    const writer = running.process.stdin.getWriter();
    await writer.write(new Uint8Array([3]));
    const { code, stdout } = await running.ended();
    await writer.close().catch(() => {});
    assertEquals(code, 0);
    assert(!stdout.includes("Error"));
  },
);

terminalTest("check says on a terminal what it waits for, and takes it away", async () => {
  await using made = await daemonHost();
  const { host, engine } = made;
  const { workloadId } = await host.json("add", "site", "blog");
  const labels = { "tinyforge.workload.id": workloadId };
  const container = engine.add({ name: "blog", labels });
  engine.setState(container, "exited", 2);
  await using checking = onTerminal(host, "check", "--wait", "60s", "--stable", "2s");
  await checking.process.stdin.close();
  const says = (text: string) => until(text, () => checking.stdout.includes(text));
  await says("1 of 1 row not as expected, waiting ");
  engine.setState(container, "running");
  await says("all as expected, to stay so for ");
  const { code, stdout } = await checking.ended();
  assertEquals(code, 0, stdout);
  assert(stdout.endsWith("\r\x1b[K1 row as expected.\r\n"), JSON.stringify(stdout.slice(-80)));
});

Deno.test("ps --watch without a terminal prints again when something happened, not when time passed", async () => {
  const { host, workloadId } = await blogHost();
  await using _ = host;
  const running = host.start("ps", "--watch");
  await until("the first table", () => running.stdout.includes("● running"));
  const started = Date.now();
  await until("some polls", () => Date.now() - started > 2500);
  await host.seed((store) => pass(store, [siteRow(workloadId, { state: "paused" })]));
  await until("the second table", () => running.stdout.includes("‖ paused"));
  const { code, stdout, stderr } = await running.stop("SIGINT");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(stdout.split("\n\n").length, 2);
  assertEquals(stdout.match(/WORKLOAD/g)?.length, 2);
});

Deno.test("ps --watch ends by itself when nobody reads it any more, though nothing changes", async () => {
  const { host } = await blogHost();
  await using _ = host;
  const process = host.command(["ps", "--watch"], { stdout: "piped", stderr: "piped" }).spawn();
  const reader = process.stdout.getReader();
  await reader.read();
  await reader.cancel();
  const [{ code }, stderr] = await Promise.all([
    process.status,
    new Response(process.stderr).text(),
  ]);
  assertEquals([code, stderr], [0, ""]);
});

Deno.test("a reader that closes early ends a command quietly", async () => {
  await using host = await TestHost.seeded((store) => {
    const { workloadId } = store.registry.create("stack", {
      name: "big",
      composeProjectName: "big",
    }).entry;
    const rows = Array.from({ length: 2000 }, (_, i) =>
      siteRow(workloadId, {
        id: `${workloadId}:${i}`,
        workloadKind: "stack",
        containerId: `${i}`.padStart(64, "0"),
      }));
    pass(store, rows);
  });
  const process = host.command(["ps"], { stdout: "piped", stderr: "piped" }).spawn();
  const reader = process.stdout.getReader();
  await reader.read();
  await reader.cancel();
  const [{ code }, stderr] = await Promise.all([
    process.status,
    new Response(process.stderr).text(),
  ]);
  assertEquals([code, stderr], [0, ""]);
});

Deno.test("ps --watch refuses --json", async () => {
  await using host = await TestHost.make();
  const { code, stdout, stderr } = await host.run("ps", "--watch", "--json");
  assertEquals([code, stdout], [2, ""]);
  assertEquals(JSON.parse(stderr).error, {
    code: "usage",
    message: "Cannot watch as JSON: --json prints one document",
    hint: "the daemon's GET /api/events streams changes as JSON",
  });
});
