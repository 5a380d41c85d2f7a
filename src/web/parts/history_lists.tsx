/**
 * The lists of the history: what happened to containers, who did what, who was told. Each is asked
 * for page by page; a search looks through what was asked for.
 *
 * @module
 */

import type { ComponentChildren, JSX } from "preact";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask } from "../ask.ts";
import { changeOf } from "../changes.ts";
import { now } from "../clock.ts";
import { Latest, type Loaded } from "../latest.ts";
import type { AuditEntry } from "../../model/access.ts";
import type { HistoryEntry, HistoryPage } from "../../model/past.ts";
import type { ShownDelivery } from "../../server/api/channels.ts";
import { href } from "../place.ts";
import { originOf } from "../origin.ts";
import { wordOf, words } from "../words/words.ts";
import { channels, loadChannels } from "../channels.ts";
import { Failed, Loading } from "./notice.tsx";
import { Sign, State } from "./state.tsx";
import { ProblemMove, Story, type StoryEntry } from "./story.tsx";

/** What of the history is shown. */
export interface ListProps {
  readonly window: { readonly from: string | null; readonly until: string | null };
  /** Lower case; empty: everything. */
  readonly search: string;
  /** Of this host of a hub alone; empty or absent: of all. */
  readonly host?: string;
}

/** An entry of the history, with the text that a search looks through. */
interface Told extends StoryEntry {
  readonly text: JSX.Element;
  readonly found: string;
}

/** One page of it, the newest first. */
interface Pages<Item> {
  readonly items: readonly Item[];
  /** How the page before is asked for; null: there is none. */
  readonly more: string | null;
}

/** Entries in one request. */
const LIMIT = 200;
/** How often the newest are asked for. */
const EVERY_MS = 15_000;

const happened = pagesOf<HistoryEntry>(async ({ from, until, host, more }, signal) => {
  // Who did what is a list of its own.
  const query = new URLSearchParams({ limit: `${LIMIT}`, audit: "false", ...from, ...until });
  if (host !== "") query.set("host", host);
  if (more !== null) query.set("before", more);
  const page = await ask<HistoryPage>(`/api/history?${query}`, { signal });
  return { items: page.items.toReversed(), more: page.before };
});

const audited = pagesOf<AuditEntry>(async ({ more }, signal) => {
  const query = new URLSearchParams({ limit: `${LIMIT}` });
  if (more !== null) query.set("before", more);
  const page = await ask<{ items: AuditEntry[]; next: number | null }>(`/api/audit?${query}`, {
    signal,
  });
  return { items: page.items, more: page.next === null ? null : `${page.next}` };
});

const delivered = pagesOf<ShownDelivery>(async (_, signal) => {
  const { items } = await ask<{ items: ShownDelivery[] }>("/api/deliveries?limit=1000", { signal });
  return { items, more: null };
});

/** What happened to containers. */
export function EventList({ window, search, host = "" }: ListProps): JSX.Element {
  return (
    <Pageful pages={happened} window={window} search={search} host={host} tell={happenedEntry} />
  );
}

/** Who did what. */
export function AuditList({ window, search }: ListProps): JSX.Element {
  return <Pageful pages={audited} window={window} search={search} tell={auditedEntry} />;
}

/** Who was told. */
export function DeliveryList({ window, search }: ListProps): JSX.Element {
  useEffect(loadChannels, []);
  return <Pageful pages={delivered} window={window} search={search} tell={deliveredEntry} />;
}

interface PageKey {
  readonly from: Readonly<Record<string, string>>;
  readonly until: Readonly<Record<string, string>>;
  readonly host: string;
  readonly more: string | null;
}

/** Asks for pages; the key of a question says how many of them are wanted. */
function pagesOf<Item>(
  load: (key: PageKey, signal: AbortSignal) => Promise<Pages<Item>>,
): Latest<Pages<Item>> {
  return new Latest(async (key, signal) => {
    const { from, until, host, count } = JSON.parse(key) as {
      from: string | null;
      until: string | null;
      host: string;
      count: number;
    };
    const bounds = {
      from: from === null ? {} as Record<string, string> : { from },
      until: until === null ? {} as Record<string, string> : { until },
      host,
    };
    let items: readonly Item[] = [];
    let more: string | null = null;
    for (let i = 0; i < count; i++) {
      const page: Pages<Item> = await load({ ...bounds, more }, signal);
      items = [...items, ...page.items];
      more = page.more;
      if (more === null) break;
    }
    return { items, more };
  });
}

