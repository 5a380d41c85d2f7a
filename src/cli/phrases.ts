/**
 * How rows, counts and times are said to people: the same everywhere. Pure.
 *
 * @module
 */

import type { Refusal } from "../model/pass.ts";
import type { ContainerView } from "../model/views.ts";
import type { Style } from "./output.ts";
import type { Cell } from "./table.ts";
import { quote } from "../text.ts";

const STATES: Readonly<Record<string, { symbol: string; style: Style }>> = {
  running: { symbol: "●", style: "good" },
  stopped: { symbol: "○", style: "warn" },
  completed: { symbol: "✓", style: "good" },
  missing: { symbol: "✗", style: "bad" },
  absent: { symbol: "✗", style: "bad" },
  pending: { symbol: "◌", style: "faint" },
  created: { symbol: "◌", style: "faint" },
  paused: { symbol: "‖", style: "warn" },
  restarting: { symbol: "↻", style: "warn" },
  removing: { symbol: "○", style: "faint" },
  removed: { symbol: "✗", style: "faint" },
  retired: { symbol: "✗", style: "faint" },
};
const UNKNOWN_STATE = { symbol: "?", style: "faint" } as const;

/** States that a row can be in, whatever the Engine thinks up besides; in the order to show. */
export const KNOWN_STATES: readonly string[] = Object.keys(STATES)
  .filter((state) => state !== "removed" && state !== "retired");

/** The symbol of a state. */
export function symbolOf(state: string): string {
  return (Object.hasOwn(STATES, state) ? STATES[state]! : UNKNOWN_STATE).symbol;
}

/** Counts by state in the order to show; states that nobody knows at the end, by name. */
export function inOrder(states: Readonly<Record<string, number>>): [string, number][] {
  const known = KNOWN_STATES.filter((state) => Object.hasOwn(states, state));
  const others = Object.keys(states).filter((state) => !known.includes(state)).sort();
  return [...known, ...others].map((state) => [state, states[state]!]);
}

/** A state by symbol and word, with the exit code of what stopped. */
export function stateCell(state: string, exitCode: number | null = null): Cell {
  const { symbol, style } = Object.hasOwn(STATES, state) ? STATES[state]! : UNKNOWN_STATE;
  const code = state === "stopped" && exitCode !== null ? ` (${exitCode})` : "";
  return { text: `${symbol} ${state}${code}`, style };
}

/** The cell of a row's state when its container does not claim it. */
export function unclaimedCell(state: Cell): Cell {
  const { text, style } = state as { text: string; style: Style };
  return { text: `${text}, unclaimed`, style: style === "good" ? "warn" : style };
}

/** A health by its word; only the bad one stands out. */
export function healthCell(health: string | null): Cell {
  return health === "unhealthy" ? { text: health, style: "bad" } : health;
}

/** Time from `at` (RFC 3339) to `now` in its largest unit: `3s ago`, `5m ago`; `never` for null. */
export function ago(at: string | null, now: Date): string {
  return at === null ? "never" : `${largestUnit((now.getTime() - Date.parse(at)) / 1000)} ago`;
}

/** A span of seconds in its largest unit: `3s`, `5m`. */
export function largestUnit(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  for (const [unit, size] of [["d", 86_400], ["h", 3600], ["m", 60]] as const) {
    if (whole >= size) return `${Math.floor(whole / size)}${unit}`;
  }
  return `${whole}s`;
}

/** How long a row's container runs, and how often it was restarted: `5m`, `3s, 4 restarts`. */
export function uptimeCell({ state, startedAt, restartCount }: ContainerView, now: Date): Cell {
  const runs = state === "running" && startedAt !== null;
  const up = runs ? largestUnit((now.getTime() - Date.parse(startedAt)) / 1000) : "";
  const restarts = restartCount === null || restartCount === 0
    ? ""
    : counted(restartCount, "restart");
  return [up, restarts].filter((part) => part !== "").join(", ") || null;
}

/** `1 container`, `2 containers`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** The first twelve characters of a container id, as Docker shows it. */
export function shortId(containerId: string | null): string | null {
  return containerId !== null && /^[0-9a-f]{64}$/.test(containerId)
    ? containerId.slice(0, 12)
    : containerId;
}

/** A refused container: who, why, and the label that decided it. */
export function refusalLine({ reason, containerId, containerName, value }: Refusal): string {
  const who = containerName || shortId(containerId);
  return `${who}: ${reason}${value === "" ? "" : ` ${quote(value, 256)}`}`;
}

/** Counts by what is counted, without those that are zero: `5 running, 1 missing`. */
export function tally(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts).filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${what}`).join(", ");
}
