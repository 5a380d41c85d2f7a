/**
 * The judge against the plain judge, on random histories of a host with time.
 * `PROPERTY_RUNS` and `PROPERTY_SEED` set how many, and which.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { DeathHow } from "../../src/model/problem.ts";
import {
  PROBLEM_NUMBER_NAMES,
  PROBLEM_NUMBERS,
  type ProblemSettings,
} from "../../src/model/problem_settings.ts";
import { JudgedHost } from "./judged_host.ts";
import { JudgeOracle } from "./judge_oracle.ts";

const numRuns = Number(Deno.env.get("PROPERTY_RUNS") ?? 150);
const seed = Number(Deno.env.get("PROPERTY_SEED") ?? Date.now());

const ROWS = ["a", "b"] as const;

type Step =
  | { do: "wait"; seconds: number }
  | { do: "set"; row: string; state: string }
  | { do: "health"; row: string; health: string | null }
  | { do: "die"; row: string; how: DeathHow; stays: boolean }
  | { do: "want"; row: string; mode: "running" | "completed" | "any" | null }
  | { do: "contend"; row: string; on: boolean }
  | { do: "gap" | "deploy" | "down" | "up" | "restarted" | "daemon" };

const rowId = fc.constantFrom(...ROWS);
const wait: fc.Arbitrary<Step> = fc.record({
  do: fc.constant("wait" as const),
  seconds: fc.oneof(
    fc.constantFrom(1, 29, 30, 31, 59, 60, 61, 119, 120, 300, 600, 601),
    fc.integer({ min: 1, max: 200 }),
  ),
});
const set: fc.Arbitrary<Step> = fc.record({
  do: fc.constant("set" as const),
  row: rowId,
  state: fc.constantFrom("running", "running", "missing", "absent", "paused", "restarting"),
});
const health: fc.Arbitrary<Step> = fc.record({
  do: fc.constant("health" as const),
  row: rowId,
  health: fc.constantFrom("healthy", "unhealthy", "unhealthy", "starting", null),
});
const die: fc.Arbitrary<Step> = fc.record({
  do: fc.constant("die" as const),
  row: rowId,
  how: fc.constantFrom<DeathHow>("crash", "crash", "oom", "stop", "kill", "exit"),
  stays: fc.boolean(),
});
const want: fc.Arbitrary<Step> = fc.record({
  do: fc.constant("want" as const),
  row: rowId,
  mode: fc.constantFrom("running", "completed", "any", null),
});
const contend: fc.Arbitrary<Step> = fc.record({
  do: fc.constant("contend" as const),
  row: rowId,
  on: fc.boolean(),
});
const other: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom("gap" as const, "deploy", "down", "up", "restarted", "daemon"),
});
const steps = fc.array(fc.oneof(wait, wait, wait, set, health, die, die, want, contend, other), {
  minLength: 1,
  maxLength: 60,
  size: "max",
});

/** Both judges on one history. */
class Pair {
  readonly host = new JudgedHost();
  readonly oracle = new JudgeOracle();
  readonly #contended = new Set<string>();

  constructor() {
    this.host.engine({ staleAfter: 1e12 });
    for (const id of ROWS) {
      this.host.set(id);
      this.oracle.make(id);
    }
    this.settle();
  }

