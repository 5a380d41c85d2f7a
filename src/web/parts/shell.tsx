/**
 * What is around every page: where one can go, how fresh what is shown is, help.
 *
 * @module
 */

import type { ComponentChildren, JSX } from "preact";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { format } from "../format.ts";
import { helpOpen } from "../keyboard.ts";
import { feed, openProblems, rows, status } from "../live/index_state.ts";
import { silentHosts, tooMany } from "../live/many.ts";
import { href, path } from "../place.ts";
import { mayChange } from "../session.ts";
import { wordOf, words } from "../words/words.ts";
import { now } from "../clock.ts";
import { Dialog } from "./dialog.tsx";
import { Fact } from "./fact.tsx";
import { Symbol } from "./symbol.tsx";

/** The frame; `children` is the page. */
export function Shell({ children }: { children: ComponentChildren }): JSX.Element {
  const t = words.value;
  const open = useSignal(false);
  // Where one went by a link of the menu, the menu is in the way.
  useEffect(() => path.subscribe(() => void (open.value = false)), []);
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={toMain}>{t.skip}</a>
      <header class="side">
        <div class="brand">
          <a href={href("/")} class="name">
            <Mark /> {t.product}
          </a>
          <button
            type="button"
            class="menu quiet"
            aria-expanded={open.value}
            aria-controls="pages"
            onClick={() => open.value = !open.value}
          >
            <Symbol name="menu" /> {t.nav.menu}
          </button>
        </div>
        <nav id="pages" aria-label={t.nav.label} class={open.value ? "open" : ""}>
          <ul>
            <Entry to="/" name={t.nav.overview}>
              <ProblemCount />
            </Entry>
            <Entry to="/containers" name={t.nav.containers}>
              <RowCount />
            </Entry>
            {mayChange.value && <Entry to="/add" name={t.nav.add} />}
            <Entry to="/history" name={t.nav.history} />
            <Entry to="/settings" name={t.nav.settings} />
          </ul>
        </nav>
        <div class="foot">
          <LiveState />
          <button type="button" class="quiet help" onClick={() => helpOpen.value = true}>
            {t.keyboard.open}
          </button>
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        <Stale />
        {children}
      </main>
      {helpOpen.value && <Help />}
    </div>
  );
}

function toMain(event: MouseEvent): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function Entry(
  { to, name, children }: { to: string; name: string; children?: ComponentChildren },
): JSX.Element {
  const here = to === "/"
    ? path.value === "/"
    : path.value === to || to === "/containers" && path.value.startsWith("/workloads/");
  return (
    <li>
      <a href={href(to)} aria-current={here ? "page" : undefined}>
        <span>{name}</span>
        {children}
      </a>
    </li>
  );
}

function ProblemCount(): JSX.Element | null {
  const open = openProblems.value;
  if (open === null || open.length === 0) return null;
  const high = open.some(({ severity, silenced }) => severity === "high" && !silenced);
  return (
    <span class={`count ${high ? "bad" : "warn"}`}>
      <span aria-hidden="true">{format.value.number(open.length)}</span>
      <span class="unseen">{words.value.nav.problems(open.length)}</span>
    </span>
  );
}

function RowCount(): JSX.Element | null {
  rows.revision.value;
  const count = rows.all.size;
  if (!rows.complete.value) return null;
  return (
    <span class="count">
      <span aria-hidden="true">{format.value.number(count)}</span>
      <span class="unseen">{words.value.nav.rows(count)}</span>
    </span>
  );
}

/** In one word, how far what is shown can be trusted. */
function LiveState(): JSX.Element {
  const t = words.value.live;
  const state = feed.state.value;
  const index = status.value.value?.index;
  if (state.kind === "stale") {
    const since = format.value.moment(state.since, now.value);
    return (
      <p class="live warn">
        <Symbol name="clock" /> <span>{t.stale(since)}</span>
      </p>
    );
  }
  if (state.kind === "connecting" && tooMany.value) {
    return (
      <p class="live quiet">
        <Symbol name="dots" /> <span>{words.value.hosts.choose}</span>
      </p>
    );
  }
  if (state.kind === "connecting") {
    return (
      <p class="live quiet">
        <Symbol name="dots" /> <span>{t.connecting}</span>
      </p>
    );
  }
  const silent = silentHosts.value.length;
  if (silent > 0) {
    return (
      <p class="live warn">
        <Symbol name="question" /> <span>{words.value.hosts.silent(silent)}</span>
      </p>
    );
  }
  if (index !== undefined && !index.fresh && index.reason !== null) {
    return (
      <p class="live warn">
        <Symbol name="alert" /> <span>{t.unsure(wordOf(t.reasons, index.reason))}</span>
      </p>
    );
  }
  return (
    <p class="live good">
      <Symbol name="disc" /> <span>{t.live}</span>
    </p>
  );
}

/** The same over the page, where it must not be missed. */
function Stale(): JSX.Element | null {
  const t = words.value.live;
  const state = feed.state.value;
  if (state.kind !== "stale") return null;
  return (
    <div class="banner warn" role="status">
      <Symbol name="clock" />
      <div>
        <p class="title">{t.staleTitle}</p>
        <p>{t.staleText(format.value.moment(state.since, now.value))}</p>
      </div>
    </div>
  );
}

function Help(): JSX.Element {
  const t = words.value.keyboard;
  return (
    <Dialog title={t.title} onClose={() => helpOpen.value = false}>
      <dl class="keys">
        {t.list.map(([key, what]) => <Fact key={key} name={<kbd>{key}</kbd>}>{what}</Fact>)}
      </dl>
      <p class="muted">{t.off}</p>
    </Dialog>
  );
}

/** An anvil of three strokes. */
export function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
      <path d="M2 6h15a5 5 0 0 1-5 5h-1v4h4v4H5v-4h3v-4.2A7 7 0 0 1 2 6z" />
      <path d="M19 6h3v2a4 4 0 0 1-4.4 3.9A7 7 0 0 0 19 6z" />
    </svg>
  );
}
