/**
 * The first step of adding: what runs and belongs to nothing yet, or something new.
 *
 * @module
 */

import type { JSX } from "preact";
import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type Adding, NO_FIELDS } from "../adding.ts";
import { ask } from "../ask.ts";
import { Latest } from "../latest.ts";
import type { Candidate, Note } from "../../core/discover.ts";
import { WORKLOAD_KINDS } from "../../model/workload.ts";
import type { DiscoverAnswer } from "../../server/adopt_schema.ts";
import { wordOf, words } from "../words/words.ts";
import { Failed, Loading } from "./notice.tsx";
import { State } from "./state.tsx";
import { Symbol } from "./symbol.tsx";

const discovered = new Latest<DiscoverAnswer>((_, signal) =>
  ask<DiscoverAnswer>("/api/discover", { signal })
);

/** Containers of a candidate that are named. */
const MOST_NAMED = 6;

/** The step. */
export function Choose({ adding }: { adding: Signal<Adding> }): JSX.Element {
  const t = words.value.add;
  useEffect(() => void discovered.ask("all", { again: true }), []);
  return (
    <>
      <section>
        <h3 class="large">{t.found}</h3>
        <p class="muted">{t.foundText}</p>
        <Found adding={adding} />
      </section>
      <section>
        <h3 class="large">{t.fresh}</h3>
        <p class="muted">{t.freshText}</p>
        <ul class="kinds">
          {WORKLOAD_KINDS.map((kind) => (
            <li key={kind}>
              <button
                type="button"
                class="card choice"
                onClick={() =>
                  adding.value = { step: "setup", what: { by: "making", kind, fields: NO_FIELDS } }}
              >
                <span class="title">
                  <Symbol name="plus" /> {wordOf(words.value.kind, kind)}
                </span>
                <span class="muted">{t.choices[kind]}</span>
              </button>
            </li>
          ))}
        </ul>
      </section>
    </>
  );
}

function Found({ adding }: { adding: Signal<Adding> }): JSX.Element {
  const t = words.value.add;
  const chosen = useSignal<ReadonlySet<string>>(new Set());
  const { value, error } = discovered.state.value;
  if (error !== null && value === null) {
    return error.status === 404
      ? <p class="muted">{t.foundLater}</p>
      : <Failed error={error} retry={() => discovered.ask("all", { again: true })} />;
  }
  if (value === null) return <Loading text={t.looking} />;
  const { candidates, leftOut } = value;
  const picked = candidates.filter(({ name }) => chosen.value.has(name));
  const take = (which: readonly Candidate[]) => {
    const items = which.map((candidate) => ({ candidate, as: candidate.name }));
    const step = items.length === 1 ? "setup" : "review";
    adding.value = { step, what: { by: "taking", items } };
  };
  const toggle = (name: string) => {
    const next = new Set(chosen.peek());
    if (!next.delete(name)) next.add(name);
    chosen.value = next;
  };
  return (
    <>
      {candidates.length === 0 ? <p>{t.foundNone}</p> : (
        <>
          <ul class="candidates">
            {candidates.map((candidate) => (
              <CandidateLine
                key={candidate.name}
                candidate={candidate}
                on={chosen.value.has(candidate.name)}
                onToggle={() => toggle(candidate.name)}
              />
            ))}
          </ul>
          <div class="actions">
            <button
              type="button"
              class="primary"
              onClick={() => take(picked.length > 0 ? picked : candidates)}
            >
              {t.takeAll(picked.length > 0 ? picked.length : candidates.length)}
            </button>
          </div>
        </>
      )}
      {leftOut.length > 0 && (
        <details class="more">
          <summary>{t.leftOut(leftOut.length)}</summary>
          <ul class="lines">
            {leftOut.map(({ container, reason }, i) => (
              <li key={i} class="line">
                <span>{container}</span>
                <span class="muted">{wordOf(t.leftOutReason, reason)}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function CandidateLine(
  { candidate, on, onToggle }: { candidate: Candidate; on: boolean; onToggle: () => void },
): JSX.Element {
  const t = words.value;
  const { name, kind, by, containers, notes } = candidate;
  return (
    <li class={`card candidate ${on ? "on" : ""}`} data-row>
      <label>
        <input type="checkbox" data-open checked={on} onChange={onToggle} />
        <span class="title">{name}</span>
        <span class="muted">{`${wordOf(t.kind, kind)}, ${wordOf(t.add.by, by)}`}</span>
      </label>
      <ul class="lines">
        {containers.slice(0, MOST_NAMED).map((container) => (
          <li key={container.id} class="line">
            <span>{container.name || container.role}</span>
            <State state={container.state === "exited" ? "stopped" : container.state} />
          </li>
        ))}
        {containers.length > MOST_NAMED && <li class="muted">{t.nav.rows(containers.length)}</li>}
      </ul>
      {notes.map((note) => (
        <p key={note.code} class="state warn">
          <Symbol name="low" /> <span>{noteText(note)}</span>
        </p>
      ))}
    </li>
  );
}

function noteText(note: Note): string {
  const text = wordOf(words.value.add.notes, note.code);
  if (note.code === "renamed") return `${text} (${note.from})`;
  return note.code === "several-directories" ? `${text}: ${note.directories.join(", ")}` : text;
}
