import { assert, assertEquals, assertRejects } from "@std/assert";
import { SYSTEM_CLOCK } from "../../src/clock.ts";
import { Failure } from "../../src/failure.ts";
import type { Store } from "../../src/store/store.ts";
import { until } from "../harness/until.ts";
import { FakeEngine } from "../engines/scripted.ts";
import { fastClock, type Rig, rig, sample } from "../harness/rig.ts";
import { SkippedClock } from "../harness/skipped_clock.ts";

/** A stack whose containers are told apart by role. */
function shop(store: Store): (role: string) => Record<string, string> {
  const { workloadId } = store.registry.create("stack", {
    name: "shop",
    composeProjectName: "shop",
  }).entry;
  return (role) => ({ "tinyforge.workload.id": workloadId, "tinyforge.workload.role": role });
}

/** `role=state` of every row, by role. */
function states(store: Store): string {
  return store.views.list().map((row) => `${row.role}=${row.state}`).sort().join(" ");
}

/** What the rows should be, told by the Engine itself. */
function truth(engine: FakeEngine): string {
  return [...engine.containers.values()].map((c) =>
    `${c.labels["tinyforge.workload.role"]}=${c.state === "exited" ? "stopped" : c.state}`
  ).sort().join(" ");
}

/** Waits for the boot pass and the pass after the stream opened. */
async function settled(r: Rig, engine: FakeEngine): Promise<void> {
  await until("events flow", () => engine.followers > 0);
  await until("the passes are through", () => passes(r) >= 2);
}

/** Passes that are through. */
function passes(r: Rig): number {
  return sample(r.metrics, 'tinyforge_passes_total{outcome="ok"}');
}

function pause(ms: number): Promise<void> {
  return SYSTEM_CLOCK.sleep(ms, new AbortController().signal);
}

Deno.test("Loop looks for work once for all events that are read together", async () => {
  await using engine = await FakeEngine.start();
  let looks = 0;
  const clock = {
    ...SYSTEM_CLOCK,
    sleep(ms: number, signal: AbortSignal) {
      looks++;
      return SYSTEM_CLOCK.sleep(ms, signal);
    },
  };
  await using r = await rig(engine.host, { intervalMs: 300_000, clock });
  const labels = shop(r.store);
  const web = engine.add({ labels: labels("web") });
  r.loop.start();
  await settled(r, engine);
  await pause(300);
  looks = 0;
  for (let i = 0; i < 5000; i++) engine.emit("start", web);
  engine.setState(web, "exited", 1);
  await until("web stopped", () => states(r.store) === "web=stopped");
  await until(
    "all events came",
    () => sample(r.metrics, 'tinyforge_events_total{action="start"}') > 4999,
  );
  assert(looks < 50, `${looks} looks`);
});

Deno.test("Loop follows events within milliseconds, whatever the interval", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host, { intervalMs: 300_000 });
  const labels = shop(r.store);
  r.loop.start();
  await settled(r, engine);
  engine.clearRequests();
  const web = engine.add({ labels: labels("web") });
  await until("web runs", () => states(r.store) === "web=running", { withinMs: 1000 });
  engine.setState(web, "exited", 137);
  await until("web stopped", () => states(r.store) === "web=stopped", { withinMs: 1000 });
  assertEquals(r.store.views.list()[0]?.exitCode, 137);
  engine.remove(web);
  await until("web is missing", () => states(r.store) === "web=missing", { withinMs: 1000 });
  assertEquals(engine.count("list"), 0);
  const { id } = r.store.views.list()[0]!;
  const told = r.store.transitions.ofRow(id).map(({ cause, origin }) => [
    cause,
    origin.by === "event" && origin.action !== "" && origin.at !== null,
  ]);
  assertEquals(told, [["event", true], ["event", true], ["sweep", true]]);
  const changed = r.lines.filter(({ message }) => message === "index changed");
  assertEquals(changed.map(({ rows }) => rows), [
    [{ row: id, from: null, to: "running" }],
    [{ row: id, from: "running", to: "stopped" }],
    [{ row: id, from: "stopped", to: "missing" }],
  ]);
});

