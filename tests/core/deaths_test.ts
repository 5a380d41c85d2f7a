import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  DEATH_RING,
  DeathWatch,
  type LifeEvent,
  withDeath,
  withGap,
  withOom,
} from "../../src/core/deaths.ts";
import type { Death, Deaths } from "../../src/model/problem.ts";

/** An event of container `c1` at so many milliseconds, as `action`, `kill:SIGNAL` or `die:CODE`. */
function event(text: string, at: number): LifeEvent {
  const [action, value] = text.split(":") as [string, string | undefined];
  return {
    action,
    containerId: "c1",
    at,
    ...(action === "kill" ? { signal: value ?? null } : {}),
    ...(action === "die" ? { exitCode: Number(value ?? 0) } : {}),
  };
}

/** How the deaths of these events, 10 ms apart, came about. */
function ends(...events: string[]): string[] {
  const watch = new DeathWatch();
  const decided = events.flatMap((text, i) => watch.take(event(text, i * 10)));
  return [...decided, ...watch.due(1e9)].map(({ how, exitCode }) => `${how} ${exitCode}`);
}

Deno.test("DeathWatch takes a stop for one though it ended in 137", () => {
  assertEquals(ends("start", "kill:15", "kill:9", "die:137", "stop"), ["stop 137"]);
  assertEquals(ends("start", "kill:15", "die:0", "stop"), ["stop 0"]);
  assertEquals(ends("kill:15", "die:143", "stop", "start", "restart"), ["stop 143"]);
  // An image may have a stop signal of its own.
  assertEquals(ends("kill:37", "die:1"), ["stop 1"]);
  assertEquals(ends("die:1", "stop"), ["stop 1"]);
});

Deno.test("DeathWatch tells a kill, a crash and an exit apart", () => {
  assertEquals(ends("start", "kill:9", "die:137"), ["kill 137"]);
  assertEquals(ends("start", "kill:SIGKILL", "die:137", "destroy"), ["kill 137"]);
  // The Engine may tell of the signal only after the death.
  assertEquals(ends("start", "die:137", "kill:9"), ["kill 137"]);
  assertEquals(ends("start", "die:1"), ["crash 1"]);
  assertEquals(ends("start", "die:137"), ["crash 137"]);
  assertEquals(ends("start", "die:0"), ["exit 0"]);
});

Deno.test("DeathWatch takes an end for want of memory for one, told before or after", () => {
  assertEquals(ends("start", "oom", "die:137"), ["oom 137"]);
  assertEquals(ends("start", "die:137", "oom", "start"), ["oom 137"]);
});

Deno.test("DeathWatch takes HUP and USR1 for no death, nor for the cause of one", () => {
  assertEquals(ends("start", "kill:1", "kill:SIGHUP", "kill:10", "kill:USR1"), []);
  assertEquals(ends("start", "kill:HUP", "die:1"), ["crash 1"]);
});

Deno.test("DeathWatch counts every death of a container that is restarted at once", () => {
  assertEquals(
    ends("start", "die:1", "start", "die:1", "start", "die:0", "start"),
    ["crash 1", "crash 1", "exit 0"],
  );
});

Deno.test("DeathWatch waits for the cause, but not for ever", () => {
  const watch = new DeathWatch();
  assertEquals(watch.nextAt(), null);
  assertEquals(watch.take(event("die:1", 1000)), []);
  assertEquals(watch.nextAt(), 3000);
  assertEquals(watch.due(2999), []);
  assertEquals(watch.due(3000).map(({ at, decidedBy }) => [at, decidedBy]), [[1000, "die"]]);
  assertEquals(watch.nextAt(), null);
  assertEquals(watch.take(event("stop", 3001)), []);
});

Deno.test("DeathWatch tells how long it ran, by the Engine or by its own account", () => {
  const watch = new DeathWatch();
  watch.take(event("start", 1000));
  watch.take(event("die:1", 4500));
  assertEquals(watch.due(1e9).map(({ ranSeconds }) => ranSeconds), [3.5]);
  watch.take({ ...event("die:1", 5000), ranSeconds: 7 });
  assertEquals(watch.due(1e9).map(({ ranSeconds }) => ranSeconds), [7]);
  watch.take(event("die:1", 9000));
  assertEquals(watch.due(1e9).map(({ ranSeconds }) => ranSeconds), [null]);
});

Deno.test("DeathWatch explains nothing by what came before events were missed", () => {
  const watch = new DeathWatch();
  watch.take(event("kill:15", 0));
  watch.take(event("die:1", 10));
  assertEquals(watch.gap().map(({ how }) => how), ["stop"]);
  watch.take(event("kill:9", 20));
  watch.gap();
  watch.take(event("die:137", 30));
  assertEquals(watch.due(1e9).map(({ how }) => how), ["crash"]);
});

Deno.test("DeathWatch forgets who is gone, and signals that are long past", () => {
  const watch = new DeathWatch();
  watch.take(event("kill:15", 0));
  watch.take(event("die:1", 60_001));
  assertEquals(watch.due(1e9).map(({ how }) => how), ["crash"]);
  watch.take(event("kill:9", 70_000));
  watch.forget(() => false);
  watch.take(event("die:137", 70_001));
  assertEquals(watch.due(1e9).map(({ how }) => how), ["crash"]);
});

Deno.test("DeathWatch decides each death once, in whatever order events come", () => {
  const actions = fc.constantFrom("start", "kill:9", "kill:15", "kill:1", "die:1", "stop", "oom");
  fc.assert(fc.property(fc.array(fc.tuple(actions, fc.nat({ max: 4000 }))), (steps) => {
    const watch = new DeathWatch();
    let at = 0;
    let deaths = 0;
    let decided = 0;
    let dying = false;
    for (const [text, wait] of steps) {
      at += wait;
      decided += watch.due(at).length;
      if (watch.nextAt() === null) dying = false;
      // A container that is dead can't die.
      if (text === "die:1" && !dying) deaths++;
      if (text === "die:1") dying = true;
      decided += watch.take(event(text, at)).length;
      dying = watch.nextAt() !== null;
    }
    assertEquals(decided + watch.due(Infinity).length, deaths);
    assertEquals(watch.nextAt(), null);
  }));
});

Deno.test("withDeath() keeps the last 32 and counts them all, at least so many after a gap", () => {
  let deaths: Deaths | undefined;
  const death: Death = { at: 0, exitCode: 1, ranSeconds: 1, how: "crash", containerId: "c1" };
  for (let at = 0; at < 40; at++) deaths = withDeath(deaths, { ...death, at });
  assertEquals([deaths!.count, deaths!.atLeast, deaths!.ring.length], [40, false, DEATH_RING]);
  assertEquals(deaths!.ring[0]!.at, 8);
  deaths = withGap(withGap(deaths!, 50), 60);
  assertEquals([deaths.count, deaths.atLeast, deaths.gapAt], [40, true, 50]);
  deaths = withDeath(deaths, { ...death, at: 70 });
  assertEquals([deaths.count, deaths.atLeast, deaths.gapAt], [41, true, null]);
});

Deno.test("withOom() corrects only the last death, of this container, that was taken for a crash", () => {
  const death: Death = { at: 0, exitCode: 137, ranSeconds: 1, how: "crash", containerId: "c1" };
  const deaths = withDeath(undefined, death);
  assertEquals(withOom(deaths, "c1").ring.map(({ how }) => how), ["oom"]);
  assertEquals(withOom(deaths, "c2"), deaths);
  const stopped = withDeath(undefined, { ...death, how: "stop" });
  assertEquals(withOom(stopped, "c1"), stopped);
});
