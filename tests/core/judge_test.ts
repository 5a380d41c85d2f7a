import { assert, assertEquals, assertMatch } from "@std/assert";
import { judge } from "../../src/core/judge.ts";
import { Judging } from "../../src/core/judging.ts";
import { NO_MEMORY, type Problem } from "../../src/model/problem.ts";
import { PROBLEM_DEFAULTS } from "../../src/model/problem_settings.ts";
import { JudgedHost, START } from "./judged_host.ts";
import { processorMs } from "../harness/processor_time.ts";

/** A host on which the row `web` has been running for 1,000 s, judged and found good. */
function host(): JudgedHost {
  const it = new JudgedHost();
  it.set("web");
  it.wait(1000);
  assertEquals(it.open(), []);
  return it;
}

/** What of a problem is told. */
function told(it: JudgedHost, key: string): Pick<Problem, "severity" | "do"> {
  const { severity, do: remedy } = it.problem(key);
  return { severity, do: remedy };
}

const HOUR = 3_600_000;

Deno.test("judge() says missing after 60 s, and that it is over after 30 s of running", () => {
  const it = host();
  it.set("web", { state: "missing" });
  it.wait(59);
  assertEquals([it.open(), it.holding()], [[], ["missing:web"]]);
  it.wait(1);
  assertEquals(it.open(), ["missing:web"]);
  assertEquals(told(it, "missing:web"), {
    severity: "high",
    do: { code: "bring-back", workloadId: "w-shop", rowId: "web" },
  });
  it.wait(500);
  it.set("web", { state: "running", containerId: "c2" });
  it.wait(29);
  assertEquals(it.open(), ["missing:web"]);
  it.wait(100);
  assertEquals(it.story(), ["missing:web 1060–1590 recovered"]);
});

Deno.test("judge() forgets what passes while it is held", () => {
  const it = host();
  it.set("web", { state: "missing" });
  it.wait(59);
  it.set("web", { state: "running" });
  it.wait(10);
  it.set("web", { state: "missing" });
  it.wait(59);
  assertEquals([it.story(), it.holding()], [[], ["missing:web"]]);
});

Deno.test("judge() says absent 10 min after registering, or 60 s where it is said what should be", () => {
  const it = host();
  it.set("new", { state: "absent", containerId: null });
  it.set("told", { state: "absent", containerId: null });
  it.want("told", { source: "compose" });
  it.set("deployed", { state: "pending", containerId: null });
  it.wait(59);
  assertEquals(it.open(), []);
  it.wait(1);
  assertEquals(it.open(), ["absent:told"]);
  it.wait(539);
  assertEquals(it.open(), ["absent:told"]);
  it.wait(1);
  assertEquals(it.open(), ["absent:told", "absent:deployed", "absent:new"]);
  assertEquals(told(it, "absent:new"), {
    severity: "high",
    do: { code: "deploy", workloadId: "w-shop", rowId: "new" },
  });
  it.set("new", { state: "running", containerId: "c7" });
  it.judge();
  assertEquals(it.story().filter((line) => line.includes("new")), [
    "absent:new 1600–1600 recovered",
  ]);
});

Deno.test("judge() says crashed after 30 s, and that it is over after 60 s of running", () => {
  const it = host();
  it.end("web", "crash", 2);
  it.wait(29);
  assertEquals(it.open(), []);
  it.wait(1);
  assertEquals(it.open(), ["crashed:web"]);
  assertEquals(told(it, "crashed:web"), {
    severity: "high",
    do: { code: "read-log", container: "name-of-c1" },
  });
  assertEquals(it.problem("crashed:web").evidence, { state: "stopped", exitCode: 2, how: "crash" });
  it.set("web", { state: "running", exitCode: null });
  it.wait(59);
  assertEquals(it.open(), ["crashed:web"]);
  it.wait(1);
  assertEquals(it.story(), ["crashed:web 1030–1090 recovered"]);
});

Deno.test("judge() takes an exit that nobody saw for a crash when its code is not 0", () => {
  const it = host();
  it.set("web", { state: "stopped", exitCode: 137 });
  it.wait(30);
  assertEquals(it.open(), ["crashed:web"]);
});