Deno.test("Loop runs one pass at a time and shares the next among who asks meanwhile", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host, { events: false });
  const loop = r.loop;
  loop.start();
  await loop.outcomes.firstPass;
  engine.clearRequests();
  engine.fail("list", { kind: "delay", ms: 200 }, 1);
  const first = loop.reconcileNow();
  await until("a pass is under way", () => engine.count("list") === 1);
  const others = [loop.reconcileNow(), loop.reconcileNow(), loop.reconcileNow()];
  const reports = await Promise.all([first, ...others]);
  assertEquals(engine.count("list"), 2);
  assertEquals(new Set(reports).size, 2);
});

Deno.test("Loop.stop() ends an Engine that hangs, is idempotent and no error", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  engine.fail("list", { kind: "hang" });
  const loop = r.loop;
  loop.start();
  await until("a pass is under way", () => engine.count("list") === 1);
  const asked = loop.reconcileNow();
  const rejected = assertRejects(() => asked, DOMException, "stopped");
  const begin = performance.now();
  await Promise.all([loop.stop(), loop.stop()]);
  assert(performance.now() - begin < 500);
  await rejected;
  await assertRejects(() => loop.reconcileNow(), DOMException, "stopped");
  assertEquals(r.lines.filter((line) => line.level === "error"), []);
  assertEquals(sample(r.metrics, 'tinyforge_passes_total{outcome="aborted"}'), 1);
});

Deno.test("Loop logs a failing pass once for each cause, counts each, and recovers", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host, { clock: fastClock(50), intervalMs: 1000, events: false });
  const loop = r.loop;
  const failed = () => sample(r.metrics, 'tinyforge_passes_total{outcome="failed"}');
  const errors = () => r.lines.filter((line) => line.level === "error").length;
  engine.fail("list", { kind: "status", status: 500, message: "on fire" });
  loop.start();
  await until("several passes failed", () => failed() >= 4);
  assertEquals(errors(), 1);
  assertEquals(sample(r.metrics, "tinyforge_engine_up"), 0);
  engine.fail("list", { kind: "status", status: 500, message: "flooded" });
  const before = failed();
  await until("several more failed", () => failed() >= before + 3);
  assertEquals(errors(), 2);
  await assertRejects(() => loop.reconcileNow(), Failure, "flooded");
  engine.heal();
  await loop.outcomes.firstPass;
  assertEquals([loop.outcomes.lastError, sample(r.metrics, "tinyforge_engine_up")], [null, 1]);
  assert(r.lines.some((line) => line.message === "passes succeed again"));
});

Deno.test("Loop ticks at the interval while events flow, and faster while they don't", async () => {
  await using engine = await FakeEngine.start();
  const clock = new SkippedClock();
  await using r = await rig(engine.host, { clock, intervalMs: 60_000 });
  engine.fail("events", { kind: "status", status: 500 });
  r.loop.start();
  await until("the first pass is through", () => passes(r) === 1);
  // In half a minute, which has none where there is one in a minute.
  for (let ticks = 1; ticks <= 6; ticks++) {
    const before = passes(r);
    clock.skip(5000);
    await until("a tick came", () => passes(r) > before);
  }
  engine.heal();
  await until("events flow", () => {
    clock.skip(5000);
    return sample(r.metrics, "tinyforge_event_stream_up") === 1;
  });
});

Deno.test("Loop converges though the stream is cut all the time", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host, { clock: fastClock(20) });
  const labels = shop(r.store);
  r.loop.start();
  await settled(r, engine);
  const containers = Array.from({ length: 5 }, (_, i) => engine.add({ labels: labels(`r${i}`) }));
  // A minute, twenty times as fast: a cut a second and a change between.
  for (let second = 0; second < 60; second++) {
    engine.cutEvents(second % 2 === 0 ? "end" : "close");
    const container = containers[second % 5]!;
    engine.setState(container, container.state === "running" ? "exited" : "running");
    if (second % 10 === 9) engine.remove(containers[4]!);
    if (second % 10 === 9) containers[4] = engine.add({ labels: labels("r4") });
    const tick = performance.now() + 50;
    await until("a second passed", () => performance.now() >= tick);
  }
  await until("the index is right", () => states(r.store) === truth(engine));
  assert(sample(r.metrics, "tinyforge_event_stream_reconnects_total") > 5);
});

