/**
 * What inspects tell of rows' containers, in columns of `containers` that no pass writes but to empty
 * them when another container comes. Never touches what a pass observes.
 *
 * @module
 */

import { DETAIL_COLUMNS, type ViewOf } from "../model/columns.ts";
import type { ContainerDetails } from "../model/details.ts";
import type { Connection } from "./connection.ts";
import { type Reading, unlessDamaged } from "./damage.ts";
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
        const rows = this.#c.sql(RECORD).values<[string, string]>(
          containerId,
          ...FIELDS.map((field) => details[field]),
          JSON.stringify(restOf(details)),
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

  /** What is known of every row's container, by row id; of what is left out nothing is. */
  all(reading: Reading = {}): Map<string, ContainerDetails | null> {
    const rows = this.#c.sql(SELECT).values<Columns>().map((row) =>
      unlessDamaged(() => detailed(row), { rowId: row[0], details: null }, reading)
    );
    return new Map(rows.map(({ rowId, details }) => [rowId, details]));
  }
}

const FIELDS = Object.keys(DETAIL_COLUMNS) as (keyof typeof DETAIL_COLUMNS)[];

/** Those with a column of their own, then the rest as JSON. */
const COLUMNS = [...Object.values(DETAIL_COLUMNS).map(({ column }) => column), "inspected"];

/** What each column is, or is to be; the container's id comes before. */
const told = (relation: "=" | "IS") =>
  COLUMNS.map((column, i) => `${column} ${relation} ?${i + 2}`);

const RECORD = `
  UPDATE containers SET ${told("=").join(", ")}
  WHERE container_id = ?1 AND NOT (${told("IS").join(" AND ")})
  RETURNING id, state`;

const SELECT = `SELECT id, ${COLUMNS.join(", ")} FROM containers`;

type Columns = [rowId: string, ...values: (string | number | null)[]];

/** Details without a column of their own. */
type Rest = Omit<ContainerDetails, keyof typeof DETAIL_COLUMNS>;

function restOf(details: ContainerDetails): Rest {
  return Object.fromEntries(
    Object.entries(details).filter(([field]) => !Object.hasOwn(DETAIL_COLUMNS, field)),
  ) as unknown as Rest;
}

function detailed([rowId, ...values]: Columns): DetailedRow {
  const inspected = values[FIELDS.length] as string | null;
  if (inspected === null) return { rowId, details: null };
  const own: Record<string, unknown> = {};
  for (const [i, field] of FIELDS.entries()) own[field] = values[i];
  const { restartCount, restartPolicy, ...others } = own as ViewOf<typeof DETAIL_COLUMNS>;
  return {
    rowId,
    details: {
      ...others,
      restartCount: restartCount ?? 0,
      restartPolicy: restartPolicy ?? "no",
      ...keptJson<Rest>(inspected, "containers.inspected", { of: rowId }),
    },
  };
}
