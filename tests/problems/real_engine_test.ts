/**
 * How a real Engine tells of the ends of containers, and what becomes of that.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Deaths } from "../../src/model/problem.ts";
import { PROBLEM_DEFAULTS } from "../../src/model/problem_settings.ts";
import { engineTest, privateEngineTest } from "../engines/docker.ts";
import { PrivateEngine } from "../engines/private.ts";
import type { EngineScope } from "../engines/real.ts";
import { fastClock, rig } from "../harness/rig.ts";
import { SkippedClock } from "../harness/skipped_clock.ts";
import { until } from "../harness/until.ts";

/** Follows the Engine, with a site for each of these containers; `label` ties one to its site. */
async function watched(scope: EngineScope) {
  const made = await rig(scope.host);
  made.problems.start();
  made.loop.start();
  await until("events flow", () => made.loop.events.up && made.loop.outcomes.lastPass);
  return {
    made,
    label: (name: string) => {
      const { entry } = made.store.registry.create("site", { name });
      return { labels: { "tinyforge.static-site": entry.id } };
    },
    deaths: (id: string): Deaths | undefined => {
      const [row] = made.store.containers.index().boundTo(id);
      return row === undefined ? undefined : made.store.problems.deathsOf(row.id);
    },
    running: (id: string) =>
      until(
        "its row runs",
        () => made.store.containers.index().boundTo(id)[0]?.state === "running",
      ),
  };
}

engineTest(
  "ProblemWatch takes `docker stop` for an operator's, 137 or not, and HUP for nothing",
  async (scope) => {
    const { made, label, deaths, running } = await watched(scope);
    await using _ = made;
    const id = await scope.run("blog", label("blog"));
    await running(id);
    // PID 1 without a handler ignores both HUP and TERM, so that the stop has to kill it.
    await scope.docker("kill", "--signal", "HUP", id);
    await scope.docker("stop", "--time", "1", id);
    const counted = await until("the end is counted", () => deaths(id));
    assertEquals(counted.ring.map(({ how, exitCode }) => ({ how, exitCode })), [
      { how: "stop", exitCode: 137 },
    ]);
    await scope.docker("start", id);
    await running(id);
    await scope.docker("kill", id);
    const again = await until(
      "the kill is counted",
      () => (deaths(id)?.count ?? 0) > 1 ? deaths(id) : null,
    );
    assertEquals(again.ring.at(-1)?.how, "kill");
  },
);

engineTest(
  "ProblemWatch sees that memory ran out, and counts each end of a container that is restarted",
  async (scope) => {
    const { made, label, deaths } = await watched(scope);
    await using _ = made;
    const hungry = await scope.run("hungry", {
      ...label("hungry"),
      args: ["--memory", "8m", "--memory-swap", "8m"],
      command: ["sh", "-c", "sleep 1; exec tail /dev/zero"],
    });
    const crashing = await scope.run("crashing", {
      ...label("crashing"),
      args: ["--restart", "always"],
      command: ["sh", "-c", "exit 1"],
    });
    await until("a loop is seen", () => {
      return made.store.problems.list().some(({ kind }) => kind === "crash-loop");
    }, { withinMs: 30_000 });
    const ends = deaths(crashing)!;
    assert(ends.count >= 3);
    assert(ends.ring.every(({ how, exitCode }) => how === "crash" && exitCode === 1));
    await until("oom is told", () => {
      return made.store.problems.list().some(({ kind }) => kind === "oom");
    });
    assertEquals(deaths(hungry)?.ring.map(({ how }) => how), ["oom"]);
  },
);

engineTest(
  "ProblemWatch keeps how the health of a real container fails and recovers",
  async (scope) => {
    const { made, label, running } = await watched(scope);
    await using _ = made;
    const id = await scope.run("blog", {
      ...label("blog"),
      args: [
        ...[
          "--health-cmd",
          "test -e /ok || { echo not yet; false; }",
          "--health-interval",
          "200ms",
        ],
        ...["--health-retries", "1", "--restart", "always"],
      ],
    });
    await running(id);
    const row = () => made.store.views.list()[0]!;
    await until("it is unhealthy", () => row().health === "unhealthy", { withinMs: 20_000 });
    await until(
      "what the check said is known",
      () => made.store.details.of(row().id)?.healthOutput === "not yet",
      { withinMs: 20_000 },
    );
    assertEquals([row().restartPolicy, row().state], ["always", "running"]);
    assert(Math.abs(Date.parse(row().startedAt!) - Date.now()) < 60_000);
    await scope.docker("exec", id, "touch", "/ok");
    await until("it is healthy", () => row().health === "healthy", { withinMs: 20_000 });
    assertEquals(
      made.store.changes.ofRow(row().id).map(({ to }) => to).slice(-2),
      ["unhealthy", "healthy"],
    );
  },
);

