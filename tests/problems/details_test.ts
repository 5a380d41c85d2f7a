/**
 * What inspects tell of containers: kept as it changes, asked for no more than it must be.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { FakeContainer } from "../engines/scripted_container.ts";
import { until } from "../harness/until.ts";
import { MINUTE, SECOND, WatchedHost } from "./watched_host.ts";

/** What an inspect of this container shows from now on. */
function shows(
  container: FakeContainer,
  { startedAt, restarts = 0, policy = "always", health }: {
    startedAt: number;
    restarts?: number;
    policy?: string;
    health?: string;
  },
): void {
  container.details = {
    RestartCount: restarts,
    State: {
      StartedAt: new Date(startedAt).toISOString(),
      FinishedAt: "0001-01-01T00:00:00Z",
      ...(health !== undefined && { Health: { Log: [{ Output: health }] } }),
    },
    Config: { Healthcheck: { Test: ["CMD", "true"] } },
    HostConfig: {
      RestartPolicy: { Name: policy, MaximumRetryCount: 0 },
      PortBindings: { "80/tcp": [{ HostIp: "", HostPort: "8080" }, { HostIp: "", HostPort: "" }] },
    },
  };
}

function inspects(host: WatchedHost): number {
  return host.engine.count("inspect");
}

/** Turns the clock until this holds. */
async function settled(host: WatchedHost, what: string, holds: () => boolean): Promise<void> {
  await until(what, async () => {
    await host.clock.turn(SECOND);
    return holds();
  });
}

Deno.test("ProblemWatch asks about every container after its start, and about none while nothing happens", async () => {
  await using host = await WatchedHost.start();
  const containers = Array.from({ length: 30 }, (_, i) => host.site(`site-${i}`));
  for (const container of containers) shows(container, { startedAt: 1000, restarts: 2 });
  await host.pass();
  const began = host.clock.now();
  await settled(
    host,
    "all are known",
    () => host.temp.store.views.list().every(({ startedAt }) => startedAt !== null),
  );
  assert(host.clock.now() - began >= SECOND, "no more than twenty a second");
  const [row] = host.temp.store.views.list();
  assertEquals([row?.startedAt, row?.restartCount, row?.restartPolicy], [
    "1970-01-01T00:00:01.000Z",
    2,
    "always",
  ]);
  assertEquals(host.temp.store.details.of(row!.id)?.publishes, ["0.0.0.0:8080/tcp"]);
  assertEquals(inspects(host), 30);
  const { revision } = host.temp.store.containers.index();
  await host.turn(10 * MINUTE);
  assertEquals(inspects(host), 30, "nothing happened");
  assertEquals(host.temp.store.containers.index().revision, revision);
});

Deno.test("ProblemWatch asks anew about a container that something happened to, but not at each crash", async () => {
  await using host = await WatchedHost.start();
  const container = host.site("blog");
  host.site("shop");
  shows(container, { startedAt: 1000 });
  await host.pass();
  await host.turn(MINUTE);
  const [before, revision] = [inspects(host), host.temp.store.containers.index().revision];
  shows(container, { startedAt: 2000, restarts: 1 });
  host.event(container, "die", { exitCode: 1 });
  host.event(container, "start");
  await settled(
    host,
    "it is known anew",
    () =>
      host.temp.store.views.list().some(({ startedAt }) => startedAt?.endsWith("02.000Z") === true),
  );
  assertEquals(inspects(host) - before, 1);
  assertEquals(host.temp.store.containers.index().revision, revision, "no pass plans anew");
  for (let i = 0; i < 60; i++) {
    host.event(container, "die", { exitCode: 1 });
    host.event(container, "start");
    await host.clock.turn(SECOND);
  }
  assert(inspects(host) - before <= 9, `${inspects(host) - before} inspects in a minute`);
});

Deno.test("ProblemWatch knows nothing of another container under the same row until it asked", async () => {
  await using host = await WatchedHost.start();
  const container = host.site("blog");
  shows(container, { startedAt: 1000 });
  await host.pass();
  const row = () => host.temp.store.views.list()[0]!;
  await settled(host, "it is known", () => row().startedAt !== null);
  host.engine.containers.delete(container.id);
  const next = host.engine.add({ name: "blog", labels: container.labels, image: "example/app:2" });
  shows(next, { startedAt: 5000 });
  await host.pass();
  assertEquals([row().containerId, row().startedAt], [next.id, null]);
  await settled(host, "it is known again", () => row().startedAt !== null);
  assertEquals(row().startedAt, "1970-01-01T00:00:05.000Z");
  assertEquals(
    host.temp.store.changes.ofRow(row().id).map(({ field, from, to }) => [field, from, to]),
    [["image", "example/app:1", "example/app:2"]],
  );
});

