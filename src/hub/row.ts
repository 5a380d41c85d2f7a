/**
 * A row of the index as it is told to a hub and kept there: one text, the same for the same row on
 * both sides, so that they can be compared by their hashes. Does no I/O; trusts nothing of a row.
 *
 * @module
 */

import { type Column, type Holds, VIEW_COLUMNS } from "../model/columns.ts";
import { Failure } from "../failure.ts";
import { sha256Text } from "../secret.ts";

/** A row as a hub keeps it. */
export interface HubRow {
  /** Unique among the rows of its host. */
  readonly id: string;
  /** Id of its workload on its host. */
  readonly workloadId: string;
  /** Kind of the workload. */
  readonly workloadKind: string;
  /** Name of the workload. */
  readonly workloadName: string;
  /** As the host says it. */
  readonly state: string;
  /** All of it as JSON: fields of {@link ROW_FIELDS} in their order. */
  readonly body: string;
  /** Of the body; tells it from every other one. */
  readonly hash: string;
}

/** Longest id and name that is taken, UTF-16 units. */
const MAX_NAME = 1024;

/** Longest body that is taken, UTF-16 units. */
const MAX_BODY = 64 * 1024;

/** What is told of a row: what readers are shown, but for what each full pass would change. */
const TOLD: Readonly<Record<string, Holds>> = {
  ...Object.fromEntries(
    Object.entries<Column>(VIEW_COLUMNS)
      .filter(([field]) => field !== "host" && field !== "lastSeenAt")
      .map(([field, { holds, nothing }]) => [field, nothing === undefined ? holds : orNull(holds)]),
  ),
  ownSeenAt: "time or null",
  confirmed: "boolean",
};

/** Fields of a body, in their order. */
export const ROW_FIELDS: readonly string[] = Object.keys(TOLD);

/**
 * The row that a JSON value is. Fields that are not known are kept out; one that is not there is
 * null, for a program of another version may not know it.
 *
 * @throws {Failure} `invalid`
 */
export function hubRow(value: unknown): HubRow {
  if (!isObject(value)) throw invalid("it is no object");
  const told: Record<string, unknown> = {};
  for (const field of ROW_FIELDS) {
    const given = value[field] ?? null;
    if (!fits(given, TOLD[field]!)) throw invalid(`its ${field} is not what it should be`);
    told[field] = given;
  }
  const [id, workloadId, workloadKind, workloadName, state] = KEYS.map((field) => {
    const name = told[field];
    if (
      typeof name === "string" && name !== "" && name.length <= MAX_NAME && !name.includes("\0")
    ) {
      return name.toWellFormed();
    }
    throw invalid(`its ${field} is empty, too long or has a zero byte`);
  }) as [string, string, string, string, string];
  const body = JSON.stringify(told);
  if (body.length > MAX_BODY) throw invalid(`it is longer than ${MAX_BODY} characters`);
  return { id, workloadId, workloadKind, workloadName, state, body, hash: sha256Text(body) };
}

/** What a set of rows is compared by, whatever their order. */
export function digestOf(hashes: Iterable<string>): string {
  return sha256Text([...hashes].sort().join(""));
}

const KEYS = ["id", "workloadId", "workloadKind", "workloadName", "state"] as const;

function orNull(holds: Holds): Holds {
  return holds === "text" ? "text or null" : holds === "integer" ? "integer or null" : holds;
}

function fits(value: unknown, holds: Holds): boolean {
  // What is not told is told as nothing: by an older program.
  if (value === null) return true;
  switch (holds) {
    case "boolean":
      return typeof value === "boolean";
    case "integer":
    case "integer or null":
      return Number.isSafeInteger(value);
    case "addresses":
    case "object or null":
      return isObject(value);
    default:
      return typeof value === "string";
  }
}

/** Whether a JSON value is an object, and no array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(reason: string): Failure {
  return new Failure("invalid", `Cannot take a row: ${reason}`, { data: {} });
}
