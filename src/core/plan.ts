/**
 * Listing + index → changes: the whole decision of a pass. Pure; neither reads the clock nor
 * writes. Two plans of the same world differ in nothing, and the plan of a world that the index
 * already shows has no changes.
 *
 * @module
 */

import { MISSING } from "../model/container.ts";
import type { ContainerIndex, IndexRow, ListedContainer, Listing } from "../model/container.ts";
import type {
  Change,
  Contention,
  Findings,
  NoClaim,
  Refusal,
  Unclaimed,
  Unmanaged,
} from "../model/pass.ts";
import type { WorkloadDirectory } from "../model/workload.ts";
import { MemoryIndex } from "./memory_index.ts";
import { type Bid, claimsOf, type Contest, pickWinner, withBid } from "./contest.ts";
import { composeProjectOf, dispatcher, MAX_LABEL_LENGTH } from "./dispatch.ts";
import { type ExpectedRoles, withCompletion } from "./expected_roles.ts";
import { type Listed, listedIn } from "./listed.ts";
import { observed, type RowClaim, shows } from "./observe.ts";

/** What a listing is held against. */
export interface PlanOptions {
  /** The rows. */
  index: ContainerIndex;
  /** The workloads. */
  directory: WorkloadDirectory;
  /** Compose projects with this prefix are ours; empty: none. */
  composePrefix: string;
  /** What is expected; undefined: nothing is. */
  expected?: ExpectedRoles;
  /**
   * Rows that were bound and not missing before the listing was asked for, row id → container id: a
   * row bound later can't be known to it.
   */
  candidates: ReadonlyMap<string, string>;
  /** Whether candidates that the listing lacks become missing. */
  sweep: boolean;
  /** Only those of them that are confirmed. Default false. */
  onlyConfirmed?: boolean;
  /** Containers that lost a row in earlier passes, by row id; read again when the row is touched. */
  contenders?: ReadonlyMap<string, ReadonlySet<string>>;
}

/** What a pass has to write, and what it saw. */
export interface Plan extends Findings {
  /** Rows to write; at most one for each. */
  readonly changes: readonly Change[];
  /** Rows that several containers claimed. */
  readonly contended: readonly Contention[];
  /** Unmanaged containers: id → name, and Compose project or empty. */
  readonly unmanagedContainers: ReadonlyMap<string, UnmanagedContainer>;
  /**
   * Of a partial listing: ids of containers that must be listed too before these rows can be
   * decided. Not empty: the plan must not be applied.
   */
  readonly undecided: ReadonlySet<string>;
}

/** A container that no workload accounts for. */
export interface UnmanagedContainer {
  /** Its name without the slash. */
  readonly name: string;
  /** Its Compose project, or empty. */
  readonly composeProject: string;
}

/** Decides what the index must become, so that it says what the listing says. */
export function plan(listing: Listing, options: PlanOptions): Plan {
  const first = planRound(listing, options);
  if (!first.displaced || first.undecided.size > 0) return first;
  // A container that loses the row it was bound to may claim another: not in the next pass, which
  // would then find something to write, but in this one.
  const index = new MemoryIndex(options.index.rows());
  for (const { row } of first.changes) index.set(row);
  const rest = plan(listing, { ...options, index });
  return { ...rest, changes: joined(first.changes, rest.changes) };
}

/** The changes of a round and of those after it, as if there had been one. */
function joined(first: readonly Change[], rest: readonly Change[]): Change[] {
  const changes = new Map(first.map((change) => [change.row.id, change]));
  for (const { op, row, from } of rest) {
    const before = changes.get(row.id);
    changes.set(
      row.id,
      before === undefined
        ? { op, row, from }
        : { op: before.op === "insert" ? "insert" : op, row, from: before.from },
    );
  }
  return [...changes.values()];
}

/** A plan, and whether a listed container loses the row it was bound to. */
interface Round extends Plan {
  readonly displaced: boolean;
}

