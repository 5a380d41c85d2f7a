/**
 * Rows of many hosts held against what each host expects, by the same rule as there. Of a host that is
 * not heard of nothing is as expected: nobody knows. Writes nothing.
 *
 * @module
 */

import { checkRow, expectsNothing } from "../core/check.ts";
import { wantedOf } from "../core/expect.ts";
import { type Wanted, WANTED_BY_DEFAULT } from "../core/judged_world.ts";
import { Failure } from "../failure.ts";
import type { CheckedRow, CheckFilter } from "../model/check.ts";
import type { IndexRow } from "../model/container.ts";
import { idOverHosts, partsOfId, UNKNOWN } from "../model/hosts.ts";
import type { Expectation } from "../model/problem.ts";
import type { ContainerView } from "../model/views.ts";
import { quote } from "../text.ts";
import type { Sql } from "./sql.ts";
import { containersOf, type HubContainer, listContainers } from "./hub_views.ts";
import { type HostedWorkload, listWorkloads } from "./workload_views.ts";

/** So many rows are checked at once. */
const MAX_ROWS = 100_000;

/**
 * Rows by workload and host; a workload that was named, or a site, without a row is one too.
 *
 * @throws {Failure} `not-found`; `invalid` when they are more than can be checked at once.
 */
export async function checkRows(sql: Sql, filter: CheckFilter): Promise<CheckedRow[]> {
  const { host, rows: only, image } = filter;
  const named = filter.workloads === undefined ? null : new Set(filter.workloads);
  const [found, workloads] = await Promise.all([
    only === undefined ? readRows(sql, host) : readOnly(sql, only),
    listWorkloads(sql, host === undefined ? {} : { host }),
  ]);
  const byWorkload = Map.groupBy(found, (row) => idOverHosts(row.host, String(row.workloadId)));
  return workloads.flatMap((workload): CheckedRow[] => {
    const id = idOverHosts(workload.host, workload.id);
    if (named !== null && !named.has(id)) return [];
    const its = byWorkload.get(id) ?? [];
    if (its.length > 0) return checkOf(workload, its, image);
    const none = only === undefined && (named !== null || workload.kind === "site") &&
      (workload.unknown || !expectsNothing(workload.expectations));
    return none ? [nothingOf(workload)] : [];
  });
}

function checkOf(
  workload: HostedWorkload,
  its: readonly HubContainer[],
  image: string | undefined,
): CheckedRow[] {
  const { host, kind, name, unknown } = workload;
  const rows = its.map((row) => indexRow(row as unknown as ContainerView & HubContainer));
  const roleOf = ({ role }: IndexRow) => kind === "site" ? "" : role;
  const expected = new Map(workload.expectations.map((each) => [each.role, each]));
  const wanted = new Map<string, Wanted>();
  for (const [role, ofRole] of Map.groupBy(rows, roleOf)) {
    const its = expected.get(role);
    if (its === undefined) continue;
    const expectation: Expectation = { ...its, workloadId: workload.id };
    // Which rows a deployer wants beyond it is not told.
    for (const [id, want] of wantedOf(ofRole, { expectation, isDeployed: () => false })) {
      wanted.set(id, want);
    }
  }
  return rows.map((row, i): CheckedRow => {
    const { id, heardAt, lastState } = its[i]!;
    const view = its[i] as unknown as ContainerView;
    const told = expected.get(roleOf(row));
    const wantedImage = image ?? (told?.source === "manual" ? told.image : null);
    const checked = checkRow(row, {
      wanted: wanted.get(row.id) ?? WANTED_BY_DEFAULT,
      image: wantedImage,
      times: { stateSince: timeOf(view.stateSince), healthSince: timeOf(view.healthSince) },
      deaths: undefined,
    });
    const why = unknown ? "unknown" : checked.why;
    return {
      ...{ host, workload: { id: idOverHosts(host, workload.id), kind, name } },
      row: idOverHosts(host, id),
      state: unknown ? UNKNOWN : lastState,
      exitCode: row.exitCode,
      image: row.imageRef,
      expectedImage: why === "image" ? wantedImage : null,
      why,
      since: unknown ? heardAt : new Date(checked.since).toISOString(),
    };
  });
}

function nothingOf({ host, id, kind, name, unknown }: HostedWorkload): CheckedRow {
  return {
    ...{ host, workload: { id: idOverHosts(host, id), kind, name } },
    ...{ row: null, state: null, exitCode: null, image: null, expectedImage: null, since: null },
    why: unknown ? "unknown" : "no-container",
  };
}

/** What readers are shown null for is empty in a row. */
function indexRow(row: ContainerView & HubContainer): IndexRow {
  return {
    ...row as unknown as IndexRow,
    state: row.lastState,
    role: row.role ?? "",
    imageRef: row.imageRef ?? "",
  };
}

/** Of an older host that does not tell it, or not as a time, it was always so. */
function timeOf(text: string | null): number {
  return Date.parse(text ?? "") || 0;
}

async function readRows(sql: Sql, host: string | undefined): Promise<HubContainer[]> {
  const found = await listContainers(sql, {
    ...host !== undefined && { host },
    limit: MAX_ROWS + 1,
  });
  if (found.length <= MAX_ROWS) return found;
  throw new Failure("invalid", `Cannot check more than ${MAX_ROWS} rows at once: name a host`, {
    data: {},
  });
}

async function readOnly(sql: Sql, ids: readonly string[]): Promise<HubContainer[]> {
  const found = await containersOf(sql, ids.map(partsOfId).filter((parts) => parts !== null));
  const there = new Set(found.map(({ host, id }) => idOverHosts(host, id)));
  const missing = ids.find((id) => !there.has(id));
  if (missing === undefined) return found;
  throw new Failure("not-found", `Cannot check row ${quote(missing)}: no such row`, {
    data: { thing: "row", id: missing },
  });
}
