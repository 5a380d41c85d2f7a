/**
 * What became of the Engine's containers, as far as passes have seen: whole from a full pass, kept
 * current by the partial ones. Must neither ask the Engine nor decide anything itself.
 *
 * @module
 */

import { decidingLabel } from "../core/dispatch.ts";
import { type Plan, unmanagedIn } from "../core/plan.ts";
import {
  type ContainerIndex,
  type IndexRow,
  type ListedContainer,
  type Listing,
  MISSING,
} from "../model/container.ts";
import type { Dispatched, Findings, Unclaimed, Unindexed } from "../model/pass.ts";

/** What passes found, and how many containers there are. */
export type Found = Findings & { readonly listed: number };

/** What a listing was planned to. */
export interface Planned {
  /** What the Engine answered. */
  readonly listing: Listing;
  /** What is to become of the index. */
  readonly plan: Plan;
}

/** The same container by container, so that parts of it can change. */
interface Parts {
  readonly containers: Map<string, ListedContainer>;
  readonly unindexed: Map<string, Unindexed>;
  /** By row id. */
  readonly unclaimed: Map<string, Unclaimed>;
  claimed: number;
}

/** What became of the Engine's containers. */
export class KnownContainers {
  #whole: Planned | null = null;
  /** Made of the whole when first asked for: most passes change nothing. */
  #parts: Parts | null = null;
  /** Whether the parts are no longer those of the whole. */
  #moved = false;

  /** Whether a full pass has been here. */
  get any(): boolean {
    return this.#whole !== null;
  }

  /** A full pass saw all of them. */
  whole(listing: Listing, plan: Plan): Found {
    const same = !this.#moved && this.#whole?.plan === plan &&
      this.#whole.listing.containers === listing.containers;
    if (!same) {
      this.#whole = { listing, plan };
      this.#parts = null;
      this.#moved = false;
    }
    return { ...findingsOf(plan), listed: listing.containers.length };
  }

