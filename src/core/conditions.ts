/**
 * The table of what can be wrong with a row, as it stands now: which of its lines fit, since when,
 * and when what is open would be over. Pure; what was before is not its concern.
 *
 * @module
 */

import { MISSING, PENDING } from "../model/container.ts";
import type { IndexRow } from "../model/container.ts";
import { ABSENT } from "../model/problem.ts";
import type {
  Death,
  Deaths,
  Evidence,
  Outage,
  Problem,
  ProblemKind,
  Remedy,
  Severity,
} from "../model/problem.ts";
import type { ProblemSettings } from "../model/problem_settings.ts";
import type { ContendedRow, RowTimes, Wanted } from "./judged_world.ts";
import { after, lastBurst } from "./known_time.ts";
import { endedWell } from "./observe.ts";

/** One row and all that is known of it. */
export interface RowFacts {
  /** As the index has it. */
  readonly row: IndexRow;
  /** What it should do. */
  readonly wanted: Wanted;
  /** Since when it is so. */
  readonly times: RowTimes;
  /** How its containers ended. */
  readonly deaths: Deaths | undefined;
  /** Who else claims it. */
  readonly contended: ContendedRow | undefined;
}

/** What time is reckoned with. */
export interface Reckoning {
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  /** In order. */
  readonly outages: readonly Outage[];
  /** How long what has to last. */
  readonly settings: ProblemSettings;
  /** The last good full pass; null before it. */
  readonly lastPassAt: number | null;
}

/** A line of the table that fits. */
export interface Condition {
  /** Which line. */
  readonly kind: ProblemKind;
  /** When it began to fit. */
  readonly since: number;
  /** When it has fitted long enough to be a problem; may be past. */
  readonly due: number;
  /** How much it matters. */
  readonly severity: Severity;
  /** What it was seen by. */
  readonly evidence: Evidence;
  /** What to do about it. */
  readonly do: Remedy;
  /** Whether a restart of the Engine explains it: then the judgement after that decides. */
  readonly ofRestart: boolean;
  /** When it ends to fit by time alone, if it does. */
  readonly until?: number;
}

/** A row read for the table. */
export interface Reading {
  /** What was read. */
  readonly facts: RowFacts;
  /** Since when it runs without a break; null when it does not run. */
  readonly runningSince: number | null;
  /** Since when it is as is expected; null when it is not. */
  readonly wellSince: number | null;
  /** The death that its present state comes from; null when none is known. */
  readonly ending: Death | null;
  /** The deaths that no operator wanted, oldest first. */
  readonly ownDeaths: readonly Death[];
}

/** Reads a row. */
export function readingOf(
  facts: RowFacts,
  { now, outages, settings }: Pick<Reckoning, "now" | "outages" | "settings">,
): Reading {
  const { row, wanted, times, deaths } = facts;
  const ring = deaths?.ring.filter((death) => death.at <= now) ?? [];
  const last = ring.at(-1) ?? null;
  const { stateSince } = times;
  const gapAt = deaths?.gapAt ?? null;
  // Between the death and this state there may have been another one: if events were missed, and,
  // as an Engine drops some silently, also if the container had time to do something else.
  const explained = last !== null && !(gapAt !== null && gapAt > last.at && gapAt <= stateSince) &&
    stateSince <= after(outages, last.at, settings.deathExplains);
  // It may have ended and come back between two readings.
  const runningSince = row.state === "running" ? Math.max(stateSince, last?.at ?? 0) : null;
  const well = runningSince ?? (isWell(row, wanted) ? stateSince : null);
  return {
    facts,
    runningSince,
    wellSince: well === null ? null : Math.max(well, wanted.since ?? 0),
    ending: explained ? last : null,
    ownDeaths: ring.filter(({ how }) =>
      how === "crash" || how === "oom" || (how === "exit" && wanted.mode !== "completed")
    ),
  };
}

/** Whether a row that does not run is as is expected. */
function isWell(row: IndexRow, { mode }: Wanted): boolean {
  switch (mode) {
    case null:
      return true;
    case "any":
      return !isGone(row.state);
    case "completed":
      return endedWell(row);
    case "running":
      return false;
  }
}

