/**
 * A host whose clock tests turn, judged as a daemon would: after each change and whenever the judge
 * asked to be woken. Each judgement is made three ways, of what changed, of everything, and of
 * everything again, and must come to the same; what is written is kept as a store would.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { BackupFacts } from "../../src/model/backups.ts";
import type { IndexRow } from "../../src/model/container.ts";
import { NO_MEMORY } from "../../src/model/problem.ts";
import { PROBLEM_DEFAULTS } from "../../src/model/problem_settings.ts";
import type {
  DeathHow,
  Deaths,
  Digest,
  Hold,
  HostMemory,
  Problem,
  Silence,
} from "../../src/model/problem.ts";
import type { ProblemSettings } from "../../src/model/problem_settings.ts";
import type { Restart } from "../../src/model/restart.ts";
import { judge } from "../../src/core/judge.ts";
import { Judging } from "../../src/core/judging.ts";
import {
  type ContendedRow,
  type EngineFacts,
  type RefusedClaims,
  type RowTimes,
  type Wanted,
  WANTED_BY_DEFAULT,
  type World,
} from "../../src/core/judged_world.ts";
import { extendHold } from "../../src/core/known_time.ts";
import { row } from "../harness/world.ts";

/** When every test begins, milliseconds since the Unix epoch. */
export const START = 1_800_000_000_000;

/** A row as tests change it. */
export type RowFields = Partial<Pick<IndexRow, "state" | "health" | "exitCode" | "containerId">>;