Deno.test("judge() says stopped after 10 min when an operator stopped it, whatever it exits with", () => {
  for (const how of ["stop", "kill"] as const) {
    const it = host();
    it.end("web", how, 137);
    it.wait(599);
    assertEquals(it.open(), [], how);
    it.wait(1);
    assertEquals(it.open(), ["stopped:web"]);
    assertEquals(told(it, "stopped:web"), {
      severity: "low",
      do: { code: "start", container: "name-of-c1", workloadId: "w-shop" },
    });
    it.wait(100);
    it.set("web", { state: "running" });
    it.judge();
    assertEquals(it.story(), ["stopped:web 1600–1700 recovered"]);
  }
});

Deno.test("judge() says stopped of an exit with 0 in mode running, and nothing of it in the others", () => {
  const it = host();
  for (const id of ["job", "tool"]) it.set(id);
  it.want("job", { mode: "completed" });
  it.want("tool", { mode: "any" });
  for (const id of ["web", "job", "tool"]) it.end(id, "exit");
  it.wait(3600);
  assertEquals(it.story(), ["stopped:web 1600–"]);
});

Deno.test("judge() says crashed of a job that exits with another code than 0", () => {
  const it = host();
  it.want("web", { mode: "completed" });
  it.end("web", "crash", 3);
  it.wait(30);
  assertEquals(it.open(), ["crashed:web"]);
  it.set("web", { state: "running" });
  it.wait(5);
  it.end("web", "exit");
  it.wait(60);
  assertEquals(it.story(), ["crashed:web 1030–1095 recovered"]);
});

Deno.test("judge() says oom at once, and that it is over after 5 min of running", () => {
  const it = host();
  it.die("web", "oom", 137);
  it.judge();
  assertEquals(it.open(), ["oom:web"]);
  assertEquals(told(it, "oom:web"), {
    severity: "high",
    do: { code: "raise-memory", container: "name-of-c1" },
  });
  it.wait(299);
  assertEquals(it.open(), ["oom:web"]);
  it.wait(1);
  assertEquals(it.story(), ["oom:web 1000–1300 recovered"]);
});

Deno.test("judge() says oom and not also crashed of a container that stays ended by it", () => {
  const it = host();
  it.end("web", "oom", 137);
  it.wait(3600);
  assertEquals(it.story(), ["oom:web 1000–"]);
  it.set("web", { state: "running" });
  it.wait(300);
  assertEquals(it.story(), ["oom:web 1000–4900 recovered"]);
  it.set("web", { state: "paused" });
  it.wait(3600);
  it.set("web", { state: "running" });
  it.wait(10);
  assertEquals(it.story().filter((line) => line.startsWith("oom")).length, 1);
});

Deno.test("judge() says unhealthy after 60 s, never while starting, and over after 60 s of health", () => {
  const it = host();
  it.set("web", { health: "starting" });
  it.wait(3600);
  assertEquals(it.story(), []);
  it.set("web", { health: "unhealthy" });
  it.wait(59);
  assertEquals(it.open(), []);
  it.wait(1);
  assertEquals(told(it, "unhealthy:web"), {
    severity: "high",
    do: { code: "read-health", container: "name-of-c1" },
  });
  it.set("web", { health: "healthy" });
  it.wait(30);
  it.set("web", { health: "unhealthy" });
  it.wait(10);
  it.set("web", { health: "healthy" });
  it.wait(59);
  assertEquals(it.open(), ["unhealthy:web"]);
  it.wait(1);
  assertEquals(it.story(), ["unhealthy:web 4660–4760 recovered"]);
});

Deno.test("judge() says crash-loop with the third death in 10 min, and over 10 min after the last", () => {
  const it = host();
  it.die("web", "crash");
  it.wait(300);
  it.die("web", "crash");
  it.wait(299);
  assertEquals(it.open(), []);
  it.die("web", "crash", 7);
  it.judge();
  assertEquals(it.open(), ["crash-loop:web"]);
  assertEquals(told(it, "crash-loop:web"), {
    severity: "high",
    do: { code: "read-log", container: "name-of-c1" },
  });
  const { since, evidence } = it.problem("crash-loop:web");
  assertEquals(since, START + 1_000_000);
  assertEquals(evidence.count, 3);
  it.wait(500);
  it.die("web", "crash");
  it.wait(599);
  assertEquals(it.open(), ["crash-loop:web"]);
  it.wait(1);
  assertEquals(it.story(), ["crash-loop:web 1599–2699 recovered"]);
});

