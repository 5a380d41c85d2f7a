/**
 * Statements that keep what a host told: its rows, workloads, problems and transitions, of each only
 * what is not as it was. Every one of them names the host, whatever was told. Decides nothing.
 *
 * @module
 */

import type { Fragment, TransactionSql } from "./sql.ts";
import type { HubProblem } from "./hub_problem.ts";
import type { HubTransition } from "./hub_transition.ts";
import type { HubWorkload } from "./hub_workload.ts";
import { type Batch, LEASE_MS, type SnapshotPart } from "./protocol.ts";
import type { NewRow } from "./row.ts";
import { textList } from "./text_lists.ts";

/** Where is told that something of a host changed: its id is the payload. */
export const CHANNEL = "tinyforge_hosts";

/** Any number: who holds its lock is the only one that numbers transitions. */
const TRANSITION_LOCK = 7_475_016;

/** Which part of all ids is told: those after one, up to one; null: from the begin, to the end. */
type Range = Pick<SnapshotPart, "after" | "upTo">;

/** What a host has afterwards. */
export interface HostState {
  /** Id of the host. */
  readonly hostId: string;
  /** The state that its rows are of; null: of none. */
  readonly seq: number | null;
  /** The state of a snapshot that has not all come. */
  readonly snapshotTo: number | null;
  /** What came of it last. */
  readonly snapshotOf: string | null;
  /** Up to which id; null: to the end. */
  readonly snapshotUpTo: string | null;
  /** Number of its last transition. */
  readonly transitions: number;
  /** How many rows it has. */
  readonly rowCount: number;
}

/** Keeps which states hosts are in, and that they were heard of. */
export async function keepStates(
  tx: TransactionSql,
  states: readonly HostState[],
): Promise<void> {
  const column = <T>(of: (state: HostState) => T) => states.map(of);
  await tx`
    WITH heard AS (
      UPDATE tinyforge.hosts AS h SET seq = told.seq, snapshot_to = told.snapshot_to,
        snapshot_of = told.snapshot_of, snapshot_up_to = told.snapshot_up_to,
        transition_seq = told.transition_seq, row_count = told.row_count,
        heard_at = now(), lease_until = now() + ${LEASE_MS} * interval '1 millisecond'
      FROM unnest(
        ${column(({ hostId }) => hostId)}::text[], ${column(({ seq }) => seq)}::bigint[],
        ${column(({ snapshotTo }) => snapshotTo)}::bigint[],
        ${column(({ snapshotOf }) => snapshotOf)}::text[],
        ${column(({ snapshotUpTo }) => snapshotUpTo)}::text[],
        ${column(({ transitions }) => transitions)}::bigint[],
        ${column(({ rowCount }) => rowCount)}::bigint[])
        AS told (id, seq, snapshot_to, snapshot_of, snapshot_up_to, transition_seq, row_count)
      WHERE h.id = told.id RETURNING h.id, h.run
    )
    UPDATE tinyforge.host_runs SET heard_at = now()
    FROM heard WHERE host_id = heard.id AND host_runs.run = heard.run`;
}

/** Keeps what changed of hosts between two states. How many rows there are more of each than before. */
export async function writeBatches(
  tx: TransactionSql,
  batches: readonly { readonly hostId: string; readonly told: Batch }[],
): Promise<Map<string, number>> {
  const ofAll = <T>(of: (told: Batch) => readonly T[]) => ({
    things: batches.flatMap(({ told }) => of(told)),
    hosts: batches.flatMap(({ hostId, told }) => of(told).map(() => hostId)),
  });
  const rows = ofAll((told) => told.rows);
  const gone = ofAll((told) => told.gone);
  const more = await putRows(tx, rows.hosts, rows.things);
  for (const [hostId, count] of await removeRows(tx, gone.hosts, gone.things)) {
    more.set(hostId, (more.get(hostId) ?? 0) - count);
  }
  for (const { hostId, told } of batches) await writeBesides(tx, hostId, told);
  return more;
}

