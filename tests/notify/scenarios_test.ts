/**
 * What people are told of what happens on a host: judge, notifier, outbox and a real receiver as the
 * daemon puts them together, with time that is turned.
 */

import { assert, assertEquals } from "@std/assert";
import { Listener, MINUTE, SECOND, ToldHost } from "./told_host.ts";

Deno.test("a host with 60 containers that reboots is told of once, by who is not back", async () => {
  await using listener = new Listener();
  await using host = await ToldHost.make();
  await host.begin();
  const containers = host.sites(60);
  await host.channel("ops", listener);
  await host.pass(5 * MINUTE);
  assertEquals(listener.told, []);

  // The Engine ends its containers, then itself, then the daemon is ended too.
  for (const container of containers) {
    host.engine.emit("kill", container, { signal: "15" });
    host.engine.setState(container, "exited", 143);
  }
  await host.pass(2 * SECOND, SECOND);
  await host.end();
  await host.engine.down();
  await host.clock.turn(50 * SECOND);
  const bootedAt = host.clock.now();
  await host.clock.turn(20 * SECOND);
  host.engine.up();
  await host.begin({ bootedAt });
  for (const container of containers.slice(3)) {
    host.engine.setState(container, "running");
    await host.pass(SECOND, SECOND);
  }
  await host.pass(20 * MINUTE);
  assertEquals(listener.told, ["digest restart 3"]);
  const { title, problems } = listener.lastJson.data;
  assert(title === "57 of 60 are back after a restart on nas", title);
  assertEquals(
    problems.map(({ workload }: { workload: string }) => workload).toSorted(),
    ["site-0", "site-1", "site-2"],
  );
});

Deno.test("a host that reboots and has all of it back tells nobody", async () => {
  await using listener = new Listener();
  await using host = await ToldHost.make();
  await host.begin();
  const containers = host.sites(60);
  await host.channel("ops", listener);
  await host.pass(MINUTE);
  await host.end();
  await host.engine.down();
  for (const container of containers) container.state = "exited";
  await host.clock.turn(50 * SECOND);
  const bootedAt = host.clock.now();
  host.engine.up();
  await host.begin({ bootedAt });
  await host.pass(20 * SECOND);
  for (const container of containers) host.engine.setState(container, "running");
  await host.pass(30 * MINUTE, 30 * SECOND);
  assertEquals(listener.told, []);
});

Deno.test("a thousand containers that vanish at once are one list of bounded length, and one that it is over", async () => {
  await using listener = new Listener();
  await using host = await ToldHost.make();
  await host.begin();
  const containers = host.sites(1000);
  await host.channel("ops", listener);
  await host.pass(MINUTE);
  host.engine.containers.clear();
  host.engine.cutEvents();
  await host.pass(5 * MINUTE);
  assertEquals(listener.told, ["digest burst 1000"]);
  assert(listener.requests[0]!.body.length < 64_000, String(listener.requests[0]!.body.length));
  assertEquals(listener.lastJson.data.problems.length, 50);
  for (const container of containers) host.engine.containers.set(container.id, container);
  await host.pass(5 * MINUTE);
  assertEquals(listener.told, ["digest burst 1000", "combined burst 1000"]);
});

Deno.test("a first start with 12 problems is one digest", async () => {
  await using listener = new Listener();
  await using host = await ToldHost.make();
  await host.seededChannel(listener);
  await host.seed((store) => {
    for (let i = 0; i < 12; i++) {
      const { entry } = store.registry.create("site", { name: `site-${i}` });
      host.engine.add({
        name: `site-${i}`,
        labels: { "tinyforge.static-site": entry.id },
        // These are problems sooner than those.
        ...(i < 8 ? { state: "exited", exitCode: 1 } : { health: "unhealthy" }),
      });
    }
  });
  await host.begin();
  await host.pass(30 * MINUTE);
  assertEquals(listener.told, ["digest baseline 12"]);
});

Deno.test("a channel that is added to a host with 12 problems is told of them as one digest", async () => {
  await using listener = new Listener();
  await using host = await ToldHost.make();
  await host.begin();
  for (const container of host.sites(12)) host.crash(container);
  await host.pass(10 * MINUTE);
  await host.channel("ops", listener);
  await host.pass(10 * MINUTE);
  assertEquals(listener.told, ["digest baseline 12"]);
});

