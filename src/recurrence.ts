/**
 * When something that recurs comes: cron expressions in a time zone. Reads no clock; the library
 * that understands them is loaded when the first one is asked for.
 *
 * @module
 */

import { Failure } from "./failure.ts";
import { quote } from "./text.ts";

/** What recurs. */
export interface Recurrence {
  /** Five fields, or six with seconds, as `0 3 * * SUN`. */
  readonly cron: string;
  /** A name of the IANA database, as `Europe/Berlin`. */
  readonly timeZone: string;
}

/** One time at which it comes, milliseconds since the Unix epoch. */
export interface Occurrence {
  /** The first moment. */
  readonly from: number;
  /** The moment after the last. */
  readonly until: number;
}

/** No more steps than this are taken to find out since when occurrences overlap. */
const MAX_STEPS = 10_000;

/**
 * Finds occurrences of `recurrence`, each `lastsMs` long.
 *
 * @throws {Failure} `invalid`: the expression or the zone is none.
 */
export async function occurrencesOf(
  { cron, timeZone }: Recurrence,
  lastsMs: number,
): Promise<(now: number) => readonly Occurrence[]> {
  const { Cron } = await import("croner");
  const refuse = (what: string, value: string, error: unknown) => {
    const reason = (error instanceof Error ? error.message : String(error)).replace(/^\w+: /, "");
    return new Failure("invalid", `Cannot use ${what} ${quote(value)}: ${reason}`, { data: {} });
  };
  try {
    new Intl.DateTimeFormat("en", { timeZone });
  } catch (error) {
    throw refuse("time zone", timeZone, error);
  }
  let job: InstanceType<typeof Cron>;
  try {
    job = new Cron(cron, { timezone: timeZone, paused: true });
  } catch (error) {
    throw refuse("cron expression", cron, error);
  }
  return (now) => {
    const found: Occurrence[] = [];
    let from = job.nextRun(new Date(now - lastsMs))?.getTime();
    for (let step = 0; from !== undefined && step < MAX_STEPS; step++) {
      const last = found.at(-1);
      // Those that touch are one: nobody hears of the moment between them.
      if (last !== undefined && from <= last.until) {
        found[found.length - 1] = { from: last.from, until: from + lastsMs };
      } else found.push({ from, until: from + lastsMs });
      // Up to the first that is still to come, which is when to look again.
      if (from > now) break;
      from = job.nextRun(new Date(from))?.getTime();
    }
    return found.filter(({ until }) => until > now);
  };
}

/**
 * Holds an expression and a zone to be usable.
 *
 * @throws {Failure} `invalid`: they are none, or the time never comes.
 */
export async function checkRecurrence(recurrence: Recurrence, now: number): Promise<void> {
  const occurrences = await occurrencesOf(recurrence, 1);
  if (occurrences(now).length > 0) return;
  throw new Failure(
    "invalid",
    `Cannot use cron expression ${quote(recurrence.cron)}: that time never comes`,
    { data: {} },
  );
}
