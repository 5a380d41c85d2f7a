/**
 * What an event announces of its container's state, and whether a row shows it: the Engine announces
 * some changes before its listing has them. Pure; must not say what a state is, that is read.
 *
 * @module
 */

/** What a container has become: it ended, is gone, runs, or is paused. */
export type Announced = "ended" | "gone" | "runs" | "paused";

/**
 * By action. Not `restart`: it is told when all is over, and what was started may have ended before.
 * Not `kill` and `oom`: where they end a container, `die` says so.
 */
const ANNOUNCED: Readonly<Record<string, Announced>> = {
  die: "ended",
  stop: "ended",
  destroy: "gone",
  start: "runs",
  unpause: "runs",
  pause: "paused",
};

/** States of rows that the Engine is yet to list otherwise. */
const LAGGING: Readonly<Record<Announced, ReadonlySet<string>>> = {
  ended: new Set(["running", "paused"]),
  gone: new Set(["running", "paused", "stopped", "completed", "created", "restarting", "removing"]),
  runs: new Set(["created", "stopped", "completed", "restarting", "paused"]),
  paused: new Set(["running"]),
};

/** What an event with this action announces; null when it says nothing of the state. */
export function announcedBy(action: string): Announced | null {
  return Object.hasOwn(ANNOUNCED, action) ? ANNOUNCED[action]! : null;
}

/** Whether a row in this state does not show yet what was announced. */
export function lags(state: string | null, announced: Announced | null): boolean {
  return state !== null && announced !== null && LAGGING[announced].has(state);
}