Deno.test("a deploy that recreates all of a stack within 20 s is told to nobody", async () => {
  await using listener = new Listener();
  await using host = await ToldHost.make();
  await host.begin();
  host.store.registry.create("stack", { name: "shop", composeProjectName: "shop" });
  const services = Array.from({ length: 8 }, (_, i) => `service-${i}`);
  const up = (service: string) =>
    host.engine.add({
      name: `shop-${service}-1`,
      labels: {
        "com.docker.compose.project": "shop",
        "com.docker.compose.service": service,
        "com.docker.compose.container-number": "1",
      },
    });
  let running = services.map(up);
  await host.channel("ops", listener, { minSeverity: "low" });
  await host.pass(5 * MINUTE);
  assertEquals(host.store.views.list().length, services.length);
  for (let deploy = 0; deploy < 3; deploy++) {
    for (const [i, service] of services.entries()) {
      host.engine.setState(running[i]!, "exited", 137);
      await host.pass(2 * SECOND, SECOND);
      host.engine.remove(running[i]!);
      running = running.with(i, up(service));
      await host.pass(500, 500);
    }
    await host.pass(20 * MINUTE, 20 * SECOND);
  }
  assertEquals(listener.told, []);
});

Deno.test("a stack whose containers go is told of on one line, and a few by the names that tables have", async () => {
  await using listener = new Listener();
  await using host = await ToldHost.make();
  await host.begin();
  host.store.registry.create("stack", { name: "shop", composeProjectName: "shop" });
  const containers = Array.from({ length: 12 }, (_, i) =>
    host.engine.add({
      name: `shop-worker-${i + 1}`,
      labels: {
        "com.docker.compose.project": "shop",
        "com.docker.compose.service": "worker",
        "com.docker.compose.container-number": `${i + 1}`,
      },
    }));
  await host.channel("ops", listener);
  await host.pass(5 * MINUTE);
  const lines = () => listener.lastJson.data.text.replaceAll(/\d\d:\d\d/g, "10:00").split("\n");
  for (const container of containers.splice(0, 2)) host.engine.remove(container);
  await host.pass(2 * MINUTE, 10 * SECOND);
  const rows = listener.requests.map(({ body }) => JSON.parse(body).data.problems[0].row);
  assertEquals(rows.toSorted(), ["worker", "worker #2"]);
  for (const container of containers) host.engine.remove(container);
  await host.pass(2 * MINUTE, 10 * SECOND);
  assertEquals(lines(), [
    "• shop / worker #3, worker #4, worker #5 and 7 more: its container is gone, since 10:00",
  ]);
});

Deno.test("an hour of crashing is told once, and once that it is over", async () => {
  await using listener = new Listener();
  await using host = await ToldHost.make();
  await host.begin();
  const container = host.site("blog");
  await host.channel("ops", listener, { minSeverity: "low" });
  await host.pass(5 * MINUTE);
  // As an Engine does it under a policy: it waits longer each time, up to a minute.
  let wait = SECOND;
  for (const end = host.clock.now() + 60 * MINUTE; host.clock.now() < end;) {
    host.crash(container, { state: "restarting" });
    await host.pass(wait);
    host.engine.setState(container, "running");
    await host.pass(3 * SECOND, SECOND);
    wait = Math.min(2 * wait, MINUTE);
  }
  await host.pass(60 * MINUTE, 30 * SECOND);
  assertEquals(listener.told, ["opened crash-loop blog", "recovered crash-loop blog"]);
});

Deno.test("an hour of crashing that begins slowly is told once, and once that it is over", async () => {
  await using listener = new Listener();
  await using host = await ToldHost.make();
  await host.begin();
  const container = host.site("blog");
  await host.channel("ops", listener, { minSeverity: "low" });
  await host.pass(5 * MINUTE);
  // Down for longer than a crash needs to be a problem, then up for less than it needs to be over.
  for (const end = host.clock.now() + 60 * MINUTE; host.clock.now() < end;) {
    host.crash(container);
    await host.pass(45 * SECOND, 5 * SECOND);
    host.engine.setState(container, "running");
    await host.pass(40 * SECOND);
  }
  assertEquals(host.store.problems.list().map(({ kind }) => kind), ["crash-loop"]);
  await host.pass(60 * MINUTE, 30 * SECOND);
  assertEquals(listener.told, ["opened crashed blog", "recovered crash-loop blog"]);
});