async function writeBesides(tx: TransactionSql, hostId: string, told: Batch): Promise<void> {
  const { workloads, problems, problemsGone } = told;
  if (workloads !== null) await replaceWorkloads(tx, hostId, workloads, WHOLE);
  if (problems.length + problemsGone.length === 0) return;
  const keys = [...new Set([...problems.map(({ key }) => key), ...problemsGone])];
  await tx`DELETE FROM tinyforge.problems AS p
    WHERE host_id = ${hostId} AND status = 'open' AND key = ANY(${keys}::text[])
      AND NOT ${isTold(tx, problems)}`;
  await putProblems(tx, hostId, problems);
}

/** Keeps a part of a snapshot, in place of what was there. How many rows there are more than before. */
export async function writePart(
  tx: TransactionSql,
  hostId: string,
  told: SnapshotPart,
): Promise<number> {
  const { problems, workloads } = told;
  switch (told.of) {
    case "workloads":
      await replaceWorkloads(tx, hostId, workloads, told);
      return 0;
    case "problems":
      // What is over stays: it happened in this life of the host's index or in another.
      await tx`DELETE FROM tinyforge.problems AS p
        WHERE host_id = ${hostId} AND status = 'open' AND ${within(tx, "key", told)}
          AND NOT ${isTold(tx, problems)}`;
      await putProblems(tx, hostId, problems);
      return 0;
    default: {
      // Most of a snapshot is there mostly: it is not sent to be found the same.
      const found = await tx<{ id: string; hash: string }[]>`
        SELECT id, hash FROM tinyforge.containers
        WHERE host_id = ${hostId} AND ${within(tx, "id", told)}`;
      const kept = new Map(found.map(({ id, hash }) => [id, hash]));
      const { same, others } = told.rows.compare(kept);
      const ids = new Set(others.map(({ id }) => id));
      const gone = [...kept.keys()].filter((id) => !same.has(id) && !ids.has(id));
      const isNew = ({ id }: NewRow) => !kept.has(id) && isSurelyWithin(id, told);
      const added = others.filter(isNew);
      const put = others.filter((row) => !isNew(row));
      await removeRows(tx, gone.map(() => hostId), gone);
      const made = await putRows(tx, put.map(() => hostId), put);
      await addRows(tx, hostId, added);
      return added.length + (made.get(hostId) ?? 0) - gone.length;
    }
  }
}

/** Forgets what a host that tells of rows alone does not tell of. */
export async function forgetBesides(tx: TransactionSql, hostId: string): Promise<void> {
  await tx`DELETE FROM tinyforge.workloads WHERE host_id = ${hostId}`;
  await tx`DELETE FROM tinyforge.problems WHERE host_id = ${hostId} AND status = 'open'`;
}

/** What happened on a host, in one life of its index. */
export interface HostTransitions {
  /** Id of the host. */
  readonly hostId: string;
  /** Life of its data directory. */
  readonly epoch: string;
  /** By their number. */
  readonly transitions: readonly HubTransition[];
}

/**
 * Keeps transitions after the last that each host has; those of an earlier life of the host's index,
 * which a backup brings back, are not kept twice. Last in a transaction: until it is committed no other
 * can keep any, so that whoever reads by their numbers misses none.
 */
export async function writeTransitions(
  tx: TransactionSql,
  told: readonly HostTransitions[],
): Promise<void> {
  const all = told.flatMap(({ hostId, epoch, transitions }) =>
    transitions.map((transition) => ({ hostId, epoch, transition }))
  );
  if (all.length === 0) return;
  await tx`SELECT pg_advisory_xact_lock(${TRANSITION_LOCK})`;
  const column = <T>(of: (transition: HubTransition) => T) =>
    all.map(({ transition }) => of(transition));
  await tx`
    INSERT INTO tinyforge.transitions (host_id, epoch, seq, row_id, workload_id, at, body)
    SELECT * FROM unnest(
      ${all.map(({ hostId }) => hostId)}::text[], ${all.map(({ epoch }) => epoch)}::text[],
      ${column(({ seq }) => seq)}::bigint[], ${column(({ rowId }) => rowId)}::text[],
      ${column(({ workloadId }) => workloadId)}::text[], ${column(({ at }) => at)}::text[],
      ${column(({ body }) => body)}::text[])
      AS told (host_id, epoch, seq, row_id, workload_id, at, body)
    WHERE NOT EXISTS (SELECT FROM tinyforge.transitions AS t
      WHERE t.host_id = told.host_id AND t.seq = told.seq AND t.at = told.at
        AND t.row_id = told.row_id)
    ORDER BY told.host_id, told.seq`;
}

