/**
 * Labels → claim: which row of the index a container asks for, or why it gets none. Pure. The
 * first rule whose label is there decides; a container it refuses is not tried on the next.
 *
 * @module
 */

import { MISSING } from "../model/container.ts";
import type { ContainerIndex, IndexRow, ListedContainer } from "../model/container.ts";
import type { Claim, NoClaim, RefusalReason } from "../model/pass.ts";
import type { Workload, WorkloadDirectory, WorkloadKind } from "../model/workload.ts";
import { expectedReplica, type ExpectedRoles } from "./expected_roles.ts";
import { claimByName } from "./named_site.ts";
import { SWARM_LABEL, swarmTask } from "./swarm.ts";
import { hasControls } from "../text.ts";

/** Label keys that dispatch reads. */
export const LABEL = {
  workloadId: "tinyforge.workload.id",
  workloadKind: "tinyforge.workload.kind",
  workloadRole: "tinyforge.workload.role",
  rowId: "tinyforge.row.id",
  staticSite: "tinyforge.static-site",
  composeProject: "com.docker.compose.project",
  composeService: "com.docker.compose.service",
  composeNumber: "com.docker.compose.container-number",
  composeOneOff: "com.docker.compose.oneoff",
  composeHook: "com.docker.compose.hook",
  composeVersion: "com.docker.compose.version",
  composeConfigHash: "com.docker.compose.config-hash",
} as const;

/** The labels that decide, in the order of the rules, and the kind of workload that they lead to. */
const RULES: readonly { label: string; kind: WorkloadKind | null }[] = [
  { label: LABEL.workloadId, kind: null },
  { label: LABEL.staticSite, kind: "site" },
  { label: LABEL.composeProject, kind: "stack" },
  { label: SWARM_LABEL.namespace, kind: "stack" },
  { label: SWARM_LABEL.service, kind: "stack" },
];

/** The label whose value turned a container away, for each reason that has one of its own. */
const DECIDED_BY: Readonly<Partial<Record<string, string>>> = {
  "kind-mismatch": LABEL.workloadKind,
  "unknown-stack": LABEL.composeProject,
  "one-off": LABEL.composeProject,
  "inherited": LABEL.composeProject,
};

/** Longest label value that is taken for one; a longer one counts as no label. */
export const MAX_LABEL_LENGTH = 256;

/** What dispatch looks things up in. */
export interface DispatchOptions {
  /** The workloads. */
  directory: WorkloadDirectory;
  /** The rows. */
  index: ContainerIndex;
  /** Compose projects with this prefix are ours even before they are registered; empty: none. */
  composePrefix: string;
  /** Whether the container that the row is bound to is no more. Default: a missing row's. */
  isGone?: (row: IndexRow) => boolean;
  /** What is expected; undefined: nothing is. */
  expected?: ExpectedRoles;
  /** The container with this id in the listing that is dispatched. */
  listed?: (containerId: string) => ListedContainer | undefined;
}

/**
 * Returns the function that dispatches the containers of one pass. Made anew for each pass,
 * because it remembers Compose lookups, misses among them.
 */
