/**
 * Holds what a pass makes of the index against what is expected: rows that are expected and were
 * never seen are made, rows that nobody expects any more are retired, and within a role the count
 * matters, not the number. Pure; settling twice changes nothing.
 *
 * @module
 */

import type { ContainerIndex, IndexRow } from "../model/container.ts";
import type { Change } from "../model/pass.ts";
import type { Workload, WorkloadDirectory } from "../model/workload.ts";
import { isGone, settleRole } from "./expect.ts";
import type { ExpectedRoles } from "./expected_roles.ts";

/** What changes are settled by. */
export interface SettleWorld {
  /** The rows before the changes. */
  readonly index: ContainerIndex;
  /** What is expected. */
  readonly expected: ExpectedRoles;
  /** Every workload. */
  readonly directory: WorkloadDirectory;
  /**
   * Whether only roles that the changes touch need be looked at: everything else was settled
   * before, and nobody else has written since.
   */
  readonly onlyTouched: boolean;
  /** Whether a deployer wrote a column of the row. */
  isDeployed(rowId: string): boolean;
}

/** The changes, with what settling adds to them. */
export function settle(changes: readonly Change[], world: SettleWorld): readonly Change[] {
  const places = world.onlyTouched ? touched(changes, world) : everyPlace(world);
  if (places.size === 0) return changes;
  const settled = new Map(changes.map((change) => [change.row.id, change]));
  collect(places, { index: world.index, changes: settled });
  for (const place of places.values()) {
    for (const [role, rows] of place.roles) {
      settleOne(place.workload, { role, rows }, world, settled);
    }
  }
  return [...settled.values()];
}

/** Whether settling made more of the changes than was planned. */
export function addsTo(planned: readonly Change[], settled: readonly Change[]): boolean {
  if (settled.length !== planned.length) return true;
  const known = new Set(planned);
  return settled.some((change) => !known.has(change));
}

/** A workload whose roles are to be settled, with their rows. */
interface Place {
  readonly workload: Workload;
  readonly roles: Map<string, IndexRow[]>;
}

type Places = Map<string, Place>;

function add(places: Places, workload: Workload | undefined, role: string): void {
  if (workload === undefined) return;
  let place = places.get(workload.id);
  if (place === undefined) places.set(workload.id, place = { workload, roles: new Map() });
  place.roles.set(role, []);
}

function everyPlace({ expected, directory }: SettleWorld): Places {
  const places: Places = new Map();
  for (const { workloadId, role } of expected.all()) add(places, directory.byId(workloadId), role);
  // A site is expected by being registered.
  for (const workload of directory.all()) {
    if (workload.kind === "site") add(places, workload, "");
  }
  return places;
}

function touched(changes: readonly Change[], { expected, directory, index }: SettleWorld): Places {
  const places: Places = new Map();
  if (expected.size === 0) return places;
  const touch = ({ workloadId, role }: IndexRow) => {
    if (expected.of(workloadId, role) === undefined) return;
    add(places, directory.byId(workloadId), role);
  };
  for (const { op, row } of changes) {
    if (op === "unconfirm") continue;
    touch(row);
    const before = index.row(row.id);
    if (before !== undefined && before.role !== row.role) touch(before);
  }
  return places;
}

function collect(
  places: Places,
  { index, changes }: { index: ContainerIndex; changes: ReadonlyMap<string, Change> },
): void {
  const take = (row: IndexRow) => {
    const place = places.get(row.workloadId);
    // A site has one role, whatever a deployer called his rows.
    place?.roles.get(place.workload.kind === "site" ? "" : row.role)?.push(row);
  };
  for (const row of index.rows()) if (!changes.has(row.id)) take(row);
  for (const { row } of changes.values()) take(row);
}

function settleOne(
  workload: Workload,
  { role, rows }: { role: string; rows: readonly IndexRow[] },
  { index, expected, isDeployed }: SettleWorld,
  changes: Map<string, Change>,
): void {
  const expectation = expected.of(workload.id, role);
  if (rows.length === (expectation?.replicas ?? 1) && !rows.some(isGone)) return;
  const { rebound, retired, absent } = settleRole(rows, {
    workload,
    role,
    expectation,
    isDeployed,
  });
  for (const row of rebound) {
    const before = index.row(row.id);
    changes.set(row.id, {
      op: before === undefined ? "insert" : "update",
      row: { ...row, confirmed: true },
      from: before?.state ?? null,
    });
  }
  for (const row of retired) {
    const before = index.row(row.id);
    if (before === undefined) changes.delete(row.id);
    else changes.set(row.id, { op: "retire", row, from: before.state });
  }
  for (const row of absent) changes.set(row.id, { op: "absent", row, from: null });
}