const WHOLE: Range = { after: null, upTo: null };

function within(tx: TransactionSql, column: "id" | "key", { after, upTo }: Range) {
  const id = tx(column);
  return tx`(${after}::text IS NULL OR ${id} > ${after}::text)
    AND (${upTo}::text IS NULL OR ${id} <= ${upTo}::text)`;
}

/** Whether an id is in the part, where that is the same for this program as for the database. */
function isSurelyWithin(id: string, { after, upTo }: Range): boolean {
  if (after === null && upTo === null) return true;
  // UTF-16 is not in the order of UTF-8 from here on.
  if (/[\ud800-\uffff]/.test(id + (after ?? "") + (upTo ?? ""))) return false;
  return (after === null || id > after) && (upTo === null || id <= upTo);
}

function isTold(tx: TransactionSql, problems: readonly HubProblem[]) {
  return tx`EXISTS (SELECT FROM unnest(
      ${problems.map(({ key }) => key)}::text[],
      ${problems.map(({ openedAt }) => openedAt)}::bigint[]) AS told (key, opened_at)
    WHERE told.key = p.key AND told.opened_at = p.opened_at)`;
}

/** Of each host how many were there. */
async function removeRows(
  tx: TransactionSql,
  hostIds: readonly string[],
  ids: readonly string[],
): Promise<Map<string, number>> {
  if (ids.length === 0) return new Map();
  return countsOf(
    await tx<HostCount[]>`
    WITH gone AS (
      DELETE FROM tinyforge.containers AS c
      USING unnest(${textList(tx, hostIds)}, ${textList(tx, ids)}) AS told (host_id, id)
      WHERE c.host_id = told.host_id AND c.id = told.id RETURNING c.host_id
    ) SELECT host_id AS host, count(*)::integer AS count FROM gone GROUP BY host_id`,
  );
}

interface HostCount {
  host: string;
  count: number;
}

function countsOf(counts: readonly HostCount[]): Map<string, number> {
  return new Map(counts.map(({ host, count }) => [host, count]));
}

/** Columns of a row, and what of it each has. */
const OF_ROW: Readonly<Record<string, (row: NewRow) => string | null>> = {
  id: ({ id }) => id,
  workload_id: ({ workloadId }) => workloadId,
  workload_kind: ({ workloadKind }) => workloadKind,
  workload_name: ({ workloadName }) => workloadName,
  state: ({ state }) => state,
  health: ({ health }) => health,
  container_id: ({ containerId }) => containerId,
  container_name: ({ containerName }) => containerName,
  stage_id: ({ stageId }) => stageId,
  stage_name: ({ stageName }) => stageName,
  body: ({ body }) => body,
};
const ROW_COLUMNS = Object.keys(OF_ROW).join(", ");
const AS_TOLD = [...Object.keys(OF_ROW), "hash"].filter((column) => column !== "id")
  .map((column) => `${column} = excluded.${column}`).join(", ");

function listsOf(rows: readonly NewRow[]): (string | null)[][] {
  return Object.values(OF_ROW).map((of) => rows.map(of));
}

/** As {@link sha256Text} has it. */
const HASH =
  "rtrim(translate(encode(sha256(convert_to(body, 'UTF8')), 'base64'), '+/', '-_'), '=')";

/** Rows that are not there yet: whether each may be takes a third of the time of writing it. */
async function addRows(
  tx: TransactionSql,
  hostId: string,
  rows: readonly NewRow[],
): Promise<void> {
  if (rows.length === 0) return;
  // Lists side by side, not joined as tables, of which each would be kept for itself first; and no
  // list of nothing.
  const lists = listsOf(rows).map((list) =>
    list.every((each) => each === null) ? tx`NULL::text` : tx`unnest(${textList(tx, list)})`
  );
  await tx`
    INSERT INTO tinyforge.containers (host_id, ${tx.unsafe(ROW_COLUMNS)}, hash)
    SELECT ${hostId}, told.*, ${tx.unsafe(HASH)}
    FROM (SELECT ${separated(tx, lists)}) AS told (${tx.unsafe(ROW_COLUMNS)})`;
}

