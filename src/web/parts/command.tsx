/**
 * Something to be copied: a command, labels, an address. Says that it was copied when it was.
 *
 * @module
 */

import type { JSX } from "preact";
import { useSignal } from "@preact/signals";
import { words } from "../words/words.ts";
import { say } from "./announcer.tsx";
import { Symbol } from "./symbol.tsx";

const SAID_MS = 2000;

/** The text as it is, and a button that copies it. */
export function Command({ text, label }: { text: string; label?: string }): JSX.Element {
  const t = words.value.common;
  const copied = useSignal(false);
  const copy = async () => {
    if (!await copyText(text)) return;
    copied.value = true;
    say(t.copied);
    setTimeout(() => copied.value = false, SAID_MS);
  };
  return (
    <div class="command">
      <pre tabIndex={0} aria-label={label ?? text}><code>{text}</code></pre>
      <button type="button" class="quiet" onClick={copy} aria-label={`${t.copy}: ${label ?? text}`}>
        <Symbol name={copied.value ? "tick" : "copy"} />
        <span>{copied.value ? t.copied : t.copy}</span>
      </button>
    </div>
  );
}

/** Over plain HTTP a browser has no clipboard for us; then a selection is copied, as ever. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "unseen";
    const had = document.activeElement;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (had instanceof HTMLElement) had.focus();
    return done;
  }
}
