import { assert, assertEquals } from "@std/assert";
import { beat, HEARTBEAT_MS } from "../../src/notify/heartbeat.ts";
import { Log } from "../../src/telemetry/log.ts";
import { TurnedClock } from "../harness/turned_clock.ts";
import { until } from "../harness/until.ts";
import { Receiver } from "../receivers/receiver.ts";
import { Listener, MINUTE, SECOND, ToldHost } from "./told_host.ts";
const { Database } = await import("@db/sqlite");

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
    await until("it sleeps", () => clock.asleep > 0);
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

Deno.test("beat() calls for no help while the daemon has just started, and does a minute later", async () => {
  for (const startsWell of [true, false]) {
    await using receiver = new Receiver(() => new Response(""));
    const clock = new TurnedClock();
    const stop = new AbortController();
    let well = false;
    const running = beat({
      url: new URL(`${receiver.origin}/beat`),
      failUrl: new URL(`${receiver.origin}/fail`),
      isWell: () => well,
      proxy: null,
      clock,
      log: new Log({ write() {} }),
      signal: stop.signal,
    });
    await clock.turn(20 * SECOND);
    assertEquals(receiver.requests.length, 0);
    well = startsWell;
    // Soon, where it is well; else when it had a minute.
    await clock.turn(startsWell ? SECOND : HEARTBEAT_MS - 20 * SECOND);
    await until("it was asked", () => receiver.requests.length === 1);
    assertEquals(receiver.requests[0]!.target, startsWell ? "/beat" : "/fail");
    stop.abort();
    await running;
  }
});

Deno.test("the daemon's heart beats while its index is that of its Engine, and calls for help while it is not", async () => {
  await using receiver = new Receiver(() => new Response(""));
  const [url, failUrl] = ["/beat", "/fail"].map((path) => new URL(path, receiver.origin));
  await using host = await ToldHost.make({ heartbeat: { url: url!, failUrl: failUrl! } });
  await host.begin();
  /** What was asked of it from now on, each once. */
  const asked = async (ms: number) => {
    const before = receiver.requests.length;
    for (let left = ms; left > 0; left -= MINUTE) {
      const count = receiver.requests.length;
      await host.pass(MINUTE);
      await until("a beat", () => receiver.requests.length > count);
    }
    return [...new Set(receiver.requests.slice(before).map(({ target }) => target))];
  };
  assertEquals(await asked(3 * MINUTE), ["/beat"]);
  host.engine.restart({ id: "ANOTHER" });
  await asked(2 * MINUTE);
  assertEquals(await asked(2 * MINUTE), ["/fail"]);
  host.store.hosts.acceptEngine();
  await asked(2 * MINUTE);
  assertEquals(await asked(2 * MINUTE), ["/beat"]);
  assertEquals(receiver.requests[0]!.target, "/beat");
});

Deno.test("the daemon's heart calls for help while its passes are good and its outbox does not move", async () => {
  await using receiver = new Receiver(() => new Response(""));
  await using listener = new Listener();
  const [url, failUrl] = ["/beat", "/fail"].map((path) => new URL(path, receiver.origin));
  await using host = await ToldHost.make({ heartbeat: { url: url!, failUrl: failUrl! } });
  await host.begin();
  await host.channel("ops", listener);
  const inDatabase = (statement: string) => {
    const db = new Database(host.database);
    db.exec(statement);
    db.close();
  };
  /** Time passes, with a pass every ten seconds, until this is asked of it; ten minutes at most. */
  const asks = async (target: string) => {
    const before = receiver.requests.length;
    for (let left = 10 * MINUTE; left > 0; left -= 10 * SECOND) {
      await host.clock.turn(10 * SECOND);
      await host.parts.loop.reconcileNow();
      if (receiver.requests.slice(before).some((asked) => asked.target === target)) return;
    }
    throw new Error(`It asked ${receiver.requests.map(({ target }) => target)}`);
  };
  await asks("/beat");
  inDatabase("ALTER TABLE deliveries RENAME TO elsewhere");
  await asks("/fail");
  inDatabase("ALTER TABLE elsewhere RENAME TO deliveries");
  await asks("/beat");
});
