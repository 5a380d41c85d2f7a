/**
 * What becomes of one row's problems: the table's lines that fit it now, held against what was
 * judged before. Opens and closes at the moment at which time was up, whenever that is seen. Pure.
 *
 * @module
 */

import type { Hold, Outcome, Problem, ProblemKind } from "../model/problem.ts";
import type { Condition, Reading, RowFacts } from "./conditions.ts";
import { conditionsOf, leftIt, oomEnd, overAt, readingOf } from "./conditions.ts";
import { after, earliest, lastBurst } from "./known_time.ts";
import { marked, nextMark } from "./marks.ts";
import {
  type Circumstances,
  closed,
  holding,
  opened,
  type Opening,
  openingOf,
  stillNeeded,
} from "./opening.ts";

/** What became of a row's, a workload's or a host's problems. */
export interface Judged {
  /** Those that are not closed, and the closed ones that may still matter. */
  readonly problems: readonly Problem[];
  /** When time alone changes something next; null for never. */
  readonly nextAt: number | null;
}

/** The kinds that are about one row, each before those that depend on it. */
const ROW_KINDS: readonly ProblemKind[] = [
  "crash-loop",
  "missing",
  "absent",
  "crashed",
  "stopped",
  "stuck",
  "oom",
  "unhealthy",
  "contended",
];

/** What a row's state is wrong by: when one of them opens, it takes the place of the others … */
const OF_STATE: ReadonlySet<ProblemKind> = new Set([
  "missing",
  "absent",
  "crashed",
  "stopped",
  "stuck",
]);

/** … and of these, which could only be over while the row runs. */
const SUPERSEDED: ReadonlySet<ProblemKind> = new Set([...OF_STATE, "oom", "unhealthy"]);

/** Judges a row that is there. `prior` is what the last judgement made of it. */
export function judgeRow(
  facts: RowFacts,
  options: Circumstances & { prior: readonly Problem[]; hold: Hold | undefined },
): Judged {
  const { now, frozen, prior } = options;
  const current = new Map<ProblemKind, Problem>();
  const past: Problem[] = [];
  for (const problem of prior) {
    if (problem.status === "closed") past.push(problem);
    else current.set(problem.kind, problem);
  }
  let nextAt: number | null = null;
  if (!frozen) {
    const story = new RowStory(facts, { ...options, current, past });
    for (const kind of ROW_KINDS) story.judge(kind);
    story.supersede();
    story.judgeFlapping();
    nextAt = story.nextAt;
  }
  const problems = marked([...past, ...current.values()], options);
  return {
    problems: stillNeeded(problems, options),
    nextAt: earliest(nextAt, nextMark(problems, options.silences, now)),
  };
}

/** What becomes of the problems of a row, workload or host that is no longer known. */
export function judgeGone(prior: readonly Problem[], options: Circumstances): Judged {
  const problems = prior.filter(({ status }) => status !== "holding").map((problem) =>
    problem.status === "open" ? closed(problem, options.now, "gone") : problem
  );
  return { problems: stillNeeded(problems, { ...options, prior }), nextAt: null };
}

/** A row's problems, to be taken further. */
interface StoryOptions extends Circumstances {
  readonly hold: Hold | undefined;
  /** Those that are not closed. */
  readonly current: Map<ProblemKind, Problem>;
  /** Those that are. */
  readonly past: Problem[];
}

/** One judgement of one row, kind by kind. */
class RowStory {
  readonly #reading: Reading;
  readonly #conditions: ReadonlyMap<ProblemKind, Condition>;
  readonly #options: StoryOptions;
  /** When time alone changes something of a kind next. */
  readonly #wakes = new Map<ProblemKind, number>();

  constructor(facts: RowFacts, options: StoryOptions) {
    this.#options = options;
    const since = options.current.get("contended")?.since;
    const contended = facts.contended && since !== undefined
      ? { ...facts.contended, seenAt: since }
      : facts.contended;
    this.#reading = readingOf({ ...facts, contended }, options);
    this.#conditions = new Map(
      conditionsOf(this.#reading, options).map((condition) => [condition.kind, condition]),
    );
  }

  get nextAt(): number | null {
    return this.#wakes.size === 0 ? null : Math.min(...this.#wakes.values());
  }

  judge(kind: ProblemKind): void {
    const { current, now } = this.#options;
    const problem = current.get(kind);
    if (problem?.status === "open") {
      const over = this.#overAt(problem);
      if (over === null || over > now) {
        this.#wake(kind, over);
        this.#wake(kind, this.#conditions.get(kind)?.until ?? null);
        return;
      }
      this.#close(problem, over, "recovered");
    }
    this.#hold(kind, this.#swallowed(kind) ? undefined : this.#conditions.get(kind));
  }

