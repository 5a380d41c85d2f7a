import { assert, assertEquals } from "@std/assert";
import {
  affectsListing,
  decodeEvents,
  type EngineEvent,
  MAX_EVENT_LINE,
} from "../../src/docker/events.ts";

const ID = "4436922b81f279c805577be23559a64191031c8c73c9cdddc5d0bc4f215bb052";

/** A line as Engine 20.10 sends it, with changes. */
function line(changes: Record<string, unknown> = {}, attributes: Record<string, string> = {}) {
  return JSON.stringify({
    status: "start",
    id: ID,
    from: "nginx:1",
    Type: "container",
    Action: "start",
    Actor: { ID, Attributes: { image: "nginx:1", name: "web", ...attributes } },
    scope: "local",
    time: 1_700_000_000,
    timeNano: 1_700_000_000_250_000_000,
    ...changes,
  }) + "\n";
}

/** Decodes text cut into chunks at these byte offsets. */
async function decode(text: string, cuts: number[] = []) {
  const bytes = new TextEncoder().encode(text);
  const garbage: string[] = [];
  const events: EngineEvent[] = [];
  async function* chunks() {
    let from = 0;
    for (const to of [...cuts, bytes.length]) {
      yield bytes.subarray(from, to);
      from = to;
    }
  }
  for await (const event of decodeEvents(chunks(), { onGarbage: (why) => garbage.push(why) })) {
    events.push(event);
  }
  return { events, garbage };
}

async function one(changes: Record<string, unknown>, attributes: Record<string, string> = {}) {
  const { events, garbage } = await decode(line(changes, attributes));
  assertEquals(garbage, []);
  assertEquals(events.length, 1);
  return events[0]!;
}

Deno.test("decodeEvents() reads an event", async () => {
  assertEquals(await one({}), {
    action: "start",
    containerId: ID,
    name: "web",
    health: null,
    exitCode: null,
    timeMs: 1_700_000_000_250,
  });
});

Deno.test("decodeEvents() is the same wherever the chunks are cut", async () => {
  const text = line({}, { label: "größe 🚀" }) + line({ Action: "die" }, { exitCode: "3" });
  const whole = await decode(text);
  assertEquals(whole.events.map(({ action }) => action), ["start", "die"]);
  const length = new TextEncoder().encode(text).length;
  for (let cut = 0; cut <= length; cut++) {
    assertEquals((await decode(text, [cut])).events, whole.events);
  }
  const everyByte = Array.from({ length }, (_, i) => i);
  assertEquals((await decode(text, everyByte)).events, whole.events);
});

Deno.test("decodeEvents() takes several lines of one chunk, CRLF and empty lines", async () => {
  const text = "\n" + line() + "\r\n" + line({ Action: "stop" }).replace("\n", "\r\n") + "\n\n";
  const { events, garbage } = await decode(text);
  assertEquals(events.map(({ action }) => action), ["start", "stop"]);
  assertEquals(garbage, []);
});

Deno.test("decodeEvents() skips garbage, counts it and goes on", async () => {
  const bad = ["{", "7", "null", '"x"', "\0\0", "{}", line({ Action: 5, status: 5 })];
  const noId = line({ Actor: { ID: "../etc" }, id: "" });
  const { events, garbage } = await decode(
    line() + bad.map((text) => text.trim() + "\n").join("") + noId + line({ Action: "stop" }),
  );
  assertEquals(events.map(({ action }) => action), ["start", "stop"]);
  assertEquals(garbage, [
    "not JSON",
    "not an object",
    "not an object",
    "not an object",
    "not JSON",
    "no action",
    "no action",
    "no container id",
  ]);
});

Deno.test("decodeEvents() leaves other kinds of objects out silently", async () => {
  const { events, garbage } = await decode(line({ Type: "network" }) + line({ Type: "pod" }));
  assertEquals(events, []);
  assertEquals(garbage, []);
});

Deno.test("decodeEvents() counts a line that the stream's end cut off", async () => {
  const { events, garbage } = await decode(line() + line().slice(0, 40));
  assertEquals(events.length, 1);
  assertEquals(garbage, ["the stream ended within a line"]);
});

