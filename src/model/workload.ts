/**
 * What should exist: projects, stacks and sites, each with its workload. Knows neither Docker's wire
 * format nor SQL.
 *
 * @module
 */

/** What a workload is: deployed project, Compose stack or static site. */
export type WorkloadKind = "project" | "stack" | "site";

/** The kinds in display order. */
export const WORKLOAD_KINDS: readonly WorkloadKind[] = ["project", "stack", "site"];

/** Something that should exist on this host; one for each project, stack or site. */
export interface Workload {
  /** Stable id, unique over all kinds. */
  readonly id: string;
  /** Which table {@link Workload.refId} points into. */
  readonly kind: WorkloadKind;
  /** Id of the project, stack or site. */
  readonly refId: string;
  /** The name people use; unique within its kind. */
  readonly name: string;
}

/** Looks workloads up; what labels say is resolved against it. */
export interface WorkloadDirectory {
  /** Every workload. */
  all(): Iterable<Workload>;
  /** The workload with this id. */
  byId(workloadId: string): Workload | undefined;
  /** The workload of the site with this id, else of the one with this name. */
  bySite(idOrName: string): Workload | undefined;
  /** The workload of the stack registered under this Compose project name. */
  byComposeProject(projectName: string): Workload | undefined;
  /** The workload of the site whose container has this name. */
  byContainerName(containerName: string): Workload | undefined;
  /** The container name that a site's workload is registered with, or null. */
  containerNameOf(workloadId: string): string | null;
}
