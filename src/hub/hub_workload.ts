/**
 * A workload as a host tells it and a hub keeps it, with what is expected of it. Nothing secret is
 * told of one. Does no I/O; trusts nothing of it.
 *
 * @module
 */

import { isObject, MAX_WORD, nameOf, toldBody, type ToldFields } from "./told_fields.ts";

/** A workload as a hub keeps it. */
export interface HubWorkload {
  /** Unique among the workloads of its host. */
  readonly id: string;
  /** Project, stack or site. */
  readonly kind: string;
  /** The name people use; unique within its kind on its host. */
  readonly name: string;
  /** All of it as JSON, its fields always in the same order. */
  readonly body: string;
  /** Of the body; tells it from every other one. */
  readonly hash: string;
}

/** Fields of a body, in their order: those of `Workload`, and its expectations. */
const TOLD: ToldFields = {
  id: "text",
  kind: "text",
  refId: "text",
  name: "text",
  expectations: "list",
};

const EXPECTED: ToldFields = {
  role: "text",
  mode: "text",
  replicas: "integer",
  image: "text or null",
  source: "text",
  setAt: "integer",
};

const THING = "a workload";

/**
 * The workload that a JSON value is.
 *
 * @throws {Failure} `invalid`
 */
export function hubWorkload(value: unknown): HubWorkload {
  const given = isObject(value) && Array.isArray(value.expectations)
    ? { ...value, expectations: value.expectations.map(expectation) }
    : value;
  const workload = toldBody(given, { fields: TOLD, thing: THING });
  const name = (field: string, most?: number) =>
    nameOf(workload, { field, thing: THING, ...most !== undefined && { most } });
  const { body, hash } = workload;
  name("refId");
  return { id: name("id"), kind: name("kind", MAX_WORD), name: name("name"), body, hash };
}

function expectation(value: unknown): unknown {
  const { body } = toldBody(value, { fields: EXPECTED, thing: "what is expected of a workload" });
  return JSON.parse(body);
}
