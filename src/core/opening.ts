/**
 * When what is wrong becomes a problem, and what a problem is then: its own time, put off by
 * whatever holds it back. Pure.
 *
 * @module
 */

import type { Hold, Outcome, Problem, Silence } from "../model/problem.ts";
import type { Restart } from "../model/restart.ts";
import type { Condition, Reckoning } from "./conditions.ts";
import { after, holdUntil } from "./known_time.ts";

/** What is the same for everything on a host. */
export interface Circumstances extends Reckoning {
  /** Name of the host. */
  readonly host: string;
  /** Whether it is unknown how things are: then nothing opens and nothing closes. */
  readonly frozen: boolean;
  /** When the host was judged first. */
  readonly firstJudgedAt: number;
  /** The last one that is known. */
  readonly restart: Restart | null;
  /** Those that are not over. */
  readonly silences: readonly Silence[];
}

/** When a condition becomes a problem, and what with. */
export interface Opening extends Pick<Problem, "batch"> {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
}

/** What holds one condition back. */
export interface OpeningOptions extends Circumstances {
  /** The deploy of its workload. */
  readonly hold: Hold | undefined;
  /** What was judged of it before, if it was held already. */
  readonly same: Problem | undefined;
  /** When it was over the last time. */
  readonly notBefore: number;
}

/** When a condition becomes a problem if it lasts; never within an outage. */
export function openingOf(
  { since, due, ofRestart }: Pick<Condition, "since" | "due" | "ofRestart">,
  options: OpeningOptions,
): Opening {
  const { restart, hold, outages, settings, firstJudgedAt, now, same, notBefore } = options;
  const settled = restart === null ? null : after(outages, restart.at, settings.settle);
  const held = hold === undefined ? null : holdUntil(hold, settings);
  let batch: Problem["batch"] = same === undefined && firstJudgedAt === now
    ? "baseline"
    : same?.batch ?? null;
  // What held it back once did so even if it is forgotten, as a deploy is for the next one.
  const earliest = Math.max(firstJudgedAt, notBefore, same?.dueAt ?? 0);
  let at = Math.max(due, earliest);
  if (settled !== null && ofRestart && restart!.from < since && since < settled) {
    at = Math.max(settled, earliest);
    batch ??= "restart";
  }
  for (let put = -1; put !== at;) {
    put = at;
    at = after(outages, at, 0);
    if (settled !== null && restart!.from <= at && at < settled) {
      at = settled;
      batch ??= "restart";
    }
    if (held !== null && hold!.from <= at && at < held) at = held;
  }
  return { at, batch };
}

/** A problem as it is before it opens. */
export function holding(
  { kind, since, severity, evidence, do: remedy }: Omit<Condition, "due" | "ofRestart">,
  { at, batch, subject }: Opening & {
    subject: Pick<Problem, "host" | "workloadId" | "rowId" | "containerId" | "containerName">;
  },
): Problem {
  return {
    key: `${kind}:${subject.rowId ?? subject.workloadId ?? subject.host}`,
    kind,
    severity,
    status: "holding",
    ...subject,
    since,
    dueAt: at,
    openedAt: null,
    closedAt: null,
    outcome: null,
    evidence,
    do: remedy,
    batch,
    muted: false,
    silenced: false,
  };
}

/** A problem that was holding, as it is when it opens. */
export function opened(problem: Problem): Problem {
  return { ...problem, status: "open", openedAt: problem.dueAt, dueAt: null };
}

/**
 * The problem as it is when it is over; not before it opened. It keeps its marks: what nobody was told
 * of while it lasted, nobody need be told of then.
 */
export function closed(problem: Problem, at: number, outcome: Outcome): Problem {
  const closedAt = Math.max(at, problem.openedAt!);
  return { ...problem, status: "closed", closedAt, outcome };
}

/**
 * Those that are still needed: closed ones to judge by while flapping may be seen, and one that
 * `prior` does not have so that it is told, however long ago it closed.
 */
export function stillNeeded(
  problems: readonly Problem[],
  { now, outages, settings, frozen, prior }: Circumstances & { prior: readonly Problem[] },
): Problem[] {
  const kept = Math.max(settings.flappingWindow, settings.flappingCloses);
  return problems.filter((problem) =>
    // How long an outage makes it last is known when it is over.
    problem.status !== "closed" || frozen || !prior.includes(problem) ||
    after(outages, problem.closedAt!, kept) >= now
  );
}
