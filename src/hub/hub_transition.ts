/**
 * A transition as a host tells it and a hub keeps it, with whose row it is of: the row may be gone.
 * Does no I/O; trusts nothing of it.
 *
 * @module
 */

import { invalid, isTime, nameOf, nameOrNull, toldBody, type ToldFields } from "./told_fields.ts";

/** A transition as a hub keeps it. */
export interface HubTransition {
  /** The host's own number of it. */
  readonly seq: number;
  /** Row id. */
  readonly rowId: string;
  /** Id of the row's workload; null where the host does not remember. */
  readonly workloadId: string | null;
  /** By the host's clock, RFC 3339 UTC. */
  readonly at: string;
  /** All of it as JSON, its fields always in the same order. */
  readonly body: string;
}

/** Fields of a body, in their order: those of `Transition`, and whose row it is of. */
const TOLD: ToldFields = {
  seq: "integer",
  rowId: "text",
  at: "text",
  from: "text or null",
  to: "text",
  cause: "text",
  containerId: "text or null",
  containerName: "text or null",
  imageRef: "text or null",
  exitCode: "integer or null",
  origin: "object or null",
  workloadId: "text or null",
  workloadKind: "text or null",
  workloadName: "text or null",
  role: "text or null",
  replica: "integer or null",
  stageName: "text or null",
  createdAt: "time or null",
};

const THING = "a transition";

/**
 * The transition that a JSON value is.
 *
 * @throws {Failure} `invalid`
 */
export function hubTransition(value: unknown): HubTransition {
  const transition = toldBody(value, { fields: TOLD, thing: THING });
  const name = (field: string) => nameOf(transition, { field, thing: THING });
  const { seq, at, origin } = transition.told;
  if (typeof seq !== "number" || seq < 1) throw invalid("its seq is no number", THING);
  if (!isTime(at)) throw invalid("its at is no time", THING);
  if (origin === null) throw invalid("its origin is missing", THING);
  // Whoever reads it counts on these.
  name("to");
  name("cause");
  return {
    ...{ seq, at, rowId: name("rowId"), body: transition.body },
    workloadId: nameOrNull(transition, { field: "workloadId", thing: THING }),
  };
}
