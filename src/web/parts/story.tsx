/**
 * What happened, one line each, the newest first, days parted.
 *
 * @module
 */

import { Fragment, type JSX } from "preact";
import type { ShownTransition } from "../../model/views.ts";
import type { ShownProblem } from "../../server/problem_views.ts";
import { format } from "../format.ts";
import { originOf } from "../origin.ts";
import { wordOf, words } from "../words/words.ts";
import { Sign, State } from "./state.tsx";
import { symbolOf } from "./symbol.tsx";
import { When } from "./when.tsx";

/** One thing that happened. */
export interface StoryEntry {
  /** RFC 3339. */
  readonly at: string;
  /** What it happened to, where that is not plain. */
  readonly who?: JSX.Element | string;
  readonly transition?: ShownTransition;
  readonly problem?: { readonly problem: ShownProblem; readonly opened: boolean };
  /** Of anything else. */
  readonly text?: JSX.Element | string;
}

/** The entries in the order in which they are given. */
export function Story({ entries }: { entries: readonly StoryEntry[] }): JSX.Element {
  let day = "";
  return (
    <ol class="story">
      {entries.map((entry, i) => {
        const on = format.value.day(Date.parse(entry.at));
        const begins = on !== day;
        day = on;
        return (
          <Fragment key={`${entry.at} ${i}`}>
            {begins && <li class="day">{on}</li>}
            <li class="entry">
              <When at={entry.at} as="time" />
              <div>
                {entry.who !== undefined && <span class="who">{entry.who}</span>}
                <What entry={entry} />
              </div>
            </li>
          </Fragment>
        );
      })}
    </ol>
  );
}

/** That something became a problem, or was over. */
export function ProblemMove(
  { kind, severity, opened }: { kind: string; severity: string; opened: boolean },
): JSX.Element {
  const t = words.value;
  const tone = opened ? (severity === "high" ? "bad" : "warn") : "good";
  return (
    <>
      <Sign tone={tone} symbol={opened ? symbolOf(severity) : "tick"}>
        {wordOf(t.problem.kinds, kind)}
      </Sign>
      <span class="muted">{opened ? t.workload.problemOpened : t.workload.problemOver}</span>
    </>
  );
}

function What({ entry: { transition, problem, text } }: { entry: StoryEntry }): JSX.Element {
  const t = words.value;
  if (transition !== undefined) {
    const { from, to, exitCode, cause, origin } = transition;
    return (
      <span class="happened">
        <State state={to} exitCode={exitCode} />
        <span class="muted" title={originOf(cause, origin) || undefined}>
          {from === null
            ? wordOf(t.cause, cause)
            : `${t.workload.before(wordOf(t.state, from))}, ${wordOf(t.cause, cause)}`}
        </span>
      </span>
    );
  }
  if (problem !== undefined) {
    const { opened, problem: { kind, severity } } = problem;
    return (
      <span class="happened">
        <ProblemMove kind={kind} severity={severity} opened={opened} />
      </span>
    );
  }
  return <span class="happened">{text}</span>;
}