/** No container is there. */
function isGone(state: string): boolean {
  return state === MISSING || state === ABSENT || state === PENDING;
}

/** The lines of the table that fit a row, but for `flapping`, which is about the others. */
export function conditionsOf(reading: Reading, reckoning: Reckoning): Condition[] {
  const found = [
    crashLoop(reading, reckoning),
    stateCondition(reading, reckoning),
    oom(reading, reckoning),
    unhealthy(reading, reckoning),
    contention(reading, reckoning),
  ];
  return found.filter((condition) => condition !== null);
}

/** What is wrong with the state alone: at most one of its kinds can be. */
function stateCondition(reading: Reading, { outages, settings }: Reckoning): Condition | null {
  const { facts: { row, wanted, times }, ending, wellSince } = reading;
  const { id: rowId, workloadId, containerName: container, state, exitCode } = row;
  if (wellSince !== null) return null;
  const since = Math.max(times.stateSince, wanted.since ?? 0);
  const held = (ms: number) => after(outages, since, ms);
  const found = {
    since,
    severity: "high",
    evidence: { state },
    ofRestart: true,
  } as const;
  switch (state) {
    case MISSING: {
      const remedy = { code: "bring-back", workloadId, rowId } as const;
      return { ...found, kind: "missing", due: held(settings.missingOpens), do: remedy };
    }
    case ABSENT:
    case PENDING: {
      const hold = wanted.source === null ? settings.absentOpens : settings.absentExpectedOpens;
      const remedy = { code: "deploy", workloadId, rowId } as const;
      return { ...found, kind: "absent", due: held(hold), do: remedy, ofRestart: false };
    }
    case "stopped": {
      const how = ending?.how;
      const evidence = { state, exitCode, ...(how === undefined ? {} : { how }) };
      const byOperator = how === "stop" || how === "kill";
      if (byOperator || exitCode === 0 || exitCode === null) {
        const remedy = { code: "start", container, workloadId } as const;
        const due = held(settings.stoppedOpens);
        const rest = { severity: "low", evidence, do: remedy, ofRestart: !byOperator } as const;
        return { ...found, ...rest, kind: "stopped", due };
      }
      if (how === "oom") return null;
      const remedy = { code: "read-log", container } as const;
      return { ...found, kind: "crashed", due: held(settings.crashedOpens), evidence, do: remedy };
    }
    default: {
      const severity = state === "paused" ? "low" : "high";
      const remedy = stuckRemedy(row);
      return { ...found, kind: "stuck", due: held(settings.stuckOpens), severity, do: remedy };
    }
  }
}

function stuckRemedy({ state, containerName: container, workloadId, id }: IndexRow): Remedy {
  switch (state) {
    case "paused":
      return { code: "unpause", container };
    case "created":
      return { code: "start", container, workloadId };
    case "restarting":
      return { code: "read-log", container };
    case "removing":
      return { code: "remove", containers: [container] };
    default:
      return { code: "explain", rowId: id };
  }
}

/** A death for want of memory that its row has not recovered from. */
function oom(reading: Reading, reckoning: Reckoning): Condition | null {
  const { facts: { row, wanted, deaths }, ending } = reading;
  if (ending?.how !== "oom") return null;
  const { now } = reckoning;
  // An old one is none of a container that was paused, or is created anew, since.
  const until = oomEnd(ending, reckoning);
  const fresh = now < until;
  const endedByIt = row.state === "stopped" || row.state === "restarting";
  if (!fresh && !endedByIt) return null;
  const over = overAt("oom", reading, reckoning);
  if (over !== null && over <= now) return null;
  return {
    kind: "oom",
    since: ending.at,
    // One that did not matter any more may matter again because something else is wanted now.
    due: fresh ? ending.at : Math.max(ending.at, wanted.since ?? 0),
    severity: "high",
    evidence: {
      state: row.state,
      exitCode: ending.exitCode,
      how: "oom",
      count: deaths!.ring.filter(({ how }) => how === "oom").length,
      atLeast: deaths!.atLeast,
    },
    do: { code: "raise-memory", container: row.containerName },
    ofRestart: false,
    ...(endedByIt ? {} : { until }),
  };
}

