/**
 * The judge at work: judges only what changed or whose time is up, and comes to what
 * {@linkcode judge} would say of everything. Reads no clock and writes nothing.
 *
 * @module
 */

import type { HostMemory, InspectedEvidence, Problem } from "../model/problem.ts";
import {
  Changes,
  type JudgeOptions,
  judgeRowOf,
  judgeWorkloadOf,
  ProblemGroups,
  type Remembered,
  type Scene,
  setScene,
  type Verdict,
  verdictOf,
} from "./judge.ts";
import { judgeHost } from "./judge_host.ts";
import { type Judged, judgeGone } from "./judge_row.ts";
import type { World } from "./judged_world.ts";
import { earliest } from "./known_time.ts";

/** What is to be judged. */
export interface JudgingOptions extends JudgeOptions {
  /**
   * Ids of rows that were made, changed or removed since the last judgement, or of which an
   * expectation, a time, a death or the deploy of their workload changed; `all` when nobody knows.
   */
  readonly changed: Iterable<string> | "all";
}

/** Problems from judgement to judgement. */
export class Judging {
  readonly #groups: ProblemGroups;
  /** When time alone changes something of a row next. */
  readonly #due = new Map<string, number>();
  /** Rows of which only closed problems are known, and when the last of them closed. */
  readonly #over = new Map<string, number>();
  /** Rows that changed while nothing was known for sure. */
  readonly #deferred = new Set<string>();
  #memory: HostMemory;
  #last: { scene: Scene; contended: World["contended"] } | null = null;

  /** Goes on from what was remembered. */
  constructor({ problems, memory }: Remembered) {
    this.#groups = new ProblemGroups(problems);
    this.#memory = memory;
  }

  /** Every problem that is not closed, and those that closed lately. */
  problems(): Problem[] {
    const { host, workloads, rows } = this.#groups;
    return [host, ...workloads.values(), ...rows.values()].flat();
  }

  /** What is to be remembered of the host. */
  get memory(): HostMemory {
    return this.#memory;
  }

  /** Judges what changed and what is due. The index, its times and so on are those of now. */
  judge(world: World, options: JudgingOptions): Verdict {
    const scene = setScene(world, { ...options, memory: this.#memory });
    const { circumstances } = scene;
    const changes = new Changes();
    const groups = this.#groups;

    const host = judgeHost(world, { ...circumstances, prior: groups.host });
    changes.take(groups.host, host);
    groups.host = host.problems;

    for (const rowId of this.#rowsToJudge(world, { ...options, scene })) {
      const prior = groups.rows.get(rowId);
      const row = world.index.row(rowId);
      const judged = row === undefined
        ? judgeGone(prior ?? [], circumstances)
        : judgeRowOf(world, row, { ...scene, prior });
      changes.take(prior, judged);
      this.#keep(rowId, judged);
    }
    for (const workloadId of new Set([...groups.workloads.keys(), ...world.refused.keys()])) {
      const prior = groups.workloads.get(workloadId);
      const judged = judgeWorkloadOf(world, workloadId, { ...scene, prior });
      changes.take(prior, judged);
      if (judged.problems.length > 0) groups.workloads.set(workloadId, judged.problems);
      else groups.workloads.delete(workloadId);
    }
    for (const at of this.#due.values()) changes.nextAt = earliest(changes.nextAt, at);
    const verdict = verdictOf(changes, world, scene);
    this.#memory = verdict.memory;
    this.#last = { scene, contended: world.contended };
    return verdict;
  }

  /**
   * Adds what an inspect said to the evidence of a problem that is open; returns the problem as it
   * is to be written, or null when it is open no more.
   */
  inspected(key: string, inspected: InspectedEvidence): Problem | null {
    for (const [rowId, problems] of this.#groups.rows) {
      const i = problems.findIndex((each) => each.key === key && each.status === "open");
      if (i < 0) continue;
      const before = problems[i]!;
      const problem = { ...before, evidence: { ...before.evidence, inspected } };
      this.#groups.rows.set(rowId, problems.with(i, problem));
      return problem;
    }
    return null;
  }

  #keep(rowId: string, { problems, nextAt }: Judged): void {
    if (problems.length > 0) this.#groups.rows.set(rowId, problems);
    else this.#groups.rows.delete(rowId);
    if (nextAt !== null) this.#due.set(rowId, nextAt);
    else this.#due.delete(rowId);
    const over = problems.length > 0 && problems.every(({ status }) => status === "closed");
    if (over) this.#over.set(rowId, Math.max(...problems.map(({ closedAt }) => closedAt!)));
    else this.#over.delete(rowId);
  }

  #rowsToJudge(
    world: World,
    { changed, now, settings, scene }: JudgingOptions & { scene: Scene },
  ): ReadonlySet<string> {
    const { rows } = this.#groups;
    const { frozen } = scene.circumstances;
    const ids = new Set<string>();
    if (changed === "all" || this.#last === null) {
      for (const { id } of world.index.rows()) ids.add(id);
      for (const id of rows.keys()) ids.add(id);
    } else {
      for (const id of changed) ids.add(id);
      for (const [id, at] of this.#due) if (at <= now) ids.add(id);
      const kept = Math.max(settings.flappingWindow, settings.flappingCloses);
      for (const [id, at] of this.#over) if (at + kept < now) ids.add(id);
      if (isAnother(this.#last.scene, scene)) {
        for (const id of rows.keys()) ids.add(id);
        for (const id of this.#due.keys()) ids.add(id);
      }
      if (world.contended !== this.#last.contended) {
        for (const id of this.#last.contended.keys()) ids.add(id);
        for (const id of world.contended.keys()) ids.add(id);
      }
    }
    if (frozen) { for (const id of ids) this.#deferred.add(id); }
    else {
      for (const id of this.#deferred) ids.add(id);
      this.#deferred.clear();
    }
    return ids;
  }
}

/** Whether what is the same for every row is not what it was. */
function isAnother({ circumstances: was }: Scene, { circumstances: is }: Scene): boolean {
  return was.frozen !== is.frozen || was.outages !== is.outages || was.settings !== is.settings ||
    was.silences !== is.silences || was.firstJudgedAt !== is.firstJudgedAt ||
    was.restart?.at !== is.restart?.at || was.restart?.from !== is.restart?.from;
}
