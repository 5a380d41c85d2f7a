/**
 * What a container's row must say. Pure; which row it is, others decide.
 *
 * @module
 */

import { LISTED_FIELDS, type ListedField } from "../model/columns.ts";
import { LOCAL_HOST, MISSING, PENDING } from "../model/container.ts";
import type { ContainerState, IndexRow, ListedContainer, ListedPort } from "../model/container.ts";
import type { Claim, Unclaimed } from "../model/pass.ts";
import type { Workload } from "../model/workload.ts";

/** As much of a claim as the row shows. */
export interface RowClaim extends Pick<Claim, "rowId" | "role" | "replica"> {
  /** The workload that it belongs to. */
  readonly workload: Pick<Workload, "id" | "kind">;
}

/** Why a container does not claim the row that it is shown by; null when it does. */
export type Unclaiming = Pick<Unclaimed, "reason" | "value"> | null;

/**
 * The row that a container makes of the row `before`, if there was one: which has this claim, or is
 * followed by it for want of another.
 */
export function observed(
  container: ListedContainer,
  claim: RowClaim,
  { before, unclaimed = null }: { before?: IndexRow; unclaimed?: Unclaiming } = {},
): IndexRow {
  return withListed(container, {
    id: claim.rowId,
    workloadId: claim.workload.id,
    workloadKind: claim.workload.kind,
    role: claim.role,
    replica: claim.replica,
    containerId: container.id,
    containerName: container.name,
    imageRef: imageRef(container, before),
    host: LOCAL_HOST,
    state: rowState(container.state),
    port: privatePort(container.ports),
    createdAtEngine: container.createdAt,
    unclaimedReason: unclaimed?.reason ?? null,
    unclaimedValue: unclaimed?.value ?? null,
    confirmed: true,
  });
}

/** Whether the row is what {@linkcode observed} would make; most are, and none is made to see it. */
export function shows(
  row: IndexRow,
  container: ListedContainer,
  claim: RowClaim,
  unclaimed: Unclaiming = null,
): boolean {
  return row.confirmed && row.state === rowState(container.state) &&
    row.port === privatePort(container.ports) && row.createdAtEngine === container.createdAt &&
    row.containerId === container.id && row.containerName === container.name &&
    row.imageRef === imageRef(container, row) && row.role === claim.role &&
    row.replica === claim.replica && row.workloadId === claim.workload.id &&
    row.workloadKind === claim.workload.kind && row.host === LOCAL_HOST &&
    row.unclaimedReason === (unclaimed?.reason ?? null) &&
    row.unclaimedValue === (unclaimed?.value ?? null) &&
    showsListed(row, container);
}

function withListed(container: ListedContainer, row: Omit<IndexRow, ListedField>): IndexRow {
  const whole: Record<string, unknown> = row as object as Record<string, unknown>;
  for (const field of LISTED_FIELDS) whole[field] = container[field];
  return whole as object as IndexRow;
}

function showsListed(row: IndexRow, container: ListedContainer): boolean {
  for (const field of LISTED_FIELDS) if (row[field] !== container[field]) return false;
  return true;
}

/** An image's id, which an Engine shows in place of a name that another image has by now. */
const IMAGE_ID = /^sha256:[0-9a-f]{64}$/;

/** What the container was created from: still the name that it had then, though that has moved. */
function imageRef({ id, image }: ListedContainer, before: IndexRow | undefined): string {
  if (image === before?.imageRef || !IMAGE_ID.test(image)) return image;
  return before?.containerId === id && before.imageRef !== "" ? before.imageRef : image;
}

/** States that only the index gives a row: no Engine has them, and one that says so is not believed. */
const OURS: ReadonlySet<string> = new Set([
  MISSING,
  PENDING,
  "removed",
  "absent",
  "retired",
  "completed",
]);

/**
 * The state of a row whose container is in the Engine's state `engineState`. A word that has a
 * meaning of ours gets `engine:` before it, so that nobody takes a listed container for a lost one.
 */
export function rowState(engineState: string): ContainerState {
  switch (engineState) {
    case "running":
      return engineState;
    case "exited":
    case "dead":
      return "stopped";
    default:
      return OURS.has(engineState) ? `engine:${engineState}` : engineState;
  }
}

/**
 * The container's private port: the lowest published TCP port, else the lowest TCP port, else the
 * lowest, else 0. The same whatever order the Engine lists ports in.
 */
export function privatePort(ports: readonly ListedPort[]): number {
  let best = 0;
  let bestClass = 3;
  for (const { privatePort, publicPort, protocol } of ports) {
    const portClass = protocol !== "tcp" ? 2 : publicPort === null ? 1 : 0;
    if (portClass < bestClass || (portClass === bestClass && privatePort < best)) {
      best = privatePort;
      bestClass = portClass;
    }
  }
  return best;
}
