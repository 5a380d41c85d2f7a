/**
 * What was to become of a SIGHUP when the process began, which is to be imported before anything that
 * takes its time: run from its sources, Deno takes that signal for itself half a second after its start.
 *
 * @module
 */

import { isSignalIgnored } from "./libc.ts";

const SIGHUP = 1;

/** Whether it was ignored, as `nohup` has it. */
export const HANGUP_IGNORED: boolean = isSignalIgnored(SIGHUP);
