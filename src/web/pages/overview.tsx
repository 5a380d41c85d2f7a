/**
 * The first page: what is wrong, what to do; then how everything is, in numbers that lead further.
 *
 * @module
 */

import type { JSX } from "preact";
import { together } from "../../alike.ts";
import type { ShownStatus } from "../../model/views.ts";
import type { ShownProblem } from "../../server/problem_views.ts";
import { format } from "../format.ts";
import { feed, openProblems, problems, rows, status, workloads } from "../live/index_state.ts";
import { hosts, many, silentHosts, tooMany } from "../live/many.ts";
import { urgencyOf } from "../order.ts";
import { Fact } from "../parts/fact.tsx";
import { Hosts } from "../parts/hosts.tsx";
import { Failed, Loading } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { ProblemCard, ProblemLine } from "../parts/problem_card.tsx";
import { Sign, State } from "../parts/state.tsx";
import { Symbol } from "../parts/symbol.tsx";
import { When } from "../parts/when.tsx";
import { href } from "../place.ts";
import { wordOf, words } from "../words/words.ts";

/** More than this nobody reads on a first page. */
const MOST_OVER = 5;
/** Problems that are shown in full; the rest is a click away. */
const MOST_OPEN = 30;
/** Lines of those that are like one; nobody reads more of the same, and a browser draws them all. */
const MOST_ALIKE = 100;

/** The page. */
export function OverviewPage(): JSX.Element {
  const t = words.value.overview;
  const open = openProblems.value;
  const title = open !== null && open.length > 0 ? t.problems(open.length) : t.title;
  return (
    <Page title={title} id="overview">
      <Problems />
      <States />
      {many.value ? <Hosts /> : <Host />}
    </Page>
  );
}

function Problems(): JSX.Element | null {
  const t = words.value.overview;
  const all = problems.value.value;
  const open = openProblems.value;
  const error = problems.error.value;
  if (all === null || open === null) {
    return error === null ? <Loading /> : <Failed error={error} retry={() => problems.refresh()} />;
  }
  const holding = all.filter((problem) => problem.status === "holding");
  const over = all.filter((problem) => problem.status === "closed").slice(0, MOST_OVER);
  const shown = together(open, alikeKey).slice(0, MOST_OPEN);
  const more = open.length - shown.flat().length;
  return (
    <section aria-label={t.problems(open.length)} class="stack">
      {open.length === 0 && <Well />}
      {shown.flatMap((alike) => {
        // The one that began first, which stays when others come. What is below it is not a part of
        // it, and stays open when that one is over and the next is told in its place.
        const [problem, others] = [alike.at(-1)!, alike.slice(0, -1)];
        return [
          <ProblemCard key={problem.key} problem={problem} />,
          others.length > 0 && <Alike key={alikeKey(problem)} problems={others} />,
        ];
      })}
      {more > 0 && <a href={href("/containers", { problem: "yes" })}>{t.more(more)}</a>}
      {holding.length > 0 && (
        <details class="more" open={open.length === 0}>
          <summary>{t.watching(holding.length)}</summary>
          <Lines problems={holding} />
        </details>
      )}
      {over.length > 0 && (
        <details class="more">
          <summary>{t.over}</summary>
          <Lines problems={over} />
        </details>
      )}
    </section>
  );
}

/** By what problems are one card: the same is wrong, and to do, with containers of one workload. */
function alikeKey(
  { host, workload, kind, severity, silenced, muted, do: { code } }: ShownProblem,
): string | null {
  return workload && JSON.stringify([host, workload.id, kind, severity, silenced, muted, code]);
}

/** Those that are like the one above them, a click away. */
function Alike({ problems }: { problems: readonly ShownProblem[] }): JSX.Element {
  const t = words.value.overview;
  const more = problems.length - MOST_ALIKE;
  return (
    <details class="more">
      <summary>{t.alike(problems.length)}</summary>
      <Lines problems={problems.slice(0, MOST_ALIKE)} />
      {more > 0 && (
        <a href={href(`/workloads/${encodeURIComponent(problems[0]!.workload!.id)}`)}>
          {t.more(more)}
        </a>
      )}
    </details>
  );
}

function Lines({ problems }: { problems: readonly ShownProblem[] }): JSX.Element {
  return (
    <ul class="lines">
      {problems.map((problem) => (
        <ProblemLine key={problem.key + problem.closedAt} problem={problem} />
      ))}
    </ul>
  );
}

/** A quiet word when nothing is wrong; the way in where there is nothing yet. */
function Well(): JSX.Element | null {
  const t = words.value.overview;
  rows.revision.value;
  if (!rows.complete.value && !tooMany.value) return <Loading />;
  const registered = workloads.value.value;
  if (many.value) return <WellOver />;
  if (rows.all.size === 0 && registered !== null && registered.length === 0) {
    return (
      <div class="notice first">
        <p class="title">{t.emptyTitle}</p>
        <p>{t.emptyText}</p>
        <a class="button primary" href={href("/add")}>{t.emptyAction}</a>
      </div>
    );
  }
  const index = status.value.value?.index;
  const { live } = words.value;
  const why = isAway()
    ? live.staleTitle
    : index?.fresh === false
    ? live.unsure(wordOf(live.reasons, index.reason ?? ""))
    : null;
  return <Word why={why} well={t.wellText(rows.all.size)} />;
}