Deno.test("Loop asks for nothing but the listing while events flow", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const loop = r.loop;
  loop.start();
  await settled(r, engine);
  engine.clearRequests();
  for (let i = 0; i < 3; i++) await loop.reconcileNow();
  assertEquals(engine.requests.map(({ endpoint }) => endpoint), ["list", "list", "list"]);
  // Whoever answers now may be another.
  engine.cutEvents("end");
  await until("the Engine says who it is", () => engine.count("info") > 0);
});

Deno.test("Loop blames no event for what changed while the stream broke during a pass", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host, { intervalMs: 300 });
  const labels = shop(r.store);
  const web = engine.add({ labels: labels("web") });
  r.loop.start();
  await settled(r, engine);
  engine.clearRequests();
  engine.fail("list", { kind: "hang" });
  await until("a pass hangs", () => engine.count("list") > 0);
  engine.cutEvents("end");
  engine.emitting = false;
  engine.setState(web, "exited");
  engine.emitting = true;
  await until("the stream is open again", () => engine.followers > 0);
  engine.heal();
  await until("web stopped", () => states(r.store) === "web=stopped");
  // Late events have a second.
  await pause(1500);
  assertEquals(sample(r.metrics, "tinyforge_drift_total"), 0);
});

Deno.test("Loop leaves ever more time to a stream that ends as soon as it opens", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host, { clock: fastClock(20), intervalMs: 30_000 });
  engine.fail("events", { kind: "cut", at: "body" });
  r.loop.start();
  // A minute, twenty times as fast: waits of 1, 2, 4, 8, 16 and 30 s, or up to half of it less.
  await pause(3000);
  const streams = engine.count("events");
  assert(streams >= 4 && streams <= 10, `${streams} streams`);
});

Deno.test("Loop follows events at once when a requested pass ends a row of failures", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host, { intervalMs: 30_000 });
  const labels = shop(r.store);
  const web = engine.add({ labels: labels("web") });
  const loop = r.loop;
  loop.start();
  await settled(r, engine);
  engine.fail("list", { kind: "status", status: 500 });
  for (let i = 0; i < 6; i++) await assertRejects(() => loop.reconcileNow(), Failure);
  engine.heal();
  await loop.reconcileNow();
  engine.setState(web, "exited");
  await until("web stopped", () => states(r.store) === "web=stopped", { withinMs: 2000 });
});

Deno.test("Loop makes good in a full pass what a storm's reads failed to tell", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host, { intervalMs: 30_000 });
  const labels = shop(r.store);
  const containers = Array.from({ length: 90 }, (_, i) => engine.add({ labels: labels(`r${i}`) }));
  r.loop.start();
  await settled(r, engine);
  engine.clearRequests();
  engine.fail("list_ids", { kind: "status", status: 500 });
  for (let burst = 0; burst < 25; burst++) {
    for (let i = 0; i < 30; i++) {
      const container = containers[(burst * 30 + i) % 90]!;
      engine.setState(container, container.state === "running" ? "exited" : "running");
    }
    await pause(100);
  }
  // Whatever else happens, what failed to be read is listed before anything else is.
  const asked = engine.requests.map(({ endpoint }) => endpoint);
  assert(!asked.join(" ").includes("list_ids list_ids"), asked.join(" "));
  engine.heal();
  await until("the index is right", () => states(r.store) === truth(engine), { withinMs: 4000 });
});

Deno.test("Loop survives duplicated, reordered, garbage and half events", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const labels = shop(r.store);
  r.loop.start();
  await settled(r, engine);
  engine.holdEvents();
  const a = engine.add({ labels: labels("a") });
  const b = engine.add({ labels: labels("b") });
  engine.setState(a, "exited");
  engine.remove(b);
  engine.releaseEvents((lines) => [...lines.toReversed(), ...lines, ...lines]);
  engine.writeEvents('garbage\n{"half":\n[]\nnull\n{"Type":"container"}\n');
  engine.writeEvents('{"Type":"container","Action":"sta');
  await until("the index is right", () => states(r.store) === "a=stopped", { withinMs: 3000 });
  assertEquals(r.store.views.list().length, 1);
});