function Pageful<Item>(
  { pages, window, search, host = "", tell }: ListProps & {
    pages: Latest<Pages<Item>>;
    tell: (item: Item) => Told;
  },
): JSX.Element {
  const t = words.value.history;
  const count = useSignal(1);
  const { from, until } = window;
  const key = JSON.stringify({ from, until, host, count: count.value });
  const tick = until === null ? Math.floor(now.value / EVERY_MS) : 0;
  useEffect(() => void (count.value = 1), [from === null, until, host]);
  useEffect(() => void pages.ask(key, { again: true }), [key, tick]);
  const { value, error }: Loaded<Pages<Item>> = pages.state.value;
  if (error !== null && value === null) {
    if (error.status === 404) return <Empty>{t.unavailable}</Empty>;
    return <Failed error={error} retry={() => pages.ask(key, { again: true })} />;
  }
  if (value === null) return <Loading />;
  const all = value.items.map(tell).filter(({ at }) =>
    (from === null || at >= from) && (until === null || at < until)
  );
  const found = search === "" ? all : all.filter((entry) => entry.found.includes(search));
  return (
    <section aria-label={words.value.history.title}>
      {found.length === 0
        ? <Empty>{all.length === 0 ? t.none : t.noneMatches}</Empty>
        : <Story entries={found} />}
      {value.more !== null && (
        <div class="after">
          <button type="button" onClick={() => count.value++}>{t.more}</button>
        </div>
      )}
    </section>
  );
}

function Empty({ children }: { children: ComponentChildren }): JSX.Element {
  return (
    <div class="notice">
      <p>{children}</p>
    </div>
  );
}

function happenedEntry(entry: HistoryEntry): Told {
  const t = words.value;
  const { at, host, workload, row, role, containerName, what, to, from, problem, exitCode } = entry;
  const name = workload?.name ?? workload?.id ?? null;
  const which = containerName || role || row;
  const told = [
    to === null ? "" : wordOf(t.state, to),
    problem && wordOf(t.problem.kinds, problem.kind),
  ];
  const found = [host, name, which, what, to, problem?.kind, ...told, detailOf(entry)].join("\n")
    .toLowerCase();
  const onHost = host === undefined ? null : <a href={href("/containers", { host })}>{host}</a>;
  const who = name === null ? onHost ?? t.problem.host : (
    <>
      {workload !== null && (
        <a href={href(`/workloads/${encodeURIComponent(workload.id)}`)}>{name}</a>
      )}
      {which !== null && which !== name && <span class="which">{which}</span>}
      {onHost !== null && <span class="which">{onHost}</span>}
    </>
  );
  const why = detailOf(entry);
  const title = why === "" ? undefined : why;
  return {
    at,
    who,
    found,
    text: problem !== null
      ? (
        <ProblemMove
          kind={problem.kind}
          severity={problem.severity}
          opened={what === "problem-opened"}
        />
      )
      : to !== null
      ? (
        <>
          <State state={to} exitCode={exitCode} />
          <span class="muted" title={title}>
            {from === null
              ? t.workload.appeared
              : from !== to && t.workload.before(wordOf(t.state, from))}
          </span>
        </>
      )
      : (
        <span title={title}>
          {wordOf(t.history.events, what)}
          {exitCode !== null && `, ${t.exit(exitCode)}`}
        </span>
      ),
  };
}

/** Which event or listing it was; of an end how, of what is over why. */
function detailOf({ what, cause, origin, detail }: HistoryEntry): string {
  const t = words.value.problem;
  if (what === "death") return wordOf(t.how, detail);
  if (what === "problem-closed") return wordOf(t.outcome, detail);
  return originOf(cause, origin);
}

function auditedEntry({ at, who, via, remote, action, path, details }: AuditEntry): Told {
  const told = Object.entries(details).map(([name, value]) => `${name}: ${value}`).join(", ");
  const change = changeOf({ action, path }, words.value.history.changes);
  return {
    at,
    who,
    found: [who, via, remote, change, action, path, told].join("\n").toLowerCase(),
    text: (
      <>
        <span>{change}</span>
        {told !== "" && <span>{told}</span>}
        <span class="muted">{[via, remote].filter(Boolean).join(", ")}</span>
      </>
    ),
  };
}

function deliveredEntry(delivery: ShownDelivery): Told {
  const { queuedAt, channel, kind, state, attempts, answer } = delivery;
  const t = words.value;
  const about = aboutText(delivery);
  const name = channels.state.value.value?.find(({ id }) => id === channel)?.name ?? channel;
  const tone = state === "delivered" ? "good" : state === "dead" ? "bad" : "quiet";
  return {
    at: queuedAt,
    who: name,
    found: [name, kind, about, state, answer].join("\n").toLowerCase(),
    text: (
      <>
        <span class="muted">{wordOf(t.history.noticeKinds, kind)}</span>
        {about !== "" && <span>{about}</span>}
        <Sign
          tone={tone}
          symbol={tone === "good" ? "tick" : tone === "bad" ? "alert" : "clock"}
        >
          {t.history[state]}
        </Sign>
        <span class="muted">
          {attempts > 1 && t.history.attempts(attempts)}
          {state === "dead" && ` ${answer}`}
        </span>
      </>
    ),
  };
}

/** What it told of: whose problem, which, and how many more. */
function aboutText({ about }: ShownDelivery): string {
  if (about === null) return "";
  const t = words.value;
  const { total, kind, workload, row } = about;
  const whose = [workload ?? t.problem.host, row].filter(Boolean).join(" / ");
  const more = total > 1 ? ` (+${total - 1})` : "";
  return `${whose}: ${wordOf(t.problem.kinds, kind)}${more}`;
}
