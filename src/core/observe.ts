/**
 * What a container's row must say. Pure; which row it is, others decide.
 *
 * @module
 */

import { LISTED_FIELDS, type ListedField } from "../model/columns.ts";
import { LOCAL_HOST } from "../model/container.ts";
import type { ContainerState, IndexRow, ListedContainer, ListedPort } from "../model/container.ts";
import type { Claim } from "../model/pass.ts";

/** The row that a container with this claim makes. */
export function observed(container: ListedContainer, claim: Claim): IndexRow {
  return withListed(container, {
    id: claim.rowId,
    workloadId: claim.workload.id,
    workloadKind: claim.workload.kind,
    role: claim.role,
    replica: claim.replica,
    containerId: container.id,
    containerName: container.name,
    imageRef: container.image,
    host: LOCAL_HOST,
    state: rowState(container.state),
    port: privatePort(container.ports),
    createdAtEngine: container.createdAt,
    confirmed: true,
  });
}

/** Whether the row is what {@linkcode observed} would make; most are, and none is made to see it. */
export function shows(row: IndexRow, container: ListedContainer, claim: Claim): boolean {
  return row.confirmed && row.state === rowState(container.state) &&
    row.port === privatePort(container.ports) && row.createdAtEngine === container.createdAt &&
    row.containerId === container.id && row.containerName === container.name &&
    row.imageRef === container.image && row.role === claim.role &&
    row.replica === claim.replica && row.workloadId === claim.workload.id &&
    row.workloadKind === claim.workload.kind && row.host === LOCAL_HOST &&
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

/** The state of a row whose container is in the Engine's state `engineState`. */
export function rowState(engineState: string): ContainerState {
  switch (engineState) {
    case "exited":
    case "dead":
      return "stopped";
    default:
      return engineState;
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
