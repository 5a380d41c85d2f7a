/**
 * What can be asked of the list of rows. Everything that is chosen goes into the address and is read
 * back from there; nothing is kept here.
 *
 * @module
 */

import type { JSX } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { countValues, type Facet, FACETS, type Filters, NO_HEALTH, toggled } from "../filters.ts";
import { format } from "../format.ts";
import { takeSearch } from "../keyboard.ts";
import { rows, troubledRows } from "../live/index_state.ts";
import { many } from "../live/many.ts";
import { type Sort, type SortKey, urgencyOf } from "../order.ts";
import { narrow } from "../narrow.ts";
import { query, setQuery } from "../place.ts";
import { wordOf, words } from "../words/words.ts";
import { HostChoice } from "./host_choice.tsx";
import { Symbol } from "./symbol.tsx";

/** Keys in the order of the columns. */
const SORTS: readonly SortKey[] = ["workload", "host", "name", "state", "image", "since"];

/** Letters that follow each other this closely are one step back. */
const ONE_STEP_MS = 1500;

/** Values of facets in the order in which they are shown. */
const HEALTHS = ["unhealthy", "starting", "healthy", NO_HEALTH];
const KINDS = ["project", "stack", "site"];

/** The bar. */
export function FilterBar(
  { filters, sort, byWorkload }: { filters: Filters; sort: Sort; byWorkload: boolean },
): JSX.Element {
  const t = words.value.containers;
  rows.revision.value;
  const id = useId();
  const typedAt = useRef(-Infinity);
  const field = useRef<HTMLInputElement>(null);
  // Before anything else is typed.
  useLayoutEffect(() => {
    if (takeSearch()) field.current?.focus();
  }, []);
  const troubled = troubledRows.value;
  const chosen = FACETS.reduce((sum, facet) => sum + filters[facet].size, 0) +
    Number(filters.problem) + Number(filters.host !== "");
  const search = (text: string) => {
    const replace = performance.now() - typedAt.current < ONE_STEP_MS;
    typedAt.current = performance.now();
    setQuery({ q: text, show: null }, { replace });
  };
  return (
    <search class="filters">
      <div class="search">
        <label for={`${id}-q`} class="unseen">{t.search}</label>
        <Symbol name="search" />
        <input
          id={`${id}-q`}
          ref={field}
          type="search"
          placeholder={t.searchHint}
          value={query.value.get("q") ?? ""}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => search(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape") setQuery({ q: null });
          }}
        />
      </div>
      <details class="facets" open={!narrow.value || chosen > 0}>
        <summary>
          {t.filters}
          {chosen > 0 && <span class="count">{format.value.number(chosen)}</span>}
        </summary>
        <div class="facet-groups">
          {many.value && <HostChoice chosen={filters.host} />}
          {FACETS.map((facet) => <FacetGroup key={facet} facet={facet} filters={filters} />)}
          <div class="facet">
            <Pill
              text={t.problem}
              count={troubled.size}
              on={filters.problem}
              onToggle={() => setQuery({ problem: filters.problem ? null : "yes", show: null })}
            />
            <Pill
              text={t.group}
              on={byWorkload}
              onToggle={() => setQuery({ group: byWorkload ? null : "workload" })}
            />
          </div>
          {narrow.value && (
            <div class="facet">
              <label for={`${id}-sort`}>{t.sort}</label>
              <select
                id={`${id}-sort`}
                value={`${sort.descending ? "-" : ""}${sort.key}`}
                onChange={(event) => {
                  const { value } = event.currentTarget;
                  setQuery({ sort: value === "workload" ? null : value });
                }}
              >
                {SORTS.filter((key) => key !== "host" || many.value).flatMap((key) => [
                  <option key={key} value={key}>{t.columns[key]}</option>,
                  <option key={`-${key}`} value={`-${key}`}>
                    {`${t.columns[key]}, ${t.descending}`}
                  </option>,
                ])}
              </select>
            </div>
          )}
        </div>
      </details>
    </search>
  );
}

function FacetGroup({ facet, filters }: { facet: Facet; filters: Filters }): JSX.Element | null {
  const t = words.value;
  rows.revision.value;
  const counts = countValues(rows.all.values(), facet, { filters, troubled: troubledRows.value });
  const table: Readonly<Record<string, string>> =
    { kind: t.kind, state: t.state, health: t.health }[
      facet
    ];
  const rank = (value: string) => {
    if (facet === "state") return value === "running" ? -1 : urgencyOf(value);
    const order = facet === "kind" ? KINDS : HEALTHS;
    const at = order.indexOf(value);
    return at < 0 ? order.length : at;
  };
  const values = [...counts].sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1));
  // One value is no choice.
  if (values.length < 2 && filters[facet].size === 0) return null;
  return (
    <fieldset class="facet">
      <legend>{t.containers.facets[facet]}</legend>
      {values.map(([value, count]) => (
        <Pill
          key={value}
          text={wordOf(table, value)}
          count={count}
          on={filters[facet].has(value)}
          onToggle={() => setQuery({ [facet]: toggled(filters[facet], value), show: null })}
        />
      ))}
    </fieldset>
  );
}

function Pill(
  { text, count, on, onToggle }: {
    text: string;
    count?: number;
    on: boolean;
    onToggle: () => void;
  },
): JSX.Element {
  return (
    <label class={`pill ${on ? "on" : ""}`}>
      <input type="checkbox" checked={on} onChange={onToggle} />
      <span>{text}</span>
      {count !== undefined && <span class="number">{format.value.number(count)}</span>}
    </label>
  );
}
