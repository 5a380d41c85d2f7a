/**
 * What becomes of problems while a real Engine restarts, is away, or ends a container again and again.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { PROBLEM_DEFAULTS } from "../../src/model/problem_settings.ts";
import { PrivateEngine, privateEngineTest } from "../engines/private.ts";
import { rig } from "../harness/rig.ts";
import { SkippedClock } from "../harness/skipped_clock.ts";
import { until } from "../harness/until.ts";

privateEngineTest(
  "ProblemWatch gives one account of a real Engine's restart, which names the two that did not return",
  async () => {
    await using engine = await PrivateEngine.start();
    await using scope = await engine.scope();
    // The rest as it is: how long an Engine takes to shut down is measured by the same clock.
    // What a busy machine sees late of it is seen while it settles.
    const settings = { ...PROBLEM_DEFAULTS, settle: 8000, crashedOpens: 1000 };
    await using made = await rig(engine.host, { problems: { settings } });
    made.problems.start();
    made.loop.start();
    await until("events flow", () => made.loop.events.up && made.loop.outcomes.lastPass);
    const { workloadId } = made.store.registry.create("stack", {
      name: "shop",
      composeProjectName: "shop",
    }).entry;
    const names = Array.from({ length: 30 }, (_, i) => `c${i}`);
    await Promise.all(names.map((name, i) =>
      scope.run(name, {
        labels: { "tinyforge.workload.id": workloadId, "tinyforge.workload.role": name },
        // What ignores its signal is not waited for: it is no part of what is looked at here.
        args: ["--restart", i < 28 ? "always" : "no", "--stop-timeout", "1"],
      })
    ));
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
    const clock = new SkippedClock();
    await using made = await rig(engine.host, { clock, problems: {} });
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
    await until("it is missed", () => made.loop.outcomes.engineError !== null);
    const kinds = () => made.store.problems.list().map(({ kind }) => kind);
    for (let minute = 0; minute < 5; minute++) {
      clock.skip(60_000);
      await until("it is told of", () => kinds().includes("engine-down"));
    }
    assertEquals(kinds(), ["engine-down"]);
    await engine.up();
    await until("it is over", async () => {
      await made.loop.reconcileNow().catch(() => {});
      return !kinds().includes("engine-down");
    }, { withinMs: 30_000 });
  },
);
