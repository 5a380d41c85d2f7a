/**
 * Labels → claim: which row of the index a container asks for, or why it gets none. Pure. The
 * first rule whose label is there decides; a container it refuses is not tried on the next.
 *
 * @module
 */

import type {
  Claim,
  ContainerIndex,
  IndexRow,
  ListedContainer,
  RefusalReason,
  Workload,
  WorkloadDirectory,
} from "../model.ts";

/** Label keys that dispatch reads. */
export const LABEL = {
  workloadId: "tinyforge.workload.id",
  workloadKind: "tinyforge.workload.kind",
  workloadRole: "tinyforge.workload.role",
  staticSite: "tinyforge.static-site",
  composeProject: "com.docker.compose.project",
  composeService: "com.docker.compose.service",
  composeNumber: "com.docker.compose.container-number",
  composeOneOff: "com.docker.compose.oneoff",
} as const;

/** Longest label value that is taken for one; a longer one counts as no label. */
export const MAX_LABEL_LENGTH = 256;

/** Why a container gets no row, with the label value that decided it. */
export interface Refused {
  /** Which rule turned it away. */
  readonly refused: RefusalReason;
  /** The label value that decided it, or empty. */
  readonly value: string;
}

/** What dispatch looks things up in. */
export interface DispatchOptions {
  /** The workloads. */
  directory: WorkloadDirectory;
  /** The rows. */
  index: ContainerIndex;
  /** Compose projects with this prefix are ours even before they are registered; empty: none. */
  composePrefix: string;
}

/**
 * Returns the function that dispatches the containers of one pass. Made anew for each pass,
 * because it remembers Compose lookups, misses among them.
 */
export function dispatcher(
  options: DispatchOptions,
): (container: ListedContainer) => Claim | Refused {
  const { directory, index, composePrefix } = options;
  const composeProjects = new Map<string, Workload | undefined>();
  const byComposeProject = (project: string) => {
    if (composeProjects.has(project)) return composeProjects.get(project);
    const workload = directory.byComposeProject(project);
    composeProjects.set(project, workload);
    return workload;
  };

  return (container) => {
    const workloadId = label(container, LABEL.workloadId);
    if (workloadId !== "") return claimById(container, workloadId, { directory, index });

    const siteId = label(container, LABEL.staticSite);
    if (siteId !== "") {
      const site = directory.bySite(siteId);
      if (site === undefined) return refuse("unknown-site", siteId);
      return { rowId: `${site.id}:site`, workload: site, role: "", replica: 1 };
    }

    const project = label(container, LABEL.composeProject);
    if (project !== "") {
      const stack = byComposeProject(project);
      if (stack !== undefined) return claimOfStack(container, stack, project);
      if (composePrefix !== "" && project.startsWith(composePrefix)) {
        return refuse("unknown-stack", project);
      }
    }
    return UNMANAGED;
  };
}

/** The container's Compose project, or empty. */
export function composeProjectOf(container: ListedContainer): string {
  return label(container, LABEL.composeProject);
}

const UNMANAGED: Refused = { refused: "unmanaged", value: "" };

function claimById(
  container: ListedContainer,
  workloadId: string,
  options: { directory: WorkloadDirectory; index: ContainerIndex },
): Claim | Refused {
  const workload = options.directory.byId(workloadId);
  if (workload === undefined) return refuse("unknown-workload", workloadId);
  const kind = label(container, LABEL.workloadKind);
  if (kind !== "" && kind !== workload.kind) return refuse("kind-mismatch", kind);

  const role = label(container, LABEL.workloadRole);
  const bound = options.index.boundTo(container.id);
  const own = bound.find((row) => row.workloadId === workloadId);
  if (own !== undefined) return claimOfBound(own, workload, role);
  if (bound.length > 0) return refuse("workload-mismatch", workloadId);
  if (workload.kind === "project") return refuse("awaiting-deployer", workloadId);
  const place = workload.kind === "site" ? "site" : role !== "" ? role : container.id;
  return {
    rowId: `${workloadId}:${place}`,
    workload,
    role: workload.kind === "site" ? "" : role,
    replica: 1,
  };
}

/** A bound row keeps the role and replica it has unless a label names the role; sites have none. */
function claimOfBound(row: IndexRow, workload: Workload, role: string): Claim {
  const named = role !== "" && workload.kind !== "site";
  return { rowId: row.id, workload, role: named ? role : row.role, replica: row.replica };
}

function claimOfStack(
  container: ListedContainer,
  stack: Workload,
  project: string,
): Claim | Refused {
  if (label(container, LABEL.composeOneOff) === "True") return refuse("one-off", project);
  const role = label(container, LABEL.composeService) || container.name || container.id;
  const replica = replicaNumber(label(container, LABEL.composeNumber));
  const rowId = replica > 1 ? `${stack.id}:${role}:${replica}` : `${stack.id}:${role}`;
  return { rowId, workload: stack, role, replica };
}

function replicaNumber(text: string): number {
  return /^[1-9][0-9]{0,5}$/.test(text) ? Number(text) : 1;
}

// deno-lint-ignore no-control-regex -- control characters are what must not get through
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * A label's value, or empty when it is absent, too long, or holds what can't be stored and read
 * back as it is: anyone who has the socket writes labels, and a role becomes part of a row's id.
 */
function label(container: ListedContainer, key: string): string {
  const value = container.labels[key];
  if (value === undefined || value.length > MAX_LABEL_LENGTH) return "";
  return CONTROL.test(value) || !value.isWellFormed() ? "" : value;
}

function refuse(refused: RefusalReason, value: string): Refused {
  return { refused, value };
}
