/**
 * What is wrong with the Engine and the passes, and whether rows can be judged at all; what is
 * wrong with a workload's labels. Pure.
 *
 * @module
 */

import type { BackupFacts } from "../model/backups.ts";
import type { Hold, HostMemory, Problem, ProblemKind } from "../model/problem.ts";
import type { ProblemSettings } from "../model/problem_settings.ts";
import type { EngineFacts, RefusedClaims, World } from "./judged_world.ts";
import { after, earliest } from "./known_time.ts";
import { advance, ofHost } from "./advance.ts";
import { COMES_AND_GOES, judgeFlapping } from "./host_flapping.ts";
import { marked, nextMark } from "./marks.ts";
import { type Circumstances, holding, openingOf, stillNeeded } from "./opening.ts";
import type { Judged } from "./judge_row.ts";

/** How many outages are remembered at most … */
const MAX_OUTAGES = 64;

/** … and for how long, milliseconds: no timer runs that long. */
const OUTAGE_MEMORY = 24 * 60 * 60 * 1000;

/** What a judgement of rows needs to know of their host. */
export interface HostReading {
  /** The account, as it is now; the same object when nothing changed. */
  readonly memory: HostMemory;
  /** Whether it is unknown how things are. */
  readonly frozen: boolean;
}

/** Reads whether things are known, and keeps account of when they were not. */
export function readHost(
  engine: EngineFacts,
  before: HostMemory,
  { now, settings }: { readonly now: number; readonly settings: ProblemSettings },
): HostReading {
  const memory = withRestart(engine, before, settings);
  const stale = staleSince(engine, now);
  const since = [engine.downSince, engine.changed?.since ?? null, stale].reduce(earliest);
  if (since !== null) {
    const frozenSince = memory.frozenSince ?? Math.min(since, now);
    const changed = frozenSince !== memory.frozenSince;
    return { memory: changed ? { ...memory, frozenSince } : memory, frozen: true };
  }
  if (!engine.known) return { memory, frozen: true };
  const firstJudgedAt = memory.firstJudgedAt ?? now;
  if (memory.frozenSince === null && memory.firstJudgedAt !== null) {
    return { memory, frozen: false };
  }
  return {
    memory: {
      ...memory,
      firstJudgedAt,
      frozenSince: null,
      outages: outagesUpTo(engine, memory, now),
    },
    frozen: false,
  };
}

/** Restarts that follow each other without a judgement between them are one. */
function withRestart(
  { restart }: EngineFacts,
  memory: HostMemory,
  settings: ProblemSettings,
): HostMemory {
  const before = memory.restart;
  if (restart === null || restart.at === before?.at) return memory;
  const settling = before !== null &&
    restart.from < after(memory.outages, before.at, settings.settle);
  const from = settling ? Math.min(before.from, restart.from) : restart.from;
  return { ...memory, restart: { from, at: restart.at } };
}

function outagesUpTo({ lastPassAt }: EngineFacts, memory: HostMemory, now: number) {
  const { frozenSince: from, outages } = memory;
  if (from === null) return outages;
  // Without a pass since, as when another Engine was accepted, it is known again as of now.
  const to = lastPassAt !== null && lastPassAt >= from ? Math.min(lastPassAt, now) : now;
  return [...outages, { from, to }]
    .filter((outage) => outage.from < outage.to && outage.to > now - OUTAGE_MEMORY)
    .slice(-MAX_OUTAGES);
}

/**
 * Since when the index is stale, or null: no good full pass for too long. At the start that can
 * only be said once there was time for one.
 */
function staleSince(engine: EngineFacts, now: number): number | null {
  const { known, lastPassAt, startedAt, staleAfter } = engine;
  if (!known && now < startedAt + staleAfter) return null;
  const since = (lastPassAt ?? startedAt) + staleAfter;
  return since <= now ? since : null;
}

/** Judges the host. `prior` are its own problems. */
export function judgeHost(
  world: Pick<World, "engine" | "host" | "backups">,
  options: Circumstances & { prior: readonly Problem[] },
): Judged {
  const { engine, host } = world;
  const { prior, now, settings } = options;
  const past = prior.filter(({ status }) => status === "closed");
  const current = (kind: ProblemKind) =>
    prior.find((problem) => problem.kind === kind && problem.status !== "closed");
  const down = current("engine-down");
  const passedAfter = (problem: Problem | undefined) =>
    problem !== undefined && engine.known && engine.downSince === null &&
      engine.lastPassAt !== null && engine.lastPassAt > problem.since
      ? engine.lastPassAt
      : null;

  const steps = [
    advance(down, {
      found: engineDown(engine, { host, settings, since: down?.since }),
      overAt: passedAfter(down),
      // A start that has not asked the Engine yet does not know better.
      unknown: !engine.known && engine.downSince === null,
      now,
    }),
  ];
  const isDown = steps[0]!.problems.some(({ status }) => status !== "closed");
  const stale = current("index-stale");
  const since = isDown || engine.downSince !== null ? null : staleSince(engine, now);
  steps.push(
    advance(stale, {
      found: since === null ? null : indexStale(engine, { host, settings, since }),
      overAt: passedAfter(stale),
      unknown: !engine.known,
      now,
    }),
  );
  const changed = current("engine-changed");
  steps.push(
    advance(changed, {
      found: engineChanged(engine, { host, since: changed?.since }),
      overAt: engine.changed === null && engine.known ? now : null,
      unknown: !engine.known,
      now,
    }),
  );
  steps.push(judgeBackups(world, { ...options, current: current("backup-failed") }));
  steps.push(
    judgeFlapping([...past, ...steps.flatMap(({ problems }) => problems)], {
      ...{ host, now, settings },
      current: current("flapping"),
    }),
  );
  const all = marked([...past, ...steps.flatMap(({ problems }) => problems)], {
    ...options,
    mutes: (kind) => COMES_AND_GOES.has(kind),
  });
  const problems = stillNeeded(all, options);
  const stales = isDown || engine.downSince !== null ? null : nextStale(engine, now);
  return {
    problems,
    nextAt: [
      ...steps.map(({ nextAt }) => nextAt),
      stales,
      nextMark(problems, options.silences, now),
    ]
      .reduce(earliest),
  };
}