export function dispatcher(
  options: DispatchOptions,
): (container: ListedContainer) => Claim | NoClaim {
  const { directory, index, composePrefix } = options;
  const isGone = options.isGone ?? (({ state }) => state === MISSING);
  const namesakes = namesakesIn(index);
  const composeProjects = new Map<string, Workload | null>();
  const byComposeProject = (project: string) => {
    let workload = composeProjects.get(project);
    if (workload === undefined) {
      workload = directory.byComposeProject(project) ?? null;
      composeProjects.set(project, workload);
    }
    return workload;
  };

  return (container) => {
    const { labels } = container;
    const bound = index.boundTo(container.id);
    const workloadId = text(labels[LABEL.workloadId]);
    if (workloadId !== "") {
      const own = bound.find((row) => row.workloadId === workloadId);
      const workload = directory.byId(own?.workloadId ?? workloadId);
      if (workload === undefined) return refuse("unknown-workload", workloadId);
      return claimById(container, workload, {
        own,
        bound,
        index,
        namesake: () => namesakes(workload.id, container.name).find(isGone),
      });
    }

    const idOrName = text(labels[LABEL.staticSite]);
    if (idOrName !== "") {
      const site = directory.bySite(idOrName);
      if (site === undefined) return refuse("unknown-site", idOrName);
      if (isOneOff(container)) return refuse("one-off", composeProjectOf(container));
      return claimOf(site, { role: "", place: "site", replica: 1, bound });
    }

    const project = text(labels[LABEL.composeProject]);
    if (project !== "") {
      const stack = byComposeProject(project);
      if (stack !== null) {
        const claim = claimOfStack(container, stack, { ...options, project, bound });
        // What its image brought along says nothing of the container; its name does.
        const inherited = "reason" in claim && claim.reason === "inherited";
        return (inherited ? claimByName(container, directory, bound) : null) ?? claim;
      }
      if (composePrefix !== "" && project.startsWith(composePrefix)) {
        return refuse("unknown-stack", project);
      }
    }
    const task = project === "" ? swarmTask((key) => text(labels[key])) : null;
    const ofTask = task === null ? null : byComposeProject(task.project);
    if (task !== null && ofTask !== null) {
      const { role, replica } = task;
      return claimOf(ofTask, { role, place: role, replica, bound });
    }
    return claimByName(container, directory, bound) ?? UNMANAGED;
  };
}

/**
 * The label that decided what became of a container, and its value; null where none did.
 *
 * @param became `reason`: why it was turned away; null: it was not. `kind`: what its row is of; null:
 *   it has none.
 */
export function decidingLabel(
  { labels }: ListedContainer,
  became: { reason: string | null; kind: WorkloadKind | null },
): { label: string; value: string } | null {
  const { reason, kind } = became;
  if (reason === "unmanaged") return null;
  const own = reason === null ? undefined : DECIDED_BY[reason];
  const label = own ??
    RULES.find((rule) =>
      (kind === null || rule.kind === null || rule.kind === kind) && text(labels[rule.label]) !== ""
    )?.label;
  return label === undefined ? null : { label, value: text(labels[label]) };
}

/** The container's Compose project, or empty. */
export function composeProjectOf(container: ListedContainer): string {
  return text(container.labels[LABEL.composeProject]);
}

const UNMANAGED: NoClaim = { reason: "unmanaged", value: "" };

function claimById(
  container: ListedContainer,
  workload: Workload,
  options: {
    own: IndexRow | undefined;
    bound: readonly IndexRow[];
    index: ContainerIndex;
    namesake: () => IndexRow | undefined;
  },
): Claim | NoClaim {
  const { own, bound, index } = options;
  const kind = text(container.labels[LABEL.workloadKind]);
  if (kind !== "" && kind !== workload.kind) {
    return { ...refuse("kind-mismatch", kind), workloadId: workload.id };
  }

  // It bears its service's labels, and is not the service.
  if (isOneOff(container)) return refuse("one-off", composeProjectOf(container));

  const role = text(container.labels[LABEL.workloadRole]);
  if (own !== undefined) return claimOfBound(own, workload, role);
  if (bound.length > 0) return refuse("workload-mismatch", workload.id);
  const named = namedRow(container, workload, index);
  if (named !== undefined) return claimOfBound(named, workload, role);
  if (workload.kind === "project") return refuse("awaiting-deployer", workload.id);
  if (workload.kind === "site") {
    return claimOf(workload, { role: "", place: "site", replica: 1, bound });
  }
  if (role === "") {
    const row = options.namesake();
    if (row !== undefined) {
      return { rowId: row.id, workload, role: row.role, replica: row.replica, byName: true };
    }
  }
  return claimOf(workload, { role, place: role || container.id, replica: 1, bound });
}

/** Finds the rows of a workload by their container's name, newest container first. */
function namesakesIn(
  index: ContainerIndex,
): (workloadId: string, name: string) => readonly IndexRow[] {
  // Made when first asked for: once all containers have their rows, nobody asks.
  let rows: Map<string, Map<string, IndexRow[]>> | null = null;
  return (workloadId, name) => {
    if (name === "") return [];
    if (rows === null) {
      rows = new Map();
      for (const row of index.rows()) {
        if (row.containerId === null || row.containerName === "") continue;
        let ofWorkload = rows.get(row.workloadId);
        if (ofWorkload === undefined) rows.set(row.workloadId, ofWorkload = new Map());
        const named = ofWorkload.get(row.containerName);
        if (named === undefined) ofWorkload.set(row.containerName, [row]);
        else named.push(row);
      }
    }
    const found = rows.get(workloadId)?.get(name) ?? [];
    return found.toSorted((a, b) =>
      (b.createdAtEngine ?? 0) - (a.createdAtEngine ?? 0) || (a.id < b.id ? -1 : 1)
    );
  };
}

