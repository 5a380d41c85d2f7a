/**
 * Whether the index can be taken for what runs now, as of when it is true, and why it is not. The
 * one place that decides it. Pure.
 *
 * @module
 */

import type { Freshness } from "../model/views.ts";

/** What is known of the passes that keep an index true. */
export interface Keeping {
  /** The last good full pass, RFC 3339 UTC; null before it. */
  readonly asOf: string | null;
  /** Milliseconds since it ended. */
  readonly ageMs: number;
  /** Milliseconds between full passes. */
  readonly intervalMs: number;
  /** How the last pass failed: the Engine did not answer, or its answer could not be written. */
  readonly failing: "engine" | "index" | null;
  /** Whether another Engine answers than the accepted one. */
  readonly engineChanged: boolean;
  /** Whether the Engine can't be told from another, so that nothing is marked missing. */
  readonly anonymous: boolean;
  /** Whether events should flow and don't. */
  readonly eventsDown: boolean;
}

/** The least that two intervals are taken for, milliseconds: a pass takes its time too. */
const LEAST_PATIENCE_MS = 2000;

/** Of an index that a daemon keeps. */
export function freshnessOf(keeping: Keeping): Freshness {
  const { asOf } = keeping;
  const reason = reasonOf(keeping);
  return { fresh: reason === null, asOf, reason };
}

/** Of an index that no daemon keeps. */
export function unkept(asOf: string | null): Freshness {
  return { fresh: false, asOf, reason: "no-daemon" };
}

/** Whether the last good pass is too old for the next one to be merely under way. */
export function isLate({ ageMs, intervalMs }: Pick<Keeping, "ageMs" | "intervalMs">): boolean {
  return ageMs > staleAfterMs(intervalMs);
}

/** How old the last good pass may be before the index counts as old, milliseconds. */
export function staleAfterMs(intervalMs: number): number {
  return Math.max(2 * intervalMs, LEAST_PATIENCE_MS);
}

function reasonOf(keeping: Keeping): Freshness["reason"] {
  const { failing, asOf, engineChanged, anonymous, eventsDown } = keeping;
  if (failing === "engine") return "engine-down";
  if (failing === "index") return "writes-fail";
  if (asOf === null) return "no-pass";
  if (engineChanged) return "engine-changed";
  if (isLate(keeping)) return "late";
  if (anonymous) return "engine-unknown";
  return eventsDown ? "events-down" : null;
}
