/**
 * The dashboard in English. What the keys are, the other languages follow.
 *
 * @module
 */

import { EN_ADDING } from "./en/adding.ts";
import { EN_FRAME } from "./en/frame.ts";
import { EN_HOSTS } from "./en/hosts.ts";
import { EN_ROWS } from "./en/rows.ts";
import { EN_SETTINGS } from "./en/settings.ts";
import { EN_STATES } from "./en/states.ts";

/** Every word that is shown. */
export const ENGLISH:
  & typeof EN_FRAME
  & typeof EN_STATES
  & typeof EN_ROWS
  & typeof EN_ADDING
  & typeof EN_HOSTS
  & typeof EN_SETTINGS = {
    ...EN_FRAME,
    ...EN_STATES,
    ...EN_ROWS,
    ...EN_ADDING,
    ...EN_HOSTS,
    ...EN_SETTINGS,
  };