Deno.test("Loop follows events though the clock is set back and forth", async () => {
  await using engine = await FakeEngine.start();
  let offsetMs = 0;
  const clock = { ...SYSTEM_CLOCK, now: () => Date.now() + offsetMs };
  await using r = await rig(engine.host, { clock });
  const labels = shop(r.store);
  const loop = r.loop;
  loop.start();
  await settled(r, engine);
  const web = engine.add({ labels: labels("web") });
  await until("web runs", () => states(r.store) === "web=running", { withinMs: 1000 });
  const rowId = r.store.views.list()[0]!.id;
  // To the Engine's events, whose times do not change, this is an hour back and a day ahead.
  for (const hours of [-1, 24, 0]) {
    offsetMs = hours * 3_600_000;
    engine.setState(web, "exited", 1);
    await until("web stopped", () => states(r.store) === "web=stopped", { withinMs: 1000 });
    engine.setState(web, "running");
    await until("web runs again", () => states(r.store) === "web=running", { withinMs: 1000 });
    assertEquals((await loop.reconcileNow()).claimed, 1);
    assert(loop.outcomes.lastPassAgeMs < 5000, "a pass is as old as it is");
  }
  assertEquals(
    r.store.transitions.ofRow(rowId).map((t) => t.to).join(" "),
    "running" + " stopped running".repeat(3),
  );
  assertEquals(sample(r.metrics, "tinyforge_drift_total"), 0);
  assertEquals(sample(r.metrics, 'tinyforge_passes_total{outcome="failed"}'), 0);
  assert(sample(r.metrics, "tinyforge_event_lag_seconds_sum") >= 0);
});

Deno.test("Loop takes an event for a container that is gone for what it is", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const labels = shop(r.store);
  r.loop.start();
  await settled(r, engine);
  const a = engine.add({ labels: labels("a") });
  await until("a runs", () => states(r.store) === "a=running");
  engine.emitting = false;
  engine.remove(a);
  engine.emit("start", a);
  await until("a is missing", () => states(r.store) === "a=missing", { withinMs: 1000 });
});

for (const [when, reads] of [["in a moment", 1], ["a good while later", 4]] as const) {
  Deno.test(`Loop reads again what an Engine's listing shows ${when} after it was told`, async () => {
    await using engine = await FakeEngine.start();
    await using r = await rig(engine.host);
    const labels = shop(r.store);
    const a = engine.add({ labels: labels("a") });
    r.loop.start();
    await settled(r, engine);
    engine.emit("die", a);
    await until("it was read", () => engine.count("list_ids") === reads);
    engine.emitting = false;
    const shown = performance.now();
    engine.setState(a, "exited", 1);
    await until("the index is right", () => states(r.store) === "a=stopped", { withinMs: 3000 });
    assert(engine.count("list_ids") <= reads + 2);
    const [last] = r.store.transitions.ofRow(r.store.views.list()[0]!.id).slice(-1);
    assert(last?.origin.by === "event" && last.origin.action === "die");
    if (reads > 1) return;
    // Not only with the read that comes after a fifth of a second in any case.
    const late = performance.now() - shown;
    assert(late < 180, `${late} ms`);
  });
}

Deno.test("Loop asks a few times for a container that an Engine never shows as it was told", async () => {
  await using engine = await FakeEngine.start();
  const clock = new SkippedClock();
  await using r = await rig(engine.host, { clock });
  const labels = shop(r.store);
  const web = engine.add({ labels: labels("a") });
  r.loop.start();
  await settled(r, engine);
  engine.clearRequests();
  engine.emit("die", web);
  const reads = () => engine.count("list_ids");
  // The waits that it makes are said elsewhere: this is more than each of them.
  for (let read = 1; read <= 7; read++) {
    await until(`read ${read}`, () => reads() >= read);
    clock.skip(15_000);
  }
  await pause(300);
  assertEquals(reads(), 7);
  assertEquals([engine.count("list"), states(r.store)], [0, "a=running"]);
});

Deno.test("Loop notices a half-open stream by what its ticks find, and opens it again", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host, { clock: fastClock(20), intervalMs: 10_000 });
  const labels = shop(r.store);
  r.loop.start();
  await settled(r, engine);
  engine.emitting = false;
  engine.add({ labels: labels("a") });
  await until("a tick found it", () => states(r.store) === "a=running");
  await until("it was counted", () => sample(r.metrics, "tinyforge_drift_total") === 1);
  await until(
    "the stream was opened again",
    () =>
      sample(r.metrics, "tinyforge_event_stream_reconnects_total") >= 1 && engine.followers === 1,
  );
});

