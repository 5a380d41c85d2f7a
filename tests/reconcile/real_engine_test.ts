/**
 * The reconciler against a real Engine: every kind of workload, every thing that people do to
 * containers.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { PassReport, RefusalReason } from "../../src/model/pass.ts";
import type { ContainerView } from "../../src/model/views.ts";
import { COMPOSE, ComposeProject, serviceText } from "../engines/compose.ts";
import { ENGINE, engineTest } from "../engines/docker.ts";
import { type EngineScope, TEST_IMAGE, TEST_LABEL } from "../engines/real.ts";
import { missing } from "../harness/missing.ts";
import { until } from "../harness/until.ts";
import { type Rig, rig, sample } from "../harness/rig.ts";

/** The rows, each as `id state container-name`. */
function rows(r: Rig, scope: EngineScope): string[] {
  return r.store.views.list().map((row) =>
    `${row.id} ${row.state} ${row.containerName?.replace(`${scope.name}-`, "")}`
  );
}

/** Why this scope's containers were refused in a pass. Others may run on this Engine. */
async function refusals(r: Rig, scope: EngineScope): Promise<RefusalReason[]> {
  return refusedIn(await r.pass(), scope);
}

function refusedIn(report: PassReport, scope: EngineScope): RefusalReason[] {
  return report.refused.filter((refusal) => refusal.containerName.startsWith(scope.name))
    .map((refusal) => refusal.reason);
}

const idLabel = (id: string, more: Record<string, string> = {}) => ({
  "tinyforge.workload.id": id,
  ...more,
});

engineTest("a site's container gets its row by label", async (scope) => {
  await using r = await rig(scope.host);
  const { workloadId } = r.store.registry.create("site", { name: "blog" }).entry;
  // With a network: an Engine lists no ports of a container without one.
  const id = await scope.docker(
    "run",
    "--detach",
    ...["--name", scope.containerName("blog"), "--label", `${TEST_LABEL}=${scope.name}`],
    ...["--label", `tinyforge.workload.id=${workloadId}`],
    ...["--label", "tinyforge.workload.kind=site", "--stop-timeout", "0"],
    ...["--expose", "9090", "--expose", "8080", "--publish", "127.0.0.1::8081"],
    TEST_IMAGE,
  );
  await r.pass();
  const [row] = r.store.views.list();
  assertEquals(
    [row?.id, row?.containerId, row?.state, row?.port, row?.imageRef],
    [`${workloadId}:site`, id, "running", 8081, TEST_IMAGE],
  );
});

engineTest("a legacy site label gives the same row", async (scope) => {
  await using r = await rig(scope.host);
  const { entry } = r.store.registry.create("site", { name: "blog" });
  await scope.run("blog", { labels: { "tinyforge.static-site": entry.id } });
  await r.pass();
  assertEquals(rows(r, scope), [`${entry.workloadId}:site running blog`]);
});

engineTest("a deployer's row keeps its fields over ten passes", async (scope) => {
  await using r = await rig(scope.host);
  const { entry } = r.store.registry.create("project", { name: "api" });
  const stage = r.store.stages.create(entry.id, { name: "live" });
  const containerId = await scope.run("api", { labels: idLabel(entry.workloadId) });
  const mine = {
    stageId: stage.id,
    imageTag: "v1",
    subdomain: "api",
    proxyRouteId: "route-9",
    npmProxyId: 12,
  };
  r.store.deployed.saveDeployedContainer({
    id: "deployers-id",
    workloadId: entry.workloadId,
    role: "live",
    containerId,
    ...mine,
  });
  for (let i = 0; i < 10; i++) {
    await scope.docker(i % 2 === 0 ? "stop" : "start", containerId);
    await r.pass();
  }
  const row = r.store.views.get("deployers-id");
  const { stageId, imageTag, subdomain, proxyRouteId, npmProxyId } = row;
  assertEquals({ stageId, imageTag, subdomain, proxyRouteId, npmProxyId }, mine);
  assertEquals([row.state, row.role, row.containerId], ["running", "live", containerId]);
  assertEquals(r.store.views.list().length, 1);
});

engineTest("a project's container without a row is not invented", async (scope) => {
  await using r = await rig(scope.host);
  const { entry } = r.store.registry.create("project", { name: "api" });
  await scope.run("api", { labels: idLabel(entry.workloadId) });
  assertEquals(await refusals(r, scope), ["awaiting-deployer"]);
  assertEquals(rows(r, scope), []);
});