/** Backups that are made by themselves: the last one failed, or there was none for too long. */
function judgeBackups(
  { backups, engine, host }: Pick<World, "backups" | "engine" | "host">,
  { now, settings, current }: Circumstances & { current: Problem | undefined },
): Judged {
  if (backups === undefined) return { problems: current ? [current] : [], nextAt: null };
  const { lastAt = null, failedSince = null, error = "" }: Partial<BackupFacts> = backups ?? {};
  const overdueAt = backups === null ? null : (lastAt ?? engine.startedAt) + settings.backupOverdue;
  const since = [failedSince, overdueAt !== null && overdueAt <= now ? overdueAt : null]
    .reduce(earliest);
  const found = since === null ? null : ofHost(host, {
    kind: "backup-failed",
    since,
    due: since,
    evidence: { error },
    do: { code: "back-up" },
  });
  // Only another one shows that it is over; whoever starts does not know yet that the last one failed.
  const isNewer = current !== undefined && lastAt !== null && lastAt > current.since;
  const overAt = backups === null || isNewer ? now : null;
  const step = advance(current, { found, overAt, unknown: false, now });
  return {
    ...step,
    nextAt: [step.nextAt, overdueAt !== null && overdueAt > now ? overdueAt : null].reduce(
      earliest,
    ),
  };
}

function nextStale({ known, lastPassAt, startedAt, staleAfter }: EngineFacts, now: number) {
  const since = (lastPassAt ?? startedAt) + staleAfter;
  const at = known ? since : Math.max(since, startedAt + staleAfter);
  return at > now ? at : null;
}

function engineDown(
  { downSince, error }: EngineFacts,
  { host, settings, since = downSince ?? 0 }: {
    host: string;
    settings: ProblemSettings;
    since: number | undefined;
  },
): Problem | null {
  if (downSince === null) return null;
  const from = Math.min(since, downSince);
  return ofHost(host, {
    kind: "engine-down",
    since: from,
    due: from + settings.engineDownOpens,
    evidence: { error },
    do: { code: "start-engine", host },
  });
}

function indexStale(
  { error }: EngineFacts,
  { host, settings, since }: { host: string; settings: ProblemSettings; since: number },
): Problem {
  return ofHost(host, {
    kind: "index-stale",
    since,
    due: since + settings.indexStaleOpens,
    evidence: { error },
    do: { code: "read-own-log", host },
  });
}

function engineChanged(
  { changed }: EngineFacts,
  { host, since }: { host: string; since: number | undefined },
): Problem | null {
  if (changed === null) return null;
  const from = since ?? changed.since;
  return ofHost(host, {
    kind: "engine-changed",
    since: from,
    due: from,
    evidence: { accepted: changed.accepted, found: changed.found },
    do: { code: "accept-engine", host },
  });
}

/** Judges what a workload's labels are refused for. `prior` are the workload's own problems. */
export function judgeRefused(
  workloadId: string,
  options: Circumstances & {
    prior: readonly Problem[];
    refused: RefusedClaims | undefined;
    hold: Hold | undefined;
  },
): Judged {
  const { prior, refused, now, frozen, outages, settings, host, lastPassAt } = options;
  const past = prior.filter(({ status }) => status === "closed");
  const current = prior.find(({ status }) => status !== "closed");
  let step: Judged = { problems: current === undefined ? [] : [current], nextAt: null };
  if (!frozen) {
    const found = refused === undefined ? null : refusedFound();
    const overAt = refused === undefined ? Math.min(lastPassAt ?? now, now) : null;
    step = advance(current, { found, overAt, unknown: false, now });
  }
  const problems = stillNeeded(marked([...past, ...step.problems], options), options);
  return {
    problems,
    nextAt: earliest(step.nextAt, nextMark(problems, options.silences, now)),
  };

  function refusedFound(): Problem {
    const { seenAt, reason, containers } = refused!;
    const since = current?.since ?? seenAt;
    const due = after(outages, since, settings.refusedOpens);
    const opening = openingOf({ since, due, ofRestart: false }, {
      ...options,
      same: current,
      notBefore: Math.max(0, ...past.map(({ closedAt }) => closedAt!)),
    });
    return holding({
      kind: "refused",
      since,
      severity: "low",
      evidence: { reason, containers },
      do: { code: "mend-labels", containers: containers.map(({ name, id }) => name || id) },
    }, {
      ...opening,
      subject: { host, workloadId, rowId: null, containerId: null, containerName: "" },
    });
  }
}
