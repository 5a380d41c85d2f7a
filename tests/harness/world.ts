/**
 * Small worlds for tests of the pure core: containers, workloads and rows with defaults, so that a
 * test names only what it is about.
 *
 * @module
 */

import {
  type Holds,
  LISTED_FIELDS,
  type ListedField,
  OBSERVED_COLUMNS,
} from "../../src/model/columns.ts";
import type { IndexRow, ListedContainer, Listing } from "../../src/model/container.ts";
import type { Workload, WorkloadDirectory, WorkloadKind } from "../../src/model/workload.ts";
import { type Plan, plan, type PlanOptions } from "../../src/core/plan.ts";
import { MemoryIndex } from "../../src/core/memory_index.ts";

/** What nothing is known of, by what a column may hold. */
const UNTOLD: Readonly<Record<Holds, unknown>> = {
  "boolean": true,
  "text": "",
  "text or null": null,
  "integer": 0,
  "integer or null": null,
  "kind": "stack",
  "time": "",
  "time or null": null,
  "seconds or null": null,
  "addresses": "{}",
  "object or null": null,
};

/** The fields that a row has as the listing does, of a container of which nothing is known. */
export const NOTHING_LISTED = Object.fromEntries(
  LISTED_FIELDS.map((field) => [field, UNTOLD[OBSERVED_COLUMNS[field].holds]]),
) as Pick<IndexRow, ListedField>;

/** A listed container: running, of image `busybox:1`, created at 1,000 s. */
export function container(fields: Partial<ListedContainer> & { id: string }): ListedContainer {
  return {
    ...NOTHING_LISTED,
    name: `name-of-${fields.id}`,
    image: "busybox:1",
    state: "running",
    labels: {},
    ports: [],
    createdAt: 1000,
    ...fields,
  };
}

/** A complete listing. */
export function everything(...containers: ListedContainer[]): Listing {
  return { scope: "all", containers };
}

/** A listing of exactly these ids. */
export function only(ids: string[], ...containers: ListedContainer[]): Listing {
  return { scope: new Set(ids), containers };
}

/** A workload `w-NAME` of `KIND-NAME`. */
export function workload(kind: WorkloadKind, name: string): Workload {
  return { id: `w-${name}`, kind, refId: `${kind}-${name}`, name };
}

/** A site `w-NAME` whose container is called like it. */
export function namedSite(name: string): Workload {
  return { ...workload("site", name), refId: `named-${name}` };
}

function named(site: Workload | undefined): string | undefined {
  return site?.refId.startsWith("named-") ? site.name : undefined;
}

/** A directory of these workloads; a stack's Compose project is its name. Counts its lookups. */
export function directoryOf(
  ...workloads: Workload[]
): WorkloadDirectory & { composeLookups: string[] } {
  const composeLookups: string[] = [];
  return {
    composeLookups,
    all: () => workloads,
    byId: (id) => workloads.find((w) => w.id === id),
    bySite: (idOrName) => {
      const sites = workloads.filter((w) => w.kind === "site");
      return sites.find((w) => w.refId === idOrName) ?? sites.find((w) => w.name === idOrName);
    },
    byComposeProject: (project) => {
      composeLookups.push(project);
      return workloads.find((w) => w.kind === "stack" && w.name === project);
    },
    byContainerName: (name) => workloads.find((w) => w.kind === "site" && named(w) === name),
    containerNameOf: (id) => named(workloads.find((w) => w.id === id)) ?? null,
  };
}

/** A confirmed row of a stack `w-shop` that runs container `c1` as {@link container} makes it. */
export function row(fields: Partial<IndexRow> & { id: string }): IndexRow {
  const containerId = fields.containerId === undefined ? "c1" : fields.containerId;
  return {
    ...NOTHING_LISTED,
    workloadId: "w-shop",
    workloadKind: "stack",
    role: "",
    replica: 1,
    containerId,
    containerName: `name-of-${containerId}`,
    imageRef: "busybox:1",
    host: "local",
    state: "running",
    port: 0,
    hostIp: null,
    hostPort: null,
    createdAtEngine: 1000,
    unclaimedReason: null,
    unclaimedValue: null,
    confirmed: true,
    ...fields,
  };
}

/** Plans a listing against rows and workloads; every bound row is a candidate unless told. */
export function planned(
  listing: Listing,
  world: { rows?: IndexRow[]; workloads?: Workload[] } & Partial<PlanOptions> = {},
): Plan {
  const rows = world.rows ?? [];
  return plan(listing, {
    index: new MemoryIndex(rows),
    directory: directoryOf(...(world.workloads ?? [])),
    composePrefix: "tinyforge-",
    candidates: new Map(
      rows.filter((r) => r.containerId !== null && r.state !== "missing")
        .map((r) => [r.id, r.containerId!]),
    ),
    sweep: true,
    ...world,
  });
}