Deno.test("judge() counts no death by an operator for a crash-loop, and no finished job", () => {
  const it = host();
  it.set("job");
  it.want("job", { mode: "completed" });
  for (let i = 0; i < 10; i++) {
    it.die("web", i % 2 === 0 ? "stop" : "kill");
    it.die("job", "exit");
    it.wait(5);
  }
  assertEquals(it.story(), []);
});

Deno.test("judge() lets a crash-loop swallow crashed, and tells it when the loop gave up", () => {
  const it = host();
  it.end("web", "crash");
  it.wait(40);
  it.set("web", { state: "running" });
  it.die("web", "crash");
  it.wait(10);
  it.end("web", "crash");
  it.wait(599);
  assertEquals(it.open(), ["crash-loop:web"]);
  it.wait(1);
  assertEquals(it.story(), [
    "crashed:web 1030–1050 superseded",
    "crash-loop:web 1050–1650 recovered",
    "crashed:web 1650–",
  ]);
});

Deno.test("judge() says flapping with the sixth move in 30 min, and over after 30 quiet min", () => {
  const it = host();
  for (let i = 0; i < 4; i++) {
    it.set("web", { health: "unhealthy" });
    it.wait(60);
    it.set("web", { health: "healthy" });
    it.wait(60);
  }
  assertEquals(it.open(), ["flapping:web"]);
  assertEquals(it.story()[3], "flapping:web 1360–");
  assertEquals(told(it, "flapping:web"), {
    severity: "high",
    do: { code: "explain", rowId: "web" },
  });
  it.set("web", { health: "unhealthy" });
  it.wait(60);
  assertEquals(it.problem("unhealthy:web").muted, true);
  assertEquals(it.problem("flapping:web").muted, false);
  it.wait(1799);
  assertEquals(it.open(), ["flapping:web", "unhealthy:web"]);
  it.wait(1);
  assertEquals(it.open(), ["unhealthy:web"]);
  assertEquals(it.problem("unhealthy:web").muted, false);
  assertEquals(it.story().at(3), "flapping:web 1360–3340 recovered");
});

Deno.test("judge() says stuck after 10 min in a state that should pass, low when paused", () => {
  const remedies = {
    created: { code: "start", container: "name-of-c1", workloadId: "w-shop" },
    restarting: { code: "read-log", container: "name-of-c1" },
    removing: { code: "remove", containers: ["name-of-c1"] },
    paused: { code: "unpause", container: "name-of-c1" },
    initialized: { code: "explain", rowId: "web" },
  } as const;
  for (const [state, remedy] of Object.entries(remedies)) {
    const it = host();
    it.set("web", { state });
    it.wait(599);
    assertEquals(it.open(), [], state);
    it.wait(1);
    assertEquals(told(it, "stuck:web"), {
      severity: state === "paused" ? "low" : "high",
      do: remedy,
    });
    it.set("web", { state: "running" });
    it.judge();
    assertEquals(it.story(), ["stuck:web 1600–1600 recovered"]);
  }
});

Deno.test("judge() takes another state that should pass for another one to be stuck in", () => {
  const it = host();
  it.set("web", { state: "paused" });
  it.wait(700);
  it.set("web", { state: "restarting" });
  it.wait(599);
  assertEquals(it.story(), ["stuck:web 1600–1700 recovered"]);
  it.wait(1);
  assertEquals(it.open(), ["stuck:web"]);
});

Deno.test("judge() says engine-down after 60 s, and that it is over with a good full pass", () => {
  const it = host();
  it.down();
  it.wait(59);
  assertEquals(it.open(), []);
  it.wait(1);
  assertEquals(it.open(), ["engine-down:local"]);
  assertEquals(told(it, "engine-down:local"), {
    severity: "high",
    do: { code: "start-engine", host: "local" },
  });
  assertEquals(it.problem("engine-down:local").evidence, { error: "connection refused" });
  it.wait(40);
  it.engine({ downSince: null });
  it.judge();
  assertEquals(it.open(), ["engine-down:local"]);
  it.now += 1000;
  it.up();
  it.judge();
  assertEquals(it.story(), ["engine-down:local 1060–1101 recovered"]);
});

