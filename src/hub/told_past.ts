/**
 * How far it is known on a host what was there, as it tells its hub. Does no I/O; trusts nothing of it.
 *
 * @module
 */

import { invalid } from "./told_fields.ts";
import { count, list, object, time } from "./told_values.ts";

/** How far it is known on a host what was there, by its own clock, RFC 3339 UTC. */
export interface ToldPast {
  /** The stretch under way of which it was known what runs, and up to when; null: there is none. */
  readonly watching: { readonly from: string; readonly to: string } | null;
  /** Number of the stretch before the first of these; 0: there was none. */
  readonly after: number;
  /** Stretches that are over, by their numbers. */
  readonly watched: readonly {
    readonly seq: number;
    readonly from: string;
    readonly to: string;
  }[];
  /** What happened up to here may be forgotten there; null: nothing is. */
  readonly forgottenUntil: string | null;
}

/**
 * A {@link ToldPast} from JSON, checked.
 *
 * @throws {Failure} `invalid`
 */
export function readPast(value: unknown): ToldPast {
  const told = object(value);
  const { watching = null, forgottenUntil = null } = told;
  const after = count(told, "after");
  let last = after;
  const watched = list(told.watched, "stretches").map((each) => {
    const stretch = object(each);
    const seq = count(stretch, "seq");
    if (seq <= last) throw invalid("its stretches are not in their order");
    last = seq;
    return { seq, ...span(stretch) };
  });
  return {
    ...{ after, watched },
    watching: watching === null ? null : span(object(watching)),
    forgottenUntil: forgottenUntil === null ? null : time(told, "forgottenUntil"),
  };
}

/** Where the clock was set back in it, it is at least where it began. */
function span(told: Record<string, unknown>): { from: string; to: string } {
  const [from, to] = [time(told, "from"), time(told, "to")];
  return { from, to: Date.parse(to) < Date.parse(from) ? from : to };
}