privateEngineTest(
  "ProblemWatch gives one account of a real Engine's restart, which names the two that did not return",
  async () => {
    await using engine = await PrivateEngine.start();
    await using scope = await engine.scope();
    // The rest as it is: how long an Engine takes to shut down is measured by the same clock.
    const settings = { ...PROBLEM_DEFAULTS, settle: 3000, crashedOpens: 1000 };
    await using made = await rig(engine.host, { problems: { settings } });
    made.problems.start();
    made.loop.start();
    await until("events flow", () => made.loop.events.up && made.loop.outcomes.lastPass);
    const { workloadId } = made.store.registry.create("stack", {
      name: "shop",
      composeProjectName: "shop",
    }).entry;
    const names = Array.from({ length: 30 }, (_, i) => `c${i}`);
    for (const [i, name] of names.entries()) {
      await scope.run(name, {
        labels: { "tinyforge.workload.id": workloadId, "tinyforge.workload.role": name },
        // What ignores its signal is not waited for: it is no part of what is looked at here.
        args: ["--restart", i < 28 ? "always" : "no", "--stop-timeout", "1"],
      });
    }
    const states = () => Object.groupBy(made.store.views.list(), ({ state }) => state);
    await until("all run", () => states()["running"]?.length === 30, { withinMs: 30_000 });
    await engine.stop();
    await engine.up();
    await until("28 are back", async () => {
      await made.loop.reconcileNow().catch(() => {});
      return states()["running"]?.length === 28;
    }, { withinMs: 60_000 });
    const told = () =>
      made.lines.filter(({ message }) => message === "containers after the restart");
    await until("one account is given", () => told().length > 0, { withinMs: 60_000 });
    assertEquals(
      told().map(({ right, expected, wrong }) => ({ right, expected, wrong })),
      [{ right: 28, expected: 30, wrong: [`${workloadId}:c28`, `${workloadId}:c29`] }],
    );
    await until("both are told of", () => made.store.problems.list().length >= 2, {
      withinMs: 20_000,
    });
    const open = made.store.problems.list();
    assertEquals(open.map(({ rowId, batch }) => [rowId, batch]).sort(), [
      [`${workloadId}:c28`, "restart"],
      [`${workloadId}:c29`, "restart"],
    ]);
  },
);

privateEngineTest(
  "ProblemWatch tells a real loop of crashes once, and closes it ten minutes after it was mended, by time alone",
  async () => {
    await using engine = await PrivateEngine.start();
    await using scope = await engine.scope();
    const clock = new SkippedClock();
    // No pass comes in between either.
    await using made = await rig(engine.host, { clock, problems: {}, intervalMs: 3_600_000 });
    const { problems, registry, views } = made.store;
    made.problems.start();
    made.loop.start();
    await until("events flow", () => made.loop.events.up && made.loop.outcomes.lastPass);
    const { workloadId } = registry.create("site", { name: "blog" }).entry;
    const mended = await Deno.makeTempDir({ prefix: "tinyforge-loop-" });
    try {
      const id = await scope.run("blog", {
        labels: { "tinyforge.workload.id": workloadId },
        args: ["--restart", "always", "--volume", `${mended}:/mended:ro`],
        command: ["sh", "-c", "test -e /mended/yes || exit 1; sleep 3600"],
      });
      const deaths = () => {
        const [row] = views.list();
        return row === undefined ? undefined : problems.deathsOf(row.id);
      };
      await until("it ended six times", () => (deaths()?.count ?? 0) >= 6, { withinMs: 60_000 });
      assertEquals(problems.list().map(({ kind }) => kind), ["crash-loop"]);
      await Deno.writeTextFile(`${mended}/yes`, "");
      await until(
        "it runs",
        async () =>
          views.list()[0]?.state === "running" &&
          await scope.docker("exec", id, "true").then(() => true, () => false),
        { withinMs: 60_000 },
      );
      const { at: lastAt } = deaths()!.ring.at(-1)!;
      const count = deaths()!.count;
      assertEquals(problems.list().map(({ kind }) => kind), ["crash-loop"]);

      clock.skip(lastAt + 10 * 60_000 - clock.now());
      await until("it is over", () => problems.list().length === 0);
      assertEquals(
        problems.list({ all: true }).filter(({ kind }) => kind === "crash-loop")
          .map(({ status, outcome, closedAt }) => ({ status, outcome, closedAt })),
        [{ status: "closed", outcome: "recovered", closedAt: lastAt + 10 * 60_000 }],
      );
      assertEquals(deaths()!.count, count);
    } finally {
      await Deno.remove(mended, { recursive: true });
    }
  },
);

privateEngineTest(
  "ProblemWatch has one problem while a real Engine is away for minutes, and no row's",
  async () => {
    await using engine = await PrivateEngine.start();
    await using scope = await engine.scope();
    const clock = fastClock(60);
    await using made = await rig(engine.host, { clock });
    made.problems.start();
    made.loop.start();
    await until("events flow", () => made.loop.events.up && made.loop.outcomes.lastPass);
    const { workloadId } = made.store.registry.create("site", { name: "blog" }).entry;
    await scope.run("blog", {
      labels: { "tinyforge.workload.id": workloadId },
      args: ["--restart", "always"],
    });
    await until("it runs", () => made.store.views.list()[0]?.state === "running");
    await engine.kill();
    const awayAt = clock.now();
    await until("five minutes passed", () => clock.now() - awayAt > 5 * 60_000, {
      withinMs: 30_000,
    });
    assertEquals(made.store.problems.list().map(({ kind }) => kind), ["engine-down"]);
    await engine.up();
    await until("it is over", async () => {
      await made.loop.reconcileNow().catch(() => {});
      return made.store.problems.list().every(({ kind }) => kind !== "engine-down");
    }, { withinMs: 30_000 });
  },
);
