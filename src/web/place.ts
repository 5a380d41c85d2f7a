/**
 * Where the reader is: the address bar is the only place where a page, its filters and what is
 * opened are kept, so that reload, Back and a pasted link show the same. Must not know a page.
 *
 * @module
 */

import type { Readable } from "./readable.ts";
import { computed, signal } from "@preact/signals";

/** The path that the dashboard is served under, `/` or `/prefix/`. */
export const BASE: string = `${document.documentElement.dataset["base"] ?? ""}/`;

interface Address {
  /** Below {@linkcode BASE}, with a leading slash. */
  readonly path: string;
  /** Without the question mark. */
  readonly search: string;
}

const address = signal<Address>(read());

/** The page's path below {@linkcode BASE}, decoded by who reads it. */
export const path: Readable<string> = computed(() => address.value.path);

/** The page's query. */
export const query: Readable<URLSearchParams> = computed(() =>
  new URLSearchParams(address.value.search)
);

/** Asked before a page is left; false keeps the reader where they are. */
let guard: (() => boolean) | null = null;

/** Sets what is asked before this page is left for another; null: nothing. */
export function guardLeaving(ask: (() => boolean) | null): void {
  guard = ask;
}

/** An address for a link. */
export function href(path: string, params: Readonly<Record<string, string>> = {}): string {
  const search = searchOf(new URLSearchParams(params));
  return `${BASE.slice(0, -1)}${path}${search === "" ? "" : `?${search}`}`;
}

/** Goes to an address of {@linkcode href}. */
export function go(to: string, { replace = false }: { replace?: boolean } = {}): void {
  const target = new URL(to, location.href);
  const leaves = target.pathname !== location.pathname;
  if (leaves && guard !== null && !guard()) return;
  if (leaves) guard = null;
  history[replace ? "replaceState" : "pushState"](null, "", target.pathname + target.search);
  address.value = read();
  if (leaves) scrollTo(0, 0);
}

/** Changes parameters of the query: null or empty takes one away. */
export function setQuery(
  changes: Readonly<Record<string, string | null>>,
  options: { replace?: boolean } = {},
): void {
  const next = new URLSearchParams(query.peek());
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") next.delete(name);
    else next.set(name, value);
  }
  const search = searchOf(next);
  if (search === searchOf(query.peek())) return;
  go(`${location.pathname}${search === "" ? "" : `?${search}`}`, options);
}

/** Follows Back, Forward and links within the dashboard; called once. */
export function followAddress(): void {
  let shown = location.href;
  addEventListener("popstate", () => {
    const leaves = new URL(shown).pathname !== location.pathname;
    if (leaves && guard !== null && !guard()) {
      history.pushState(null, "", shown);
      return;
    }
    if (leaves) guard = null;
    address.value = read();
    shown = location.href;
  });
  address.subscribe(() => shown = location.href);
  addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest?.("a");
    if (!link || link.origin !== location.origin || link.target || link.download) return;
    if (!link.pathname.startsWith(BASE)) return;
    event.preventDefault();
    if (link.href !== location.href) go(link.pathname + link.search);
  });
}

function read(): Address {
  return {
    path: `/${location.pathname.slice(BASE.length)}`,
    search: location.search.slice(1),
  };
}

/** With commas and slashes as they are: an address is for people, too. */
function searchOf(params: URLSearchParams): string {
  return params.toString().replaceAll("%2C", ",").replaceAll("%2F", "/").replaceAll("%3A", ":");
}