  /** Closes what another problem of the row took the place of. */
  supersede(): void {
    const { current } = this.#options;
    const { facts: { times: { stateSince } }, ending } = this.#reading;
    const oomOver = ending?.how === "oom" ? oomEnd(ending, this.#options) : 0;
    const place = (open: Problem): number | undefined => {
      if (this.#swallowed(open.kind)) return current.get("crash-loop")!.openedAt!;
      if (!SUPERSEDED.has(open.kind) || this.#conditions.has(open.kind)) return undefined;
      for (const { kind, status, openedAt } of current.values()) {
        if (kind === open.kind || !OF_STATE.has(kind) || status !== "open") continue;
        if (!this.#conditions.has(kind)) continue;
        return Math.max(openedAt!, stateSince, open.kind === "oom" ? oomOver : 0);
      }
      return undefined;
    };
    for (const problem of [...current.values()]) {
      const at = problem.status === "open" ? place(problem) : undefined;
      if (at === undefined) continue;
      this.#close(problem, after(this.#options.outages, at, 0), "superseded");
    }
  }

  judgeFlapping(): void {
    const { current, past, now, outages, settings } = this.#options;
    const moves: number[] = [];
    for (const { kind, openedAt, closedAt, outcome } of [...past, ...current.values()]) {
      if (kind === "flapping" || openedAt === null) continue;
      moves.push(openedAt);
      // What another took the place of is one move with it.
      if (closedAt !== null && outcome === "recovered") moves.push(closedAt);
    }
    const problem = current.get("flapping");
    if (problem === undefined && moves.length < settings.flappingMoves) return;
    moves.sort((a, b) => a - b);
    // The moves that began it may be forgotten: once it has begun, the last one decides.
    const burst = problem === undefined
      ? lastBurst(moves, {
        count: settings.flappingMoves,
        window: settings.flappingWindow,
        quiet: settings.flappingCloses,
        outages,
      })
      : null;
    if (problem === undefined && burst === null) return;
    const endsAt = burst?.endsAt ??
      after(
        outages,
        moves.at(-1) ?? problem?.openedAt ?? problem?.since ?? 0,
        settings.flappingCloses,
      );
    if (problem?.status === "open") {
      if (endsAt <= now) this.#close(problem, endsAt, "recovered");
    } else if (endsAt <= now) {
      current.delete("flapping");
    } else {
      const { row } = this.#reading.facts;
      this.#hold("flapping", {
        kind: "flapping",
        since: problem?.since ?? burst!.since,
        due: problem?.dueAt ?? burst!.openedAt,
        severity: "high",
        evidence: problem?.evidence ?? { state: row.state, count: burst!.count },
        do: { code: "explain", rowId: row.id },
        ofRestart: false,
      });
    }
    this.#wake("flapping", endsAt);
  }

  #overAt(problem: Problem): number | null {
    const { kind } = problem;
    const { facts } = this.#reading;
    if (kind === "stuck") return leftIt(problem, facts) ? facts.times.stateSince : null;
    return overAt(kind, this.#reading, this.#options);
  }

  #swallowed(kind: ProblemKind): boolean {
    return kind === "crashed" && this.#options.current.get("crash-loop")?.status === "open";
  }

  /** Holds what fits until its time is up, and opens it then. */
  #hold(kind: ProblemKind, condition: Condition | undefined): void {
    const { current, now } = this.#options;
    if (condition === undefined) {
      current.delete(kind);
      return;
    }
    const before = current.get(kind);
    // A ring that forgets its oldest deaths must not make a loop look younger.
    const since = kind === "crash-loop" && before !== undefined
      ? Math.min(before.since, condition.since)
      : condition.since;
    const same = before?.since === since ? before : undefined;
    const opening = this.#opening({ ...condition, since }, same);
    const problem = holding({ ...condition, since }, { ...opening, subject: this.#subject() });
    const { at, batch } = opening;
    if (at <= now) {
      current.set(kind, opened(problem));
      this.#wake(kind, this.#overAt(current.get(kind)!));
      this.#wake(kind, condition.until ?? null);
      return;
    }
    current.set(kind, same?.batch === batch && same.dueAt === at ? same : problem);
    this.#wake(kind, at);
    this.#wake(kind, overAt(kind, this.#reading, this.#options));
    this.#wake(kind, condition.until ?? null);
  }

  #opening(condition: Condition, same: Problem | undefined): Opening {
    const { kind } = condition;
    let notBefore = 0;
    for (const before of this.#options.past) {
      const bars = before.kind === kind || (kind === "crashed" && before.kind === "crash-loop");
      if (bars) notBefore = Math.max(notBefore, before.closedAt!);
    }
    return openingOf(condition, { ...this.#options, notBefore, same });
  }

  #subject(): Pick<Problem, "host" | "workloadId" | "rowId" | "containerId" | "containerName"> {
    const { id, workloadId, containerId, containerName } = this.#reading.facts.row;
    return { host: this.#options.host, workloadId, rowId: id, containerId, containerName };
  }

  #close(problem: Problem, at: number, outcome: Outcome): void {
    this.#options.current.delete(problem.kind);
    this.#wakes.delete(problem.kind);
    this.#options.past.push(closed(problem, at, outcome));
  }

  #wake(kind: ProblemKind, at: number | null): void {
    if (at === null || at <= this.#options.now) return;
    this.#wakes.set(kind, Math.min(at, this.#wakes.get(kind) ?? at));
  }
}
