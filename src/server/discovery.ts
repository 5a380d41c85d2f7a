/**
 * What runs unmanaged as requests see it: a listing of this moment held against the index. Must not
 * know where the listing comes from.
 *
 * @module
 */

import { type ComposeFiles, composeFilesOf, discover, type Discovery } from "../core/discover.ts";
import { dispatcher } from "../core/dispatch.ts";
import { foldName } from "../core/names.ts";
import { endedWell } from "../core/observe.ts";
import { hashOf } from "../core/taking_in.ts";
import type { ListedContainer } from "../model/container.ts";
import type { Workload } from "../model/workload.ts";
import type { Services } from "./operation.ts";
import { engineProblem } from "./pass_now.ts";

/** A Compose project that is registered, with what its containers tell now. */
export interface RegisteredStack {
  /** Its workload. */
  readonly workload: Workload;
  /** Where it came from. */
  readonly files: ComposeFiles;
  /** What Compose hashed each role to; null where its containers don't agree or tell none. */
  readonly hashes: ReadonlyMap<string, string | null>;
  /** Roles whose configuration is another than the one that was taken in. */
  readonly changed: readonly string[];
}

/** What runs, held against the index. */
export interface Seen extends Discovery {
  /** All that runs, by id. */
  readonly containers: ReadonlyMap<string, ListedContainer>;
  /** Registered Compose projects of which a container is there. */
  readonly stacks: readonly RegisteredStack[];
}

/**
 * Asks the Engine, and groups what no workload accounts for.
 *
 * @throws {ProblemDetails} The Engine could not be asked.
 */
export async function look({ store, composePrefix, listContainers }: Services): Promise<Seen> {
  let containers: readonly ListedContainer[];
  try {
    containers = await listContainers();
  } catch (error) {
    throw engineProblem(error);
  }
  const directory = store.workloads.directory();
  const dispatch = dispatcher({ directory, index: store.containers.index(), composePrefix });
  const ofStacks = new Map<Workload, Map<string, { container: ListedContainer }[]>>();
  const taken = new Set<string>();
  for (const { kind, name } of directory.all()) taken.add(`${kind}/${foldName(name)}`);
  const found = discover(containers, {
    refusal: (container) => {
      const claim = dispatch(container);
      if ("reason" in claim) return claim.reason;
      if (claim.workload.kind === "stack") {
        const roles = ofStacks.get(claim.workload) ?? new Map();
        ofStacks.set(claim.workload, roles);
        const members = roles.get(claim.role);
        if (members === undefined) roles.set(claim.role, [{ container }]);
        else members.push({ container });
      }
      return null;
    },
    isTaken: (kind, name) => taken.has(`${kind}/${foldName(name)}`),
    isClaimed: (name) => directory.byContainerName(name) !== undefined,
  });
  const stacks = [...ofStacks].map(([workload, roles]) => {
    const hashes = new Map([...roles].map(([role, members]) => [role, hashOf(members)]));
    const kept = store.expectations.of(workload.id);
    const changed = kept.filter(({ role, configHash }) =>
      configHash !== null && hashes.has(role) && hashes.get(role) !== configHash
    ).map(({ role }) => role);
    const all = [...roles.values()].flat().map(({ container }) => container);
    return { workload, files: composeFilesOf(all), hashes, changed };
  });
  return { ...found, containers: new Map(containers.map((each) => [each.id, each])), stacks };
}

/** So many are asked about at once. */
const AT_ONCE = 8;

/**
 * Restart policies of containers, by id. What the Engine does not tell, or may not, is left out:
 * whoever gets no answer asks about no other.
 */
export async function restartPolicies(
  { inspectContainer }: Services,
  ids: Iterable<string>,
): Promise<Map<string, string>> {
  const policies = new Map<string, string>();
  const left = [...ids];
  const ask = async () => {
    for (let id = left.pop(); id !== undefined; id = left.pop()) {
      const details = await inspectContainer(id);
      if (details !== null) policies.set(id, details.restartPolicy);
    }
  };
  await Promise.allSettled(Array.from({ length: AT_ONCE }, ask));
  return policies;
}

/** Containers of these workloads' rows that ended with 0, of which it is not known how they are restarted. */
export function* endedRows(
  { containers, details }: Services["store"],
  workloadIds: ReadonlySet<string>,
): Iterable<string> {
  for (const row of containers.index().rows()) {
    if (row.containerId === null || !workloadIds.has(row.workloadId) || !endedWell(row)) continue;
    if (details.of(row.id) === null) yield row.containerId;
  }
}
