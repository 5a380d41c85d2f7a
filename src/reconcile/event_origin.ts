/**
 * Which event a change of a partial pass goes back to. Pure.
 *
 * @module
 */

import type { EngineEvent } from "../docker/events.ts";
import type { IndexRow } from "../model/container.ts";
import type { Origin } from "../model/pass.ts";

/** What set a row's state in a partial pass, whose listing was asked for at `at`. */
export function originOf(
  row: IndexRow,
  { dirty, at }: { dirty: ReadonlyMap<string, EngineEvent>; at: string },
): Origin {
  const event = row.containerId === null ? undefined : dirty.get(row.containerId);
  if (event === undefined) return { by: "contender", at };
  const { action, timeMs } = event;
  return { by: "event", action, at: timeMs === null ? null : new Date(timeMs).toISOString() };
}
