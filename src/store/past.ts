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
import { boundsOf, transition, type TransitionColumns } from "./transitions.ts";

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

/** So many numbers of transitions are looked through before others may be let go first. */
const PIECE = 10_000;

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
    const [json] = rowId === undefined
      ? this.#c.sql(SUBJECTS).value<[string]>(listOrNull(workloadIds))!
      : this.#c.sql(SUBJECTS_OF_ROW).value<[string]>(listOrNull(workloadIds), rowId)!;
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

  /**
   * Transitions that match, the newest `limit` of them, newest first. Clocks are set back, so that all
   * that are kept have to be looked through: piece by piece, and between two others may be let go
   * first. What is written meanwhile is not among them.
   */
  *transitions(filter: PastFilter): Generator<undefined, Transition[], undefined> {
    const { from = "", until = "~", workloadIds, rowId, before, limit } = filter;
    const [first, last] = boundsOf(this.#c);
    const statement = this.#c.sql(rowId === undefined ? TRANSITIONS : TRANSITIONS_OF_ROW);
    let found: TransitionColumns[] = [];
    for (let upTo = last ?? 0; first !== null && upTo >= first; upTo -= PIECE) {
      if (upTo !== last) yield;
      // What is older than all that there is room for need not be looked at.
      const oldest = found.length < limit ? from : found.at(-1)![AT];
      const [json] = statement.value<[string]>(
        ...[upTo - PIECE, upTo, oldest > from ? oldest : from, until, listOrNull(workloadIds)],
        ...[before?.at ?? null, before?.seq ?? null, limit],
        ...rowId === undefined ? [] : [rowId],
      )!;
      const piece: TransitionColumns[] = JSON.parse(json);
      if (piece.length > 0) found = [...found, ...piece].sort(newestFirst).slice(0, limit);
    }
    return found.map(transition);
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

/**
 * `row` narrows each part down to one row by its id; `told` are the ids that transitions tell of, each
 * once.
 */
const subjects = (row: (id: string) => string, told: string) => `
  SELECT '[' || coalesce(group_concat(row), '') || ']' FROM (
    SELECT json_array(id, workload_id, workload_kind, workload_name, nullif(role, ''), replica,
      stage_name, 0, created_at, state, container_id, nullif(container_name, ''),
      nullif(image_ref, ''), exit_code) AS row, id
    FROM container_views
    WHERE (?1 IS NULL OR workload_id IN (SELECT value FROM json_each(?1))) ${row("id")}
    UNION ALL
    SELECT json_array(r.row_id, r.workload_id, r.workload_kind, coalesce(w.name, r.workload_name),
      nullif(r.role, ''), r.replica, r.stage_name, 1, r.created_at), r.row_id
    FROM removed_rows AS r LEFT JOIN workloads AS w ON w.id = r.workload_id
    WHERE NOT EXISTS (SELECT 1 FROM containers AS c WHERE c.id = r.row_id)
      AND (?1 IS NULL OR r.workload_id IN (SELECT value FROM json_each(?1))) ${row("r.row_id")}
    UNION ALL
    SELECT json_array(row_id, NULL, NULL, NULL, NULL, NULL, NULL, 1, NULL), row_id
    FROM (${told}) AS t
    WHERE NOT EXISTS (SELECT 1 FROM containers AS c WHERE c.id = t.row_id)
      AND NOT EXISTS (SELECT 1 FROM removed_rows AS r WHERE r.row_id = t.row_id)
    ORDER BY 2)`;

// A row that is there again is told as it is. Of others the name of a workload that is still
// registered is today's.
// From one id in the index to the next: of each row there may be thousands.
const SUBJECTS = subjects(
  () => "",
  `WITH RECURSIVE told (row_id) AS (
     SELECT min(row_id) FROM transitions WHERE ?1 IS NULL
     UNION ALL
     SELECT (SELECT min(row_id) FROM transitions WHERE row_id > told.row_id) FROM told
     WHERE told.row_id IS NOT NULL)
   SELECT row_id FROM told WHERE row_id IS NOT NULL`,
);
// Told apart, since "of this row, or of any" would be looked for among all of them.
const SUBJECTS_OF_ROW = subjects(
  (id) => `AND ${id} = ?2`,
  "SELECT row_id FROM transitions WHERE ?1 IS NULL AND row_id = ?2 LIMIT 1",
);

const STORIES = `
  SELECT '[' || coalesce(group_concat(row), '') || ']' FROM (
    SELECT json_array(row_id, at, from_state, to_state, container_id, container_name, image_ref,
      exit_code) AS row
    FROM transitions WHERE row_id IN (SELECT value FROM json_each(?1)) ORDER BY row_id, seq)`;

const transitions = (row: string) => `
  SELECT '[' || coalesce(group_concat(row), '') || ']' FROM (
    SELECT json_array(seq, row_id, at, from_state, to_state, cause, container_id, exit_code, detail,
      origin, container_name, image_ref) AS row
    FROM transitions
    WHERE seq > ?1 AND seq <= ?2 AND at >= ?3 AND at < ?4 ${row}
      AND (?5 IS NULL OR row_id IN (
        SELECT id FROM containers WHERE workload_id IN (SELECT value FROM json_each(?5))
        UNION SELECT row_id FROM removed_rows
        WHERE workload_id IN (SELECT value FROM json_each(?5))))
      AND (?6 IS NULL OR at < ?6 OR (at = ?6 AND seq < ?7))
    ORDER BY at DESC, seq DESC LIMIT ?8)`;
const TRANSITIONS = transitions("");
const TRANSITIONS_OF_ROW = transitions("AND row_id = ?9");

/** Where they stand in {@linkcode TransitionColumns}. */
const SEQ = 0;
const AT = 2;

function newestFirst(a: TransitionColumns, b: TransitionColumns): number {
  return a[AT] === b[AT] ? b[SEQ] - a[SEQ] : a[AT] < b[AT] ? 1 : -1;
}

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
