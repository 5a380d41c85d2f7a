/**
 * Claim by name: the site that a container serves because of what it is called. Labels can't be
 * put on a running container; a name it has. Pure.
 *
 * @module
 */

import type { IndexRow, ListedContainer } from "../model/container.ts";
import type { Claim } from "../model/pass.ts";
import type { WorkloadDirectory } from "../model/workload.ts";
import { slotId } from "./expect.ts";

/**
 * The claim of a container without a label that decides: on the site registered under its name, else
 * on the row that it is bound to, which it keeps when it was renamed, until another bears the name.
 */
export function claimByName(
  { name }: ListedContainer,
  directory: WorkloadDirectory,
  bound: readonly IndexRow[],
): Claim | null {
  const site = name === "" ? undefined : directory.byContainerName(name);
  if (site !== undefined) {
    return { rowId: slotId(site, "", 1), workload: site, role: "", replica: 1 };
  }
  for (const { id, workloadId } of bound) {
    const workload = directory.byId(workloadId);
    if (workload?.kind !== "site" || id !== slotId(workload, "", 1)) continue;
    if (directory.containerNameOf(workload.id) === null) continue;
    return { rowId: id, workload, role: "", replica: 1, renamed: true };
  }
  return null;
}
