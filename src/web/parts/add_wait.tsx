/**
 * The last step of adding: what to start now, and the containers as they appear.
 *
 * @module
 */

import type { JSX } from "preact";
import type { Signal } from "@preact/signals";
import type { Adding, Made, MadeWorkload } from "../adding.ts";
import { undoOf } from "../commands.ts";
import { shellCommand } from "../../shell_word.ts";
import { rows } from "../live/index_state.ts";
import type { Row } from "../live/rows.ts";
import { href } from "../place.ts";
import { wordOf, words } from "../words/words.ts";
import { Command } from "./command.tsx";
import { labelsText } from "./connection.tsx";
import { placeText } from "./row_table.tsx";
import { State } from "./state.tsx";
import { Symbol } from "./symbol.tsx";

/** Containers of one workload that are named. */
const MOST_NAMED = 8;

/** The step. */
export function Wait({ adding, made }: { adding: Signal<Adding>; made: Made }): JSX.Element {
  const t = words.value.add;
  return (
    <section>
      {made.workloads.map((workload) => (
        <Arriving key={workload.id} workload={workload} fresh={made.fresh} />
      ))}
      {made.skipped.map(({ name, reason }) => (
        <p key={name} class="state bad">
          <Symbol name="alert" /> <span>{`${name}: ${reason}`}</span>
        </p>
      ))}
      <div class="actions">
        <button type="button" onClick={() => adding.value = { step: "choose" }}>{t.another}</button>
      </div>
    </section>
  );
}

function Arriving({ workload, fresh }: { workload: MadeWorkload; fresh: boolean }): JSX.Element {
  const t = words.value;
  rows.revision.value;
  const { id, name, kind } = workload;
  const members = [...rows.all.values()].filter((row) => row.workloadId === id);
  const seen = members.filter(({ state }) => state !== "absent" && state !== "pending");
  const undo = fresh || workload.again ? null : undoOf(workload);
  return (
    <div class="card arriving">
      <div class="heading">
        <h3>{name}</h3>
        <span class="muted">{wordOf(t.kind, kind)}</span>
      </div>
      {fresh && seen.length === 0 && <HowToStart workload={workload} />}
      <div role="status">
        {seen.length === 0
          ? (
            <p class="waiting">
              <Symbol name="dots" /> {t.add.waiting} <span class="muted">{t.add.waitingText}</span>
            </p>
          )
          : (
            <p class="state good">
              <Symbol name="tick" /> <span>{t.add.arrived}</span>
            </p>
          )}
      </div>
      {seen.length > 0 && <Seen rows={seen} />}
      <p>
        <a href={href(`/workloads/${encodeURIComponent(id)}`)}>{t.add.open(name)}</a>
      </p>
      {undo !== null && (
        <div class="stack tight">
          <p class="muted">{t.add.undo}</p>
          <Command text={undo} label={t.add.undo} />
        </div>
      )}
    </div>
  );
}

function HowToStart({ workload }: { workload: MadeWorkload }): JSX.Element {
  const t = words.value.add;
  const { composeProjectName } = workload;
  const up = composeProjectName === null
    ? null
    : shellCommand(["docker", "compose", "-p"], [composeProjectName]);
  return (
    <div class="stack tight">
      <p>{up === null ? t.paste : t.pasteCompose}</p>
      {up === null
        ? <Command text={labelsText(workload)} label={t.paste} />
        : <Command text={`${up} up -d`} label={t.pasteCompose} />}
    </div>
  );
}

function Seen({ rows }: { rows: readonly Row[] }): JSX.Element {
  return (
    <ul class="lines">
      {rows.slice(0, MOST_NAMED).map((row) => (
        <li key={row.id} class="line">
          <span>{row.name || placeText(row)}</span>
          <State state={row.state} health={row.health} exitCode={row.exitCode} />
        </li>
      ))}
      {rows.length > MOST_NAMED && <li class="muted">{words.value.nav.rows(rows.length)}</li>}
    </ul>
  );
}
