/**
 * What readers of the past need of several tables: who rows are or were, and their stories. SQLite
 * builds the JSON, so that thousands of rows cost one crossing into it; never writes and reckons
 * with nothing.
 *
 * @module
 */

import type { KeptSubject, StoryEvent } from "../model/story.ts";
import type { Transition } from "../model/views.ts";
import type { WorkloadKind } from "../model/workload.ts";
import type { Connection } from "./connection.ts";
import { transition, type TransitionColumns } from "./transitions.ts";

/** Which transitions to read. */
export interface PastFilter {
  /** At or after, RFC 3339 UTC. */
  readonly from?: string | undefined;
  /** Before, RFC 3339 UTC. */
  readonly until?: string | undefined;
  /** Only of the rows of these workloads, removed ones too. */
  readonly workloadIds?: readonly string[] | undefined;
  /** Only of this row. */
  readonly rowId?: string | undefined;
  /** Only those that come before one of this time and number. */
  readonly before?: { readonly at: string; readonly seq: number } | undefined;
  /** At most so many. */
  readonly limit: number;
}

/** Reads what was. */
export class PastTables {
  readonly #c: Connection;

  /** On this connection. */
  constructor(connection: Connection) {
    this.#c = connection;
  }

  /** Every row that is, and every one that is remembered, by id; of some workloads, or all. */
  subjects(
    { workloadIds, rowId }: Pick<PastFilter, "workloadIds" | "rowId"> = {},
  ): KeptSubject[] {
    const [json] = this.#c.sql(SUBJECTS).value<[string]>(listOrNull(workloadIds), rowId ?? null)!;
    return (JSON.parse(json) as SubjectColumns[]).map(subject);
  }

  /** What is kept of the stories of these rows, by row id, each oldest first. */
  stories(rowIds: readonly string[]): Map<string, StoryEvent[]> {
    const [json] = this.#c.sql(STORIES).value<[string]>(JSON.stringify(rowIds))!;
    const stories = new Map<string, StoryEvent[]>();
    for (const [rowId, ...columns] of JSON.parse(json) as [string, ...EventColumns][]) {
      const story = stories.get(rowId);
      if (story === undefined) stories.set(rowId, [storyEvent(columns)]);
      else story.push(storyEvent(columns));
    }
    return stories;
  }

  /** Transitions that match, the newest `limit` of them, newest first. */
  transitions(filter: PastFilter): Transition[] {
    const { from = "", until = "~", workloadIds, rowId = null, before, limit } = filter;
    const [json] = this.#c.sql(TRANSITIONS).value<[string]>(
      from,
      until,
      listOrNull(workloadIds),
      rowId,
      before?.at ?? null,
      before?.seq ?? null,
      limit,
    )!;
    return (JSON.parse(json) as TransitionColumns[]).map(transition);
  }

  /** Ids of workloads of this name that are not registered any more and of which rows are remembered. */
  goneWorkloads(name: string): string[] {
    return this.#c.sql(
      `SELECT DISTINCT workload_id FROM removed_rows
       WHERE (workload_name = ?1 OR workload_kind || '/' || workload_name = ?1 OR workload_id = ?1)
         AND workload_id NOT IN (SELECT id FROM workloads) ORDER BY workload_id`,
    ).values<[string]>(name).map(([id]) => id);
  }
}

