/**
 * Rows as targets for Prometheus' HTTP service discovery. Pure.
 *
 * @module
 */

import type { ContainerView } from "../model/views.ts";
import type { RouteSettings } from "../setting_values.ts";
import { authorityOf, hostnameOf, upstreamOf } from "./routes.ts";

/** A target and what is known of it. */
export interface TargetGroup {
  /** One `host:port`. */
  readonly targets: readonly string[];
  /** `__meta_tinyforge_…`, for relabelling. */
  readonly labels: Readonly<Record<string, string>>;
}

const PREFIX = "__meta_tinyforge_";

/**
 * Each row that runs and can be reached, healthy or not, by id. What is not there has no label;
 * texts, numbers and truths of `meta` are labels of their own.
 */
export function prometheusTargets(
  rows: readonly ContainerView[],
  settings: RouteSettings,
): TargetGroup[] {
  return rows.flatMap((row): TargetGroup[] => {
    const upstream = row.state === "running" ? upstreamOf(row, settings) : null;
    if (upstream === null) return [];
    return [{ targets: [authorityOf(upstream)], labels: labelsOf(row, settings) }];
  });
}

function labelsOf(row: ContainerView, settings: RouteSettings): Record<string, string> {
  const told: Readonly<Record<string, unknown>> = {
    row: row.id,
    host: row.host,
    workload: row.workloadName,
    workload_id: row.workloadId,
    workload_kind: row.workloadKind,
    role: row.role,
    replica: row.replica,
    stage: row.stageName,
    hostname: hostnameOf(row.subdomain, settings),
    container_id: row.containerId,
    container_name: row.containerName,
    image: row.imageRef,
    image_tag: row.imageTag,
    port: row.port,
    health: row.health,
  };
  const labels: Record<string, string> = {};
  for (const [name, value] of Object.entries(told)) add(labels, name, value);
  for (const [key, value] of Object.entries(row.meta ?? {})) {
    add(labels, `meta_${key.replaceAll(/[^A-Za-z0-9_]/g, "_")}`, value);
  }
  return labels;
}

/** Of two keys that read alike as a label the first one counts. */
function add(labels: Record<string, string>, name: string, value: unknown): void {
  const plain = typeof value === "string" || typeof value === "number" ||
    typeof value === "boolean";
  if (plain && !Object.hasOwn(labels, PREFIX + name)) labels[PREFIX + name] = String(value);
}
