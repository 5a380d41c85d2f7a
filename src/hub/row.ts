/**
 * A row of the index as it is told to a hub and kept there: one text, the same for the same row on
 * both sides, so that they can be compared by their hashes. Does no I/O; trusts nothing of a row.
 *
 * @module
 */

import { type Column, type Holds, VIEW_COLUMNS } from "../model/columns.ts";
import { MAX_NAME, MAX_WORD, nameOf, nameOrNull, type ToldBody, toldBody } from "./told_fields.ts";

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
  /** Of its container; null where that is not known. */
  readonly health: string | null;
  /** The container that it is bound to, or null. */
  readonly containerId: string | null;
  /** What that is called, or null. */
  readonly containerName: string | null;
  /** Id of its stage, or null. */
  readonly stageId: string | null;
  /** Name of its stage, or null. */
  readonly stageName: string | null;
  /** All of it as JSON: fields of {@link ROW_FIELDS} in their order. */
  readonly body: string;
  /** Of the body; tells it from every other one. */
  readonly hash: string;
}

/** A row of which nobody asked for the hash yet. */
export type NewRow = Omit<HubRow, "hash">;

/** What is told of a row: what readers are shown, but for what each full pass would change. */
export const ROW_HOLDS: Readonly<Record<string, Holds>> = {
  ...Object.fromEntries(
    Object.entries<Column>(VIEW_COLUMNS)
      .filter(([field]) => field !== "host" && field !== "lastSeenAt")
      .map(([field, { holds, nothing }]) => [field, nothing === undefined ? holds : orNull(holds)]),
  ),
  ownSeenAt: "time or null",
  confirmed: "boolean",
};

const THING = "a row";

/** Fields of a body, in their order. */
export const ROW_FIELDS: readonly string[] = Object.keys(ROW_HOLDS);

/** Those that are kept beside the body. */
export const NAME_FIELDS: ReadonlySet<string> = new Set<keyof NewRow>([
  "id",
  "workloadId",
  "workloadKind",
  "workloadName",
  "state",
  "health",
  "containerId",
  "containerName",
  "stageId",
  "stageName",
]);

/**
 * The row that a JSON value is. Fields that are not known are kept out, and one that is not there is
 * not kept as null: a program of another version may not know it.
 *
 * @throws {Failure} `invalid`
 */
export function hubRow(value: unknown): HubRow {
  const row = toldBody(value, { fields: ROW_HOLDS, thing: THING });
  return { ...namesOf(row), hash: row.hash };
}

/**
 * The same of a row whose fields are known to hold what they may.
 *
 * @throws {Failure} `invalid` where a name is none.
 */
export function namesOf(row: Pick<ToldBody, "told" | "body">): NewRow {
  // One by one, not by a spread: there are millions.
  return {
    id: name(row, "id"),
    workloadId: name(row, "workloadId"),
    workloadKind: name(row, "workloadKind", MAX_WORD),
    workloadName: name(row, "workloadName"),
    state: name(row, "state", MAX_WORD),
    health: nothing(row, "health", MAX_WORD),
    containerId: nothing(row, "containerId"),
    containerName: nothing(row, "containerName"),
    stageId: nothing(row, "stageId"),
    stageName: nothing(row, "stageName"),
    body: row.body,
  };
}

type Told = Pick<ToldBody, "told">;

function name(row: Told, field: keyof NewRow, most = MAX_NAME): string {
  return nameOf(row, { field, thing: THING, most });
}

function nothing(row: Told, field: keyof NewRow, most = MAX_NAME): string | null {
  return nameOrNull(row, { field, thing: THING, most });
}

function orNull(holds: Holds): Holds {
  return holds === "text" ? "text or null" : holds === "integer" ? "integer or null" : holds;
}
