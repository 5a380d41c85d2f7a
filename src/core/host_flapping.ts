/**
 * Whether a host flaps: its Engine is away again and again, or passes are late again and again.
 * Pure.
 *
 * @module
 */

import type { Problem, ProblemKind } from "../model/problem.ts";
import type { ProblemSettings } from "../model/problem_settings.ts";
import { advance, ofHost } from "./advance.ts";
import type { Judged } from "./judge_row.ts";
import { lastBurst } from "./known_time.ts";

/** What a host flaps by. The rest of what can be wrong with it is told however it flaps. */
export const COMES_AND_GOES: ReadonlySet<ProblemKind> = new Set(["engine-down", "index-stale"]);

/** Judges it by the host's problems. Outages are what is counted here, so no time is left out. */
export function judgeFlapping(
  problems: readonly Problem[],
  { host, now, settings, current }: {
    host: string;
    now: number;
    settings: ProblemSettings;
    current: Problem | undefined;
  },
): Judged {
  const moves = problems.filter(({ kind }) => COMES_AND_GOES.has(kind))
    .flatMap(({ openedAt, closedAt }) => [openedAt, closedAt])
    .filter((at) => at !== null).toSorted((a, b) => a - b);
  const burst = lastBurst(moves, {
    count: settings.flappingMoves,
    window: settings.flappingWindow,
    quiet: settings.flappingCloses,
    outages: [],
  });
  const found = burst === null || burst.endsAt <= now ? null : ofHost(host, {
    kind: "flapping",
    since: burst.since,
    due: burst.openedAt,
    evidence: { count: burst.count },
    do: { code: "read-own-log", host },
  });
  // The moves that began it may be forgotten: once it has begun, the last one decides.
  const lastAt = moves.at(-1) ?? current?.openedAt ?? now;
  return advance(current, {
    found,
    overAt: lastAt + settings.flappingCloses,
    unknown: false,
    now,
  });
}
