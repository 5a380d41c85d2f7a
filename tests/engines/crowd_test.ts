import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { DockerClient } from "../../src/docker/client.ts";
import type { EngineEvent } from "../../src/docker/events.ts";
import { until } from "../harness/until.ts";
import { SimEngine, simId, simLabels, simWorkloads } from "./crowd.ts";

Deno.test("SimEngine serves thousands of containers of the size of real ones", async () => {
  await using sim = await SimEngine.start({ containers: 5000 });
  using client = new DockerClient({ host: sim.host });
  const { containers } = await client.list();
  assertEquals(containers.length, 5000);
  assertEquals(containers[4321]!.id, simId(4321));
  assertEquals(containers[4321]!.labels, simLabels(4321));
  assertEquals(new Set(containers.map(({ id }) => id)).size, 5000);
  const http = Deno.createHttpClient({ proxy: { transport: "unix", path: sim.path } });
  const response = await fetch("http://127.0.0.1/containers/json?all=1", { client: http });
  const size = (await response.text()).length / 5000;
  http.close();
  assertGreater(size, 850);
  assertLess(size, 1050);
});

Deno.test("SimEngine speaks of the workloads that simWorkloads() lists", () => {
  const keys = new Set(simWorkloads(95).map(({ key }) => key));
  const named = [
    "com.docker.compose.project",
    "tinyforge.workload.id",
    "tinyforge.static-site",
  ];
  let managed = 0;
  for (let index = 0; index < 95; index++) {
    const key = named.map((label) => simLabels(index)[label]).find((value) => value !== undefined);
    if (key === undefined) continue;
    managed++;
    assert(keys.has(key), key);
  }
  assertEquals(managed, 86);
});

Deno.test("SimEngine changes containers and tells of it", async () => {
  const labels = [{ a: "x" }, { b: "c$i-$i" }];
  await using sim = await SimEngine.start({ containers: 100, labels });
  using client = new DockerClient({ host: sim.host });
  const controller = new AbortController();
  const events: EngineEvent[] = [];
  const open = Promise.withResolvers<void>();
  const read = async () => {
    const options = { signal: controller.signal, onOpen: open.resolve };
    for await (const event of client.events(options)) events.push(event);
  };
  const done = read().catch(() => {});
  await open.promise;

  await sim.change({ indexes: [3, 4], state: "exited", exitCode: 7 });
  await sim.change({ indexes: [5], state: "paused", events: false });
  await sim.add(1);
  await sim.remove([0]);
  await until("four events", () => events.length === 4);
  assertEquals(
    events.map(({ action, containerId }) => [action, containerId]),
    [["die", simId(3)], ["die", simId(4)], ["start", simId(100)], ["destroy", simId(0)]],
  );
  const ids = [0, 3, 5, 6, 100].map(simId);
  const { containers } = await client.list({ ids });
  assertEquals(
    containers.map(({ id, state, exitCode, labels }) => [id, state, exitCode, labels]),
    [
      [simId(3), "exited", 7, { b: "c3-3" }],
      [simId(5), "paused", null, { b: "c5-5" }],
      [simId(6), "running", null, { a: "x" }],
      [simId(100), "running", null, { a: "x" }],
    ],
  );

  await sim.resetStats();
  await sim.burst({ events: 300, containers: 50 });
  await until("all events of the burst", () => events.length >= 4 + 294);
  const all = new Map((await client.list()).containers.map(({ id, state }) => [id, state]));
  assertEquals(all, await sim.truth());
  const stats = await sim.stats();
  assertEquals(stats.requests, { list: 1 });
  assertEquals(stats.containers, 100);
  // Container 0 is gone: six of the burst's events found nobody.
  assertEquals(stats.events, 294);

  await sim.cutEvents();
  await done;
  controller.abort();
});