Deno.test("Loop pings through silence and gives up a stream whose Engine is frozen", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host, {
    clock: fastClock(50),
    timeoutMs: 200,
    intervalMs: 300_000,
    idleMs: 5000,
  });
  r.loop.start();
  await settled(r, engine);
  const pings = engine.count("ping");
  await until("silence is answered by pings", () => engine.count("ping") >= pings + 2);
  assertEquals(sample(r.metrics, "tinyforge_event_stream_up"), 1);
  engine.freeze();
  await until(
    "the stream is given up",
    () => sample(r.metrics, "tinyforge_event_stream_up") === 0,
    {
      withinMs: 15_000,
    },
  );
  engine.thaw();
  await until("events flow again", () => sample(r.metrics, "tinyforge_event_stream_up") === 1, {
    withinMs: 15_000,
  });
});

Deno.test("Loop turns an event storm into few requests and right rows", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const labels = shop(r.store);
  const containers = Array.from({ length: 400 }, (_, i) => engine.add({ labels: labels(`r${i}`) }));
  r.loop.start();
  await settled(r, engine);
  engine.clearRequests();
  for (let i = 0; i < 2000; i++) {
    const container = containers[i % 400]!;
    engine.setState(container, i % 3 === 0 ? "exited" : "running");
    if (i % 50 === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  await until("the index is right", () => states(r.store) === truth(engine));
  const requests = engine.count("list") + engine.count("list_ids") + engine.count("info");
  assert(requests <= 50, `${requests} requests`);
});

Deno.test("Loop keeps a crash loop from asking for every event", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host, { clock: fastClock(10) });
  const labels = shop(r.store);
  const looping = engine.add({ labels: labels("looping") });
  r.loop.start();
  await settled(r, engine);
  engine.clearRequests();
  const begin = performance.now();
  // Ten seconds at twenty events a second, ten times as fast; longer on a busy machine.
  for (let i = 0; i < 100; i++) {
    engine.setState(looping, i % 2 === 0 ? "exited" : "running", 1);
    const next = performance.now() + 10;
    await until("a moment passed", () => performance.now() >= next);
  }
  await until("the index is right", () => states(r.store) === truth(engine));
  const seconds = (performance.now() - begin) / 100;
  const requests = engine.count("list") + engine.count("list_ids");
  assert(requests <= 4 * seconds, `${requests} requests in ${seconds} s`);
});

Deno.test("Loop writes nothing for health checks that change nothing", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const labels = shop(r.store);
  const web = engine.add({ labels: labels("web"), health: "healthy" });
  r.loop.start();
  await settled(r, engine);
  const before = r.store.totalChanges();
  const commits = r.feed.lastId;
  engine.clearRequests();
  for (let i = 0; i < 3; i++) engine.setHealth(web, "healthy");
  await until("it was looked at", () => engine.count("list_ids") > 0);
  engine.setHealth(web, "unhealthy");
  await until("a change is seen", () => r.store.views.list()[0]?.health === "unhealthy");
  // The row, and that its health changed: both or neither.
  assertEquals([r.store.totalChanges() - before, r.feed.lastId - commits], [2, 1]);
  assertEquals(states(r.store), "web=running");
});

Deno.test("Loop finds the Engine again after a restart, with nothing lost or missing", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host, { clock: fastClock(20) });
  const labels = shop(r.store);
  for (const role of ["a", "b"]) engine.add({ labels: labels(role) });
  r.loop.start();
  await settled(r, engine);
  const up = () => sample(r.metrics, "tinyforge_engine_up");
  engine.down();
  await until("the Engine is down", () => up() === 0);
  assertEquals(states(r.store), "a=running b=running");
  engine.emitting = false;
  engine.add({ labels: labels("c") });
  engine.emitting = true;
  engine.up();
  const begin = performance.now();
  await until(
    "the Engine is up and the index right",
    () => up() === 1 && states(r.store) === "a=running b=running c=running",
  );
  assert((performance.now() - begin) * 20 < 5000, "converged within 5 s");
});

