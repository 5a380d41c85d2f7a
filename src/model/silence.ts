/**
 * A silence as it was asked for: once or again and again. When one that recurs comes is not this
 * file's to know. Shapes alone.
 *
 * @module
 */

import type { Silence } from "./problem.ts";

/** A silence as it was asked for. Times are milliseconds since the Unix epoch. */
export interface KeptSilence {
  /** Its id. */
  readonly id: string;
  /** What is silent. */
  readonly scope: Silence["scope"];
  /** Id of the workload or row, name of the host; empty for all. */
  readonly targetId: string;
  /** Kinds of problems; null: all. */
  readonly kinds: readonly string[] | null;
  /** Why, in the words of who asked; may be empty. */
  readonly reason: string;
  /** The first moment. */
  readonly startsAt: number;
  /** The moment from which on it never comes again; null: it recurs without end. */
  readonly endsAt: number | null;
  /** When it comes again; null: once. */
  readonly cron: string | null;
  /** The zone that the expression is read in; null with `cron`. */
  readonly timeZone: string | null;
  /** How long it lasts each time, milliseconds. */
  readonly lastsMs: number;
  /** RFC 3339 UTC. */
  readonly createdAt: string;
}