  take(step: Step, { daemons = true } = {}): void {
    const { host, oracle } = this;
    // While the Engine does not answer nothing is heard of its containers.
    if (host.frozen && ["set", "health", "die", "contend", "gap"].includes(step.do)) return;
    switch (step.do) {
      case "wait":
        host.wait(step.seconds);
        for (let i = 0; i < step.seconds; i++) {
          oracle.tick();
          oracle.look();
        }
        break;
      case "set": {
        const fields = { state: step.state, exitCode: null };
        host.set(step.row, fields);
        oracle.set(step.row, fields);
        break;
      }
      case "health":
        host.set(step.row, { health: step.health });
        oracle.set(step.row, { health: step.health });
        break;
      case "die": {
        if (host.rows.get(step.row)!.state !== "running") return;
        host.die(step.row, step.how);
        oracle.die(step.row, step.how);
        if (!step.stays) break;
        const fields = { state: "stopped", exitCode: step.how === "exit" ? 0 : 1 };
        host.set(step.row, fields);
        oracle.set(step.row, fields);
        break;
      }
      case "want":
        // What is wanted from the moment on at which a state began is what began it.
        this.take({ do: "wait", seconds: 1 });
        host.want(step.row, { mode: step.mode });
        oracle.want(step.row, step.mode);
        break;
      case "contend":
        if (step.on) this.#contended.add(step.row);
        else this.#contended.delete(step.row);
        host.contend(...this.#contended);
        for (const id of ROWS) oracle.contend(id, this.#contended.has(id));
        break;
      case "gap":
        // A second on either side: what is missed is missed between two moments.
        this.take({ do: "wait", seconds: 1 });
        host.gap();
        oracle.gap();
        this.take({ do: "wait", seconds: 1 });
        break;
      case "deploy":
        host.deploy();
        oracle.deploy();
        break;
      case "down":
        if (host.frozen) return;
        this.#downAt = host.now;
        host.down();
        oracle.goDown();
        break;
      case "up":
      case "restarted": {
        if (!host.frozen) return;
        this.take({ do: "wait", seconds: 1 });
        const restarted = step.do === "restarted";
        host.up(restarted ? { from: this.#downAt } : undefined);
        oracle.comeUp(restarted);
        break;
      }
      case "daemon":
        if (daemons) host.restartDaemon();
        break;
    }
    this.settle();
  }
  #downAt = 0;

  settle(): void {
    this.host.judge();
    this.oracle.look();
    assertEquals(this.host.story().sort(), this.oracle.told());
  }
}

function check(run: (history: readonly Step[]) => void): void {
  fc.assert(fc.property(steps, run), { numRuns, seed });
}

Deno.test("judge() agrees with the plain judge on any history, to the second", () =>
  check((history) => {
    const pair = new Pair();
    for (const step of history) pair.take(step);
  }));

Deno.test("judge() opens and closes at the same moments however often the daemon restarts", () =>
  check((history) => {
    const steady = new Pair();
    const restless = new Pair();
    for (const step of history) {
      steady.take(step, { daemons: false });
      restless.take({ do: "daemon" });
      restless.take(step);
      restless.take({ do: "daemon" });
    }
    assertEquals(restless.host.story(), steady.host.story());
  }));

Deno.test("judge() closes all that opened once its cause is gone and time passes", () =>
  check((history) => {
    const pair = new Pair();
    for (const step of history) pair.take(step);
    pair.take({ do: "up" });
    for (const row of ROWS) {
      pair.take({ do: "set", row, state: "running" });
      pair.take({ do: "health", row, health: "healthy" });
      pair.take({ do: "contend", row, on: false });
    }
    pair.host.wait(2 * 3600);
    assertEquals([pair.host.open(), pair.host.holding()], [[], []]);
  }));

/** Any numbers that can be set, whole seconds. */
const settings: fc.Arbitrary<ProblemSettings> = fc.record(
  Object.fromEntries(PROBLEM_NUMBER_NAMES.map((name) => {
    const { least, usual, most } = PROBLEM_NUMBERS[name];
    return [name, fc.constantFrom(least, usual, Math.min(most, 3 * usual))];
  })),
) as unknown as fc.Arbitrary<ProblemSettings>;

/** Judged alone: the plain judge knows no other numbers. */
class Alone extends Pair {
  override settle(): void {
    this.host.judge();
  }
}

Deno.test("judge() changes no opening and hurries none when a restart brings other settings", () =>
  fc.assert(
    fc.property(steps, fc.array(settings, { minLength: 1, maxLength: 5 }), (history, others) => {
      const alone = new Alone();
      const { host } = alone;
      const openings = () => host.story().map((line) => line.replace(/–.*/, ""));
      history.forEach((step, i) => {
        alone.take(step);
        const told = openings();
        const due = host.holding().map((key) => host.problem(key));
        host.settings = others[i % others.length]!;
        host.restartDaemon();
        const now = openings();
        assertEquals(told.filter((opening) => !now.includes(opening)), []);
        for (const { key, since, dueAt } of due) {
          const after = host.active(key);
          if (after?.since === since) assert((after.openedAt ?? after.dueAt!) >= dueAt!, key);
        }
      });
      alone.take({ do: "up" });
      for (const row of ROWS) {
        alone.take({ do: "set", row, state: "running" });
        alone.take({ do: "health", row, health: "healthy" });
        alone.take({ do: "contend", row, on: false });
      }
      host.wait(4 * 3600);
      assertEquals([host.open(), host.holding()], [[], []]);
    }),
    { numRuns, seed },
  ));