/** The host. Times are told in seconds since its beginning. */
export class JudgedHost {
  now = START;
  readonly rows = new Map<string, IndexRow>();
  readonly digests: Digest[] = [];
  settings: ProblemSettings = PROBLEM_DEFAULTS;
  wakes = 0;
  readonly #times = new Map<string, RowTimes>();
  readonly #wanted = new Map<string, Wanted>();
  readonly #deaths = new Map<string, Deaths>();
  readonly #holds = new Map<string, Hold>();
  #contended: ReadonlyMap<string, ContendedRow> = new Map();
  #refused: ReadonlyMap<string, RefusedClaims> = new Map();
  #silences: readonly Silence[] = [];
  #engine: EngineFacts = {
    startedAt: START,
    known: true,
    downSince: null,
    error: "",
    lastPassAt: START,
    staleAfter: 90_000,
    changed: null,
    restart: null,
  };
  /** Undefined: nothing is known of them. */
  backups: BackupFacts | null | undefined;
  /** Whether a pass is made every 30 s while the Engine answers. */
  passes = true;
  #changed = new Set<string>();
  #judging = new Judging({ problems: [], memory: NO_MEMORY });
  #nextAt: number | null = null;
  readonly #active = new Map<string, Problem>();
  readonly #closed: Problem[] = [];
  #memory: HostMemory = NO_MEMORY;

  get seconds(): number {
    return (this.now - START) / 1000;
  }

  get frozen(): boolean {
    return !this.#engine.known || this.#engine.downSince !== null || this.#engine.changed !== null;
  }

  world(): World {
    return {
      host: "local",
      index: { row: (id) => this.rows.get(id), rows: () => this.rows.values() },
      wanted: ({ id }) => this.#wanted.get(id) ?? WANTED_BY_DEFAULT,
      times: ({ id }) => this.#times.get(id)!,
      deaths: (id) => this.#deaths.get(id),
      engine: this.#engine,
      contended: this.#contended,
      refused: this.#refused,
      backups: this.backups,
      holds: this.#holds,
      silences: this.#silences,
    };
  }

  /** Makes or changes a row. */
  set(id: string, fields: RowFields = {}): void {
    const before = this.rows.get(id);
    const after: IndexRow = { ...(before ?? row({ id, workloadId: "w-shop" })), ...fields };
    this.rows.set(id, after);
    const times = this.#times.get(id);
    this.#times.set(id, {
      stateSince: before?.state === after.state ? times!.stateSince : this.now,
      healthSince: before !== undefined && before.health === after.health
        ? times!.healthSince
        : this.now,
    });
    this.#changed.add(id);
  }

  remove(id: string): void {
    this.rows.delete(id);
    this.#changed.add(id);
  }

  want(id: string, wanted: Partial<Wanted>): void {
    const since = this.now;
    this.#wanted.set(id, { mode: "running", source: "accepted", since, ...wanted });
    this.#changed.add(id);
  }

  die(id: string, how: DeathHow, exitCode: number | null = how === "exit" ? 0 : 1): void {
    const { count, atLeast, ring } = this.#deaths.get(id) ??
      { count: 0, atLeast: false, ring: [] };
    const death = { at: this.now, exitCode, ranSeconds: null, how, containerId: "c1" };
    this.#deaths.set(id, {
      count: count + 1,
      atLeast,
      ring: [...ring, death].slice(-32),
      gapAt: null,
    });
    this.#changed.add(id);
  }

  /** Events were missed. */
  gap(): void {
    for (const [id, deaths] of this.#deaths) {
      this.#deaths.set(id, { ...deaths, atLeast: true, gapAt: deaths.gapAt ?? this.now });
      this.#changed.add(id);
    }
  }

  /** The container ends, and stays ended. */
  end(id: string, how: DeathHow, exitCode: number | null = how === "exit" ? 0 : 1): void {
    this.die(id, how, exitCode);
    this.set(id, { state: "stopped", exitCode });
  }

  deploy(workloadId = "w-shop"): void {
    const before = this.#holds.get(workloadId) ?? null;
    this.#holds.set(workloadId, extendHold(before, this.now, this.settings));
    for (const row of this.rows.values()) {
      if (row.workloadId === workloadId) this.#changed.add(row.id);
    }
  }

  contend(...ids: string[]): void {
    const losers = [{ id: "c9", name: "other" }];
    this.#contended = new Map(ids.map((id) => [id, { seenAt: this.now, losers }]));
    this.pass();
  }

  refuse(...workloadIds: string[]): void {
    const containers = [{ id: "c8", name: "impostor" }];
    const refused = { seenAt: this.now, reason: "kind-mismatch", containers };
    this.#refused = new Map(workloadIds.map((id) => [id, refused]));
    this.pass();
  }

  silence(silence: Partial<Silence> & { until: number }): void {
    this.#silences = [...this.#silences, { scope: "all", id: "", from: this.now, ...silence }];
  }

  /** A good full pass. */
  pass(): void {
    this.engine({ known: true, downSince: null, error: "", lastPassAt: this.now });
  }

  down(): void {
    this.engine({ downSince: this.now, error: "connection refused" });
  }

  engine(fields: Partial<EngineFacts>): void {
    this.#engine = { ...this.#engine, ...fields };
  }

  /** The Engine answers again; with what restarted it, if something did. */
  up(restart?: Pick<Restart, "from">): void {
    if (restart !== undefined) this.engine({ restart: { ...restart, at: this.now } });
    this.pass();
  }

  /** The daemon ends and another begins, with nothing but what was stored. */
  restartDaemon(): void {
    const stored = JSON.stringify({
      problems: [...this.#active.values(), ...this.#closed.slice(-200)],
      memory: this.#memory,
    });
    this.#judging = new Judging(JSON.parse(stored));
    const { downSince } = this.#engine;
    this.engine({ known: false, downSince: null, startedAt: this.now });
    this.judge("all");
    this.engine(downSince === null ? { known: true } : { downSince: this.now });
    this.judge();
  }

  /** Judges, and holds the ways of doing so against each other. */
  judge(changed: Iterable<string> | "all" = this.#changed): void {
    const { now, settings } = this;
    const world = this.world();
    const before = { problems: this.#judging.problems(), memory: this.#judging.memory };
    const whole = judge(world, before, { now, settings });
    const verdict = this.#judging.judge(world, { now, settings, changed });
    this.#changed = new Set();

    const alive = (problems: Iterable<Problem>) =>
      [...problems].filter(({ status }) => status !== "closed").sort((a, b) =>
        a.key < b.key ? -1 : 1
      );
    const active = alive(this.#judging.problems());
    assertEquals(active, alive(whole.problems), "of what changed, and of everything");
    assertEquals(sorted(verdict.put), sorted(whole.put));
    assertEquals(verdict.nextAt, whole.nextAt, "when to judge next");
    assert(verdict.nextAt === null || verdict.nextAt > now, "a wake that is past");
    const again = judge(world, whole, { now, settings });
    assertEquals([again.put, again.dropped, again.digest], [[], [], null], "judged twice");
    assert(again.memory === whole.memory);
    assertEquals(new Set(active.map(({ key }) => key)).size, active.length, "two of one key");

    for (const problem of verdict.put) {
      if (problem.status === "closed") {
        assert(this.#active.delete(problem.key), `${problem.key} closes, and was not open`);
        this.#closed.push(problem);
      } else this.#active.set(problem.key, problem);
    }
    for (const { key } of verdict.dropped) {
      assertEquals(this.#active.get(key)?.status, "holding");
      this.#active.delete(key);
    }
    assertEquals(alive(this.#active.values()), active, "what is stored, and what is remembered");
    for (const { openedAt, closedAt } of verdict.put) {
      assert((openedAt ?? 0) <= now && (closedAt ?? 0) <= now, "told before its time");
    }
    if (this.frozen) {
      const moved = [...verdict.opened, ...verdict.closed].filter(({ rowId }) =>
        rowId !== null && this.rows.has(rowId)
      );
      assertEquals(moved, [], "the Engine is down, and a row's problem opens or closes");
    }
    if (verdict.digest !== null) this.digests.push(verdict.digest);
    this.#memory = verdict.memory;
    this.#nextAt = verdict.nextAt;
  }

  /** Lets seconds pass; judges whenever it was asked to, and first of all. */
  wait(seconds: number): void {
    this.judge();
    const until = this.now + seconds * 1000;
    while (this.now < until) {
      const answers = this.passes && this.#engine.downSince === null;
      const passAt = answers ? this.#engine.lastPassAt! + 30_000 : Infinity;
      this.now = Math.min(this.#nextAt ?? Infinity, passAt, until);
      if (this.now === passAt) this.pass();
      this.wakes++;
      this.judge();
    }
  }

  /** Keys of the problems that are open, in the order of their opening. */
  open(): string[] {
    return [...this.#active.values()].filter(({ status }) => status === "open")
      .sort((a, b) => a.openedAt! - b.openedAt! || (a.key < b.key ? -1 : 1)).map(({ key }) => key);
  }

  holding(): string[] {
    return [...this.#active.values()].filter(({ status }) => status === "holding")
      .map(({ key }) => key).sort();
  }

  /** The problem with this key that is not closed, if there is one. */
  active(key: string): Problem | undefined {
    return this.#active.get(key);
  }

  /** The problem with this key that is not closed. */
  problem(key: string): Problem {
    const problem = this.#active.get(key);
    assert(problem !== undefined, `no ${key} among ${[...this.#active.keys()].join(", ")}`);
    return problem;
  }

  /** What opened and closed so far, as `key opened–closed outcome`, seconds. */
  story(): string[] {
    return [...this.#closed, ...this.#active.values()].filter(({ openedAt }) => openedAt !== null)
      .sort((a, b) =>
        a.openedAt! - b.openedAt! || (a.closedAt ?? Infinity) - (b.closedAt ?? Infinity) ||
        (a.key < b.key ? -1 : 1)
      ).map(({ key, openedAt, closedAt, outcome }) =>
        `${key} ${inSeconds(openedAt!)}–` +
        (closedAt === null ? "" : `${inSeconds(closedAt)} ${outcome}`)
      );
  }
}

function inSeconds(at: number): number {
  return (at - START) / 1000;
}

function sorted(problems: readonly Problem[]): Problem[] {
  return problems.toSorted((a, b) =>
    a.key < b.key ? -1 : a.key > b.key ? 1 : a.status < b.status ? -1 : 1
  );
}
