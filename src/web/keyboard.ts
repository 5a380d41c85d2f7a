/**
 * Single keys: `/` to the search, `j` and `k` through the rows, `?` for help. Off where a reader
 * turned them off, and wherever somebody is typing.
 *
 * @module
 */

import type { Writable } from "./readable.ts";
import { signal } from "@preact/signals";
import { go, href } from "./place.ts";
import { keys } from "./settings_here.ts";

/** Whether the help is open. */
export const helpOpen: Writable<boolean> = signal(false);

/** Whether the search was asked for on a page without one. */
let searchWanted = false;

/** Whether a search that has just been drawn is what was asked for; said once. */
export function takeSearch(): boolean {
  const wanted = searchWanted;
  searchWanted = false;
  return wanted;
}

/** Listens; called once. */
export function listenToKeys(): void {
  addEventListener("keydown", (event) => {
    if (keys.value === "off" || event.defaultPrevented) return;
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "/") toSearch();
    else if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (event.key === "?") helpOpen.value = true;
    else return;
    event.preventDefault();
  });
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement &&
    (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName) &&
        !/^(?:checkbox|radio|button)$/.test((target as HTMLInputElement).type));
}

function toSearch(): void {
  const here = document.querySelector<HTMLInputElement>("main input[type=search]");
  if (here) return here.select();
  searchWanted = true;
  go(href("/containers"));
}

/** To the row after or before the one that has the focus, by what opens it. */
function step(by: 1 | -1): void {
  const items = [...document.querySelectorAll<HTMLElement>("main [data-row]")];
  if (items.length === 0) return;
  const at = items.findIndex((item) => item.contains(document.activeElement));
  const next = at < 0 ? (by > 0 ? 0 : items.length - 1) : at + by;
  const item = items[Math.min(Math.max(next, 0), items.length - 1)]!;
  const focused = item.querySelector<HTMLElement>("[data-open], a, button");
  focused?.focus();
  item.scrollIntoView({ block: "nearest" });
}