// A row that is there again is told as it is. Of others the name of a workload that is still
// registered is today's.
const SUBJECTS = `
  SELECT '[' || coalesce(group_concat(row), '') || ']' FROM (
    SELECT json_array(id, workload_id, workload_kind, workload_name, nullif(role, ''), replica,
      stage_name, 0, created_at, state, container_id, nullif(container_name, ''),
      nullif(image_ref, ''), exit_code) AS row, id
    FROM container_views WHERE (?1 IS NULL OR workload_id IN (SELECT value FROM json_each(?1))) AND (?2 IS NULL OR id = ?2)
    UNION ALL
    SELECT json_array(r.row_id, r.workload_id, r.workload_kind, coalesce(w.name, r.workload_name),
      nullif(r.role, ''), r.replica, r.stage_name, 1, r.created_at), r.row_id
    FROM removed_rows AS r LEFT JOIN workloads AS w ON w.id = r.workload_id
    WHERE NOT EXISTS (SELECT 1 FROM containers AS c WHERE c.id = r.row_id)
      AND (?1 IS NULL OR r.workload_id IN (SELECT value FROM json_each(?1))) AND (?2 IS NULL OR r.row_id = ?2)
    UNION ALL
    SELECT json_array(row_id, NULL, NULL, NULL, NULL, NULL, NULL, 1, NULL), row_id FROM (
      SELECT DISTINCT row_id FROM transitions AS t
      WHERE ?1 IS NULL AND (?2 IS NULL OR row_id = ?2)
        AND NOT EXISTS (SELECT 1 FROM containers AS c WHERE c.id = t.row_id)
        AND NOT EXISTS (SELECT 1 FROM removed_rows AS r WHERE r.row_id = t.row_id))
    ORDER BY 2)`;

const STORIES = `
  SELECT '[' || coalesce(group_concat(row), '') || ']' FROM (
    SELECT json_array(row_id, at, from_state, to_state, container_id, container_name, image_ref,
      exit_code) AS row
    FROM transitions WHERE row_id IN (SELECT value FROM json_each(?1)) ORDER BY row_id, seq)`;

const TRANSITIONS = `
  SELECT '[' || coalesce(group_concat(row), '') || ']' FROM (
    SELECT json_array(seq, row_id, at, from_state, to_state, cause, container_id, exit_code, detail,
      origin, container_name, image_ref) AS row
    FROM transitions
    WHERE at >= ?1 AND at < ?2 AND (?4 IS NULL OR row_id = ?4)
      AND (?3 IS NULL OR row_id IN (
        SELECT id FROM containers WHERE workload_id IN (SELECT value FROM json_each(?3))
        UNION SELECT row_id FROM removed_rows
        WHERE workload_id IN (SELECT value FROM json_each(?3))))
      AND (?5 IS NULL OR at < ?5 OR (at = ?5 AND seq < ?6))
    ORDER BY at DESC, seq DESC LIMIT ?7)`;

type SubjectColumns = [
  id: string,
  workloadId: string | null,
  workloadKind: WorkloadKind | null,
  workloadName: string | null,
  role: string | null,
  replica: number | null,
  stageName: string | null,
  removed: 0 | 1,
  createdAt: string | null,
  state?: string,
  containerId?: string | null,
  containerName?: string | null,
  imageRef?: string | null,
  exitCode?: number | null,
];

type EventColumns = [
  at: string,
  from: string | null,
  to: string,
  containerId: string | null,
  containerName: string | null,
  imageRef: string | null,
  exitCode: number | null,
];

function subject(columns: SubjectColumns): KeptSubject {
  const [id, workloadId, workloadKind, workloadName, role, replica, stageName] = columns;
  const [removed, createdAt, to, containerId, containerName, imageRef, exitCode] = columns.slice(
    7,
  ) as [0 | 1, string | null, string?, string?, string?, string?, number?];
  return {
    ...{ id, workloadId, workloadKind, workloadName, role, replica, stageName },
    removed: removed === 1,
    createdAt,
    now: to === undefined ? null : {
      from: null,
      to,
      containerId: containerId ?? null,
      containerName: containerName ?? null,
      imageRef: imageRef ?? null,
      exitCode: exitCode ?? null,
    },
  };
}

function storyEvent(columns: EventColumns): StoryEvent {
  const [at, from, to, containerId, containerName, imageRef, exitCode] = columns;
  return { at, from, to, containerId, containerName, imageRef, exitCode };
}

/** As `json_each` takes it. */
function listOrNull(ids: readonly string[] | undefined): string | null {
  return ids === undefined ? null : JSON.stringify(ids);
}
