/**
 * What should be, slot by slot: which rows are expected, which are made because nothing was ever
 * seen of them, which are retired because nobody wants them any more. Within a role the count
 * matters, not the number. Pure.
 *
 * @module
 */

import { UNLISTED } from "../model/columns.ts";
import { COMPLETED, LOCAL_HOST, MISSING } from "../model/container.ts";
import type { IndexRow } from "../model/container.ts";
import { ABSENT } from "../model/problem.ts";
import type { Death, Deaths, Expectation, Mode } from "../model/problem.ts";
import type { Workload } from "../model/workload.ts";
import { type Wanted, WANTED_BY_DEFAULT } from "./judged_world.ts";
import { endedWell } from "./observe.ts";

/** The id of the row for one slot of a workload. Null role: a site's only one. */
export function slotId(workload: Workload, role: string, replica: number): string {
  const place = workload.kind === "site" ? "site" : role;
  return replica > 1 ? `${workload.id}:${place}:${replica}` : `${workload.id}:${place}`;
}

/** What a container's number is looked up in; all of one role. */
export interface Slots {
  /** The replica of the row that is bound to the container, or null. */
  boundTo(containerId: string): number | null;
  /** The container that is there and that the row of this replica is bound to, or null. */
  holderOf(replica: number): string | null;
  /** The number that the container's labels give it, or null when it is not listed. */
  numberOf(containerId: string): number | null;
}

/**
 * The replica whose row a container of a role claims. It keeps the row that it is bound to; a
 * number whose row went to a container of another number is that one's in exchange. Two of one
 * number contend for its row, as ever.
 */
export function replicaOf(containerId: string, number: number, slots: Slots): number {
  const bound = slots.boundTo(containerId);
  if (bound !== null) return bound;
  let replica = number;
  // Each number is passed once, so it ends, at the latest where it began.
  for (const passed = new Set<number>(); !passed.has(replica);) {
    passed.add(replica);
    const holder = slots.holderOf(replica);
    if (holder === null || holder === containerId) return replica;
    const other = slots.numberOf(holder);
    if (other === null || other === replica || other === number) return replica;
    replica = other;
  }
  return number;
}

/** What a role's rows are settled by. */
export interface SettleOptions {
  /** Whose role it is. */
  readonly workload: Workload;
  /** Empty for a site. */
  readonly role: string;
  /** Undefined: nobody said what is expected, and nothing is forgotten. */
  readonly expectation: Expectation | undefined;
  /** Whether a deployer wrote a column of the row: then it is his to remove. */
  isDeployed(rowId: string): boolean;
}

/** What becomes of a role's rows. */
export interface Settlement {
  /** Expected rows that go on with the container of another row, which is retired. */
  readonly rebound: readonly IndexRow[];
  /** Rows to remove, each with a last transition `retired`. */
  readonly retired: readonly IndexRow[];
  /** Rows to make, in state `absent`. */
  readonly absent: readonly IndexRow[];
}

/** Settles all rows of one role, as they are after a pass. Settling twice changes nothing. */
export function settleRole(rows: readonly IndexRow[], options: SettleOptions): Settlement {
  const { workload, role, isDeployed } = options;
  const wanted = wantedReplicas(rows, options);
  if (wanted === null) return { rebound: [], retired: [], absent: [] };
  const { expected, surplus } = parted(rows, wanted, isDeployed);

  const running = surplus.filter((row) => row.state === "running" && !isDeployed(row.id));
  const rebound: IndexRow[] = [];
  const moved = new Set<IndexRow>();
  for (const row of expected) {
    if (!isGone(row) || isDeployed(row.id)) continue;
    const from = running[rebound.length];
    if (from === undefined) break;
    rebound.push({ ...from, id: row.id, role: row.role, replica: row.replica });
    moved.add(from);
  }
  const retired = surplus.filter((row) => moved.has(row) || (isGone(row) && !isDeployed(row.id)));

  const taken = new Set([...expected, ...surplus].map(({ replica }) => replica));
  const ids = new Set(rows.map(({ id }) => id));
  const absent: IndexRow[] = [];
  for (let replica = 1; expected.length + absent.length < wanted; replica++) {
    const id = slotId(workload, role, replica);
    if (!taken.has(replica) && !ids.has(id)) {
      absent.push(absentRow(workload, { id, role, replica }));
    }
  }
  return { rebound, retired, absent };
}

/** How many rows a role should have; null when nobody said. */
function wantedReplicas(
  rows: readonly IndexRow[],
  { workload, role, expectation }: SettleOptions,
): number | null {
  // Rows of a project are its deployer's to make: one that is invented here would be a ghost.
  if (workload.kind === "project") {
    return expectation === undefined ? null : Math.min(expectation.replicas, rows.length);
  }
  if (expectation !== undefined) return expectation.replicas;
  return workload.kind === "site" && role === "" && rows.length === 0 ? 1 : null;
}

/** A role's rows, those that are expected apart from those beyond. */
function parted(
  rows: readonly IndexRow[],
  wanted: number,
  isDeployed: (rowId: string) => boolean,
): { expected: readonly IndexRow[]; surplus: readonly IndexRow[] } {
  const rank = (row: IndexRow) => isDeployed(row.id) ? 0 : 1;
  const inOrder = rows.toSorted((a, b) =>
    rank(a) - rank(b) || a.replica - b.replica || (a.id < b.id ? -1 : 1)
  );
  // What a deployer wrote is expected as long as it exists.
  const deployed = inOrder.filter((row) => rank(row) === 0).length;
  const count = Math.max(wanted, deployed);
  return { expected: inOrder.slice(0, count), surplus: inOrder.slice(count) };
}