/** Up to when a death for want of memory says something of whatever its row does. */
export function oomEnd(
  { at }: Death,
  { outages, settings }: Pick<Reckoning, "outages" | "settings">,
): number {
  return after(outages, at, settings.oomCloses);
}

function unhealthy(
  { facts, runningSince }: Reading,
  { outages, settings }: Reckoning,
): Condition | null {
  const { row, times } = facts;
  if (runningSince === null || row.health !== "unhealthy") return null;
  const since = Math.max(runningSince, times.healthSince);
  return {
    kind: "unhealthy",
    since,
    due: after(outages, since, settings.unhealthyOpens),
    severity: "high",
    evidence: { state: row.state, health: row.health },
    do: { code: "read-health", container: row.containerName },
    ofRestart: false,
  };
}

function crashLoop({ facts, ownDeaths }: Reading, reckoning: Reckoning): Condition | null {
  const { now, outages, settings } = reckoning;
  if (ownDeaths.length < settings.crashLoopDeaths) return null;
  const burst = lastBurst(ownDeaths.map(({ at }) => at), {
    count: settings.crashLoopDeaths,
    window: settings.crashLoopWindow,
    quiet: settings.crashLoopCloses,
    outages,
  });
  if (burst === null || burst.endsAt <= now) return null;
  const { exitCode, how } = ownDeaths.at(-1)!;
  const atLeast = facts.deaths!.atLeast || burst.count >= facts.deaths!.ring.length;
  return {
    kind: "crash-loop",
    since: burst.since,
    // Which deaths count depends on what is wanted.
    due: Math.max(burst.openedAt, facts.wanted.since ?? 0),
    severity: "high",
    evidence: { state: facts.row.state, exitCode, how, count: burst.count, atLeast },
    do: { code: "read-log", container: facts.row.containerName },
    ofRestart: false,
  };
}

function contention({ facts }: Reading, { outages, settings }: Reckoning): Condition | null {
  const { contended, row } = facts;
  if (contended === undefined) return null;
  return {
    kind: "contended",
    since: contended.seenAt,
    due: after(outages, contended.seenAt, settings.contendedOpens),
    severity: "low",
    evidence: { state: row.state, containers: contended.losers },
    do: { code: "remove", containers: contended.losers.map(({ name, id }) => name || id) },
    ofRestart: false,
  };
}

/**
 * When a problem of this kind is over if the row stays as it is now; may be past. Null when it
 * can't be over before the row changes.
 */
export function overAt(
  kind: ProblemKind,
  reading: Reading,
  { now, outages, settings, lastPassAt }: Reckoning,
): number | null {
  const { facts: { row, wanted, times, contended }, wellSince, runningSince, ownDeaths } = reading;
  const wellFor = (ms: number) => wellSince === null ? null : after(outages, wellSince, ms);
  switch (kind) {
    case "missing":
      return wellFor(settings.missingCloses);
    case "absent":
    case "stopped":
      return wellFor(0);
    case "crashed":
      return wellFor(settings.crashedCloses);
    case "oom":
      return wellFor(settings.oomCloses);
    case "unhealthy": {
      if (wellSince === null) return null;
      const sick = row.health === "unhealthy" || row.health === "starting";
      if (runningSince !== null && sick) return null;
      const from = Math.max(wellSince, times.healthSince);
      return after(outages, from, settings.unhealthyCloses);
    }
    case "crash-loop": {
      const quietAt = after(outages, ownDeaths.at(-1)?.at ?? 0, settings.crashLoopCloses);
      // Which deaths count depends on what is wanted.
      return after(outages, Math.max(quietAt, wanted.since ?? 0), 0);
    }
    case "contended":
      if (contended !== undefined) return null;
      return Math.min(lastPassAt ?? now, now);
    default:
      return null;
  }
}

/** Whether a stuck row has left the state that it was stuck in. */
export function leftIt({ evidence }: Problem, { row }: RowFacts): boolean {
  return row.state !== evidence.state;
}