Deno.test("ProblemWatch keeps when health changed, and since when it is as it is", async () => {
  await using host = await WatchedHost.start();
  const container = host.site("blog");
  container.health = "starting";
  await host.pass();
  await host.turn(MINUTE);
  container.health = "unhealthy";
  await host.pass();
  const sickAt = new Date(host.clock.now()).toISOString();
  await host.turn(MINUTE);
  const [row] = host.temp.store.views.list();
  assertEquals([row?.health, row?.healthSince], ["unhealthy", sickAt]);
  assert(row!.stateSince < sickAt);
  container.health = "healthy";
  await host.pass();
  const story = host.temp.store.changes.ofRow(row!.id);
  assertEquals(story.map(({ from, to }) => [from, to]), [
    ["starting", "unhealthy"],
    ["unhealthy", "healthy"],
  ]);
  assertEquals(story[0]?.at, sickAt);
});

Deno.test("ProblemWatch goes on without details where a proxy forbids inspects, and asks no more", async () => {
  await using host = await WatchedHost.start();
  for (let i = 0; i < 40; i++) host.site(`site-${i}`);
  host.engine.fail("inspect", { kind: "status", status: 403 });
  await host.pass();
  await host.turn(MINUTE);
  assertEquals(inspects(host), 1);
  assertEquals(await host.open(), []);
});

Deno.test("ProblemWatch sees that the Engine was restarted though each request got an answer", async () => {
  await using host = await WatchedHost.start();
  const containers = Array.from({ length: 30 }, (_, i) => host.site(`site-${i}`));
  for (const container of containers) {
    shows(container, { startedAt: host.clock.now() - 10 * MINUTE });
    container.created = host.clock.now() / 1000 - 3600;
  }
  await host.pass();
  await host.turn(5 * MINUTE);
  host.verdicts.length = 0;
  for (const container of containers) {
    host.event(container, "kill", { signal: "15" });
    host.event(container, "die", { exitCode: 143 });
    host.event(container, "stop");
  }
  host.watch.gap();
  await host.clock.turn(500);
  for (const [i, container] of containers.entries()) {
    if (i < 28) shows(container, { startedAt: host.clock.now() });
    else Object.assign(container, { state: "exited", exitCode: 143 });
  }
  await host.pass();
  await host.turn(5 * MINUTE);
  const rows = host.temp.store.views.list();
  const wrong = containers.slice(28).map(({ id }) => rows.find((r) => r.containerId === id)!.id);
  assertEquals(
    host.verdicts.flatMap(({ digest }) => digest ?? []).map(({ batch, expected, wrong }) => ({
      ...{ batch, expected, wrong },
    })),
    [{ batch: "restart", expected: 30, wrong: wrong.sort() }],
  );
  assertEquals(
    host.temp.store.problems.list().map(({ kind, batch }) => `${kind} ${batch}`),
    ["crashed restart", "crashed restart"],
  );
});

Deno.test("ProblemWatch takes a stream that a proxy cuts for no restart", async () => {
  await using host = await WatchedHost.start();
  const containers = [host.site("blog"), host.site("shop"), host.site("wiki")];
  for (const container of containers) {
    shows(container, { startedAt: host.clock.now() - 10 * MINUTE });
    container.created = host.clock.now() / 1000 - 3600;
  }
  await host.pass();
  await host.turn(5 * MINUTE);
  const stopped = containers[0]!;
  host.event(stopped, "kill", { signal: "15" });
  host.event(stopped, "die", { exitCode: 137 });
  host.event(stopped, "stop");
  Object.assign(stopped, { state: "exited", exitCode: 137 });
  host.watch.gap();
  await host.pass();
  await host.turn(11 * MINUTE);
  assertEquals(
    host.temp.store.problems.list().map(({ kind, severity, batch }) => ({ kind, severity, batch })),
    [{ kind: "stopped", severity: "low", batch: null }],
  );
});
