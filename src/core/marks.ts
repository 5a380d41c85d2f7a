/**
 * What keeps a problem from being told: its row flaps, or a silence covers it. Marks only; it
 * opens and closes as ever. Pure.
 *
 * @module
 */

import type { Problem, ProblemKind, Silence } from "../model/problem.ts";
import { earliest } from "./known_time.ts";

/** The problems with the marks of what keeps them from being told. Marks change nothing else. */
export function marked(
  problems: readonly Problem[],
  { now, silences, mutes = () => true }: {
    readonly now: number;
    readonly silences: readonly Silence[];
    /** Whether flapping keeps this kind from being told; every one by default. */
    readonly mutes?: (kind: ProblemKind) => boolean;
  },
): Problem[] {
  const flaps = problems.some(({ kind, status }) => kind === "flapping" && status === "open");
  return problems.map((problem) => {
    if (problem.status === "closed") return problem;
    const muted = flaps && problem.kind !== "flapping" && mutes(problem.kind);
    const silenced = isSilenced(problem, silences, now);
    if (problem.muted === muted && problem.silenced === silenced) return problem;
    return { ...problem, muted, silenced };
  });
}

/** Whether one of the silences covers a problem at that moment. */
export function isSilenced(
  problem: Problem,
  silences: readonly Silence[],
  now: number,
): boolean {
  return silences.some((silence) => isOn(silence, now) && covers(silence, problem));
}

/** Whether one of the silences covers everything at that moment, of whatever kind and wherever. */
export function isAllSilent(silences: readonly Silence[], now: number): boolean {
  return silences.some((silence) => {
    const { scope, kinds = null } = silence;
    return isOn(silence, now) && scope === "all" && kinds === null;
  });
}

function isOn({ from, until }: Silence, now: number): boolean {
  return from <= now && now < until;
}

/** When the next silence that covers one of the problems begins or ends. */
export function nextMark(
  problems: readonly Problem[],
  silences: readonly Silence[],
  now: number,
): number | null {
  let next: number | null = null;
  for (const silence of silences) {
    const at = silence.from > now ? silence.from : silence.until;
    if (at <= now) continue;
    if (problems.some((problem) => problem.status !== "closed" && covers(silence, problem))) {
      next = earliest(next, at);
    }
  }
  return next;
}

function covers({ scope, id, kinds = null }: Silence, problem: Problem): boolean {
  if (kinds !== null && !kinds.includes(problem.kind)) return false;
  switch (scope) {
    case "all":
      return true;
    case "host":
      return problem.host === id;
    case "workload":
      return problem.workloadId === id;
    case "row":
      return problem.rowId === id;
  }
}
