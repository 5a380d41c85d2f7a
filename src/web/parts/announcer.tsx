/**
 * What is said to who listens, and shown to who looks, about what was just done or has just happened.
 *
 * @module
 */

import type { JSX } from "preact";
import { signal } from "@preact/signals";
import { words } from "../words/words.ts";
import { Symbol } from "./symbol.tsx";

const said = signal("");
const toast = signal<{ readonly text: string; readonly bad: boolean } | null>(null);
let timer: ReturnType<typeof setTimeout> | undefined;

const SHOWN_MS = 8000;

/** Says it to who listens; nothing is shown. */
export function say(text: string): void {
  // The same words twice are said twice only if they change in between.
  said.value = said.value === text ? `${text}\u00a0` : text;
}

/** Shows what came of something, and says it. */
export function tell(text: string, { bad = false } = {}): void {
  toast.value = { text, bad };
  say(text);
  clearTimeout(timer);
  // What failed stays until it was read.
  if (!bad) timer = setTimeout(() => toast.value = null, SHOWN_MS);
}

/** The live region and the place of what was done. */
export function Announcer(): JSX.Element {
  const shown = toast.value;
  return (
    <>
      <div class="unseen" role="status" aria-live="polite">{said.value}</div>
      {shown !== null && (
        <div class={`toast ${shown.bad ? "bad" : "good"}`}>
          <Symbol name={shown.bad ? "alert" : "tick"} />
          <p>{shown.text}</p>
          <button type="button" class="quiet" onClick={() => toast.value = null}>
            {words.value.common.close}
          </button>
        </div>
      )}
    </>
  );
}
