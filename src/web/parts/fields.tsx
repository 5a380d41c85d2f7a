/**
 * What forms are made of: a line of text, one of several, some of many. Must not know what is entered.
 *
 * @module
 */

import type { JSX } from "preact";
import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { words } from "../words/words.ts";

/** What can be chosen. */
export interface Option {
  /** What is meant by it. */
  readonly id: string;
  /** What it is called. */
  readonly name: string;
}

/** A line of text, with what is said of it. */
export function Field(
  { label, hint, error, value, type = "text", onInput }: {
    label: string;
    hint?: string;
    error?: string;
    value: string;
    type?: "text" | "password" | "number";
    onInput: (text: string) => void;
  },
): JSX.Element {
  const id = useId();
  const shared = {
    ...{ id, value, autocomplete: "off", spellcheck: false },
    "aria-invalid": error !== undefined && error !== "",
    "aria-describedby": `${id}-hint ${id}-error`,
    onInput: (event: { currentTarget: HTMLInputElement }) => onInput(event.currentTarget.value),
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {type === "password"
        ? <input {...shared} type="password" />
        // A field of numbers would swallow what is none instead of having it corrected.
        : <input {...shared} type="text" inputMode={type === "number" ? "numeric" : "text"} />}
      {hint !== undefined && <p id={`${id}-hint`} class="hint">{hint}</p>}
      <p id={`${id}-error`} class="error" role="alert">{error}</p>
    </div>
  );
}

/** What a choice of one is made of. */
interface Choice {
  readonly label: string;
  readonly options: readonly Option[];
  /** Id of one of them. */
  readonly chosen: string;
  readonly onChange: (id: string) => void;
}

/** One of a few, all in sight. */
export function OneOf({ label, options, chosen, onChange }: Choice): JSX.Element {
  const group = useId();
  return (
    <fieldset class="choices">
      <legend>{label}</legend>
      {options.map(({ id, name }) => (
        <label key={id}>
          <input type="radio" name={group} checked={chosen === id} onChange={() => onChange(id)} />
          {name}
        </label>
      ))}
    </fieldset>
  );
}

/** One of many. */
export function Select({ label, options, chosen, onChange }: Choice): JSX.Element {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={chosen} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map((option) => <option key={option.id} value={option.id}>{option.name}</option>)}
      </select>
    </div>
  );
}

/** More options than this are searched. */
const MOST_AT_ONCE = 12;
/** More than this nobody looks through. */
const MOST_SHOWN = 50;

/** All of them, or some; null is all. */
export function Several(
  { label, all, options, chosen, onChange }: {
    label: string;
    /** What all of them are called. */
    all: string;
    options: readonly Option[];
    chosen: ReadonlySet<string> | null;
    onChange: (chosen: ReadonlySet<string> | null) => void;
  },
): JSX.Element {
  const t = words.value.form;
  const group = useId();
  const search = useSignal("");
  const wanted = search.value.trim().toLowerCase();
  const known = new Set(options.map(({ id }) => id));
  // What was chosen and is no more must be seen to be un-chosen.
  const gone = [...chosen ?? []].filter((id) => !known.has(id)).map((id) => ({ id, name: id }));
  const found = [...gone, ...options].filter(({ id, name }) =>
    chosen?.has(id) || name.toLowerCase().includes(wanted)
  );
  const toggle = (id: string) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    onChange(next);
  };
  return (
    <fieldset class="choices">
      <legend>{label}</legend>
      <label>
        <input
          type="radio"
          name={group}
          checked={chosen === null}
          onChange={() => onChange(null)}
        />
        {all}
      </label>
      <label>
        <input
          type="radio"
          name={group}
          checked={chosen !== null}
          onChange={() => onChange(new Set())}
        />
        {t.onlyThese}
      </label>
      {chosen !== null && (
        <div class="checks">
          {options.length > MOST_AT_ONCE && (
            <input
              type="search"
              aria-label={`${t.find}: ${label}`}
              placeholder={t.find}
              value={search.value}
              onInput={(event) => search.value = event.currentTarget.value}
            />
          )}
          {found.slice(0, MOST_SHOWN).map(({ id, name }) => (
            <label key={id}>
              <input type="checkbox" checked={chosen.has(id)} onChange={() => toggle(id)} />
              {name}
            </label>
          ))}
          {found.length > MOST_SHOWN && <p class="hint">{t.more(found.length - MOST_SHOWN)}</p>}
        </div>
      )}
    </fieldset>
  );
}
