/**
 * Makes one notice of several, while they still wait: an opening and its end, openings that turned
 * out to be many. Pure.
 *
 * @module
 */

import type { NoticeContent, NoticeProblem } from "./notice.ts";

/** A problem that is over. */
export interface Closing {
  /** {@linkcode NoticeProblem.key}. */
  readonly key: string;
  /** When, milliseconds since the Unix epoch. */
  readonly closedAt: number;
}

/**
 * A notice that was not delivered yet, told as what is known now: the problems that are over are
 * said to be; once all of them are, it is told as a whole what was. The same notice when none of
 * them is in it. A test stays a test.
 */
export function withClosings(content: NoticeContent, closings: readonly Closing[]): NoticeContent {
  const closedAt = new Map(closings.map(({ key, closedAt }) => [key, closedAt]));
  let found = false;
  const problems = content.problems.map((problem): NoticeProblem => {
    const at = closedAt.get(problem.key);
    if (at === undefined || problem.closedAt !== null) return problem;
    found = true;
    return { ...problem, closedAt: at };
  });
  if (!found) return content;
  // Of what is only counted nobody knows here whether it is over.
  const over = problems.length === content.total &&
    problems.every(({ closedAt }) => closedAt !== null);
  const told = content.kind === "recovered" || !over ? content.kind : "combined";
  return { ...content, kind: told, problems };
}
