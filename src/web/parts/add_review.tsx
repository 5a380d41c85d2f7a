/**
 * The middle of adding: names and what else is entered, then a look at all of it before the server
 * is asked to do it.
 *
 * @module
 */

import type { JSX } from "preact";
import { type Signal, useSignal } from "@preact/signals";
import { add, type Adding, type Fields, MAX_NAME, stagesOf, type Wanted } from "../adding.ts";
import { refreshAll } from "../live/index_state.ts";
import { wordOf, words } from "../words/words.ts";
import { useDoing } from "./doing.ts";
import { Fact } from "./fact.tsx";
import { Field } from "./fields.tsx";

/** The form. */
export function SetUp({ adding, what }: { adding: Signal<Adding>; what: Wanted }): JSX.Element {
  const t = words.value.add;
  const error = useSignal("");
  const name = what.by === "making" ? what.fields.name : what.items[0]!.as;
  const change = (next: Wanted) => adding.value = { step: "setup", what: next };
  const rename = (text: string) => {
    error.value = "";
    if (what.by === "making") change({ ...what, fields: { ...what.fields, name: text } });
    else change({ ...what, items: [{ ...what.items[0]!, as: text }] });
  };
  const set = (field: keyof Fields) => (text: string) => {
    if (what.by === "making") change({ ...what, fields: { ...what.fields, [field]: text } });
  };
  const submit = (event: Event) => {
    event.preventDefault();
    const trimmed = name.trim();
    error.value = trimmed === "" ? t.needName : trimmed.length > MAX_NAME ? t.badName : "";
    if (error.peek() !== "") {
      return (event.currentTarget as HTMLFormElement).querySelector("input")?.focus();
    }
    rename(trimmed);
    adding.value = { step: "review", what: (adding.peek() as { what: Wanted }).what };
  };
  return (
    <form class="form" onSubmit={submit} noValidate>
      <Field label={t.name} hint={t.nameHint} error={error.value} value={name} onInput={rename} />
      {what.by === "making" && what.kind === "stack" && (
        <Field
          label={t.composeProject}
          hint={t.composeHint}
          value={what.fields.composeProjectName}
          onInput={set("composeProjectName")}
        />
      )}
      {what.by === "making" && what.kind === "site" && (
        <>
          <Field label={t.domain} value={what.fields.domain} onInput={set("domain")} />
          <Field
            label={t.containerName}
            hint={t.containerNameHint}
            value={what.fields.containerName}
            onInput={set("containerName")}
          />
        </>
      )}
      {what.by === "making" && what.kind === "project" && (
        <Field
          label={t.stages}
          hint={t.stagesHint}
          value={what.fields.stages}
          onInput={set("stages")}
        />
      )}
      <div class="actions">
        <button type="submit" class="primary">{t.next}</button>
        <button type="button" onClick={() => adding.value = { step: "choose" }}>{t.back}</button>
      </div>
    </form>
  );
}

/** A look at it. */
export function Review({ adding, what }: { adding: Signal<Adding>; what: Wanted }): JSX.Element {
  const t = words.value.add;
  const { busy, run } = useDoing();
  const submit = () =>
    run(async () => {
      const made = await add(what);
      refreshAll();
      adding.value = { step: "wait", made };
    });
  const single = what.by === "making" || what.items.length === 1;
  return (
    <section>
      <p>{what.by === "taking" ? t.reviewTake : t.review}</p>
      {what.by === "taking" ? <Taken what={what} /> : <Entered what={what} />}
      <div class="actions">
        <button type="button" class="primary" aria-disabled={busy.value} onClick={submit}>
          {what.by === "taking" ? t.take : t.register}
        </button>
        <button
          type="button"
          onClick={() => adding.value = single ? { step: "setup", what } : { step: "choose" }}
        >
          {t.back}
        </button>
      </div>
    </section>
  );
}

function Taken({ what }: { what: Extract<Wanted, { by: "taking" }> }): JSX.Element {
  const t = words.value;
  return (
    <ul class="lines">
      {what.items.map(({ candidate: { name, kind, containers }, as }) => (
        <li key={name} class="line">
          <strong>{as}</strong>
          <span class="muted">
            {`${wordOf(t.kind, kind)}, ${t.nav.rows(containers.length)}`}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Entered({ what }: { what: Extract<Wanted, { by: "making" }> }): JSX.Element {
  const t = words.value;
  const { kind, fields } = what;
  const facts: [string, string][] = [
    [t.add.name, fields.name],
    [t.containers.facets.kind, wordOf(t.kind, kind)],
    ...kind === "stack"
      ? [[t.add.composeProject, fields.composeProjectName] as [string, string]]
      : [],
    ...kind === "site"
      ? [
        [t.workload.domain, fields.domain] as [string, string],
        [t.workload.containerName, fields.containerName] as [string, string],
      ]
      : [],
    ...kind === "project"
      ? [[t.workload.stages, stagesOf(fields).join(", ")] as [string, string]]
      : [],
  ];
  return (
    <dl class="facts-list">
      {facts.filter(([, value]) => value.trim() !== "").map(([name, value]) => (
        <Fact key={name} name={name}>{value}</Fact>
      ))}
    </dl>
  );
}
