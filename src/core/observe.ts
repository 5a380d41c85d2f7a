/**
 * What a container's row must say. Pure; which row it is, others decide.
 *
 * @module
 */

import { LISTED_FIELDS, type ListedField } from "../model/columns.ts";
import { COMPLETED, LOCAL_HOST, MISSING, PENDING, REMOVED, RETIRED } from "../model/container.ts";
import type { ContainerState, IndexRow, ListedContainer, ListedPort } from "../model/container.ts";
import type { Claim, Unclaimed } from "../model/pass.ts";
import { ABSENT } from "../model/problem.ts";
import type { Workload } from "../model/workload.ts";

/** As much of a claim as the row shows. */
export interface RowClaim extends Pick<Claim, "rowId" | "role" | "replica" | "completed"> {
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
  const chosen = chosenPort(container.ports);
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
    state: claimedState(container, claim),
    port: chosen?.privatePort ?? 0,
    hostIp: chosen?.hostIp ?? null,
    hostPort: chosen?.publicPort ?? null,
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
  const chosen = chosenPort(container.ports);
  return row.confirmed && row.state === claimedState(container, claim) &&
    row.port === (chosen?.privatePort ?? 0) && row.hostPort === (chosen?.publicPort ?? null) &&
    row.hostIp === (chosen?.hostIp ?? null) && row.createdAtEngine === container.createdAt &&
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

function claimedState({ state }: ListedContainer, { completed }: RowClaim): ContainerState {
  return completed === true ? COMPLETED : rowState(state);
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
  REMOVED,
  ABSENT,
  RETIRED,
  COMPLETED,
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

/** Whether a row's container ended with 0, as far as the row tells. */
export function endedWell({ state, exitCode }: Pick<IndexRow, "state" | "exitCode">): boolean {
  return state === COMPLETED || state === "stopped" && exitCode === 0;
}

/**
 * The port that a proxy leads to: the lowest published TCP port, else the lowest TCP port, else the
 * lowest, else null. The same whatever order the Engine lists ports in: of several publications of
 * one port an IPv4 address is taken before an IPv6 one, then the least in writing (`0.0.0.0` is
 * that), then the lowest port of the host.
 */
export function chosenPort(ports: readonly ListedPort[]): ListedPort | null {
  let best: ListedPort | null = null;
  for (const port of ports) if (best === null || before(port, best)) best = port;
  return best;
}

function before(a: ListedPort, b: ListedPort): boolean {
  const order = portClass(a) - portClass(b) || a.privatePort - b.privatePort ||
    unpublished(a) - unpublished(b);
  if (order !== 0) return order < 0;
  const [left, right] = [a.hostIp ?? "", b.hostIp ?? ""];
  const family = Number(left.includes(":")) - Number(right.includes(":"));
  if (family !== 0) return family < 0;
  if (left !== right) return left < right;
  return (a.publicPort ?? 0) < (b.publicPort ?? 0);
}

function portClass({ protocol, publicPort }: ListedPort): number {
  return protocol !== "tcp" ? 2 : publicPort === null ? 1 : 0;
}

function unpublished({ publicPort }: ListedPort): number {
  return publicPort === null ? 1 : 0;
}
