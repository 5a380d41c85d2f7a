/**
 * What is wrong, over time: which problems open and close, and when.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Failure } from "../../src/failure.ts";
import { FakeEngine } from "../engines/scripted.ts";
import { rig } from "../harness/rig.ts";
import { SkippedClock } from "../harness/skipped_clock.ts";
import { until } from "../harness/until.ts";
import { MINUTE, SECOND, WatchedHost } from "./watched_host.ts";

Deno.test("ProblemWatch opens `missing` after a minute and closes it when the container is back", async () => {
  await using host = await WatchedHost.start();
  const container = host.site("blog");
  await host.pass();
  assertEquals(await host.open(), []);
  host.engine.containers.delete(container.id);
  await host.pass();
  const goneAt = host.clock.now();
  await host.turn(30 * SECOND);
  assertEquals(await host.open(), []);
  await host.turn(2 * MINUTE);
  const [problem] = host.temp.store.problems.list();
  assertEquals([problem?.kind, problem?.since, problem?.openedAt], [
    "missing",
    goneAt,
    goneAt + MINUTE,
  ]);
  host.engine.containers.set(container.id, container);
  await host.pass();
  await host.turn(2 * MINUTE);
  assertEquals(await host.open(), []);
  assertEquals(host.all().map(({ outcome }) => outcome), ["recovered"]);
});

Deno.test("ProblemWatch tells a loop of crashes once, and closes it by time alone", async () => {
  await using host = await WatchedHost.start();
  const container = host.site("blog");
  await host.pass();
  for (let i = 0; i < 12; i++) {
    host.event(container, "die", { exitCode: 1 });
    host.event(container, "start");
    await host.turn(10 * SECOND);
  }
  assertEquals(await host.open(), ["crash-loop"]);
  const lastDeath = host.temp.store.problems.deathsOf(
    host.temp.store.views.list()[0]!.id,
  )!.ring.at(-1)!.at;
  await host.turn(9 * MINUTE);
  assertEquals(await host.open(), ["crash-loop"]);
  await host.turn(2 * MINUTE);
  assertEquals(await host.open(), []);
  const loops = host.all().filter(({ kind }) => kind === "crash-loop");
  assertEquals(loops.map(({ closedAt }) => closedAt), [lastDeath + 10 * MINUTE]);
});

Deno.test("ProblemWatch counts a container that restarts between two reads", async () => {
  await using host = await WatchedHost.start();
  const container = host.site("blog");
  await host.pass();
  host.event(container, "die", { exitCode: 3 });
  host.event(container, "start");
  await host.pass();
  const [row] = host.temp.store.views.list();
  const deaths = host.temp.store.problems.deathsOf(row!.id);
  assertEquals([deaths?.count, deaths?.ring[0]?.how, deaths?.ring[0]?.exitCode], [1, "crash", 3]);
});

Deno.test("ProblemWatch takes a stop that ends in 137 for an operator's, and HUP for nothing", async () => {
  await using host = await WatchedHost.start();
  const container = host.site("blog");
  await host.pass();
  host.event(container, "kill", { signal: "1" });
  await host.turn(30 * SECOND);
  const [row] = host.temp.store.views.list();
  assertEquals(host.temp.store.problems.deathsOf(row!.id), undefined);

  host.event(container, "kill", { signal: "15" });
  host.event(container, "kill", { signal: "9" });
  host.event(container, "die", { exitCode: 137 });
  host.event(container, "stop");
  container.state = "exited";
  container.exitCode = 137;
  await host.pass();
  await host.turn(5 * MINUTE);
  assertEquals(await host.open(), []);
  await host.turn(6 * MINUTE);
  const [problem] = host.temp.store.problems.list();
  assertEquals([problem?.kind, problem?.severity], ["stopped", "low"]);
});

Deno.test("ProblemWatch has one problem while the Engine is away, and no row's", async () => {
  await using host = await WatchedHost.start();
  host.site("blog");
  const container = host.site("shop");
  await host.pass();
  await host.turn(30 * SECOND);
  host.watch.gap();
  await host.engine.down();
  host.engine.containers.delete(container.id);
  await host.turn(5 * MINUTE);
  assertEquals(await host.open(), ["engine-down"]);
  host.engine.up();
  await host.turn(MINUTE);
  assertEquals((await host.open()).includes("engine-down"), false);
});

Deno.test("ProblemWatch gives one account after the Engine's restart, which names who is not back", async () => {
  await using host = await WatchedHost.start();
  const containers = Array.from({ length: 30 }, (_, i) => host.site(`site-${i}`));
  await host.pass();
  await host.turn(5 * MINUTE);
  host.verdicts.length = 0;
  for (const container of containers) {
    host.event(container, "kill", { signal: "15" });
    host.event(container, "die", { exitCode: 143 });
    host.event(container, "stop");
  }
  host.watch.gap();
  await host.engine.down();
  await host.turn(30 * SECOND);
  for (const container of containers.slice(28)) {
    container.state = "exited";
    container.exitCode = 143;
  }
  host.engine.up();
  await host.turn(5 * MINUTE);
  const digests = host.verdicts.flatMap(({ digest }) => digest ?? []);
  const rows = host.temp.store.views.list();
  const wrong = containers.slice(28).map(({ id }) => rows.find((r) => r.containerId === id)!.id);
  assertEquals(digests.map(({ batch, expected, wrong }) => ({ batch, expected, wrong })), [
    { batch: "restart", expected: 30, wrong: wrong.sort() },
  ]);
  assertEquals(
    host.temp.store.problems.list().map(({ kind, batch }) => `${kind} ${batch}`),
    ["crashed restart", "crashed restart"],
  );
});

Deno.test("ProblemWatch opens nothing anew and changes no opening time after its own restart", async () => {
  await using host = await WatchedHost.start();
  const container = host.site("blog");
  host.site("shop");
  await host.pass();
  await host.turn(5 * MINUTE);
  host.engine.containers.delete(container.id);
  await host.pass();
  await host.turn(40 * SECOND);
  const holding = host.all();
  await host.restart();
  await host.clock.turn(3 * MINUTE);
  await host.pass();
  const [problem] = host.temp.store.problems.list();
  assertEquals([problem?.kind, problem?.openedAt], ["missing", holding[0]!.dueAt]);
  const before = host.all();
  await host.restart();
  await host.pass();
  assertEquals(host.all(), before);
});

Deno.test("ProblemWatch asks the Engine once about what opens, and keeps what it says", async () => {
  await using host = await WatchedHost.start();
  const container = host.site("blog");
  await host.pass();
  await host.turn(30 * SECOND);
  container.details = {
    RestartCount: 4,
    State: { OOMKilled: true, Error: "bad \u001b[31mthing", Health: null },
    HostConfig: { RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 } },
  };
  host.event(container, "die", { exitCode: 137 });
  container.state = "exited";
  container.exitCode = 137;
  await host.pass();
  await host.turn(MINUTE);
  await until("it was inspected", async () => {
    await host.clock.turn(100);
    return host.all().some(({ evidence }) => evidence.inspected !== undefined);
  });
  const asked = () => host.engine.count("inspect");
  const inspected = host.all().find(({ evidence }) => evidence.inspected)!.evidence.inspected!;
  assertEquals(inspected, {
    error: "bad \ufffd[31mthing",
    oomKilled: true,
    restartCount: 4,
    restartPolicy: "on-failure:3",
    healthOutput: null,
  });
  // Memory ran out, as only the inspect told.
  await until("it is told", async () => (await host.open()).includes("oom"));
  const before = asked();
  await host.turn(5 * MINUTE);
  assertEquals(asked(), before, "a steady pass inspects nothing");
});

Deno.test("ProblemWatch leaves a workload alone while it is deployed", async () => {
  await using host = await WatchedHost.start();
  const container = host.site("blog");
  await host.pass();
  await host.turn(30 * SECOND);
  const [row] = host.temp.store.views.list();
  host.watch.deploying(row!.workloadId);
  const began = host.clock.now();
  host.engine.containers.delete(container.id);
  await host.pass();
  await host.turn(4 * MINUTE);
  assertEquals(await host.open(), []);
  await host.turn(2 * MINUTE);
  const [problem] = host.temp.store.problems.list();
  assertEquals([problem?.kind, problem?.openedAt], ["missing", began + 5 * MINUTE]);
});

Deno.test("ProblemWatch rests for longer than it judged, whatever happens meanwhile", async () => {
  await using host = await WatchedHost.start();
  for (const name of ["blog", "shop", "wiki"]) host.site(name);
  await host.pass();
  await host.turn(30 * SECOND);
  const { clock, temp: { store } } = host;
  const workloads = store.views.list().map(({ workloadId }) => workloadId);
  // A host on which each look at the clock is 20 ms later than the one before.
  const monotonic = clock.monotonic.bind(clock);
  let spent = 0;
  clock.monotonic = () => monotonic() + (spent += 20);
  const held: number[] = [];
  for (const workloadId of workloads) {
    host.watch.deploying(workloadId);
    await clock.turn(0);
    held.push(store.problems.holds().size);
  }
  await clock.turn(SECOND);
  held.push(store.problems.holds().size);
  assertEquals(held, [1, 1, 1, 3]);
});

Deno.test("ProblemWatch marks what a silence covers, and tells the problem all the same", async () => {
  await using host = await WatchedHost.start();
  const container = host.site("blog");
  await host.pass();
  await host.turn(30 * SECOND);
  const now = host.clock.now();
  host.temp.store.silences.add({
    scope: "all",
    targetId: "",
    kinds: null,
    reason: "",
    startsAt: now,
    endsAt: now + 5 * MINUTE,
    cron: null,
    timeZone: null,
    lastsMs: 5 * MINUTE,
  }, now);
  host.watch.silencesChanged();
  host.engine.containers.delete(container.id);
  await host.pass();
  await host.turn(2 * MINUTE);
  assertEquals(host.temp.store.problems.list().map(({ silenced }) => silenced), [true]);
  await host.turn(4 * MINUTE);
  assertEquals(host.temp.store.problems.list().map(({ silenced }) => silenced), [false]);
});

Deno.test("ProblemWatch survives a store that can't be written, and opens when it was due", async () => {
  await using host = await WatchedHost.start();
  const container = host.site("blog");
  await host.pass();
  host.engine.containers.delete(container.id);
  await host.pass();
  const goneAt = host.clock.now();
  const { problems } = host.temp.store;
  const write = problems.write.bind(problems);
  problems.write = () => {
    throw new Failure("busy", "Cannot write: injected", { data: { by: "writer" } });
  };
  await host.turn(2 * MINUTE);
  problems.write = write;
  await host.turn(MINUTE);
  const [problem] = problems.list();
  assert(problem !== undefined);
  assertEquals([problem.kind, problem.openedAt], ["missing", goneAt + MINUTE]);
});

Deno.test("ProblemWatch judges on while nothing can be written, tries once a second, and writes all in order", async () => {
  await using host = await WatchedHost.start();
  const [blog, shop] = [host.site("blog"), host.site("shop")];
  await host.pass();
  await host.turn(MINUTE);
  const { problems } = host.temp.store;
  const write = problems.write.bind(problems);
  let attempts = 0;
  problems.write = () => {
    attempts++;
    throw new Failure("busy", "Cannot write: injected", { data: { by: "writer" } });
  };
  host.engine.remove(blog);
  await host.pass();
  await host.turn(30 * SECOND);
  host.engine.remove(shop);
  await host.pass();
  const before = attempts;
  // Whatever wakes it: it is not tried at each of them.
  for (let i = 0; i < 20; i++) host.watch.silencesChanged(), await host.clock.turn(0);
  assert(attempts - before <= 1, `${attempts - before} attempts in no time`);
  await host.turn(2 * MINUTE);
  assertEquals(await host.open(), []);
  assert(attempts >= 100, `${attempts} attempts`);
  problems.write = write;
  await host.clock.turn(SECOND);
  assertEquals(await host.open(), ["missing", "missing"]);
  const [second, first] = problems.list().map(({ openedAt }) => openedAt!);
  assertEquals(second! - first!, 30 * SECOND);
  const told = host.verdicts.flatMap(({ opened }) => opened.map(({ kind }) => kind));
  assertEquals(told, ["missing", "missing"]);
});

Deno.test("ProblemWatch tells of a container whose labels name another kind, once it has done so for long", async () => {
  await using host = await WatchedHost.start();
  const { entry } = host.temp.store.registry.create("site", { name: "blog" });
  const container = host.engine.add({
    name: "wrong",
    labels: { "tinyforge.workload.id": entry.workloadId, "tinyforge.workload.kind": "stack" },
  });
  await host.pass();
  await host.turn(4 * MINUTE);
  assertEquals(await host.open(), []);
  await host.turn(2 * MINUTE);
  const [problem] = host.temp.store.problems.list();
  assertEquals([problem?.kind, problem?.severity, problem?.workloadId], [
    "refused",
    "low",
    entry.workloadId,
  ]);
  assertEquals(problem?.evidence.containers, [{ id: container.id, name: "wrong" }]);
  host.engine.containers.delete(container.id);
  await host.turn(MINUTE);
  assertEquals(await host.open(), []);
});

Deno.test("ProblemWatch keeps silent at each occurrence of a silence that recurs, and in no other hour", async () => {
  await using host = await WatchedHost.start();
  const container = host.site("blog");
  await host.pass();
  await host.turn(30 * SECOND);
  // It is 00:00:30 UTC, 01:00:30 in Berlin.
  host.temp.store.silences.add({
    scope: "all",
    targetId: "",
    kinds: null,
    reason: "",
    startsAt: host.clock.now(),
    endsAt: null,
    cron: "30 1,2 * * *",
    timeZone: "Europe/Berlin",
    lastsMs: 10 * MINUTE,
  }, host.clock.now());
  host.watch.silencesChanged();
  host.engine.containers.delete(container.id);
  await host.pass();
  const at: Record<string, boolean> = {};
  for (
    const [minute, time] of [[20, "00:20"], [35, "00:35"], [45, "00:45"], [95, "01:35"]] as const
  ) {
    const start = Date.parse("2026-01-01T00:00:00.000Z");
    await host.turn(start + minute * MINUTE - host.clock.now());
    const open = host.temp.store.problems.list().find(({ kind }) => kind === "missing");
    at[time] = open!.silenced;
  }
  assertEquals(at, { "00:20": false, "00:35": true, "00:45": false, "01:35": true });
});

Deno.test("ProblemWatch lets others go between judging many rows and writing what is wrong of them", async () => {
  await using host = await WatchedHost.start();
  const { problems } = host.temp.store;
  for (let i = 0; i < 120; i++) host.site(`site-${i}`);
  await host.pass();
  await until("each was judged", async () => {
    await host.clock.turn(0);
    return problems.kept() !== null;
  });
  let turns = 0;
  let others = setTimeout(function turn() {
    turns++;
    others = setTimeout(turn, 0);
  }, 0);
  const at = { judged: -1, written: -1 };
  const { times, write } = problems;
  problems.times = (rowId) => {
    if (at.written < 0) at.judged = turns;
    return times.call(problems, rowId);
  };
  problems.write = (judgement) => {
    if (judgement.put.length === 120) at.written = turns;
    write.call(problems, judgement);
  };
  try {
    host.engine.containers.clear();
    await host.pass();
    await until("it is written", async () => {
      await host.clock.turn(0);
      return at.written >= 0;
    });
  } finally {
    clearTimeout(others);
  }
  assert(at.judged >= 0 && at.judged < at.written, JSON.stringify(at));
});

Deno.test("ProblemWatch rests for seconds at most, however long it took to judge by the clock", async () => {
  await using engine = await FakeEngine.start();
  const clock = new SkippedClock();
  // As where the process is stopped meanwhile.
  const told = () => clock.skip(60 * MINUTE);
  await using made = await rig(engine.host, {
    clock,
    problems: { told },
    intervalMs: 24 * 60 * MINUTE,
  });
  const { registry, problems } = made.store;
  const containers = ["blog", "shop"].map((name) => {
    const { workloadId } = registry.create("site", { name }).entry;
    return engine.add({ name, labels: { "tinyforge.workload.id": workloadId } });
  });
  made.problems.start();
  made.loop.start();
  await until("events flow", () => made.loop.events.up && made.loop.outcomes.lastPass);
  for (const [i, container] of containers.entries()) {
    engine.remove(container);
    await until("it is missing", async () => {
      await made.loop.reconcileNow();
      return made.store.views.list().filter(({ state }) => state === "missing").length === i + 1;
    });
    clock.skip(2 * MINUTE);
    await until("it is told of", () => problems.list().length === i + 1);
  }
});
