/**
 * What is wrong now: the world and what was judged before → problems. Pure: reads no clock, asks
 * nobody, and knows no words for people. Judging the same twice changes nothing.
 *
 * @module
 */

import type { IndexRow } from "../model/container.ts";
import type { Digest, HostMemory, Problem } from "../model/problem.ts";
import type { ProblemSettings } from "../model/problem_settings.ts";
import { readingOf } from "./conditions.ts";
import { judgeHost, judgeRefused, readHost } from "./judge_host.ts";
import { type Judged, judgeGone, judgeRow } from "./judge_row.ts";
import type { World } from "./judged_world.ts";
import { after, earliest } from "./known_time.ts";
import type { Circumstances } from "./opening.ts";

/** What must be remembered from one judgement to the next. */
export interface Remembered {
  /** Every problem that is not closed, and those that closed lately. */
  readonly problems: readonly Problem[];
  /** Beside them. */
  readonly memory: HostMemory;
}

/** When and by what is judged. */
export interface JudgeOptions {
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  /** How long what has to last. */
  readonly settings: ProblemSettings;
}

/** What a judgement changes. */
export interface Verdict {
  /**
   * Problems to write, in this order: new ones, and those that are no longer as they were. Each
   * takes the place of the one with its key that is not closed.
   */
  readonly put: readonly Problem[];
  /** Those that were holding and passed by themselves: to be forgotten. */
  readonly dropped: readonly Problem[];
  /** Those of {@linkcode Verdict.put} that opened. */
  readonly opened: readonly Problem[];
  /** Those of {@linkcode Verdict.put} that closed. */
  readonly closed: readonly Problem[];
  /** To be written when it is another object than before. */
  readonly memory: HostMemory;
  /** The account that this judgement owes, once. */
  readonly digest: Digest | null;
  /** When time alone changes something next; null for never. */
  readonly nextAt: number | null;
}

/** A judgement of everything. */
export interface Judgement extends Verdict, Remembered {}

/** Judges everything anew. */
export function judge(world: World, before: Remembered, options: JudgeOptions): Judgement {
  const groups = new ProblemGroups(before.problems);
  const scene = setScene(world, { ...options, memory: before.memory });
  const changes = new Changes();
  changes.take(groups.host, judgeHost(world, { ...scene.circumstances, prior: groups.host }));
  for (const row of world.index.rows()) {
    const prior = groups.rows.get(row.id);
    if (prior === undefined && isQuiet(row, world)) continue;
    changes.take(prior, judgeRowOf(world, row, { ...scene, prior }));
  }
  for (const [rowId, prior] of groups.rows) {
    if (world.index.row(rowId) === undefined) {
      changes.take(prior, judgeGone(prior, scene.circumstances));
    }
  }
  for (const workloadId of new Set([...groups.workloads.keys(), ...world.refused.keys()])) {
    const prior = groups.workloads.get(workloadId);
    changes.take(prior, judgeWorkloadOf(world, workloadId, { ...scene, prior }));
  }
  return { ...verdictOf(changes, world, scene), problems: changes.problems };
}

/** What every part of one judgement shares. */
export interface Scene {
  /** What is the same for everything on the host. */
  readonly circumstances: Circumstances;
  /** What is remembered of the host from now on. */
  readonly memory: HostMemory;
  /** Whether this is the first judgement ever. */
  readonly first: boolean;
}

/** Reads the host, so that what is on it can be judged. */
export function setScene(
  world: World,
  { now, settings, memory: before }: JudgeOptions & { memory: HostMemory },
): Scene {
  const { memory, frozen } = readHost(world.engine, before, { now, settings });
  return {
    memory,
    first: before.firstJudgedAt === null && memory.firstJudgedAt !== null,
    circumstances: {
      now,
      settings,
      frozen,
      host: world.host,
      outages: memory.outages,
      lastPassAt: world.engine.lastPassAt,
      firstJudgedAt: memory.firstJudgedAt ?? now,
      restart: memory.restart,
      silences: world.silences,
    },
  };
}

/** Judges one row that is there. */
export function judgeRowOf(
  world: World,
  row: IndexRow,
  { circumstances, prior = [] }: Scene & { prior: readonly Problem[] | undefined },
): Judged {
  return judgeRow({
    row,
    wanted: world.wanted(row),
    times: world.times(row),
    deaths: world.deaths(row.id),
    contended: world.contended.get(row.id),
  }, { ...circumstances, prior, hold: world.holds.get(row.workloadId) });
}

