import { assert, assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { DockerClient } from "../../src/docker/client.ts";
import { Failure } from "../../src/failure.ts";
import type { EngineEvent } from "../../src/docker/events.ts";
import type { ListedContainer } from "../../src/model/container.ts";
import { ENGINE, engineTest } from "../engines/docker.ts";
import { type EngineScope, RealEngine, TEST_IMAGE } from "../engines/real.ts";
import { until } from "../harness/until.ts";

async function one(client: DockerClient, id: string): Promise<ListedContainer> {
  const { containers } = await client.list({ ids: [id] });
  assertEquals(containers.length, 1);
  return containers[0]!;
}

/** What tells an Engine from another, for `docker info`. */
const IDENTITY = "{{.ID}} at {{.DockerRootDir}} on {{.Name}}";

/** Follows the events of this scope's containers until disposed of. */
async function follow(client: DockerClient, scope: EngineScope) {
  const controller = new AbortController();
  const events: (EngineEvent & { receivedAt: number })[] = [];
  const open = Promise.withResolvers<void>();
  const read = async () => {
    for await (
      const event of client.events({ signal: controller.signal, onOpen: open.resolve })
    ) {
      if (!event.name.startsWith(scope.name)) continue;
      events.push({ ...event, receivedAt: performance.timeOrigin + performance.now() });
    }
  };
  const done = read().catch(() => {});
  await open.promise;
  return {
    events,
    of: (id: string) =>
      events.filter(({ containerId }) => containerId === id).map(({ action }) => action),
    async [Symbol.asyncDispose]() {
      controller.abort();
      await done;
    },
  };
}

engineTest("DockerClient.version() agrees with a real Engine", async (scope) => {
  using client = new DockerClient({ host: scope.host });
  const version = await client.version();
  assertEquals(version.kind, "docker");
  assertEquals(
    version.engineVersion,
    await scope.docker("version", "--format", "{{.Server.Version}}"),
  );
});

engineTest("DockerClient.engineId() reads a real Engine's id", async (scope) => {
  using client = new DockerClient({ host: scope.host });
  const id = await client.engineId();
  assertEquals(id, await scope.docker("info", "--format", IDENTITY));
  assertEquals(await client.engineId(), id);
});

engineTest("DockerClient.list() reads a real Engine's containers", async (scope) => {
  using client = new DockerClient({ host: scope.host });
  const label = 'größe 🚀 "quoted" $(x)';
  const id = await scope.run("web", {
    labels: { "tinyforge.test.label": label },
    args: ["--publish", "127.0.0.1::8080", "--expose", "53/udp"],
    network: "bridge",
  });
  const created = await scope.create("waiting");
  const { scope: asked, containers } = await client.list();
  assertEquals(asked, "all");
  const found = containers.find((container) => container.id === id)!;
  const published = await scope.docker("port", id, "8080/tcp");
  const inspected = await scope.docker("inspect", "--format", "{{.Created}}", id);
  const ports = found.ports.toSorted((a, b) => a.privatePort - b.privatePort);
  const image = await scope.docker("inspect", "--format", "{{.Image}}", id);
  const address = "{{.NetworkSettings.Networks.bridge.IPAddress}}";
  const addresses = { bridge: await scope.docker("inspect", "--format", address, id) };
  assertEquals({ ...found, ports }, {
    id,
    imageId: image,
    addresses: JSON.stringify(addresses),
    name: scope.containerName("web"),
    image: TEST_IMAGE,
    state: "running",
    health: null,
    exitCode: null,
    labels: { "tinyforge.test.label": label, "tinyforge.test": scope.name },
    ports: [
      { privatePort: 53, hostIp: null, publicPort: null, protocol: "udp" },
      {
        privatePort: 8080,
        hostIp: "127.0.0.1",
        publicPort: Number(published.split(":")[1]),
        protocol: "tcp",
      },
    ],
    createdAt: Math.floor(Date.parse(inspected) / 1000),
  });
  assertEquals(containers.find((container) => container.id === created)!.state, "created");
});

engineTest("DockerClient.list() follows a real container through its states", async (scope) => {
  using client = new DockerClient({ host: scope.host });
  const id = await scope.run("web");
  assertEquals((await one(client, id)).state, "running");
  await scope.docker("pause", id);
  assertEquals((await one(client, id)).state, "paused");
  await scope.docker("unpause", id);
  await scope.docker("kill", id);
  const killed = await until("it is dead", async () => {
    const container = await one(client, id);
    return container.state === "exited" ? container : null;
  });
  assertEquals(killed.exitCode, 137);
  await scope.docker("rm", id);
  assertEquals((await client.list({ ids: [id] })).containers, []);
});

engineTest("DockerClient.list() reads a real container's exit code and restarts", async (scope) => {
  using client = new DockerClient({ host: scope.host });
  const id = await scope.run("seven", { command: ["sh", "-c", "exit 7"] });
  const looping = await scope.run("loop", {
    args: ["--restart", "always"],
    command: ["sh", "-c", "exit 3"],
  });
  await until("it exited with 7", async () => (await one(client, id)).exitCode === 7);
  await until("it restarts after exit code 3", async () => {
    const { state, exitCode } = await one(client, looping);
    return state === "restarting" && exitCode === 3;
  });
});

engineTest("DockerClient.list() reads a real health check", async (scope) => {
  using client = new DockerClient({ host: scope.host });
  await using follower = await follow(client, scope);
  const id = await scope.run("web", {
    args: [
      ...["--health-cmd", "test -e /ok", "--health-interval", "200ms", "--health-retries", "1"],
    ],
  });
  assertEquals((await one(client, id)).health, "starting");
  await until("it is unhealthy", async () => (await one(client, id)).health === "unhealthy");
  await scope.docker("exec", id, "touch", "/ok");
  await until("it is healthy", async () => (await one(client, id)).health === "healthy");
  await until(
    "both were told",
    () => follower.events.filter(({ health }) => health !== null).length >= 2,
  );
  assertEquals(
    follower.events.map(({ health }) => health).filter((health) => health !== null),
    ["unhealthy", "healthy"],
  );
});

engineTest(
  "DockerClient.list() of ids gives no other container of a real Engine",
  async (scope) => {
    using client = new DockerClient({ host: scope.host });
    const [a, b] = [await scope.create("a"), await scope.create("b")];
    await scope.create("c");
    const gone = "0".repeat(64);
    const ids = new Set([a, b, gone]);
    const listing = await client.list({ ids });
    assertEquals(listing.scope, ids);
    assertEquals(new Set(listing.containers.map(({ id }) => id)), new Set([a, b]));
    // A real Engine takes part of an id for the id, which would answer for a container not asked for.
    assertEquals((await client.list({ ids: [a.slice(0, 12)] })).containers, []);
    assertEquals((await client.list({ ids: [gone] })).containers, []);
  },
);

engineTest("DockerClient.list() asks a real Engine for a hundred ids at once", async (scope) => {
  using client = new DockerClient({ host: scope.host });
  const id = await scope.create("a");
  const ids = [id, ...Array.from({ length: 99 }, (_, i) => i.toString(16).padStart(64, "f"))];
  assertEquals((await client.list({ ids })).containers.map((container) => container.id), [id]);
});

engineTest("DockerClient.list() is aborted by its signal on a real Engine", async (scope) => {
  using client = new DockerClient({ host: scope.host });
  await client.version();
  const controller = new AbortController();
  const listing = client.list({ signal: controller.signal });
  controller.abort();
  const error = await assertRejects(() => listing);
  assert(error instanceof DOMException);
  assertEquals(error.name, "AbortError");
  assert((await client.list()).scope === "all");
});

engineTest("DockerClient.events() quotes a real Engine's own message", async (scope) => {
  using client = new DockerClient({ host: scope.host });
  const error = await assertRejects(() => client.events({ since: NaN }).next(), Failure);
  assertEquals(error.code, "engine-http");
  assertStringIncludes(error.message, "Cannot follow the Engine's events: the Engine answered ");
  assertStringIncludes(error.message, "NaN");
});

engineTest("DockerClient.events() follows a real container", async (scope) => {
  using client = new DockerClient({ host: scope.host });
  await using follower = await follow(client, scope);
  const id = await scope.run("web");
  await scope.docker("pause", id);
  await scope.docker("unpause", id);
  await scope.docker("exec", id, "true");
  await scope.docker("rename", id, scope.containerName("renamed"));
  await scope.docker("kill", id);
  await scope.docker("rm", id);
  await until("all of it was told", () => follower.of(id).includes("destroy"));
  const seen = follower.of(id);
  for (const action of ["create", "start", "pause", "unpause", "exec_start", "exec_die"]) {
    assert(seen.includes(action), `${action} in ${seen}`);
  }
  assert(seen.indexOf("rename") < seen.indexOf("kill"));
  const die = follower.events.find(({ action }) => action === "die")!;
  assertEquals(die.exitCode, 137);
  for (const { timeMs, receivedAt } of follower.events) {
    assertLess(Math.abs(receivedAt - timeMs!), 5000);
  }
});

engineTest("DockerClient.events() sees what happens right after its opening", async (scope) => {
  using client = new DockerClient({ host: scope.host });
  for (let round = 0; round < 5; round++) {
    const name = `early-${round}`;
    let created: Promise<string> | undefined;
    const stream = client.events({ onOpen: () => created = scope.create(name) });
    for await (const event of stream) {
      if (event.name === scope.containerName(name)) break;
    }
    await created;
  }
});

Deno.test("DockerClient.list() reads a real Engine over TCP", {
  ignore: typeof ENGINE === "string" || ENGINE.host.kind !== "unix",
}, async () => {
  assert(ENGINE instanceof RealEngine);
  // A plain relay stands for an Engine that listens on TCP.
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const socket = ENGINE.host.kind === "unix" ? ENGINE.host.path : "";
  const relays: Promise<unknown>[] = [];
  const accepting = (async () => {
    for await (const inner of listener) {
      const outer = await Deno.connect({ transport: "unix", path: socket });
      relays.push(
        inner.readable.pipeTo(outer.writable).catch(() => {}),
        outer.readable.pipeTo(inner.writable).catch(() => {}),
      );
    }
  })();
  {
    const url = `http://127.0.0.1:${listener.addr.port}`;
    using client = new DockerClient({ host: { kind: "tcp", url } });
    assertEquals(await client.engineId(), await ENGINE.docker("info", "--format", IDENTITY));
    assertEquals((await client.list()).scope, "all");
  }
  listener.close();
  await accepting;
  await Promise.all(relays);
});