/** A network's event as the Engine sends it. */
function networkEvent(action: string, containerId: string): string {
  const Attributes = { container: containerId, name: "backend", type: "bridge" };
  return JSON.stringify({ Type: "network", Action: action, Actor: { ID: "n", Attributes } }) + "\n";
}

Deno.test("Loop follows a container that is connected to a network, and calls it no drift", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const labels = shop(r.store);
  const web = engine.add({ labels: labels("web") });
  r.loop.start();
  await settled(r, engine);
  const port = () => r.store.views.list()[0]?.port;
  web.ports = [{ PrivatePort: 80, Type: "tcp" }];
  engine.writeEvents(networkEvent("connect", web.id));
  await until("its port is seen", () => port() === 80, { withinMs: 2000 });
  web.ports = [];
  engine.writeEvents(networkEvent("disconnect", web.id));
  await until("its port is gone", () => port() === null, { withinMs: 2000 });
  assertEquals(sample(r.metrics, 'tinyforge_events_total{action="disconnect"}'), 1);
});

Deno.test("Loop looks at everything when an event is too long, and the stream stays", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const labels = shop(r.store);
  const [loud, quiet] = ["loud", "quiet"].map((role) => engine.add({ labels: labels(role) }));
  const { loop } = r;
  loop.start();
  await settled(r, engine);
  engine.clearRequests();
  engine.emitting = false;
  engine.setState(loud!, "exited", 1);
  const attributes = { label: "x".repeat(1_200_000) };
  for (let i = 0; i < 20; i++) engine.emit("die", loud!, attributes);
  engine.emitting = true;
  await until("it is seen", () => states(r.store) === "loud=stopped quiet=running");
  engine.setState(quiet!, "exited");
  await until("others are", () => states(r.store) === "loud=stopped quiet=stopped");
  await until("all of that is over", () => engine.count("list") > 1);
  assert(engine.count("list") <= 4, `${engine.count("list")} listings`);
  assertEquals([engine.followers, loop.events.reconnects], [1, 0]);
  await pause(1200);
  assertEquals(sample(r.metrics, "tinyforge_drift_total"), 0);
});

Deno.test("Loop calls nothing drift that came while a listing hung", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host, { clock: fastClock(20), intervalMs: 4000 });
  const labels = shop(r.store);
  const web = engine.add({ labels: labels("web") });
  r.loop.start();
  await settled(r, engine);
  engine.clearRequests();
  engine.fail("list", { kind: "hang" });
  await until("a pass hangs", () => engine.count("list") > 0);
  engine.setState(web, "exited");
  // Twelve seconds of the loop's.
  await pause(600);
  engine.heal();
  await until("web stopped", () => states(r.store) === "web=stopped");
  await pause(300);
  assertEquals(sample(r.metrics, "tinyforge_drift_total"), 0);
  assertEquals(sample(r.metrics, "tinyforge_event_stream_reconnects_total"), 0);
});

Deno.test("Loop knows an event until a pass has used it, however many fail", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host, { clock: fastClock(50), intervalMs: 4000 });
  const labels = shop(r.store);
  const [a] = ["a", "b"].map((role) => engine.add({ labels: labels(role) }));
  r.loop.start();
  await settled(r, engine);
  const failed = () => sample(r.metrics, 'tinyforge_passes_total{outcome="failed"}');
  for (const endpoint of ["list", "list_ids"] as const) {
    engine.fail(endpoint, { kind: "status", status: 500 });
  }
  engine.setState(a!, "exited");
  await until("passes fail for long", () => failed() >= 6);
  engine.heal();
  await until("a stopped", () => states(r.store) === "a=stopped b=running");
  await pause(200);
  assertEquals(sample(r.metrics, "tinyforge_drift_total"), 0);
  assertEquals(sample(r.metrics, "tinyforge_event_stream_reconnects_total"), 0);
});

