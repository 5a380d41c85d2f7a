/**
 * What to say while nothing is registered: what runs on this host anyway, and how to take it in.
 *
 * @module
 */

import type { Config } from "../config.ts";
import type { Refusal, Unmanaged } from "../model/pass.ts";
import type { Store } from "../store/store.ts";
import { counted } from "./phrases.ts";

/** What runs on this host, and as of when. */
export interface FirstRun {
  /** Null when the Engine could not be asked. */
  readonly unmanaged: Unmanaged | null;
  /** Why not; null when it could. */
  readonly error: string | null;
}

/** How long a command may wait for the Engine to tell what else runs. */
const LISTING_TIMEOUT_MS = 3000;
const MAX_NAMED = 5;

/**
 * What runs unmanaged: from the last full pass, or by asking the Engine when there was none. Null
 * when something is registered.
 */
export async function firstRun(store: Store | null, config: Config): Promise<FirstRun | null> {
  if (store !== null) {
    if (store.workloads.list().length > 0) return null;
    const { lastPass } = store.hosts.local();
    if (lastPass !== null) return { unmanaged: all(lastPass, lastPass.refusedCount), error: null };
  }
  try {
    return { unmanaged: await listUnmanaged(config), error: null };
  } catch (error) {
    return { unmanaged: null, error: error instanceof Error ? error.message : String(error) };
  }
}

/** What {@link firstRun} found, for people. */
export function firstRunLines({ unmanaged, error }: FirstRun): string[] {
  const lines = ["Nothing is registered yet."];
  if (unmanaged === null) {
    lines.push(`What runs on this host is not known: ${error}`);
    return [...lines, "To begin: tinyforge add site NAME"];
  }
  const { count, composeProjects } = unmanaged;
  const projects = Object.entries(composeProjects);
  const named = projects.slice(0, MAX_NAMED).map(([name, n]) => `${name} (${n})`);
  if (projects.length > MAX_NAMED) named.push(`${projects.length - MAX_NAMED} more`);
  lines.push(
    count === 0
      ? "There are no containers on this host."
      : `${counted(count, "container")} on this host ${count === 1 ? "is" : "are"} unmanaged` +
        (named.length === 0 ? "." : `; Compose projects among them: ${named.join(", ")}.`),
  );
  // A name from a label is put into a command only when a shell takes it for nothing else.
  const safe = projects.map(([name]) => name).filter((name) => /^[a-z0-9][a-z0-9_-]*$/.test(name));
  const commands = safe.slice(0, MAX_NAMED)
    .map((name) => `  tinyforge add stack ${name} --compose-project ${name}`);
  if (commands.length > 0) lines.push("To take one in:", ...commands);
  lines.push(
    commands.length > 0 ? "To begin with a container of its own:" : "To begin:",
    "  tinyforge add site NAME",
    "  docker run -d $(tinyforge labels NAME) IMAGE",
  );
  return lines;
}

/** One quick listing, held against an empty index and an empty registry. */
async function listUnmanaged(config: Config): Promise<Unmanaged> {
  const [{ openDocker }, { plan }, { MemoryIndex }] = await Promise.all([
    import("../daemon.ts"),
    import("../core/plan.ts"),
    import("../core/memory_index.ts"),
  ]);
  using docker = openDocker(config);
  const listing = await docker.list({ timeoutMs: LISTING_TIMEOUT_MS });
  const nobody = () => undefined;
  const planned = plan(listing, {
    index: new MemoryIndex([]),
    directory: { byId: nobody, bySite: nobody, byComposeProject: nobody },
    composePrefix: config.composePrefix,
    candidates: new Map(),
    sweep: false,
  });
  return all(planned, planned.refused.length);
}

/** While nothing is registered, what bears our labels is as unmanaged as the rest. */
function all(
  { unmanaged, refused }: { unmanaged: Unmanaged; refused: readonly Refusal[] },
  refusedCount: number,
): Unmanaged {
  const composeProjects = { ...unmanaged.composeProjects };
  for (const { reason, value } of refused) {
    if (reason === "unknown-stack") composeProjects[value] = (composeProjects[value] ?? 0) + 1;
  }
  return { count: unmanaged.count + refusedCount, composeProjects };
}