function planRound(listing: Listing, options: PlanOptions): Round {
  const { index, candidates } = options;
  const listed = listedIn(listing);
  const seen = dispatchAll(listing, { ...options, ...goneness(listing, options, listed), listed });
  const changes: Change[] = [];
  const contended: Contention[] = [];
  const unclaimed: Unclaimed[] = [];
  let displaced = false;

  for (const bids of seen.bids.values()) {
    const { container, claim, row } = pickWinner(bids, contended);
    // The name spoke for several; those that did not get the row ask for one of their own.
    if (bids instanceof Map && bids.values().some(({ claim }) => claim.byName)) displaced = true;
    if (row === undefined) {
      changes.push({ op: "insert", row: observed(container, claim), from: null });
      continue;
    }
    if (shows(row, container, claim) || boundMeanwhile(row, { listed, candidates })) continue;
    if (row.containerId !== container.id && listed(row.containerId) !== undefined) {
      displaced = true;
    }
    changes.push({
      op: "update",
      row: observed(container, claim, { before: row }),
      from: row.state,
    });
  }

  const { scope } = listing;
  const full = scope === "all";
  const others = full ? index.rows() : rowsBoundTo(scope, index);
  for (const row of others) {
    if (seen.bids.has(row.id)) continue;
    const container = listed(row.containerId);
    if (container !== undefined) {
      const why = seen.unclaimed(container.id);
      const claim = claimOfFollower(row);
      unclaimed.push({
        rowId: row.id,
        containerId: container.id,
        containerName: container.name,
        ...why,
      });
      if (shows(row, container, claim, why)) continue;
      changes.push({
        op: "update",
        row: observed(container, claim, { before: row, unclaimed: why }),
        from: row.state,
      });
      continue;
    }
    if (maySweep(row, options)) {
      const next = { ...row, state: MISSING, confirmed: false };
      changes.push({ op: "sweep", row: next, from: row.state });
    } else if (full && row.confirmed) {
      changes.push({ op: "unconfirm", row: { ...row, confirmed: false }, from: row.state });
    }
  }
  return {
    changes,
    claimed: seen.bids.size,
    refused: seen.refused,
    contended,
    unclaimed,
    unmanaged: seen.unmanaged,
    unmanagedContainers: seen.unmanagedContainers,
    undecided: full ? NOTHING : undecided(listing, seen, options),
    displaced,
  };
}

/**
 * Whether a deployer bound the row after the listing was asked for: what it is bound to is neither
 * listed nor was it before. The listing can't know better; the next one can.
 */
function boundMeanwhile(
  { id, state, containerId }: IndexRow,
  known: {
    listed: Listed;
    candidates: PlanOptions["candidates"];
  },
): boolean {
  return containerId !== null && state !== MISSING && known.listed(containerId) === undefined &&
    known.candidates.get(id) !== containerId;
}

/** Whether the row is missing if the listing lacks its container. */
function maySweep(
  { id, containerId, confirmed }: IndexRow,
  { sweep, onlyConfirmed = false, candidates }: PlanOptions,
): boolean {
  return sweep && candidates.get(id) === containerId && (confirmed || !onlyConfirmed);
}

const NOTHING: ReadonlySet<string> = new Set();

interface Seen {
  readonly bids: ReadonlyMap<string, Bid | Contest>;
  readonly refused: Refusal[];
  readonly unmanaged: Unmanaged;
  readonly unmanagedContainers: ReadonlyMap<string, UnmanagedContainer>;
  /** Containers that must be listed too before it is known whose names are free. */
  readonly unsure: ReadonlySet<string>;
  /** Why a listed container does not claim a row that is bound to it. */
  readonly unclaimed: (containerId: string) => Pick<Unclaimed, "reason" | "value">;
}

/** A row that its container does not claim stays what it is. */
function claimOfFollower({ id, workloadId, workloadKind, role, replica }: IndexRow): RowClaim {
  return { rowId: id, workload: { id: workloadId, kind: workloadKind }, role, replica };
}

/**
 * Whether a row's container is no more, which frees its name. What a partial listing was not asked
 * for it can't tell; that is asked for then.
 */
function goneness(
  { scope }: Listing,
  options: PlanOptions,
  listed: Listed,
): { isGone: (row: IndexRow) => boolean; unsure: ReadonlySet<string> } {
  const unsure = new Set<string>();
  const isGone = (row: IndexRow) => {
    const { state, containerId } = row;
    if (containerId === null || listed(containerId) !== undefined) return false;
    if (state === MISSING) return true;
    if (scope !== "all" && !scope.has(containerId)) unsure.add(containerId);
    return maySweep(row, options);
  };
  return { isGone, unsure };
}

