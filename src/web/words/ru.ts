/**
 * The dashboard in Russian.
 *
 * @module
 */

import type { ENGLISH } from "./en.ts";
import { RU_ADDING } from "./ru/adding.ts";
import { RU_FRAME } from "./ru/frame.ts";
import { RU_HOSTS } from "./ru/hosts.ts";
import { RU_ROWS } from "./ru/rows.ts";
import { RU_SETTINGS } from "./ru/settings.ts";
import { RU_STATES } from "./ru/states.ts";

/** Every word that is shown. */
export const RUSSIAN: typeof ENGLISH = {
  ...RU_FRAME,
  ...RU_STATES,
  ...RU_ROWS,
  ...RU_ADDING,
  ...RU_HOSTS,
  ...RU_SETTINGS,
};