/** Whether what is shown is as it was, since the daemon does not answer any more. */
function isAway(): boolean {
  return feed.state.value.kind === "stale";
}

/** That all is well; `why` nobody knows where it is not null. */
function Word({ why, well }: { why: string | null; well: string }): JSX.Element {
  const t = words.value;
  return (
    <div class={why === null ? "well" : "well warn"}>
      <Symbol name={why === null ? "tick" : "clock"} />
      <div>
        <p class="title">{why === null ? t.overview.well : t.common.unknown}</p>
        <p>{why ?? well}</p>
      </div>
    </div>
  );
}

/** The same of many hosts: nothing is well that nobody knows. */
function WellOver(): JSX.Element | null {
  const t = words.value;
  const all = hosts.value.value?.items ?? [];
  if (all.length === 0) return null;
  const silent = silentHosts.value;
  const why = isAway()
    ? t.live.staleTitle
    : silent.length > 0
    ? t.hosts.silent(silent.length)
    : null;
  const well = t.overview.wellText(all.reduce((sum, { rows }) => sum + rows, 0));
  return <Word why={why} well={well} />;
}

/** Counters that are links. */
function States(): JSX.Element | null {
  const t = words.value;
  rows.revision.value;
  // Those of one host are not those of all.
  if (rows.all.size === 0 || tooMany.value) return null;
  const counts = new Map<string, number>();
  let unhealthy = 0;
  for (const { state, health } of rows.all.values()) {
    counts.set(state, (counts.get(state) ?? 0) + 1);
    if (health === "unhealthy") unhealthy++;
  }
  const states = [...counts].sort(([a, m], [b, n]) =>
    Number(b === "running") - Number(a === "running") || urgencyOf(a) - urgencyOf(b) || n - m
  );
  return (
    <section>
      <h2>{t.overview.states}</h2>
      <ul class="counters">
        {states.map(([state, count]) => (
          <li key={state}>
            <a href={href("/containers", { state })}>
              <span class="number">{format.value.number(count)}</span>
              <State state={state} />
            </a>
          </li>
        ))}
        {unhealthy > 0 && (
          <li>
            <a href={href("/containers", { health: "unhealthy" })}>
              <span class="number">{format.value.number(unhealthy)}</span>
              <Sign tone="bad" symbol="alert">{t.health.unhealthy}</Sign>
            </a>
          </li>
        )}
      </ul>
    </section>
  );
}

/** The Engine and the daemon. */
function Host(): JSX.Element | null {
  const t = words.value.overview;
  const daemon = status.value.value;
  // Of a daemon that does not answer nobody knows how it is now, or its Engine.
  if (daemon === null || isAway()) return null;
  const { engine, events, lastPass } = daemon;
  return (
    <section>
      <h2>{t.host}</h2>
      <dl class="facts-list">
        <Fact name={t.engine}>
          <Sign tone={engine.up ? "good" : "bad"} symbol={engine.up ? "disc" : "cross"}>
            {engine.up ? t.engineUp : t.engineDown}
          </Sign>
          <span class="muted mono">{engine.host}</span>
          {engine.error !== null && <span class="muted">{engine.error}</span>}
        </Fact>
        <Fact name={t.events}>
          <Sign tone={events.up ? "good" : "warn"} symbol={events.up ? "disc" : "alert"}>
            {events.up ? t.eventsUp : t.eventsDown}
          </Sign>
        </Fact>
        <Fact name={t.lastPass}>
          {lastPass === null ? t.noPass : (
            <>
              <When at={lastPass.at} />
              <span class="muted">{words.value.nav.rows(lastPass.listed)}</span>
            </>
          )}
        </Fact>
        {lastPass !== null && lastPass.unmanaged.count > 0 && (
          <Fact name={t.unmanaged}>
            <a href={href("/add")}>{t.unmanagedText(lastPass.unmanaged.count)}</a>
          </Fact>
        )}
        <Backup backups={daemon.backups} />
        <Fact name={t.version}>
          <span>{daemon.version}</span>
          <span class="muted">{t.since(format.value.exact(Date.parse(daemon.startedAt)))}</span>
        </Fact>
      </dl>
    </section>
  );
}

/** The last backup, where there is one or there should be. */
function Backup({ backups }: Pick<ShownStatus, "backups">): JSX.Element | null {
  const t = words.value.overview;
  // A daemon that is older than this page says nothing of them.
  if (!backups) return null;
  return (
    <Fact name={t.backup}>
      {backups.lastAt === null ? t.noBackup : <When at={backups.lastAt} />}
    </Fact>
  );
}