Deno.test("judge() says index-stale when the Engine answers and no pass is good", () => {
  const it = host();
  it.passes = false;
  // The last pass was at 990 s and may be 90 s old.
  it.wait(139);
  assertEquals(it.open(), []);
  it.wait(1);
  assertEquals(it.open(), ["index-stale:local"]);
  assertEquals(told(it, "index-stale:local"), {
    severity: "high",
    do: { code: "read-own-log", host: "local" },
  });
  it.now += 60_000;
  it.pass();
  it.judge();
  assertEquals(it.story(), ["index-stale:local 1140–1200 recovered"]);
});

Deno.test("judge() says flapping of a host whose passes are late again and again, and mutes that alone", () => {
  const it = host();
  it.passes = false;
  const late = () => {
    it.wait(150);
    it.pass();
    it.judge();
  };
  for (let i = 0; i < 3; i++) late();
  assertEquals(it.open(), ["flapping:local"]);
  assertEquals(told(it, "flapping:local"), {
    severity: "high",
    do: { code: "read-own-log", host: "local" },
  });
  assertEquals(it.problem("flapping:local").evidence, { count: 6 });
  it.wait(150);
  assertEquals(it.problem("index-stale:local").muted, true);
  it.engine({ changed: { accepted: "A", found: "B", since: it.now } });
  it.judge();
  assertEquals(it.problem("engine-changed:local").muted, false);
  it.engine({ changed: null });
  it.pass();
  it.passes = true;
  it.judge();
  const quietFrom = it.seconds;
  it.wait(1799);
  assertEquals(it.open(), ["flapping:local"]);
  it.wait(1);
  assertEquals(it.open(), []);
  assertMatch(it.story().find((line) => line.startsWith("flapping"))!, / recovered$/);
  assertEquals(it.seconds - quietFrom, 1800);
});

Deno.test("judge() says engine-changed at once until it is accepted or the old one answers", () => {
  const it = host();
  it.engine({ changed: { accepted: "A", found: "B", since: it.now } });
  it.set("web", { state: "missing" });
  it.wait(300);
  assertEquals(it.story(), ["engine-changed:local 1000–"]);
  assertEquals(told(it, "engine-changed:local"), {
    severity: "high",
    do: { code: "accept-engine", host: "local" },
  });
  assertEquals(it.problem("engine-changed:local").evidence, { accepted: "A", found: "B" });
  it.engine({ changed: null });
  it.pass();
  it.judge();
  assertEquals(it.open(), []);
  it.wait(60);
  assertEquals(it.open(), ["missing:web"]);
});

Deno.test("judge() says backup-failed at once, until there is a newer one", () => {
  const it = host();
  const lastAt = it.now - HOUR;
  it.backups = { lastAt, failedSince: null, error: "" };
  it.wait(60);
  assertEquals(it.open(), []);
  it.backups = { lastAt, failedSince: it.now, error: "Cannot make a backup: no room" };
  it.judge();
  assertEquals(it.open(), ["backup-failed:local"]);
  assertEquals(told(it, "backup-failed:local"), { severity: "high", do: { code: "back-up" } });
  assertEquals(it.problem("backup-failed:local").evidence, {
    error: "Cannot make a backup: no room",
  });
  // Another run does not know of it yet, nor does it know better.
  for (const backups of [undefined, { lastAt, failedSince: null, error: "" }]) {
    it.backups = backups;
    it.wait(60);
    assertEquals(it.open(), ["backup-failed:local"]);
  }
  it.backups = { lastAt: it.now, failedSince: null, error: "" };
  it.judge();
  assertEquals(it.story(), ["backup-failed:local 1060–1180 recovered"]);
});

Deno.test("judge() says backup-failed where none was made for 26 hours, by time alone", () => {
  const it = host();
  it.backups = { lastAt: it.now, failedSince: null, error: "" };
  it.wait(26 * 3600 - 1);
  assertEquals(it.open(), []);
  it.wait(1);
  assertEquals(it.open(), ["backup-failed:local"]);
  // None are to be made any more.
  it.backups = null;
  it.judge();
  assertEquals(it.open(), []);
  it.wait(60);
  assertEquals(it.open(), []);
});

