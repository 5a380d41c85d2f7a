import { assert, assertEquals } from "@std/assert";
import { beat, HEARTBEAT_MS } from "../../src/notify/heartbeat.ts";
import { Log } from "../../src/telemetry/log.ts";
import { TurnedClock } from "../harness/turned_clock.ts";
import { until } from "../harness/until.ts";
import { Receiver } from "../receivers/receiver.ts";

Deno.test("beat() asks every minute while all is well, else its other form", async () => {
  let status = 200;
  await using receiver = new Receiver(() => new Response("", { status }));
  const clock = new TurnedClock();
  const stop = new AbortController();
  const logged: string[] = [];
  let well = true;
  const running = beat({
    url: new URL(`${receiver.origin}/beat-s3cret`),
    failUrl: new URL(`${receiver.origin}/beat-s3cret/fail`),
    isWell: () => well,
    proxy: null,
    clock,
    log: new Log({ write: (bytes) => void logged.push(new TextDecoder().decode(bytes)) }),
    signal: stop.signal,
  });
  const asked = async (count: number) => {
    await until(`${count} beats`, () => receiver.requests.length === count);
    // What follows the answer happens before the next minute.
    await clock.turn(0);
    await clock.turn(HEARTBEAT_MS);
  };
  await asked(1);
  await asked(2);
  well = false;
  await asked(3);
  await asked(4);
  well = true;
  status = 500;
  await asked(5);
  await until("6 beats", () => receiver.requests.length === 6);
  await until("its answer is told", () => logged.length > 0);
  stop.abort();
  await running;
  const paths = receiver.requests.map(({ target }) => target.replace("/beat-s3cret", ""));
  assertEquals(paths.filter((path) => path === "/fail").length >= 1, true);
  assertEquals(paths.slice(0, 2), ["", ""]);
  assertEquals(paths.at(-1), "");
  assertEquals(logged.length, 1);
  assert(!logged[0]!.includes("s3cret"), logged[0]);
});

Deno.test("beat() asks nothing while it is not well and there is no other form", async () => {
  await using receiver = new Receiver(() => new Response(""));
  const clock = new TurnedClock();
  const stop = new AbortController();
  const running = beat({
    url: new URL(receiver.origin),
    failUrl: null,
    isWell: () => false,
    proxy: null,
    clock,
    log: new Log({ write() {} }),
    signal: stop.signal,
  });
  await clock.turn(10 * HEARTBEAT_MS);
  stop.abort();
  await running;
  assertEquals(receiver.requests.length, 0);
});
