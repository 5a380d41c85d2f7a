/**
 * What a reader chose for this browser: language, theme, keys. Kept in it, never sent. Must not know a
 * page.
 *
 * @module
 */

import type { Writable } from "./readable.ts";
import { effect, signal } from "@preact/signals";

/** A language that there is a dictionary of. */
export type Language = "en" | "ru";

/** `system`: as the system says. */
export type Theme = "system" | "light" | "dark";

/** The language of every text. */
export const language: Writable<Language> = signal<Language>(
  chosen("language", ["en", "ru"]) ?? browserLanguage(),
);

/** Light or dark. */
export const theme: Writable<Theme> = signal<Theme>(
  chosen("theme", ["system", "light", "dark"]) ?? "system",
);

/** Whether single keys do something: for who dictates, they must not. */
export const keys: Writable<"on" | "off"> = signal<"on" | "off">(
  chosen("keys", ["on", "off"]) ?? "on",
);

/** Shows what is chosen and keeps it; called once. */
export function applySettings(): void {
  const root = document.documentElement;
  effect(() => {
    root.lang = language.value;
    keep("language", language.value);
  });
  effect(() => {
    if (theme.value === "system") root.removeAttribute("data-theme");
    else root.dataset["theme"] = theme.value;
    keep("theme", theme.value);
  });
  effect(() => keep("keys", keys.value));
}

function chosen<Value extends string>(name: string, values: readonly Value[]): Value | null {
  try {
    const value = localStorage.getItem(`tinyforge.${name}`);
    return values.find((each) => each === value) ?? null;
  } catch {
    // A browser may keep nothing; then nothing is remembered.
    return null;
  }
}

function keep(name: string, value: string): void {
  try {
    localStorage.setItem(`tinyforge.${name}`, value);
  } catch {
    // As above.
  }
}

function browserLanguage(): Language {
  for (const tag of navigator.languages) {
    const short = tag.toLowerCase().split("-")[0];
    if (short === "ru" || short === "en") return short;
  }
  return "en";
}