Deno.test("decodeEvents() skips a line that is too long, says so once and goes on", async () => {
  let skipped = 0;
  const before: number[] = [];
  const long = line({}, { label: "x".repeat(3 * MAX_EVENT_LINE) });
  async function* chunks() {
    const bytes = new TextEncoder().encode(line() + long + line({ Action: "stop" }) + long);
    const size = 64 * 1024;
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const garbage: string[] = [];
  const actions: string[] = [];
  const options = { onSkipped: () => skipped++, onGarbage: (why: string) => garbage.push(why) };
  for await (const { action } of decodeEvents(chunks(), options)) {
    actions.push(action);
    before.push(skipped);
  }
  assertEquals(actions, ["start", "stop"]);
  assertEquals([before, skipped, garbage], [[0, 1], 2, []]);
});

Deno.test("decodeEvents() tells what a network does to a container", async () => {
  const network = (Action: string, container?: string) =>
    line({
      Type: "network",
      Action,
      Actor: { ID: "n", Attributes: { container, name: "bridge" } },
    });
  const { events, garbage } = await decode(
    network("create") + network("connect", ID) + network("disconnect", ID) + network("destroy") +
      network("connect"),
  );
  assertEquals(
    events.map(({ action, containerId, name }) => [action, containerId, name]),
    [["connect", ID, ""], ["disconnect", ID, ""]],
  );
  assertEquals(garbage, ["no container id"]);
});

Deno.test("decodeEvents() takes a long line below the limit", async () => {
  const { events } = await decode(line({}, { label: "x".repeat(MAX_EVENT_LINE - 1000) }));
  assertEquals(events.length, 1);
});

Deno.test("decodeEvents() splits what follows the action's colon off", async () => {
  assertEquals((await one({ Action: "exec_create: /bin/sh -c a: b" })).action, "exec_create");
  const healthy = await one({ Action: "health_status: healthy" });
  assertEquals([healthy.action, healthy.health], ["health_status", "healthy"]);
  assertEquals((await one({ Action: "health_status: unhealthy" })).health, "unhealthy");
  assertEquals((await one({ Action: "health_status: running" })).health, null);
  assertEquals((await one({ Action: "start" })).health, null);
});

Deno.test("decodeEvents() reads the exit code of a die", async () => {
  assertEquals((await one({ Action: "die" }, { exitCode: "137" })).exitCode, 137);
  assertEquals((await one({ Action: "die" }, { exitCode: "-1" })).exitCode, -1);
  assertEquals((await one({ Action: "die" }, { exitCode: "x" })).exitCode, null);
  assertEquals((await one({ Action: "die" })).exitCode, null);
  assertEquals((await one({ Action: "start" }, { exitCode: "137" })).exitCode, null);
});

Deno.test("decodeEvents() reads the names of older and of newer APIs", async () => {
  const { events } = await decode(
    JSON.stringify({ status: "start", id: ID, time: 1_700_000_000 }) + "\n" +
      JSON.stringify({ Type: "container", Action: "stop", Actor: { ID } }) + "\n",
  );
  assertEquals(events, [
    {
      action: "start",
      containerId: ID,
      name: "",
      health: null,
      exitCode: null,
      timeMs: 1_700_000_000_000,
    },
    { action: "stop", containerId: ID, name: "", health: null, exitCode: null, timeMs: null },
  ]);
});

Deno.test("decodeEvents() keeps the Engine's time to the microsecond", async () => {
  const text = line().replace(/"timeNano":[^,}]+/, '"timeNano":1795312356693005242');
  const { events } = await decode(text);
  assert(Math.abs(events[0]!.timeMs! - 1_795_312_356_693.005) < 0.001);
});

Deno.test("decodeEvents() takes a time before the epoch for none", async () => {
  assertEquals((await one({ timeNano: -5, time: -5 })).timeMs, null);
  assertEquals((await one({ timeNano: "x", time: null })).timeMs, null);
});

Deno.test("decodeEvents() takes a time that no date can say for none", async () => {
  assertEquals((await one({ timeNano: 1e300, time: 1 })).timeMs, null);
  assertEquals((await one({ timeNano: 0, time: 1e300 })).timeMs, null);
  assertEquals((await one({ timeNano: 0, time: 253_402_300_799 })).timeMs, 253_402_300_799_000);
});

Deno.test("decodeEvents() gives Podman's actions Docker's names", async () => {
  assertEquals((await one({ Action: "died" }, { containerExitCode: "7" })).action, "die");
  assertEquals((await one({ Action: "died" }, { containerExitCode: "7" })).exitCode, 7);
  assertEquals((await one({ Action: "remove" })).action, "destroy");
  assertEquals((await one({ Action: "exec_died" })).action, "exec_die");
  assertEquals((await one({ Action: "cleanup" })).action, "cleanup");
  const health = await one({ Action: "health_status", HealthStatus: "unhealthy" });
  assertEquals(health.health, "unhealthy");
});

Deno.test("decodeEvents() makes names and actions storable", async () => {
  const event = await one({ Action: "a\0ction" }, { name: "n\x1b[2J" });
  assertEquals([event.action, event.name], ["a\ufffdction", "n\ufffd[2J"]);
  assertEquals((await one({ Action: "constructor" })).action, "constructor");
});

Deno.test("affectsListing() is false only for what a listing never shows", () => {
  const invisible = ["exec_create", "exec_start", "exec_die", "top", "attach", "resize", "kill"];
  for (const action of invisible) {
    assertEquals(affectsListing(action), false, action);
  }
  const visible = ["create", "start", "die", "destroy", "pause", "unpause", "rename"];
  for (const action of [...visible, "health_status", "update", "oom", "cleanup", "new word"]) {
    assertEquals(affectsListing(action), true, action);
  }
});