Deno.test("judge() says contended after 5 min, and that it is over when it is gone", () => {
  const it = host();
  it.contend("web");
  it.wait(200);
  it.contend("web");
  it.wait(99);
  assertEquals(it.open(), []);
  it.wait(1);
  assertEquals(told(it, "contended:web"), {
    severity: "low",
    do: { code: "remove", containers: ["other"] },
  });
  it.wait(10);
  it.contend();
  it.judge();
  assertEquals(it.story(), ["contended:web 1300–1310 recovered"]);
});

Deno.test("judge() says refused of a workload after 5 min, and that it is over when it is gone", () => {
  const it = host();
  it.refuse("w-shop");
  it.wait(200);
  it.refuse("w-shop");
  it.wait(99);
  assertEquals(it.open(), []);
  it.wait(1);
  assertEquals(told(it, "refused:w-shop"), {
    severity: "low",
    do: { code: "mend-labels", containers: ["impostor"] },
  });
  it.wait(10);
  it.refuse();
  it.judge();
  assertEquals(it.story(), ["refused:w-shop 1300–1310 recovered"]);
});

Deno.test("judge() leaves rows as they were while the Engine is down, and stops their timers", () => {
  const it = host();
  it.set("db");
  it.set("web", { state: "missing" });
  it.end("db", "crash");
  it.wait(31);
  it.set("db", { state: "running" });
  it.wait(10);
  it.down();
  it.wait(600);
  assertEquals(it.open(), ["crashed:db", "engine-down:local"]);
  it.up();
  it.wait(100);
  assertEquals(it.story(), [
    "crashed:db 1030–1691 recovered",
    "engine-down:local 1101–1641 recovered",
    "missing:web 1660–",
  ]);
});

Deno.test("judge() waits 2 min after a restart, and then tells at once who is not back", () => {
  const it = new JudgedHost();
  for (let i = 0; i < 30; i++) it.set(`row-${i}`);
  it.set("off");
  it.end("off", "stop", 0);
  it.wait(5000);
  it.digests.length = 0;
  it.down();
  it.wait(20);
  for (let i = 0; i < 30; i++) it.set(`row-${i}`, { state: "stopped", exitCode: i % 2 * 137 });
  it.up({ from: it.now - 20_000 });
  it.wait(50);
  for (let i = 2; i < 30; i++) it.set(`row-${i}`, { state: "running", exitCode: null });
  it.wait(69);
  assertEquals(it.open(), ["stopped:off"]);
  assertEquals(it.digests, []);
  it.wait(1);
  assertEquals(it.open(), ["stopped:off", "crashed:row-1", "stopped:row-0"]);
  assertEquals(it.problem("crashed:row-1").batch, "restart");
  const digest = { batch: "restart", at: it.now, expected: 30, wrong: ["row-0", "row-1"] } as const;
  assertEquals(it.digests, [digest]);
  it.restartDaemon();
  it.wait(10_000);
  assertEquals(it.digests, [digest]);
});

Deno.test("judge() waits once for a restart that follows another", () => {
  const it = host();
  it.set("web", { state: "missing" });
  it.wait(10);
  it.down();
  it.now += 5000;
  it.up({ from: it.now - 5000 });
  it.wait(100);
  it.down();
  it.now += 5000;
  it.up({ from: it.now - 5000 });
  it.wait(119);
  assertEquals(it.open(), []);
  it.wait(1);
  assertEquals(it.story(), ["missing:web 1240–"]);
});

Deno.test("judge() holds a workload for 5 min after a deploy, and for 15 at most", () => {
  const it = host();
  it.set("web", { state: "missing" });
  it.wait(30);
  it.deploy();
  it.wait(299);
  assertEquals(it.open(), []);
  it.wait(1);
  assertEquals(it.story(), ["missing:web 1330–"]);

  const endless = host();
  endless.set("web", { state: "missing" });
  for (let i = 0; i < 18; i++) {
    endless.deploy();
    endless.wait(60);
  }
  assertEquals(endless.story(), ["missing:web 1900–"]);
});

Deno.test("judge() marks what the first judgement finds, and nothing later, as the baseline", () => {
  const it = new JudgedHost();
  it.set("web", { state: "missing" });
  it.set("db");
  it.wait(10);
  it.set("db", { state: "missing" });
  it.wait(100);
  assertEquals(it.problem("missing:web").batch, "baseline");
  assertEquals(it.problem("missing:db").batch, null);
  assertEquals(it.digests, [{ batch: "baseline", at: START, expected: 2, wrong: ["web"] }]);
});

