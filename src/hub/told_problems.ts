/**
 * The problems of all hosts as notifications know problems: of whichever host, each by an id of its
 * own, with what its workload and row are called. Writes nothing.
 *
 * @module
 */

import { idOverHosts } from "../model/hosts.ts";
import type { Problem } from "../model/problem.ts";
import { type Names, rowName } from "../notify/told_problem.ts";
import { type Reading, unlessDamaged } from "../store/damage.ts";
import { keptJson } from "../store/kept_json.ts";
import { silencedIn } from "./hub_silences.ts";
import { listProblems, problemOverHosts } from "./problem_views.ts";
import type { Sql } from "./sql.ts";

/** What is read for one look. */
export interface ToldProblems {
  /** Those that are open, and those that closed lately and were not seen to. */
  readonly problems: readonly Problem[];
  /** What things are called. */
  readonly names: Names;
  /** Whether nobody wants to hear of anything now. */
  readonly allSilent: boolean;
}

/** What was over so long before it was told, milliseconds, concerns nobody any more. */
const STALE_MS = 3_600_000;

/** What was told shortly before a look may have been committed after it, milliseconds. */
const SLACK_MS = 60_000;

/** So many of those that closed are read. */
const MAX_CLOSED = 5000;

/** Reads them; `since`: the last look, milliseconds since the Unix epoch. What is left out keeps nothing else from being told. */
export async function toldProblems(
  sql: Sql,
  { since, now, onDamage }: { since: number; now: number } & Reading,
): Promise<ToldProblems> {
  const found = await listProblems(sql, {
    ...{ closed: MAX_CLOSED, closedSince: now - STALE_MS, toldSince: since - SLACK_MS, onDamage },
  });
  const { silenced, all } = await silencedIn(sql, { onDamage });
  const workloads = new Map<string, string>();
  const problems = found.map(({ hostId, problem, workload, overAt }): Problem => {
    // What helps names it as its host does.
    if (workload !== null) {
      workloads.set(workload.id, workload.name)
        .set(idOverHosts(problem.host, workload.id), workload.name);
    }
    const told: Problem = {
      ...problemOverHosts(problem),
      // By what a host is known by even when another has its name.
      key: `${hostId}/${problem.key}`,
    };
    return { ...told, silenced: told.silenced || silenced(told, overAt) };
  });
  const rows = await rowNames(
    sql,
    found.flatMap(({ problem: { host, rowId } }) => rowId === null ? [] : [{ host, rowId }]),
    { onDamage },
  );
  return {
    problems,
    allSilent: all,
    names: {
      workload: (id) => workloads.get(id) ?? null,
      row: (id) => rows.get(id) ?? null,
      host: ({ host }) => host,
    },
  };
}

interface RowNames {
  readonly role?: string | null;
  readonly replica?: number;
}

/** Names by host and row; none for a site's row. */
async function rowNames(
  sql: Sql,
  rows: readonly { readonly host: string; readonly rowId: string }[],
  reading: Reading,
): Promise<Map<string, string>> {
  if (rows.length === 0) return new Map();
  const found = await sql<{ host: string; id: string; body: string }[]>`
    SELECT h.name AS host, c.id, c.body FROM tinyforge.containers AS c
    JOIN tinyforge.hosts AS h ON h.id = c.host_id
    JOIN (SELECT DISTINCT * FROM unnest(${rows.map(({ host }) => host)}::text[],
      ${rows.map(({ rowId }) => rowId)}::text[]) AS asked (host, id)) AS asked
      ON h.name = asked.host AND c.id = asked.id`;
  return new Map(found.flatMap(({ host, id, body }) => {
    const { role, replica } = unlessDamaged<RowNames, RowNames>(
      () => keptJson(body, "containers.body", { of: id }),
      { role: null },
      reading,
    );
    const name = rowName({ role: role ?? null, replica: replica ?? 1 });
    return name === null ? [] : [[idOverHosts(host, id), name]];
  }));
}
