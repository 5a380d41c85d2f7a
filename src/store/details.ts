/**
 * What inspects tell of rows' containers, in columns of `containers` that no pass writes but to empty
 * them when another container comes. Never touches what a pass observes.
 *
 * @module
 */

import type { ContainerDetails } from "../model/details.ts";
import type { Connection } from "./connection.ts";
import { keptJson } from "./kept_json.ts";

/** The details of a container. */
export interface InspectedContainer {
  /** Its full id. */
  readonly containerId: string;
  /** What was told of it. */
  readonly details: ContainerDetails;
}

/** A row and what is known of its container. */
export interface DetailedRow {
  /** Id of the row. */
  readonly rowId: string;
  /** What was told of its container; null: nothing yet. */
  readonly details: ContainerDetails | null;
}

/** The details of rows. */
export class DetailColumns {
  readonly #c: Connection;

  /** On this connection. */
  constructor(connection: Connection) {
    this.#c = connection;
  }

  /** Keeps them with the rows that are bound to these containers still; returns how many changed. */
  record(inspected: readonly InspectedContainer[]): number {
    return this.#c.write("Cannot write the details of containers", (tx) => {
      let changed = 0;
      for (const { containerId, details } of inspected) {
        const { startedAt, finishedAt, restartCount, restartPolicy, ...rest } = details;
        const rows = this.#c.sql(RECORD).values<[string, string]>(
          containerId,
          startedAt,
          finishedAt,
          restartCount,
          restartPolicy,
          JSON.stringify(rest),
        );
        changed += rows.length;
        for (const [id, state] of rows) {
          tx.wrote({ id, from: state, to: state, seq: null, observed: false });
        }
      }
      return changed;
    });
  }

  /** What is known of one row's container; null: nothing yet. */
  of(rowId: string): ContainerDetails | null {
    const row = this.#c.sql(`${SELECT} WHERE id = ?`).value<Columns>(rowId);
    return row === undefined ? null : detailed(row).details;
  }

  /** What is known of every row's container, by row id. */
  all(): Map<string, ContainerDetails | null> {
    const rows = this.#c.sql(SELECT).values<Columns>().map(detailed);
    return new Map(rows.map(({ rowId, details }) => [rowId, details]));
  }
}

const RECORD = `
  UPDATE containers SET
    started_at = ?2, finished_at = ?3, restart_count = ?4, restart_policy = ?5, inspected = ?6
  WHERE container_id = ?1 AND NOT (
    started_at IS ?2 AND finished_at IS ?3 AND restart_count IS ?4 AND restart_policy IS ?5
    AND inspected IS ?6)
  RETURNING id, state`;

const SELECT = `
  SELECT id, started_at, finished_at, restart_count, restart_policy, inspected FROM containers`;

type Columns = [
  string,
  string | null,
  string | null,
  number | null,
  string | null,
  string | null,
];

function detailed(
  [rowId, startedAt, finishedAt, restartCount, restartPolicy, inspected]: Columns,
): DetailedRow {
  if (inspected === null) return { rowId, details: null };
  const rest: Omit<
    ContainerDetails,
    "startedAt" | "finishedAt" | "restartCount" | "restartPolicy"
  > = keptJson(inspected, "containers.inspected", { of: rowId });
  return {
    rowId,
    details: {
      startedAt,
      finishedAt,
      restartCount: restartCount ?? 0,
      restartPolicy: restartPolicy ?? "no",
      ...rest,
    },
  };
}
