/**
 * The Compose project that a new stack of some name means, where one of that name runs already and
 * nobody has it. Must not write.
 *
 * @module
 */

import type { Config } from "../config.ts";
import { defaultComposeProject } from "../core/names.ts";
import { everythingUnmanaged } from "../core/unmanaged.ts";
import type { Unmanaged } from "../model/pass.ts";
import type { IndexSummary } from "../server/schema.ts";
import type { Entry } from "../store/registry.ts";
import type { ReadApi } from "./client.ts";

/** A Compose project that runs. */
export interface RunningProject {
  /** Its name. */
  readonly project: string;
  /** How many containers it has. */
  readonly containers: number;
}

/**
 * The running project that a stack called `name` means: of that very name, or as Compose would
 * write it. Null when there is none, or when the one with the prefix runs too, which comes first.
 */
export async function runningProject(
  api: ReadApi,
  config: Config,
  name: string,
): Promise<RunningProject | null> {
  const { composeProjects } = await unmanaged(api, config);
  const ours = defaultComposeProject(config.composePrefix, name);
  if (ours !== null && Object.hasOwn(composeProjects, ours)) return null;
  const project = [name, defaultComposeProject("", name)]
    .find((one) => one !== null && Object.hasOwn(composeProjects, one));
  if (project === undefined || project === null) return null;
  const { items } = await api.get<{ items: Entry[] }>("/api/stacks");
  if (items.some(({ composeProjectName }) => composeProjectName === project)) return null;
  return { project, containers: composeProjects[project]! };
}

/** As passes know it; where none does, as the Engine lists it, if it answers. */
async function unmanaged(api: ReadApi, config: Config): Promise<Unmanaged> {
  const { fresh, lastPass } = await api.get<IndexSummary>("/api/index");
  if (fresh && lastPass !== null) return everythingUnmanaged(lastPass);
  const { listUnmanaged } = await import("./first_run.ts");
  // Who registers a stack may do so before there is an Engine.
  return await listUnmanaged(config).catch(() => ({ count: 0, composeProjects: {} }));
}
