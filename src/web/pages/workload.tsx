/**
 * One workload, the same for a project, a stack and a site: what is wrong, its rows, what should run,
 * what happened, how it is connected.
 *
 * @module
 */

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import type { ShownTransition } from "../../model/views.ts";
import type { Workload } from "../../model/workload.ts";
import { ask } from "../ask.ts";
import { locale } from "../format.ts";
import {
  followHost,
  openProblems,
  problems,
  rows,
  troubledRows,
  workloads,
} from "../live/index_state.ts";
import { many } from "../live/many.ts";
import type { Row } from "../live/rows.ts";
import { Latest } from "../latest.ts";
import { comparator, Ordering } from "../order.ts";
import { Availability } from "../parts/availability.tsx";
import { Connection } from "../parts/connection.tsx";
import { Expectations } from "../parts/expectations.tsx";
import { Empty, Failed, Loading } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { ProblemCard } from "../parts/problem_card.tsx";
import { RowTable } from "../parts/row_table.tsx";
import { Stages } from "../parts/stages.tsx";
import { Story, type StoryEntry } from "../parts/story.tsx";
import { href, query } from "../place.ts";
import { wordOf, words } from "../words/words.ts";

/** The page of a workload's id, or of a name that only one has. */
export function WorkloadPage({ id }: { id: string }): JSX.Element {
  const t = words.value;
  rows.revision.value;
  const known = workloads.value.value;
  const workload = known === null ? fromRows(id) : found(known, id);
  useEffect(() => {
    if (known !== null && workload === null) workloads.refresh();
  }, [id]);
  const host = workload?.host;
  useEffect(() => {
    if (host !== undefined) followHost(host);
  }, [host]);
  if (workload === null) {
    const error = workloads.error.value;
    if (known === null) {
      return (
        <Page title={id} id={id}>
          {error === null
            ? <Loading />
            : <Failed error={error} retry={() => workloads.refresh()} />}
        </Page>
      );
    }
    return (
      <Page title={t.workload.unknown} id={id}>
        <Empty title={id} text={t.workload.unknownText}>
          <a href={href("/containers")}>{t.nav.containers}</a>
        </Empty>
      </Page>
    );
  }
  // What only its host tells is asked there.
  const here = many.value === false;
  return (
    <Page
      title={workload.name}
      id={workload.id}
      beside={
        <p class="muted">
          {[...workload.host === undefined ? [] : [workload.host], wordOf(t.kind, workload.kind)]
            .join(", ")}
        </p>
      }
    >
      <Wrong workload={workload} />
      <Members workload={workload} />
      <Availability workload={workload} />
      {here && workload.kind === "project" && <Stages workload={workload} />}
      {here && <Expectations workload={workload} />}
      <Happened workload={workload} />
      {here && <Connection workload={workload} />}
    </Page>
  );
}

/** Until the list of workloads is here, rows tell enough. */
function fromRows(id: string): HostedWorkload | null {
  for (const row of rows.all.values()) {
    if (row.workloadId !== id) continue;
    const host = many.value ? { host: row.host } : {};
    return { ...host, id, kind: row.workloadKind, refId: "", name: row.workloadName };
  }
  return null;
}

/** A workload and, of a hub, which host's it is. */
type HostedWorkload = Workload & { readonly host?: string };

function found(known: readonly HostedWorkload[], id: string): HostedWorkload | null {
  const byId = known.find((each) => each.id === id);
  if (byId !== undefined) return byId;
  const named = known.filter(({ name }) => name === id);
  return named.length === 1 ? named[0]! : null;
}

function Wrong({ workload }: { workload: Workload }): JSX.Element | null {
  const open = openProblems.value?.filter((problem) => problem.workload?.id === workload.id);
  if (open === undefined || open.length === 0) return null;
  return (
    <section aria-label={words.value.workload.problems} class="stack">
      {open.map((problem) => <ProblemCard key={problem.key} problem={problem} within />)}
    </section>
  );
}

function Members({ workload }: { workload: Workload }): JSX.Element {
  const t = words.value.workload;
  rows.revision.value;
  const ordering = useRef<Ordering | null>(null);
  const focused = useSignal<string | null>(null);
  const members = (ordering.current ??= new Ordering()).order(rows.all, {
    matches: (row: Row) => row.workloadId === workload.id,
    compare: comparator({ key: "workload", descending: false }, locale.value),
    held: focused.value !== null,
    keep: focused.value,
  });
  return (
    <section>
      <h2>{t.rows}</h2>
      {members.length === 0
        ? rows.complete.value ? <p class="muted">{t.noRows}</p> : <Loading />
        : (
          <RowTable
            rows={members}
            within
            troubled={troubledRows.value}
            open={query.value.get("row")}
            onFocus={(id) => focused.value = id}
          />
        )}
    </section>
  );
}

/** Rows whose stories are asked for at once; a workload of more has its story in History. */
const MOST_ROWS = 24;
/** Entries that are shown at first, and so many more each time. */
const STEP = 25;

const stories = new Latest<ReadonlyMap<string, readonly ShownTransition[]>>(
  async (key, signal) => {
    const ids = key.split("\n").slice(1);
    const answers = await Promise.all(ids.map((id) =>
      ask<{ items: ShownTransition[] }>(
        `/api/containers/${encodeURIComponent(id)}/transitions`,
        { signal },
      ).then(({ items }) => items, () => [])
        .then((items): [string, readonly ShownTransition[]] => [id, items])
    ));
    return new Map(answers);
  },
);

function Happened({ workload }: { workload: Workload }): JSX.Element {
  const t = words.value.workload;
  rows.revision.value;
  const shown = useSignal(STEP);
  const members = [...rows.all.values()].filter((row) => row.workloadId === workload.id);
  const names = new Map(members.map((row) => [row.id, row.name || row.role || row.workloadName]));
  const key = [workload.id, ...members.map(({ id }) => id).sort().slice(0, MOST_ROWS)].join("\n");
  const newest = members.reduce((last, { since }) => Math.max(last, since), 0);
  useEffect(() => void stories.ask(key, { again: true }), [key, newest]);
  const state = stories.state.value;
  if (state.value === null || state.key?.split("\n")[0] !== workload.id) {
    return (
      <section>
        <h2>{t.timeline}</h2>
        {state.error === null
          ? <Loading />
          : <Failed error={state.error} retry={() => stories.ask(key, { again: true })} />}
      </section>
    );
  }
  const entries: StoryEntry[] = [];
  for (const [id, story] of state.value) {
    const who = members.length > 1 ? { who: names.get(id) ?? id } : {};
    for (const transition of story) entries.push({ at: transition.at, ...who, transition });
  }
  for (const problem of problems.value.value ?? []) {
    if (problem.workload?.id !== workload.id) continue;
    const which = problem.row === null ? undefined : names.get(problem.row);
    const who = members.length > 1 && which !== undefined ? { who: which } : {};
    if (problem.openedAt !== null) {
      entries.push({ at: problem.openedAt, ...who, problem: { problem, opened: true } });
      if (problem.closedAt !== null) {
        entries.push({ at: problem.closedAt, ...who, problem: { problem, opened: false } });
      }
    }
  }
  entries.sort((a, b) => a.at < b.at ? 1 : a.at > b.at ? -1 : 0);
  return (
    <section>
      <h2>{t.timeline}</h2>
      {entries.length === 0
        ? <p class="muted">{t.noTimeline}</p>
        : <Story entries={entries.slice(0, shown.value)} />}
      {entries.length > shown.value && (
        <div class="after">
          <button type="button" onClick={() => shown.value += STEP}>{t.older}</button>
        </div>
      )}
    </section>
  );
}
