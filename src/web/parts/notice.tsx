/**
 * What stands where there is nothing to show: nothing yet, nothing that matches, on its way, failed.
 * Each is a state that was thought of, not an empty page; a list that was asked for has all of them.
 *
 * @module
 */

import type { ComponentChildren, JSX } from "preact";
import type { AskError } from "../ask_error.ts";
import type { Loaded } from "../latest.ts";
import { words } from "../words/words.ts";
import { Symbol } from "./symbol.tsx";

/** Nothing, and what to do about it. */
export function Empty(
  { title, text, children }: { title: string; text?: string; children?: ComponentChildren },
): JSX.Element {
  return (
    <div class="notice">
      <p class="title">{title}</p>
      {text !== undefined && <p>{text}</p>}
      {children}
    </div>
  );
}

/** On its way. */
export function Loading({ text }: { text?: string }): JSX.Element {
  return (
    <div class="notice loading" role="status">
      <p>{text ?? words.value.common.loading}</p>
    </div>
  );
}

/** It failed; once more. */
export function Failed({ error, retry }: { error: AskError; retry?: () => void }): JSX.Element {
  const t = words.value.common;
  return (
    <div class="notice failed" role="alert">
      <p class="title">
        <Symbol name="alert" /> {t.failed}
      </p>
      <p>{textOf(error)}</p>
      {error.hint !== "" && <p class="muted">{error.hint}</p>}
      {retry !== undefined && <button type="button" onClick={retry}>{t.retry}</button>}
    </div>
  );
}

/** A list that was asked for: how far it has come, `none` where there is nothing, else its items. */
export function Items<Item>(
  { loaded: { value, error }, retry, none, children }: {
    loaded: Pick<Loaded<readonly Item[]>, "value" | "error">;
    retry: () => void;
    none: JSX.Element;
    /** One of them, a list item with a key. */
    children: (item: Item) => JSX.Element;
  },
): JSX.Element {
  if (error !== null) return <Failed error={error} retry={retry} />;
  if (value === null) return <Loading />;
  if (value.length === 0) return none;
  return <ul class="items">{value.map((item) => children(item))}</ul>;
}

/** What a request failed with, for a person. */
export function textOf(error: AskError): string {
  const t = words.value.common;
  if (error.code === "unreachable") return t.unreachable;
  if (error.status === 403) return t.forbidden;
  return error.message;
}
