/**
 * The numbers that problems are judged by, as the daemon as a process is told them: what opens
 * sooner and later, and what a restart with others leaves as it is.
 *
 * @module
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { ShownProblem } from "../../src/server/problem_views.ts";
import { engineHost } from "../harness/engine_host.ts";
import { LivingDaemon } from "../harness/living_daemon.ts";
import { TestHost } from "../harness/program.ts";
import { until } from "../harness/until.ts";

const SITES = ["gone", "sick", "late"];

/** What is not over of a site: one problem. */
async function problemOf(host: TestHost, site: string): Promise<ShownProblem | undefined> {
  const { problems } = await host.json("problems", "--all") as { problems: ShownProblem[] };
  return problems.find(({ workload, status }) => workload?.name === site && status !== "closed");
}

/** Seconds between the cause and the problem; that is not open yet where it only waits. */
function lasted({ since, openedAt, dueAt }: ShownProblem): number {
  return (Date.parse(openedAt ?? dueAt!) - Date.parse(since)) / 1000;
}

async function running(host: TestHost): Promise<LivingDaemon> {
  const daemon = new LivingDaemon(host);
  await daemon.ready();
  await until("events flow", async () => (await daemon.status())?.events.up);
  return daemon;
}

Deno.test("the daemon opens problems by the numbers that it is told, and a restart with others changes no opening", async () => {
  await using made = await engineHost();
  const { host, engine } = made;
  await host.seed(({ registry }) => {
    for (const name of SITES) registry.create("site", { name, id: `w-${name}` });
  });
  const containers = Object.fromEntries(SITES.map((name) => [
    name,
    engine.add({ name, labels: { "tinyforge.workload.id": `w-${name}` } }),
  ]));
  host.env["TINYFORGE_PROBLEM_SETTINGS"] = "missing-opens=5s, unhealthy-opens=1h";

  let opened: ShownProblem;
  let waiting: ShownProblem;
  {
    await using daemon = await running(host);
    engine.remove(containers["gone"]!);
    engine.setHealth(containers["sick"]!, "unhealthy");
    opened = (await until("it opens", async () => {
      const problem = await problemOf(host, "gone");
      return problem?.status === "open" ? problem : undefined;
    }, { withinMs: 20_000 }))!;
    waiting = (await problemOf(host, "sick"))!;
    assertEquals([opened.kind, lasted(opened)], ["missing", 5]);
    assertEquals([waiting.kind, waiting.status, lasted(waiting)], ["unhealthy", "holding", 3600]);
    assertEquals((await daemon.status())?.problemSettings, [
      { name: "missing-opens", value: "5s", default: "1m" },
      { name: "unhealthy-opens", value: "1h", default: "1m" },
    ]);
    const { stdout } = await host.run("status");
    assertMatch(stdout, /^judged by +missing-opens=5s instead of 1m\n +unhealthy-opens=1h inst/m);
  }

  host.env["TINYFORGE_PROBLEM_SETTINGS"] = "missing-opens=10m";
  {
    await using _daemon = await running(host);
    engine.remove(containers["late"]!);
    const late = (await until("it is seen", () => problemOf(host, "late")))!;
    assertEquals([late.kind, late.status, lasted(late)], ["missing", "holding", 600]);
    assertEquals(await problemOf(host, "gone"), opened, "what is open stays as it was");
    assertEquals(await problemOf(host, "sick"), waiting, "what waits opens no sooner");
  }

  delete host.env["TINYFORGE_PROBLEM_SETTINGS"];
  await using daemon = await running(host);
  assertEquals((await daemon.status())?.problemSettings, []);
  assertEquals((await host.run("status")).stdout.includes("judged by"), false);
  assertEquals(await problemOf(host, "gone"), opened);
});

Deno.test("the daemon does not start with numbers that can't be used, and says all that is wrong", async () => {
  await using made = await engineHost();
  const { host } = made;
  const { code, stderr } = await host.run(
    "reconcile",
    "--problem-settings",
    "missing-opens=1s,deaths=3",
    "--interval=soon",
  );
  assertEquals(code, 2);
  assertStringIncludes(stderr, "Cannot use the configuration: 3 problems");
  assertStringIncludes(stderr, `--problem-settings "missing-opens=1s": not a time from 5s to 1d`);
  assertStringIncludes(stderr, `--problem-settings "deaths=3": no such number; write one of `);
});

Deno.test("systemd prints a unit with the numbers that it is told", async () => {
  await using host = await TestHost.make();
  host.env["TINYFORGE_DATA_DIR"] = "/var/lib/tinyforge";
  host.env["TINYFORGE_PROBLEM_SETTINGS"] = "unhealthy-opens=3m, crash-loop-deaths=5";
  const { code, stdout } = await host.run("systemd");
  assertEquals(code, 0);
  const line = stdout.split("\n").find((each) => each.startsWith("ExecStart="));
  assertStringIncludes(line!, `"--problem-settings=unhealthy-opens=3m, crash-loop-deaths=5"`);
});