Deno.test("judge() marks what is silenced, opens and closes it as ever", () => {
  const it = host();
  it.silence({ scope: "row", id: "web", from: START + 1_100_000, until: START + 1_200_000 });
  it.set("web", { state: "missing" });
  it.wait(99);
  assertEquals(it.problem("missing:web").silenced, false);
  it.wait(1);
  assertEquals(it.problem("missing:web").silenced, true);
  it.wait(100);
  assertEquals(it.problem("missing:web").silenced, false);
  assertEquals(it.story(), ["missing:web 1060–"]);
});

Deno.test("judge() tells the problem that took the place of another, not both", () => {
  const it = host();
  it.set("web", { state: "missing" });
  it.wait(100);
  it.end("web", "crash", 1);
  it.wait(29);
  assertEquals(it.open(), ["missing:web"]);
  it.wait(1);
  assertEquals(it.story(), ["missing:web 1060–1130 superseded", "crashed:web 1130–"]);
});

Deno.test("judge() closes what is wrong with a row that was removed, or is wanted no more", () => {
  const it = host();
  it.set("db", { state: "missing" });
  it.set("web", { state: "missing" });
  it.wait(100);
  it.remove("web");
  it.want("db", { mode: null });
  it.wait(30);
  assertEquals(it.story(), ["missing:web 1060–1100 gone", "missing:db 1060–1130 recovered"]);
});

Deno.test("judge() explains no stop by a death before events were missed", () => {
  const it = host();
  it.die("web", "stop", 0);
  it.wait(500);
  it.gap();
  it.wait(5);
  it.set("web", { state: "stopped", exitCode: 1 });
  it.wait(20);
  it.gap();
  it.wait(10);
  assertEquals(it.open(), ["crashed:web"]);
});

Deno.test("judge() is woken by time alone no more often than something changes", () => {
  const it = host();
  it.passes = false;
  it.engine({ staleAfter: 1e9 });
  it.wakes = 0;
  it.end("web", "crash");
  it.wait(30);
  it.set("web", { state: "running" });
  it.wait(100_000);
  // Opening, end of the first wait, closing, end of the second.
  assertEquals(it.story(), ["crashed:web 1030–1090 recovered"]);
  assertEquals(it.wakes, 3);
});

Deno.test("judge() and Judging take less than a tenth of a pass for 10,000 rows", () => {
  const it = new JudgedHost();
  for (let i = 0; i < 10_000; i++) it.set(`row-${i}`);
  it.wait(10);
  it.set("row-7", { state: "missing" });
  it.wait(100);
  const world = it.world();
  const options = { now: it.now, settings: PROBLEM_DEFAULTS };
  let remembered = judge(world, { problems: [], memory: NO_MEMORY }, options);
  const judging = new Judging(remembered);
  judging.judge(world, { ...options, changed: "all" });
  const best = (run: () => void) =>
    Math.min(...Array.from({ length: 20 }, () => {
      const began = processorMs();
      run();
      return processorMs() - began;
    }));
  // A pass takes 33 ms.
  const whole = best(() => remembered = judge(world, remembered, options));
  assert(whole <= 3, `${whole} ms for everything`);
  const some = best(() => judging.judge(world, { ...options, changed: ["row-9"] }));
  assert(some <= 0.3, `${some} ms for what changed`);
});

Deno.test("judge() closes what was over long before anybody looked", () => {
  const it = host();
  it.engine({ staleAfter: 1e9 });
  for (let i = 0; i < 3; i++) it.die("web", "crash");
  it.wait(1);
  const began = it.seconds - 1;
  // No daemon runs for two hours.
  it.now += 2 * 3600 * 1000;
  it.restartDaemon();
  it.pass();
  it.judge();
  assertEquals(it.story(), [`crash-loop:web ${began}–${began + 600} recovered`]);
});

Deno.test("judge() explains no stop by a death long before, though no event is known to be missed", () => {
  const it = host();
  it.die("web", "stop", 0);
  it.wait(61);
  it.set("web", { state: "stopped", exitCode: 1 });
  it.wait(30);
  assertEquals(it.open(), ["crashed:web"]);
});
