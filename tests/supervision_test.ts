/**
 * What surrounds the daemon, on a clock that is turned: how soon a lost lock is seen, and when the
 * service manager is told what.
 */

import { assert, assertEquals, assertFalse } from "@std/assert";
import { join } from "@std/path";
import { acquireLock } from "../src/lock/lock.ts";
import type { PassReport } from "../src/model/pass.ts";
import { announce, firstPass, watchLock } from "../src/supervision.ts";
import { ServiceManager } from "../src/system/systemd.ts";
import { FakeEngine } from "./engines/scripted.ts";
import { Receiver } from "./harness/datagram.ts";
import { rig } from "./harness/rig.ts";
import { until } from "./harness/until.ts";
import { TurnedClock } from "./harness/turned_clock.ts";

Deno.test("watchLock() sees within a minute that the lock was taken away, and says it once", async () => {
  await using dir = await tempDir();
  const lock = await acquireLock(dir.path);
  const clock = new TurnedClock();
  const { signal } = new AbortController();
  const lost: (number | null)[] = [];
  const watching = watchLock(lock, { clock, signal, onLost: ({ owner }) => lost.push(owner) });
  await clock.turn(60_000);
  await clock.turn(60_000);
  assertEquals(lost, [], "it is still ours");
  await Deno.remove(lock.path);
  await Deno.writeTextFile(lock.path, `${Deno.pid}\n`);
  await clock.turn(59_000);
  assertEquals(lost, []);
  await clock.turn(1000);
  assertEquals(lost, [Deno.pid]);
  await watching;
  lock.release();
});

Deno.test("watchLock() ends with its signal and says nothing", async () => {
  await using dir = await tempDir();
  using lock = await acquireLock(dir.path);
  const ends = new AbortController();
  const onLost = () => assert(false, "it was not lost");
  const watching = watchLock(lock, { clock: new TurnedClock(), signal: ends.signal, onLost });
  ends.abort();
  await watching;
});

Deno.test("firstPass() waits for the first good pass, for as long as it may or until it is over", async () => {
  const clock = new TurnedClock();
  const { promise, resolve } = Promise.withResolvers<PassReport>();
  const ends = new AbortController();
  const over: string[] = [];
  const waits = (what: string, signal: AbortSignal) =>
    firstPass({ outcomes: { firstPass: promise }, clock, signal }, { withinMs: 150 })
      .then(() => over.push(what));
  const forever = new AbortController().signal;
  const waiting = [waits("too long", forever), waits("aborted", ends.signal)];
  await clock.turn(149);
  assertEquals(over, []);
  ends.abort();
  await waiting[1];
  assertEquals(over, ["aborted"]);
  await clock.turn(1);
  await waiting[0];
  const third = waits("passed", forever);
  resolve({} as PassReport);
  await third;
  assertEquals(over, ["aborted", "too long", "passed"]);
});

Deno.test("announce() says READY after ten seconds though the Engine hangs", async () => {
  await using told = await announced({ hangs: true });
  await told.clock.turn(9999);
  assertFalse(told.states().includes("READY=1"));
  assert(told.states().includes("STATUS=first pass under way"));
  await told.clock.turn(1);
  assert(told.states().includes("READY=1"));
  assert(told.states().includes("STATUS=no pass yet"));
});

Deno.test("announce() says READY once the first pass is done, then how it is every ten seconds", async () => {
  await using told = await announced();
  await told.pass();
  await told.clock.turn(0);
  assert(told.states().includes("READY=1"));
  const before = told.count("STATUS=0 of 0 containers indexed, 0 unmanaged");
  await told.clock.turn(10_000);
  assertEquals(told.count("STATUS=0 of 0 containers indexed, 0 unmanaged"), before + 1);
  assertEquals(told.count("READY=1"), 1);
});

Deno.test("announce() pings the watchdog twice in each of its intervals, pass or no pass", async () => {
  await using told = await announced({ hangs: true, WATCHDOG_USEC: "20000000" });
  await told.clock.turn(0);
  assertEquals(told.count("WATCHDOG=1"), 1);
  await told.clock.turn(30_000);
  assertEquals(told.count("WATCHDOG=1"), 4);
});

Deno.test("announce() says what the last pass failed with", async () => {
  await using told = await announced({ refuses: true });
  await told.clock.turn(10_000);
  assert(told.states().some((line) => /^STATUS=Cannot .*500/.test(line)), told.states().join());
});

Deno.test("announce() says nothing any more once it was told to end", async () => {
  for (const afterMs of [0, 10_000]) {
    await using told = await announced({ hangs: true });
    await told.clock.turn(afterMs);
    const before = told.states().length;
    await told.end();
    assertEquals(told.states().length, before);
  }
});

/** What the service manager was told, on a clock of the test's own. */
interface Announced extends AsyncDisposable {
  readonly clock: TurnedClock;
  /** Lines that arrived so far. */
  states(): readonly string[];
  /** How often this line arrived. */
  count(line: string): number;
  /** Tells it to end, and waits for that. */
  end(): Promise<void>;
  /** One full pass of the loop. */
  pass(): Promise<unknown>;
}

async function announced(
  { hangs = false, refuses = false, ...variables }: {
    hangs?: boolean;
    refuses?: boolean;
    WATCHDOG_USEC?: string;
  } = {},
): Promise<Announced> {
  const cleanup = new AsyncDisposableStack();
  const dir = cleanup.use(await tempDir());
  const engine = cleanup.use(await FakeEngine.start());
  if (hangs) engine.fail("list", { kind: "hang" });
  if (refuses) engine.fail("list", { kind: "status", status: 500 });
  const clock = new TurnedClock();
  const parts = cleanup.use(await rig({ kind: "unix", path: engine.path }, { clock }));
  const address = join(dir.path, "notify");
  const receiver = cleanup.use(new Receiver(address));
  const all: Record<string, string> = { NOTIFY_SOCKET: address, ...variables };
  const manager = cleanup.use(ServiceManager.fromEnvironment((name) => all[name]));
  const ends = new AbortController();
  if (hangs || refuses) parts.loop.start();
  const { outcomes } = parts.loop;
  if (refuses) await until("a pass fails", () => outcomes.lastError);
  const announcing = announce(manager, { outcomes, clock, signal: ends.signal });
  const end = async () => {
    ends.abort();
    await announcing;
  };
  cleanup.defer(end);
  const lines: string[] = [];
  const states = () => {
    lines.push(...receiver.received().flatMap((message) => message.trimEnd().split("\n")));
    return lines;
  };
  return {
    clock,
    states,
    end,
    count: (line) => states().filter((each) => each === line).length,
    pass: async () => {
      parts.loop.start();
      return await outcomes.firstPass;
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

async function tempDir(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix: "tinyforge-supervision-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
