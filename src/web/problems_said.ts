/**
 * Says to who listens what has become wrong since the page was opened. Must not show anything.
 *
 * @module
 */

import { effect } from "@preact/signals";
import type { ShownProblem } from "../server/problem_views.ts";
import { problems } from "./live/index_state.ts";
import { say } from "./parts/announcer.tsx";
import { subjectOf } from "./subject.ts";
import { wordOf, words } from "./words/words.ts";

/** So many are named; more are a number. */
const MOST_NAMED = 3;

/** Begins to; called once. */
export function announceProblems(): void {
  let known: ReadonlySet<string> | null = null;
  effect(() => {
    const all = problems.value.value;
    if (all === null) {
      known = null;
      return;
    }
    const open = all.filter(({ status }) => status === "open");
    const before = known;
    known = new Set(open.map(({ key }) => key));
    // What was wrong when the page was opened is read on it.
    if (before === null) return;
    const fresh = open.filter(({ key, muted, silenced }) =>
      !before.has(key) && !muted && !silenced
    );
    if (fresh.length > MOST_NAMED) say(words.peek().nav.problems(open.length));
    else for (const problem of fresh) say(openingOf(problem));
  });
}

function openingOf(problem: ShownProblem): string {
  const t = words.peek().problem;
  return t.opened(wordOf(t.kinds, problem.kind), subjectOf(problem, problem.host ?? t.host));
}