  /**
   * A partial pass saw those of its scope. Returns what is known of all by now, or null when that
   * is what it was. It is written with the plan, so `index` is still what that was made for.
   */
  part(listing: Listing, plan: Plan, { index }: { index: ContainerIndex }): Found | null {
    if (this.#whole === null || listing.scope === "all") return null;
    const known = this.#parts ??= partsOf(this.#whole);
    const seen = partsOf({ listing, plan });
    let changed = false;
    for (const id of listing.scope) {
      const container = seen.containers.get(id);
      if (known.containers.has(id) !== (container !== undefined)) changed = true;
      put(known.containers, id, container);
      const [before, after] = [known.unindexed.get(id), seen.unindexed.get(id)];
      if (isSame(before, after)) continue;
      put(known.unindexed, id, after);
      changed = true;
    }
    const touched = new Set(plan.changes.map(({ row }) => row.id));
    for (const [rowId, { containerId }] of known.unclaimed) {
      if (seen.unclaimed.has(rowId)) continue;
      if (!touched.has(rowId) && !listing.scope.has(containerId)) continue;
      known.unclaimed.delete(rowId);
      changed = true;
    }
    for (const [rowId, unclaimed] of seen.unclaimed) {
      if (isSame(known.unclaimed.get(rowId), unclaimed)) continue;
      known.unclaimed.set(rowId, unclaimed);
      changed = true;
    }
    const more = claimedMore(plan, index);
    known.claimed += more;
    if (!changed && more === 0) return null;
    this.#moved = true;
    return foundIn(known);
  }

  /** What became of the containers that `reference` means; `index` has their rows. */
  dispatched(reference: string, { index }: { index: ContainerIndex }): Dispatched[] {
    if (this.#whole === null) return [];
    const parts = this.#parts ??= partsOf(this.#whole);
    return dispatchedIn(parts, reference, index);
  }
}

/** What would become of the containers of a listing that nothing is written of. */
export function dispatchedOf(
  planned: Planned,
  reference: string,
  { index }: { index: ContainerIndex },
): Dispatched[] {
  return dispatchedIn(partsOf(planned), reference, index);
}

function dispatchedIn(
  { containers, unindexed }: Parts,
  reference: string,
  index: ContainerIndex,
): Dispatched[] {
  return meant(containers, reference).map((container) => {
    const { id, name } = container;
    const row = index.boundTo(id).find(({ state }) => state !== MISSING);
    const out = unindexed.get(id);
    const reason = out?.reason ?? row?.unclaimedReason ?? null;
    const asked = out?.reason === "contended" ? index.row(out.value) : undefined;
    const kind = reason === null || asked ? (row ?? asked)?.workloadKind ?? null : null;
    const deciding = decidingLabel(container, { reason, kind });
    return {
      containerId: id,
      containerName: name,
      rowId: row?.id ?? asked?.id ?? (out?.reason === "contended" ? out.value : null),
      reason: reason as Dispatched["reason"],
      label: deciding?.label ?? null,
      value: deciding?.value ?? out?.value ?? "",
    };
  });
}

/** How much of an id says which container it is of. */
const LEAST_ID = 4;

/** The container of this id or name, else those whose ids begin so. */
function meant(
  containers: ReadonlyMap<string, ListedContainer>,
  reference: string,
): readonly ListedContainer[] {
  const whole = containers.get(reference) ??
    containers.values().find(({ name }) => name === reference && name !== "");
  if (whole !== undefined) return [whole];
  if (!/^[0-9a-f]+$/.test(reference) || reference.length < LEAST_ID) return [];
  return containers.values().filter(({ id }) => id.startsWith(reference)).toArray();
}

function partsOf({ listing, plan }: Planned): Parts {
  const containers = new Map(listing.containers.map((container) => [container.id, container]));
  const unindexed = new Map<string, Unindexed>();
  const add = (one: Unindexed) => unindexed.set(one.containerId, one);
  for (const refusal of plan.refused) add({ ...refusal, composeProject: "" });
  for (const [containerId, { name, composeProject }] of plan.unmanagedContainers) {
    add({ containerId, containerName: name, reason: "unmanaged", value: "", composeProject });
  }
  for (const { rowId, losers } of plan.contended) {
    for (const containerId of losers) {
      const containerName = containers.get(containerId)?.name ?? "";
      add({ containerId, containerName, reason: "contended", value: rowId, composeProject: "" });
    }
  }
  const unclaimed = new Map(plan.unclaimed.map((one) => [one.rowId, one]));
  return { containers, unindexed, unclaimed, claimed: plan.claimed };
}

function foundIn({ containers, unindexed, unclaimed, claimed }: Parts): Found {
  const refused: Findings["refused"][number][] = [];
  const unmanaged: { composeProject: string }[] = [];
  for (const { composeProject, reason, ...one } of unindexed.values()) {
    if (reason === "unmanaged") unmanaged.push({ composeProject });
    else if (reason !== "contended") refused.push({ reason, ...one });
  }
  return {
    listed: containers.size,
    claimed,
    refused,
    unclaimed: [...unclaimed.values()],
    unmanaged: unmanagedIn(unmanaged),
  };
}

function findingsOf({ claimed, refused, unclaimed, unmanaged }: Plan): Findings {
  return { claimed, refused, unclaimed, unmanaged };
}

/** How many rows more have the container that claims them once the plan is applied. */
function claimedMore({ changes }: Plan, index: ContainerIndex): number {
  let more = 0;
  for (const { row } of changes) {
    more += Number(isClaimed(row)) - Number(isClaimed(index.row(row.id)));
  }
  return more;
}

function isClaimed(row: IndexRow | undefined): boolean {
  return row !== undefined && row.confirmed && row.unclaimedReason === null &&
    row.state !== MISSING;
}

function put<Value>(map: Map<string, Value>, key: string, value: Value | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

/** Both are flat, and made by the same code. */
function isSame(a: object | undefined, b: object | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