Deno.test("a loop of crashes that ends with the container down is not told to be over", async () => {
  await using listener = new Listener();
  await using host = await ToldHost.make();
  await host.begin();
  const container = host.site("blog");
  await host.channel("ops", listener);
  await host.pass(MINUTE);
  for (let crash = 0; crash < 5; crash++) {
    host.crash(container, { state: "restarting" });
    await host.pass(2 * SECOND, SECOND);
    host.engine.setState(container, "running");
    await host.pass(2 * SECOND, SECOND);
  }
  host.crash(container);
  await host.pass(30 * MINUTE, 30 * SECOND);
  assertEquals(host.store.problems.list().map(({ kind }) => kind), ["crashed"]);
  assertEquals(listener.told, ["opened crash-loop blog"]);
  host.engine.setState(container, "running");
  await host.pass(30 * MINUTE, 30 * SECOND);
  assertEquals(listener.told, ["opened crash-loop blog", "recovered crashed blog"]);
});

Deno.test("a loop of deaths for want of memory is told once, and once that it is over", async () => {
  await using listener = new Listener();
  await using host = await ToldHost.make();
  await host.begin();
  const container = host.site("blog");
  await host.channel("ops", listener);
  await host.pass(MINUTE);
  for (let crash = 0; crash < 60; crash++) {
    host.engine.emit("oom", container);
    host.crash(container, { state: "restarting", exitCode: 137 });
    await host.pass(30 * SECOND);
    host.engine.setState(container, "running");
    await host.pass(30 * SECOND);
  }
  await host.pass(60 * MINUTE, 30 * SECOND);
  assertEquals(listener.told.length, 2, listener.told.join("; "));
  assertEquals(listener.told[0], "opened oom blog");
  assert(listener.told[1]!.startsWith("recovered "), listener.told[1]);
});

Deno.test("a container that fails and recovers all day is told a few times, not all day", async () => {
  await using listener = new Listener();
  await using host = await ToldHost.make();
  await host.begin();
  const container = host.site("blog");
  container.health = "healthy";
  await host.channel("ops", listener);
  await host.pass(MINUTE);
  for (let turn = 0; turn < 40; turn++) {
    host.engine.setHealth(container, "unhealthy");
    await host.pass(2 * MINUTE);
    host.engine.setHealth(container, "healthy");
    await host.pass(2 * MINUTE);
  }
  await host.pass(90 * MINUTE, 30 * SECOND);
  assertEquals(listener.told, [
    "opened unhealthy blog",
    "recovered unhealthy blog",
    "opened unhealthy blog",
    "recovered unhealthy blog",
    "opened unhealthy blog",
    "recovered unhealthy blog",
    "opened flapping blog",
    "recovered flapping blog",
  ]);
});

Deno.test("what is queued, and who is to be told of an end, survives the daemon's end", async () => {
  let isAway = true;
  await using listener = new Listener(() => new Response(null, { status: isAway ? 503 : 204 }));
  await using host = await ToldHost.make();
  await host.begin();
  const [queued, told] = host.sites(2);
  await host.channel("ops", listener);
  await host.pass(MINUTE);
  host.crash(queued!);
  await host.pass(MINUTE);
  const tries = listener.told.length;
  assert(tries >= 2, String(tries));
  await host.end();
  await host.clock.turn(MINUTE);
  isAway = false;
  await host.begin();
  await host.pass(5 * MINUTE);
  const ids = listener.requests.map(({ headers }) => headers.get("webhook-id"));
  assertEquals([new Set(ids).size, ids.length], [1, tries + 1]);
  assertEquals(new Set(listener.told), new Set(["opened crashed site-0"]));

  host.crash(told!);
  await host.pass(2 * MINUTE);
  listener.requests.length = 0;
  // It is over while nobody looks.
  await host.end();
  for (const container of [queued!, told!]) host.engine.setState(container, "running");
  await host.clock.turn(10 * MINUTE);
  await host.begin();
  await host.pass(5 * MINUTE);
  assertEquals(listener.told.toSorted(), [
    "recovered crashed site-0",
    "recovered crashed site-1",
  ]);
});