engineTest("a forged workload id and a wrong kind are refused", async (scope) => {
  await using r = await rig(scope.host);
  const { entry } = r.store.registry.create("site", { name: "blog" });
  await scope.run("forged", { labels: idLabel("w-forged") });
  await scope.run("wrong-kind", {
    labels: idLabel(entry.workloadId, { "tinyforge.workload.kind": "stack" }),
  });
  assertEquals((await refusals(r, scope)).sort(), ["kind-mismatch", "unknown-workload"]);
  // The site is expected by being registered; neither container serves it.
  assertEquals(
    r.store.views.list().map(({ id, state, containerId }) => [id, state, containerId]),
    [[`${entry.workloadId}:site`, "absent", null]],
  );
});

engineTest("a row is followed when its stack moves to another Compose project", async (scope) => {
  await using r = await rig(scope.host);
  const project = scope.composeProject();
  const { entry } = r.store.registry.create("stack", {
    name: "shop",
    composeProjectName: project,
  });
  const id = await scope.run("web", {
    labels: {
      "com.docker.compose.project": project,
      "com.docker.compose.service": "web",
      "com.docker.compose.config-hash": "x",
    },
  });
  r.loop.start();
  const shown = () => {
    const row = r.store.views.list().find(({ containerId }) => containerId === id);
    return row === undefined ? "none" : `${row.state} ${row.claimed} ${row.unclaimedReason}`;
  };
  await until("its row is there", () => shown() === "running true null");
  await until("events flow", () => sample(r.metrics, "tinyforge_event_stream_up") === 1);
  r.store.registry.update("stack", entry.id, { composeProjectName: "other" });
  r.loop.request();
  await until("the claim is seen to end", () => shown() === "running false unmanaged");
  await scope.docker("stop", id);
  await until("it is seen to stop", () => shown() === "stopped false unmanaged");
  await scope.docker("start", id);
  await until("it is seen to start", () => shown() === "running false unmanaged");
  const lastPass = r.store.hosts.lastPass();
  assertEquals(lastPass?.unclaimed.map(({ containerId }) => containerId), [id]);
  r.store.registry.update("stack", entry.id, { composeProjectName: project });
  r.loop.request();
  await until("it is claimed again", () => shown() === "running true null");
});

engineTest("a deployer's row bound to a container without labels is followed", async (scope) => {
  await using r = await rig(scope.host);
  const { workloadId } = r.store.registry.create("project", { name: "api" }).entry;
  const id = await scope.run("bare");
  r.store.deployed.saveDeployedContainer({ id: "api-1", workloadId, containerId: id });
  const shown = async () => {
    await r.pass();
    const { state, claimed, unclaimedReason } = r.store.views.get("api-1");
    return [state, claimed, unclaimedReason];
  };
  assertEquals(await shown(), ["running", false, "unmanaged"]);
  await scope.docker("stop", id);
  assertEquals(await shown(), ["stopped", false, "unmanaged"]);
  await scope.docker("rm", id);
  assertEquals((await shown())[0], "missing");
});

engineTest("stop, start, pause, kill and rm show in the row", async (scope) => {
  await using r = await rig(scope.host);
  const { workloadId } = r.store.registry.create("site", { name: "blog" }).entry;
  const id = await scope.create("blog", {
    labels: idLabel(workloadId),
    command: ["sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.05; done"],
  });
  const after = async (...command: string[]): Promise<ContainerView> => {
    if (command.length > 0) await scope.docker(...command, id);
    await r.pass();
    return r.store.views.get(`${workloadId}:site`);
  };
  assertEquals((await after()).state, "created");
  assertEquals((await after("start")).state, "running");
  assertEquals((await after("pause")).state, "paused");
  assertEquals((await after("unpause")).state, "running");
  const stopped = await after("stop", "--time", "5");
  assertEquals([stopped.state, stopped.exitCode], ["stopped", 7]);
  const again = await after("start");
  assertEquals([again.state, again.exitCode], ["running", null]);
  const killed = await after("kill");
  assertEquals([killed.state, killed.exitCode], ["stopped", 137]);
  const gone = await after("rm");
  assertEquals([gone.state, gone.containerId], ["missing", id]);
  assertEquals(
    r.store.transitions.ofRow(`${workloadId}:site`).map((t) => t.to),
    ["created", "running", "paused", "running", "stopped", "running", "stopped", "missing"],
  );
});