/** Whether Compose made it to run once, or before or after a service: `run`, or a hook. */
export function isOneOff({ labels, name }: ListedContainer): boolean {
  if (labels[LABEL.composeOneOff] === "True" || text(labels[LABEL.composeHook]) !== "") return true;
  // Podman's Compose says it by the name alone; it does not write Docker's hash of the service.
  return labels[LABEL.composeConfigHash] === undefined &&
    text(labels[LABEL.composeProject]) !== "" && /_tmp[0-9]+$/.test(name);
}

/** Whether the labels of Compose are those of the image, which Compose built: it gives others too. */
export function isInherited({ labels }: ListedContainer): boolean {
  return text(labels[LABEL.composeVersion]) !== "" &&
    text(labels[LABEL.composeConfigHash]) === "" && text(labels[LABEL.composeNumber]) === "";
}

/** The row that a label names, if it is one of this workload: made before its container was. */
function namedRow(
  { labels }: ListedContainer,
  workload: Workload,
  index: ContainerIndex,
): IndexRow | undefined {
  const rowId = text(labels[LABEL.rowId]);
  const row = rowId === "" ? undefined : index.row(rowId);
  return row?.workloadId === workload.id ? row : undefined;
}

/** Such a row keeps the role and replica it has unless a label names the role; sites have none. */
function claimOfBound(row: IndexRow, workload: Workload, role: string): Claim {
  const named = role !== "" && workload.kind !== "site";
  return { rowId: row.id, workload, role: named ? role : row.role, replica: row.replica };
}

function claimOfStack(
  container: ListedContainer,
  stack: Workload,
  options: DispatchOptions & { project: string; bound: readonly IndexRow[] },
): Claim | NoClaim {
  const { project, bound, index, expected, listed } = options;
  const { labels } = container;
  if (isOneOff(container)) return refuse("one-off", project);
  if (isInherited(container)) return refuse("inherited", project);
  const role = text(labels[LABEL.composeService]) || container.name || container.id;
  const number = replicaNumber(labels[LABEL.composeNumber]);
  const replica = expected?.of(stack.id, role) === undefined
    ? number
    : expectedReplica(container, { workload: stack, role, number }, {
      index,
      bound,
      numberOf: (containerId) => {
        const other = listed?.(containerId);
        return other === undefined ? null : replicaNumber(other.labels[LABEL.composeNumber]);
      },
    });
  return claimOf(stack, { role, place: role, replica, bound });
}

function replicaNumber(text: string | undefined): number {
  if (text === undefined || text === "1") return 1;
  return /^[1-9][0-9]{0,5}$/.test(text) ? Number(text) : 1;
}

/** A claim on the row `<workload>:<place>`, or `<workload>:<place>:<replica>` from the second on. */
function claimOf(
  workload: Workload,
  at: { role: string; place: string; replica: number; bound: readonly IndexRow[] },
): Claim {
  const { role, place, replica, bound } = at;
  let rowId = replica > 1 ? `${workload.id}:${place}:${replica}` : `${workload.id}:${place}`;
  // A text that is looked up must be hashed: the bound row's has been.
  for (const row of bound) if (row.id === rowId) rowId = row.id;
  return { rowId, workload, role, replica };
}

/**
 * A label's value, or empty when it is absent, too long, or holds what can't be stored and read
 * back as it is: anyone who has the socket writes labels, and a role becomes part of a row's id.
 */
function text(value: string | undefined): string {
  if (value === undefined || value.length > MAX_LABEL_LENGTH) return "";
  return value.isWellFormed() && !hasControls(value) ? value : "";
}

function refuse(reason: RefusalReason, value: string): NoClaim {
  return { reason, value };
}
