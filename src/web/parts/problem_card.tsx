/**
 * A problem: what, where, since when, what was seen, what to do, and what a reader can say to it.
 *
 * @module
 */

import type { JSX } from "preact";
import { useId } from "preact/hooks";
import { commandOf } from "../commands.ts";
import { format } from "../format.ts";
import { now } from "../clock.ts";
import { href } from "../place.ts";
import { placeOf } from "../subject.ts";
import type { ShownProblem } from "../../server/problem_views.ts";
import { wordOf, words } from "../words/words.ts";
import { Command } from "./command.tsx";
import { Fact } from "./fact.tsx";
import { ProblemActions } from "./problem_actions.tsx";
import { Symbol, symbolOf } from "./symbol.tsx";
import { When } from "./when.tsx";

/** An open problem in full. `within`: on the page of its workload, which need not be named. */
export function ProblemCard(
  { problem, within = false }: { problem: ShownProblem; within?: boolean },
): JSX.Element {
  const t = words.value.problem;
  const id = useId();
  const { kind, severity, silenced, muted, since, workload } = problem;
  const command = commandOf(problem);
  const seen = evidenceOf(problem);
  return (
    <article
      class={`card problem ${silenced || muted ? "quiet" : severity === "high" ? "bad" : "warn"}`}
      aria-labelledby={id}
      data-row
    >
      <header>
        <h2 id={id}>
          <Symbol name={symbolOf(severity)} />
          {wordOf(t.kinds, kind)}
          <span class="unseen">{`, ${wordOf(t.severity, severity)}`}</span>
        </h2>
        {!within && <Where problem={problem} />}
        {within && placeOf(problem) !== null && <p class="where">{placeOf(problem)}</p>}
        <p class="since">
          {t.since} <When at={since} as="moment" />,{" "}
          {t.lasted(format.value.duration(now.value - Date.parse(since)))}
        </p>
      </header>
      {seen.length > 0 && (
        <ul class="facts">
          {seen.map((fact) => <li key={fact}>{fact}</li>)}
        </ul>
      )}
      <Outputs problem={problem} />
      <div class="todo">
        {problem.host !== undefined && problem.do.code !== "reach-host" && (
          <p class="muted">{words.value.hosts.on(problem.host)}</p>
        )}
        <p>{wordOf(t.remedy, problem.do.code)}</p>
        {command !== null && <Command text={command} />}
      </div>
      <footer>
        <ProblemActions problem={problem} />
        {workload !== null && !within && (
          <a href={href(`/workloads/${encodeURIComponent(workload.id)}`)} data-open>{t.story}</a>
        )}
        {silenced && (
          <span class="marked">
            <Symbol name="bell-off" /> {t.silenced}
          </span>
        )}
        {muted && (
          <span class="marked">
            <Symbol name="bell-off" /> {t.muted}
          </span>
        )}
      </footer>
    </article>
  );
}

/** Where it is, with the way there. */
function Where({ problem }: { problem: ShownProblem }): JSX.Element {
  const { host, workload } = problem;
  const at = host !== undefined && <a href={href("/containers", { host })}>{host}</a>;
  if (workload === null) return <p class="where">{at || words.value.problem.host}</p>;
  const which = placeOf(problem);
  return (
    <p class="where">
      {at}
      <a href={href(`/workloads/${encodeURIComponent(workload.id)}`)}>{workload.name}</a>
      {which !== null && <span class="which">{which}</span>}
    </p>
  );
}

/** One in one line: it is not open, or like one that is told in full. */
export function ProblemLine({ problem }: { problem: ShownProblem }): JSX.Element {
  const t = words.value.problem;
  const { status, severity, since, dueAt, closedAt, outcome } = problem;
  return (
    <li class="line">
      <Symbol
        name={status === "closed" ? "tick" : status === "open" ? symbolOf(severity) : "clock"}
      />
      <span class="what">{wordOf(t.kinds, problem.kind)}</span>
      <Where problem={problem} />
      <span class="muted">
        {status === "open" && (
          <>
            {t.since} <When at={since} as="moment" />
          </>
        )}
        {status === "closed" && closedAt !== null && (
          <>
            {outcome !== null && `${wordOf(t.outcome, outcome)}, `}
            <When at={closedAt} />
          </>
        )}
        {status === "holding" && dueAt !== null &&
          t.holding(format.value.moment(Date.parse(dueAt), now.value))}
      </span>
    </li>
  );
}

/** What was seen, in short. */
function evidenceOf({ kind, evidence }: ShownProblem): string[] {
  const t = words.value.problem;
  const { count, atLeast, exitCode, how, state, found, reason, error, containers } = evidence;
  const { inspected } = evidence;
  const facts: (string | false | undefined)[] = [];
  if (count !== undefined) {
    const what = kind === "flapping" ? t.moves(count) : t.deaths(count);
    facts.push(atLeast ? t.atLeast(what) : what);
  }
  if (exitCode !== undefined && exitCode !== null) {
    const by = how === undefined ? "" : `, ${wordOf(t.how, how)}`;
    facts.push(t.exit(exitCode) + by);
  }
  if (kind === "stuck" && state !== undefined) facts.push(wordOf(words.value.state, state));
  if (found !== undefined) facts.push(t.answersInstead(found));
  facts.push(reason, error);
  if (containers !== undefined && containers.length > 0) {
    facts.push(
      `${t.claimedBy}: ${containers.map(({ id, name }) => name || id.slice(0, 12)).join(", ")}`,
    );
  }
  if (inspected !== undefined) {
    if (inspected.oomKilled) facts.push(t.oomKilled);
    if (inspected.restartCount > 0) {
      facts.push(`${t.restarts(inspected.restartCount)}, ${t.policy(inspected.restartPolicy)}`);
    }
  }
  return facts.filter((fact): fact is string => typeof fact === "string" && fact !== "");
}

/** What programs said, as they said it. */
function Outputs({ problem: { evidence } }: { problem: ShownProblem }): JSX.Element | null {
  const t = words.value.problem;
  const { inspected } = evidence;
  if (inspected === undefined) return null;
  const said: [string, string][] = [];
  if (inspected.error !== "") said.push([t.engineSaid, inspected.error]);
  if (inspected.healthOutput) said.push([t.checkSaid, inspected.healthOutput]);
  if (said.length === 0) return null;
  return (
    <dl class="outputs">
      {said.map(([who, what]) => (
        <Fact key={who} name={who}>
          <pre class="said" tabIndex={0}>{what}</pre>
        </Fact>
      ))}
    </dl>
  );
}
