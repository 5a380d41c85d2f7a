/**
 * The dictionary of the language that is chosen. English says which words there are; a language that
 * lacks one does not compile.
 *
 * @module
 */

import type { Readable } from "../readable.ts";
import { computed } from "@preact/signals";
import { language } from "../settings_here.ts";
import { ENGLISH } from "./en.ts";
import { RUSSIAN } from "./ru.ts";

/** Every word that is shown. */
export type Dictionary = typeof ENGLISH;

/** Read within a component, so that it is drawn anew in another language. */
export const words: Readable<Dictionary> = computed(() =>
  language.value === "ru" ? RUSSIAN : ENGLISH
);

/** A word for a value that may be one of the future: then the value itself. */
export function wordOf(table: Readonly<Record<string, string>>, value: string): string {
  return Object.hasOwn(table, value) ? table[value]! : value;
}
