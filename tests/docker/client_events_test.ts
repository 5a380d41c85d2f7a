import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DockerClient } from "../../src/docker/client.ts";
import { Failure } from "../../src/failure.ts";
import type { EngineEvent } from "../../src/docker/events.ts";
import { run } from "../engines/run.ts";
import { until } from "../harness/until.ts";
import { FakeEngine } from "../engines/scripted.ts";

/** Follows events until told otherwise; `done` settles with the stream. */
async function follow(engine: FakeEngine, options: { since?: number } = {}) {
  const client = new DockerClient({ host: engine.host });
  const controller = new AbortController();
  const events: EngineEvent[] = [];
  const garbage: string[] = [];
  const open = Promise.withResolvers<void>();
  const read = async () => {
    const stream = client.events({
      ...options,
      signal: controller.signal,
      onOpen: open.resolve,
      onGarbage: (why) => garbage.push(why),
    });
    for await (const event of stream) events.push(event);
  };
  const done = read();
  await Promise.race([open.promise, done]);
  const actions = () => events.map(({ action }) => action);
  return {
    client,
    controller,
    events,
    garbage,
    done,
    actions,
    seen: (count: number) => until(`${count} events`, () => events.length >= count),
    async [Symbol.asyncDispose]() {
      controller.abort();
      await done.catch(() => {});
      client.close();
    },
  };
}

Deno.test("DockerClient.events() tells what happens to containers", async () => {
  await using engine = await FakeEngine.start();
  await using follower = await follow(engine);
  const before = Date.now();
  const container = engine.add({ name: "web" });
  engine.setState(container, "exited", 3);
  engine.remove(container);
  await follower.seen(5);
  assertEquals(follower.actions(), ["create", "start", "die", "stop", "destroy"]);
  const die = follower.events[2]!;
  assertEquals([die.containerId, die.name, die.exitCode], [container.id, "web", 3]);
  assert(die.timeMs! >= before - 1000 && die.timeMs! <= Date.now() + 1000);
  assertEquals(
    engine.requests.at(-1)!.target,
    "/v1.41/events?filters=" + encodeURIComponent('{"type":["container","network"]}'),
  );
});

Deno.test("DockerClient.events() misses nothing from its opening on", async () => {
  await using engine = await FakeEngine.start();
  for (let round = 0; round < 20; round++) {
    using client = new DockerClient({ host: engine.host });
    // The very moment that the stream is open, something happens.
    const stream = client.events({ onOpen: () => void engine.add() });
    assertEquals((await stream.next()).value?.action, "create");
    await stream.return();
  }
});

Deno.test("DockerClient.events() asks nothing before it is iterated", async () => {
  await using engine = await FakeEngine.start();
  using client = new DockerClient({ host: engine.host });
  const stream = client.events();
  await client.ping();
  assertEquals(engine.count("events"), 0);
  await stream.return();
});

Deno.test("DockerClient.events() ends when the Engine ends the stream", async () => {
  await using engine = await FakeEngine.start();
  await using follower = await follow(engine);
  engine.add();
  await follower.seen(2);
  engine.cutEvents("end");
  await follower.done;
  assertEquals(follower.garbage, []);
});

Deno.test("DockerClient.events() throws when the connection breaks", async () => {
  await using engine = await FakeEngine.start();
  await using follower = await follow(engine);
  engine.cutEvents("close");
  const error = await assertRejects(() => follower.done, Failure);
  assertEquals(error.code, "engine-connection");
  assertStringIncludes(error.message, "Cannot follow the Engine's events: ");
});

Deno.test("DockerClient.events() throws when the Engine dies", async () => {
  await using engine = await FakeEngine.start();
  await using follower = await follow(engine);
  engine.restart();
  const error = await assertRejects(() => follower.done, Failure);
  assertEquals(error.code, "engine-connection");
});

