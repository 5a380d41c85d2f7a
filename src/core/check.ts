/**
 * Whether a row is as expected at this moment, and since when: no time to settle, no history. Pure.
 *
 * @module
 */

import type { NotRight } from "../model/check.ts";
import { type IndexRow, MISSING, PENDING } from "../model/container.ts";
import { ABSENT, type Deaths, type Expectation } from "../model/problem.ts";
import type { RowTimes, Wanted } from "./judged_world.ts";
import { endedWell } from "./observe.ts";

/** What is known of the row besides. */
export interface CheckOptions {
  /** What it should do. */
  readonly wanted: Wanted;
  /** Image reference that it should show; null: any. */
  readonly image: string | null;
  /** Since when it is as it is. */
  readonly times: RowTimes;
  /** How its containers ended. */
  readonly deaths: Deaths | undefined;
}

/** What a check of one row says. */
export interface Checked {
  /** Null: it is as expected. */
  readonly why: NotRight | null;
  /** Since when it is so, as far as is known; milliseconds since the Unix epoch. */
  readonly since: number;
}

/** Checks one row. */
export function checkRow(row: IndexRow, { wanted, image, times, deaths }: CheckOptions): Checked {
  const { stateSince, healthSince } = times;
  // It may have ended and come back between two readings.
  const lastDeath = row.state === "running" ? deaths?.ring.at(-1)?.at ?? 0 : 0;
  const since = Math.max(stateSince, row.health === null ? 0 : healthSince, lastDeath);
  return { why: reasonOf(row, wanted, image), since };
}

/** Whether it was said of a workload that nothing of it should run. */
export function expectsNothing(expectations: readonly Pick<Expectation, "replicas">[]): boolean {
  return expectations.length > 0 && expectations.every(({ replicas }) => replicas === 0);
}

function reasonOf(row: IndexRow, { mode }: Wanted, image: string | null): NotRight | null {
  const { state, health, imageRef } = row;
  if (mode === null) return null;
  if (state === ABSENT || state === PENDING) return "no-container";
  if (state === MISSING) return "gone";
  const why = mode === "any"
    ? null
    : mode === "completed"
    ? (endedWell(row) ? null : "not-completed")
    : state !== "running"
    ? "not-running"
    : health === "starting"
    ? "starting"
    : health === "unhealthy"
    ? "unhealthy"
    : null;
  return why ?? (image !== null && imageRef !== image ? "image" : null);
}
