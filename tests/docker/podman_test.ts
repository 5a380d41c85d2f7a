import { assert, assertEquals } from "@std/assert";
import { DockerClient } from "../../src/docker/client.ts";
import type { EngineEvent } from "../../src/docker/events.ts";
import { rig, sample } from "../harness/rig.ts";
import { until } from "../harness/until.ts";
import { PODMAN_IMAGE, podmanTest } from "../engines/podman.ts";

podmanTest("DockerClient.list() follows a Podman container through its states", async (podman) => {
  using client = new DockerClient({ host: podman.host });
  const version = await client.version();
  assertEquals(version.kind, "podman");
  assert((await podman.podman("--version")).endsWith(version.engineVersion));

  const label = 'größe 🚀 "quoted" $(x)';
  const id = await podman.run("web", { labels: { "tinyforge.test.label": label } });
  const one = async () => (await client.list({ ids: [id] })).containers[0]!;
  const created = Date.parse(
    await podman.podman("inspect", "--format", "{{json .Created}}", id)
      .then((json) => JSON.parse(json)),
  );
  assertEquals(await one(), {
    id,
    name: "web",
    image: PODMAN_IMAGE,
    imageId: await podman.podman("inspect", "--format", "{{.Image}}", id).then((hex) =>
      `sha256:${hex}`
    ),
    state: "running",
    health: null,
    exitCode: null,
    labels: { "tinyforge.test.label": label },
    ports: [],
    addresses: "{}",
    createdAt: Math.floor(created / 1000),
  });
  await podman.podman("pause", id);
  assertEquals((await one()).state, "paused");
  await podman.podman("unpause", id);
  await podman.podman("kill", id);
  const killed = await until("it is dead", async () => {
    const container = await one();
    return container.state === "exited" ? container : null;
  });
  assertEquals(killed.exitCode, 137);
  await podman.podman("rm", id);
  assertEquals((await client.list({ ids: [id] })).containers, []);
  assertEquals((await client.list()).containers, []);
});

podmanTest("DockerClient.list() of ids gives no other container of Podman", async (podman) => {
  using client = new DockerClient({ host: podman.host });
  const [a, b] = [await podman.run("a"), await podman.run("b")];
  await podman.run("c");
  const { containers } = await client.list({ ids: [a, b, "0".repeat(64)] });
  assertEquals(new Set(containers.map(({ id }) => id)), new Set([a, b]));
  assertEquals((await client.list({ ids: [a.slice(0, 12)] })).containers, []);
  assertEquals((await client.list({ ids: ["0".repeat(64)] })).containers, []);
});

podmanTest("DockerClient.engineId() is stable with Podman", async (podman) => {
  using client = new DockerClient({ host: podman.host });
  const id = await client.engineId();
  assert(id.startsWith("podman:"));
  assertEquals(await client.engineId(), id);
  await podman.down();
  await podman.up();
  assertEquals(await client.engineId(), id);
});

podmanTest("DockerClient.events() gives Podman's events Docker's names", async (podman) => {
  using client = new DockerClient({ host: podman.host });
  const controller = new AbortController();
  const events: EngineEvent[] = [];
  const open = Promise.withResolvers<void>();
  const read = async () => {
    const options = { signal: controller.signal, onOpen: open.resolve };
    for await (const event of client.events(options)) events.push(event);
  };
  const done = read().catch(() => {});
  await open.promise;
  const id = await podman.run("web", { command: ["sh", "-c", "sleep 0.2; exit 7"] });
  await until("it ended", () => events.some(({ action }) => action === "die"));
  await podman.podman("rm", id);
  await until("it is gone", () => events.some(({ action }) => action === "destroy"));
  controller.abort();
  await done;
  const actions = events.map(({ action }) => action);
  for (const action of ["create", "start", "die", "destroy"]) assert(actions.includes(action));
  assertEquals(new Set(events.map(({ containerId }) => containerId)), new Set([id]));
  assertEquals(events.find(({ action }) => action === "die")!.exitCode, 7);
  assert(events.every(({ name, timeMs }) => name === "web" && timeMs! > 1_700_000_000_000));
});

podmanTest("Loop shows the health of a Podman container", async (podman) => {
  await using r = await rig(podman.host);
  const { workloadId } = r.store.registry.create("site", { name: "blog" }).entry;
  const { loop } = r;
  loop.start();
  await until("events flow", () => sample(r.metrics, "tinyforge_event_stream_up") === 1);
  await podman.run("web", {
    labels: { "tinyforge.workload.id": workloadId },
    // Without a timer, which needs systemd: the test runs the check itself.
    args: ["--health-cmd", "false", "--health-interval", "disable", "--health-retries", "1"],
  });
  await until("it runs", () => r.store.views.list()[0]?.state === "running");
  // Podman 4 tells with each check what the one before it found.
  for (let i = 0; i < 2; i++) await podman.podman("healthcheck", "run", "web").catch(() => {});
  await until("it is unhealthy", () => r.store.views.list()[0]?.health === "unhealthy");
  await loop.reconcileNow();
  assertEquals(r.store.views.list()[0]?.health, "unhealthy");
  await podman.podman("stop", "web");
  await until("it ended", () => r.store.views.list()[0]?.state === "stopped");
  assertEquals(r.store.views.list()[0]?.health, null);
});