engineTest("health is a column of its own", async (scope) => {
  await using r = await rig(scope.host);
  const { workloadId } = r.store.registry.create("site", { name: "blog" }).entry;
  await scope.run("blog", {
    labels: idLabel(workloadId),
    args: ["--health-cmd", "false", "--health-interval", "100ms", "--health-retries", "1"],
  });
  let row: ContainerView;
  const deadline = performance.now() + 10_000;
  do {
    await r.pass();
    row = r.store.views.get(`${workloadId}:site`);
  } while (row.health !== "unhealthy" && performance.now() < deadline);
  assertEquals([row.state, row.health], ["running", "unhealthy"]);
});

engineTest("a replacement takes the row over while the old container still runs", async (scope) => {
  await using r = await rig(scope.host);
  const { workloadId } = r.store.registry.create("stack", {
    name: "shop",
    composeProjectName: scope.composeProject(),
  }).entry;
  const labels = idLabel(workloadId, { "tinyforge.workload.role": "web" });
  const old = await scope.run("old", { labels });
  await r.pass();
  const next = await scope.run("next", { labels });
  const report = await r.pass();
  assertEquals(report.contended, [{ rowId: `${workloadId}:web`, winner: old, losers: [next] }]);
  assertEquals(rows(r, scope), [`${workloadId}:web running old`]);
  await scope.docker("stop", old);
  await r.pass();
  assertEquals(rows(r, scope), [`${workloadId}:web running next`]);
  await scope.docker("rm", old);
  assertEquals((await r.pass()).contended, []);
  assertEquals(rows(r, scope), [`${workloadId}:web running next`]);
});

engineTest("a container keeps the name of its image when the tag has moved on", async (scope) => {
  await using r = await rig(scope.host);
  const { workloadId } = r.store.registry.create("site", { name: "blog" }).entry;
  const tag = `${scope.name.toLowerCase()}:1`;
  await scope.docker("tag", TEST_IMAGE, tag);
  try {
    const id = await scope.run("web", { labels: idLabel(workloadId), image: tag });
    await r.pass();
    assertEquals(r.store.views.list()[0]?.imageRef, tag);
    await scope.docker("commit", id, tag);
    const [listed] = (await r.docker.list({ ids: [id] })).containers;
    assertMatch(listed!.image, /^sha256:/);
    assertEquals((await r.pass()).updated, 0);
    assertEquals(r.store.views.list()[0]?.imageRef, tag);
    await scope.docker("rm", "--force", id);
  } finally {
    await scope.docker("rmi", tag);
  }
});

engineTest("a loop follows what networks do to a container's ports", async (scope) => {
  await using r = await rig(scope.host);
  const { workloadId } = r.store.registry.create("site", { name: "blog" }).entry;
  const labels = idLabel(workloadId);
  const options = { labels, args: ["--publish", "127.0.0.1::80"], network: "bridge" };
  const id = await scope.run("web", options);
  r.loop.start();
  const port = () => r.store.views.list()[0]?.port;
  await until("its port is seen", () => port() === 80);
  await until("events flow", () => sample(r.metrics, "tinyforge_event_stream_up") === 1);
  await scope.docker("network", "disconnect", "bridge", id);
  await until("its port is gone", () => port() === null, { withinMs: 5000 });
  await scope.docker("network", "connect", "bridge", id);
  await until("its port is back", () => port() === 80, { withinMs: 5000 });
});

