/**
 * Every row of the index: filtered, sorted and grouped as the address says, kept up to date. What is
 * hidden is counted, so that nothing new goes unseen.
 *
 * @module
 */

import type { JSX } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { filtersAnything, filtersOf, matcher } from "../filters.ts";
import { locale } from "../format.ts";
import { followHost, rows, troubledRows } from "../live/index_state.ts";
import { many, tooMany } from "../live/many.ts";
import { comparator, grouped, Ordering, sortOf } from "../order.ts";
import { FilterBar } from "../parts/filter_bar.tsx";
import { Empty, Loading } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { RowTable } from "../parts/row_table.tsx";
import { href, query, setQuery } from "../place.ts";
import { words } from "../words/words.ts";

/** Rows that are shown at first, and so many more each time. */
const STEP = 200;

/** The page. */
export function ContainersPage(): JSX.Element {
  const t = words.value.containers;
  rows.revision.value;
  const asked = query.value;
  const troubled = troubledRows.value;
  const ordering = useRef<Ordering | null>(null);
  const focused = useSignal<string | null>(null);
  const filters = useMemo(() => filtersOf(asked), [asked]);
  const sort = sortOf(asked);
  const unchosen = tooMany.value && filters.host === "";
  useEffect(() => followHost(filters.host), [filters.host]);
  const byWorkload = asked.get("group") === "workload";
  const compare = useMemo(() => {
    const by = comparator(sort, locale.value);
    return byWorkload ? grouped(by, locale.value) : by;
  }, [sort.key, sort.descending, byWorkload, locale.value]);
  // Another question is another order: what was held is not held any more.
  const order = `${asked.get("sort") ?? ""} ${byWorkload}`;
  const lastOrder = useRef(order);
  const held = focused.value !== null && lastOrder.current === order;
  lastOrder.current = order;
  const found = (ordering.current ??= new Ordering()).order(rows.all, {
    matches: matcher(filters, { troubled }),
    compare,
    held,
    keep: focused.value,
  });
  const all = rows.all.size;
  const show = Math.max(STEP, Math.min(Number(asked.get("show")) || STEP, all));
  const shown = found.slice(0, show);
  return (
    <Page
      title={t.title}
      id="containers"
      beside={rows.complete.value && all > 0 && (
        <p class="muted tally" role="status">
          {t.shown(found.length, all)}
        </p>
      )}
    >
      <FilterBar filters={filters} sort={sort} byWorkload={byWorkload} />
      {unchosen
        ? <Empty title={words.value.hosts.choose} text={words.value.hosts.chooseText} />
        : all === 0
        ? rows.complete.value ? <None /> : <Loading text={t.loading} />
        : found.length === 0
        ? <Nothing hidden={all} />
        : (
          <RowTable
            rows={shown}
            sort={sort}
            byWorkload={byWorkload}
            troubled={troubled}
            open={asked.get("row")}
            onFocus={(id) => focused.value = id}
          />
        )}
      {found.length > show && (
        <div class="after">
          <button
            type="button"
            onClick={() => setQuery({ show: `${show + STEP}` }, { replace: true })}
          >
            {t.more(Math.min(STEP, found.length - show), found.length - show)}
          </button>
        </div>
      )}
      {found.length > 0 && found.length < all && filtersAnything(filters) && (
        <p class="after muted">
          {t.hidden(all - found.length)} <ShowAll />
        </p>
      )}
    </Page>
  );
}

function None(): JSX.Element {
  const t = words.value;
  if (many.value) return <Empty title={t.containers.none} text={t.hosts.noRows} />;
  return (
    <Empty title={t.containers.none} text={t.containers.noneText}>
      <a class="button primary" href={href("/add")}>{t.overview.emptyAction}</a>
    </Empty>
  );
}

function Nothing({ hidden }: { hidden: number }): JSX.Element {
  const t = words.value.containers;
  return (
    <Empty title={t.nothing} text={`${t.nothingText} ${t.hidden(hidden)}.`}>
      <ShowAll />
    </Empty>
  );
}

function ShowAll(): JSX.Element {
  return (
    <button
      type="button"
      class="link"
      onClick={() =>
        setQuery({ q: null, kind: null, state: null, health: null, problem: null, host: null })}
    >
      {words.value.containers.showAll}
    </button>
  );
}