Deno.test("Loop calls nothing drift that came while the database was locked", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host);
  const labels = shop(r.store);
  const web = engine.add({ labels: labels("web") });
  r.loop.start();
  await settled(r, engine);
  r.store.setBusyTimeout(10);
  const { Database } = await import("@db/sqlite");
  const other = new Database(r.path);
  try {
    other.exec("BEGIN IMMEDIATE");
    engine.setState(web, "exited", 3);
    await until("a pass failed for it", () => r.loop.outcomes.failures > 0);
    assertEquals(states(r.store), "web=running");
    // The event is spent; only a pass on the tick can make good for it.
    await until("another did", () => r.loop.outcomes.failures > 1, { withinMs: 10_000 });
    other.exec("ROLLBACK");
  } finally {
    other.close();
  }
  await until("web is stopped", () => states(r.store) === "web=stopped", { withinMs: 10_000 });
  // Drift is counted a second after the pass that found it.
  await pause(1200);
  assertEquals(sample(r.metrics, "tinyforge_drift_total"), 0);
  assertEquals(r.loop.events, { up: true, reconnects: 0 });
});

Deno.test("Loop asks nothing but the listing through minutes of silence", async () => {
  await using engine = await FakeEngine.start();
  const clock = new SkippedClock();
  await using r = await rig(engine.host, { clock, intervalMs: 30_000 });
  r.loop.start();
  await settled(r, engine);
  engine.clearRequests();
  for (let ticks = 1; ticks <= 8; ticks++) {
    const before = passes(r);
    clock.skip(30_000);
    await until("half a minute passed", () => passes(r) > before);
  }
  assertEquals(new Set(engine.requests.map(({ endpoint }) => endpoint)), new Set(["list"]));
});

Deno.test("Loop takes a proxy that forbids pings for one that answers", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host, { clock: fastClock(50), idleMs: 2000 });
  engine.fail("ping", { kind: "status", status: 403, body: "forbidden" });
  r.loop.start();
  await settled(r, engine);
  const pings = engine.count("ping");
  await until("it was pinged", () => engine.count("ping") >= pings + 3);
  assertEquals(sample(r.metrics, "tinyforge_event_stream_up"), 1);
  assertEquals(sample(r.metrics, "tinyforge_event_stream_reconnects_total"), 0);
});

Deno.test("Loop brings the tick forward when the stream ends", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host, { clock: fastClock(20) });
  const labels = shop(r.store);
  const web = engine.add({ labels: labels("web") });
  r.loop.start();
  await settled(r, engine);
  engine.fail("events", { kind: "status", status: 500 });
  engine.emitting = false;
  engine.setState(web, "exited");
  engine.cutEvents("end");
  // Five seconds of the loop's; the tick that was set would come after fifteen of these.
  await until("web stopped", () => states(r.store) === "web=stopped", { withinMs: 5000 });
});

Deno.test("Loop opens the stream at once when the Engine is back", async () => {
  await using engine = await FakeEngine.start();
  await using r = await rig(engine.host, {
    clock: fastClock(10),
    intervalMs: 30_000,
    random: () => 0,
  });
  const { loop } = r;
  for (const endpoint of ["list", "events"] as const) {
    engine.fail(endpoint, { kind: "status", status: 500 });
  }
  loop.start();
  // Waits of 1, 2, 4, 8 and 16 s; the next one is 30 s, three of these.
  await until("the stream waits for long", () => engine.count("events") >= 6);
  engine.heal();
  await until("the Engine is back", () => loop.outcomes.lastPass !== null);
  await until("events flow", () => loop.events.up, { withinMs: 1000 });
});

Deno.test("Loop shows the health that Podman tells by events alone", async () => {
  await using engine = await FakeEngine.start({ kind: "podman" });
  await using r = await rig(engine.host);
  const labels = shop(r.store);
  const web = engine.add({ labels: labels("web"), status: "Up 3 minutes" });
  const { loop } = r;
  loop.start();
  await settled(r, engine);
  const health = () => r.store.views.list()[0]?.health;
  engine.setHealth(web, "unhealthy");
  await until("it is unhealthy", () => health() === "unhealthy", { withinMs: 2000 });
  await loop.reconcileNow();
  assertEquals(health(), "unhealthy");
  web.status = "Exited (1) 3 seconds ago";
  engine.setState(web, "exited", 1);
  await until("it ended", () => health() === null);
  web.status = "Up 3 seconds";
  await until("it is followed", () => engine.followers > 0);
  engine.setState(web, "running");
  await until("it runs", () => states(r.store) === "web=running");
  assertEquals(health(), null);
});