const composeTest = "a Compose project comes up, scales, runs a one-off and goes down";
if (COMPOSE !== null || typeof ENGINE === "string") {
  engineTest(composeTest, async (scope) => {
    await using r = await rig(scope.host, { composePrefix: scope.name });
    const directory = await Deno.makeTempDir();
    try {
      const project = new ComposeProject(scope.engine, { name: scope.composeProject(), directory });
      await project.write({ web: serviceText(), worker: serviceText() });
      await project.compose("up", "--detach", "--scale", "worker=3");
      // Not registered yet: it has our prefix, so it is ours and unknown.
      assertEquals(
        new Set(await refusals(r, scope)),
        new Set(["unknown-stack"]),
      );
      const { workloadId } = r.store.registry.create("stack", {
        name: "shop",
        composeProjectName: project.name,
      }).entry;
      await r.pass();
      const states = () =>
        r.store.views.list().map((x) => `${x.id} ${x.role} ${x.replica} ${x.state}`);
      assertEquals(states(), [
        `${workloadId}:web web 1 running`,
        `${workloadId}:worker worker 1 running`,
        `${workloadId}:worker:2 worker 2 running`,
        `${workloadId}:worker:3 worker 3 running`,
      ]);
      await project.compose("run", "--detach", "web", "sleep", "3600");
      const report = await r.pass();
      assertEquals(refusedIn(report, scope).filter((reason) => reason === "one-off").length, 1);
      assertEquals(states().length, 4);
      await project.compose("down", "--timeout", "0", "--remove-orphans");
      await r.pass();
      assertEquals(new Set(r.store.views.list().map((x) => x.state)), new Set(["missing"]));
      assertEquals(states().length, 4);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
} else missing(composeTest, "docker-compose is not installed");

engineTest("a row says where the host and each network lead to its container", async (scope) => {
  await using r = await rig(scope.host);
  const { workloadId } =
    r.store.registry.create("stack", { name: "shop", composeProjectName: "shop" })
      .entry;
  const network = `${scope.name}-net`;
  const image = await scope.docker("image", "inspect", "--format", "{{.Id}}", TEST_IMAGE);
  await scope.docker("network", "create", network);
  try {
    const start = (role: string, ...args: string[]) =>
      scope.docker(
        ...["run", "--detach", "--name", scope.containerName(role), "--stop-timeout", "0"],
        ...[
          "--label",
          `${TEST_LABEL}=${scope.name}`,
          "--label",
          `tinyforge.workload.id=${workloadId}`,
        ],
        ...["--label", `tinyforge.workload.role=${role}`, ...args, TEST_IMAGE],
      );
    const inspected = (id: string, format: string) =>
      scope.docker("inspect", "--format", format, id);
    const web = await start("web", "--network", network, "--publish", "127.0.0.1::8081");
    await start("host", "--network", "host");
    await start("none", "--network", "none");
    await r.pass();
    const row = (role: string) => {
      const { port, hostIp, hostPort, addresses, imageId } = r.store.views.get(
        `${workloadId}:${role}`,
      );
      return { port, hostIp, hostPort, addresses, imageId };
    };
    const published = await scope.docker("port", web, "8081/tcp");
    const address = await inspected(
      web,
      `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`,
    );
    assertEquals(row("web"), {
      port: 8081,
      hostIp: "127.0.0.1",
      hostPort: Number(published.split(":")[1]),
      addresses: { [network]: address },
      imageId: image,
    });
    const nowhere = { port: null, hostIp: null, hostPort: null, imageId: image };
    assertEquals(row("host"), { ...nowhere, addresses: { host: null } });
    assertEquals(row("none"), { ...nowhere, addresses: { none: null } });
    // Stopped, it has neither port nor address, but still its network.
    await scope.docker("stop", web);
    await r.pass();
    assertEquals(row("web"), { ...nowhere, addresses: { [network]: null } });
    await scope.docker("rm", "--force", web);
  } finally {
    await scope.docker("network", "rm", network).catch(() => {});
  }
});

engineTest(
  "a deployer's row made before docker run gets the container that names it, each time",
  async (scope) => {
    await using r = await rig(scope.host);
    const { workloadId } = r.store.registry.create("project", { name: "api" }).entry;
    r.store.deployed.saveDeployedContainer({ id: "api-1", workloadId, subdomain: "api" });
    const labels = idLabel(workloadId, { "tinyforge.row.id": "api-1" });
    const bound = () => {
      const { state, containerId, subdomain } = r.store.views.get("api-1");
      return [state, containerId, subdomain];
    };
    const first = await scope.run("one", { labels });
    await r.pass();
    assertEquals(bound(), ["running", first, "api"]);
    const second = await scope.run("two", { labels });
    await r.pass();
    assertEquals(bound(), ["running", first, "api"]);
    await scope.docker("stop", first);
    await r.pass();
    assertEquals(bound(), ["running", second, "api"]);
    await scope.docker("rm", "--force", second);
    await scope.docker("rm", "--force", first);
    const third = await scope.run("three", { labels });
    await r.pass();
    assertEquals(bound(), ["running", third, "api"]);
  },
);

for (const [which, publish] of [["", false], [" with a published port", true]] as const) {
  engineTest(
    `a quiet container${which} that dies shows soon after the Engine says so`,
    async (scope) => {
      await using r = await rig(scope.host);
      const { role, ended } = followDeaths(r);
      const ids: string[] = [];
      for (let i = 0; i < 6; i++) {
        ids.push(
          await scope.run(`c${i}`, {
            labels: role(`c${i}`),
            ...(publish && { args: ["--publish", "127.0.0.1::8081"], network: "bridge" }),
          }),
        );
      }
      r.loop.start();
      await until("all run", () => r.store.views.list().filter(isRunning).length === ids.length);
      await until("events flow", () => sample(r.metrics, "tinyforge_event_stream_up") === 1);
      const lags: number[] = [];
      for (const id of ids) {
        await scope.docker("kill", id);
        lags.push(await ended(id));
      }
      // The first read and the one a moment later see it; a busy machine takes longer to list it.
      const median = lags.toSorted((a, b) => a - b)[lags.length >> 1]!;
      assert(median < (publish ? 400 : 150), `${lags.map(Math.round)} ms`);
      assert(Math.max(...lags) < 3000, `${lags.map(Math.round)} ms`);
    },
  );
}

const slowDeath =
  "a container whose networks take their time shows as ended once the Engine lists it";
if (Deno.uid() === 0 || typeof ENGINE === "string") {
  engineTest(slowDeath, async (scope) => {
    await using r = await rig(scope.host);
    const { role, ended } = followDeaths(r);
    const id = await scope.run("web", {
      labels: role("web"),
      args: ["--publish", "127.0.0.1::8081"],
      network: "bridge",
    });
    const address = await scope.docker("port", id, "8081/tcp");
    r.loop.start();
    await until("it runs", () => r.store.views.list().some(isRunning));
    await until("events flow", () => sample(r.metrics, "tinyforge_event_stream_up") === 1);
    // The Engine waits for the program that publishes the port before it lists the container ended.
    const proxy = await proxyOf(address.slice(address.lastIndexOf(":") + 1));
    Deno.kill(proxy, "SIGSTOP");
    let killed: Promise<string> | null = null;
    try {
      killed = scope.docker("kill", id);
      await until(
        "it was read several times",
        () => sample(r.metrics, 'tinyforge_passes_total{outcome="ok"}') >= 6,
      );
      assertEquals(r.store.views.list().map(({ state }) => state), ["running"]);
    } finally {
      Deno.kill(proxy, "SIGCONT");
    }
    await killed;
    // Long before the next tick, of five minutes.
    await ended(id);
    assertEquals(r.store.views.list().map(({ state }) => state), ["stopped"]);
    const [last] = r.store.transitions.ofRow(r.store.views.list()[0]!.id).slice(-1);
    assertEquals(last?.origin.by === "event" && last.origin.action, "die");
  });
} else missing(slowDeath, "to stop a program of the Engine needs root");

const isRunning = ({ state }: { state: string }) => state === "running";

/** A stack of containers by role, and how long after its `die` each shows as ended. */
function followDeaths(r: Rig) {
  const { workloadId } = r.store.registry.create("stack", {
    name: "deaths",
    composeProjectName: "deaths",
  }).entry;
  const seen = new Map<string, number>();
  const commits = r.feed.subscribe();
  (async () => {
    for await (const { data: { rows } } of commits) {
      const now = performance.timeOrigin + performance.now();
      for (const { id } of rows) {
        const [last] = r.store.transitions.ofRow(id, { limit: 1 });
        if (last?.to !== "stopped" || last.origin.by !== "event" || last.origin.at === null) {
          continue;
        }
        seen.set(last.containerId!, now - Date.parse(last.origin.at));
      }
    }
  })();
  return {
    role: (role: string) => idLabel(workloadId, { "tinyforge.workload.role": role }),
    /** Milliseconds. */
    ended: (id: string) =>
      until("its end is seen", () => seen.has(id), { withinMs: 20_000 }).then(() => seen.get(id)!),
  };
}

/** PID of Docker's program that publishes this port of the host; `ps` may read what Deno may not. */
async function proxyOf(hostPort: string): Promise<number> {
  const { stdout } = await new Deno.Command("ps", { args: ["-eo", "pid=,args="] }).output();
  for (const line of new TextDecoder().decode(stdout).split("\n")) {
    const [pid, program, ...args] = line.trim().split(/ +/);
    const at = args.indexOf("-host-port");
    if (program?.endsWith("docker-proxy") && args[at + 1] === hostPort) return Number(pid);
  }
  throw new Error(`Cannot find the program that publishes port ${hostPort}`);
}