function dispatchAll(
  listing: Listing,
  options: PlanOptions & ReturnType<typeof goneness> & { listed: Listed },
): Seen {
  const dispatch = dispatcher(options);
  const bids = new Map<string, Bid | Contest>();
  const turnedAway = new Map<string, Refusal>();
  const unmanaged = new Map<string, UnmanagedContainer>();
  for (const container of listing.containers) {
    let claim = dispatch(container);
    const row = "reason" in claim ? undefined : options.index.row(claim.rowId);
    if (row !== undefined && !("reason" in claim) && row.workloadId !== claim.workload.id) {
      claim = { reason: "workload-mismatch", value: claim.workload.id };
    }
    if ("reason" in claim) {
      if (turnedAway.has(container.id) || unmanaged.has(container.id)) continue;
      if (claim.reason === "unmanaged") {
        const composeProject = composeProjectOf(container);
        unmanaged.set(container.id, { name: container.name, composeProject });
      } else {
        turnedAway.set(container.id, refusal(container, claim));
      }
      continue;
    }
    claim = withCompletion(claim, container, options.expected);
    const bid = { container, claim, row };
    const others = bids.get(claim.rowId);
    if (others === undefined) bids.set(claim.rowId, bid);
    else bids.set(claim.rowId, withBid(others, bid));
  }
  let claims: Map<string, string> | null = null;
  return {
    bids,
    refused: [...turnedAway.values()],
    unmanaged: unmanagedIn(unmanaged.values()),
    unmanagedContainers: unmanaged,
    unsure: options.unsure,
    unclaimed: (containerId) => {
      const refusal = turnedAway.get(containerId);
      if (refusal !== undefined) return { reason: refusal.reason, value: refusal.value };
      if (unmanaged.has(containerId)) return { reason: "unmanaged", value: "" };
      claims ??= claimsOf(bids);
      return { reason: "other-row", value: claims.get(containerId) ?? "" };
    },
  };
}

/** How many containers nothing claims, and of which Compose projects those of one are. */
export function unmanagedIn(
  containers: Iterable<Pick<UnmanagedContainer, "composeProject">>,
): Unmanaged {
  const projects = new Map<string, number>();
  let count = 0;
  for (const { composeProject } of containers) {
    count++;
    if (composeProject !== "") {
      projects.set(composeProject, (projects.get(composeProject) ?? 0) + 1);
    }
  }
  const inOrder = [...projects].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
  return { count, composeProjects: Object.fromEntries(inOrder) };
}

function refusal(container: ListedContainer, { reason, value, workloadId }: NoClaim): Refusal {
  return {
    reason,
    containerId: container.id,
    containerName: container.name,
    value: value.slice(0, MAX_LABEL_LENGTH),
    ...(workloadId !== undefined && { workloadId }),
  };
}

function* rowsBoundTo(containerIds: Iterable<string>, index: ContainerIndex): Iterable<IndexRow> {
  for (const id of containerIds) yield* index.boundTo(id);
}

/**
 * A partial listing shows some containers only. A row that one of them claims, or that was bound
 * to one of them, may be wanted by others: its present container and those that lost it before.
 */
function undecided(
  listing: Listing,
  seen: Seen,
  { index, contenders }: PlanOptions,
): ReadonlySet<string> {
  const scope = listing.scope as ReadonlySet<string>;
  const missing = new Set<string>(seen.unsure);
  const want = (containerId: string) => {
    if (!scope.has(containerId)) missing.add(containerId);
  };
  const touch = (rowId: string) => {
    const row = index.row(rowId);
    if (row !== undefined && row.containerId !== null && row.state !== MISSING) {
      want(row.containerId);
    }
    contenders?.get(rowId)?.forEach(want);
  };
  for (const rowId of seen.bids.keys()) touch(rowId);
  for (const id of scope) for (const row of index.boundTo(id)) touch(row.id);
  return missing;
}