function separated(tx: TransactionSql, [first, ...rest]: readonly Fragment[]): Fragment {
  return rest.reduce((sofar, next) => tx`${sofar}, ${next}`, first!);
}

/** Of each host how many were not there before. */
async function putRows(
  tx: TransactionSql,
  hostIds: readonly string[],
  rows: readonly NewRow[],
): Promise<Map<string, number>> {
  if (rows.length === 0) return new Map();
  const lists = [hostIds, ...listsOf(rows)].map((list) => textList(tx, list));
  return countsOf(
    await tx<HostCount[]>`
    WITH written AS (
      INSERT INTO tinyforge.containers AS c (host_id, ${tx.unsafe(ROW_COLUMNS)}, hash)
      SELECT told.*, ${tx.unsafe(HASH)} FROM unnest(${separated(tx, lists)})
        AS told (host_id, ${tx.unsafe(ROW_COLUMNS)})
      ON CONFLICT (host_id, id) DO UPDATE SET ${tx.unsafe(AS_TOLD)}
      WHERE c.hash IS DISTINCT FROM excluded.hash
      -- A row that was there has been locked by this.
      RETURNING c.host_id, xmax = 0 AS made
    ) SELECT host_id AS host, count(*)::integer AS count FROM written WHERE made GROUP BY host_id`,
  );
}

async function replaceWorkloads(
  tx: TransactionSql,
  hostId: string,
  workloads: readonly HubWorkload[],
  range: Range,
): Promise<void> {
  const column = (of: (workload: HubWorkload) => string) => workloads.map(of);
  const ids = column(({ id }) => id);
  await tx`DELETE FROM tinyforge.workloads AS w
    WHERE host_id = ${hostId} AND ${within(tx, "id", range)}
      AND NOT EXISTS (SELECT FROM unnest(${ids}::text[]) AS told (id) WHERE told.id = w.id)`;
  if (workloads.length === 0) return;
  await tx`
    INSERT INTO tinyforge.workloads AS w (host_id, id, kind, name, body, hash)
    SELECT ${hostId}, told.* FROM unnest(${ids}::text[], ${column(({ kind }) => kind)}::text[],
      ${column(({ name }) => name)}::text[], ${column(({ body }) => body)}::text[],
      ${column(({ hash }) => hash)}::text[]) AS told
    ON CONFLICT (host_id, id) DO UPDATE SET kind = excluded.kind, name = excluded.name,
      body = excluded.body, hash = excluded.hash
    WHERE w.hash IS DISTINCT FROM excluded.hash`;
}

async function putProblems(
  tx: TransactionSql,
  hostId: string,
  problems: readonly HubProblem[],
): Promise<void> {
  if (problems.length === 0) return;
  const column = <T>(of: (problem: HubProblem) => T) => problems.map(of);
  // What closes goes first: of those that are open only one may have a key.
  for (const status of ["closed", "open"]) {
    await tx`
      INSERT INTO tinyforge.problems AS p
        (host_id, key, opened_at, kind, severity, status, workload_id, row_id, closed_at, body, hash)
      SELECT ${hostId}, told.* FROM unnest(
        ${column(({ key }) => key)}::text[], ${column(({ openedAt }) => openedAt)}::bigint[],
        ${column(({ kind }) => kind)}::text[], ${column(({ severity }) => severity)}::text[],
        ${column((problem) => problem.status)}::text[],
        ${column(({ workloadId }) => workloadId)}::text[],
        ${column(({ rowId }) => rowId)}::text[], ${column(({ closedAt }) => closedAt)}::bigint[],
        ${column(({ body }) => body)}::text[], ${column(({ hash }) => hash)}::text[])
        AS told (key, opened_at, kind, severity, status, workload_id, row_id, closed_at, body, hash)
      WHERE told.status = ${status}
      ON CONFLICT (host_id, key, opened_at) DO UPDATE SET kind = excluded.kind,
        severity = excluded.severity, status = excluded.status,
        workload_id = excluded.workload_id, row_id = excluded.row_id,
        closed_at = excluded.closed_at, body = excluded.body, hash = excluded.hash,
        told_at = now()
      WHERE p.hash IS DISTINCT FROM excluded.hash`;
  }
}