/** Whether no container is there any more, or yet. */
export function isGone({ state }: IndexRow): boolean {
  return state === MISSING || state === ABSENT;
}

function absentRow(
  { id: workloadId, kind: workloadKind }: Workload,
  slot: { id: string; role: string; replica: number },
): IndexRow {
  return {
    ...slot,
    workloadId,
    workloadKind,
    containerId: null,
    containerName: "",
    imageRef: "",
    host: LOCAL_HOST,
    state: ABSENT,
    port: 0,
    hostIp: null,
    hostPort: null,
    createdAtEngine: null,
    unclaimedReason: null,
    unclaimedValue: null,
    confirmed: false,
    ...UNLISTED,
  };
}

/** What is expected of each row of one role, by row id. */
export function wantedOf(
  rows: readonly IndexRow[],
  { expectation, isDeployed }: Pick<SettleOptions, "expectation" | "isDeployed">,
): ReadonlyMap<string, Wanted> {
  if (expectation === undefined) {
    return new Map(rows.map(({ id }) => [id, WANTED_BY_DEFAULT]));
  }
  const { mode, source, setAt: since, replicas } = expectation;
  const wanted: Wanted = { mode, source, since };
  // Whose a row is matters only where there are more of them than are expected.
  if (rows.length <= replicas) return new Map(rows.map(({ id }) => [id, wanted]));
  const { expected, surplus } = parted(rows, replicas, isDeployed);
  const beyond: Wanted = { mode: null, source, since };
  return new Map<string, Wanted>([
    ...expected.map(({ id }) => [id, wanted] as const),
    ...surplus.map(({ id }) => [id, beyond] as const),
  ]);
}

/** What a workload is accepted by. */
export interface AcceptOptions {
  /** Who is accepted. */
  readonly workload: Workload;
  /** What was expected of it so far. */
  readonly before: readonly Expectation[];
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  /** The death that the row's present state comes from, if it is known. */
  endingOf(row: IndexRow): Death | null;
  /** Its container's restart policy; null: not known. */
  restartPolicyOf(row: IndexRow): string | null;
  /** Whether a deployer wrote a column of the row. */
  isDeployed(rowId: string): boolean;
}

/** What `accept` makes of a workload. */
export interface Acceptance {
  /** All that is expected of it from now on. */
  readonly expectations: readonly Expectation[];
  /** Rows to remove. */
  readonly retired: readonly IndexRow[];
}

/** What runs now is what should run. `rows` are all of the workload's. */
export function accept(rows: readonly IndexRow[], options: AcceptOptions): Acceptance {
  const { workload, before, now, endingOf, restartPolicyOf, isDeployed } = options;
  const there = Map.groupBy(rows.filter((row) => !isGone(row)), ({ role }) => role);
  const expectations = [...there].map(([role, rows]): Expectation => {
    const completed = rows.every((row) =>
      isCompleted(row, endingOf(row)) && !keepsRunning(restartPolicyOf(row))
    );
    const earlier = before.find((expectation) => expectation.role === role);
    // That it is a job, or does not matter, is the word of a person or a file: that it runs just
    // now, or failed, says nothing otherwise.
    const told = earlier !== undefined && earlier.source !== "accepted" &&
        earlier.mode !== "running"
      ? earlier
      : null;
    const mode: Mode = told?.mode ?? (completed ? "completed" : "running");
    return {
      workloadId: workload.id,
      role,
      mode,
      replicas: rows.length,
      image: null,
      source: told?.source ?? "accepted",
      setAt: now,
    };
  });
  if (workload.kind === "site" && expectations.length === 0) {
    // A site is expected by being registered, so that it is not must be said.
    expectations.push({
      workloadId: workload.id,
      role: "",
      mode: "any",
      replicas: 0,
      image: null,
      source: "accepted",
      setAt: now,
    });
  }
  return {
    expectations,
    retired: rows.filter((row) => isGone(row) && !isDeployed(row.id)),
  };
}

/**
 * The death that a row's present state comes from, of those that are known; null when it may have
 * been another. `stateSince`: when the state was first seen, milliseconds since the Unix epoch.
 */
export function endingOf(
  { containerId, exitCode }: IndexRow,
  { deaths, stateSince }: { deaths: Deaths | undefined; stateSince: number },
): Death | null {
  const last = deaths?.ring.at(-1);
  if (last === undefined || last.containerId !== containerId) return null;
  if (last.exitCode !== null && last.exitCode !== exitCode) return null;
  // Events were missed in between: it may have run and ended once more.
  const gapAt = deaths?.gapAt ?? null;
  return gapAt !== null && gapAt > last.at && gapAt <= stateSince ? null : last;
}

/**
 * Whether an Engine with this restart policy (null: not known) starts a container again whatever it
 * ended with: then one that stays ended was stopped by somebody, and is a service all the same.
 */
export function keepsRunning(restartPolicy: string | null): boolean {
  return restartPolicy === "always" || restartPolicy === "unless-stopped";
}

/** It stopped with 0, and by itself as far as is known. */
function isCompleted(row: IndexRow, ending: Death | null): boolean {
  if (row.state === COMPLETED) return true;
  return endedWell(row) && ending?.how !== "stop" && ending?.how !== "kill";
}
