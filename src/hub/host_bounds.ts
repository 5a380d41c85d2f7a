/**
 * How much one host may have at a hub besides its rows, which are counted: no host fills the database,
 * nor what is read of all hosts at once. Writes nothing.
 *
 * @module
 */

import { MAX_HOST_ROWS } from "./protocol.ts";
import type { TransactionSql } from "./sql.ts";
import { invalid } from "./told_fields.ts";

/** Each row has a problem at most, and a workload: so many as rows of either. */
const MOST = MAX_HOST_ROWS;

/**
 * Refuses what these hosts were just told to have where it is too much.
 *
 * @throws {Failure} `invalid`
 */
export async function requireFew(tx: TransactionSql, hostIds: readonly string[]): Promise<void> {
  if (hostIds.length === 0) return;
  const [found] = await tx<[{ problems: boolean }?]>`
    SELECT problems FROM unnest(${[...hostIds]}::text[]) AS host (id),
      LATERAL (SELECT EXISTS (SELECT FROM tinyforge.problems WHERE host_id = host.id
          AND status = 'open' OFFSET ${MOST} LIMIT 1) AS problems,
        EXISTS (SELECT FROM tinyforge.workloads WHERE host_id = host.id
          OFFSET ${MOST} LIMIT 1) AS workloads) AS too_many
    WHERE problems OR workloads LIMIT 1`;
  if (found === undefined) return;
  const what = found.problems ? "open problems" : "workloads";
  throw invalid(`its host would have more than ${MOST} ${what}`);
}