Deno.test("DockerClient.events() survives half lines, garbage, doubled and reordered lines", async () => {
  await using engine = await FakeEngine.start();
  await using follower = await follow(engine);
  engine.holdEvents();
  const container = engine.add();
  engine.setState(container, "exited");
  engine.releaseEvents((lines) => lines.toReversed().flatMap((line) => [line, line]));
  await follower.seen(8);
  assertEquals(follower.actions(), [
    ...["stop", "stop", "die", "die"],
    ...["start", "start", "create", "create"],
  ]);

  const line = '{"Type":"container","Action":"pause","Actor":{"ID":"abc"}}\n';
  for (const piece of ["nonsense\n", line.slice(0, 20), line.slice(20, 21), line.slice(21)]) {
    engine.writeEvents(piece);
  }
  await follower.seen(9);
  assertEquals(follower.actions().at(-1), "pause");
  assertEquals(follower.garbage, ["not JSON"]);
});

Deno.test("DockerClient.events() replays what the Engine remembers", async () => {
  await using engine = await FakeEngine.start();
  engine.emit("start", { id: "old" });
  const since = engine.lastEventAt! + 1;
  await until("that moment is over", () => performance.timeOrigin + performance.now() > since + 1);
  engine.emit("stop", { id: "new" });
  await using follower = await follow(engine, { since });
  await follower.seen(1);
  assertEquals(follower.events.map(({ containerId }) => containerId), ["new"]);
});

Deno.test("DockerClient.events() throws the signal's reason", async () => {
  await using engine = await FakeEngine.start();
  await using follower = await follow(engine);
  engine.add();
  await follower.seen(2);
  const reason = new Error("the caller's own");
  follower.controller.abort(reason);
  assertEquals(await follower.done.then(() => null, (error) => error), reason);
  await until("the Engine lost its follower", () => engine.followers === 0);
});

Deno.test("DockerClient.events() is ended by an abort after its Response was collected", async () => {
  await using engine = await FakeEngine.start();
  const said = await run(Deno.execPath(), [
    ...["run", "--quiet", "--no-prompt", "--v8-flags=--expose-gc"],
    ...["--allow-net", "--allow-read", "--allow-write"],
    ...[`${import.meta.dirname}/abort_collected.ts`, `unix://${engine.path}`],
  ]);
  assertEquals(said, "aborted");
});

Deno.test("DockerClient.events() closes the connection when the loop is left", async () => {
  await using engine = await FakeEngine.start();
  using client = new DockerClient({ host: engine.host });
  for await (const _ of client.events({ onOpen: () => void engine.add() })) break;
  await until("the Engine lost its follower", () => engine.followers === 0);
});

Deno.test("DockerClient.events() has a deadline for opening and none after it", async () => {
  await using engine = await FakeEngine.start();
  using client = new DockerClient({ host: engine.host, timeoutMs: 100 });
  engine.fail("events", { kind: "hang" });
  const error = await assertRejects(() => client.events().next(), Failure);
  assertEquals([error.code, error.data], ["engine-timeout", { endpoint: "events" }]);
  engine.heal();

  const stream = client.events({ timeoutMs: 100 });
  const first = stream.next();
  await until("the stream is open", () => engine.followers > 0);
  const opened = performance.now();
  await until("the deadline is past", () => performance.now() - opened > 150);
  engine.add();
  assertEquals((await first).value?.action, "create");
  await stream.return();
});

Deno.test("DockerClient.events() fails when the Engine refuses to be followed", async () => {
  await using engine = await FakeEngine.start();
  using client = new DockerClient({ host: engine.host });
  engine.fail("events", { kind: "status", status: 500, message: "too many" });
  let opened = false;
  const stream = client.events({ onOpen: () => opened = true });
  const error = await assertRejects(() => stream.next(), Failure);
  assertEquals(error.code, "engine-http");
  assertEquals(opened, false);
});

Deno.test("DockerClient.close() ends an event stream", async () => {
  await using engine = await FakeEngine.start();
  await using follower = await follow(engine);
  follower.client.close();
  const error = await assertRejects(() => follower.done);
  assert(error instanceof DOMException);
  assertEquals(error.name, "AbortError");
});

Deno.test("DockerClient.events() keeps up with thousands of events", async () => {
  await using engine = await FakeEngine.start();
  await using follower = await follow(engine);
  const container = engine.add();
  for (let i = 0; i < 5000; i++) engine.emit("start", container);
  await follower.seen(5002);
});