/** Judges one workload. */
export function judgeWorkloadOf(
  world: World,
  workloadId: string,
  { circumstances, prior = [] }: Scene & { prior: readonly Problem[] | undefined },
): Judged {
  const refused = world.refused.get(workloadId);
  const hold = world.holds.get(workloadId);
  return judgeRefused(workloadId, { ...circumstances, prior, refused, hold });
}

/** Whether nothing can be wrong with a row that nothing was wrong with: nearly all are so. */
function isQuiet(row: IndexRow, world: World): boolean {
  return row.state === "running" && row.health !== "unhealthy" &&
    world.deaths(row.id) === undefined && !world.contended.has(row.id);
}

/** Problems by what they are about. */
export class ProblemGroups {
  /** The host's own. */
  host: readonly Problem[] = [];
  /** By row id. */
  readonly rows: Map<string, readonly Problem[]> = new Map();
  /** The workloads' own, by workload id. */
  readonly workloads: Map<string, readonly Problem[]> = new Map();

  /** Groups these. */
  constructor(problems: Iterable<Problem>) {
    const host: Problem[] = [];
    const add = (map: Map<string, readonly Problem[]>, id: string, problem: Problem) =>
      map.set(id, [...map.get(id) ?? [], problem]);
    for (const problem of problems) {
      if (problem.rowId !== null) add(this.rows, problem.rowId, problem);
      else if (problem.workloadId !== null) add(this.workloads, problem.workloadId, problem);
      else host.push(problem);
    }
    this.host = host;
  }
}

/** Gathers what a judgement changes. */
export class Changes {
  /** All of them. */
  readonly problems: Problem[] = [];
  /** As in a verdict. */
  readonly put: Problem[] = [];
  /** As in a verdict. */
  readonly dropped: Problem[] = [];
  /** As in a verdict. */
  readonly opened: Problem[] = [];
  /** As in a verdict. */
  readonly closed: Problem[] = [];
  /** The earliest so far. */
  nextAt: number | null = null;

  /** Takes what was judged of one subject, of which `prior` was known. */
  take(prior: readonly Problem[] = [], { problems, nextAt }: Judged): void {
    this.nextAt = earliest(this.nextAt, nextAt);
    this.problems.push(...problems);
    if (problems.length === 0 && prior.length === 0) return;
    const before = new Set(prior);
    const known = new Map(
      prior.filter(({ status }) => status !== "closed").map((problem) => [problem.key, problem]),
    );
    for (const problem of problems) {
      const { key, status } = problem;
      if (before.has(problem)) {
        if (status !== "closed") known.delete(key);
        continue;
      }
      // The closed ones come first: one that begins anew may have the same key.
      const was = known.get(key);
      known.delete(key);
      this.put.push(problem);
      if (status === "open" && was?.status !== "open") this.opened.push(problem);
      if (status === "closed") this.closed.push(problem);
    }
    this.dropped.push(...known.values());
  }
}

/** Completes a judgement with what is owed of the whole. */
export function verdictOf(changes: Changes, world: World, scene: Scene): Verdict {
  const { put, dropped, opened, closed } = changes;
  const { circumstances, first } = scene;
  const { frozen, now, restart, outages, settings } = circumstances;
  let { memory } = scene;
  let { nextAt } = changes;
  let digest = first
    ? digestOf(world, { ...circumstances, batch: "baseline", at: now, restart: null })
    : null;
  if (restart !== null && memory.settledFor !== restart.at && !frozen) {
    const at = after(outages, restart.at, settings.settle);
    if (at > now) nextAt = earliest(nextAt, at);
    else {
      const found = digestOf(world, { ...circumstances, batch: "restart", at, restart });
      const account = { at, expected: found.expected, wrong: found.wrong.length };
      memory = { ...memory, settledFor: restart.at, account };
      digest ??= found;
    }
  }
  return { put, dropped, opened, closed, memory, digest, nextAt };
}

function digestOf(
  world: World,
  options: Pick<Digest, "batch" | "at"> & Circumstances,
): Digest {
  const { batch, at, restart } = options;
  const wrong: string[] = [];
  let expected = 0;
  for (const row of world.index.rows()) {
    const wanted = world.wanted(row);
    if (wanted.mode === null || wanted.mode === "any") continue;
    const times = world.times(row);
    const reading = readingOf(
      { row, wanted, times, deaths: undefined, contended: undefined },
      options,
    );
    if (reading.wellSince === null) {
      // What was not right before does not come back.
      if (restart !== null && times.stateSince < restart.from) continue;
      wrong.push(row.id);
    }
    expected++;
  }
  return { batch, at, expected, wrong: wrong.sort() };
}
