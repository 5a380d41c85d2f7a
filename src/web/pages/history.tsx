/**
 * What happened, the newest first: to containers, by whom, and who was told. Window and search stand in
 * the address.
 *
 * @module
 */

import type { JSX } from "preact";

import { now } from "../clock.ts";
import { many } from "../live/many.ts";
import { AuditList, DeliveryList, EventList } from "../parts/history_lists.tsx";
import { HostChoice } from "../parts/host_choice.tsx";
import { Page } from "../parts/page.tsx";
import { Symbol } from "../parts/symbol.tsx";
import { query, setQuery } from "../place.ts";
import { mayAdmit } from "../session.ts";
import { words } from "../words/words.ts";

/** Spans that can be chosen, milliseconds back from now; `all` has no beginning. */
const SPANS = { hour: 3_600_000, day: 86_400_000, week: 7 * 86_400_000, all: null } as const;
type Span = keyof typeof SPANS;

/** From and until, RFC 3339 UTC; null: open. */
export interface Window {
  readonly from: string | null;
  readonly until: string | null;
}

/** The page. */
export function HistoryPage(): JSX.Element {
  const t = words.value.history;
  const asked = query.value;
  const what = asked.get("what") ?? "transitions";
  const window = windowOf(asked);
  const host = many.value ? asked.get("host") ?? "" : "";
  const search = (asked.get("q") ?? "").trim().toLowerCase();
  const kinds: [string, string][] = [
    ["transitions", t.transitions],
    ...mayAdmit.value ? [["audit", t.audit] as [string, string]] : [],
    ["notices", t.notices],
  ];
  return (
    <Page title={t.title} id="history">
      <search class="filters">
        <div class="search">
          <label for="history-q" class="unseen">{t.search}</label>
          <Symbol name="search" />
          <input
            id="history-q"
            type="search"
            placeholder={t.search}
            value={asked.get("q") ?? ""}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => setQuery({ q: event.currentTarget.value }, { replace: true })}
            onKeyDown={(event) => {
              if (event.key === "Escape") setQuery({ q: null });
            }}
          />
        </div>
        <fieldset class="facet">
          <legend>{t.what}</legend>
          {kinds.map(([value, name]) => (
            <label key={value} class={`pill ${what === value ? "on" : ""}`}>
              <input
                type="radio"
                name="history-what"
                checked={what === value}
                onChange={() =>
                  setQuery({ what: value === "transitions" ? null : value })}
              />
              <span>{name}</span>
            </label>
          ))}
        </fieldset>
        {many.value && what === "transitions" && <HostChoice chosen={host} />}
        <When window={window} span={spanOf(asked)} />
      </search>
      {what === "audit"
        ? <AuditList window={window} search={search} />
        : what === "notices"
        ? <DeliveryList window={window} search={search} />
        : <EventList window={window} search={search} host={host} />}
    </Page>
  );
}

/** Presets, or a beginning and an end. */
function When({ window, span }: { window: Window; span: Span | null }): JSX.Element {
  const t = words.value.history;
  const set = (name: "from" | "until") => (event: Event) => {
    const { value } = event.currentTarget as HTMLInputElement;
    const at = value === "" ? null : new Date(value);
    if (at !== null && Number.isNaN(at.getTime())) return;
    setQuery({ span: null, [name]: at === null ? null : at.toISOString().replace(/\.\d+/, "") });
  };
  return (
    <div class="facet window">
      <fieldset class="facet">
        <legend>{t.when}</legend>
        {(Object.keys(SPANS) as Span[]).map((value) => (
          <label key={value} class={`pill ${span === value ? "on" : ""}`}>
            <input
              type="radio"
              name="history-span"
              checked={span === value}
              onChange={() =>
                setQuery({ span: value === "day" ? null : value, from: null, until: null })}
            />
            <span>{t.presets[value]}</span>
          </label>
        ))}
      </fieldset>
      <div class="facet">
        <label for="history-from">{t.from}</label>
        <input
          id="history-from"
          type="datetime-local"
          value={localOf(span === null ? window.from : null)}
          onChange={set("from")}
        />
        <label for="history-until">{t.until}</label>
        <input
          id="history-until"
          type="datetime-local"
          value={localOf(span === null ? window.until : null)}
          onChange={set("until")}
        />
      </div>
    </div>
  );
}

function spanOf(asked: URLSearchParams): Span | null {
  if (asked.has("from") || asked.has("until")) return null;
  const span = asked.get("span") ?? "day";
  return span in SPANS ? span as Span : "day";
}

/** The window of an address. One of a preset begins at a whole minute, so that it is asked for once. */
function windowOf(asked: URLSearchParams): Window {
  const span = spanOf(asked);
  if (span === null) {
    return { from: timeOf(asked.get("from")), until: timeOf(asked.get("until")) };
  }
  const back = SPANS[span];
  if (back === null) return { from: null, until: null };
  const minute = Math.floor(now.value / 60_000) * 60_000;
  return { from: new Date(minute - back).toISOString(), until: null };
}

function timeOf(text: string | null): string | null {
  const ms = text === null ? NaN : Date.parse(text);
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}

/** As the browser's field takes it: in the reader's own time. */
function localOf(time: string | null): string {
  if (time === null) return "";
  const at = new Date(time);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
