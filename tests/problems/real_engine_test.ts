/**
 * How a real Engine tells of the ends of containers, and what becomes of that.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Deaths } from "../../src/model/problem.ts";
import { engineTest } from "../engines/docker.ts";
import type { EngineScope } from "../engines/real.ts";
import { rig } from "../harness/rig.ts";
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
