/**
 * To come.
 *
 * @module
 */

import type { JSX } from "preact";
import { Page } from "../parts/page.tsx";
import { words } from "../words/words.ts";

/** The page. */
export function AddPage(_: { id?: string }): JSX.Element {
  return <Page title={words.value.nav.overview} id="add">{null}</Page>;
}
